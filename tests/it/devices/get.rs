//! GET of a device by its key.

use hardware_hash::Builder;
use http::Method;
use serde_json::json;

use crate::harness::{
    DEVICES, ENTITY_CONTENT_TYPE, House, VERSIONS, error, id_of, import_of, masked, string, text,
};

#[tokio::test]
async fn a_device_shows_its_hash_and_what_its_import_said() {
    let house = House::new();
    let mut import = import_of(
        &Builder::new(7)
            .serial_number("Default 7")
            .product_key_id("3302800000001"),
    );
    import["groupTag"] = json!("Sales");
    import["serialNumber"] = json!("what the client believes");
    import["assignedUserPrincipalName"] = json!("a@contoso.example");
    let import = house.accept(&house.contoso, &import).await;
    house.api.settle().await;
    let id = string(&house.state(&house.contoso, &import).await["deviceRegistrationId"]);

    let mut answers = Vec::new();
    for version in VERSIONS {
        let path = format!("{}/{id}", DEVICES.replace("beta", version));
        let answer = house.get(&path).await;
        assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
        // Scripts read statuses and dates without looking, and PowerShell folds letter case.
        let body = answer.json();
        let members = body.as_object().unwrap();
        assert!(members.values().all(|value| !value.is_null()));
        let mut folded: Vec<_> = members.keys().map(|name| name.to_lowercase()).collect();
        folded.dedup();
        assert_eq!(folded.len(), members.len());
        answers.push(masked(&answer));
        for level in ["none", "full"] {
            let accept = format!("application/json;odata.metadata={level}");
            let answer = house
                .ask(Method::GET, &path)
                .header("accept", &accept)
                .send()
                .await;
            assert_eq!(answer.json()["serialNumber"], "Default 7");
            assert_eq!(answer.json().get("@odata.id").is_some(), level == "full");
            assert_eq!(answer.json().get("@odata.type").is_some(), level == "full");
        }
    }
    insta::assert_snapshot!(answers[0], @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"<id 1>","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default 7","productKey":"3302800000001","manufacturer":"Hangar Test Works","model":"Paper Plane 14","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@contoso.example","resourceName":"","skuNumber":"HTW-PP14","systemFamily":"Paper Plane","azureActiveDirectoryDeviceId":"","azureAdDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"","deviceAccountPassword":"","deviceFriendlyName":"","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus":"unknown"}"##);
    insta::assert_snapshot!(answers[1], @r##"{"@odata.context":"http://127.0.0.1:8080/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"<id 1>","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default 7","productKey":"3302800000001","manufacturer":"Hangar Test Works","model":"Paper Plane 14","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@contoso.example","resourceName":"","skuNumber":"HTW-PP14","systemFamily":"Paper Plane","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"##);
}

#[tokio::test]
async fn a_key_is_read_in_every_syntax_and_others_lead_to_nothing() {
    let house = House::new();
    let (import, id) = house.register(&house.contoso, 1).await;
    for version in VERSIONS {
        let set = DEVICES.replace("beta", version);
        for path in [
            format!("{set}/{id}"),
            format!("{set}/{}/", id.to_uppercase()),
            format!("{set}('{id}')"),
            format!("{set}(%27{id}%27)/?note=1"),
            format!("{}({id})", set.to_uppercase()),
        ] {
            let answer = house.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
            assert_eq!(id_of(&answer), id);
        }
        for key in [import.as_str(), "7", "", "$count"] {
            let answer = house.get(&format!("{set}('{key}')")).await;
            assert_eq!(
                error(&answer),
                format!(
                    "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
                )
            );
        }
        let answer = house.get(&format!("{set}/{id}?$top=1")).await;
        assert_eq!(
            error(&answer),
            "400 BadRequest: The query option '$top' is not supported here."
        );
    }
}
