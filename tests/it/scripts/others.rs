//! Other scripts that are in use, by what is peculiar to them.

use serde_json::{Value, json};

use super::{
    get_windows_autopilot_info::{import, machine},
    powershell::{Body, DEVICES, Desk, IMPORTS},
};

fn in_v1(path: &str) -> String {
    path.replace("/beta/", "/v1.0/")
}

#[tokio::test]
async fn a_minimal_body_is_awaited_until_complete_or_error() {
    for mut desk in Desk::both().await {
        for (seed, hash, end) in [
            (1, machine(1).1, "complete"),
            (2, "bm8=".to_owned(), "error"),
        ] {
            let body = json!({ "serialNumber": machine(seed).0, "hardwareIdentifier": hash });
            let added = desk.post(IMPORTS, body.to_string()).await.object();
            let one = format!("{IMPORTS}/{}", added["id"].as_str().unwrap());
            let mut statuses = Vec::new();
            while !["complete", "error"]
                .map(Value::from)
                .contains(statuses.last().unwrap_or(&Value::Null))
            {
                assert!(statuses.len() < 10, "it waits without an end: {statuses:?}");
                let import = desk.get(&one).await.object();
                statuses.push(import["state"]["deviceImportStatus"].clone());
                desk.sleep(30).await;
            }
            assert_eq!(statuses, ["unknown", "unknown", end]);
        }
    }
}

#[tokio::test]
async fn one_version_posts_and_the_other_reads() {
    for mut desk in Desk::both().await {
        let (serial, hash) = machine(1);
        let body = import(&serial, &hash, "Kiosk", "");
        let added = desk.post(&in_v1(IMPORTS), body).await.object();
        desk.sleep(60).await;
        let one = format!("{IMPORTS}/{}", added["id"].as_str().unwrap());
        let imported = desk.get(&one).await.object();
        assert_eq!(imported["state"]["deviceImportStatus"], "complete");
        let device = imported["state"]["deviceRegistrationId"].as_str().unwrap();
        let one = in_v1(&format!("{DEVICES}/{device}"));
        assert_eq!(desk.get(&one).await.object()["groupTag"], "Kiosk");
    }
}

#[tokio::test]
async fn an_importer_sends_the_tag_by_both_names() {
    for mut desk in Desk::both().await {
        for (seed, order, tag) in [(1, "Kiosk", "Kiosk"), (2, "", "Kiosk"), (3, "Kiosk", "")] {
            let (serial, hash) = machine(seed);
            let body = json!({
                "@odata.type": "#microsoft.graph.importedWindowsAutopilotDeviceIdentity",
                "orderIdentifier": order,
                "groupTag": tag,
                "serialNumber": serial,
                "productKey": "",
                "hardwareIdentifier": hash,
                "state": {
                    "@odata.type": "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
                    "deviceImportStatus": "pending",
                    "deviceRegistrationId": "",
                    "deviceErrorCode": 0,
                    "deviceErrorName": "",
                },
            });
            let added = desk.post(IMPORTS, body.to_string()).await.object();
            let one = format!("{IMPORTS}/{}", added["id"].as_str().unwrap());
            // It waits for `unknown` and for `pending`.
            desk.sleep(30).await;
            let waiting = desk.get(&one).await.object();
            assert_eq!(waiting["state"]["deviceImportStatus"], "unknown");
            desk.sleep(30).await;
            let imported = desk.get(&one).await.object();
            assert_eq!(imported["state"]["deviceImportStatus"], "complete");
            assert_eq!(imported["groupTag"], "Kiosk");
            assert_eq!(imported["orderIdentifier"], "Kiosk");
        }
    }
}

#[tokio::test]
async fn many_are_imported_on_v1_and_deleted_in_chunks_of_a_hundred() {
    for mut desk in Desk::both().await {
        let machines: Vec<_> = (1..=101).map(machine).collect();
        let rows: Vec<_> = machines
            .iter()
            .map(|(serial, hash)| json!({ "serialNumber": serial, "hardwareIdentifier": hash }))
            .collect();
        let body = json!({ "importedWindowsAutopilotDeviceIdentities": rows });
        let action = in_v1(&format!("{IMPORTS}/import"));
        let answer = desk.post(&action, body.to_string()).await.object();
        let accepted = answer["value"].as_array().unwrap();
        assert_eq!(accepted.len(), 101);
        desk.sleep(60).await;

        let serials: Vec<_> = machines.iter().map(|(serial, _)| serial).collect();
        let action = in_v1(&format!("{DEVICES}/deleteDevices"));
        for chunk in serials.chunks(100) {
            let body = json!({ "serialNumbers": chunk });
            let answer = desk.post(&action, body.to_string()).await.object();
            let outcomes = answer["value"].as_array().unwrap();
            assert_eq!(outcomes.len(), chunk.len());
            for (outcome, serial) in outcomes.iter().zip(chunk) {
                assert_eq!(outcome["serialNumber"], serial.as_str());
                assert_eq!(outcome["deletionState"], "accepted");
            }
        }
        assert_eq!(desk.all(DEVICES).await.len(), 0);
    }
}

#[tokio::test]
async fn a_device_is_found_by_its_id_in_the_directory() {
    let ours = "5c7c8a2e-0000-4000-8000-000000000001";
    let filter = |id: &str| format!("{DEVICES}?$filter=azureActiveDirectoryDeviceId%20eq%20'{id}'");
    for mut desk in Desk::both().await {
        let device = desk.register(1..=2).await.remove(0);
        assert_eq!(desk.all(&filter(ours)).await.len(), 0);
        // Nobody but a client tells Hangar of the directory, and the live service takes no PATCH.
        let one = format!("{DEVICES}/{device}");
        let body = json!({ "azureActiveDirectoryDeviceId": ours }).to_string();
        let reply = desk
            .invoke("PATCH", &one, Body::Json(body.as_bytes()))
            .await;
        if desk.is_observed() {
            assert_eq!(reply.failure().0, 400);
        } else {
            reply.object();
            let found = desk.all(&filter(ours)).await;
            assert_eq!(found.len(), 1);
            assert_eq!(found[0]["id"], device.as_str());
        }
    }
}
