//! Ctrl-C and SIGKILL while a call is under way: the same command goes on, and nothing is sent
//! twice.

use std::process::Stdio;

use super::{
    proxy::{Act, Proxy},
    stage::{Ran, Stage, csv, import},
};

/// Starts an import, ends it while its second call is held after the commit, and goes on.
async fn ended_by(signal: &str) -> (Stage, Ran) {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..50));
    let mut proxy = Proxy::start(&stage.server.url, |seen| {
        if seen.is_import && seen.number == 2 {
            Act::HoldAfter
        } else {
            Act::Pass
        }
    })
    .await;
    let mut command = import(&file);
    let child = command
        .args(["--url", &proxy.url, "--token", &stage.token])
        .args(["--chunk", "10", "--connections", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    proxy.holds().await;
    let id = child.id().unwrap().to_string();
    let killed = std::process::Command::new("kill")
        .args([signal, &id])
        .status();
    assert!(killed.unwrap().success());
    let ended = Ran::new(&child.wait_with_output().await.unwrap());
    assert!(stage.path("devices.csv.hangar-journal").exists());

    let resumed = stage.import_at(&proxy.url, &file, &["--chunk", "10"]).await;
    resumed.expect(0, &["going on where the journal", "50 registered"]);
    stage.assert_each_once(50).await;
    assert_eq!(proxy.imports(), 5, "no call was repeated");
    (stage, ended)
}

#[tokio::test]
async fn ctrl_c_leaves_a_journal_to_go_on_with() {
    let (_, ended) = ended_by("-INT").await;
    ended.expect(
        130,
        &[
            "interrupted; the server has 10 rows for certain",
            "Start the same command again",
        ],
    );
}

#[tokio::test]
async fn a_killed_import_goes_on_too() {
    let (_, ended) = ended_by("-KILL").await;
    assert_eq!(ended.code, None);
}
