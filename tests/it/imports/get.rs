//! GET of an import by its key. How paths are matched at large is in `conventions::paths`.

use http::Method;
use serde_json::json;

use crate::harness::{ENTITY_CONTENT_TYPE, House, IMPORTS, VERSIONS, error, id_of, masked, text};

const ID: &str = "985b4f49-4f49-985b-494f-5b98494f5b98";

#[tokio::test]
async fn a_key_is_read_in_every_syntax() {
    let house = House::new();
    house.accept(&house.contoso, &json!({ "id": ID })).await;
    let upper = ID.to_uppercase();
    for version in VERSIONS {
        let set = IMPORTS.replace("beta", version);
        for path in [
            format!("{set}/{ID}"),
            format!("{set}/{upper}"),
            format!("{set}/{ID}/"),
            format!("{set}/{ID}/?note=1"),
            format!("{set}('{ID}')"),
            format!("{set}('{upper}')"),
            format!("{set}({ID})"),
            format!("{set}(%27{ID}%27)"),
            format!("{set}%28%27{ID}%27%29"),
            format!("{set}('{ID}')/?note=1"),
            format!("{}/{ID}", set.to_uppercase()),
            format!("{}('{ID}')", set.to_lowercase()),
        ] {
            let answer = house.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
            assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
            assert_eq!(id_of(&answer), ID);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new();
    house.accept(&house.contoso, &json!({ "id": ID })).await;
    for key in [
        "985b4f49-4f49-985b-494f-5b98494f5b99",
        "00000000-0000-0000-0000-000000000000",
        "985b4f494f49985b494f5b98494f5b98",
        "7",
        "O'Brien",
    ] {
        let quoted = key.replace('\'', "''");
        for path in [format!("{IMPORTS}/{key}"), format!("{IMPORTS}('{quoted}')")] {
            assert_eq!(
                error(&house.get(&path).await),
                format!(
                    "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
                ),
                "{path}"
            );
        }
    }
    // In parentheses stands a key, whatever it says.
    for name in ["$count", "import"] {
        let answer = house.get(&format!("{IMPORTS}('{name}')")).await;
        assert_eq!(answer.status, 404, "{name}: {}", text(&answer));
        let answer = house
            .post(&format!("{IMPORTS}('{name}')"), &json!({}))
            .await;
        assert_eq!(
            error(&answer),
            "400 No method match route template: No method match route template",
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_answer_has_as_much_metadata_as_is_asked() {
    let house = House::new();
    let body = json!({ "id": ID, "serialNumber": "S", "hardwareIdentifier": "aGE=" });
    house.accept(&house.contoso, &body).await;
    house.api.settle().await;
    let path = format!("{IMPORTS}/{ID}");
    let mut answers = Vec::new();
    for level in ["none", "minimal", "full"] {
        let accept = format!("application/json;odata.metadata={level}");
        let ask = house.ask(Method::GET, &path).header("accept", &accept);
        let answer = ask.send().await;
        assert_eq!(
            answer.header("content-type").unwrap(),
            ENTITY_CONTENT_TYPE.replace("minimal", level)
        );
        answers.push(masked(&answer));
    }
    insta::assert_snapshot!(answers[0], @r#"{"id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode":802,"deviceErrorName":"InvalidZtdHardwareHash"}}"#);
    insta::assert_snapshot!(answers[1], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode":802,"deviceErrorName":"InvalidZtdHardwareHash"}}"##);
    insta::assert_snapshot!(answers[2], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","@odata.etag":"W/\"<tag>\"","@odata.id":"deviceManagement/importedWindowsAutopilotDeviceIdentities('<id 1>')","@odata.editLink":"deviceManagement/importedWindowsAutopilotDeviceIdentities('<id 1>')","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 1>","hardwareIdentifier@odata.type":"#Binary","hardwareIdentifier":"aGE=","assignedUserPrincipalName":null,"state":{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus","deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode@odata.type":"#Int32","deviceErrorCode":802,"deviceErrorName":"InvalidZtdHardwareHash"}}"##);
    for (accept, status) in [
        ("*/*", 200),
        ("application/*", 200),
        ("application/json;q=0", 406),
        ("text/html", 406),
    ] {
        let ask = house.ask(Method::GET, &path).header("accept", accept);
        assert_eq!(ask.send().await.status, status, "{accept}");
    }
}
