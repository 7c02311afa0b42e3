//! importedWindowsAutopilotDeviceIdentities, by the crate.

use graph_rs_sdk::{ODataQuery as _, error::ErrorType};
use serde_json::{Value, json as object};

use crate::server::{
    client, client_for, device, done, is_observed, json, refused, registered, settled, text,
};

#[tokio::test]
async fn create_and_poll() {
    for version in ["beta", "v1.0"] {
        let client = client_for(version, &[]);
        let mut sent = device();
        sent["groupTag"] = object!("Kiosk");
        sent["assignedUserPrincipalName"] = object!("user@contoso.example");
        let asked = client
            .device_management()
            .create_imported_windows_autopilot_device_identities(&sent);
        let accepted = json(asked.send().await).await;
        assert_eq!(accepted["serialNumber"], sent["serialNumber"]);
        assert_eq!(accepted["groupTag"], "Kiosk");
        assert_eq!(accepted["state"]["deviceImportStatus"], "unknown");

        let state = settled(&client, text(&accepted["id"])).await["state"].clone();
        assert_eq!(state["deviceImportStatus"], "complete");
        assert_eq!(state["deviceErrorCode"], 0);
        assert_eq!(state["deviceErrorName"], "None");
        let asked = client
            .device_management()
            .windows_autopilot_device_identities_id(text(&state["deviceRegistrationId"]))
            .get_windows_autopilot_device_identities();
        let found = json(asked.send().await).await;
        assert_eq!(found["serialNumber"], sent["serialNumber"]);
        assert_eq!(found["groupTag"], "Kiosk");
        assert_eq!(found["userPrincipalName"], "user@contoso.example");
    }
}

#[tokio::test]
async fn import_many_and_list_through_pages() {
    let client = client();
    let sent: Vec<Value> = (0..5).map(|_| device()).collect();
    let body = object!({ "importedWindowsAutopilotDeviceIdentities": sent });
    let answer = json(client.device_management().import(&body).send().await).await;
    let accepted = answer["value"].as_array().unwrap();
    assert_eq!(accepted.len(), sent.len());

    let asked = client
        .device_management()
        .list_imported_windows_autopilot_device_identities()
        .top("2");
    let pages = asked.paging().json::<Value>().await.unwrap();
    assert!(pages.len() >= 3, "{pages:?}");
    let mut listed = Vec::new();
    for page in pages {
        let page = page.into_body().unwrap();
        let rows = page["value"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() <= 2, "{page}");
        listed.extend(rows.iter().map(|row| row["id"].clone()));
    }
    for import in accepted {
        let times = listed.iter().filter(|id| **id == import["id"]).count();
        assert_eq!(times, 1, "{import}");
    }

    let asked = client
        .device_management()
        .get_imported_windows_autopilot_device_identities_count();
    assert!(json(asked.send().await).await.as_u64().unwrap() >= 5);
}

#[tokio::test]
async fn update() {
    let client = client();
    let import = registered(&client, &device()).await;
    let body = object!({ "groupTag": "Office" });
    let asked = client
        .device_management()
        .update_imported_windows_autopilot_device_identities(text(&import["id"]), &body);
    let answer = asked.send().await;
    if is_observed() {
        let code = "No method match route template";
        refused(answer, ErrorType::BadRequest, code, "").await;
        return;
    }
    assert_eq!(json(answer).await["groupTag"], "Office");
    let found = settled(&client, text(&import["id"])).await;
    assert_eq!(found["groupTag"], "Office");
}

#[tokio::test]
async fn delete_leaves_the_device() {
    let client = client();
    let import = registered(&client, &device()).await;
    let id = text(&import["id"]);
    let asked = client
        .device_management()
        .delete_imported_windows_autopilot_device_identities(id);
    done(asked.send().await).await;
    let asked = client
        .device_management()
        .get_imported_windows_autopilot_device_identities(id);
    let answer = asked.send().await;
    refused(answer, ErrorType::NotFound, "ResourceNotFound", id).await;
    let asked = client
        .device_management()
        .windows_autopilot_device_identities_id(text(&import["state"]["deviceRegistrationId"]))
        .get_windows_autopilot_device_identities();
    json(asked.send().await).await;
}
