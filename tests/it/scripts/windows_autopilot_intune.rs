//! The module `WindowsAutopilotIntune`: what its other commands send, and the old ones before 2019.

use serde_json::{Value, json};

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
            let waits = |record: &&Value| record["state"]["deviceImportStatus"] == "unknown";
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

/// The device with this serial number, as `Get-AutopilotDevice -serial` looks for it: by what stands
/// before the first blank, and then by itself.
async fn by_serial(desk: &mut Desk, serial: &str) -> Vec<Value> {
    let first = serial.split(' ').next().unwrap();
    let path = format!("{DEVICES}?$filter=contains(serialNumber,'{first}')");
    let mut devices = desk.all(&path).await;
    devices.retain(|device| device["serialNumber"] == serial);
    devices
}

#[tokio::test]
async fn get_autopilot_device_filters_by_serial() {
    for mut desk in Desk::both().await {
        let serials = [
            "VMware-56 4d 01",
            "VMware-56 4d 02",
            "VMware-57",
            "SN'1",
            "50% #1&2",
        ];
        desk.register_as(&serials).await;
        for serial in &serials[..3] {
            assert_eq!(by_serial(&mut desk, serial).await.len(), 1, "{serial}");
        }
        let path = format!("{DEVICES}?$filter=contains(serialNumber,'VMware')");
        assert_eq!(desk.all(&path).await.len(), 3);
        assert_eq!(by_serial(&mut desk, "VMware-58").await.len(), 0);
        // What `[uri]::EscapeDataString` makes of a serial number, and of a whole filter.
        for (encoded, found) in [
            (
                "$filter=contains(serialNumber,'50%25%20%231%262')",
                "50% #1&2",
            ),
            ("$filter=contains(serialNumber,'SN%27%271')", "SN'1"),
            ("$filter=contains(serialNumber,'SN''1')", "SN'1"),
            (
                "%24filter=contains%28serialNumber%2C%27VMware-57%27%29",
                "VMware-57",
            ),
            ("filter=contains(serialNumber,'VMware-57')", "VMware-57"),
        ] {
            let devices = desk.all(&format!("{DEVICES}?{encoded}")).await;
            let serials: Vec<_> = devices
                .iter()
                .map(|device| &device["serialNumber"])
                .collect();
            assert_eq!(serials, [found], "{encoded}");
        }
    }
}

#[tokio::test]
async fn get_autopilot_imported_device_filters_with_a_stray_slash() {
    for mut desk in Desk::both().await {
        desk.register(1..=3).await;
        let path = format!("{IMPORTS}/?$filter=contains(serialNumber,'SN000002')");
        let imports = desk.all(&path).await;
        assert_eq!(imports.len(), 1);
        assert_eq!(imports[0]["serialNumber"], "SN000002");
        let path = format!("{IMPORTS}/?$filter=contains(serialNumber,'nobody')");
        assert_eq!(desk.all(&path).await.len(), 0);
    }
}
