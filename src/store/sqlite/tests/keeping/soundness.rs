//! Looking a database over: what is whole passes, and each broken rule is found.

use super::*;

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
    super::super::super::open::make_schema(&connection).unwrap();
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
