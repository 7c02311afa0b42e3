//! windowsAutopilotDeviceIdentities, by the crate.

use graph_rs_sdk::{ODataQuery as _, error::ErrorType};
use serde_json::Value;

use crate::server::{client, device, done, refused, registered, text};

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
