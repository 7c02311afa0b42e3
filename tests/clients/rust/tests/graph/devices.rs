//! windowsAutopilotDeviceIdentities, by the crate.

use graph_rs_sdk::{ODataQuery as _, error::ErrorType};
use serde_json::{Value, json as object};

use crate::server::{
    client, client_for, device, done, is_observed, json, refused, registered, text,
};

#[tokio::test]
async fn list_through_pages() {
    let client = client();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let import = registered(&client, &device()).await;
        ids.push(import["state"]["deviceRegistrationId"].clone());
    }
    // The crate wants an id here, and puts it nowhere.
    let asked = client
        .device_management()
        .windows_autopilot_device_identities("")
        .list_windows_autopilot_device_identities()
        .top("1");
    let pages = asked.paging().json::<Value>().await.unwrap();
    let listed: Vec<_> = pages
        .into_iter()
        .map(|page| page.into_body().unwrap()["value"][0]["id"].clone())
        .collect();
    for id in ids {
        assert_eq!(listed.iter().filter(|other| **other == id).count(), 1);
    }
}

#[tokio::test]
async fn create_and_update() {
    let client = client();
    let body = object!({ "manufacturer": "Contoso", "model": "Book", "serialNumber": "Rust-1" });
    let asked = client
        .device_management()
        .windows_autopilot_device_identities("")
        .create_windows_autopilot_device_identities(&body);
    let answer = asked.send().await;
    let change = object!({ "purchaseOrderIdentifier": "PO-7" });
    let update = async |id: &str| {
        let asked = client
            .device_management()
            .windows_autopilot_device_identities_id(id)
            .update_windows_autopilot_device_identities(&change);
        asked.send().await
    };
    if is_observed() {
        let code = "No method match route template";
        refused(answer, ErrorType::BadRequest, code, "").await;
        let import = registered(&client, &device()).await;
        let answer = update(text(&import["state"]["deviceRegistrationId"])).await;
        refused(answer, ErrorType::BadRequest, code, "").await;
        return;
    }
    let created = json(answer).await;
    let updated = json(update(text(&created["id"])).await).await;
    assert_eq!(updated["serialNumber"], "Rust-1");
    assert_eq!(updated["purchaseOrderIdentifier"], "PO-7");
}

#[tokio::test]
async fn assign_a_user_and_properties() {
    for version in ["beta", "v1.0"] {
        let client = client_for(version, &[]);
        let import = registered(&client, &device()).await;
        let id = text(&import["state"]["deviceRegistrationId"]);
        let one = || {
            client
                .device_management()
                .windows_autopilot_device_identities_id(id)
        };
        let user = object!({
            "userPrincipalName": "user@contoso.example", "addressableUserName": "A User",
        });
        let answer = one().assign_user_to_device(&user).send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let properties = object!({ "displayName": "PC-1", "groupTag": "Office" });
        let answer = one().update_device_properties(&properties).send().await;
        assert_eq!(answer.unwrap().status(), 204);
        let found = json(one().get_windows_autopilot_device_identities().send().await).await;
        assert_eq!(found["userPrincipalName"], "user@contoso.example");
        assert_eq!(found["displayName"], "PC-1");
        assert_eq!(found["groupTag"], "Office");
        let answer = one().unassign_user_from_device().send().await.unwrap();
        assert_eq!(answer.status(), 204);
        let found = json(one().get_windows_autopilot_device_identities().send().await).await;
        assert_eq!(found["userPrincipalName"], "");
    }
}

#[tokio::test]
async fn expand() {
    let client = client();
    let import = registered(&client, &device()).await;
    // The crate joins several names by blanks, where OData wants commas.
    let asked = client
        .device_management()
        .windows_autopilot_device_identities_id(text(&import["state"]["deviceRegistrationId"]))
        .get_windows_autopilot_device_identities()
        .expand(&["deploymentProfile,intendedDeploymentProfile"]);
    let found = json(asked.send().await).await;
    assert_eq!(found["deploymentProfileAssignmentStatus"], "notAssigned");
    assert_eq!(found.get("deploymentProfile"), Some(&Value::Null));
    assert_eq!(found.get("intendedDeploymentProfile"), Some(&Value::Null));
}

#[tokio::test]
async fn delete_frees_the_hardware() {
    let client = client();
    let sent = device();
    let import = registered(&client, &sent).await;
    let id = text(&import["state"]["deviceRegistrationId"]);
    let one = || {
        client
            .device_management()
            .windows_autopilot_device_identities_id(id)
    };
    done(
        one()
            .delete_windows_autopilot_device_identities()
            .send()
            .await,
    )
    .await;
    let answer = one().get_windows_autopilot_device_identities().send().await;
    refused(answer, ErrorType::NotFound, "ResourceNotFound", id).await;
    let again = registered(&client, &sent).await;
    assert_ne!(again["state"]["deviceRegistrationId"], id);
}
