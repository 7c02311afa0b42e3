//! GET of the imports' number.

use http::Method;
use serde_json::json;

use crate::harness::{House, IMPORTS, VERSIONS, error, text};

#[tokio::test]
async fn the_number_is_plain_text() {
    let house = House::new();
    for version in VERSIONS {
        let set = IMPORTS.replace("beta", version);
        for path in [format!("{set}/$count"), format!("{set}/%24Count/")] {
            let answer = house.get(&path).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some("text/plain"));
            assert_eq!(text(&answer), "0");
        }
    }
    for number in 1..=3 {
        house.accept(&house.contoso, &json!({})).await;
        house.accept(&house.fabrikam, &json!({})).await;
        let answer = house.get(&format!("{IMPORTS}/$count")).await;
        assert_eq!(text(&answer), number.to_string());
    }
    house.api.settle().await;
    let path = format!("{IMPORTS}/$count");
    for (accept, status) in [
        ("text/plain", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("application/xml", 406),
    ] {
        let ask = house.ask(Method::GET, &path).header("accept", accept);
        assert_eq!(ask.send().await.status, status, "{accept}");
    }
    let answer = house
        .get(&format!("{path}?$filter=state/deviceErrorCode%20eq%20803"))
        .await;
    assert_eq!(text(&answer), "3");
    let answer = house.get(&format!("{path}?$top=1")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$top' is not supported here."
    );
}
