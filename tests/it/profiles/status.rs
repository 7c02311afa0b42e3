//! Devices found and ordered by what follows from assignments and the clock.

use std::collections::BTreeSet;

use hangar::{domain::assignment::GroupId, testing::TestOptions};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    DEVICES, House, PROFILES, SETTINGS, device, group_target, ids_of, string, text,
};

const SALES: Uuid = Uuid::from_u128(0x5a1e5);
const STATUS: &str = "deploymentProfileAssignmentStatus";
const ASSIGNED_AT: &str = "deploymentProfileAssignedDateTime";

/// A tenant with an assignment to a group of tags, of the instant at which its clock began.
async fn house(delay: SignedDuration) -> House {
    let house = House::with(TestOptions {
        group_rules: &[(GroupId(SALES), "Sales*")],
        assignment_delay: delay,
        ..TestOptions::default()
    });
    let profile = house.make_profile(&house.contoso, "one").await;
    let path = format!("{PROFILES}/{profile}/assignments");
    let answer = house.post(&path, &group_target(SALES)).await;
    assert_eq!(answer.status, 201, "{}", text(&answer));
    house
}

/// Registers devices at this instant, and then lets so much time pass.
async fn register(house: &House, seeds: &[u64], tag: &str, then: SignedDuration) {
    for seed in seeds {
        let mut body = device(*seed);
        body["groupTag"] = json!(tag);
        body["serialNumber"] = json!(format!("S-{seed}"));
        house.accept(&house.contoso, &body).await;
    }
    house.api.settle().await;
    house.api.clock.advance(then);
}

fn path(query: &str) -> String {
    format!("{DEVICES}?{}", query.replace(' ', "%20"))
}

/// What a list shows of its rows' status.
fn shown(body: &Value) -> Vec<String> {
    let rows = body["value"].as_array().unwrap();
    rows.iter().map(|row| string(&row[STATUS])).collect()
}

async fn found(house: &House, query: &str) -> Vec<String> {
    let answer = house.get(&path(query)).await;
    assert_eq!(answer.status, 200, "{query} {}", text(&answer));
    shown(&answer.json())
}

#[tokio::test]
async fn devices_are_found_by_the_status_that_they_are_shown_with() {
    let house = house(SignedDuration::from_secs(10)).await;
    register(&house, &[1, 2], "other", SignedDuration::ZERO).await;
    register(&house, &[3, 4], "Sales", SignedDuration::from_secs(10)).await;
    register(&house, &[5, 6, 7], "sales-7", SignedDuration::from_secs(5)).await;
    let cases = [
        (format!("{STATUS} eq 'notAssigned'"), "notAssigned", 2),
        (format!("{STATUS} eq 'assignedInSync'"), "assignedInSync", 2),
        (format!("{STATUS} eq 'pending'"), "pending", 3),
        (format!("{STATUS} in ('failed','unknown')"), "", 0),
        (
            format!("{ASSIGNED_AT} gt 2025-01-01T00:00:00Z"),
            "assignedInSync",
            2,
        ),
        (format!("year({ASSIGNED_AT}) eq 2026"), "assignedInSync", 2),
        (
            format!("{STATUS} ne 'pending' and groupTag eq 'Sales'"),
            "assignedInSync",
            2,
        ),
        (
            "deploymentProfileAssignmentDetailedStatus ne 'none'".to_owned(),
            "",
            0,
        ),
    ];
    for (filter, status, count) in &cases {
        let query = format!("$filter={filter}");
        assert_eq!(
            found(&house, &query).await,
            vec![*status; *count],
            "{filter}"
        );
        let counted = house.get(&path(&query).replace('?', "/$count?")).await;
        assert_eq!(text(&counted), count.to_string(), "{filter}");
        let answer = house.get(&path(&format!("{query}&$count=true"))).await;
        assert_eq!(answer.json()["@odata.count"], *count, "{filter}");
    }
    // As an enumeration it is sorted by its numbers.
    let ordered = found(&house, &format!("$orderby={STATUS} desc,id")).await;
    let expected = [("pending", 3), ("notAssigned", 2), ("assignedInSync", 2)];
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|(status, count)| vec![*status; *count])
        .collect();
    assert_eq!(ordered, expected);
    let latest = found(&house, &format!("$orderby={ASSIGNED_AT} desc&$top=3")).await;
    assert_eq!(latest[..2], ["assignedInSync", "assignedInSync"]);

    // A sync ends the waiting of all.
    let sync = house.post(&format!("{SETTINGS}/sync"), &json!({})).await;
    assert_eq!(sync.status, 204);
    house.api.clock.advance(SignedDuration::from_secs(5));
    let pending = format!("$filter={STATUS} eq 'pending'");
    assert_eq!(found(&house, &pending).await, [""; 0]);
}

#[tokio::test]
async fn a_list_by_status_is_of_one_instant() {
    let all = [vec!["assignedInSync"; 5], vec!["pending"; 3]].concat();
    for (query, expected) in [
        (format!("$filter={STATUS} eq 'pending'&$top=2"), &all[5..]),
        (
            format!("$orderby={STATUS},{ASSIGNED_AT} desc&$top=3"),
            &all[..],
        ),
    ] {
        let house = house(SignedDuration::from_secs(10)).await;
        let five = SignedDuration::from_secs(5);
        register(&house, &[1, 2, 3, 4, 5], "Sales", five).await;
        register(&house, &[6, 7, 8], "Sales", five).await;
        let (mut met, mut statuses) = (BTreeSet::new(), Vec::new());
        let mut next = path(&query);
        loop {
            let page = house.get(&next).await;
            assert_eq!(page.status, 200, "{}", text(&page));
            for id in ids_of(&page) {
                assert!(met.insert(id), "no row twice");
            }
            let body = page.json();
            statuses.extend(shown(&body));
            // What waited when the list was begun no longer does.
            house.api.clock.advance(SignedDuration::from_mins(1));
            let Value::String(link) = &body["@odata.nextLink"] else {
                break;
            };
            link.strip_prefix("http://127.0.0.1:8080")
                .unwrap()
                .clone_into(&mut next);
        }
        assert_eq!(statuses, expected, "{query}");
        let anew = found(&house, &query).await;
        assert!(!anew.contains(&"pending".to_owned()), "{anew:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_filtered_by() {
    let house = house(SignedDuration::ZERO).await;
    let stable = DEVICES.replace("beta", "v1.0");
    for (set, query) in [
        (stable.as_str(), format!("$filter={STATUS} eq 'pending'")),
        (stable.as_str(), format!("$orderby={ASSIGNED_AT}")),
        (DEVICES, format!("$filter={STATUS} eq 'Pending'")),
        (DEVICES, format!("$filter={STATUS} eq 'nonsense'")),
        (DEVICES, format!("$filter={ASSIGNED_AT} eq 'yesterday'")),
        (
            DEVICES,
            "$filter=deploymentProfile/displayName eq 'one'".to_owned(),
        ),
        (DEVICES, "$filter=deploymentProfile ne null".to_owned()),
        (
            DEVICES,
            "$orderby=intendedDeploymentProfile/displayName".to_owned(),
        ),
    ] {
        let answer = house
            .get(&format!("{set}?{}", query.replace(' ', "%20")))
            .await;
        assert_eq!(answer.status, 400, "{query} {}", text(&answer));
    }
}
