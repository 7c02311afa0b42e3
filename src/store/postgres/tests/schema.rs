//! The schema's versions: programs of two releases on one database, and who may change it when.

use std::time::Duration;

use uuid::Uuid;

use super::{super::*, serve};
use crate::{
    domain::import::{CallId, ImportProperties},
    store::{DatabaseKind, StoreError, operation::NewImport},
    testing::{CONTOSO, actor, postgres::Scratch, workbench::at},
};

const SERVE: Opening = Opening::Serve(DatabaseKind::Production);

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the release after this one adds.
const EXPAND: &str = "ALTER TABLE import ADD COLUMN shade text COLLATE \"C\" NOT NULL DEFAULT ''";

/// A release that comes after this one, and on whose schema programs of this version still work.
fn next(oldest_compatible: i64) -> Release {
    Release::this().followed_by(EXPAND, oldest_compatible)
}

fn open(scratch: &Scratch, release: Release) -> Result<PostgresStore, OpenError> {
    PostgresStore::open_as(release, &Database::at(scratch.url()), SERVE)
}

async fn accept(store: &PostgresStore) -> Result<(), StoreError> {
    let imports = NewImports {
        call: CallId(Uuid::new_v4()),
        actor: actor(),
        accepted_at: at(0),
        rows: vec![NewImport {
            id: ImportId(Uuid::new_v4()),
            properties: ImportProperties::default(),
        }],
    };
    store.create_imports(CONTOSO, imports).await
}

fn versions(scratch: &Scratch) -> String {
    scratch.ask(
        "SELECT string_agg(number || ':' || oldest_compatible, ' ' ORDER BY number)
         FROM schema_migration",
    )
}

#[tokio::test]
async fn every_older_schema_is_brought_up_to_date() {
    let this = Release::this().version();
    for version in 1..this {
        let scratch = Scratch::empty();
        let count = usize::try_from(version).unwrap();
        drop(open(&scratch, Release::of_version(count)).unwrap());
        let applied = "SELECT count(*) FROM schema_migration";
        assert_eq!(scratch.ask(applied), version.to_string());
        let store = serve(&scratch);
        assert_eq!(store.check().await, Ok(()));
        assert_eq!(scratch.ask(applied), this.to_string());
        store.close().await;
    }
}

#[tokio::test]
async fn many_that_start_at_once_change_the_schema_once() {
    let scratch = Arc::new(Scratch::empty());
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let scratch = Arc::clone(&scratch);
        starting.spawn_blocking(move || serve(&scratch));
    }
    for store in starting.join_all().await {
        assert_eq!(store.check().await, Ok(()));
        store.close().await;
    }
    assert_eq!(versions(&scratch), "1:1 2:1 3:1 4:1");
}

#[tokio::test]
async fn a_program_goes_on_where_the_next_release_has_only_added() {
    let this = Release::this().version();
    let scratch = Scratch::new(DatabaseKind::Production);
    let running = serve(&scratch);
    accept(&running).await.unwrap();
    let newer = open(&scratch, next(this)).unwrap();
    assert_eq!(newer.check().await, Ok(()));
    accept(&newer).await.unwrap();
    assert_eq!(running.check().await, Ok(()));
    accept(&running).await.unwrap();
    // One that starts only now may as well: the way back is open.
    let started = serve(&scratch);
    assert_eq!(started.check().await, Ok(()));
    assert_eq!(started.count_imports(CONTOSO, None).await, Ok(3));
    assert_eq!(
        versions(&scratch),
        format!("1:1 2:1 3:1 4:1 {}:{this}", this + 1)
    );
    for store in [running, newer, started] {
        store.close().await;
    }
}

#[tokio::test]
async fn a_program_stops_where_a_later_release_has_taken_away() {
    let this = Release::this().version();
    let scratch = Scratch::new(DatabaseKind::Production);
    let running = serve(&scratch);
    assert_eq!(running.check().await, Ok(()));
    let newer = open(&scratch, next(this + 1)).unwrap();
    assert_eq!(newer.check().await, Ok(()));
    let told = running.check().await.unwrap_err().to_string();
    assert!(told.contains("replace it"), "{told}");
    let refused = open(&scratch, Release::this()).err().unwrap().to_string();
    let expected = format!(
        "has schema version {}, on which programs of version {} or later work, and this program's \
         is {this}",
        this + 1,
        this + 1
    );
    assert!(refused.contains(&expected), "{refused}");
    // What comes later does not take back what was said before.
    let last = next(this + 1).followed_by("SELECT 1", 1);
    let last = open(&scratch, last).unwrap();
    assert!(open(&scratch, Release::this()).is_err());
    for store in [running, newer, last] {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_for_a_table_keeps_nobody_from_it() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let running = serve(&scratch);
    let reading = running.pool.begin().await.unwrap();
    reading.query("SELECT 1 FROM import", &[]).await.unwrap();
    let newer = open(&scratch, next(Release::this().version())).unwrap();
    let told = newer.check().await.unwrap_err();
    assert!(matches!(told, StoreError::Unavailable(_)), "{told:?}");
    assert!(told.to_string().contains("pg_dump"), "{told}");
    accept(&running).await.unwrap();
    reading.roll_back().await.unwrap();
    let began = tokio::time::Instant::now();
    while let Err(error) = newer.check().await {
        assert!(began.elapsed() < PATIENCE, "it does not end: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for store in [running, newer] {
        store.close().await;
    }
}
