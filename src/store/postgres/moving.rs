//! A PostgreSQL database as one side of a move: one session, a stream to read, COPY to write.
//!
//! Nothing limits how long a statement takes. What follows from the ledger is made when all of it
//! is there; the indexes grow with the rows.

use std::{
    error::Error as StdError,
    pin::Pin,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use futures_util::{StreamExt as _, pin_mut};
use tokio_postgres::{
    RowStream,
    binary_copy::BinaryCopyInWriter,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{
    connect::{Link, Target},
    fault::text_of,
    schema::{self, Release, Trouble},
    tasks::Tasks,
};
use crate::store::{
    Database, DatabaseKind, OpenError, Opening,
    moving::{Answered, Gathered, Kind, Marks, MoveError, Row, Side, Table, Value},
};

/// What this session is called.
const NAME: &str = "hangar migrate-data";

/// How long sessions may take to end after their server has.
const LEAVING: Duration = Duration::from_secs(2);

/// Names the lock that one move at a time holds ("HNGM").
const LOCK: i64 = 0x484e_474d;

/// What follows from the rows, in steps that each are a transaction. A fingerprint is its kind's
/// number and 32 bytes.
const BUILDS: &[&str] = &[
    "INSERT INTO ledger_unique_key (world, kind, digest, entry)
     SELECT world, get_byte(fingerprints, number * 33), substr(fingerprints, number * 33 + 2, 32), id
     FROM ledger_entry, generate_series(0, length(fingerprints) / 33 - 1) AS number
     WHERE get_byte(fingerprints, number * 33) IN (1, 4) ORDER BY 1, 2, 3",
    "INSERT INTO ledger_shared_key (world, kind, digest, anchored, entry)
     SELECT world, get_byte(fingerprints, number * 33), substr(fingerprints, number * 33 + 2, 32),
        EXISTS (SELECT FROM generate_series(0, length(fingerprints) / 33 - 1) AS other
            WHERE get_byte(fingerprints, other * 33) = 1), id
     FROM ledger_entry, generate_series(0, length(fingerprints) / 33 - 1) AS number
     WHERE get_byte(fingerprints, number * 33) IN (2, 3) ORDER BY 1, 2, 3, 4, 5",
    "SELECT setval(pg_get_serial_sequence('import', 'seq'), max(seq)) FROM import
     HAVING max(seq) IS NOT NULL;
     SELECT setval(pg_get_serial_sequence('audit', 'seq'), max(seq)) FROM audit
     HAVING max(seq) IS NOT NULL",
    // Queries of the first minutes are planned by what is there.
    "ANALYZE",
];

/// A session on a database.
pub(in crate::store) struct PostgresSide {
    link: Link,
    place: String,
    /// What sessions of a server are called, if not `hangar`.
    servers: String,
    /// The table that is read, and its rows to come.
    reading: Option<(&'static Table, Pin<Box<RowStream>>)>,
    /// Whether what is read is read as of one moment, in a transaction.
    in_snapshot: bool,
    /// Drives the session, and ends with it.
    _tasks: Tasks,
}

impl PostgresSide {
    /// Connects to a database whose rows are to be moved.
    pub(in crate::store) async fn source(database: &Database) -> Result<Self, OpenError> {
        let side = Self::connect(database).await?;
        let known = schema::expect_this(&side.link.client, &side.place).await;
        known.map_err(|trouble| lasting(trouble, &side.place))?;
        side.lock().await?;
        Ok(side)
    }

    /// Connects to a database that rows are to be moved into, and makes its schema.
    pub(in crate::store) async fn target(database: &Database) -> Result<Self, OpenError> {
        let side = Self::connect(database).await?;
        side.lock().await?;
        let made = Opening::Serve(DatabaseKind::Production);
        let made =
            schema::bring_up_to_date(&side.link.client, &side.place, made, &Release::this()).await;
        made.map_err(|trouble| lasting(trouble, &side.place))?;
        let known = schema::expect_this(&side.link.client, &side.place).await;
        known.map_err(|trouble| lasting(trouble, &side.place))?;
        Ok(side)
    }

    async fn connect(database: &Database) -> Result<Self, OpenError> {
        let (target, servers) = Target::new(database)?.for_one_command(NAME);
        let tasks = Tasks::default();
        let place = target.place().to_owned();
        let refused = |error: tokio_postgres::Error| OpenError::Server {
            place: place.clone(),
            reason: format!("can't be used: {}", text_of(&error)),
        };
        let link = target.connect(&tasks, None).await.map_err(refused)?;
        let limits = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
            SET lock_timeout = '15s'";
        link.client.batch_execute(limits).await.map_err(refused)?;
        Ok(Self {
            link,
            place,
            servers,
            reading: None,
            in_snapshot: false,
            _tasks: tasks,
        })
    }

    /// Takes the lock of moves. The session of one that was killed may last a moment longer.
    async fn lock(&self) -> Result<(), OpenError> {
        let sql = "SELECT pg_advisory_lock($1)";
        let locked = self.link.client.execute(sql, &[&LOCK]).await;
        locked.map(drop).map_err(|error| OpenError::Server {
            place: self.place.clone(),
            reason: format!(
                "is in use by another `hangar migrate-data`: {}",
                text_of(&error)
            ),
        })
    }

    fn broken(&self, reason: impl Into<String>) -> MoveError {
        MoveError::BrokenOff {
            place: self.place.clone(),
            reason: reason.into(),
        }
    }

    fn says(&self, error: &tokio_postgres::Error) -> MoveError {
        self.broken(format!("says: {}", text_of(error)))
    }

    async fn batch(&self, sql: &str) -> Result<(), MoveError> {
        let done = self.link.client.batch_execute(sql).await;
        done.map_err(|error| self.says(&error))
    }

    async fn begin(&mut self) -> Result<(), MoveError> {
        self.end_snapshot().await?;
        self.batch("BEGIN").await
    }

    /// Commits. A warning means that a standby may lack it, which the next run would find.
    async fn commit(&self) -> Result<(), MoveError> {
        self.link.warned.store(false, Ordering::Release);
        self.batch("COMMIT").await?;
        if self.link.warned.load(Ordering::Acquire) {
            return Err(self.broken("committed with a warning: a standby may lack what it has"));
        }
        Ok(())
    }

    async fn end_snapshot(&mut self) -> Result<(), MoveError> {
        self.reading = None;
        if std::mem::take(&mut self.in_snapshot) {
            self.batch("COMMIT").await?;
        }
        Ok(())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), MoveError> {
        let sql = "INSERT INTO meta (key, value) VALUES ($1, $2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let set = self.link.client.execute(sql, &[&key, &value]).await;
        set.map(drop).map_err(|error| self.says(&error))
    }

    async fn copy(&self, table: &Table, rows: &[Row]) -> Result<(), MoveError> {
        let (name, columns) = (table.name, table.column_list());
        let sql = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
        let types: Vec<_> = table
            .columns
            .iter()
            .map(|column| type_of(column.kind))
            .collect();
        let copied = async {
            let sink = self.link.client.copy_in(&sql).await?;
            let writer = BinaryCopyInWriter::new(sink, &types);
            pin_mut!(writer);
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await
        };
        copied.await.map(drop).map_err(|error| self.says(&error))
    }
}

impl Side for PostgresSide {
    fn place(&self) -> &str {
        &self.place
    }

    fn is_alone(&mut self) -> Answered<'_, ()> {
        Box::pin(async move {
            let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND application_name IN ('hangar', $1) AND application_name <> ''";
            let given_up = Instant::now() + LEAVING;
            let sessions = loop {
                let found = self.link.client.query_one(sql, &[&self.servers]).await;
                let sessions: i64 = found.map_err(|error| self.says(&error))?.get(0);
                if sessions == 0 {
                    return Ok(());
                }
                if Instant::now() > given_up {
                    break sessions;
                }
                tokio::time::sleep(LEAVING / 20).await;
            };
            Err(MoveError::Refused(format!(
                "the database {} is in use by {sessions} sessions of Hangar: stop every `hangar \
                 serve` on it",
                self.place
            )))
        })
    }

    fn marks(&mut self) -> Answered<'_, Marks> {
        Box::pin(async move {
            let sql = "SELECT key, value FROM meta";
            let found = self.link.client.query(sql, &[]).await;
            let mut marks = Marks::default();
            for row in found.map_err(|error| self.says(&error))? {
                let value: Vec<u8> = row.get(1);
                match row.get(0) {
                    "kind" => marks.kind = String::from_utf8_lossy(&value).into_owned(),
                    "paging_secret" => marks.paging_secret = value,
                    "migration" => marks.journal = Some(value),
                    _ => {}
                }
            }
            Ok(marks)
        })
    }

    fn mark(&mut self, marks: Marks) -> Answered<'_, ()> {
        Box::pin(async move {
            self.begin().await?;
            for (key, value) in [
                ("kind", Some(marks.kind.into_bytes())),
                ("paging_secret", Some(marks.paging_secret)),
                ("migration", marks.journal),
            ] {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    self.set(key, &value).await?;
                }
            }
            self.commit().await
        })
    }

    fn count(&mut self, table: &'static Table) -> Answered<'_, u64> {
        Box::pin(async move {
            let sql = format!("SELECT count(*) FROM {}", table.name);
            let found = self.link.client.query_one(&sql, &[]).await;
            let count: i64 = found.map_err(|error| self.says(&error))?.get(0);
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn start(&mut self, table: &'static Table, after: Option<Vec<Value>>) -> Answered<'_, ()> {
        Box::pin(async move {
            self.reading = None;
            if !self.in_snapshot {
                self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?;
                self.in_snapshot = true;
            }
            let (name, columns, key) = (table.name, table.column_list(), table.key_list());
            let after = after.unwrap_or_default();
            let places: Vec<_> = (1..=after.len())
                .map(|number| format!("${number}"))
                .collect();
            let condition = if places.is_empty() {
                String::new()
            } else {
                format!("WHERE ({key}) > ({})", places.join(", "))
            };
            let sql = format!("SELECT {columns} FROM {name} {condition} ORDER BY {key}");
            let rows = self.link.client.query_raw(&sql, after).await;
            let rows = rows.map_err(|error| self.says(&error))?;
            self.reading = Some((table, Box::pin(rows)));
            Ok(())
        })
    }

    fn next(&mut self, most: usize) -> Answered<'_, Vec<Row>> {
        Box::pin(async move {
            let mut rows = Gathered::new(most);
            while !rows.is_enough() {
                let Some((table, stream)) = &mut self.reading else {
                    break;
                };
                let Some(found) = stream.next().await else {
                    self.reading = None;
                    break;
                };
                let row = found.and_then(|found| read(table, &found));
                rows.push(row.map_err(|error| self.says(&error))?);
            }
            Ok(rows.into_rows())
        })
    }

    fn write<'a>(
        &'a mut self,
        table: &'static Table,
        rows: Vec<Row>,
        journal: Vec<u8>,
    ) -> Answered<'a, ()> {
        Box::pin(async move {
            self.begin().await?;
            self.copy(table, &rows).await?;
            self.set("migration", &journal).await?;
            self.commit().await
        })
    }

    fn builds(&self) -> usize {
        BUILDS.len()
    }

    fn build(&mut self, number: usize, journal: Vec<u8>) -> Answered<'_, ()> {
        Box::pin(async move {
            self.begin().await?;
            self.batch(BUILDS.get(number).copied().unwrap_or_default())
                .await?;
            self.set("migration", &journal).await?;
            self.commit().await
        })
    }

    fn look_anew(&mut self) -> Answered<'_, ()> {
        Box::pin(self.end_snapshot())
    }
}

fn lasting(trouble: Trouble, place: &str) -> OpenError {
    match trouble {
        Trouble::Lasting(error) => error,
        Trouble::Passing(reason) => OpenError::Server {
            place: place.to_owned(),
            reason: format!("can't be used: {reason}"),
        },
    }
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Guid => Type::UUID,
        Kind::Number => Type::INT8,
        Kind::Flag => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

fn read(table: &Table, found: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(place, column)| {
            Ok(match column.kind {
                Kind::Guid => found.try_get::<_, Option<_>>(place)?.map(Value::Guid),
                Kind::Number => found.try_get::<_, Option<_>>(place)?.map(Value::Number),
                Kind::Flag => found.try_get::<_, Option<_>>(place)?.map(Value::Flag),
                Kind::Text => found.try_get::<_, Option<_>>(place)?.map(Value::Text),
                Kind::Bytes => found.try_get::<_, Option<_>>(place)?.map(Value::Bytes),
            }
            .unwrap_or(Value::Nothing))
        })
        .collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Nothing => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Flag(flag) => flag.to_sql(kind, out),
            Self::Guid(id) => id.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    /// Which value goes into which column is `table`'s word.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
