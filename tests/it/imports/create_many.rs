//! The action `import`: all of its identities or none.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{ENTITY_CONTENT_TYPE, House, IMPORTS, device, error, ids_of, masked, text};

const ACTION: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities/import";
const PARAMETER: &str = "importedWindowsAutopilotDeviceIdentities";

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn rows(numbers: &[u128]) -> Value {
    let rows: Vec<_> = numbers
        .iter()
        .map(|number| json!({ "id": id(*number) }))
        .collect();
    json!({ PARAMETER: rows })
}

async fn stored(house: &House) -> String {
    text(&house.get(&format!("{IMPORTS}/$count")).await)
}

#[tokio::test]
async fn all_are_accepted_in_order_each_with_its_state() {
    let house = House::new();
    let body = json!({ PARAMETER: [
        { "serialNumber": "second", "id": id(2), "state": { "deviceImportStatus": "pending" } },
        { "serialNumber": "first", "id": id(1), "groupTag": "T" },
        { "serialNumber": "third" },
    ] });
    let answer = house.post(ACTION, &body).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"second","productKey":null,"importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"pending","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}},{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 2>","orderIdentifier":"T","groupTag":"T","serialNumber":"first","productKey":null,"importId":"<id 2>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}},{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 3>","orderIdentifier":null,"groupTag":null,"serialNumber":"third","productKey":null,"importId":"<id 3>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"##);

    for id in ids_of(&answer) {
        let stored = house.get(&format!("{IMPORTS}/{id}")).await;
        assert_eq!(stored.json()["state"]["deviceImportStatus"], "unknown");
    }
}

#[tokio::test]
async fn a_client_may_prefer_not_to_see_what_it_sent() {
    let house = House::new();
    let ask = |numbers: &[u128]| {
        let ask = house.ask(Method::POST, ACTION);
        ask.header("prefer", "return=minimal")
            .json(&rows(numbers))
            .send()
    };
    let answer = ask(&[1, 2]).await;
    assert_eq!(answer.status, 204);
    assert_eq!(text(&answer), "");
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("location"), None, "there is no one address");
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    assert_eq!(stored(&house).await, "2");
    let refused = ask(&[3, 2]).await;
    assert_eq!(refused.status, 409, "an error is always shown");
    assert_eq!(refused.json()["error"]["details"][0]["code"], "Conflict");
    assert_eq!(stored(&house).await, "2");
}

#[tokio::test]
async fn the_action_goes_by_its_names_in_any_letter_case() {
    let house = House::new();
    let v1 = IMPORTS.replace("beta", "v1.0");
    for path in [
        ACTION.to_owned(),
        format!("{IMPORTS}/Import"),
        format!("{IMPORTS}/microsoft.graph.import"),
        format!("{IMPORTS}/Microsoft.Graph.IMPORT"),
        format!("{v1}/import"),
        format!("{v1}/microsoft.graph.import/"),
    ] {
        let answer = house
            .post(&path, &json!({ PARAMETER: [{}], "@odata.note": 1 }))
            .await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        assert_eq!(ids_of(&answer).len(), 1);
    }
    assert_eq!(stored(&house).await, "6");
}

#[tokio::test]
async fn one_taken_id_refuses_all_and_every_one_is_named() {
    let house = House::new();
    assert_eq!(house.post(ACTION, &rows(&[3, 5])).await.status, 200);

    // What is taken, stands twice, or both: each id is told once, by the last place where it stands.
    let cases = [
        (vec![1, 2, 3], vec![(3, 2)]),
        (vec![1, 5, 2, 3], vec![(5, 1), (3, 3)]),
        (vec![1, 2, 1], vec![(1, 2)]),
        (vec![1, 1, 1], vec![(1, 2)]),
        (vec![3, 1, 3, 1], vec![(3, 2), (1, 3)]),
    ];
    for (sent, refused) in cases {
        let answer = house.post(ACTION, &rows(&sent)).await;
        let sentence = |number| {
            format!(
                "An import with the id '{}' already exists in this tenant.",
                id(number)
            )
        };
        assert_eq!(
            error(&answer),
            format!("409 Conflict: {}", sentence(refused[0].0))
        );
        let details: Vec<_> = refused
            .iter()
            .map(|(number, row)| {
                json!({
                    "code": "Conflict",
                    "message": sentence(*number),
                    "target": format!("{PARAMETER}[{row}].id"),
                })
            })
            .collect();
        assert_eq!(
            answer.json()["error"]["details"],
            json!(details),
            "{sent:?}"
        );
        assert_eq!(stored(&house).await, "2", "{sent:?}");
    }
    // The letter case of an id means nothing.
    let twice = "abcdefab-4f49-985b-494f-5b98494f5b98";
    let body = json!({ PARAMETER: [{ "id": twice }, { "id": twice.to_uppercase() }] });
    assert_eq!(house.post(ACTION, &body).await.status, 409);
    // A row alone is told by its place in the action as well.
    let answer = house.post(ACTION, &rows(&[3])).await;
    assert_eq!(
        answer.json()["error"]["details"][0]["target"],
        format!("{PARAMETER}[0].id")
    );

    // What another tenant took is free here, and what was refused is free again.
    let ask = house.ask(Method::POST, ACTION).token(&house.fabrikam);
    assert_eq!(ask.json(&rows(&[1, 2, 3, 5])).send().await.status, 200);
    assert_eq!(house.post(ACTION, &rows(&[1, 2])).await.status, 200);
    assert_eq!(stored(&house).await, "4");
}

#[tokio::test]
async fn one_bad_row_refuses_all_and_is_told_by_its_place() {
    let house = House::new();
    let cases = [
        (
            json!({ "hardwareIdentifier": "A".repeat(16_385) }),
            "The value is longer than 16384 characters. Property: 'importedWindowsAutopilotDeviceIdentities[1].hardwareIdentifier'.",
        ),
        (
            json!({ "hardwareIdentifier": "!" }),
            "Cannot convert the literal '!' to the expected type 'Edm.Binary'. Property: 'importedWindowsAutopilotDeviceIdentities[1].hardwareIdentifier'.",
        ),
        (
            json!({ "state": { "deviceErrorCode": "15" } }),
            "Cannot convert a JSON string to the expected type 'Edm.Int32'. Property: 'importedWindowsAutopilotDeviceIdentities[1].state.deviceErrorCode'.",
        ),
        (
            json!({ "id": "7" }),
            "The value '7' is not a GUID of 36 characters. Property: 'importedWindowsAutopilotDeviceIdentities[1].id'.",
        ),
        (
            json!({ "orderIdentifier": "a", "groupTag": "b" }),
            "'orderIdentifier' and 'groupTag' are two names of one value and must not differ. Property: 'importedWindowsAutopilotDeviceIdentities[1].orderIdentifier'.",
        ),
        (
            json!(7),
            "Cannot convert a JSON number to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Property: 'importedWindowsAutopilotDeviceIdentities[1]'.",
        ),
    ];
    for (row, message) in cases {
        let answer = house.post(ACTION, &json!({ PARAMETER: [{}, row] })).await;
        assert_eq!(error(&answer), format!("400 BadRequest: {message}"));
    }
    let whole = [
        (
            json!({}),
            "The parameter 'importedWindowsAutopilotDeviceIdentities' is missing.",
        ),
        (
            json!({ PARAMETER: [], "other": 1 }),
            "The parameter 'other' is not defined for this action.",
        ),
        (
            json!({ PARAMETER: {} }),
            "Cannot convert a JSON object to the expected type 'Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)'. Property: 'importedWindowsAutopilotDeviceIdentities'.",
        ),
    ];
    for (body, message) in whole {
        let answer = house.post(ACTION, &body).await;
        assert_eq!(error(&answer), format!("400 BadRequest: {message}"));
    }
    assert_eq!(stored(&house).await, "0");
}

#[tokio::test]
async fn a_call_brings_from_none_to_a_thousand() {
    let house = House::new();
    let answer = house.post(ACTION, &json!({ PARAMETER: [] })).await;
    insta::assert_snapshot!(masked(&answer), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[]}"#);
    assert_eq!(answer.status, 200);

    let many = |count: usize| json!({ PARAMETER: vec![json!({ "serialNumber": "S" }); count] });
    let answer = house.post(ACTION, &many(1001)).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The collection holds more than 1000 items. Property: 'importedWindowsAutopilotDeviceIdentities'."
    );
    assert_eq!(stored(&house).await, "0");
    let answer = house.post(ACTION, &many(1000)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(ids_of(&answer).len(), 1000);
    assert_eq!(stored(&house).await, "1000");
}

#[tokio::test]
async fn each_identity_is_decided_for_itself() {
    let house = House::new();
    let body = json!({ PARAMETER: [device(1), {}, device(2)] });
    let ids = ids_of(&house.post(ACTION, &body).await);
    house.api.settle().await;
    let mut statuses = Vec::new();
    for id in ids {
        statuses.push(house.state(&house.contoso, &id).await["deviceImportStatus"].clone());
    }
    assert_eq!(statuses, ["complete", "error", "complete"]);
}
