//! `$batch`, by the crate: the caller writes the parts.

use graph_rs_sdk::error::ErrorType;
use serde_json::{Value, json as object};

use crate::server::{client, client_for, device, json, refused, settled, text};

const IMPORTS: &str = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";

fn create(id: &str) -> Value {
    object!({
        "id": id, "method": "POST", "url": IMPORTS, "body": device(),
        "headers": { "Content-Type": "application/json" },
    })
}

/// The answers' statuses, by their ids.
fn statuses(answer: &Value) -> Vec<(&str, u64)> {
    let responses = answer["responses"].as_array().unwrap().iter();
    let mut found: Vec<_> = responses
        .map(|response| (text(&response["id"]), response["status"].as_u64().unwrap()))
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn create_twenty() {
    let client = client();
    let parts: Vec<_> = (0..20).map(|id| create(&id.to_string())).collect();
    let body = object!({ "requests": parts });
    let answer = json(client.batch(&body).send().await).await;
    assert!(statuses(&answer).iter().all(|(_, status)| *status == 201));
    assert_eq!(statuses(&answer).len(), 20);
    let last = &answer["responses"][19]["body"];
    let import = settled(&client, text(&last["id"])).await;
    assert_eq!(import["state"]["deviceImportStatus"], "complete");
}

#[tokio::test]
async fn each_part_answers_for_itself() {
    let body = object!({ "requests": [
        create("create"),
        { "id": "list", "method": "GET", "url": IMPORTS },
        { "id": "absent", "method": "GET", "url": format!("{IMPORTS}/00000000-0000-4000-8000-000000000001") },
        { "id": "then", "method": "GET", "url": IMPORTS, "dependsOn": ["absent"] },
    ] });
    let answer = json(client().batch(&body).send().await).await;
    let expected = [
        ("absent", 404),
        ("create", 201),
        ("list", 200),
        ("then", 424),
    ];
    assert_eq!(statuses(&answer), expected);
}

#[tokio::test]
async fn each_part_is_authorised_for_itself() {
    let reader = client_for("beta", &["--user", "reader"]);
    let list = object!({ "id": "list", "method": "GET", "url": IMPORTS });
    let body = object!({ "requests": [create("create"), list] });
    let answer = json(reader.batch(&body).send().await).await;
    assert_eq!(statuses(&answer), [("create", 403), ("list", 200)]);
}

#[tokio::test]
async fn twenty_one_are_refused() {
    let parts: Vec<_> = (0..21).map(|id| create(&id.to_string())).collect();
    let answer = client().batch(&object!({ "requests": parts })).send().await;
    let code = "MaximumValueExceeded";
    let message = "Number of batch request steps exceeds the maximum value of 20.";
    refused(answer, ErrorType::BadRequest, code, message).await;
}

/// The crate has no method for the settings and none for profiles: a batch takes any address.
#[tokio::test]
async fn sync() {
    let client = client_for("beta", &["--tenant", "fabrikam"]);
    let settings = "/deviceManagement/windowsAutopilotSettings";
    // The live service wants a body of each POST within a batch.
    let sync = |id: &str, after: &[&str]| {
        object!({
            "id": id, "method": "POST", "url": format!("{settings}/sync"), "body": {},
            "headers": { "Content-Type": "application/json" }, "dependsOn": after,
        })
    };
    let look = object!({ "id": "2", "method": "GET", "url": settings, "dependsOn": ["1"] });
    let body = object!({ "requests": [sync("1", &[]), look, sync("3", &["2"])] });
    let answer = json(client.batch(&body).send().await).await;
    assert_eq!(statuses(&answer), [("1", 204), ("2", 200), ("3", 409)]);
    let responses = answer["responses"].as_array().unwrap();
    let settings = responses.iter().find(|response| response["id"] == "2");
    assert_eq!(settings.unwrap()["body"]["syncStatus"], "inProgress");
}
