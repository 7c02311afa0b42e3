//! Opens the database file: its settings, its schema and what it says about itself.

use std::{
    cmp::Ordering,
    fs::{self, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::store::moving::may_be_used;
pub(super) use crate::store::opening::{DatabaseKind, OpenError, Opening};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, config::DbConfig, params,
};

/// Marks the file as ours ("HNGR").
const APPLICATION_ID: i64 = 0x484e_4752;

/// The migrations, oldest first. The schema's version is how many have been applied.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_fresh_hardware.sql"),
    include_str!("migrations/0003_device_properties.sql"),
    include_str!("migrations/0004_uploads.sql"),
    include_str!("migrations/0005_profiles_and_settings.sql"),
    include_str!("migrations/0006_search.sql"),
    include_str!("migrations/0007_cheaper_settling.sql"),
    include_str!("migrations/0008_expiry.sql"),
    include_str!("migrations/0009_cheaper_checks.sql"),
];
#[expect(clippy::cast_possible_wrap, reason = "migrations are few")]
const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Opens connections to one database file.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    path: PathBuf,
    max_pages: Option<u32>,
}

impl Opener {
    pub(super) fn new(path: PathBuf, max_pages: Option<u32>) -> Self {
        Self { path, max_pages }
    }

    /// Opens the database for writing, makes it if there is none, and brings its schema up to date.
    pub(super) fn create(&self, kind: DatabaseKind) -> Result<Connection, OpenError> {
        self.create_file()?;
        let mut connection = self.connect()?;
        self.migrate(&mut connection, Some(kind))?;
        Ok(connection)
    }

    /// Opens a database that exists, whatever its kind.
    pub(super) fn existing(&self) -> Result<Connection, OpenError> {
        if !self.path.exists() {
            return Err(OpenError::Absent(self.path.clone()));
        }
        let mut connection = self.connect()?;
        self.migrate(&mut connection, None)?;
        if !may_be_used(&self.made_by(&connection)?) {
            return Err(self.half_moved());
        }
        Ok(connection)
    }

    /// Opens the database again after its connection had to be given up. Opening recovers what
    /// the last commit left.
    pub(super) fn reopen(&self) -> Result<Connection, OpenError> {
        self.connect()
    }

    /// Opens a connection that can't write.
    pub(super) fn reader(&self) -> Result<Connection, OpenError> {
        let connection = self.connect()?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| self.sqlite(error))?;
        Ok(connection)
    }

    fn connect(&self) -> Result<Connection, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.set_prepared_statement_cache_capacity(128);
            // Without it SQLite prepares a statement anew for every value that might suit a
            // partial index, which costs more than most statements take.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| self.sqlite(error))?;
        // Before the settings: the journal's mode is written into the file.
        self.recognize(&connection)?;
        let set = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "page_size", 8192)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // An answered write survives the loss of power, not only of the process.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "temp_store", "memory")?;
            connection.pragma_update(None, "cache_size", -16_384)?;
            if let Some(max_pages) = self.max_pages {
                connection.pragma_update(None, "max_page_count", max_pages)?;
            }
            Ok(())
        };
        set().map_err(|error| self.sqlite(error))?;
        Ok(connection)
    }

    /// Reads the schema's version, of a database that is ours or that nobody has written to yet.
    fn recognize(&self, connection: &Connection) -> Result<i64, OpenError> {
        let sqlite = |error| self.sqlite(error);
        let number =
            |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let found = number("user_version").map_err(sqlite)?;
        let application_id = number("application_id").map_err(sqlite)?;
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(sqlite)?;
        if application_id != APPLICATION_ID && (tables > 0 || found > 0) {
            return Err(OpenError::NotOurs(self.path.clone()));
        }
        if found > SCHEMA_VERSION {
            return Err(OpenError::Newer {
                path: self.path.clone(),
                found,
                known: SCHEMA_VERSION,
            });
        }
        Ok(found)
    }

    /// Makes the file before SQLite does, so that nobody else can read it; its log takes the same
    /// mode.
    fn create_file(&self) -> Result<(), OpenError> {
        let io = |path: &Path, error| OpenError::Io {
            path: path.to_owned(),
            error,
        };
        if let Some(parent) = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(|error| io(parent, error))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map(drop)
            .map_err(|error| io(&self.path, error))
    }

    /// Applies the migrations that are missing, in one transaction. Where none is, nothing is
    /// written, so that a server also starts, and reads, on a disk that is full.
    fn migrate(
        &self,
        connection: &mut Connection,
        kind: Option<DatabaseKind>,
    ) -> Result<(), OpenError> {
        let sqlite = |error| self.sqlite(error);
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let found = self.recognize(&transaction)?;
        if found < SCHEMA_VERSION {
            apply(&transaction, found, kind).map_err(sqlite)?;
        }
        if let Some(kind) = kind {
            self.expect_kind(&transaction, kind)?;
        }
        transaction.commit().map_err(sqlite)
    }

    fn expect_kind(&self, connection: &Connection, kind: DatabaseKind) -> Result<(), OpenError> {
        let made_by = self.made_by(connection)?;
        if made_by == kind.word() {
            return Ok(());
        }
        if !may_be_used(&made_by) {
            return Err(self.half_moved());
        }
        Err(OpenError::OtherKind {
            path: self.path.clone(),
            made_by,
            opened_by: kind.word().to_owned(),
        })
    }

    /// What the database says that made it.
    fn made_by(&self, connection: &Connection) -> Result<String, OpenError> {
        let kind = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'kind'";
        let made_by = connection.query_row(kind, [], |row| row.get(0)).optional();
        let made_by: Option<String> = made_by.map_err(|error| self.sqlite(error))?;
        Ok(made_by.unwrap_or_default())
    }

    fn half_moved(&self) -> OpenError {
        OpenError::HalfMoved(format!("at {}", self.path.display()))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is what `map_err` hands over"
    )]
    pub(super) fn sqlite(&self, error: rusqlite::Error) -> OpenError {
        OpenError::Sqlite {
            path: self.path.clone(),
            error: error.to_string(),
        }
    }
}

/// Brings the schema from a version to the newest.
fn apply(connection: &Connection, found: i64, kind: Option<DatabaseKind>) -> rusqlite::Result<()> {
    let applied = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(applied) {
        connection.execute_batch(migration)?;
    }
    if found == 0 {
        describe(connection, kind.unwrap_or(DatabaseKind::Production))?;
    }
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}

/// Writes down what made the database, and the secret that signs page links.
fn describe(connection: &Connection, kind: DatabaseKind) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('kind', CAST(? AS BLOB)), ('paging_secret', randomblob(32))",
        params![kind.word()],
    )?;
    Ok(())
}

/// Reads the secret that signs page links.
pub(super) fn paging_secret(connection: &Connection) -> rusqlite::Result<[u8; 32]> {
    connection.query_row(
        "SELECT value FROM meta WHERE key = 'paging_secret'",
        [],
        |row| row.get(0),
    )
}

impl Opener {
    /// Opens a connection for those who look at a database, or copy it, and change nothing in it:
    /// neither its schema nor how it keeps its journal. Any kind of database of this program's
    /// schema will do.
    pub(super) fn onlooker(&self) -> Result<Connection, OpenError> {
        if !self.path.exists() {
            return Err(OpenError::Absent(self.path.clone()));
        }
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| self.sqlite(error))?;
        self.expect_this_schema(&connection)?;
        Ok(connection)
    }

    fn expect_this_schema(&self, connection: &Connection) -> Result<(), OpenError> {
        let number = |name: &str| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(|error| self.sqlite(error))
        };
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let found = number("user_version")?;
        let path = self.path.clone();
        if number("application_id")? != APPLICATION_ID {
            return Err(OpenError::NotOurs(path));
        }
        match found.cmp(&known) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(OpenError::Newer { path, found, known }),
            Ordering::Less => Err(OpenError::Older { path, found, known }),
        }
    }

    /// Opens a database of this program's schema that nobody else has open, to read it. Nobody else
    /// can open it until this connection is closed.
    pub(super) fn alone(&self) -> Result<Connection, OpenError> {
        if !self.path.exists() {
            return Err(OpenError::Absent(self.path.clone()));
        }
        let connection = self.locked()?;
        self.expect_this_schema(&connection)?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| self.sqlite(error))?;
        Ok(connection)
    }

    /// Opens a database that nobody else has open, to fill it, and makes it if there is none. Its
    /// commits are on disk when one of them asks for it.
    pub(super) fn alone_and_made(&self) -> Result<Connection, OpenError> {
        self.create_file()?;
        let mut connection = self.locked()?;
        self.recognize(&connection)?;
        let set = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "normal")?;
            connection.pragma_update(None, "cache_size", -65_536)
        };
        set().map_err(|error| self.sqlite(error))?;
        self.migrate(&mut connection, None)?;
        Ok(connection)
    }

    /// Opens the file under a lock that every other connection is in the way of.
    fn locked(&self) -> Result<Connection, OpenError> {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(1))?;
            connection.pragma_update(None, "page_size", 8192)?;
            // Before the first look: a server's connections share an index of the log in memory,
            // and this one must not.
            connection.pragma_update(None, "locking_mode", "exclusive")?;
            connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            Ok(connection)
        };
        open().map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                OpenError::InUse(self.path.clone())
            }
            Some(ErrorCode::NotADatabase) => OpenError::NotOurs(self.path.clone()),
            _ => self.sqlite(error),
        })
    }
}

/// Makes the newest schema in an empty database.
pub(super) fn make_schema(connection: &Connection) -> rusqlite::Result<()> {
    MIGRATIONS
        .iter()
        .try_for_each(|migration| connection.execute_batch(migration))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::device::{DeviceId, UserlessEnrollment},
        store::{Store as _, sqlite::SqliteStore},
        testing::CONTOSO,
    };

    /// What each migration must find: a database as the version before it left it.
    #[tokio::test]
    async fn a_database_of_the_first_version_keeps_its_devices() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hangar.db");
        let id = Uuid::from_u128(7);
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        describe(&old, DatabaseKind::Production).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        old.execute(
            "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                serial_number, product_key, manufacturer, model, sku_number, system_family,
                user_principal_name)
             VALUES (?1, ?2, ?2, 0, 'T', 'S', '', '', '', '', '', '')",
            params![CONTOSO.0.as_bytes(), id.as_bytes()],
        )
        .unwrap();
        drop(old);

        let store = SqliteStore::open(&path, Opening::Serve(DatabaseKind::Production)).unwrap();
        let device = store.device(CONTOSO, DeviceId(id)).await.unwrap().unwrap();
        assert_eq!(device.version, 0);
        assert_eq!(device.properties.serial_number, "S");
        assert_eq!(device.properties.display_name, "");
        assert_eq!(
            device.properties.userless_enrollment,
            UserlessEnrollment::Unknown
        );
    }

    /// A check of many values is cheap, and still one.
    #[test]
    fn a_state_is_checked_without_a_table_in_memory() {
        let connection = Connection::open_in_memory().unwrap();
        make_schema(&connection).unwrap();
        let id = Uuid::from_u128(7);
        let insert = |state: i64, userless: i64| {
            let import = "INSERT INTO import (tenant, id, call, accepted_at, state)
                VALUES (?1, randomblob(16), ?1, 0, ?2)";
            let device = "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                    serial_number, product_key, manufacturer, model, sku_number, system_family,
                    user_principal_name, userless_enrollment)
                VALUES (?1, randomblob(16), randomblob(16), 0, '', '', '', '', '', '', '', '', ?2)";
            let import = connection.execute(import, params![id.as_bytes(), state]);
            let device = connection.execute(device, params![id.as_bytes(), userless]);
            (import.is_ok(), device.is_ok())
        };
        assert_eq!(insert(0, 0), (true, true));
        assert_eq!(insert(1, 2), (false, true));
        assert_eq!(insert(5, 3), (false, false));
        assert_eq!(insert(-1, -1), (false, false));
        for write in [
            "UPDATE import SET state = 3, device = id WHERE seq = 1",
            "INSERT INTO import (tenant, id, call, accepted_at) VALUES (?1, ?1, ?1, 0)",
            "UPDATE device SET userless_enrollment = 1 WHERE tenant = ?1 AND id = ?1",
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN {write}")).unwrap();
            let parameters = vec![id.as_bytes(); plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(parameters), |row| {
                row.get::<_, String>(1)
            });
            let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
            assert!(!steps.contains(&"OpenEphemeral".to_owned()), "{write}");
            assert!(steps.contains(&"Halt".to_owned()), "{write}");
        }
    }
}
