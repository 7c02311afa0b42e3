//! GET of the settings.

use http::Method;

use crate::harness::{House, SETTINGS, error, masked};

#[tokio::test]
async fn a_tenant_that_was_never_synced_has_settings_all_the_same() {
    let house = House::new();
    let answer = house.get(SETTINGS).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotSettings/$entity","@odata.type":"#microsoft.graph.windowsAutopilotSettings","id":"<id 1>","lastSyncDateTime":"0001-01-01T00:00:00Z","lastManualSyncTriggerDateTime":"0001-01-01T00:00:00Z","syncStatus":"unknown"}"##);
    let house = House::observed();
    let answer = house.get(SETTINGS).await;
    assert_eq!(answer.json().get("@odata.type"), None);
}

#[tokio::test]
async fn there_is_one_in_beta_alone_and_without_options() {
    let house = House::new();
    let stable = house.get(&SETTINGS.replace("beta", "v1.0")).await;
    assert_eq!(
        error(&stable),
        "400 BadRequest: Resource not found for the segment 'windowsAutopilotSettings'."
    );
    let answer = house.get(&format!("{SETTINGS}?$top=1")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The query option '$top' is not supported here."
    );
    let answer = house.get(&format!("{SETTINGS}/7")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: Resource not found for the segment '7'."
    );
    let answer = house.delete(SETTINGS).await;
    assert_eq!(answer.status, 400);
    let ask = house.ask(Method::GET, SETTINGS);
    let answer = ask.header("accept", "application/xml").send().await;
    assert_eq!(answer.status, 406);
}
