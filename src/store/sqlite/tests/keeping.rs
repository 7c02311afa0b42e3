//! Keeping a database: copying it while it is written, looking it over, deleting a tenant.

mod soundness;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use hardware_hash::Builder;
use rusqlite::Connection;
use uuid::Uuid;

use super::super::{DatabaseKind, Opening, SqliteStore, backup, inspect};
use crate::{
    domain::{
        assignment::Plan,
        clock::Clock,
        hardware_blob::HardwareBlob,
        import::{CallId, ImportId, ImportProperties, ImportState},
        revision::Precondition,
        tenant::TenantId,
        upload::UploadId,
    },
    registrar::{Registrar, RegistrarOptions, Round},
    store::{
        OpenError, Store,
        operation::{
            AuditSlice, NewImport, NewImports, NewUpload, Query, TenantDeletion, TenantSummary,
        },
        soundness::{Depth, Soundness},
    },
    testing::{CONTOSO, FABRIKAM, ManualClock, actor},
};

/// The keys of three devices: so many of the ledger's are gathered in memory before they move.
const KEYS_GATHERED: usize = 9;

/// A database file, and a store on it.
struct Bench {
    directory: tempfile::TempDir,
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hangar.db");
        Self {
            store: Arc::new(SqliteStore::open_gathering(&path, KEYS_GATHERED).unwrap()),
            directory,
            clock: Arc::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("hangar.db")
    }

    /// Accepts an import a seed.
    async fn accept(&self, tenant: TenantId, seeds: std::ops::Range<u64>) {
        let rows = seeds.map(|seed| NewImport {
            id: ImportId(Uuid::new_v4()),
            properties: ImportProperties {
                hardware_blob: HardwareBlob::new(Builder::new(seed).build()),
                ..ImportProperties::default()
            },
        });
        let imports = NewImports {
            call: CallId(Uuid::new_v4()),
            actor: actor(),
            accepted_at: self.now(),
            rows: rows.collect(),
        };
        self.store.create_imports(tenant, imports).await.unwrap();
    }

    /// Decides all that waits.
    async fn settle(&self) {
        let store: Arc<dyn Store> = self.store.clone();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let registrar = Registrar::new(store, clock, RegistrarOptions::default());
        while registrar.round().await != Round::Idle {}
    }

    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    async fn upload(&self, tenant: TenantId, number: u128) {
        let new = NewUpload {
            id: UploadId(Uuid::from_u128(number)),
            imports: NewImports {
                call: CallId(Uuid::from_u128(number)),
                actor: actor(),
                accepted_at: self.now(),
                rows: Vec::new(),
            },
        };
        self.store.create_upload(tenant, new).await.unwrap();
    }

    async fn delete_all(&self, tenant: TenantId, limit: usize) -> TenantDeletion {
        let mut whole = TenantDeletion::default();
        loop {
            let step = self
                .store
                .delete_tenant_rows(tenant, limit, actor(), self.now())
                .await
                .unwrap();
            assert!(step.rows() <= u64::try_from(limit).unwrap(), "{step:?}");
            if step.rows() == 0 {
                return whole;
            }
            whole.imports += step.imports;
            whole.devices += step.devices;
            whole.tombstones += step.tombstones;
            whole.uploads += step.uploads;
        }
    }
}

/// Three devices of one tenant, one of another, whose keys are fresh, and a refused import.
async fn furnished() -> Bench {
    let bench = Bench::new();
    bench.accept(CONTOSO, 1..4).await;
    bench.settle().await;
    bench.accept(FABRIKAM, 3..5).await;
    bench.settle().await;
    bench
}

#[tokio::test]
async fn a_copy_is_one_moment_of_a_database_that_is_written_meanwhile() {
    let bench = Bench::new();
    bench.accept(CONTOSO, 1..201).await;
    let to = bench.directory.path().join("copy");
    std::fs::File::create(&to).unwrap();
    // Another connection writes after every few pages, without any patience: were it blocked, it
    // would fail at once, and did its commits start the copy anew, there would be no end.
    let other = Connection::open(bench.path()).unwrap();
    let mut written = 0_u32;
    let write = || {
        other
            .execute(
                "INSERT INTO device_tombstone VALUES (randomblob(16), randomblob(16), 0)",
                [],
            )
            .unwrap();
        written += 1;
    };
    backup::copy(&bench.path(), &to, 4, write).unwrap();
    assert!(written > 10, "only {written} writes came in between");

    let copy = inspect::inspect(&to, Depth::Whole).unwrap();
    assert_eq!((copy.imports, &*copy.findings), (200, &[][..]));
    let count = |path: &Path| {
        let sql = "SELECT count(*) FROM device_tombstone";
        let connection = Connection::open(path).unwrap();
        connection
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .unwrap()
    };
    assert_eq!(count(&to), 0, "the copy is of the moment when it began");
    assert_eq!(count(&bench.path()), written);
    for log in ["copy-wal", "copy-shm", "copy-journal"] {
        assert!(!bench.directory.path().join(log).exists(), "{log} is left");
    }
    let opening = Opening::Serve(DatabaseKind::Production);
    let restored = SqliteStore::open(&to, opening).unwrap();
    assert_eq!(restored.count_imports(CONTOSO, None).await, Ok(200));
    assert_eq!(restored.paging_secret(), bench.store.paging_secret());
}

#[test]
fn what_is_no_database_of_this_program_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let look = || inspect::inspect(&path, Depth::Quick).unwrap_err();
    assert!(matches!(look(), OpenError::Absent(_)));
    std::fs::write(
        &path,
        "no database, but a text that is longer than a header",
    )
    .unwrap();
    assert!(matches!(look(), OpenError::Sqlite { .. }), "{}", look());
    std::fs::remove_file(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(matches!(look(), OpenError::NotOurs(_)));
    connection
        .execute_batch("PRAGMA application_id = 0x484e4752; PRAGMA user_version = 99")
        .unwrap();
    assert!(matches!(look(), OpenError::Newer { .. }));
    connection.pragma_update(None, "user_version", 0).unwrap();
    assert!(matches!(look(), OpenError::Older { .. }));
}

#[tokio::test]
async fn tenants_are_listed_with_what_they_have() {
    let bench = furnished().await;
    bench.accept(CONTOSO, 50..52).await;
    let devices = bench
        .store
        .list_devices(CONTOSO, Query::all(10_000), Plan::default())
        .await
        .unwrap()
        .rows;
    let deleted = bench.store.delete_device(
        CONTOSO,
        devices[0].id,
        Precondition::default(),
        actor(),
        bench.now(),
    );
    deleted.await.unwrap();
    let summary = |tenant, imports, waiting, devices, tombstones| TenantSummary {
        tenant,
        imports,
        waiting,
        devices,
        tombstones,
        uploads: 1,
        profiles: 0,
    };
    bench.upload(CONTOSO, 1).await;
    bench.upload(FABRIKAM, 2).await;
    assert_eq!(
        bench.store.list_tenants().await.unwrap(),
        [summary(CONTOSO, 5, 2, 2, 1), summary(FABRIKAM, 2, 0, 1, 0)]
    );
}

#[tokio::test]
async fn a_tenants_deletion_frees_its_hardware_and_spares_the_others() {
    let bench = furnished().await;
    bench.accept(CONTOSO, 50..52).await;
    bench.upload(CONTOSO, 1).await;
    let theirs = bench
        .store
        .list_imports(FABRIKAM, Query::all(10_000))
        .await
        .unwrap();
    let whole = bench.delete_all(CONTOSO, 2).await;
    let expected = TenantDeletion {
        imports: 5,
        devices: 3,
        tombstones: 3,
        uploads: 1,
        profiles: 0,
        settings: 0,
    };
    assert_eq!(whole, expected);
    let tenants = bench.store.list_tenants().await.unwrap();
    assert_eq!(tenants.len(), 1);
    assert_eq!(
        bench
            .store
            .list_imports(FABRIKAM, Query::all(10_000))
            .await
            .unwrap(),
        theirs
    );

    let slice = AuditSlice {
        after: 0,
        limit: 100,
    };
    let lines = bench.store.list_audit(CONTOSO, slice).await.unwrap().rows;
    let times = |action: &str| lines.iter().filter(|line| line.action == action).count();
    assert_eq!(times("import-created"), 5, "what was audited stays");
    assert_eq!(times("import-deleted"), 3);
    assert_eq!(times("import-withdrawn"), 2);
    assert_eq!(times("device-deleted"), 3);
    assert!(times("tenant-deleted") > 3, "a line a step");
    assert_eq!(
        bench.delete_all(CONTOSO, 2).await,
        TenantDeletion::default()
    );

    bench.accept(FABRIKAM, 1..2).await;
    bench.settle().await;
    let imports = bench
        .store
        .list_imports(FABRIKAM, Query::all(10_000))
        .await
        .unwrap()
        .rows;
    let complete = |state| matches!(state, ImportState::Complete(_));
    let count = imports
        .iter()
        .filter(|import| complete(import.state))
        .count();
    assert_eq!(count, 2, "the hardware is free for the other tenant");
    let seen = inspect::inspect(&bench.path(), Depth::Whole).unwrap();
    assert_eq!(seen.findings, []);
}

#[tokio::test]
async fn audit_pages_together_are_the_whole() {
    let bench = furnished().await;
    let all = AuditSlice {
        after: 0,
        limit: 100,
    };
    let whole = bench.store.list_audit(CONTOSO, all).await.unwrap();
    assert_eq!((whole.rows.len(), whole.more), (6, false));
    let mut pages = Vec::new();
    let mut after = 0;
    loop {
        let slice = AuditSlice { after, limit: 2 };
        let page = bench.store.list_audit(CONTOSO, slice).await.unwrap();
        after = page.rows.last().unwrap().seq;
        pages.extend(page.rows);
        if !page.more {
            break;
        }
    }
    assert_eq!(pages, whole.rows);
}
