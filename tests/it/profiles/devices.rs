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
