//! The two behaviours, row by row: what is documented on the left, what was observed on the right.

use hangar::{
    graph::behavior::Behavior,
    http::auth::permission::ApplicationPermissions,
    testing::{TestAnswer, TestOptions},
};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{DEVICES, House, IMPORTS, error, masked, string, text, told};

const ID: &str = "985b4f49-4f49-985b-494f-5b98494f5b98";

fn both() -> [House; 2] {
    [House::new(), House::observed()]
}

fn seed() -> Value {
    serde_json::from_str(include_str!("seed/request.json")).expect("JSON")
}

/// The inner JSON document of an observed message.
fn inner(answer: &TestAnswer) -> Value {
    serde_json::from_str(&string(&answer.json()["error"]["message"])).expect("JSON")
}

#[tokio::test]
async fn a_post_is_answered_with_the_clients_state_and_hash_or_without() {
    let [documented, observed] = both();
    insta::assert_snapshot!(masked(&documented.post(IMPORTS, &seed()).await), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"pending","deviceRegistrationId":"Device Registration Id value","deviceErrorCode":15,"deviceErrorName":"Device Error Name value"}}"##);
    insta::assert_snapshot!(masked(&observed.post(IMPORTS, &seed()).await), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
    insta::assert_snapshot!(masked(&documented.post(IMPORTS, &json!({})).await), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"##);
    insta::assert_snapshot!(masked(&observed.post(IMPORTS, &json!({})).await), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","id":"<id 1>","orderIdentifier":"","groupTag":"","serialNumber":"","productKey":"","importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
}

#[tokio::test]
async fn the_action_import_is_answered_as_a_post_is() {
    let [documented, observed] = both();
    let action = format!("{IMPORTS}/import");
    let rows = json!({ "importedWindowsAutopilotDeviceIdentities": [seed(), {}] });
    insta::assert_snapshot!(masked(&documented.post(&action, &rows).await), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"pending","deviceRegistrationId":"Device Registration Id value","deviceErrorCode":15,"deviceErrorName":"Device Error Name value"}},{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 2>","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":"<id 2>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"##);
    insta::assert_snapshot!(masked(&observed.post(&action, &rows).await), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}},{"id":"<id 2>","orderIdentifier":"","groupTag":"","serialNumber":"","productKey":"","importId":"<id 2>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"#);
}

#[tokio::test]
async fn reads_say_unknown_until_it_is_decided_and_show_the_hash_or_not() {
    let [documented, observed] = both();
    let mut reads = Vec::new();
    for house in [&documented, &observed] {
        let import = house.accept(&house.contoso, &seed()).await;
        let path = format!("{IMPORTS}/{import}");
        reads.push(masked(&house.get(&path).await));
        reads.push(masked(&house.get(IMPORTS).await));
        house.api.settle().await;
        let state = house.state(&house.contoso, &import).await;
        assert_eq!(told(&state), "error 802 InvalidZtdHardwareHash");
    }
    insta::assert_snapshot!(reads[0], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"##);
    insta::assert_snapshot!(reads[1], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"##);
    insta::assert_snapshot!(reads[2], @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
    insta::assert_snapshot!(reads[3], @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"id":"<id 1>","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"#);
}

#[tokio::test]
async fn devices_name_their_type_or_not() {
    let [documented, observed] = both();
    let mut reads = Vec::new();
    for house in [&documented, &observed] {
        let (_, device) = house.register(&house.contoso, 7).await;
        let path = format!("{DEVICES}/{device}").replace("beta", "v1.0");
        reads.push(masked(&house.get(&path).await));
    }
    insta::assert_snapshot!(reads[0], @r##"{"@odata.context":"http://127.0.0.1:8080/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"<id 1>","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"HT0000000000000007","productKey":"6223350878558","manufacturer":"Hangar Test Works","model":"Paper Plane 14","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"HTW-PP14","systemFamily":"Paper Plane","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"##);
    insta::assert_snapshot!(reads[1], @r#"{"@odata.context":"http://127.0.0.1:8080/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","id":"<id 1>","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"HT0000000000000007","productKey":"6223350878558","manufacturer":"Hangar Test Works","model":"Paper Plane 14","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"HTW-PP14","systemFamily":"Paper Plane","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"#);
}

#[tokio::test]
async fn full_metadata_names_types_and_none_does_not_in_both() {
    for house in both() {
        house.accept(&house.contoso, &seed()).await;
        for (level, named) in [("none", false), ("full", true)] {
            let accept = format!("application/json;odata.metadata={level}");
            let ask = house.ask(Method::GET, IMPORTS).header("accept", &accept);
            let import = &ask.send().await.json()["value"][0];
            assert_eq!(import.get("@odata.type").is_some(), named, "{level}");
            assert_eq!(
                import["state"].get("@odata.type").is_some(),
                named,
                "{level}"
            );
        }
    }
}

#[tokio::test]
async fn only_a_documented_deletion_looks_whether_there_was_something() {
    let [documented, observed] = both();
    let mut seen = Vec::new();
    for house in [&documented, &observed] {
        let (import, device) = house.register(&house.contoso, 1).await;
        for path in [
            format!("{IMPORTS}/{import}"),
            format!("{IMPORTS}/{import}"),
            format!("{IMPORTS}/7"),
            format!("{DEVICES}/{device}"),
            format!("{DEVICES}/{ID}"),
            format!("{DEVICES}/7"),
        ] {
            seen.push(house.delete(&path).await);
        }
        assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "0");
        assert_eq!(text(&house.get(&format!("{DEVICES}/$count")).await), "0");
    }
    let statuses: Vec<_> = seen.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses[..6], [204, 404, 404, 204, 404, 404]);
    assert_eq!(statuses[6..], [200, 200, 200, 200, 400, 400]);
    for done in [0, 3, 6, 7, 8, 9] {
        assert_eq!(text(&seen[done]), "", "{done}");
    }
    for unknown in &seen[10..] {
        assert_eq!(unknown.json()["error"]["code"], "BadRequest");
        assert_eq!(
            inner(unknown)["CustomApiErrorPhrase"],
            "ZtdDeviceIsNotRegistered"
        );
    }
}

#[tokio::test]
async fn an_import_can_be_changed_or_not() {
    let [documented, observed] = both();
    for (house, status) in [(&documented, 200), (&observed, 400)] {
        house.accept(&house.contoso, &json!({ "id": ID })).await;
        let path = format!("{IMPORTS}/{ID}");
        let answer = house.patch(&path, &json!({ "groupTag": "T" })).await;
        assert_eq!(answer.status, status);
        if status == 400 {
            assert_eq!(
                answer.json()["error"]["code"],
                "No method match route template"
            );
            // The method is not there, so its body is not looked at either.
            let ask = house.ask(Method::PATCH, &path).bytes("{");
            let answer = ask.send().await;
            assert_eq!(
                answer.json()["error"]["code"],
                "No method match route template"
            );
            assert_eq!(house.get(&path).await.json()["groupTag"], "");
        }
    }
}

#[tokio::test]
async fn devices_are_created_and_changed_documented_and_never_observed() {
    let [documented, observed] = both();
    let kite = json!({ "manufacturer": "M", "model": "N", "serialNumber": "S" });
    let tag = json!({ "groupTag": "T" });
    for (house, statuses) in [(&documented, [201, 200]), (&observed, [400, 400])] {
        let (_, device) = house.register(&house.contoso, 1).await;
        let path = format!("{DEVICES}/{device}");
        let answers = [
            house.post(DEVICES, &kite).await,
            house.patch(&path, &tag).await,
            // Where the method is not there, its body is not looked at either.
            house.ask(Method::POST, DEVICES).bytes("{").send().await,
        ];
        for (answer, status) in answers.iter().zip(statuses) {
            assert_eq!(answer.status, status);
        }
        if statuses == [400, 400] {
            for answer in answers {
                let code = &answer.json()["error"]["code"];
                assert_eq!(code, "No method match route template");
            }
            assert_eq!(house.get(&path).await.json()["groupTag"], "");
        }
    }
}

#[tokio::test]
async fn an_errors_message_is_a_sentence_or_a_document() {
    let [documented, observed] = both();
    let path = format!("{IMPORTS}/7?note=1");
    insta::assert_snapshot!(masked(&documented.get(&path).await), @r#"{"error":{"code":"ResourceNotFound","message":"Resource '7' does not exist or one of its queried reference-property objects are not present.","innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 1>","client-request-id":"<id 1>"}}}"#);
    insta::assert_snapshot!(masked(&observed.get(&path).await), @r#"{"error":{"code":"ResourceNotFound","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"Resource '7' does not exist or one of its queried reference-property objects are not present. - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: <id 1> - Url: http://127.0.0.1:8080/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities/7\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 1>","client-request-id":"<id 1>"}}}"#);
    let answer = observed.get(&path).await;
    let inner = inner(&answer);
    let id = answer.header("request-id").unwrap();
    assert!(string(&inner["Message"]).contains(&format!("Activity ID: {id} - ")));
    assert_eq!(inner["_version"], 3);
    // What a client wrote can't break out of the one document or the other.
    let answer = observed.get(&format!("{IMPORTS}/%22%7D%5C%0D%0A")).await;
    let message = string(&self::inner(&answer)["Message"]);
    assert!(
        message.starts_with("Resource '\"}\\\r\n' does not exist"),
        "{message}"
    );
    // Details stand beside it, as they do documented.
    for house in [&documented, &observed] {
        house.accept(&house.contoso, &json!({ "id": ID })).await;
        let answer = house.post(IMPORTS, &json!({ "id": ID })).await;
        assert_eq!(answer.status, 409);
        let details = &answer.json()["error"]["details"];
        assert_eq!(details[0]["target"], "id");
        assert_eq!(
            details[0]["message"],
            format!("An import with the id '{ID}' already exists in this tenant.")
        );
    }
}

#[tokio::test]
async fn a_device_deleted_twice_is_gone_or_on_its_way() {
    let [documented, observed] = both();
    let (_, device) = documented.register(&documented.contoso, 1).await;
    let path = format!("{DEVICES}/{device}");
    assert_eq!(documented.delete(&path).await.status, 204);
    assert!(error(&documented.delete(&path).await).starts_with("404 ResourceNotFound"));

    let (_, device) = observed.register(&observed.contoso, 1).await;
    let path = format!("{DEVICES}/{device}");
    assert_eq!(observed.delete(&path).await.status, 200);
    let minute = 60;
    let day = 24 * 60 * minute;
    let steps = [
        (0, "ZtdDeviceDeletionInProgess"),
        (30 * minute - 1, "ZtdDeviceDeletionInProgess"),
        (1, "ZtdDeviceAlreadyDeleted"),
        (30 * day - 30 * minute, "ZtdDeviceAlreadyDeleted"),
        (1, "ZtdDeviceIsNotRegistered"),
    ];
    for (seconds, phrase) in steps {
        observed
            .api
            .clock
            .advance(SignedDuration::from_secs(seconds));
        // Tokens live by the same clock.
        let token = observed.api.user_token("contoso", "administrator");
        let answer = observed
            .ask(Method::DELETE, &path)
            .token(&token)
            .send()
            .await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            inner(&answer)["CustomApiErrorPhrase"],
            phrase,
            "after {seconds} s more"
        );
        // To others it never was.
        let token = observed.api.user_token("fabrikam", "administrator");
        let answer = observed
            .ask(Method::DELETE, &path)
            .token(&token)
            .send()
            .await;
        assert_eq!(
            inner(&answer)["CustomApiErrorPhrase"],
            "ZtdDeviceIsNotRegistered"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_refused_or_taken_for_latin1() {
    let [documented, observed] = both();
    let body = b"{\"serialNumber\":\"Gr\xf6\xdfe\"}";
    let answer = documented
        .ask(Method::POST, IMPORTS)
        .bytes(&body[..])
        .send()
        .await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The request body is not UTF-8: send UTF-8 or name the charset in Content-Type."
    );
    let answer = observed
        .ask(Method::POST, IMPORTS)
        .bytes(&body[..])
        .send()
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["serialNumber"], "Größe");
    for house in [&documented, &observed] {
        let answer = house
            .post(IMPORTS, &json!({ "serialNumber": "Größe" }))
            .await;
        assert_eq!(answer.json()["serialNumber"], "Größe");
        let named = house
            .ask(Method::POST, IMPORTS)
            .bytes(&body[..])
            .header("content-type", "application/json; charset=iso-8859-1");
        assert_eq!(named.send().await.json()["serialNumber"], "Größe");
    }
}

#[tokio::test]
async fn devices_are_counted_unasked_or_not_and_imports_never() {
    let [documented, observed] = both();
    let count = |answer: &TestAnswer| answer.json().get("@odata.count").cloned();
    for (house, unasked) in [(&documented, None), (&observed, Some(json!(2)))] {
        house.register(&house.contoso, 1).await;
        house.register(&house.contoso, 2).await;
        for query in ["", "?$top=1"] {
            let answer = house.get(&format!("{DEVICES}{query}")).await;
            assert_eq!(count(&answer), unasked, "{query}");
            let answer = house.get(&format!("{IMPORTS}{query}")).await;
            assert_eq!(count(&answer), None, "{query}");
        }
        for set in [IMPORTS, DEVICES] {
            let answer = house.get(&format!("{set}?$count=true&$top=1")).await;
            assert_eq!(count(&answer), Some(json!(2)));
        }
    }
}

#[tokio::test]
async fn application_tokens_are_a_setting_of_their_own_in_both() {
    for behavior in [Behavior::Documented, Behavior::Observed] {
        for (permissions, status) in [
            (ApplicationPermissions::Deny, 403),
            (ApplicationPermissions::Allow, 201),
        ] {
            let house = House::with(TestOptions {
                behavior,
                application_permissions: permissions,
                ..TestOptions::default()
            });
            let token = house.api.application_token("contoso");
            let ask = house.ask(Method::POST, IMPORTS).token(&token).json(&seed());
            assert_eq!(
                ask.send().await.status,
                status,
                "{behavior:?} {permissions:?}"
            );
        }
    }
}
