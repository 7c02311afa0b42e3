//! Serve, load, back up under load, stop, start on the copy: what was acknowledged before the
//! backup began is there.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::Value;
use uuid::Uuid;

use super::client::Client;
use crate::process::{Ended, Server, hangar, run, token};

const CLIENTS: usize = 8;
const FIRST_ROWS: u64 = 1_000;
/// How many single posts are acknowledged before the backup begins, and at least while it runs.
const POSTS: usize = 50;

/// What the clients of a loaded server share.
#[derive(Default)]
struct Load {
    acknowledged: Mutex<Vec<Uuid>>,
    seed: AtomicU64,
    over: AtomicBool,
    progress: tokio::sync::Notify,
}

impl Load {
    async fn post_until_over(&self, client: &Client) {
        while !self.over.load(Ordering::Relaxed) {
            let id = client.post(self.seed.fetch_add(1, Ordering::Relaxed)).await;
            self.acknowledged.lock().unwrap().push(id);
            self.progress.notify_waiters();
        }
    }

    /// Completes when so many more are acknowledged.
    async fn more(&self, count: usize) {
        let goal = self.acknowledged.lock().unwrap().len() + count;
        loop {
            let progress = self.progress.notified();
            if self.acknowledged.lock().unwrap().len() >= goal {
                return;
            }
            progress.await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_restored_by_starting_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let copy = directory.path().join("copy.db");
    let server = Server::dev(&data_dir);
    let client = Client::new(&server.url, token(&data_dir, &[]));
    let load = Arc::new(Load::default());
    load.seed.store(FIRST_ROWS, Ordering::Relaxed);
    for first in (0..FIRST_ROWS).step_by(250) {
        let ids = client.post_many(first..first + 250).await;
        load.acknowledged.lock().unwrap().extend(ids);
    }

    let mut posting = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (load, client) = (Arc::clone(&load), client.clone());
        posting.spawn(async move { load.post_until_over(&client).await });
    }
    load.more(POSTS).await;
    let before = load.acknowledged.lock().unwrap().clone();
    // Backups follow each other until enough was acknowledged beside them; the last is kept.
    let mut arguments: &[&str] = &[];
    loop {
        let ended = backup_beside(&data_dir, &copy, arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        if load.acknowledged.lock().unwrap().len() >= before.len() + POSTS {
            break;
        }
        arguments = &["--force"];
    }
    load.over.store(true, Ordering::Relaxed);
    // A client that was refused or cut off has panicked.
    while let Some(ended) = posting.join_next().await {
        ended.unwrap();
    }
    assert_eq!(server.stop().code, Some(0));
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let restored = directory.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::rename(&copy, restored.join("hangar.db")).unwrap();
    let server = Server::dev(&restored);
    let client = Client::new(&server.url, token(&restored, &[]));
    let there: HashSet<Uuid> = client.settled().await.iter().map(id).collect();
    let lost = before.iter().filter(|id| !there.contains(id)).count();
    assert_eq!((lost, before.len() > 1_000), (0, true));
    assert_eq!(server.stop().code, Some(0));
    let check = run(hangar().args(["check", "--data-dir"]).arg(&restored));
    assert_eq!(check.code, Some(0), "{check:?}");
}

/// Runs `hangar backup` beside everything else.
async fn backup_beside(data_dir: &Path, copy: &Path, arguments: &[&str]) -> Ended {
    let mut command = hangar();
    command
        .arg("backup")
        .arg(copy)
        .args(["--data-dir"])
        .arg(data_dir);
    command.args(arguments);
    let ended = tokio::task::spawn_blocking(move || run(&mut command)).await;
    ended.unwrap()
}

fn id(item: &Value) -> Uuid {
    item["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_backup_replaces_nothing_and_leaves_nothing_half_done() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let names = || fs::read_dir(directory.path()).unwrap().count();
    let backup = |file: &str, arguments: &[&str]| {
        let file = directory.path().join(file);
        let mut command = hangar();
        command
            .arg("backup")
            .arg(file)
            .arg("--data-dir")
            .arg(&data_dir);
        run(command.args(arguments))
    };
    let absent = backup("copy", &[]);
    assert_eq!(absent.code, Some(2));
    assert!(absent.stderr.contains("there is no database"), "{absent:?}");
    assert_eq!(names(), 0);

    assert_eq!(Server::dev(&data_dir).stop().code, Some(0));
    let first = backup("copy", &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(
        first
            .stdout
            .contains("holds 0 imports and 0 devices, and is sound")
    );
    let bytes = fs::read(directory.path().join("copy")).unwrap();
    let second = backup("copy", &[]);
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("is there already"), "{second:?}");
    assert_eq!(fs::read(directory.path().join("copy")).unwrap(), bytes);
    assert_eq!(backup("copy", &["--force"]).code, Some(0));
    assert_eq!(backup("no/such/place", &[]).code, Some(2));

    let database = rusqlite::Connection::open(data_dir.join("hangar.db")).unwrap();
    let spoil = "INSERT INTO ledger_unique_key VALUES ('main', 1, zeroblob(32), randomblob(16))";
    database.execute(spoil, []).unwrap();
    let unsound = backup("unsound", &[]);
    assert_eq!(unsound.code, Some(2));
    assert!(
        unsound.stderr.contains("key leads to the hardware"),
        "{unsound:?}"
    );
    assert_eq!(names(), 2, "the data directory and the one copy");
}
