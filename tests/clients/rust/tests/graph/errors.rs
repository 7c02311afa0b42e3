//! Each refusal becomes the crate's own error, with its code and its message.

use graph_rs_sdk::{GraphClient, GraphResult, ODataQuery as _, error::ErrorType};
use reqwest::Response;
use serde_json::{Value, json as object};

use crate::server::{client, client_for, client_with, device, json, refused, registered, text};

async fn post(client: &GraphClient, body: &Value) -> GraphResult<Response> {
    let asked = client
        .device_management()
        .create_imported_windows_autopilot_device_identities(body);
    asked.send().await
}

async fn list(client: &GraphClient) -> GraphResult<Response> {
    let asked = client
        .device_management()
        .list_imported_windows_autopilot_device_identities();
    asked.send().await
}

async fn get(client: &GraphClient, id: &str) -> GraphResult<Response> {
    let asked = client
        .device_management()
        .get_imported_windows_autopilot_device_identities(id);
    asked.send().await
}

#[tokio::test]
async fn bad_request() {
    let client = client();
    let code = "BadRequest";
    let answer = post(&client, &object!({ "colour": "blue" })).await;
    let message = "The property 'colour' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'.";
    refused(answer, ErrorType::BadRequest, code, message).await;
    let answer = post(&client, &object!({ "id": "seven" })).await;
    refused(answer, ErrorType::BadRequest, code, "id").await;
    let asked = client
        .device_management()
        .list_imported_windows_autopilot_device_identities()
        .search("x");
    let answer = asked.send().await;
    refused(answer, ErrorType::BadRequest, code, "$search").await;
}

#[tokio::test]
async fn unauthorized() {
    let code = "InvalidAuthenticationToken";
    let answer = list(&client_for("beta", &["--lifetime=-1h"])).await;
    let message = "Lifetime validation failed, the token is expired.";
    refused(answer, ErrorType::Unauthorized, code, message).await;
    let answer = list(&client_with("v1.0", "x.y.z")).await;
    let message = "CompactToken parsing failed";
    refused(answer, ErrorType::Unauthorized, code, message).await;
}

#[tokio::test]
async fn forbidden() {
    let reader = client_for("beta", &["--user", "reader"]);
    json(list(&reader).await).await;
    let answer = post(&reader, &device()).await;
    let message = "Application must have one of the following scopes: DeviceManagementServiceConfig.ReadWrite.All";
    refused(answer, ErrorType::Forbidden, "Forbidden", message).await;
    let answer = list(&client_for("beta", &["--app-only"])).await;
    let message = "app only context";
    refused(answer, ErrorType::Forbidden, "Forbidden", message).await;
}

#[tokio::test]
async fn not_found() {
    let code = "ResourceNotFound";
    let nowhere = "00000000-0000-4000-8000-000000000001";
    let client = client();
    let answer = get(&client, nowhere).await;
    refused(answer, ErrorType::NotFound, code, nowhere).await;
    let import = registered(&client, &device()).await;
    let theirs = client_for("beta", &["--tenant", "fabrikam"]);
    let answer = get(&theirs, text(&import["id"])).await;
    refused(answer, ErrorType::NotFound, code, text(&import["id"])).await;
}

#[tokio::test]
async fn conflict() {
    let client = client();
    let taken = json(post(&client, &device()).await).await["id"].clone();
    let mut body = device();
    body["id"] = taken.clone();
    let answer = post(&client, &body).await;
    refused(answer, ErrorType::Conflict, "Conflict", text(&taken)).await;
}
