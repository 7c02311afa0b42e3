//! `hangar migrate-data` as a process: SIGKILL in the middle, and what servers answer afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use hangar::{store::DatabaseKind, testing::postgres::Scratch};
use serde_json::Value;

use super::client::Client;
use crate::process::{Ended, PATIENCE, Process, Server, hangar, run, serve_dev, token};

const DEVICES: u64 = 700;

fn migrate(from: &str, to: &str) -> std::process::Command {
    let mut command = hangar();
    command.args(["migrate-data", "--from", from, "--to", to]);
    command
}

fn url(data_dir: &Path) -> String {
    format!("sqlite://{}", data_dir.join("hangar.db").display())
}

/// Starts a move until nothing is left of it, and kills it each time when it has got further.
/// `further` waits until it has, and says whether it has not ended meanwhile.
fn killed_again_and_again(from: &str, to: &str, further: impl Fn(&Process) -> bool) -> Ended {
    let start = || Process::start(migrate(from, to).args(["--step", "2"]));
    for round in 0..5 {
        let moving = start();
        let rows = moving.stderr.wait_for(" rows ");
        let rows = rows.unwrap_or_else(|| panic!("{}", moving.stderr.text()));
        assert_eq!(rows.contains("already; going on"), round > 0, "{rows}");
        assert!(further(&moving), "it was over before it was killed");
        moving.kill();
    }
    run(&mut migrate(from, to))
}

fn waited(mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if is_so() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn size_and_time(path: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// What a server on a database answers, but for what waits. The data directory has the keys of its
/// token authority.
async fn answers(data_dir: &Path, database: &str) -> (Vec<Value>, Vec<Value>) {
    let mut command = hangar();
    command
        .args(serve_dev(data_dir))
        .args(["--database-url", database]);
    let server = Server::start(&mut command);
    let contoso = Client::new(&server.url, token(data_dir, &["--tenant", "contoso"]));
    let answers = (contoso.settled().await, contoso.devices().await);
    assert_eq!(server.stop().code, Some(0));
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_goes_on_both_ways() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    let server = Server::dev(&old);
    let contoso = Client::new(&server.url, token(&old, &["--tenant", "contoso"]));
    contoso.post_many(0..DEVICES).await;
    contoso.settled().await;
    let scratch = Scratch::new(DatabaseKind::Production);
    let refused = run(&mut migrate(&url(&old), &scratch.url()));
    assert_eq!(refused.code, Some(2));
    assert!(
        refused
            .stderr
            .contains("is in use by another `hangar serve`")
    );
    assert_eq!(server.stop().code, Some(0));
    let before = answers(&old, &url(&old)).await;
    assert_eq!(before.1.len() as u64, DEVICES);

    let rows = "SELECT (SELECT count(*) FROM import) + (SELECT count(*) FROM ledger_entry)
        + (SELECT count(*) FROM device) + (SELECT count(*) FROM audit)";
    let ended = killed_again_and_again(&url(&old), &scratch.url(), |_| {
        let then = scratch.ask(rows);
        waited(|| scratch.ask(rows) != then)
            && scratch.ask("SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'kind'")
                == "moving"
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("are the same on both sides"),
        "{ended:?}"
    );
    let digests = lines_of_tables(&ended);
    assert_eq!(answers(&old, &scratch.url()).await, before);

    let back = url(&new);
    let log: PathBuf = new.join("hangar.db-wal");
    let ended = killed_again_and_again(&scratch.url(), &back, |_| {
        let then = size_and_time(&log);
        waited(|| size_and_time(&log) != then)
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // The servers in between have added nothing.
    assert_eq!(lines_of_tables(&ended), digests);
    let check = run(hangar().args(["check", "--data-dir"]).arg(&new));
    assert_eq!(check.code, Some(0), "{check:?}");
    assert_eq!(answers(&old, &back).await, before);

    let again = run(&mut migrate(&scratch.url(), &back));
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains("had been moved already"), "{again:?}");
}

fn lines_of_tables(ended: &Ended) -> Vec<String> {
    let lines = ended.stdout.lines().filter(|line| line.contains("SHA-256"));
    lines.map(str::to_owned).collect()
}

#[test]
fn exit_codes_tell_what_happened() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    assert_eq!(Server::dev(&data_dir).stop().code, Some(0));
    let scratch = Scratch::empty();
    let usage = run(hangar().args(["migrate-data", "--from", &url(&data_dir)]));
    assert_eq!(usage.code, Some(2));
    let absent = run(&mut migrate("sqlite:///nowhere/hangar.db", &scratch.url()));
    assert_eq!(absent.code, Some(2), "{absent:?}");
    assert!(absent.stderr.contains("no database at /nowhere/hangar.db"));
    let unreachable = "postgres://hangar:hidden@127.0.0.1:1/hangar";
    let gone = run(&mut migrate(&url(&data_dir), unreachable));
    assert_eq!(gone.code, Some(2), "{gone:?}");
    assert!(gone.stderr.contains("at 127.0.0.1:1 can't be used"));
    assert!(!gone.stderr.contains("hidden"));

    // Addresses may stand in files, which nobody else reads.
    let address = directory.path().join("address");
    fs::write(&address, format!("{}\n", scratch.url())).unwrap();
    let mut command = hangar();
    command.args(["migrate-data", "--quiet", "--from", &url(&data_dir)]);
    let moved = run(command.arg("--to-file").arg(&address));
    assert_eq!(moved.code, Some(0), "{moved:?}");
    scratch.ask("INSERT INTO upload VALUES (gen_random_uuid(), gen_random_uuid(), 7)");
    let differs = run(&mut migrate(&url(&data_dir), &scratch.url()));
    assert_eq!(differs.code, Some(1), "{differs:?}");
    assert!(
        differs
            .stderr
            .contains("table upload, from its beginning to tenant")
    );
}
