//! A SQLite file as one side of a move: nobody else's meanwhile, read by key, written in steps.
//!
//! Keys that lead into the ledger are made when all of it is there, each table in its own order;
//! trigrams with the rows, as the writer's thread does.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{
    Connection, OptionalExtension as _, params, params_from_iter,
    types::{ToSql, ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use super::{
    fault::Fault,
    open::{OpenError, Opener},
    search,
};
use crate::{
    domain::{device::DeviceId, tenant::TenantId},
    store::{
        StoreError,
        moving::{Answered, Gathered, Kind, Marks, MoveError, Row, Side, Table, Value},
    },
};

/// What follows from the ledger, in steps that each are a transaction. A fingerprint is its kind's
/// number and 32 bytes.
const BUILDS: &[&str] = &[
    "WITH RECURSIVE place (number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM place WHERE number + 1 <
            (SELECT max(length(fingerprints)) / 33 FROM ledger_entry))
     INSERT INTO ledger_unique_key (world, kind, digest, entry)
     SELECT world, CASE substr(fingerprints, number * 33 + 1, 1) WHEN x'01' THEN 1 ELSE 4 END AS kind,
        substr(fingerprints, number * 33 + 2, 32) AS digest, id
     FROM ledger_entry JOIN place ON number < length(fingerprints) / 33
     WHERE substr(fingerprints, number * 33 + 1, 1) IN (x'01', x'04')
     ORDER BY world, kind, digest",
    "WITH RECURSIVE place (number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM place WHERE number + 1 <
            (SELECT max(length(fingerprints)) / 33 FROM ledger_entry))
     INSERT INTO ledger_shared_key (world, kind, digest, anchored, entry)
     SELECT world, CASE substr(fingerprints, number * 33 + 1, 1) WHEN x'02' THEN 2 ELSE 3 END AS kind,
        substr(fingerprints, number * 33 + 2, 32) AS digest,
        EXISTS (SELECT 1 FROM place AS other WHERE other.number < length(fingerprints) / 33
            AND substr(fingerprints, other.number * 33 + 1, 1) = x'01') AS anchored, id
     FROM ledger_entry JOIN place ON number < length(fingerprints) / 33
     WHERE substr(fingerprints, number * 33 + 1, 1) IN (x'02', x'03')
     ORDER BY world, kind, digest, anchored, id",
    "INSERT INTO ledger_name (world, serial_number, product_key, entry)
     SELECT world, serial_number_folded, product_key_folded, id FROM ledger_entry
     WHERE serial_number_folded <> '' AND product_key_folded <> ''
     ORDER BY world, serial_number_folded, product_key_folded, id",
];

/// A file that this process has to itself.
pub(in crate::store) struct SqliteSide {
    connection: Arc<Mutex<Connection>>,
    place: String,
    /// The table that is read, and the key of the last row that was.
    reading: Option<(&'static Table, Option<Vec<Value>>)>,
}

impl SqliteSide {
    /// Opens a file whose rows are to be moved.
    pub(in crate::store) fn source(path: &Path) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), None);
        Ok(Self::on(path, opener.alone()?))
    }

    /// Opens, or makes, a file that rows are to be moved into.
    pub(in crate::store) fn target(path: &Path) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), None);
        Ok(Self::on(path, opener.alone_and_made()?))
    }

    fn on(path: &Path, connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            place: format!("at {}", path.display()),
            reading: None,
        }
    }

    /// Runs something on a thread that may block.
    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answered<'static, T> {
        let connection = Arc::clone(&self.connection);
        let place = self.place.clone();
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || {
                operation(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
            });
            let done = task.await.unwrap_or_else(|_| {
                Err(StoreError::Backend("a step of the move panicked".to_owned()).into())
            });
            done.map_err(|fault| MoveError::BrokenOff {
                place,
                reason: format!("says: {}", StoreError::from(fault)),
            })
        })
    }
}

impl Side for SqliteSide {
    fn place(&self) -> &str {
        &self.place
    }

    fn is_alone(&mut self) -> Answered<'_, ()> {
        // The file is locked.
        Box::pin(async { Ok(()) })
    }

    fn marks(&mut self) -> Answered<'_, Marks> {
        self.run(|connection| {
            let mark = |key: &str| {
                connection
                    .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                    .query_row([key], |row| row.get::<_, Vec<u8>>(0))
                    .optional()
            };
            let kind = mark("kind")?.unwrap_or_default();
            Ok(Marks {
                kind: String::from_utf8_lossy(&kind).into_owned(),
                paging_secret: mark("paging_secret")?.unwrap_or_default(),
                journal: mark("migration")?,
            })
        })
    }

    fn mark(&mut self, marks: Marks) -> Answered<'_, ()> {
        self.run(move |connection| {
            // What was written before it is on disk with it.
            connection.pragma_update(None, "synchronous", "full")?;
            let transaction = connection.transaction()?;
            for (key, value) in [
                ("kind", Some(marks.kind.into_bytes())),
                ("paging_secret", Some(marks.paging_secret)),
                ("migration", marks.journal),
            ] {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    set(&transaction, key, &value)?;
                }
            }
            transaction.commit()?;
            connection.pragma_update(None, "synchronous", "normal")?;
            Ok(())
        })
    }

    fn count(&mut self, table: &'static Table) -> Answered<'_, u64> {
        self.run(move |connection| {
            let sql = format!("SELECT count(*) FROM {}", table.name);
            Ok(connection.query_row(&sql, [], |row| row.get(0))?)
        })
    }

    fn start(&mut self, table: &'static Table, after: Option<Vec<Value>>) -> Answered<'_, ()> {
        self.reading = Some((table, after));
        Box::pin(async { Ok(()) })
    }

    fn next(&mut self, most: usize) -> Answered<'_, Vec<Row>> {
        Box::pin(async move {
            let Some((table, after)) = self.reading.take() else {
                return Ok(Vec::new());
            };
            let key = after.clone();
            let read = self.run(move |connection| read(connection, table, key, most));
            let rows = read.await?;
            let last = rows.last().map(|row| table.key_of(row).to_vec());
            self.reading = Some((table, last.or(after)));
            Ok(rows)
        })
    }

    fn write<'a>(
        &'a mut self,
        table: &'static Table,
        rows: Vec<Row>,
        journal: Vec<u8>,
    ) -> Answered<'a, ()> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let places = vec!["?"; table.columns.len()].join(", ");
            let (name, columns) = (table.name, table.column_list());
            let sql = format!("INSERT INTO {name} ({columns}) VALUES ({places})");
            let mut insert = transaction.prepare_cached(&sql)?;
            for row in &rows {
                insert.execute(params_from_iter(row))?;
            }
            drop(insert);
            if name == "device" {
                note_devices(&transaction, table, &rows)?;
            }
            if matches!(name, "device" | "import") {
                while search::catch_up(&transaction, 0)? {}
            }
            set(&transaction, "migration", &journal)?;
            Ok(transaction.commit()?)
        })
    }

    fn builds(&self) -> usize {
        BUILDS.len()
    }

    fn build(&mut self, number: usize, journal: Vec<u8>) -> Answered<'_, ()> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch(BUILDS.get(number).copied().unwrap_or_default())?;
            set(&transaction, "migration", &journal)?;
            Ok(transaction.commit()?)
        })
    }

    fn look_anew(&mut self) -> Answered<'_, ()> {
        // Nobody else writes to it.
        self.reading = None;
        Box::pin(async { Ok(()) })
    }
}

fn set(connection: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![key, value])
        .map(|_| ())
}

/// Notes devices for the trigrams of their serial numbers.
fn note_devices(connection: &Connection, table: &Table, rows: &[Row]) -> rusqlite::Result<()> {
    let serial_number = table
        .columns
        .iter()
        .position(|column| column.name == "serial_number");
    let mut notes = search::DeviceNotes::prepare(connection)?;
    for row in rows {
        let serial_number = serial_number.and_then(|place| row.get(place));
        if let (Some(Value::Guid(tenant)), Some(Value::Guid(id)), Some(Value::Text(text))) =
            (row.first(), row.get(1), serial_number)
        {
            notes.note(TenantId(*tenant), DeviceId(*id), text)?;
        }
    }
    Ok(())
}

fn read(
    connection: &Connection,
    table: &Table,
    after: Option<Vec<Value>>,
    most: usize,
) -> Result<Vec<Row>, Fault> {
    let (columns, key) = (table.column_list(), table.key_list());
    let condition = match &after {
        Some(after) => format!("WHERE ({key}) > ({})", vec!["?"; after.len()].join(", ")),
        None => String::new(),
    };
    // A step that is full before is not read on.
    let sql = format!(
        "SELECT {columns} FROM {} {condition} ORDER BY {key} LIMIT {most}",
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(after.unwrap_or_default()))?;
    let mut rows = Gathered::new(most);
    while !rows.is_enough()
        && let Some(row) = found.next()?
    {
        let values = table.columns.iter().enumerate().map(|(place, column)| {
            let value = value(row.get_ref(place)?, column.kind);
            let value = value.filter(|value| column.optional || *value != Value::Nothing);
            value.ok_or_else(|| {
                let what = format!("{} of a row of {}", column.name, table.name);
                Fault::Store(StoreError::Corrupt(what))
            })
        });
        rows.push(values.collect::<Result<_, Fault>>()?);
    }
    Ok(rows.into_rows())
}

fn value(found: ValueRef<'_>, kind: Kind) -> Option<Value> {
    match (found, kind) {
        (ValueRef::Null, _) => Some(Value::Nothing),
        (ValueRef::Integer(number), Kind::Number) => Some(Value::Number(number)),
        (ValueRef::Integer(0), Kind::Flag) => Some(Value::Flag(false)),
        (ValueRef::Integer(1), Kind::Flag) => Some(Value::Flag(true)),
        (ValueRef::Blob(bytes), Kind::Guid) => Uuid::from_slice(bytes).ok().map(Value::Guid),
        (ValueRef::Blob(bytes), Kind::Bytes) => Some(Value::Bytes(bytes.to_vec())),
        (ValueRef::Text(bytes), Kind::Text) => {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(Value::Text(text.to_owned()))
        }
        _ => None,
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Nothing => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Guid(id) => ValueRef::Blob(id.as_bytes()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Runs statements on a file, as no store would, and answers what the last one selects.
#[cfg(test)]
pub(in crate::store) fn ask(path: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let (before, last) = sql.rsplit_once(';').unwrap_or(("", sql));
    connection.execute_batch(before).unwrap();
    let mut statement = connection.prepare(last).unwrap();
    let rows = statement.query_map([], |row| {
        let value: rusqlite::types::Value = row.get(0)?;
        Ok(format!("{value:?}"))
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}
