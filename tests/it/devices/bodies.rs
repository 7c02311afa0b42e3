//! Bodies of POST and PATCH that are no devices: refused in plain words, and nothing is written.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{DEVICES, House, error, ids_of, text};

const UNREADABLE: &str = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";

fn mistyped() -> Vec<(Value, String)> {
    let convert = |kind: &str, edm: &str, name: &str| {
        format!("Cannot convert a JSON {kind} to the expected type '{edm}'. Property: '{name}'.")
    };
    let mut cases = Vec::new();
    for name in [
        "id",
        "groupTag",
        "purchaseOrderIdentifier",
        "serialNumber",
        "productKey",
        "manufacturer",
        "model",
        "addressableUserName",
        "userPrincipalName",
        "resourceName",
        "skuNumber",
        "systemFamily",
        "azureActiveDirectoryDeviceId",
        "azureAdDeviceId",
        "managedDeviceId",
        "displayName",
        "deviceAccountUpn",
        "deviceAccountPassword",
        "deviceFriendlyName",
    ] {
        for (value, kind) in [
            (json!(7), "number"),
            (json!(true), "boolean"),
            (json!([]), "array"),
            (json!({}), "object"),
        ] {
            cases.push((json!({ name: value }), convert(kind, "Edm.String", name)));
        }
        let long = format!("The value is longer than 1024 characters. Property: '{name}'.");
        cases.push((json!({ name: "ä".repeat(1_025) }), long));
        let nul = format!("The value holds the character U+0000. Property: '{name}'.");
        cases.push((json!({ name: "a\0b" }), nul));
    }
    for name in [
        "lastContactedDateTime",
        "deploymentProfileAssignedDateTime",
        "remediationStateLastModifiedDateTime",
    ] {
        let edm = "Edm.DateTimeOffset";
        cases.push((json!({ name: null }), convert("null", edm, name)));
        let told = format!(
            "Cannot convert the literal 'yesterday' to the expected type '{edm}'. Property: '{name}'."
        );
        cases.push((json!({ name: "yesterday" }), told));
    }
    for (name, edm) in [
        ("enrollmentState", "enrollmentState"),
        (
            "deploymentProfileAssignmentStatus",
            "windowsAutopilotProfileAssignmentStatus",
        ),
        (
            "deploymentProfileAssignmentDetailedStatus",
            "windowsAutopilotProfileAssignmentDetailedStatus",
        ),
        ("remediationState", "windowsAutopilotDeviceRemediationState"),
        (
            "userlessEnrollmentStatus",
            "windowsAutopilotUserlessEnrollmentStatus",
        ),
    ] {
        let edm = format!("microsoft.graph.{edm}");
        cases.push((json!({ name: null }), convert("null", &edm, name)));
        cases.push((json!({ name: 4 }), convert("number", &edm, name)));
        let told = format!(
            "Cannot convert the literal 'Unknown' to the expected type '{edm}'. Property: '{name}'."
        );
        cases.push((json!({ name: "Unknown" }), told));
    }
    cases
}

fn misnamed() -> Vec<(Value, String)> {
    let unknown = |name: &str| {
        format!(
            "The property '{name}' does not exist on type 'microsoft.graph.windowsAutopilotDeviceIdentity'. Make sure to only use property names that are defined by the type."
        )
    };
    vec![
        (json!({ "GroupTag": "x" }), unknown("GroupTag")),
        (json!({ "hardwareIdentifier": "aGE=" }), unknown("hardwareIdentifier")),
        (json!({ "": "x" }), unknown("")),
        (
            json!({ "@odata.type": "#microsoft.graph.device" }),
            "The type must be 'microsoft.graph.windowsAutopilotDeviceIdentity'. Property: '@odata.type'.".to_owned(),
        ),
        (
            json!({ "azureActiveDirectoryDeviceId": "a", "azureAdDeviceId": "b" }),
            "'azureActiveDirectoryDeviceId' and 'azureAdDeviceId' are two names of one value and must not differ. Property: 'azureAdDeviceId'.".to_owned(),
        ),
        (
            json!({ "deploymentProfile": "x" }),
            "Cannot convert a JSON string to the expected type 'microsoft.graph.windowsAutopilotDeploymentProfile'. Property: 'deploymentProfile'.".to_owned(),
        ),
        (
            json!([]),
            "Cannot convert a JSON array to the expected type 'microsoft.graph.windowsAutopilotDeviceIdentity'.".to_owned(),
        ),
        (
            json!(null),
            "Cannot convert a JSON null to the expected type 'microsoft.graph.windowsAutopilotDeviceIdentity'.".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn a_body_that_is_no_device_is_refused() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let device = format!("{DEVICES}/{id}");
    let before = text(&house.get(&device).await);
    for (body, told) in mistyped().into_iter().chain(misnamed()) {
        for (method, path) in [(Method::POST, DEVICES), (Method::PATCH, &*device)] {
            let answer = house.ask(method.clone(), path).json(&body).send().await;
            let case = format!("{method} {body:.80}");
            assert_eq!(error(&answer), format!("400 BadRequest: {told}"), "{case}");
        }
    }
    for body in [
        "",
        "{",
        "{groupTag:\"X\"}",
        "{\"groupTag\":\"\\ud800\"}",
        "x=1",
    ] {
        for (method, path) in [(Method::POST, DEVICES), (Method::PATCH, &*device)] {
            let answer = house.ask(method, path).bytes(body).send().await;
            assert_eq!(
                error(&answer),
                format!("400 BadRequest: {UNREADABLE}"),
                "{body}"
            );
        }
    }
    for (method, path) in [(Method::POST, DEVICES), (Method::PATCH, &*device)] {
        let untyped = house
            .ask(method.clone(), path)
            .json(&json!({}))
            .header("content-type", "text/plain");
        assert_eq!(untyped.send().await.status, 400);
        let large = format!("{{\"@x\":\"{}\"}}", "x".repeat(1024 * 1024));
        let answer = house.ask(method.clone(), path).bytes(large).send().await;
        assert_eq!(answer.status, 413);
        let options = house
            .ask(method, &format!("{path}?$select=id"))
            .json(&json!({}));
        assert_eq!(options.send().await.status, 400);
    }
    assert_eq!(text(&house.get(&device).await), before);
    assert_eq!(ids_of(&house.get(DEVICES).await), [id.as_str()]);
}

#[tokio::test]
async fn the_stable_version_knows_only_its_own_properties() {
    let house = House::new();
    let (_, id) = house.register(&house.contoso, 1).await;
    let path = format!("{}/{id}", DEVICES.replace("beta", "v1.0"));
    for name in [
        "azureAdDeviceId",
        "deviceAccountUpn",
        "deviceAccountPassword",
        "deviceFriendlyName",
        "deploymentProfile",
        "remediationState",
        "userlessEnrollmentStatus",
        "deploymentProfileAssignmentStatus",
    ] {
        let answer = house.patch(&path, &json!({ name: null })).await;
        let told = error(&answer);
        let expected = format!("400 BadRequest: The property '{name}' does not exist on type");
        assert!(told.starts_with(&expected), "{told}");
    }
    // Nor does it know what beta alone calls a state.
    let blocked = json!({ "enrollmentState": "blocked" });
    assert_eq!(
        error(&house.patch(&path, &blocked).await),
        "400 BadRequest: Cannot convert the literal 'blocked' to the expected type 'microsoft.graph.enrollmentState'. Property: 'enrollmentState'."
    );
    let beta = format!("{DEVICES}/{id}");
    assert_eq!(house.patch(&beta, &blocked).await.status, 200);
}
