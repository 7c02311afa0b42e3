//! Rows: what the audit table says of them, and one that makes no sense.

use std::time::Duration;

use hardware_hash::Builder;
use rusqlite::params;

use super::*;
use crate::{
    domain::{directory_error::DirectoryError, import::ImportState},
    registrar::{Registrar, RegistrarOptions, Round},
    store::StoreError,
    testing::{CONTOSO, FABRIKAM, ManualClock, import_of, workbench::import_id},
};

/// The audit table's actions and details, in their order.
fn audit(files: &Files) -> Vec<(String, Option<String>)> {
    let connection = files.connect();
    let mut statement = connection
        .prepare("SELECT action, detail FROM audit ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_audit_table_tells_what_happened() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    bench.delete_device(CONTOSO, device.id, 70).await;
    let again = bench.register(FABRIKAM, import_of(&Builder::new(1))).await;
    bench.release(again.ledger_entry).await;
    bench
        .register(CONTOSO, import_of(&Builder::new(1).ek_seed(2)))
        .await;
    let broken = import_of(&Builder::new(1).omit(14));
    let id = bench.accept(CONTOSO, broken).await;
    bench.update(CONTOSO, id, ImportChange::default()).await;
    bench.settle_all().await;
    bench.delete(CONTOSO, id).await;
    let id = bench.accept(CONTOSO, import_of(&Builder::new(5))).await;
    bench.delete(CONTOSO, id).await;

    let expected = [
        ("import-created", None),
        ("import-registered", None),
        ("device-deleted", None),
        ("import-created", None),
        ("import-registered", Some("hardware-known")),
        ("ledger-released", None),
        ("import-created", None),
        ("import-registered", Some("hardware-changed")),
        ("import-created", None),
        ("import-changed", None),
        (
            "import-refused",
            Some("InvalidZtdHardwareHash serial-missing"),
        ),
        ("import-deleted", None),
        ("import-created", None),
        ("import-withdrawn", None),
    ];
    let expected: Vec<_> = expected
        .map(|(action, detail)| (action.to_owned(), detail.map(str::to_owned)))
        .into();
    assert_eq!(audit(&files), expected);
}

#[tokio::test]
async fn a_row_that_makes_no_sense_fails_alone() {
    // Shorter than its content, and longer than any memory.
    for len_bytes in [5, i64::MAX, -1] {
        fails_alone(len_bytes).await;
    }
}

async fn fails_alone(len_bytes: i64) {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let mut ids = Vec::new();
    for seed in 1..=5 {
        ids.push(bench.accept(CONTOSO, import_of(&Builder::new(seed))).await);
    }
    let senseless = ids.remove(2);
    let connection = files.connect();
    connection
        .execute_batch("PRAGMA ignore_check_constraints = ON")
        .unwrap();
    let changed = connection.execute(
        "UPDATE import SET hardware_len_bytes = ? WHERE id = ?",
        params![len_bytes, senseless.0.as_bytes()],
    );
    assert_eq!(changed, Ok(1));

    let read = store.import(CONTOSO, senseless).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    assert_eq!(store.import(CONTOSO, import_id(1)).await, Ok(None));
    let options = RegistrarOptions {
        back_off: Duration::ZERO,
        ..RegistrarOptions::default()
    };
    let clock = Arc::new(ManualClock::new());
    let registrar = Registrar::new(Arc::clone(&store) as _, clock, options);
    let mut rounds = 0;
    loop {
        match registrar.round().await {
            Round::Worked(_) => rounds += 1,
            Round::Idle => break,
            Round::StoreUnavailable => panic!("the store is fine"),
        }
        assert!(rounds < 100, "it never ends");
    }
    for id in ids {
        let state = bench.state(CONTOSO, id).await;
        assert!(matches!(state, ImportState::Complete(_)));
    }
    let code: Option<i32> = connection
        .query_row(
            "SELECT error_code FROM import WHERE id = ? AND state = 4 AND attempts = 5",
            [senseless.0.as_bytes()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(code, Some(DirectoryError::StorageError.code()));
    assert!(bench.delete(CONTOSO, senseless).await, "it can be deleted");
}
