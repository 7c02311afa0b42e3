//! The actions on one device.

use hangar::store::operation::AuditSlice;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DEVICES, House, VERSIONS, error, string, text};

/// Calls an action on a device of Contoso's and answers the device, which must have taken it.
async fn act(house: &House, version: &str, id: &str, action: &str, body: Option<Value>) -> Value {
    let path = format!("{}/{id}", DEVICES.replace("beta", version));
    let mut ask = house.ask(Method::POST, &format!("{path}/{action}"));
    if let Some(body) = body {
        ask = ask.json(&body);
    }
    let answer = ask.send().await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (204, String::new()),
        "{action}"
    );
    assert_eq!(answer.header("content-type"), None);
    house.get(&path).await.json()
}

#[tokio::test]
async fn a_user_is_assigned_and_taken_away() {
    for house in [House::new(), House::observed()] {
        let (_, id) = house.register(&house.contoso, 1).await;
        for version in VERSIONS {
            let user = json!({
                "userPrincipalName": "adele@contoso.example", "addressableUserName": "Adele",
            });
            let device = act(&house, version, &id, "assignUserToDevice", Some(user)).await;
            assert_eq!(device["userPrincipalName"], "adele@contoso.example");
            assert_eq!(device["addressableUserName"], "Adele");
            let user = json!({ "userPrincipalName": "b@contoso.example" });
            let device = act(&house, version, &id, "ASSIGNUSERTODEVICE", Some(user)).await;
            assert_eq!(device["userPrincipalName"], "b@contoso.example");
            assert_eq!(device["addressableUserName"], "");
            for body in [None, Some(json!({})), Some(json!({ "@x": 1 }))] {
                let action = "microsoft.graph.unassignUserFromDevice";
                let device = act(&house, version, &id, action, body).await;
                assert_eq!(device["userPrincipalName"], "");
            }
        }
    }
}

#[tokio::test]
async fn properties_are_updated_from_names_with_and_without_quotes() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    for version in VERSIONS {
        let path = format!("{}/{id}", DEVICES.replace("beta", version));
        for (action, body, name, value) in [
            (
                "UpdateDeviceProperties",
                "{ userPrincipalName: \"a@b\", groupTag: \"X\" }",
                "groupTag",
                "X",
            ),
            (
                "updatedeviceproperties",
                "{ displayName: \"PC, or: \\\"so\\\"\" }",
                "displayName",
                "PC, or: \"so\"",
            ),
            (
                "updateDeviceProperties",
                "{\r\n\taddressableUserName :\"A\",\"groupTag\":null\r\n}",
                "addressableUserName",
                "A",
            ),
            ("updateDeviceProperties", "{}", "userPrincipalName", "a@b"),
            (
                "updateDeviceProperties",
                "{\"groupTag\":\"\"}",
                "groupTag",
                "",
            ),
        ] {
            let ask = house.ask(Method::POST, &format!("{path}/{action}"));
            let answer = ask.bytes(body).send().await;
            assert_eq!(answer.status, 204, "{body}: {}", text(&answer));
            let device = house.get(&path).await.json();
            assert_eq!(device[name], value, "{body}");
        }
        let device = house.get(&path).await.json();
        assert_eq!(
            device["displayName"], "PC, or: \"so\"",
            "what is not named stays"
        );
        let beta = json!({
            "deviceAccountUpn": "room@contoso.example", "deviceFriendlyName": "Room",
            "deviceAccountPassword": "a secret",
        });
        let answer = house
            .post(&format!("{path}/updateDeviceProperties"), &beta)
            .await;
        let expected = if version == "beta" { 204 } else { 400 };
        assert_eq!(answer.status, expected, "{}", text(&answer));
    }
    let device = house.get(&format!("{DEVICES}/{id}")).await.json();
    assert_eq!(device["deviceAccountUpn"], "room@contoso.example");
    assert_eq!(device["deviceFriendlyName"], "Room");
    assert_eq!(device["deviceAccountPassword"], "");
}

#[tokio::test]
async fn what_only_beta_offers_is_done_there() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let account = json!({
        "userPrincipalName": "room@contoso.example",
        "addressableUserName": "Room",
        "resourceAccountName": "room 7",
    });
    let action = "assignResourceAccountToDevice";
    let device = act(&house, "beta", &id, action, Some(account.clone())).await;
    assert_eq!(device["userPrincipalName"], "room@contoso.example");
    assert_eq!(device["addressableUserName"], "Room");
    assert_eq!(device["resourceName"], "room 7");
    let action = "unassignResourceAccountFromDevice";
    let device = act(&house, "beta", &id, action, None).await;
    assert_eq!(device["userPrincipalName"], "");
    assert_eq!(device["resourceName"], "");
    assert_eq!(device["userlessEnrollmentStatus"], "unknown");
    let device = act(&house, "beta", &id, "allowNextEnrollment", None).await;
    assert_eq!(device["userlessEnrollmentStatus"], "allowed");

    let stable = format!("{}/{id}", DEVICES.replace("beta", "v1.0"));
    for action in [
        "assignResourceAccountToDevice",
        "unassignResourceAccountFromDevice",
        "allowNextEnrollment",
    ] {
        let answer = house.post(&format!("{stable}/{action}"), &account).await;
        assert_eq!(
            error(&answer),
            format!("400 BadRequest: Resource not found for the segment '{action}'.")
        );
    }
}

/// Calls with a body that is JSON, and what is said of each.
fn bad_calls() -> Vec<(&'static str, Value, &'static str)> {
    let long = "x".repeat(1_025);
    vec![
        (
            "assignUserToDevice",
            json!({}),
            "The parameter 'userPrincipalName' is missing.",
        ),
        (
            "assignUserToDevice",
            json!({ "userPrincipalName": "" }),
            "The parameter 'userPrincipalName' is missing.",
        ),
        (
            "assignUserToDevice",
            json!({ "userPrincipalName": 7 }),
            "Cannot convert a JSON number to the expected type 'Edm.String'. Property: 'userPrincipalName'.",
        ),
        (
            "assignUserToDevice",
            json!({ "userprincipalname": "a@b" }),
            "The parameter 'userprincipalname' is not defined for this action.",
        ),
        (
            "assignUserToDevice",
            json!([]),
            "Cannot convert a JSON array to the expected type 'microsoft.graph.assignUserToDevice'.",
        ),
        (
            "unassignUserFromDevice",
            json!({ "userPrincipalName": "a@b" }),
            "The parameter 'userPrincipalName' is not defined for this action.",
        ),
        (
            "unassignUserFromDevice",
            json!(null),
            "Cannot convert a JSON null to the expected type 'microsoft.graph.unassignUserFromDevice'.",
        ),
        (
            "updateDeviceProperties",
            json!({ "displayName": long }),
            "The value is longer than 1024 characters. Property: 'displayName'.",
        ),
        (
            "updateDeviceProperties",
            json!({ "displayName": "a\0" }),
            "The value holds the character U+0000. Property: 'displayName'.",
        ),
        (
            "updateDeviceProperties",
            json!({ "GroupTag": "x" }),
            "The parameter 'GroupTag' is not defined for this action.",
        ),
        (
            "updateDeviceProperties",
            json!({ "serialNumber": "x" }),
            "The parameter 'serialNumber' is not defined for this action.",
        ),
        (
            "updateDeviceProperties",
            json!({ "groupTag": ["x"] }),
            "Cannot convert a JSON array to the expected type 'Edm.String'. Property: 'groupTag'.",
        ),
        (
            "assignResourceAccountToDevice",
            json!({ "userPrincipalName": "a@b" }),
            "The parameter 'resourceAccountName' is missing.",
        ),
        (
            "unassignResourceAccountFromDevice",
            json!({ "x": 1 }),
            "The parameter 'x' is not defined for this action.",
        ),
        (
            "allowNextEnrollment",
            json!("x"),
            "Cannot convert a JSON string to the expected type 'microsoft.graph.allowNextEnrollment'.",
        ),
    ]
}

#[tokio::test]
async fn bad_calls_are_refused_and_change_nothing() {
    let house = House::new();
    let (import, id) = house.register(&house.contoso, 1).await;
    let (_, theirs) = house.register(&house.fabrikam, 2).await;
    let device = format!("{DEVICES}/{id}");
    let before = house.get(&device).await;
    for (action, body, told) in bad_calls() {
        let answer = house.post(&format!("{device}/{action}"), &body).await;
        assert_eq!(
            error(&answer),
            format!("400 BadRequest: {told}"),
            "{action}"
        );
    }
    let unreadable = "400 BadRequest: Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
    for (action, body) in [
        ("updateDeviceProperties", ""),
        ("updateDeviceProperties", "{ groupTag: X }"),
        ("updateDeviceProperties", "{ groupTag: 'X' }"),
        ("updateDeviceProperties", "{ groupTag: \"a\"b\" }"),
        ("updateDeviceProperties", "{ groupTag: \"X\", }"),
        ("assignUserToDevice", ""),
        ("assignUserToDevice", "{ userPrincipalName: \"a@b\" }"),
        ("unassignUserFromDevice", "x"),
    ] {
        let ask = house.ask(Method::POST, &format!("{device}/{action}"));
        let answer = ask.bytes(body).send().await;
        assert_eq!(error(&answer), unreadable, "{action} {body}");
    }
    let twice = house
        .ask(Method::POST, &format!("{device}/updateDeviceProperties"))
        .bytes("{ groupTag: \"a\", \"groupTag\": \"b\" }");
    assert_eq!(
        error(&twice.send().await),
        "400 BadRequest: The name 'groupTag' stands more than once in one object of the JSON request payload."
    );
    for key in [theirs.as_str(), import.as_str(), "7"] {
        for action in ["assignUserToDevice", "updateDeviceProperties"] {
            let path = format!("{DEVICES}/{key}/{action}");
            let answer = house
                .post(&path, &json!({ "userPrincipalName": "a@b" }))
                .await;
            assert_eq!(answer.status, 404, "{path}");
        }
        let path = format!("{DEVICES}/{key}/unassignUserFromDevice");
        let answer = house.ask(Method::POST, &path).send().await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let option = format!("{device}/allowNextEnrollment?$top=1");
    assert_eq!(house.post(&option, &json!({})).await.status, 400);
    let method = house.get(&format!("{device}/assignUserToDevice")).await;
    assert_eq!(
        error(&method),
        "400 No method match route template: No method match route template"
    );
    let after = house.get(&device).await;
    assert_eq!(text(&after), text(&before));
    assert_eq!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn the_audit_table_has_a_line_for_each() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let device = format!("{DEVICES}/{id}");
    let user = json!({ "userPrincipalName": "a@b", "resourceAccountName": "room" });
    for (action, body) in [
        ("assignUserToDevice", json!({ "userPrincipalName": "a@b" })),
        ("unassignUserFromDevice", json!({})),
        ("updateDeviceProperties", json!({ "groupTag": "T" })),
        ("assignResourceAccountToDevice", user),
        ("unassignResourceAccountFromDevice", json!({})),
        ("allowNextEnrollment", json!({})),
    ] {
        let answer = house.post(&format!("{device}/{action}"), &body).await;
        assert_eq!(answer.status, 204, "{action}");
    }
    house.patch(&device, &json!({ "groupTag": "U" })).await;
    // What is refused leaves no line.
    house.patch(&device, &json!({ "model": "other" })).await;
    let serial = string(&house.get(&device).await.json()["serialNumber"]);
    let named = json!({ "serialNumbers": [serial, "nobody's"] });
    house
        .post(&format!("{DEVICES}/deleteDevices"), &named)
        .await;
    let kite = json!({ "manufacturer": "M", "model": "N", "serialNumber": "S" });
    house.post(DEVICES, &kite).await;
    house.post(DEVICES, &kite).await;

    let tenant = hangar::domain::tenant::TenantId(Uuid::from_u128(
        0xaaaa_aaaa_0000_4000_8000_0000_0000_000a,
    ));
    let slice = AuditSlice {
        after: 0,
        limit: 100,
    };
    let lines = house
        .api
        .store
        .list_audit(tenant, slice)
        .await
        .unwrap()
        .rows;
    let actions: Vec<_> = lines
        .iter()
        .filter(|line| line.action.starts_with("device-"))
        .inspect(|line| {
            assert!(line.device.is_some() && line.ledger_entry.is_some());
            assert_eq!((line.actor_kind.as_str(), &line.detail), ("user", &None));
        })
        .map(|line| line.action.as_str())
        .collect();
    assert_eq!(
        actions,
        [
            "device-user-assigned",
            "device-user-unassigned",
            "device-properties-updated",
            "device-resource-account-assigned",
            "device-resource-account-unassigned",
            "device-next-enrollment-allowed",
            "device-changed",
            "device-deleted",
            "device-created",
        ]
    );
}
