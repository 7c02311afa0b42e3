//! POST of an import: the forms of its body and of its answer.

use http::Method;
use serde_json::json;

use crate::harness::{ENTITY_CONTENT_TYPE, House, IMPORTS, VERSIONS, error, id_of, masked, text};

#[tokio::test]
async fn a_client_may_prefer_not_to_see_what_it_sent() {
    let house = House::new();
    for version in VERSIONS {
        let answer = house
            .ask(Method::POST, &IMPORTS.replace("beta", version))
            .header("prefer", "return=minimal")
            .json(&json!({ "serialNumber": "S" }))
            .send()
            .await;
        assert_eq!(answer.status, 204);
        assert_eq!(text(&answer), "");
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
        let location = answer.header("location").unwrap();
        assert_eq!(answer.header("odata-entityid"), Some(location));
        let path = location.strip_prefix("http://127.0.0.1:8080").unwrap();
        assert_eq!(house.get(path).await.json()["serialNumber"], "S");
    }
    let whole = house
        .ask(Method::POST, IMPORTS)
        .header("prefer", "return=representation")
        .json(&json!({}))
        .send()
        .await;
    assert_eq!(whole.status, 201);
}

#[tokio::test]
async fn the_answer_has_as_much_metadata_as_is_asked() {
    let house = House::new();
    let mut answers = Vec::new();
    let levels = ["none", "minimal", "full"];
    for level in levels {
        let answer = house
            .ask(Method::POST, IMPORTS)
            .header(
                "accept",
                &format!("application/json;odata.metadata={level}"),
            )
            .json(&json!({ "serialNumber": "S", "hardwareIdentifier": "aGE=" }))
            .send()
            .await;
        assert_eq!(answer.status, 201);
        assert_eq!(
            answer.header("content-type").unwrap(),
            ENTITY_CONTENT_TYPE.replace("minimal", level)
        );
        answers.push(masked(&answer));
    }
    insta::assert_snapshot!(answers[0], @r#"{"id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
    insta::assert_snapshot!(answers[1], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"##);
    insta::assert_snapshot!(answers[2], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","@odata.etag":"W/\"<tag>\"","@odata.id":"deviceManagement/importedWindowsAutopilotDeviceIdentities('<id 1>')","@odata.editLink":"deviceManagement/importedWindowsAutopilotDeviceIdentities('<id 1>')","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier@odata.type":"#Binary","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode@odata.type":"#Int32","deviceErrorCode":0,"deviceErrorName":""}}"##);

    let picky = house
        .ask(Method::POST, IMPORTS)
        .header("accept", "application/xml")
        .json(&json!({}));
    assert_eq!(
        error(&picky.send().await),
        "406 NotAcceptable: None of the media types in the Accept header can be produced."
    );
    // What is refused for its answer's form is not done.
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "3");
}

#[tokio::test]
async fn every_property_is_answered_and_read_back() {
    let house = House::new();
    let answer = house
        .post(
            IMPORTS,
            &json!({
                "id": "985B4F49-4F49-985B-494F-5B98494F5B98",
                "orderIdentifier": "Sales",
                "serialNumber": "Default string",
                "productKey": "3302800000001",
                "importId": "batch 7",
                "hardwareIdentifier": "aGE",
                "assignedUserPrincipalName": "a@contoso.example",
                "state": { "deviceImportStatus": "pending", "deviceErrorCode": 15 },
            }),
        )
        .await;
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Sales","groupTag":"Sales","serialNumber":"Default string","productKey":"3302800000001","importId":"batch 7","hardwareIdentifier":"aGE=","assignedUserPrincipalName":"a@contoso.example","state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"pending","deviceRegistrationId":"","deviceErrorCode":15,"deviceErrorName":""}}"##);
    let path = format!("{}('{}')", IMPORTS.replace("beta", "v1.0"), id_of(&answer));
    insta::assert_snapshot!(masked(&house.get(&path).await), @r##"{"@odata.context":"http://127.0.0.1:8080/v1.0/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":"Sales","groupTag":"Sales","serialNumber":"Default string","productKey":"3302800000001","importId":"batch 7","hardwareIdentifier":"aGE=","assignedUserPrincipalName":"a@contoso.example","state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"##);
}

#[tokio::test]
async fn no_query_option_is_taken() {
    let house = House::new();
    for (version, option, message) in [
        (
            "beta",
            "$select=id",
            "The query option '$select' is not supported here.",
        ),
        (
            "beta",
            "expand=x",
            "The query option '$expand' is not supported here.",
        ),
        (
            "v1.0",
            "expand=x",
            "The query option 'expand' lacks its dollar sign: write '$expand'.",
        ),
    ] {
        let path = format!("{}?{option}", IMPORTS.replace("beta", version));
        let answer = house.post(&path, &json!({})).await;
        assert_eq!(error(&answer), format!("400 BadRequest: {message}"));
    }
    let path = format!("{IMPORTS}?note=7&%40p=1");
    assert_eq!(house.post(&path, &json!({})).await.status, 201);
    assert_eq!(text(&house.get(&format!("{IMPORTS}/$count")).await), "1");
}

#[tokio::test]
async fn types_are_checked_and_annotations_passed_over() {
    let house = House::new();
    let entity = "microsoft.graph.importedWindowsAutopilotDeviceIdentity";
    let state = "microsoft.graph.importedWindowsAutopilotDeviceIdentityState";
    for hash in ["", "#"] {
        let body = json!({
            "@odata.type": format!("{hash}{entity}"),
            "@odata.context": 7,
            "@odata.id": {},
            "serialNumber@odata.type": "#String",
            "@contoso.note": "n",
            "state": { "@odata.type": format!("{hash}{state}"), "@x.y": [] },
        });
        assert_eq!(house.post(IMPORTS, &body).await.status, 201, "{hash}");
    }
    let refused = [
        (
            json!({ "@odata.type": format!("#{state}") }),
            format!("The type must be '{entity}'. Property: '@odata.type'."),
        ),
        (
            json!({ "state": { "@odata.type": format!("#{entity}") } }),
            format!("The type must be '{state}'. Property: 'state.@odata.type'."),
        ),
        (
            json!({ "X": 1 }),
            format!(
                "The property 'X' does not exist on type '{entity}'. Make sure to only use property names that are defined by the type."
            ),
        ),
        // Names are compared as they are spelled.
        (
            json!({ "SerialNumber": "S" }),
            format!(
                "The property 'SerialNumber' does not exist on type '{entity}'. Make sure to only use property names that are defined by the type."
            ),
        ),
    ];
    for version in VERSIONS {
        for (body, message) in &refused {
            let answer = house.post(&IMPORTS.replace("beta", version), body).await;
            assert_eq!(error(&answer), format!("400 BadRequest: {message}"));
        }
    }
    let unreadable = "400 BadRequest: Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
    for body in ["", "{", "{}{}", "{ id: 1 }"] {
        let ask = house.ask(Method::POST, IMPORTS).bytes(body);
        assert_eq!(error(&ask.send().await), unreadable, "{body:?}");
    }
    let bare = house
        .ask(Method::POST, IMPORTS)
        .bytes("{}")
        .header("content-type", "text/plain");
    assert_eq!(error(&bare.send().await), unreadable);
    let list = house.post(IMPORTS, &json!([])).await;
    assert_eq!(list.status, 400);
}
