//! How often a batch makes the disk wait.

use std::{fs, path::Path};

use serde_json::json;

use super::{SET, create, write};
use crate::harness::{House, device};

/// How many commits a database has seen of imports that nobody has changed since.
fn commits(house: &House) -> usize {
    match house.api.scratch() {
        Some(scratch) => {
            let transactions = "SELECT count(DISTINCT xmin::text) FROM import";
            scratch.ask(transactions).parse().unwrap()
        }
        None => logged_commits(&house.database()),
    }
}

/// How many commits SQLite's log holds: a commit's last frame says how large the database is.
fn logged_commits(database: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = fs::read(database.with_extension("db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = usize::try_from(number(8)).unwrap();
    let salt = &log[16..24];
    log[HEADER..]
        .chunks_exact(FRAME_HEADER + page)
        .take_while(|frame| frame[8..16] == *salt)
        .filter(|frame| frame[4..8] != [0; 4])
        .count()
}

#[tokio::test]
async fn twenty_creates_cost_two_commits_at_most() {
    let house = House::new();
    for seed in 0..5_u64 {
        let parts: Vec<_> = (0..20)
            .map(|number| {
                write(
                    &number.to_string(),
                    "POST",
                    SET,
                    &device(seed * 20 + number),
                )
            })
            .collect();
        let before = commits(&house);
        let answers = house.batch(&parts).await;
        assert!(answers.iter().all(|answer| answer["status"] == 201));
        // One is theirs; the store may have taken up something of its own in another.
        let cost = commits(&house) - before;
        assert!((1..=2).contains(&cost), "{cost} commits");
    }
    assert_eq!(house.imports().await, "100");

    // The counter counts.
    let before = commits(&house);
    for number in 0..3 {
        house
            .post(
                &format!("/beta{SET}"),
                &json!({ "serialNumber": number.to_string() }),
            )
            .await;
    }
    assert_eq!(commits(&house) - before, 3);
    let before = commits(&house);
    house
        .batch(&[create("1", "a"), super::after(create("2", "b"), "1")])
        .await;
    assert_eq!(
        commits(&house) - before,
        2,
        "what waits for another waits for its commit"
    );
}

#[tokio::test]
async fn twenty_actions_on_devices_are_one_commit() {
    let house = House::new();
    let mut parts = Vec::new();
    for seed in 0..20_u64 {
        let (_, device) = house.register(&house.contoso, seed).await;
        let set = "/deviceManagement/windowsAutopilotDeviceIdentities";
        let url = format!("{set}/{device}/updateDeviceProperties");
        let tag = json!({ "groupTag": "T" });
        parts.push(write(&seed.to_string(), "POST", &url, &tag));
    }
    let database = house.database();
    let before = logged_commits(&database);
    let answers = house.batch(&parts).await;
    assert!(answers.iter().all(|answer| answer["status"] == 204));
    assert_eq!(logged_commits(&database) - before, 1);
}
