//! PATCH of the settings, which are all the service's own.

use http::Method;
use serde_json::json;

use crate::harness::{House, SETTINGS, text};

#[tokio::test]
async fn what_was_read_can_be_sent_back_and_changes_nothing() {
    let house = House::new();
    house
        .ask(Method::POST, &format!("{SETTINGS}/sync"))
        .send()
        .await;
    let read = house.get(SETTINGS).await;
    let answer = house.patch(SETTINGS, &read.json()).await;
    assert_eq!((answer.status.as_u16(), text(&answer)), (200, text(&read)));
    let other = json!({
        "id": "another", "syncStatus": "failed",
        "lastSyncDateTime": "2020-01-01T00:00:00Z",
        "lastManualSyncTriggerDateTime": "0001-01-01T00:00:00Z",
    });
    let answer = house.patch(SETTINGS, &other).await;
    assert_eq!((answer.status.as_u16(), text(&answer)), (200, text(&read)));
}

#[tokio::test]
async fn what_is_no_settings_is_refused() {
    let house = House::new();
    for body in [
        json!([]),
        json!(null),
        json!({ "other": 1 }),
        json!({ "ID": "x" }),
        json!({ "id": 7 }),
        json!({ "syncStatus": "Completed" }),
        json!({ "syncStatus": null }),
        json!({ "lastSyncDateTime": "yesterday" }),
        json!({ "lastSyncDateTime": 5 }),
        json!({ "lastManualSyncTriggerDateTime": null }),
        json!({ "@odata.type": "#microsoft.graph.device" }),
    ] {
        let answer = house.patch(SETTINGS, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", text(&answer));
    }
    assert_eq!(house.ask(Method::PATCH, SETTINGS).send().await.status, 400);
}
