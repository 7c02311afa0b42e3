//! PATCH of an import: everything may change until it is decided, two properties afterwards.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, ENTITY_CONTENT_TYPE, House, IMPORTS, VERSIONS, device, error, masked, string, text,
    told,
};

const ID: &str = "985b4f49-4f49-985b-494f-5b98494f5b98";

#[tokio::test]
async fn an_import_that_waits_takes_every_change() {
    let house = House::new();
    house
        .accept(&house.contoso, &json!({ "id": ID, "serialNumber": "old" }))
        .await;
    let path = format!("{IMPORTS}/{ID}");
    let changes = [
        ("groupTag", json!("T")),
        ("serialNumber", json!("S")),
        ("productKey", json!("P")),
        ("importId", json!("I")),
        ("hardwareIdentifier", json!("aGE=")),
        ("assignedUserPrincipalName", json!("a@contoso.example")),
    ];
    for (name, value) in &changes {
        for value in [value, &json!(null), value] {
            let answer = house.patch(&path, &json!({ *name: value })).await;
            assert_eq!(answer.status, 200, "{name}: {}", text(&answer));
            assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
            assert_eq!(answer.json()[name], *value);
            assert_eq!(text(&house.get(&path).await), text(&answer), "{name}");
        }
    }
    let after = house.patch(&path, &json!({})).await;
    insta::assert_snapshot!(masked(&after), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"T","groupTag":"T","serialNumber":"S","productKey":"P","importId":"I","hardwareIdentifier":"aGE=","assignedUserPrincipalName":"a@contoso.example","state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"##);
    for (body, tag) in [
        (json!({ "orderIdentifier": "U" }), "U"),
        (json!({ "orderIdentifier": "V", "groupTag": "V" }), "V"),
        (json!({ "orderIdentifier": "", "groupTag": "W" }), "W"),
    ] {
        let answer = house.patch(&path, &body).await.json();
        assert_eq!(
            (&answer["groupTag"], &answer["orderIdentifier"]),
            (&json!(tag), &json!(tag))
        );
    }
    let differ = json!({ "orderIdentifier": "a", "groupTag": "b" });
    assert_eq!(house.patch(&path, &differ).await.status, 400);
}

#[tokio::test]
async fn the_id_and_the_state_are_accepted_and_mean_nothing() {
    let house = House::new();
    house.accept(&house.contoso, &json!({ "id": ID })).await;
    let path = format!("{}/{ID}", IMPORTS.replace("beta", "v1.0"));
    let before = text(&house.get(&path).await);
    for body in [
        json!({ "id": "11111111-1111-4111-8111-111111111111" }),
        json!({ "id": "7" }),
        json!({ "state": null }),
        json!({ "state": {
            "deviceImportStatus": "complete",
            "deviceRegistrationId": "D",
            "deviceErrorCode": 15,
            "deviceErrorName": "N",
        } }),
    ] {
        let answer = house.patch(&path, &body).await;
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(text(&answer), before, "{body}");
    }
    for (body, told) in [
        (
            json!({ "x": 1 }),
            "400 BadRequest: The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Make sure to only use property names that are defined by the type.",
        ),
        (
            json!({ "@odata.type": "#x" }),
            "400 BadRequest: The type must be 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Property: '@odata.type'.",
        ),
        (
            json!({ "hardwareIdentifier": "!" }),
            "400 BadRequest: Cannot convert the literal '!' to the expected type 'Edm.Binary'. Property: 'hardwareIdentifier'.",
        ),
    ] {
        assert_eq!(error(&house.patch(&path, &body).await), told);
    }
    assert_eq!(text(&house.get(&path).await), before);
}

#[tokio::test]
async fn a_changed_import_is_decided_on_its_new_values() {
    let house = House::new();
    let broken = house
        .accept(&house.contoso, &json!({ "hardwareIdentifier": "aGE=" }))
        .await;
    let sound = house.accept(&house.contoso, &device(1)).await;
    house
        .patch(&format!("{IMPORTS}/{broken}"), &device(2))
        .await;
    let tag = json!({ "hardwareIdentifier": null, "groupTag": "T" });
    house.patch(&format!("{IMPORTS}/{sound}"), &tag).await;
    house.api.settle().await;
    let state = house.state(&house.contoso, &broken).await;
    assert_eq!(told(&state), "complete 0 None +device");
    let state = house.state(&house.contoso, &sound).await;
    assert_eq!(
        told(&state),
        "error 803 MissingZtdSerialNumberAndProductKey"
    );
}

#[tokio::test]
async fn a_decided_import_keeps_what_decided_it() {
    let house = House::new();
    let (import, device_id) = house.register(&house.contoso, 1).await;
    let path = format!("{IMPORTS}/{import}");
    let device_path = format!("{DEVICES}/{device_id}");
    let device_before = text(&house.get(&device_path).await);

    // A client may read, edit and send back: what is the same is no change.
    let mut read: Value = house.get(&path).await.json();
    read["groupTag"] = json!("T");
    read["orderIdentifier"] = json!("T");
    read["assignedUserPrincipalName"] = json!("a@contoso.example");
    let answer = house.patch(&path, &read).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    assert_eq!(answer.json(), read);
    assert_eq!(house.get(&path).await.json(), read);
    assert_eq!(text(&house.get(&device_path).await), device_before);

    for (name, value) in [
        ("serialNumber", json!("S")),
        ("productKey", json!("P")),
        ("importId", json!("I")),
        ("hardwareIdentifier", json!("aGE=")),
        ("hardwareIdentifier", json!(null)),
    ] {
        let answer = house
            .patch(&path, &json!({ "groupTag": "U", name: value }))
            .await;
        assert_eq!(
            error(&answer),
            format!(
                "409 Conflict: The property '{name}' can no longer change: the import has been processed. Only 'groupTag' and 'assignedUserPrincipalName' can."
            )
        );
    }
    assert_eq!(
        house.get(&path).await.json(),
        read,
        "a refused change leaves nothing behind"
    );
    house.api.settle().await;
    assert_eq!(
        house.get(&path).await.json(),
        read,
        "and nothing is decided again"
    );

    // A refused import is as final as a complete one.
    let refused = house.accept(&house.contoso, &json!({})).await;
    house.api.settle().await;
    assert_eq!(
        house
            .patch(&format!("{IMPORTS}/{refused}"), &device(2))
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn the_answer_may_be_no_more_than_an_address() {
    let house = House::new();
    house.accept(&house.contoso, &json!({ "id": ID })).await;
    for version in VERSIONS {
        let set = IMPORTS.replace("beta", version);
        let answer = house
            .ask(Method::PATCH, &format!("{set}/{}", ID.to_uppercase()))
            .header("prefer", "return=minimal")
            .json(&json!({ "groupTag": version }))
            .send()
            .await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer)),
            (204, String::new())
        );
        let address = format!("http://127.0.0.1:8080{set}('{ID}')");
        assert_eq!(answer.header("location"), Some(address.as_str()));
        assert_eq!(answer.header("odata-entityid"), Some(address.as_str()));
        let stored = house.get(&format!("{set}('{ID}')")).await;
        assert_eq!(string(&stored.json()["groupTag"]), version);
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let house = House::new();
    house.accept(&house.fabrikam, &json!({ "id": ID })).await;
    for key in [ID, "7"] {
        let answer = house
            .patch(&format!("{IMPORTS}/{key}"), &json!({ "groupTag": "T" }))
            .await;
        assert_eq!(
            error(&answer),
            format!(
                "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            )
        );
    }
    let ask = house
        .ask(Method::GET, &format!("{IMPORTS}/{ID}"))
        .token(&house.fabrikam);
    assert_eq!(ask.send().await.json()["groupTag"], json!(null));
}
