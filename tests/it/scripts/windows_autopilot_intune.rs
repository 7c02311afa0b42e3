//! The module `WindowsAutopilotIntune`: what its other commands send, and the old ones before 2019.

use serde_json::json;

use super::{
    get_windows_autopilot_info::{import, machine},
    powershell::{Body, DEVICES, Desk, IMPORTS},
};

#[tokio::test]
async fn import_autopilot_csv_posts_row_by_row_and_clears_what_is_settled() {
    for mut desk in Desk::both().await {
        for seed in 1..=3 {
            let (serial, hash) = machine(seed);
            let row = import(&serial, &hash, "", "");
            desk.post(IMPORTS, row).await.object();
        }
        // It asks for the whole list, and waits for as long as any record in it is `unknown`.
        let mut polls = 0;
        let settled = loop {
            polls += 1;
            let records = desk.all(IMPORTS).await;
            let waits =
                |record: &&serde_json::Value| record["state"]["deviceImportStatus"] == "unknown";
            if !records.iter().any(|record| waits(&record)) {
                break records;
            }
            assert!(polls < 10, "it waits without an end");
            desk.sleep(15).await;
        };
        assert_eq!((polls, settled.len()), (4, 3));
        for record in &settled {
            assert_eq!(record["state"]["deviceImportStatus"], "complete");
            let one = format!("{IMPORTS}/{}", record["id"].as_str().unwrap());
            desk.delete(&one).await.done();
        }
        assert_eq!(desk.all(IMPORTS).await.len(), 0);
        assert_eq!(desk.all(DEVICES).await.len(), 3);
    }
}

#[tokio::test]
async fn get_autopilot_device_follows_the_links_to_the_end() {
    for mut desk in Desk::both().await {
        desk.register(1..=7).await;
        // The module asks for no size of pages; others ask for 999. The loop is the same.
        for (path, pages) in [(DEVICES.to_owned(), 1), (format!("{DEVICES}?$top=3"), 3)] {
            let devices = desk.all(&path).await;
            let mut ids: Vec<_> = devices.iter().map(|device| &device["id"]).collect();
            ids.dedup();
            assert_eq!((ids.len(), desk.pages), (7, pages));
        }
    }
}

#[tokio::test]
async fn set_autopilot_device_sends_names_without_quotes() {
    for mut desk in Desk::both().await {
        let device = desk.register(1..=1).await.remove(0);
        let action = format!("{DEVICES}/{device}/UpdateDeviceProperties");
        let all = r#"{ userPrincipalName: "a@contoso.example", addressableUserName: "A", displayName: "PC-1", groupTag: "T" }"#;
        desk.post(&action, all).await.done();
        desk.post(&action, r#"{ groupTag: "" }"#).await.done();
        let one = format!("{DEVICES}/{device}");
        let found = desk.get(&one).await.object();
        assert_eq!(found["userPrincipalName"], "a@contoso.example");
        assert_eq!(found["addressableUserName"], "A");
        assert_eq!(found["displayName"], "PC-1");
        assert_eq!(found["groupTag"], "");
        // As `ConvertTo-Json` of Windows PowerShell writes it.
        let body = "{\r\n    \"groupTag\":  \"Office\"\r\n}";
        desk.post(&action, body).await.done();
        assert_eq!(desk.get(&one).await.object()["groupTag"], "Office");
    }
}

#[tokio::test]
async fn remove_autopilot_device_takes_any_success() {
    for mut desk in Desk::both().await {
        let device = desk.register(1..=1).await.remove(0);
        let one = format!("{DEVICES}/{device}");
        desk.delete(&one).await.done();
        let (status, code, message) = desk.delete(&one).await.failure();
        if desk.is_observed() {
            assert_eq!(status, 400);
            assert!(message.contains("ZtdDeviceDeletionInProgess"), "{message}");
            desk.sleep(31 * 60).await;
            let (status, _, message) = desk.delete(&one).await.failure();
            assert_eq!(status, 400);
            assert!(message.contains("ZtdDeviceAlreadyDeleted"), "{message}");
        } else {
            assert_eq!((status, code.as_str()), (404, "ResourceNotFound"));
        }
        assert_eq!(desk.all(DEVICES).await.len(), 0);
    }
}

#[tokio::test]
async fn modules_before_2019_call_the_tag_an_order() {
    for mut desk in Desk::both().await {
        let (serial, hash) = machine(1);
        let body = import(&serial, &hash, "Order 7", "").replace("groupTag", "orderIdentifier");
        let added = desk.post(IMPORTS, body).await.object();
        assert_eq!(added["orderIdentifier"], "Order 7");
        desk.sleep(60).await;
        let device = desk.all(DEVICES).await.remove(0);
        assert_eq!(device["groupTag"], "Order 7");
        let one = format!("{DEVICES}/{}", device["id"].as_str().unwrap());
        let user = json!({
            "userPrincipalName": "a@contoso.example",
            "addressableUserName": "A",
        });
        let action = format!("{one}/assignUserToDevice");
        desk.post(&action, user.to_string()).await.done();
        assert_eq!(
            desk.get(&one).await.object()["userPrincipalName"],
            "a@contoso.example"
        );
        let action = format!("{one}/unassignUserFromDevice");
        desk.invoke("POST", &action, Body::None).await.done();
        assert_eq!(desk.get(&one).await.object()["userPrincipalName"], "");
    }
}
