//! Nothing that a schema keeps is forgotten: a new column is moved, or it is said why not.

use super::*;
use crate::testing::postgres::Scratch;

/// What follows from other rows, or is only for now, and begins with this.
const OF_SQLITE: &[&str] = &[
    // Its kind and its secret are moved by name.
    "meta.",
    "ledger_unique_key.",
    "ledger_shared_key.",
    "ledger_name.",
    "ledger_fresh.",
    "search_",
    "device_document.",
    "import_serial",
    "device_serial",
    "sqlite_",
];
const OF_POSTGRES: &[&str] = &[
    "meta.",
    "schema_migration.",
    "ledger_unique_key.",
    "ledger_shared_key.",
    "import.claim_token",
    "import.leased_until",
];

fn moved() -> Vec<String> {
    let mut moved: Vec<_> = TABLES
        .iter()
        .flat_map(|table| {
            let columns = table.columns.iter();
            columns.map(|column| format!("{}.{}", table.name, column.name))
        })
        .collect();
    moved.sort();
    moved
}

fn expect_moved(columns: impl Iterator<Item = String>, left_out: &[&str]) {
    let is_left_out = |column: &String| left_out.iter().any(|start| column.starts_with(start));
    let mut kept: Vec<_> = columns.filter(|column| !is_left_out(column)).collect();
    kept.sort();
    assert_eq!(kept, moved());
}

#[test]
fn every_column_of_sqlite_is_moved() {
    let files = Files::new();
    drop(files.serve("hangar.db"));
    let columns = ask(
        &files.path("hangar.db"),
        "SELECT schema.name || '.' || info.name FROM sqlite_schema AS schema
         JOIN pragma_table_info(schema.name) AS info WHERE schema.type = 'table'",
    );
    let text = |column: String| {
        let text = column.strip_prefix("Text(\"")?.strip_suffix("\")")?;
        Some(text.to_owned())
    };
    expect_moved(columns.into_iter().filter_map(text), OF_SQLITE);
}

#[test]
fn every_column_of_postgres_is_moved() {
    let scratch = Scratch::new(store::DatabaseKind::Production);
    let columns = scratch.ask(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public'",
    );
    expect_moved(columns.lines().map(str::to_owned), OF_POSTGRES);
}
