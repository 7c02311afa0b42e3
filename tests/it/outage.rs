//! A store that can't be used: every operation says so, at once and in Graph's shape, and asks the
//! client to come back.

use hangar::http::router::{Operation, ROUTES};
use http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{House, all_devices, profile};

#[tokio::test]
async fn without_its_store_every_route_answers_503_and_when_to_come_back() {
    let house = House::new();
    house.api.store.close().await;
    for route in ROUTES {
        // Nothing is kept of events.
        if route.operation == Operation::ListEvents {
            continue;
        }
        let id = Uuid::from_u128(7).to_string();
        let path = format!("/beta/{}", route.path).replace("{assignment}", &format!("{id}_{id}_0"));
        let path = path.replace("{id}", &id);
        let body = match (&route.method, route.operation) {
            (_, Operation::CreateImports) => {
                Some(json!({ "importedWindowsAutopilotDeviceIdentities": [{}] }))
            }
            (_, Operation::CreateProfile) => Some(profile("P")),
            (_, Operation::UpdateProfile) => Some(json!({ "description": "D" })),
            (_, Operation::AssignProfile) => Some(json!({ "deviceIds": [id] })),
            (_, Operation::HasPayloadLinks) => Some(json!({ "payloadIds": [id] })),
            (_, Operation::CreateAssignment | Operation::UpdateAssignment) => Some(all_devices()),
            (_, Operation::Sync | Operation::UpdateSettings) => Some(json!({})),
            (&Method::POST | &Method::PATCH, _) => Some(json!({ "serialNumber": "S" })),
            _ => None,
        };
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
