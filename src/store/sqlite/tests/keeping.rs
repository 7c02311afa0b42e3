//! Keeping a database: copying it while it is written, looking it over, deleting a tenant.

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
async fn a_used_database_is_sound() {
    let bench = furnished().await;
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
    let released = bench
        .store
        .release_ledger_entry(devices[1].ledger_entry, actor(), bench.now());
    assert!(released.await.unwrap());
    // Nobody remembers a deletion for ever; the audit table does.
    Connection::open(bench.path())
        .unwrap()
        .execute("DELETE FROM device_tombstone", [])
        .unwrap();
    for depth in [Depth::Whole, Depth::Quick] {
        let expected = Soundness {
            imports: 5,
            devices: 2,
            hardware: 4,
            findings: Vec::new(),
        };
        assert_eq!(inspect::inspect(&bench.path(), depth).unwrap(), expected);
    }
}

/// What breaks a rule, and a part of the sentence about it.
const CORRUPTIONS: &[(&str, &str, &str)] = &[
    (
        "import-of-no-upload",
        "UPDATE import SET upload = zeroblob(16) WHERE rowid = 1",
        "came in the upload 00000000-0000-0000-0000-000000000000, which is not there",
    ),
    (
        "complete-import-without-device",
        "UPDATE import SET device = zeroblob(16) WHERE rowid = 1",
        "is complete, but its device 00000000-0000-0000-0000-000000000000 is neither there",
    ),
    (
        "device-with-two-owners",
        "UPDATE device SET id = (SELECT min(id) FROM device WHERE tenant = x'11111111111141118111111111111111')
         WHERE tenant = x'22222222222242228222222222222222'",
        "belongs to 2 tenants",
    ),
    (
        "device-without-hardware",
        "UPDATE ledger_entry SET owner_tenant = NULL, owner_device = NULL, owner_call = NULL
         WHERE id = (SELECT min(id) FROM ledger_entry)",
        "does not own its hardware",
    ),
    (
        "device-without-hardware",
        "DELETE FROM ledger_entry WHERE id = (SELECT min(id) FROM ledger_entry)",
        "does not own its hardware",
    ),
    (
        "device-without-hardware",
        "UPDATE ledger_entry SET owner_tenant = x'22222222222242228222222222222222'
         WHERE owner_tenant = x'11111111111141118111111111111111'",
        "not as this device's",
    ),
    (
        "owner-without-device",
        "DELETE FROM device WHERE tenant = x'22222222222242228222222222222222'",
        "which is not there",
    ),
    (
        "key-without-hardware",
        "INSERT INTO ledger_shared_key VALUES ('main', 2, randomblob(32), 0, randomblob(16))",
        "A `uuid` key leads to the hardware",
    ),
    (
        "key-without-hardware",
        "UPDATE ledger_unique_key SET digest = randomblob(32)
         WHERE entry = (SELECT min(entry) FROM ledger_unique_key)",
        "or not by this fingerprint",
    ),
    (
        "hardware-without-its-key",
        "DELETE FROM ledger_unique_key",
        "is not found by its `ek` key",
    ),
    (
        "hardware-without-its-key",
        "DELETE FROM ledger_fresh",
        "is not found by its `uuid` key",
    ),
    (
        "name-without-hardware",
        "INSERT INTO ledger_name VALUES ('main', 's', 'p', randomblob(16))",
        "A serial number and product key lead to the hardware",
    ),
    (
        "hardware-without-its-name",
        "DELETE FROM ledger_fresh",
        "is not found by its serial number and product key",
    ),
    (
        "fresh-hardware-unknown",
        "INSERT INTO ledger_fresh (entry) VALUES (randomblob(16))",
        "is to be found by its keys soon",
    ),
    (
        "hardware-without-its-key",
        "DELETE FROM ledger_shared_key WHERE kind = 3",
        "is not found by its `tuple` key",
    ),
    (
        "assignment-without-profile",
        "INSERT INTO profile_assignment VALUES (zeroblob(16), zeroblob(16), 0, zeroblob(16), 0)",
        "is assigned, but not there",
    ),
    (
        "device-with-unknown-profile",
        "UPDATE device SET direct_profile = zeroblob(16)",
        "is assigned to the deployment profile 00000000-0000-0000-0000-000000000000, which is not",
    ),
    (
        "unknown-error-code",
        "UPDATE import SET error_code = 801 WHERE state = 4",
        "was refused with the code 801",
    ),
    (
        "hash-longer-than-its-length",
        "UPDATE import SET hardware_len_bytes = 9 WHERE rowid = 1",
        "bytes, where 9 with its padding are said",
    ),
    (
        "schema",
        "DROP TRIGGER audit_is_never_deleted",
        "The trigger audit_is_never_deleted is missing",
    ),
    (
        "schema",
        "DROP INDEX import_by_id; CREATE INDEX import_by_id ON import (tenant, id)",
        "The index import_by_id is not in the schema as this program makes it",
    ),
    (
        "schema",
        "CREATE TABLE theirs (a)",
        "The table theirs is in the schema, but not of Hangar's",
    ),
    (
        "structure",
        "PRAGMA ignore_check_constraints = ON; UPDATE import SET state = 7 WHERE rowid = 1",
        "CHECK constraint failed in import",
    ),
];

#[tokio::test]
async fn each_broken_rule_is_a_finding() {
    let bench = furnished().await;
    bench.store.close().await;
    for (rule, sql, part) in CORRUPTIONS {
        let to = bench.directory.path().join("copy");
        std::fs::copy(bench.path(), &to).unwrap();
        Connection::open(&to).unwrap().execute_batch(sql).unwrap();
        let seen = inspect::inspect(&to, Depth::Whole).unwrap();
        let finding = seen.findings.iter().find(|finding| finding.rule == *rule);
        let Some(finding) = finding else {
            panic!("{rule} is not found after {sql}: {:?}", seen.findings);
        };
        let says_so = |sentence: &String| sentence.contains(part);
        assert!(
            finding.count > 0 && finding.sentences.iter().any(says_so),
            "{finding:?}"
        );
        assert!(
            finding
                .sentences
                .iter()
                .all(|sentence| sentence.ends_with('.'))
        );
    }
}

/// A constraint holds this; a database that lost it has lost its schema as well.
#[test]
fn a_rule_that_a_constraint_holds_is_looked_at_all_the_same() {
    let connection = Connection::open_in_memory().unwrap();
    super::super::open::make_schema(&connection).unwrap();
    connection
        .execute_batch(
            "DROP TABLE device;
             CREATE TABLE device (tenant, id, ledger_entry);
             INSERT INTO device VALUES (randomblob(16), randomblob(16), zeroblob(16)),
                (randomblob(16), randomblob(16), zeroblob(16));",
        )
        .unwrap();
    let finding = inspect::look_at(&connection, "hardware-with-two-devices").unwrap();
    assert_eq!(finding.count, 1);
    let sentence = &finding.sentences[0];
    assert!(
        sentence.contains("is registered as 2 devices"),
        "{sentence}"
    );
}

#[tokio::test]
async fn torn_pages_and_stale_indexes_are_findings() {
    let bench = Bench::new();
    bench.accept(CONTOSO, 1..101).await;
    bench.store.close().await;
    let whole = std::fs::read(bench.path()).unwrap();

    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..].fill(0x5a);
    std::fs::write(bench.path(), torn).unwrap();
    let seen = inspect::inspect(&bench.path(), Depth::Quick).unwrap();
    assert_eq!(seen.findings[0].rule, "structure", "{seen:?}");

    std::fs::write(bench.path(), whole).unwrap();
    let connection = Connection::open(bench.path()).unwrap();
    connection
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'state = 0', 'state = 4')
             WHERE name = 'import_waiting';
             PRAGMA writable_schema = OFF;",
        )
        .unwrap();
    drop(connection);
    let seen = inspect::inspect(&bench.path(), Depth::Whole).unwrap();
    assert!(!seen.is_sound(), "{seen:?}");
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
