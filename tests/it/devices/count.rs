//! GET of the devices' number.

use http::Method;

use crate::harness::{DEVICES, House, VERSIONS, error, text};

#[tokio::test]
async fn the_number_is_plain_text() {
    let house = House::new();
    let path = format!("{DEVICES}/$count");
    assert_eq!(text(&house.get(&path).await), "0");
    let (_, device) = house.register(&house.contoso, 1).await;
    house.register(&house.contoso, 2).await;
    house.register(&house.fabrikam, 3).await;
    for version in VERSIONS {
        let answer = house.get(&path.replace("beta", version)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(text(&answer), "2");
    }
    house.delete(&format!("{DEVICES}/{device}")).await;
    assert_eq!(text(&house.get(&path).await), "1");

    let ask = house
        .ask(Method::GET, &path)
        .header("accept", "application/xml");
    assert_eq!(ask.send().await.status, 406);
    let answer = house.get(&format!("{path}?$top=1")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$top' is not supported here."
    );
}
