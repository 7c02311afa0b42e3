//! PATCH of a deployment profile.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{House, PROFILES, error, profile, text};

struct Scene {
    house: House,
    path: String,
    read: Value,
}

impl Scene {
    async fn new() -> Self {
        let house = House::new();
        let id = house.make_profile(&house.contoso, "one").await;
        let path = format!("{PROFILES}/{id}");
        let read = house.get(&path).await.json();
        house.api.clock.advance(SignedDuration::from_secs(7));
        Self { house, path, read }
    }

    async fn patched(&self, body: &Value) -> Value {
        let answer = self.house.patch(&self.path, body).await;
        assert_eq!(answer.status, 200, "{body}: {}", text(&answer));
        assert_eq!(self.house.get(&self.path).await.json(), answer.json());
        answer.json()
    }

    async fn refused(&self, body: &Value) -> String {
        let before = self.house.get(&self.path).await.json();
        let answer = self.house.patch(&self.path, body).await;
        assert_eq!(self.house.get(&self.path).await.json(), before, "{body}");
        error(&answer)
    }
}

#[tokio::test]
async fn a_profile_that_was_read_can_be_edited_and_sent_back() {
    let scene = Scene::new().await;
    let unchanged = scene.patched(&scene.read).await;
    let mut expected = scene.read.clone();
    expected["lastModifiedDateTime"] = json!("2026-01-01T00:00:07Z");
    assert_eq!(unchanged, expected);

    // Whichever of two names was edited, the edit counts.
    for (name, other, value) in [
        ("locale", "language", json!("de-DE")),
        ("language", "locale", json!("fr-FR")),
        ("enableWhiteGlove", "preprovisioningAllowed", json!(true)),
        ("preprovisioningAllowed", "enableWhiteGlove", json!(false)),
        (
            "extractHardwareHash",
            "hardwareHashExtractionEnabled",
            json!(true),
        ),
    ] {
        let mut edited = scene.house.get(&scene.path).await.json();
        edited[name] = value.clone();
        let answer = scene.patched(&edited).await;
        assert_eq!((&answer[name], &answer[other]), (&value, &value));
    }
    let mut edited = scene.house.get(&scene.path).await.json();
    edited["outOfBoxExperienceSettings"]["hideEULA"] = json!(true);
    edited["outOfBoxExperienceSetting"]["userType"] = json!("standard");
    let answer = scene.patched(&edited).await;
    assert_eq!(answer["outOfBoxExperienceSetting"]["eulaHidden"], true);
    assert_eq!(answer["outOfBoxExperienceSettings"]["userType"], "standard");
}

#[tokio::test]
async fn only_what_is_named_changes() {
    let scene = Scene::new().await;
    let answer = scene.patched(&json!({ "description": "new" })).await;
    let mut expected = scene.read.clone();
    expected["description"] = json!("new");
    expected["lastModifiedDateTime"] = json!("2026-01-01T00:00:07Z");
    assert_eq!(answer, expected);
    let screen =
        json!({ "enrollmentStatusScreenSettings": { "blockDeviceSetupRetryByUser": true } });
    let answer = scene.patched(&screen).await;
    let screen = &answer["enrollmentStatusScreenSettings"];
    assert_eq!(screen["blockDeviceSetupRetryByUser"], true);
    assert_eq!(screen["customErrorMessage"], Value::Null);
    let none = json!({ "enrollmentStatusScreenSettings": null, "description": null });
    let answer = scene.patched(&none).await;
    assert_eq!(answer["enrollmentStatusScreenSettings"], Value::Null);
    assert_eq!(answer["description"], "");
}

#[tokio::test]
async fn contradictions_are_refused() {
    let scene = Scene::new().await;
    assert_eq!(
        scene
            .refused(&json!({ "language": "de-DE", "locale": "fr-FR" }))
            .await,
        "400 BadRequest: 'language' and 'locale' are two names of one value and must not differ."
    );
    let kind = "#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile";
    assert_eq!(
        scene.refused(&json!({ "@odata.type": kind })).await,
        "400 BadRequest: The type must be 'microsoft.graph.azureADWindowsAutopilotDeploymentProfile'."
    );
    assert_eq!(
        scene
            .refused(&json!({ "hybridAzureADJoinSkipConnectivityCheck": true }))
            .await,
        "400 BadRequest: The property 'hybridAzureADJoinSkipConnectivityCheck' does not exist on type 'microsoft.graph.azureADWindowsAutopilotDeploymentProfile'. Make sure to only use property names that are defined by the type."
    );
    // The abstract type says nothing of the kind.
    let kind = "#microsoft.graph.windowsAutopilotDeploymentProfile";
    scene.patched(&json!({ "@odata.type": kind })).await;
    let mut fresh = profile("two");
    fresh["language"] = json!("de-DE");
    fresh["locale"] = json!("os-default");
    let answer = scene.house.post(PROFILES, &fresh).await;
    assert_eq!(answer.status, 400, "{}", text(&answer));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let house = House::new();
    for key in ["7", "0198c0de-0000-7000-8000-000000000001"] {
        let answer = house.patch(&format!("{PROFILES}/{key}"), &json!({})).await;
        assert_eq!(answer.status, 404, "{key}");
    }
}
