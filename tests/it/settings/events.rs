//! GET of `autopilotEvents`.

use crate::harness::{House, error, text};

#[tokio::test]
async fn there_are_no_events() {
    let house = House::new();
    let path = "/beta/deviceManagement/autopilotEvents";
    let answer = house.get(path).await;
    insta::assert_snapshot!(text(&answer), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/autopilotEvents","value":[]}"#);
    let counted = house.get(&format!("{path}?$count=true&$top=5")).await;
    assert_eq!(counted.json()["@odata.count"], 0);
    let answer = house.get(&format!("{path}?$search=x")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$search' is not supported here."
    );
    assert_eq!(house.get(&path.replace("beta", "v1.0")).await.status, 400);
}
