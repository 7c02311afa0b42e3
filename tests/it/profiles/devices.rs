//! What assignments mean for devices, by the clock.

use hangar::{domain::assignment::GroupId, testing::TestOptions};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    DEVICES, House, PROFILES, SETTINGS, all_devices, device, group_target, id_of, ids_of, string,
    text,
};

const SALES: Uuid = Uuid::from_u128(0x5a1e5);
const LAB: Uuid = Uuid::from_u128(0x1ab);

fn house(assignment_delay: SignedDuration) -> House {
    House::with(TestOptions {
        group_rules: &[(GroupId(SALES), "Sales*"), (GroupId(LAB), "Lab")],
        assignment_delay,
        ..TestOptions::default()
    })
}

impl House {
    async fn tagged(&self, seed: u64, group_tag: &str) -> String {
        let mut body = device(seed);
        body["groupTag"] = json!(group_tag);
        let import = self.accept(&self.contoso, &body).await;
        self.api.settle().await;
        string(&self.state(&self.contoso, &import).await["deviceRegistrationId"])
    }

    async fn target(&self, profile: &str, body: &Value) -> String {
        let path = format!("{PROFILES}/{profile}/assignments");
        let answer = self.post(&path, body).await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        format!("{path}/{}", id_of(&answer))
    }

    async fn shown(&self, device: &str) -> Value {
        let path =
            format!("{DEVICES}/{device}?$expand=deploymentProfile,intendedDeploymentProfile");
        self.get(&path).await.json()
    }

    /// The status, the profile it has and the one it is to have, by their names.
    async fn told(&self, device: &str) -> String {
        let shown = self.shown(device).await;
        let name = |name: &str| {
            shown[name]["displayName"]
                .as_str()
                .unwrap_or("-")
                .to_owned()
        };
        format!(
            "{} {} {}",
            string(&shown["deploymentProfileAssignmentStatus"]),
            name("deploymentProfile"),
            name("intendedDeploymentProfile")
        )
    }
}

#[tokio::test]
async fn a_script_that_waits_for_a_profile_comes_to_an_end() {
    let house = house(SignedDuration::from_secs(2));
    let sales = house.tagged(1, "sales-7").await;
    let other = house.tagged(2, "other").await;
    assert_eq!(house.told(&sales).await, "notAssigned - -");
    let profile = house.make_profile(&house.contoso, "one").await;
    house.api.clock.advance(SignedDuration::from_secs(60));
    let assignment = house.target(&profile, &group_target(SALES)).await;
    assert_eq!(house.told(&sales).await, "pending - one");
    let shown = house.shown(&sales).await;
    assert_eq!(
        shown["deploymentProfileAssignedDateTime"],
        "0001-01-01T00:00:00Z"
    );
    house.api.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(house.told(&sales).await, "assignedInSync one one");
    let shown = house.shown(&sales).await;
    assert_eq!(
        shown["deploymentProfileAssignedDateTime"],
        "2026-01-01T00:01:00Z"
    );
    assert_eq!(
        shown["deploymentProfile"]["@odata.type"],
        "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile"
    );
    assert_eq!(house.told(&other).await, "notAssigned - -");

    let listed = house
        .get(&format!("{DEVICES}?$expand=deploymentProfile"))
        .await;
    let rows = listed.json()["value"].as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["id"] == sales.as_str()).unwrap();
    assert_eq!(row["deploymentProfile"], shown["deploymentProfile"]);
    assert_eq!(row.get("intendedDeploymentProfile"), None);
    // The stable version shows nothing of it, and expands nothing.
    let stable = DEVICES.replace("beta", "v1.0");
    let answer = house.get(&format!("{stable}/{sales}")).await;
    assert!(!text(&answer).contains("eploymentProfile"));
    let path = format!("{stable}/{sales}?$expand=deploymentProfile");
    assert_eq!(house.get(&path).await.status, 400);

    // A new device waits for its profile as well.
    let late = house.tagged(3, "Sales").await;
    assert_eq!(house.told(&late).await, "pending - one");
    assert_eq!(house.delete(&assignment).await.status, 204);
    for device in [&sales, &late] {
        assert_eq!(house.told(device).await, "notAssigned - -");
    }
}

#[tokio::test]
async fn the_oldest_profile_wins_and_exclusions_let_go() {
    let house = house(SignedDuration::ZERO);
    let device = house.tagged(1, "Lab").await;
    let old = house.make_profile(&house.contoso, "old").await;
    house.api.clock.advance(SignedDuration::from_secs(1));
    let young = house.make_profile(&house.contoso, "young").await;
    house.target(&young, &group_target(LAB)).await;
    assert_eq!(house.told(&device).await, "assignedInSync young young");
    house.target(&old, &all_devices()).await;
    assert_eq!(house.told(&device).await, "assignedInSync old old");
    let mut exclusion = group_target(LAB);
    exclusion["target"]["@odata.type"] = json!("#microsoft.graph.exclusionGroupAssignmentTarget");
    house.target(&old, &exclusion).await;
    assert_eq!(house.told(&device).await, "assignedInSync young young");
    // What is said of the very device comes first.
    let direct = house.make_profile(&house.contoso, "direct").await;
    let body = json!({ "deviceIds": [device] });
    house
        .post(&format!("{PROFILES}/{direct}/assign"), &body)
        .await;
    assert_eq!(house.told(&device).await, "assignedInSync direct direct");
}

#[tokio::test]
async fn a_sync_ends_the_waiting_of_the_tenants_devices() {
    let house = house(SignedDuration::from_hours(1));
    let device = house.tagged(1, "").await;
    let profile = house.make_profile(&house.contoso, "one").await;
    house.target(&profile, &all_devices()).await;
    house.api.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(house.told(&device).await, "pending - one");
    let sync = format!("{SETTINGS}/sync");
    // Another tenant's sync does nothing here.
    let theirs = house.ask(Method::POST, &sync).token(&house.fabrikam);
    assert_eq!(theirs.send().await.status, 204);
    assert_eq!(house.ask(Method::POST, &sync).send().await.status, 204);
    house.api.clock.advance(SignedDuration::from_secs(4));
    assert_eq!(house.told(&device).await, "pending - one");
    house.api.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(house.told(&device).await, "assignedInSync one one");
    let shown = house.shown(&device).await;
    assert_eq!(
        shown["deploymentProfileAssignedDateTime"],
        "2026-01-01T00:00:00Z"
    );
}

#[tokio::test]
async fn assigned_devices_are_listed_page_by_page() {
    let house = house(SignedDuration::ZERO);
    let mut expected = Vec::new();
    for seed in 1..=7 {
        let tag = if seed % 2 == 0 { "Lab" } else { "Sales" };
        let device = house.tagged(seed, tag).await;
        if tag == "Sales" {
            expected.push(device);
        }
    }
    expected.sort_unstable();
    let profile = house.make_profile(&house.contoso, "one").await;
    let other = house.make_profile(&house.contoso, "other").await;
    house.target(&profile, &group_target(SALES)).await;
    let set = format!("{PROFILES}/{profile}/assignedDevices");
    let mut path = format!("{set}?$top=3");
    let mut found = Vec::new();
    loop {
        let page = house.get(&path).await;
        assert_eq!(page.status, 200, "{}", text(&page));
        let body = page.json();
        assert!(
            string(&body["@odata.context"]).ends_with(&format!("('{profile}')/assignedDevices"))
        );
        assert_eq!(
            body["value"][0]["deploymentProfileAssignmentStatus"],
            "assignedInSync"
        );
        found.extend(ids_of(&page));
        let Value::String(next) = &body["@odata.nextLink"] else {
            break;
        };
        path = next
            .strip_prefix("http://127.0.0.1:8080")
            .unwrap()
            .to_owned();
        // The link belongs to this profile.
        let elsewhere = path.replace(&profile, &other);
        assert_eq!(house.get(&elsewhere).await.status, 400);
    }
    assert_eq!(found, expected);
    let none = house.get(&format!("{set}?$top=0")).await.json();
    assert_eq!(none["value"], Value::Array(Vec::new()));
    assert_eq!(none.get("@odata.nextLink"), None);
}

#[tokio::test]
async fn a_devices_etag_tells_how_its_profile_is_shown() {
    let house = house(SignedDuration::from_secs(2));
    let device = house.tagged(1, "sales").await;
    let path = format!("{DEVICES}/{device}");
    let etag = async |path: &str| {
        let answer = house.get(path).await;
        answer.header("etag").unwrap().to_owned()
    };
    let stable = etag(&path.replace("beta", "v1.0")).await;
    let mut seen = vec![etag(&path).await];
    assert_eq!(seen[0], stable, "as long as there is no profile");
    let profile = house.make_profile(&house.contoso, "one").await;
    let assignment = house.target(&profile, &group_target(SALES)).await;
    seen.push(etag(&path).await);
    house.api.clock.advance(SignedDuration::from_secs(2));
    seen.push(etag(&path).await);
    let expanded = format!("{path}?$expand=deploymentProfile");
    for name in ["A", "B"] {
        seen.push(etag(&expanded).await);
        let change = json!({ "displayName": name });
        let answer = house.patch(&format!("{PROFILES}/{profile}"), &change).await;
        assert_eq!(answer.status, 200);
        house.api.clock.advance(SignedDuration::from_secs(1));
    }
    let not_modified = async |tag: &str| {
        let ask = house.ask(Method::GET, &path).header("if-none-match", tag);
        ask.send().await.status.as_u16()
    };
    assert_eq!(not_modified(&seen[1]).await, 200, "no longer pending");
    assert_eq!(not_modified(&seen[2]).await, 304);
    let full = house.ask(Method::GET, &path);
    let full = full.header("accept", "application/json;odata.metadata=full");
    assert_eq!(full.send().await.json()["@odata.etag"], seen[2].as_str());
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");

    // Nobody wrote to the device, so that each of them still lets one client write.
    assert_eq!(etag(&path.replace("beta", "v1.0")).await, stable);
    house.delete(&assignment).await;
    assert_eq!(etag(&path).await, stable);
    let write = async |tag: &str| {
        let ask = house.ask(Method::PATCH, &path).header("if-match", tag);
        let answer = ask.json(&json!({ "displayName": "PC" })).send().await;
        answer.status.as_u16()
    };
    assert_eq!(write(&seen[1]).await, 200);
    for tag in &seen {
        assert_eq!(write(tag).await, 412);
    }
}

#[tokio::test]
async fn what_assign_says_of_a_device_is_a_write_to_it() {
    let house = house(SignedDuration::from_secs(2));
    let device = house.tagged(1, "x").await;
    let path = format!("{DEVICES}/{device}");
    let before = house.get(&path).await;
    let tag = before.header("etag").unwrap();
    let profile = house.make_profile(&house.contoso, "one").await;
    let assign = format!("{PROFILES}/{profile}/assign");
    let body = json!({ "deviceIds": [device] });
    assert_eq!(house.post(&assign, &body).await.status, 204);
    let ask = async |tag: &str| {
        let ask = house.ask(Method::PATCH, &path).header("if-match", tag);
        ask.json(&json!({ "displayName": "PC" })).send().await
    };
    assert_eq!(ask(tag).await.status, 412);
    let current = house.get(&path).await;
    let changed = ask(current.header("etag").unwrap()).await;
    assert_eq!(changed.status, 200);
    let shown = house.get(&path).await;
    assert_eq!(changed.header("etag"), shown.header("etag"));
    let status = "deploymentProfileAssignmentStatus";
    assert_eq!(changed.json()[status], "pending");
    assert_eq!(shown.json()[status], "pending");
}

#[tokio::test]
async fn another_group_tag_makes_a_device_wait_anew() {
    let house = house(SignedDuration::from_secs(2));
    let device = house.tagged(1, "lab").await;
    let path = format!("{DEVICES}/{device}");
    let profile = house.make_profile(&house.contoso, "one").await;
    house.target(&profile, &group_target(SALES)).await;
    house.api.clock.advance(SignedDuration::from_secs(60));
    let update = format!("{path}/updateDeviceProperties");
    let tag = |tag: &str| json!({ "groupTag": tag });
    assert_eq!(house.post(&update, &tag("Sales")).await.status, 204);
    assert_eq!(house.told(&device).await, "pending - one");
    house.api.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(house.told(&device).await, "assignedInSync one one");
    // The same tag again changes nothing of that.
    assert_eq!(house.patch(&path, &tag("Sales")).await.status, 200);
    assert_eq!(house.told(&device).await, "assignedInSync one one");
    let changed = house.patch(&path, &tag("Sales 2")).await;
    assert_eq!(
        changed.json()["deploymentProfileAssignmentStatus"],
        "pending"
    );
    assert_eq!(house.told(&device).await, "pending - one");
    assert_eq!(house.patch(&path, &tag("")).await.status, 200);
    assert_eq!(house.told(&device).await, "notAssigned - -");
}
