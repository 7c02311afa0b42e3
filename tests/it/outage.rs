//! A store that can't be used: every operation says so, at once and in Graph's shape, and asks the
//! client to come back.

mod postgres;

use hangar::http::{
    auth::permission::Access,
    router::{Operation, ROUTES},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{House, all_devices, profile};

#[tokio::test]
async fn without_its_store_every_route_answers_503_and_when_to_come_back() {
    let house = House::new();
    house.api.store.close().await;
    for route in ROUTES {
        // A batch keeps nothing itself: its parts say so. Nothing is kept of events, nor of what the
        // API says of itself.
        let keeps_nothing = matches!(route.operation, Operation::Batch | Operation::ListEvents);
        if keeps_nothing || route.access == Access::Anonymous {
            continue;
        }
        let key = Uuid::from_u128(7).to_string();
        let path = format!("/beta/{}", route.path);
        let path = path.replace("{assignment}", &format!("{key}_{key}_0"));
        let path = path.replace("{id}", &key).replace("{import}", &key);
        let body = body(route.operation, &key);
        let token = Some(house.contoso.as_str());
        let answer = house
            .api
            .call(route.method.clone(), &path, token, body.as_ref())
            .await;
        let named = format!("{} {}", route.method, route.path);
        assert_eq!(answer.status, 503, "{named}");
        assert!(answer.header("retry-after").is_some(), "{named}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "ServiceUnavailable", "{named}");
        let message = error["message"].as_str().unwrap();
        assert!(
            !message.contains("closed"),
            "the cause is private: {message}"
        );
        assert!(error["innerError"]["request-id"].is_string(), "{named}");
    }
}

/// What an operation is sent, where it reads a body.
fn body(operation: Operation, key: &str) -> Option<Value> {
    let body = match operation {
        Operation::CreateImports | Operation::CreateUploadImports => {
            json!({ "importedWindowsAutopilotDeviceIdentities": [{}] })
        }
        Operation::CreateImport
        | Operation::UpdateImport
        | Operation::CreateUploadImport
        | Operation::UpdateUploadImport => json!({ "serialNumber": "S" }),
        Operation::CreateUpload
        | Operation::UpdateUpload
        | Operation::Sync
        | Operation::UpdateSettings => json!({}),
        Operation::CreateDevice => {
            json!({ "manufacturer": "M", "model": "N", "serialNumber": "S" })
        }
        Operation::UpdateDevice | Operation::UpdateDeviceProperties => json!({ "groupTag": "T" }),
        Operation::DeleteDevices => json!({ "serialNumbers": ["S"] }),
        Operation::AssignUser => json!({ "userPrincipalName": "a@b" }),
        Operation::AssignResourceAccount => {
            json!({ "userPrincipalName": "a@b", "resourceAccountName": "r" })
        }
        Operation::CreateProfile => profile("P"),
        Operation::UpdateProfile => json!({ "description": "D" }),
        Operation::AssignProfile => json!({ "deviceIds": [key] }),
        Operation::HasPayloadLinks => json!({ "payloadIds": [key] }),
        Operation::CreateAssignment | Operation::UpdateAssignment => all_devices(),
        _ => return None,
    };
    Some(body)
}

#[tokio::test]
async fn without_its_store_each_part_of_a_batch_answers_503() {
    let house = House::new();
    house.api.store.close().await;
    let set = "/deviceManagement/importedWindowsAutopilotDeviceIdentities";
    let create = json!({
        "id": "2", "method": "POST", "url": set, "body": {},
        "headers": { "Content-Type": "application/json" },
    });
    let parts = json!([{ "id": "1", "method": "GET", "url": set }, create]);
    let answer = house
        .post("/beta/$batch", &json!({ "requests": parts }))
        .await;
    assert_eq!(answer.status, 200);
    for part in answer.json()["responses"].as_array().unwrap() {
        assert_eq!(part["status"], 503);
        assert!(part["headers"]["Retry-After"].is_string(), "{part}");
        assert_eq!(part["body"]["error"]["code"], "ServiceUnavailable");
    }
}
