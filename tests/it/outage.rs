//! A store that can't be used: every operation says so, at once and in Graph's shape, and asks the
//! client to come back.

use hangar::http::router::ROUTES;
use serde_json::json;
use uuid::Uuid;

use crate::harness::House;

#[tokio::test]
async fn without_its_store_every_route_answers_503_and_when_to_come_back() {
    let house = House::new();
    house.api.store.close().await;
    for route in ROUTES {
        let path = format!("/beta/{}", route.path).replace("{id}", &Uuid::from_u128(7).to_string());
        let body = match (route.method.as_str(), route.path.ends_with("/import")) {
            ("POST", true) => Some(json!({ "importedWindowsAutopilotDeviceIdentities": [{}] })),
            ("POST" | "PATCH", false) => Some(json!({ "serialNumber": "S" })),
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
