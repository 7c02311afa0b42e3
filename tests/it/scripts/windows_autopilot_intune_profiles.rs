//! The module `WindowsAutopilotIntune`: deployment profiles, syncs and events. All of it in beta.

use serde_json::{Value, json};

use super::powershell::{Body, DEVICES, Desk, GROUP, PROFILES, SETTINGS};

/// The body that `New-AutopilotProfile` writes, with the names of before 2024.
const NEW_PROFILE: &str = r##"{
    "@odata.type": "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile",
    "displayName": "Sales",
    "description": "Sold here",
    "language": "en-US",
    "extractHardwareHash": false,
    "deviceNameTemplate": "PC-%SERIAL%",
    "deviceType": "windowsPc",
    "enableWhiteGlove": false,
    "outOfBoxExperienceSettings": {
        "hidePrivacySettings": true,
        "hideEULA": true,
        "userType": "standard",
        "deviceUsageType": "singleUser",
        "skipKeyboardSelectionPage": false,
        "hideEscapeLink": true
    }
}"##;

/// Runs `New-AutopilotProfile`: the profile's id.
async fn new_profile(desk: &mut Desk) -> String {
    let body = NEW_PROFILE.replace('\n', "\r\n");
    let profile = desk.post(PROFILES, body).await.object();
    assert_eq!(profile["displayName"], "Sales");
    profile["id"].as_str().unwrap().to_owned()
}

/// What `Set-AutopilotProfileAssignedGroup` writes.
fn assignment(profile: &str) -> String {
    format!(
        r##"{{
    "id": "{profile}_{GROUP}_0",
    "target": {{
        "@odata.type": "#microsoft.graph.groupAssignmentTarget",
        "groupId": "{GROUP}"
    }}
}}"##
    )
    .replace('\n', "\r\n")
}

#[tokio::test]
async fn set_autopilot_profile_reads_edits_and_sends_back() {
    for mut desk in Desk::both().await {
        let id = new_profile(&mut desk).await;
        let one = format!("{PROFILES}/{id}");
        let mut current = desk.get(&one).await.object();
        // It sets these by the old names; to set what an object does not have is an error there.
        let members = current.as_object_mut().unwrap();
        for (name, value) in [
            ("displayName", json!("Sales 2")),
            ("language", json!("de-DE")),
            ("extractHardwareHash", json!(true)),
            ("enableWhiteGlove", json!(true)),
            ("deviceNameTemplate", json!("PC-%RAND:4%")),
        ] {
            *members.get_mut(name).expect(name) = value;
        }
        let settings = members["outOfBoxExperienceSettings"].as_object_mut();
        let settings = settings.expect("an object");
        for (name, value) in [
            ("hideEULA", json!(false)),
            ("hidePrivacySettings", json!(false)),
            ("hideEscapeLink", json!(false)),
            ("skipKeyboardSelectionPage", json!(true)),
            ("userType", json!("administrator")),
        ] {
            *settings.get_mut(name).expect(name) = value;
        }
        for name in [
            "lastModifiedDateTime",
            "createdDateTime",
            "@odata.context",
            "id",
            "roleScopeTagIds",
        ] {
            assert!(members.remove(name).is_some(), "{name}");
        }
        // Out of mistake it takes a profile for Entra alone to be a hybrid one.
        let hybrid = "hybridAzureADJoinSkipConnectivityCheck".to_owned();
        assert_eq!(members.insert(hybrid, json!(false)), None);
        let body = serde_json::to_string_pretty(&current).unwrap();
        let body = body.replace('\n', "\r\n");
        let patched = desk
            .invoke("PATCH", &one, Body::Json(body.as_bytes()))
            .await;
        patched.object();

        let found = desk.get(&one).await.object();
        assert_eq!(found["displayName"], "Sales 2");
        assert_eq!(found["locale"], "de-DE");
        assert_eq!(found["hardwareHashExtractionEnabled"], true);
        assert_eq!(found["preprovisioningAllowed"], true);
        assert_eq!(found["deviceNameTemplate"], "PC-%RAND:4%");
        let setting = &found["outOfBoxExperienceSetting"];
        assert_eq!(setting["eulaHidden"], false);
        assert_eq!(setting["keyboardSelectionPageSkipped"], true);
        assert_eq!(setting["userType"], "administrator");
        let kind = "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile";
        assert_eq!(found["@odata.type"], kind);
        assert_eq!(desk.all(PROFILES).await.len(), 1);
        desk.delete(&one).await.done();
        assert_eq!(desk.all(PROFILES).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_group_is_assigned_and_its_devices_are_awaited() {
    for mut desk in Desk::both().await {
        let device = desk.register(1..=1).await.remove(0);
        let one = format!("{DEVICES}/{device}");
        let action = format!("{one}/UpdateDeviceProperties");
        desk.post(&action, r#"{ groupTag: "Sales" }"#).await.done();
        let profile = new_profile(&mut desk).await;
        let assignments = format!("{PROFILES}/{profile}/assignments");
        let made = desk.post(&assignments, assignment(&profile)).await.object();
        let key = format!("{profile}_{GROUP}_0");
        assert_eq!(made["id"], key.as_str());
        let listed = desk.all(&assignments).await;
        assert_eq!(listed[0]["target"]["groupId"], GROUP);

        // Get-WindowsAutopilotInfo -Assign: it waits for "assigned", in these letters.
        let expanded = format!("{one}?$expand=deploymentProfile,intendedDeploymentProfile");
        let mut statuses = Vec::new();
        loop {
            let device = desk.get(&expanded).await.object();
            let status = device["deploymentProfileAssignmentStatus"].as_str();
            let status = status.expect("never null").to_owned();
            let is_assigned = status.starts_with("assigned");
            statuses.push(status);
            if is_assigned {
                assert_eq!(device["deploymentProfile"]["displayName"], "Sales");
                assert_eq!(device["intendedDeploymentProfile"]["id"], profile.as_str());
                break;
            }
            assert!(statuses.len() < 10, "it waits without an end: {statuses:?}");
            desk.sleep(30).await;
        }
        assert_eq!(statuses, ["pending", "assignedInSync"]);
        let devices = desk
            .all(&format!("{PROFILES}/{profile}/assignedDevices"))
            .await;
        assert_eq!(devices[0]["id"], device.as_str());

        desk.delete(&format!("{assignments}/{key}")).await.done();
        desk.delete(&format!("{PROFILES}/{profile}")).await.done();
        let device = desk.get(&expanded).await.object();
        assert_eq!(device["deploymentProfileAssignmentStatus"], "notAssigned");
        assert_eq!(device["deploymentProfile"], Value::Null);
    }
}

#[tokio::test]
async fn invoke_autopilot_sync_posts_nothing_and_get_autopilot_sync_info_looks() {
    for mut desk in Desk::both().await {
        let sync = format!("{SETTINGS}/sync");
        let before = desk.get(SETTINGS).await.object();
        assert_eq!(before["lastSyncDateTime"], "0001-01-01T00:00:00Z");
        desk.invoke("POST", &sync, Body::None).await.done();
        let running = desk.get(SETTINGS).await.object();
        assert_eq!(running["syncStatus"], "inProgress");
        // Old scripts send an empty object.
        assert_eq!(desk.post(&sync, "{}").await.failure().0, 409);
        desk.sleep(30).await;
        let done = desk.get(SETTINGS).await.object();
        assert_eq!(done["syncStatus"], "completed");
        assert!(done["lastManualSyncTriggerDateTime"].is_string());
        assert_ne!(done["lastSyncDateTime"], before["lastSyncDateTime"]);
        assert_eq!(desk.post(&sync, "{}").await.failure().0, 429);
        desk.sleep(10 * 60).await;
        desk.post(&sync, "{}").await.done();
    }
}

#[tokio::test]
async fn get_autopilot_event_finds_none() {
    for mut desk in Desk::both().await {
        let events = desk.all("/beta/deviceManagement/autopilotEvents").await;
        assert_eq!(events, Vec::<Value>::new());
    }
}
