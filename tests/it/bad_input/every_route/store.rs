//! What is in the database, to the last row, whichever backend keeps it.

use std::path::Path;

use hangar::testing::postgres::{Scratch, Terminal};
use rusqlite::{Connection, OpenFlags};

use crate::harness::House;

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
    database: Database,
    rows: Vec<String>,
}

enum Database {
    File(File),
    Server(Server),
}

impl Contents {
    pub(super) fn of(house: &House) -> Self {
        let database = match house.api.scratch() {
            Some(scratch) => Database::Server(Server::of(scratch)),
            None => Database::File(File::at(&house.database())),
        };
        let mut contents = Self {
            database,
            rows: Vec::new(),
        };
        contents.have_changed();
        contents
    }

    /// Whether they are others than before.
    pub(super) fn have_changed(&mut self) -> bool {
        let rows = match &mut self.database {
            Database::File(file) => file.rows_if_written(),
            Database::Server(server) => server.rows_if_written(),
        };
        let Some(rows) = rows else {
            return false;
        };
        let changed = rows != self.rows;
        self.rows = rows;
        changed
    }
}

/// PostgreSQL's, by one statement over all tables.
struct Server {
    terminal: Terminal,
    statement: String,
    /// Which transactions of the whole server are seen: others after every one that wrote.
    snapshot: Vec<String>,
}

impl Server {
    fn of(scratch: &Scratch) -> Self {
        let mut terminal = Terminal::on(scratch);
        let tables = "SELECT relname FROM pg_class WHERE relkind = 'r'
            AND relnamespace = current_schema()::regnamespace ORDER BY relname";
        let tables = terminal.ask(tables);
        let tables: Vec<_> = tables.iter().map(|table| table.trim()).collect();
        assert!(tables.len() >= 9, "{tables:?}");
        let rows = tables
            .iter()
            .map(|table| format!("SELECT '{table}', {table}::text FROM {table}"));
        let statement = rows.collect::<Vec<_>>().join(" UNION ALL ");
        Self {
            terminal,
            statement: format!("{statement} ORDER BY 1, 2"),
            snapshot: Vec::new(),
        }
    }

    fn rows_if_written(&mut self) -> Option<Vec<String>> {
        let seen = "SELECT pg_current_snapshot()";
        let snapshot = self.terminal.ask(seen);
        if snapshot == self.snapshot {
            return None;
        }
        self.snapshot = snapshot;
        let rows = self.terminal.ask(&self.statement);
        assert!(
            rows.len() > 20,
            "the rows of the ground are there: {rows:?}"
        );
        Some(rows)
    }
}

/// SQLite's.
struct File {
    database: Connection,
    /// Another number after every commit of anybody else's.
    version: i64,
}

impl File {
    fn at(database: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self {
            database: Connection::open_with_flags(database, flags).unwrap(),
            version: -1,
        }
    }

    fn rows_if_written(&mut self) -> Option<Vec<String>> {
        let version = self
            .database
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .unwrap();
        if version == self.version {
            return None;
        }
        self.version = version;
        Some(self.read())
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
