//! Moves of databases with every kind of row: there and back, interrupted anywhere, tampered with.

mod drawn;
mod full_house;
mod interrupted;
mod refused;
mod schemas;

use std::{path::PathBuf, sync::Arc};

use odata::testing::texts;
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, TestRunner},
};
use tempfile::TempDir;

use super::*;
use crate::{
    domain::assignment::Plan,
    store::{
        self, Database, Opening, Store,
        questions::questions,
        soundness::Depth,
        sqlite::{SqliteStore, ask},
    },
    testing::{CONTOSO, FABRIKAM, postgres::Scratch, version::Version, vocabulary},
};

/// Names of files in a directory that goes with the test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.path(name).display())
    }

    /// Serves a file, which is made if there is none.
    fn serve(&self, name: &str) -> Arc<dyn Store> {
        serve(&self.url(name))
    }

    /// Makes a database with something in every table.
    async fn full_house(&self, name: &str) -> String {
        let store = self.serve(name);
        full_house::furnish(&store).await;
        store.close().await;
        self.url(name)
    }
}

fn serve(url: &str) -> Arc<dyn Store> {
    store::open(url, Opening::Serve(store::DatabaseKind::Production)).unwrap()
}

/// Moves in steps of so many rows.
async fn move_by(from: &str, to: &str, rows: usize) -> Result<Moved, MoveError> {
    let (from, to) = (Database::at(from), Database::at(to));
    store::move_data(&from, &to, rows, &|_| {}).await
}

async fn move_all(from: &str, to: &str) -> Result<Moved, MoveError> {
    move_by(from, to, 7).await
}

/// Whatever the store says of its tenants, in words that are the same where the rows are.
async fn answers(store: &Arc<dyn Store>) -> Vec<String> {
    let mut said = vec![
        format!("{:?}", store.paging_secret()),
        format!("{:?}", store.list_tenants().await),
        format!("{:?}", store.oldest_waiting().await),
        format!("{:?}", store.count_waiting().await),
    ];
    for tenant in [CONTOSO, FABRIKAM] {
        said.extend(full_house::answers(store, tenant).await);
    }
    said
}

/// Asks both the same random questions about what they hold.
async fn expect_like(one: &Arc<dyn Store>, other: &Arc<dyn Store>) {
    assert_eq!(answers(one).await, answers(other).await);
    let mut runner = TestRunner::deterministic();
    let imports = questions(vocabulary::imports(Version::Beta));
    let devices = questions(vocabulary::devices(Version::Beta));
    let mut found = 0;
    for _ in 0..24 {
        let asked = imports.new_tree(&mut runner).unwrap().current();
        for query in asked.filters.iter().map(|filter| asked.query(filter)) {
            let page = one.list_imports(CONTOSO, query.clone()).await;
            found += page.as_ref().map_or(0, |page| page.rows.len());
            assert_eq!(page, other.list_imports(CONTOSO, query).await);
        }
        let asked = devices.new_tree(&mut runner).unwrap().current();
        for query in asked.filters.iter().map(|filter| asked.query(filter)) {
            let plan = Plan::default();
            let page = one.list_devices(CONTOSO, query.clone(), plan.clone()).await;
            found += page.as_ref().map_or(0, |page| page.rows.len());
            assert_eq!(page, other.list_devices(CONTOSO, query, plan).await);
        }
    }
    assert!(found > 100, "the questions are about something");
}

fn expect_sound(url: &str) {
    let seen = store::inspect(url, Depth::Whole).unwrap();
    assert_eq!(seen.findings, []);
    assert!(seen.devices > 0 && seen.imports > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_is_moved_there_and_back() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::empty();
    let there = move_all(&first, &scratch.url()).await.unwrap();
    assert!(there.tables.iter().all(|table| table.rows > 0), "{there:?}");
    let second = files.url("deep/second.db");
    let back = move_by(&scratch.url(), &second, 2048).await.unwrap();
    assert_eq!(there, back);
    expect_sound(&second);

    let (one, other) = (serve(&first), serve(&scratch.url()));
    expect_like(&one, &other).await;
    let third = serve(&second);
    expect_like(&other, &third).await;
    // What is accepted now comes after all that was moved, and known hardware is known.
    for store in [&other, &third] {
        full_house::go_on(store).await;
    }
    third.close().await;
    expect_sound(&second);
}

/// What a server's own writes have made of the ledger is what a move makes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_the_rows_is_made_as_servers_make_it() {
    const KEYS: &str =
        "SELECT 'unique', kind, encode(digest, 'hex'), entry, '' FROM ledger_unique_key
        UNION ALL SELECT 'shared', kind, encode(digest, 'hex'), entry, anchored::text
        FROM ledger_shared_key ORDER BY 1, 2, 3, 4";
    let files = Files::new();
    let served = Scratch::new(store::DatabaseKind::Production);
    let store = serve(&served.url());
    full_house::furnish(&store).await;
    store.close().await;
    drop(store);
    let file = files.url("file.db");
    move_all(&served.url(), &file).await.unwrap();
    expect_sound(&file);
    let moved = Scratch::empty();
    move_all(&file, &moved.url()).await.unwrap();
    let keys = served.ask(KEYS);
    assert!(keys.lines().count() > 20);
    assert_eq!(keys, moved.ask(KEYS));

    // On SQLite keys go through a table of fresh ones: here all at once.
    let gathering = files.path("gathering.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_gathering(&gathering, 1).unwrap());
    full_house::furnish(&store).await;
    full_house::settle_until_keys_moved(&store).await;
    store.close().await;
    drop(store);
    let between = Scratch::empty();
    let from = files.url("gathering.db");
    move_all(&from, &between.url()).await.unwrap();
    move_all(&between.url(), &files.url("again.db"))
        .await
        .unwrap();
    for sql in [
        "SELECT count(*) FROM ledger_fresh",
        "SELECT group_concat(hex(digest) || kind || hex(entry), ' ') FROM ledger_unique_key",
        "SELECT group_concat(hex(digest) || kind || anchored || hex(entry), ' ')
            FROM ledger_shared_key",
        "SELECT group_concat(serial_number || product_key || hex(entry), ' ') FROM ledger_name",
    ] {
        assert_eq!(
            ask(&gathering, sql),
            ask(&files.path("again.db"), sql),
            "{sql}"
        );
    }
}

/// A text for every place that takes one.
fn some_texts() -> impl Iterator<Item = String> {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    std::iter::repeat_with(move || texts().new_tree(&mut runner).unwrap().current())
}
