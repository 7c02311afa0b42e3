//! `get-windowsautopilotinfocommunity`: looks for the device among all devices first, waits by the
//! whole list of imports, and clears up behind itself.

use serde_json::Value;

use super::{
    get_windows_autopilot_info::{import, machine},
    powershell::{Body, DEVICES, Desk, IMPORTS, SETTINGS},
};

/// The device with this serial number, as the script looks for it: by itself, among all.
async fn find(desk: &mut Desk, serial: &str) -> Option<Value> {
    let devices = desk.all(DEVICES).await;
    devices
        .into_iter()
        .find(|device| device["serialNumber"] == serial)
}

#[tokio::test]
async fn an_unknown_device_is_added_and_awaited_in_the_list() {
    for mut desk in Desk::both().await {
        desk.register(1..=2).await;
        let (serial, hash) = machine(3);
        assert!(find(&mut desk, &serial).await.is_none());
        let body = import(&serial, &hash, "Kiosk", "");
        desk.post(IMPORTS, body).await.object();
        let mut polls = 0;
        let imported = loop {
            polls += 1;
            let records = desk.all(IMPORTS).await;
            let own = records
                .into_iter()
                .find(|record| record["serialNumber"] == serial.as_str())
                .expect("its own record");
            // What is not registered yet has an empty id, not null.
            let device = own["state"]["deviceRegistrationId"].as_str();
            if !device.expect("a text").is_empty() {
                break own;
            }
            assert_eq!(own["state"]["deviceImportStatus"], "unknown");
            assert!(polls < 10, "it waits without an end");
            desk.sleep(30).await;
        };
        assert_eq!(polls, 3);
        let device = imported["state"]["deviceRegistrationId"].as_str().unwrap();
        let found = find(&mut desk, &serial).await.expect("the device");
        assert_eq!(found["id"], device);
        // It calls methods of the date.
        let contacted = found["lastContactedDateTime"].as_str();
        assert_eq!(contacted, Some("0001-01-01T00:00:00Z"));
        // With a tag it clears its record.
        let one = format!("{IMPORTS}/{}", imported["id"].as_str().unwrap());
        desk.delete(&one).await.done();
        assert_eq!(desk.all(IMPORTS).await.len(), 2);
    }
}

#[tokio::test]
async fn a_known_device_gets_a_new_tag_or_goes() {
    for mut desk in Desk::both().await {
        desk.register(1..=2).await;
        let (serial, _) = machine(2);
        let found = find(&mut desk, &serial).await.expect("the device");
        let one = format!("{DEVICES}/{}", found["id"].as_str().unwrap());
        let action = format!("{one}/UpdateDeviceProperties");
        desk.post(&action, r#"{ groupTag: "Office" }"#).await.done();
        let found = find(&mut desk, &serial).await.expect("the device");
        assert_eq!(found["groupTag"], "Office");

        desk.delete(&one).await.done();
        assert!(find(&mut desk, &serial).await.is_none());
        // What it deletes, it adds anew.
        let (serial, hash) = machine(2);
        desk.post(IMPORTS, import(&serial, &hash, "", ""))
            .await
            .object();
        desk.sleep(60).await;
        assert!(find(&mut desk, &serial).await.is_some());
    }
}

#[tokio::test]
async fn a_sync_that_fails_is_tried_once_more_after_twelve_minutes_and_a_half() {
    for mut desk in Desk::both().await {
        let sync = format!("{SETTINGS}/sync");
        desk.invoke("POST", &sync, Body::None).await.done();
        // A second machine on the same desk: too soon, whether the first sync still runs or not.
        for seconds in [1, 30] {
            desk.sleep(seconds).await;
            let (status, ..) = desk.invoke("POST", &sync, Body::None).await.failure();
            assert_eq!(status, if seconds == 1 { 409 } else { 429 });
        }
        desk.sleep(750).await;
        desk.invoke("POST", &sync, Body::None).await.done();
    }
}
