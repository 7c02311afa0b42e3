//! PATCH of a device.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{DEVICES, ENTITY_CONTENT_TYPE, House, VERSIONS, error, masked, string, text};

#[tokio::test]
async fn what_a_client_may_set_is_set() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let names = [
        "groupTag",
        "purchaseOrderIdentifier",
        "addressableUserName",
        "userPrincipalName",
        "resourceName",
        "azureActiveDirectoryDeviceId",
        "managedDeviceId",
        "displayName",
    ];
    for version in VERSIONS {
        let path = format!("{}/{id}", DEVICES.replace("beta", version));
        for name in names {
            for value in [json!(format!("{name} of {version}")), json!("ä\"\\\u{1}")] {
                let answer = house.patch(&path, &json!({ name: value })).await;
                assert_eq!(answer.status, 200, "{name}: {}", text(&answer));
                assert_eq!(answer.header("content-type"), Some(ENTITY_CONTENT_TYPE));
                assert_eq!(answer.json()[name], value);
                assert_eq!(text(&house.get(&path).await), text(&answer), "{name}");
            }
            let answer = house.patch(&path, &json!({ name: null })).await;
            let none = match name {
                "managedDeviceId" => "00000000-0000-0000-0000-000000000000",
                _ => "",
            };
            assert_eq!(answer.json()[name], none, "null is none");
        }
    }
    let path = format!("{DEVICES}/{id}");
    for name in ["azureAdDeviceId", "deviceAccountUpn", "deviceFriendlyName"] {
        let answer = house.patch(&path, &json!({ name: "x" })).await;
        assert_eq!(answer.json()[name], "x");
    }
    insta::assert_snapshot!(masked(&house.get(&path).await), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"<id 1>","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"HT0000000000000001","productKey":"6411608305051","manufacturer":"Hangar Test Works","model":"Paper Plane 14","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"HTW-PP14","systemFamily":"Paper Plane","azureActiveDirectoryDeviceId":"x","azureAdDeviceId":"x","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"x","deviceAccountPassword":"","deviceFriendlyName":"x","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus":"unknown"}"##);
}

#[tokio::test]
async fn everything_that_a_get_answers_may_be_sent_back() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    for version in VERSIONS {
        for level in ["none", "minimal", "full"] {
            let path = format!("{}/{id}", DEVICES.replace("beta", version));
            let accept = format!("application/json;odata.metadata={level}");
            let ask = house.ask(Method::GET, &path).header("accept", &accept);
            let mut read = ask.send().await.json();
            read["displayName"] = json!(format!("{version} {level}"));
            if version == "beta" {
                // As `$expand` shows them.
                read["deploymentProfile"] = json!({ "id": "7", "displayName": "P" });
                read["intendedDeploymentProfile"] = json!(null);
            }
            let answer = house.patch(&path, &read).await;
            assert_eq!(answer.status, 200, "{version} {level}: {}", text(&answer));
            assert_eq!(answer.json()["displayName"], read["displayName"]);
        }
    }
}

/// The directory's id is read by two names, and whoever edits one sends the other as it was.
#[tokio::test]
async fn either_name_of_the_directorys_id_may_be_edited() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let path = format!("{DEVICES}/{id}");
    let names = ["azureActiveDirectoryDeviceId", "azureAdDeviceId"];
    for (name, value) in [
        (names[0], "one"),
        (names[1], "two"),
        (names[0], "three"),
        (names[0], ""),
        (names[1], "four"),
        (names[1], ""),
    ] {
        let mut read = house.get(&path).await.json();
        read[name] = json!(value);
        let answer = house.patch(&path, &read).await;
        assert_eq!(answer.status, 200, "{name} {value}: {}", text(&answer));
        for name in names {
            assert_eq!(answer.json()[name], value);
        }
    }
    let body = json!({ names[0]: "five", names[1]: "six" });
    assert_eq!(
        error(&house.patch(&path, &body).await),
        "400 BadRequest: 'azureActiveDirectoryDeviceId' and 'azureAdDeviceId' are two names of one value and must not differ. Property: 'azureAdDeviceId'."
    );
    let nobodys = format!("{DEVICES}/{}", uuid::Uuid::from_u128(7));
    assert_eq!(house.patch(&nobodys, &body).await.status, 404);
}

#[tokio::test]
async fn what_tells_the_hardware_stays_and_what_the_server_keeps_up_means_nothing() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let path = format!("{DEVICES}/{id}");
    let before = text(&house.get(&path).await);
    for name in [
        "serialNumber",
        "productKey",
        "manufacturer",
        "model",
        "skuNumber",
        "systemFamily",
    ] {
        for value in [json!("other"), json!(null)] {
            let body = json!({ "groupTag": "T", name: value });
            assert_eq!(
                error(&house.patch(&path, &body).await),
                format!(
                    "409 Conflict: The property '{name}' can't change: it tells which hardware the device is."
                )
            );
        }
    }
    assert_eq!(text(&house.get(&path).await), before);
    for body in [
        json!({}),
        json!({ "id": "985b4f49-4f49-985b-494f-5b98494f5b98" }),
        json!({ "enrollmentState": "enrolled" }),
        json!({ "lastContactedDateTime": "2026-01-01T00:00:00Z" }),
        json!({ "deploymentProfileAssignmentStatus": "assignedInSync" }),
        json!({ "remediationState": "manualRemediationRequired" }),
        json!({ "userlessEnrollmentStatus": "allowed" }),
        json!({ "deviceAccountPassword": "a secret" }),
    ] {
        let answer = house.patch(&path, &body).await;
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(text(&answer), before, "{body}");
    }
}

#[tokio::test]
async fn the_answer_may_be_no_more_than_an_address() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    for version in VERSIONS {
        let set = DEVICES.replace("beta", version);
        let answer = house
            .ask(Method::PATCH, &format!("{set}/{}", id.to_uppercase()))
            .header("prefer", "return=minimal")
            .json(&json!({ "groupTag": version }))
            .send()
            .await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer)),
            (204, String::new())
        );
        let address = format!("http://127.0.0.1:8080{set}('{id}')");
        assert_eq!(answer.header("odata-entityid"), Some(address.as_str()));
        let stored = house.get(&format!("{set}('{id}')")).await;
        assert_eq!(string(&stored.json()["groupTag"]), version);
        assert_eq!(stored.header("etag"), answer.header("etag"));
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let house = House::new();
    let (import, theirs) = house.register(&house.fabrikam, 1).await;
    let path = format!("{DEVICES}/{theirs}");
    let ask = |body: &Value| house.ask(Method::PATCH, &path).json(body);
    let theirs_before = house.ask(Method::GET, &path).token(&house.fabrikam);
    let before = text(&theirs_before.send().await);
    assert_eq!(ask(&json!({ "groupTag": "T" })).send().await.status, 404);
    for key in [theirs.as_str(), import.as_str(), "7"] {
        let answer = house
            .patch(&format!("{DEVICES}/{key}"), &json!({ "groupTag": "T" }))
            .await;
        assert_eq!(
            error(&answer),
            format!(
                "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            )
        );
    }
    let theirs_after = house.ask(Method::GET, &path).token(&house.fabrikam);
    assert_eq!(text(&theirs_after.send().await), before);
}
