//! `Get-WindowsAutopilotInfo -Online`, with the module `WindowsAutopilotIntune`: adds one device, waits
//! until it is imported, waits until it is synchronized, names it, waits for its profile.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;

use super::powershell::{DEVICES, Desk, IMPORTS};

/// The body that `Add-AutopilotImportedDevice` writes: a here-string of a script with Windows' line
/// ends, in which nothing is escaped.
pub(super) fn import(serial: &str, hash: &str, tag: &str, user: &str) -> String {
    format!(
        r##"{{
    "@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentity",
    "groupTag": "{tag}",
    "serialNumber": "{serial}",
    "productKey": "",
    "hardwareIdentifier": "{hash}",
    "assignedUserPrincipalName": "{user}",
    "state": {{
        "@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
        "deviceImportStatus": "pending",
        "deviceRegistrationId": "",
        "deviceErrorCode": 0,
        "deviceErrorName": ""
    }}
}}"##
    )
    .replace('\n', "\r\n")
}

/// An invented device, as the script reads it off the machine: serial number and hash.
pub(super) fn machine(seed: u64) -> (String, String) {
    let serial = format!("SN{seed:06}");
    let blob = Builder::new(seed).serial_number(&serial).build();
    (serial, BASE64_STANDARD.encode(blob))
}

#[tokio::test]
async fn a_device_is_added_awaited_and_named() {
    for mut desk in Desk::both().await {
        let (serial, hash) = machine(1);
        let body = import(&serial, &hash, "Kiosk", "user@contoso.example");
        let added = desk.post(IMPORTS, body).await.object();
        let id = added["id"].as_str().unwrap().to_owned();

        // It waits for as long as the status is the literal `unknown`.
        let one = format!("{IMPORTS}/{id}");
        let mut polls = 0;
        let imported = loop {
            polls += 1;
            let import = desk.get(&one).await.object();
            if import["state"]["deviceImportStatus"] != "unknown" {
                break import;
            }
            assert!(polls < 10, "it waits without an end");
            desk.sleep(30).await;
        };
        assert_eq!(polls, 3);
        assert_eq!(imported["serialNumber"], serial.as_str());
        assert_eq!(imported["groupTag"], "Kiosk");
        let state = &imported["state"];
        assert_eq!(state["deviceImportStatus"], "complete");
        assert_eq!(state["deviceErrorCode"], 0);
        assert_eq!(state["deviceErrorName"], "None");

        // A 404 would end its wait for the sync without a word.
        let device = state["deviceRegistrationId"].as_str().unwrap();
        let one = format!("{DEVICES}/{device}");
        let synced = desk.get(&one).await.object();
        assert_eq!(synced["id"], device);
        assert_eq!(synced["groupTag"], "Kiosk");
        assert_eq!(synced["userPrincipalName"], "user@contoso.example");

        // The module's own JSON, without quotes about the names.
        let action = format!("{one}/UpdateDeviceProperties");
        desk.post(&action, r#"{ displayName: "PC-1" }"#)
            .await
            .done();
        assert_eq!(desk.get(&one).await.object()["displayName"], "PC-1");

        // It asks for what it waits for; a property that is null would be an error.
        let expanded = format!("{one}?$expand=deploymentProfile,intendedDeploymentProfile");
        let device = desk.get(&expanded).await.object();
        assert_eq!(device["deploymentProfileAssignmentStatus"], "notAssigned");
    }
}

#[tokio::test]
async fn a_device_that_is_refused_is_reported_by_code_and_name() {
    for mut desk in Desk::both().await {
        let (serial, hash) = machine(2);
        let body = import(&serial, &hash, "", "");
        for (code, name) in [(0, "None"), (806, "ZtdDeviceAlreadyAssigned")] {
            let added = desk.post(IMPORTS, &body).await.object();
            desk.sleep(60).await;
            let one = format!("{IMPORTS}/{}", added["id"].as_str().unwrap());
            let state = desk.get(&one).await.object()["state"].clone();
            assert_eq!(state["deviceErrorCode"], code);
            assert_eq!(state["deviceErrorName"], name);
        }
        let broken = import(&serial, "bm90IGEgaGFzaA==", "", "");
        let added = desk.post(IMPORTS, broken).await.object();
        desk.sleep(60).await;
        let one = format!("{IMPORTS}/{}", added["id"].as_str().unwrap());
        let state = desk.get(&one).await.object()["state"].clone();
        assert_eq!(state["deviceImportStatus"], "error");
        assert_eq!(state["deviceErrorCode"], 802);
    }
}

#[tokio::test]
async fn a_body_in_the_machines_own_code_page_is_read_as_the_service_reads_it() {
    let body = import("SN-Ü", "", "Büro", "");
    let bytes: Vec<u8> = body.chars().map(|letter| letter as u8).collect();
    for mut desk in Desk::both().await {
        let reply = desk.post(IMPORTS, &bytes).await;
        if desk.is_observed() {
            let added = reply.object();
            assert_eq!(added["serialNumber"], "SN-Ü");
            assert_eq!(added["groupTag"], "Büro");
        } else {
            let (status, code, message) = reply.failure();
            assert_eq!((status, code.as_str()), (400, "BadRequest"));
            assert!(message.contains("UTF-8"), "{message}");
        }
    }
}
