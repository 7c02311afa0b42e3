//! What is in the database file, to the last row.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Tables that say again what others say, and are worked in when there is time.
const DERIVED: [&str; 9] = [
    "sqlite_",
    "import_serial",
    "device_serial",
    "device_document",
    "search_",
    "ledger_unique_key",
    "ledger_shared_key",
    "ledger_fresh",
    "ledger_name",
];

/// The rows of all other tables, as they were when they were looked at last.
pub(super) struct Contents {
    database: Connection,
    /// Another number after every commit of anybody else's.
    version: i64,
    rows: Vec<String>,
}

impl Contents {
    pub(super) fn of(database: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(database, flags).unwrap();
        let mut contents = Self {
            database,
            version: -1,
            rows: Vec::new(),
        };
        contents.have_changed();
        contents
    }

    /// Whether they are others than before.
    pub(super) fn have_changed(&mut self) -> bool {
        let version = self
            .database
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .unwrap();
        if version == self.version {
            return false;
        }
        self.version = version;
        let rows = self.read();
        let changed = rows != self.rows;
        self.rows = rows;
        changed
    }

    fn read(&self) -> Vec<String> {
        let mut tables = self
            .database
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables: Vec<String> = tables
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .filter(|table: &String| !DERIVED.iter().any(|derived| table.starts_with(derived)))
            .collect();
        assert!(tables.len() >= 9, "{tables:?}");
        tables
            .iter()
            .flat_map(|table| self.rows_of(table))
            .collect()
    }

    fn rows_of(&self, table: &str) -> Vec<String> {
        let mut statement = self
            .database
            .prepare(&format!("SELECT * FROM \"{table}\""))
            .unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|column| row.get_ref(column).map(|v| format!("{v:?}")));
            Ok(format!(
                "{table}: {}",
                values.collect::<Result<Vec<_>, _>>()?.join(", ")
            ))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}
