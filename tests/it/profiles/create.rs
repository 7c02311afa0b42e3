//! POST of a deployment profile, and GET of what it made.

use http::Method;
use serde_json::json;

use crate::harness::{House, PROFILES, error, id_of, masked, profile, text};

const ACTIVE_DIRECTORY: &str = "#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile";

#[tokio::test]
async fn a_profile_is_answered_with_old_and_new_names() {
    let house = House::new();
    let answer = house.post(PROFILES, &profile("Plain")).await;
    assert_eq!(answer.status, 201, "{}", text(&answer));
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles/$entity","@odata.type":"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile","id":"<id 1>","displayName":"Plain","description":"","language":"os-default","locale":"os-default","createdDateTime":"2026-01-01T00:00:00Z","lastModifiedDateTime":"2026-01-01T00:00:00Z","outOfBoxExperienceSettings":{"@odata.type":"microsoft.graph.outOfBoxExperienceSettings","hidePrivacySettings":false,"hideEULA":false,"userType":"administrator","deviceUsageType":"singleUser","skipKeyboardSelectionPage":false,"hideEscapeLink":false},"outOfBoxExperienceSetting":{"@odata.type":"microsoft.graph.outOfBoxExperienceSetting","privacySettingsHidden":false,"eulaHidden":false,"userType":"administrator","deviceUsageType":"singleUser","keyboardSelectionPageSkipped":false,"escapeLinkHidden":false},"enrollmentStatusScreenSettings":null,"extractHardwareHash":false,"hardwareHashExtractionEnabled":false,"deviceNameTemplate":"","deviceType":"windowsPc","enableWhiteGlove":false,"preprovisioningAllowed":false,"roleScopeTagIds":["0"],"managementServiceAppId":null}"##);
    let id = id_of(&answer);
    assert_eq!(
        answer.header("location"),
        Some(format!("http://127.0.0.1:8080{PROFILES}('{id}')").as_str())
    );
    for path in [
        format!("{PROFILES}/{id}"),
        format!("{PROFILES}('{}')/", id.to_uppercase()),
    ] {
        assert_eq!(text(&house.get(&path).await), text(&answer), "{path}");
    }
    let theirs = house.ask(Method::GET, &format!("{PROFILES}/{id}"));
    assert_eq!(theirs.token(&house.fabrikam).send().await.status, 404);
}

#[tokio::test]
async fn a_hybrid_profile_has_what_only_it_has() {
    for house in [House::new(), House::observed()] {
        let body = json!({
            "@odata.type": ACTIVE_DIRECTORY,
            "displayName": "Hybrid",
            "description": "two directories",
            "locale": "de-DE",
            "deviceType": "holoLens",
            "deviceNameTemplate": "HY-%RAND:5%",
            "preprovisioningAllowed": true,
            "enableWhiteGlove": null,
            "hardwareHashExtractionEnabled": true,
            "roleScopeTagIds": ["0", "5"],
            "managementServiceAppId": "app",
            "hybridAzureADJoinSkipConnectivityCheck": true,
            "outOfBoxExperienceSetting": {
                "deviceUsageType": "shared", "userType": "standard", "escapeLinkHidden": true,
                "eulaHidden": true, "privacySettingsHidden": true,
                "keyboardSelectionPageSkipped": true,
            },
            "outOfBoxExperienceSettings": null,
            "enrollmentStatusScreenSettings": {
                "@odata.type": "microsoft.graph.windowsEnrollmentStatusScreenSettings",
                "installProgressTimeoutInMinutes": 60,
                "customErrorMessage": "call us",
            },
        });
        let answer = house.post(PROFILES, &body).await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        let shown = answer.json();
        // A derived type is always named.
        assert_eq!(shown["@odata.type"], ACTIVE_DIRECTORY);
        for (old, new) in [
            ("language", "locale"),
            ("enableWhiteGlove", "preprovisioningAllowed"),
            ("extractHardwareHash", "hardwareHashExtractionEnabled"),
        ] {
            assert_eq!(shown[old], body[new]);
            assert_eq!(shown[new], body[new]);
        }
        let old = &shown["outOfBoxExperienceSettings"];
        for name in [
            "hideEscapeLink",
            "hideEULA",
            "hidePrivacySettings",
            "skipKeyboardSelectionPage",
        ] {
            assert_eq!(old[name], true, "{name}");
        }
        assert_eq!(old["deviceUsageType"], "shared");
        assert_eq!(old["userType"], "standard");
        let screen = &shown["enrollmentStatusScreenSettings"];
        assert_eq!(screen["installProgressTimeoutInMinutes"], 60);
        assert_eq!(screen["hideInstallationProgress"], false);
        for name in ["hybridAzureADJoinSkipConnectivityCheck", "roleScopeTagIds"] {
            assert_eq!(shown[name], body[name]);
        }
        let path = format!("{PROFILES}/{}", id_of(&answer));
        let full = house.ask(Method::GET, &path);
        let full = full.header("accept", "application/json;odata.metadata=full");
        let full = full.send().await.json();
        assert_eq!(full["roleScopeTagIds@odata.type"], "#Collection(String)");
        assert_eq!(full["createdDateTime@odata.type"], "#DateTimeOffset");
        assert!(full.get("locale@odata.type").is_none());
        let none = house.ask(Method::GET, &path);
        let none = none.header("accept", "application/json;odata.metadata=none");
        assert!(!text(&none.send().await).contains("@odata"));
    }
}

#[tokio::test]
async fn a_client_may_want_only_the_address() {
    let house = House::new();
    let ask = house.ask(Method::POST, PROFILES).json(&profile("Quiet"));
    let answer = ask.header("prefer", "return=minimal").send().await;
    assert_eq!(
        (answer.status.as_u16(), text(&answer)),
        (204, String::new())
    );
    let location = answer.header("location").unwrap();
    let path = location.strip_prefix("http://127.0.0.1:8080").unwrap();
    assert_eq!(house.get(path).await.json()["displayName"], "Quiet");
}

#[tokio::test]
async fn a_tenant_has_350_at_most() {
    let house = House::new();
    for number in 0..350 {
        house
            .make_profile(&house.contoso, &format!("profile {number}"))
            .await;
    }
    let answer = house.post(PROFILES, &profile("one more")).await;
    assert_eq!(
        error(&answer),
        "400 BadRequest: The tenant has 350 deployment profiles, which is as many as there can be."
    );
    house.make_profile(&house.fabrikam, "theirs").await;
    let list = house.get(PROFILES).await.json();
    assert_eq!(list["value"].as_array().unwrap().len(), 350);
}
