//! Rows that are drawn at random, whatever they mean: every value comes back as it was.

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use super::*;
use crate::store::{moving::table::Column, sqlite::SqliteSide};

fn texts_of_any_kind() -> BoxedStrategy<String> {
    let any = any::<String>().prop_map(|text| text.replace('\0', "\u{1}"));
    prop_oneof![3 => texts(), 1 => any, 1 => Just("\u{feff}\r\n'\"\\N\t\u{10ffff}".to_owned())]
        .boxed()
}

fn numbers() -> BoxedStrategy<i64> {
    prop_oneof![any::<i64>(), -2..3_i64, Just(i64::MIN), Just(i64::MAX)].boxed()
}

/// Values that a column may have, but for what others of its row demand.
fn values(column: Column) -> BoxedStrategy<Value> {
    let values = match column.kind {
        Kind::Guid => any::<[u8; 16]>()
            .prop_map(|bytes| Value::Guid(uuid::Uuid::from_bytes(bytes)))
            .boxed(),
        Kind::Number => numbers().prop_map(Value::Number).boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
        Kind::Text => texts_of_any_kind().prop_map(Value::Text).boxed(),
        Kind::Bytes => vec(any::<u8>(), 0..200).prop_map(Value::Bytes).boxed(),
    };
    if column.optional {
        prop_oneof![1 => Just(Value::Nothing), 3 => values].boxed()
    } else {
        values
    }
}

/// Rows of a table, in the order of their keys.
fn rows(table: &'static Table) -> BoxedStrategy<Vec<Row>> {
    let row: Vec<_> = table.columns.iter().map(|column| values(*column)).collect();
    let rows = vec((row, any::<[u8; 32]>()), 1..9).prop_map(move |rows| {
        let rows = rows.into_iter().enumerate();
        let mut rows: Vec<_> = rows
            .map(|(number, (mut row, random))| {
                let number = i64::try_from(number).unwrap();
                allow(table, &mut row, number, random);
                row
            })
            .collect();
        rows.sort();
        rows.dedup_by(|one, other| table.key_of(one) == table.key_of(other));
        rows
    });
    rows.boxed()
}

/// Makes of a drawn row one that the constraints of both schemas allow.
fn allow(table: &Table, row: &mut Row, number: i64, random: [u8; 32]) {
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    let drawn = i64::from(random[0]);
    let mut set = |name: &str, value: Value| {
        if let Some(place) = place(name) {
            row[place] = value;
        }
    };
    let guid = Value::Guid(uuid::Uuid::from_slice(&random[..16]).unwrap());
    set("seq", Value::Number(number * 1000 + drawn));
    set("userless_enrollment", Value::Number(drawn % 3));
    match table.name {
        "profile" => set("kind", Value::Number(1 + drawn % 2)),
        "import" => {
            let (state, device, error) = match drawn % 3 {
                0 => (0, Value::Nothing, Value::Nothing),
                1 => (3, guid, Value::Nothing),
                _ => (4, Value::Nothing, Value::Number(drawn)),
            };
            set("state", Value::Number(state));
            set("device", device);
            set("error_code", error);
            if drawn % 2 == 0 {
                set("hardware_len_bytes", Value::Nothing);
                set("hardware_content", Value::Nothing);
            } else {
                set("hardware_len_bytes", Value::Number(drawn));
                set("hardware_content", Value::Bytes(random.to_vec()));
            }
        }
        "ledger_entry" => {
            for (name, value) in [
                ("owner_tenant", &guid),
                ("owner_device", &guid),
                ("owner_call", &guid),
            ] {
                let value = if drawn % 2 == 0 {
                    value
                } else {
                    &Value::Nothing
                };
                set(name, value.clone());
            }
            // Kinds that lead to it and kinds that do not; a digest of each for itself.
            let fingerprints = (0..random[1] % 9).flat_map(|kind| {
                let mut digest = random;
                digest[2] = kind;
                [[kind].as_slice(), digest.as_slice()].concat()
            });
            set("fingerprints", Value::Bytes(fingerprints.collect()));
        }
        _ => {}
    }
}

#[test]
fn whatever_stands_in_a_row_comes_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 6,
        failure_persistence: None,
        ..Config::default()
    };
    let tables: Vec<_> = TABLES.iter().map(rows).collect();
    let scratch = Scratch::new(store::DatabaseKind::Development);
    let outcome = TestRunner::new(config).run(&(tables, 1..9_usize), |(tables, step)| {
        let files = Files::new();
        // One server for all: an administrator may empty a database, but for the audit table.
        scratch.ask(
            "ALTER TABLE audit DISABLE TRIGGER ALL;
             TRUNCATE import, ledger_entry, ledger_unique_key, ledger_shared_key, device,
                device_tombstone, upload, profile, profile_assignment, tenant_sync, audit;
             ALTER TABLE audit ENABLE TRIGGER ALL; DELETE FROM meta WHERE key = 'migration'",
        );
        runtime.block_on(async {
            let drawn: u64 = tables.iter().map(|rows| rows.len() as u64).sum();
            let mut side = SqliteSide::target(&files.path("first.db")).unwrap();
            for (table, rows) in TABLES.iter().zip(tables) {
                side.write(table, rows, Vec::new()).await.unwrap();
            }
            drop(side);
            let (first, second) = (files.url("first.db"), files.url("second.db"));
            let there = move_by(&first, &scratch.url(), step).await.unwrap();
            let back = move_by(&scratch.url(), &second, step + 1).await.unwrap();
            assert_eq!(there, back);
            let rows: u64 = there.tables.iter().map(|table| table.rows).sum();
            assert_eq!(rows, drawn);
        });
        Ok(())
    });
    outcome.unwrap();
}
