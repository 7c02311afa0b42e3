//! GET of the imports. Pages are in `conventions::paging`, options in `conventions::options`.

use http::Method;
use serde_json::json;

use crate::harness::{ENTITY_CONTENT_TYPE, House, IMPORTS, VERSIONS, ids_of, masked};

#[tokio::test]
async fn the_list_holds_every_import_with_its_state() {
    let house = House::new();
    let empty = house.get(IMPORTS).await;
    assert_eq!(empty.header("content-type"), Some(ENTITY_CONTENT_TYPE));
    insta::assert_snapshot!(masked(&empty), @r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[]}"#);

    let ids = ["1", "2", "3"].map(|last| format!("985b4f49-4f49-985b-494f-5b98494f5b9{last}"));
    for id in [&ids[2], &ids[0]] {
        house.accept(&house.contoso, &json!({ "id": id })).await;
    }
    house.api.settle().await;
    house
        .accept(
            &house.contoso,
            &json!({ "id": ids[1], "serialNumber": "S" }),
        )
        .await;
    house.accept(&house.fabrikam, &json!({})).await;

    let list = house.get(IMPORTS).await;
    insta::assert_snapshot!(masked(&list), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","value":[{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 1>","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":"<id 1>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode":803,"deviceErrorName":"MissingZtdSerialNumberAndProductKey"}},{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 2>","orderIdentifier":null,"groupTag":null,"serialNumber":"S","productKey":null,"importId":"<id 2>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}},{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"<id 3>","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":"<id 3>","hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode":803,"deviceErrorName":"MissingZtdSerialNumberAndProductKey"}}]}"##);
    for version in VERSIONS {
        let list = house
            .get(&format!("{}/", IMPORTS.replace("beta", version)))
            .await;
        assert_eq!(ids_of(&list), ids, "in the order of their ids");
    }
    let bare = house
        .ask(Method::GET, IMPORTS)
        .header("accept", "application/json;odata.metadata=none");
    let bare = bare.send().await.json();
    assert_eq!(
        bare.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["value"]
    );
    assert_eq!(bare["value"][0].get("@odata.type"), None);
    assert_eq!(bare["value"][0]["state"].get("@odata.type"), None);
}
