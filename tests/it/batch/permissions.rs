//! Who may do what within a batch: each part is allowed or refused by itself.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::{BATCH, SET, create, get, responses, statuses, told};
use crate::harness::{House, READ, error};

const CONTOSO: Uuid = Uuid::from_u128(0xaaaa_aaaa_0000_4000_8000_0000_0000_000a);

#[tokio::test]
async fn a_part_is_refused_where_its_caller_may_not() {
    let house = House::new();
    let parts = [get("read", SET), create("write", "S")];
    let reader = house.user_token(CONTOSO, READ);
    let answers = responses(&house.send_batch(&reader, &parts).await);
    let ids = |read: u64, write: u64| vec![("read".to_owned(), read), ("write".to_owned(), write)];
    assert_eq!(statuses(&answers), ids(200, 403));
    assert_eq!(
        told(&answers[1]),
        "403 Forbidden: Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementServiceConfig.ReadWrite.All"
    );
    for token in [
        house.user_token(CONTOSO, "User.Read"),
        house.api.application_token("contoso"),
        house.api.user_token("personal", "personal"),
    ] {
        let answers = responses(&house.send_batch(&token, &parts).await);
        assert_eq!(statuses(&answers), ids(403, 403));
    }
    assert_eq!(house.imports().await, "0");
    let answer = house
        .ask(Method::POST, BATCH)
        .anonymous()
        .json(&json!({ "requests": parts }));
    assert_eq!(
        error(&answer.send().await),
        "401 InvalidAuthenticationToken: Access token is empty."
    );
}

#[tokio::test]
async fn a_part_meets_only_its_callers_tenant() {
    let house = House::new();
    let (import, device) = house.register(&house.contoso, 1).await;
    let one = format!("{SET}/{import}");
    let device = format!("/deviceManagement/windowsAutopilotDeviceIdentities/{device}");
    let parts = [
        get("1", SET),
        get("2", &one),
        get("3", &device),
        json!({ "id": "4", "method": "DELETE", "url": one }),
        json!({ "id": "5", "method": "DELETE", "url": device }),
        get("6", &format!("{SET}/$count")),
    ];
    let answers = responses(&house.send_batch(&house.fabrikam, &parts).await);
    let found: Vec<_> = statuses(&answers)
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(found, [200, 404, 404, 404, 404, 200]);
    assert_eq!(answers[0]["body"]["value"], json!([]));
    assert_eq!(answers[5]["body"], "0");
    assert_eq!(house.imports().await, "1");
}

#[tokio::test]
async fn a_parts_own_token_is_the_batchs_or_none() {
    let house = House::new();
    let with = |token: &str| {
        let mut part = create("1", "S");
        part["headers"]["authorization"] = json!(format!("Bearer {token}"));
        [part]
    };
    let own = responses(
        &house
            .send_batch(&house.contoso, &with(&house.contoso))
            .await,
    );
    assert_eq!(own[0]["status"], 201);
    for other in [house.fabrikam.as_str(), "x"] {
        let answer = house.send_batch(&house.contoso, &with(other)).await;
        assert_eq!(
            error(&answer),
            "400 BadRequest: Invalid batch payload format. Request Id 1: Its Authorization is not the batch's. Leave it out: the batch's counts for every request in it."
        );
    }
    assert_eq!(house.imports().await, "1");
}
