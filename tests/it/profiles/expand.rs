//! Profiles, their assignments and devices, shown within each other and in any order.

use hangar::testing::TestOptions;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    DEVICES, House, PROFILES, all_devices, error, group_target, ids_of, string, text,
};

/// A profile for all devices and for three groups more, and three devices that have it.
struct Scene {
    house: House,
    profile: String,
    devices: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let house = House::with(TestOptions {
            assignment_delay: SignedDuration::ZERO,
            ..TestOptions::default()
        });
        let profile = house.make_profile(&house.contoso, "one").await;
        let path = format!("{PROFILES}/{profile}/assignments");
        for target in (1..4).map(|group| group_target(Uuid::from_u128(group))) {
            assert_eq!(house.post(&path, &target).await.status, 201);
        }
        assert_eq!(house.post(&path, &all_devices()).await.status, 201);
        let mut devices = Vec::new();
        for seed in 1..4 {
            devices.push(house.register(&house.contoso, seed).await.1);
        }
        devices.sort_unstable();
        Self {
            house,
            profile,
            devices,
        }
    }

    async fn ask(&self, path: &str) -> Value {
        let path = path.replace(' ', "%20");
        let answer = self.house.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        answer.json()
    }

    async fn refused(&self, path: &str) -> String {
        error(&self.house.get(&path.replace(' ', "%20")).await)
    }
}

/// Where a link leads, below the server.
fn path_of(link: &Value) -> String {
    string(link)["http://127.0.0.1:8080".len()..].to_owned()
}

fn len(array: &Value) -> usize {
    array.as_array().unwrap().len()
}

#[tokio::test]
async fn profiles_are_sorted_and_selected() {
    let house = House::new();
    for name in ["b", "c", "a", "d"] {
        house.make_profile(&house.contoso, name).await;
    }
    let mut names = Vec::new();
    let mut path = format!("{PROFILES}?$orderby=displayName%20desc&$select=displayName&$top=3");
    path.push_str("&$count=true");
    loop {
        let page = house.get(&path).await.json();
        assert_eq!(page["@odata.count"], 4);
        for row in page["value"].as_array().unwrap() {
            names.push(string(&row["displayName"]));
            assert!(row.get("id").is_none());
        }
        if page["@odata.nextLink"].is_null() {
            break;
        }
        path = path_of(&page["@odata.nextLink"]);
    }
    assert_eq!(names, ["d", "c", "b", "a"]);
    let first = ids_of(&house.get(&format!("{PROFILES}?$top=1")).await).remove(0);
    let one = house
        .get(&format!("{PROFILES}/{first}?$select=locale"))
        .await;
    assert_eq!(one.json()["locale"], "os-default");
    assert!(one.json().get("displayName").is_none());
}

#[tokio::test]
async fn assignments_take_queries_at_their_address_and_within_a_profile() {
    let scene = Scene::new().await;
    let own = format!("{PROFILES}/{}/assignments", scene.profile);
    let all = scene.ask(&own).await;
    assert_eq!(len(&all["value"]), 4);
    let one = string(&all["value"][2]["id"]);
    let found = scene
        .ask(&format!("{own}?$filter=id eq '{one}'&$select=id"))
        .await;
    assert_eq!(len(&found["value"]), 1);
    assert!(found["value"][0].get("target").is_none());
    let shown = scene.ask(&format!("{own}/{one}?$select=source")).await;
    assert_eq!(shown["source"], "direct");
    assert!(shown.get("id").is_none());
    let none = scene
        .ask(&format!("{own}?$filter=source eq 'policySets'&$count=true"))
        .await;
    assert_eq!((len(&none["value"]), &none["@odata.count"]), (0, &json!(0)));

    let options = "$orderby=id desc;$top=3;$count=true;$select=id,target";
    for path in [
        format!(
            "{PROFILES}/{}?$expand=assignments({options})",
            scene.profile
        ),
        format!(
            "{DEVICES}/{}?$expand=deploymentProfile($select=id;$expand=assignments({options}))",
            scene.devices[0]
        ),
    ] {
        let body = scene.ask(&path).await;
        let profile = body.get("deploymentProfile").unwrap_or(&body);
        assert_eq!(len(&profile["assignments"]), 3, "{path}");
        assert_eq!(profile["assignments@odata.count"], 4);
        assert!(profile["assignments"][0].get("source").is_none());
        assert!(
            profile["assignments"][0]["target"]
                .get("@odata.type")
                .is_some()
        );
        let rest = scene
            .ask(&path_of(&profile["assignments@odata.nextLink"]))
            .await;
        assert_eq!(len(&rest["value"]), 1);
        assert_eq!(rest["value"][0]["id"], all["value"][0]["id"]);
        assert!(rest.get("@odata.nextLink").is_none());
    }
    let listed = scene
        .ask(&format!(
            "{DEVICES}?$expand=intendedDeploymentProfile($expand=assignments)"
        ))
        .await;
    for device in listed["value"].as_array().unwrap() {
        assert_eq!(
            device["intendedDeploymentProfile"]["assignments"],
            all["value"]
        );
    }
}

#[tokio::test]
async fn a_devices_tag_knows_what_it_is_shown_with() {
    let scene = Scene::new().await;
    let path = format!(
        "{DEVICES}/{}?$expand=deploymentProfile($expand=assignments)",
        scene.devices[0]
    );
    let etag = async || {
        let answer = scene.house.get(&path).await;
        answer.header("etag").unwrap().to_owned()
    };
    let before = etag().await;
    assert_eq!(etag().await, before);
    let own = format!("{PROFILES}/{}/assignments", scene.profile);
    scene
        .house
        .post(&own, &group_target(Uuid::from_u128(9)))
        .await;
    assert_ne!(etag().await, before);
}

#[tokio::test]
async fn a_profile_shows_its_devices() {
    let scene = Scene::new().await;
    scene
        .house
        .make_profile(&scene.house.contoso, "spare")
        .await;
    let options = "$select=id;$top=2;$expand=deploymentProfile($select=displayName)";
    for path in [
        format!(
            "{PROFILES}/{}?$expand=assignedDevices({options})",
            scene.profile
        ),
        format!(
            "{PROFILES}?$orderby=createdDateTime&$expand=assignedDevices({options}),assignments"
        ),
    ] {
        let body = scene.ask(&path).await;
        let rows = body["value"].as_array().cloned();
        let rows = rows.unwrap_or_else(|| vec![body.clone()]);
        let own = rows
            .iter()
            .find(|row| row["id"] == scene.profile.as_str())
            .unwrap();
        let shown = &own["assignedDevices"];
        assert_eq!((len(shown), &shown[0]["id"]), (2, &json!(scene.devices[0])));
        assert!(shown[0].get("serialNumber").is_none());
        assert_eq!(shown[0]["deploymentProfile"]["displayName"], "one");
        assert!(shown[0]["deploymentProfile"].get("id").is_none());
        let rest = scene
            .ask(&path_of(&own["assignedDevices@odata.nextLink"]))
            .await;
        assert_eq!(len(&rest["value"]), 1);
        assert_eq!(rest["value"][0]["id"], scene.devices[2].as_str());
        assert_eq!(rest["value"][0]["deploymentProfile"]["displayName"], "one");
        for other in rows
            .iter()
            .filter(|row| row["id"] != scene.profile.as_str())
        {
            assert_eq!(
                (&other["assignedDevices"], &other["assignments"]),
                (&json!([]), &json!([]))
            );
        }
    }
    let own = format!("{PROFILES}/{}/assignedDevices", scene.profile);
    let all = scene.ask(&format!("{own}?$select=id")).await;
    let ids: Vec<_> = all["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| string(&row["id"]))
        .collect();
    assert_eq!(ids, scene.devices);
}

#[tokio::test]
async fn what_an_expansion_does_not_take_is_refused_by_its_place() {
    let scene = Scene::new().await;
    let one = format!("{PROFILES}/{}", scene.profile);
    let device = format!("{DEVICES}/{}", scene.devices[0]);
    let worked_out = "Which devices have a profile is worked out a page at a time.";
    for (path, said) in [
        (format!("{one}?$expand=assignedDevices($top=1;$filter=id eq null)"), format!("'$filter within assignedDevices' is not supported here (at position 23). {worked_out}")),
        (format!("{one}?$expand=assignedDevices($orderby=id)"), format!("'$orderby within assignedDevices' is not supported here (at position 16). {worked_out}")),
        (format!("{PROFILES}?$expand=assignedDevices($count=true)"), format!("'$count within assignedDevices' is not supported here (at position 16). {worked_out}")),
        (format!("{PROFILES}?$expand=assignedDevices($skip=1)"), format!("'$skip within assignedDevices' is not supported here (at position 16). {worked_out}")),
        (format!("{device}?$expand=deploymentProfile($expand=assignedDevices)"), "'assignedDevices within deploymentProfile' is not supported here (at position 26). Ask for them at the profile's own address.".to_owned()),
        (format!("{one}?$expand=assignments($orderby=target)"), "is of type 'microsoft.graph.deviceAndAppManagementAssignmentTarget' and not a single value (at position 21).".to_owned()),
        (format!("{one}?$expand=assignments($filter=nothing eq 1)"), "(at position 20)".to_owned()),
        (format!("{device}?$expand=deploymentProfile($top=1)"), "which leads to one entity (at position 18).".to_owned()),
    ] {
        let told = scene.refused(&path).await;
        assert!(told.starts_with("400 BadRequest: The query option '$expand' is not understood: "), "{told}");
        assert!(told.contains(&said), "{path}: {told}");
    }
    for option in [
        "$filter=id eq null",
        "$orderby=id",
        "$skip=1",
        "$count=true",
    ] {
        let told = scene
            .refused(&format!("{one}/assignedDevices?{option}"))
            .await;
        assert!(told.ends_with("is not supported here."), "{told}");
    }
}
