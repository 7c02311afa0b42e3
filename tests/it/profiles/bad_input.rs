//! Bodies that are no deployment profile.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{House, PROFILES, error, profile, text};

/// Values that are wrong for properties of these kinds.
fn wrong() -> Vec<(&'static str, Vec<Value>)> {
    let long = "x".repeat(1_025);
    let texts = vec![
        json!(7),
        json!(true),
        json!({}),
        json!([]),
        json!("a\0b"),
        json!(long),
    ];
    let booleans = vec![json!("true"), json!(1), json!({}), json!([])];
    let words = vec![json!(null), json!(0), json!(""), json!("Shared"), json!([])];
    let mut cases = vec![
        ("id", vec![json!(7), json!({})]),
        ("displayName", vec![json!(null), json!(""), json!("  ")]),
        (
            "createdDateTime",
            vec![json!("yesterday"), json!(7), json!(null)],
        ),
        ("lastModifiedDateTime", vec![json!(""), json!(false)]),
        ("deviceType", words.clone()),
        (
            "roleScopeTagIds",
            vec![
                json!("0"),
                json!([0]),
                json!([null]),
                json!([""]),
                json!(["a\nb"]),
                json!(vec!["1"; 101]),
            ],
        ),
        (
            "deviceNameTemplate",
            vec![
                json!("much too long a name"),
                json!("a b"),
                json!("%USER%"),
                json!("123"),
            ],
        ),
        ("locale", vec![json!("en_US"), json!("-")]),
        ("language", vec![json!("en US")]),
        (
            "outOfBoxExperienceSettings",
            vec![
                json!([]),
                json!("x"),
                json!({ "eulaHidden": true }),
                json!({ "HideEULA": true }),
            ],
        ),
        (
            "outOfBoxExperienceSetting",
            vec![
                json!(7),
                json!({ "hideEULA": true }),
                json!({ "@odata.type": "microsoft.graph.x" }),
            ],
        ),
        (
            "enrollmentStatusScreenSettings",
            vec![json!([]), json!({ "other": 1 })],
        ),
        ("hybridAzureADJoinSkipConnectivityCheck", vec![json!(true)]),
        ("DisplayName", vec![json!("x")]),
        ("assignments", vec![json!([])]),
        ("other", vec![json!(1)]),
    ];
    for name in [
        "displayName",
        "description",
        "locale",
        "language",
        "deviceNameTemplate",
        "managementServiceAppId",
    ] {
        cases.push((name, texts.clone()));
    }
    for name in [
        "extractHardwareHash",
        "hardwareHashExtractionEnabled",
        "enableWhiteGlove",
        "preprovisioningAllowed",
    ] {
        cases.push((name, booleans.clone()));
    }
    cases
}

/// Members of complex values, and values that are wrong for them.
fn wrong_members() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let booleans = vec![json!(null), json!("true"), json!(1)];
    let words = vec![json!(0), json!("Standard"), json!({})];
    let old = "outOfBoxExperienceSettings";
    let new = "outOfBoxExperienceSetting";
    let screen = "enrollmentStatusScreenSettings";
    let mut cases = vec![
        (old, "userType", words.clone()),
        (old, "deviceUsageType", words.clone()),
        (new, "userType", words.clone()),
        (new, "deviceUsageType", words),
        (
            screen,
            "installProgressTimeoutInMinutes",
            vec![
                json!(null),
                json!("1"),
                json!(1.5),
                json!(-1),
                json!(2_147_483_648_u64),
            ],
        ),
        (screen, "customErrorMessage", vec![json!(7)]),
    ];
    for (object, name) in [
        (old, "hideEscapeLink"),
        (old, "hideEULA"),
        (old, "hidePrivacySettings"),
        (old, "skipKeyboardSelectionPage"),
        (new, "escapeLinkHidden"),
        (new, "eulaHidden"),
        (new, "privacySettingsHidden"),
        (new, "keyboardSelectionPageSkipped"),
        (screen, "hideInstallationProgress"),
        (screen, "allowDeviceUseBeforeProfileAndAppInstallComplete"),
        (screen, "blockDeviceSetupRetryByUser"),
        (screen, "allowLogCollectionOnInstallFailure"),
        (screen, "allowDeviceUseOnInstallFailure"),
    ] {
        cases.push((object, name, booleans.clone()));
    }
    cases
}

#[tokio::test]
async fn every_property_refuses_what_it_cannot_be() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let path = format!("{PROFILES}/{id}");
    let before = text(&house.get(PROFILES).await);
    let mut bodies = Vec::new();
    for (name, values) in wrong() {
        bodies.extend(values.into_iter().map(|value| json!({ name: value })));
    }
    for (object, name, values) in wrong_members() {
        bodies.extend(
            values
                .into_iter()
                .map(|value| json!({ object: { name: value } })),
        );
    }
    for body in bodies {
        let answer = house.patch(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", text(&answer));
        let mut whole = profile("two");
        for (name, value) in body.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let answer = house.post(PROFILES, &whole).await;
        assert_eq!(answer.status, 400, "{whole}: {}", text(&answer));
    }
    assert_eq!(text(&house.get(PROFILES).await), before);
}

/// A profile that was read with its assignments is not blamed for a name that it does have.
#[tokio::test]
async fn what_has_an_address_of_its_own_is_changed_there() {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let path = format!("{PROFILES}/{id}");
    let read = house.get(&format!("{path}?$expand=assignments")).await;
    let refusal = |name: &str| {
        format!(
            "400 BadRequest: The collection can't be changed here: use its own address. Property: '{name}'."
        )
    };
    let answer = house.patch(&path, &read.json()).await;
    assert_eq!(error(&answer), refusal("assignments"));
    let mut whole = profile("two");
    whole["assignedDevices"] = json!([]);
    let answer = house.post(PROFILES, &whole).await;
    assert_eq!(error(&answer), refusal("assignedDevices"));
}

#[tokio::test]
async fn a_kind_and_a_name_are_needed() {
    let house = House::new();
    let abstract_type = "#microsoft.graph.windowsAutopilotDeploymentProfile";
    for body in [
        json!({ "displayName": "x" }),
        json!({ "displayName": "x", "@odata.type": abstract_type }),
    ] {
        assert_eq!(
            error(&house.post(PROFILES, &body).await),
            "400 BadRequest: '@odata.type' must name one of the types '#microsoft.graph.azureADWindowsAutopilotDeploymentProfile' and '#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile'."
        );
    }
    let mut nameless = profile("x");
    nameless.as_object_mut().unwrap().remove("displayName");
    assert_eq!(
        error(&house.post(PROFILES, &nameless).await),
        "400 BadRequest: The property 'displayName' is missing or empty."
    );
    for kind in [
        json!(7),
        json!(null),
        json!("#microsoft.graph.device"),
        json!("azureAD"),
    ] {
        let mut body = profile("x");
        body["@odata.type"] = kind;
        assert_eq!(house.post(PROFILES, &body).await.status, 400, "{body}");
    }
    for body in [
        "",
        "[]",
        "null",
        "{",
        "7",
        "{\"displayName\":\"a\",\"displayName\":\"b\"}",
    ] {
        let answer = house.ask(Method::POST, PROFILES).bytes(body).send().await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let ask = house.ask(Method::POST, PROFILES).json(&profile("x"));
    let answer = ask.header("content-type", "text/plain").send().await;
    assert_eq!(answer.status, 400);
    let huge = format!("{{\"displayName\":\"{}\"}}", "x".repeat(1 << 20));
    let answer = house.ask(Method::POST, PROFILES).bytes(huge).send().await;
    assert_eq!(answer.status, 413);
    assert_eq!(house.get(PROFILES).await.json()["value"], json!([]));
}
