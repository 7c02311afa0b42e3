//! A profile's assignments: made, read, moved and removed.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    House, PROFILES, all_devices, error, group_target, id_of, masked, string, text,
};

const GROUP: Uuid = Uuid::from_u128(0x5a1e5);
const OTHER: Uuid = Uuid::from_u128(0x5a1e6);

async fn scene() -> (House, String, String) {
    let house = House::new();
    let id = house.make_profile(&house.contoso, "one").await;
    let path = format!("{PROFILES}/{id}/assignments");
    (house, id, path)
}

#[tokio::test]
async fn an_assignment_is_made_as_the_module_makes_it() {
    let (house, id, path) = scene().await;
    let mut body = group_target(GROUP);
    body["id"] = json!(format!("{id}_{GROUP}_0"));
    body["@odata.type"] = json!("#microsoft.graph.windowsAutopilotDeploymentProfileAssignment");
    let answer = house.post(&path, &body).await;
    assert_eq!(answer.status, 201, "{}", text(&answer));
    let aid = format!("{id}_{GROUP}_0");
    assert_eq!(id_of(&answer), aid);
    insta::assert_snapshot!(masked(&answer), @r##"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles('<id 1>')/assignments/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeploymentProfileAssignment","id":"<id 1>_<id 2>_0","source":"direct","sourceId":"<id 1>","target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","deviceAndAppManagementAssignmentFilterId":null,"deviceAndAppManagementAssignmentFilterType":"none","groupId":"<id 2>"}}"##);
    let one = format!("{path}/{aid}");
    assert_eq!(text(&house.get(&one).await), text(&answer));
    let list = house.get(&path).await;
    // A known client finds the profile's id here.
    assert_eq!(
        list.json()["@odata.context"],
        format!(
            "http://127.0.0.1:8080/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles('{id}')/assignments"
        )
    );
    assert_eq!(list.json()["value"][0]["id"], aid);
    let spelled = format!("{PROFILES}('{id}')/assignments('{}')", aid.to_uppercase());
    assert_eq!(text(&house.get(&spelled).await), text(&answer));
    let again = house.post(&path, &body).await;
    assert_eq!(
        error(&again),
        "409 Conflict: The deployment profile is assigned to this group already."
    );
    let location = answer.header("location").unwrap();
    assert!(
        location.ends_with(&format!("/assignments('{aid}')")),
        "{location}"
    );
}

#[tokio::test]
async fn all_devices_have_a_target_and_an_id_of_their_own() {
    let (house, id, path) = scene().await;
    let answer = house.post(&path, &all_devices()).await;
    assert_eq!(
        id_of(&answer),
        format!("{id}_adadadad-808e-44e2-905a-0b7873a8a531_0")
    );
    let target = answer.json()["target"].clone();
    assert_eq!(
        target,
        json!({
            "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
            "deviceAndAppManagementAssignmentFilterId": null,
            "deviceAndAppManagementAssignmentFilterType": "none",
        })
    );
    // What was read can be sent to another profile, but only one is for all devices.
    let other = house.make_profile(&house.contoso, "other").await;
    for profile in [&id, &other] {
        let path = format!("{PROFILES}/{profile}/assignments");
        assert_eq!(
            error(&house.post(&path, &answer.json()).await),
            format!("400 BadRequest: Another Profile {id} is already assigned to All Devices.")
        );
    }
    let theirs = house.make_profile(&house.fabrikam, "theirs").await;
    let ask = house.ask(Method::POST, &format!("{PROFILES}/{theirs}/assignments"));
    let theirs = ask.token(&house.fabrikam).json(&all_devices()).send().await;
    assert_eq!(theirs.status, 201);
}

#[tokio::test]
async fn an_assignment_is_moved_and_removed() {
    let (house, id, path) = scene().await;
    let first = house.post(&path, &group_target(GROUP)).await;
    let one = format!("{path}/{}", id_of(&first));
    let same = house.patch(&one, &first.json()).await;
    assert_eq!((same.status.as_u16(), text(&same)), (200, text(&first)));
    let excluded = json!({ "target": {
        "@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget",
        "groupId": OTHER.to_string().to_uppercase(),
    }});
    let moved = house.patch(&one, &excluded).await;
    assert_eq!(moved.status, 200, "{}", text(&moved));
    assert_eq!(id_of(&moved), format!("{id}_{OTHER}_1"));
    assert_eq!(house.get(&one).await.status, 404);
    assert_eq!(house.patch(&one, &excluded).await.status, 404);
    let there = format!("{path}/{}", id_of(&moved));
    assert_eq!(text(&house.get(&there).await), text(&moved));
    assert_eq!(house.delete(&there).await.status, 204);
    assert_eq!(house.delete(&there).await.status, 404);
    assert_eq!(
        house.get(&path).await.json()["value"],
        Value::Array(Vec::new())
    );
}

#[tokio::test]
async fn keys_that_lead_nowhere_are_named() {
    let (house, id, path) = scene().await;
    house.post(&path, &group_target(GROUP)).await;
    let other = house.make_profile(&house.contoso, "other").await;
    for key in [
        "7".to_owned(),
        format!("{id}_{GROUP}"),
        format!("{id}_{GROUP}_1"),
        format!("{id}_{GROUP}_2"),
        format!("{id}_{OTHER}_0"),
        format!("{other}_{GROUP}_0"),
        format!("{id}_x_0"),
    ] {
        let one = format!("{path}/{key}");
        for method in [Method::GET, Method::DELETE] {
            let answer = house.ask(method, &one).send().await;
            assert_eq!(
                error(&answer),
                format!(
                    "404 ResourceNotFound: Resource '{key}' does not exist or one of its queried reference-property objects are not present."
                )
            );
        }
    }
    let nowhere = format!("{PROFILES}/{}/assignments", Uuid::from_u128(7));
    assert_eq!(house.get(&nowhere).await.status, 404);
    assert_eq!(house.post(&nowhere, &group_target(GROUP)).await.status, 404);
}

#[tokio::test]
async fn what_is_no_target_is_refused() {
    let (house, id, path) = scene().await;
    let with = |target: Value| json!({ "target": target });
    let kind = |name: &str| format!("#microsoft.graph.{name}AssignmentTarget");
    let group = GROUP.to_string();
    for body in [
        json!({}),
        json!([]),
        with(Value::Null),
        with(json!("x")),
        with(json!({})),
        with(json!({ "groupId": group })),
        with(json!({ "@odata.type": kind("deviceAndAppManagement") })),
        with(json!({ "@odata.type": kind("allLicensedUsers") })),
        with(json!({ "@odata.type": 7 })),
        with(json!({ "@odata.type": kind("group") })),
        with(json!({ "@odata.type": kind("group"), "groupId": null })),
        with(json!({ "@odata.type": kind("group"), "groupId": "x" })),
        with(json!({ "@odata.type": kind("group"), "groupId": 7 })),
        with(
            json!({ "@odata.type": kind("group"), "groupId": "adadadad-808e-44e2-905a-0b7873a8a531" }),
        ),
        with(json!({ "@odata.type": kind("allDevices"), "groupId": group })),
        with(json!({ "@odata.type": kind("group"), "groupId": group, "more": 1 })),
        with(json!({ "@odata.type": kind("group"), "groupId": group,
            "deviceAndAppManagementAssignmentFilterId": group })),
        with(json!({ "@odata.type": kind("group"), "groupId": group,
            "deviceAndAppManagementAssignmentFilterType": "include" })),
        with(json!({ "@odata.type": kind("group"), "groupId": group,
            "deviceAndAppManagementAssignmentFilterType": "None" })),
        json!({ "target": group_target(GROUP)["target"], "other": 1 }),
        json!({ "target": group_target(GROUP)["target"], "id": 1 }),
        json!({ "target": group_target(GROUP)["target"], "source": "Direct" }),
        json!({ "target": group_target(GROUP)["target"], "@odata.type": "#microsoft.graph.x" }),
    ] {
        let answer = house.post(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", text(&answer));
    }
    assert_eq!(
        house.get(&path).await.json()["value"],
        Value::Array(Vec::new())
    );
    for number in 0..50_u128 {
        let answer = house
            .post(&path, &group_target(Uuid::from_u128(0xf000 + number)))
            .await;
        assert_eq!(string(&answer.json()["sourceId"]), id);
    }
    assert_eq!(
        error(&house.post(&path, &group_target(GROUP)).await),
        "400 BadRequest: The deployment profile has 50 assignments, which is as many as there can be."
    );
}
