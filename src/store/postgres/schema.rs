//! The schema: migrations under a lock that all processes know, and what the database says of
//! itself.
//!
//! Processes are replaced one by one, so that each migration leaves a schema on which programs of
//! the release before still work. Which programs those are, stands beside the migration in the
//! database: an older one reads there whether it may go on.

use std::time::Duration;

use tokio_postgres::{
    Client, Row,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    fault::{Fault, may_pass, silence, text_of},
    pool::Session,
};
use crate::store::{DatabaseKind, OpenError, Opening, StoreError, moving::may_be_used};

/// Begins a transaction that holds the lock under which the schema is changed ("HNGR"), for as long
/// as a migration takes. Whoever waits for it longer than this says so, and looks again. Of tables that
/// others use it waits for none for long: everybody else who wants the table waits behind it.
const LOCKED: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s';
    SELECT pg_advisory_xact_lock(x'484e4752'::bigint); SET LOCAL lock_timeout = '500ms'";

/// How long the server may take to say what it holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// One step from a schema to the next.
#[derive(Clone, Copy)]
pub(super) struct Migration {
    /// What changes what the ones before have made, in a transaction.
    sql: &'static str,
    /// The oldest schema version whose programs still work on what this leaves.
    oldest_compatible: i64,
}

/// The migrations, oldest first. The schema's version is how many have been applied.
const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("migrations/0001_initial.sql"),
        oldest_compatible: 1,
    },
    Migration {
        sql: include_str!("migrations/0002_releases_and_expiry.sql"),
        oldest_compatible: 1,
    },
    Migration {
        sql: include_str!("migrations/0003_room_for_claims.sql"),
        oldest_compatible: 1,
    },
    Migration {
        sql: include_str!("migrations/0004_trigrams_before_tenants.sql"),
        oldest_compatible: 1,
    },
];

/// What a program knows of the schema.
#[derive(Clone)]
pub struct Release {
    migrations: Vec<Migration>,
}

impl Release {
    /// This program.
    pub fn this() -> Self {
        Self {
            migrations: MIGRATIONS.to_vec(),
        }
    }

    /// The release after this one, as tests play it: it changes the schema once more, and says from
    /// which version on programs still work then.
    #[must_use]
    pub fn followed_by(mut self, sql: &'static str, oldest_compatible: i64) -> Self {
        self.migrations.push(Migration {
            sql,
            oldest_compatible,
        });
        self
    }

    /// A release of the past, whose schema had this version.
    #[cfg(test)]
    pub(super) fn of_version(version: usize) -> Self {
        let mut release = Self::this();
        release.migrations.truncate(version);
        release
    }

    /// The newest version of the schema that the program knows.
    pub fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}

/// What the database says of itself.
pub(super) struct Described {
    /// Signs page links.
    pub(super) paging_secret: [u8; 32],
    /// Whether trigrams of ASCII letters are folded as queries fold them. Not in Turkish.
    pub(super) folds_ascii: bool,
    /// Whether indexes of before migration 4 are searched.
    pub(super) searches_by_tenant: bool,
}

/// Why the schema is not ready.
pub(super) enum Trouble {
    /// The server is gone, or too slow. It may come back.
    Passing(String),
    /// It won't become better by itself.
    Lasting(OpenError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Passing(text_of(&error))
    }
}

/// Brings the schema up to date and reads what the database says of itself. Everything is left on
/// the server in transactions, as the next one may reach another session.
pub(super) async fn prepare(
    client: &Client,
    place: &str,
    opening: Opening,
    release: &Release,
) -> Result<Described, Trouble> {
    bring_up_to_date(client, place, opening, release).await?;
    describe(client, place, opening).await
}

/// Brings the schema up to date, or makes it.
pub(super) async fn bring_up_to_date(
    client: &Client,
    place: &str,
    opening: Opening,
    release: &Release,
) -> Result<(), Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let encoding = "SELECT current_setting('server_encoding')";
    let encoding: String = read(client, encoding).await?.get(0);
    if encoding != "UTF8" {
        return Err(refuse(format!(
            "keeps texts in {encoding}: make it with ENCODING 'UTF8'"
        )));
    }
    migrate(client, opening, release, &refuse).await
}

/// Fails where the schema is not this very program's.
pub(super) async fn expect_this(client: &Client, place: &str) -> Result<(), Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let known = Release::this().version();
    let applied = applied(client, Opening::Administer, &refuse).await?;
    if applied == known {
        return Ok(());
    }
    let advice = if applied < known {
        "start this program's `hangar serve` on it first, or use the program that wrote it"
    } else {
        "use the program that wrote it, or a newer one"
    };
    Err(refuse(format!(
        "has schema version {applied}, and this program's is {known}: {advice}"
    )))
}

fn refusal(place: &str, reason: String) -> Trouble {
    Trouble::Lasting(OpenError::Server {
        place: place.to_owned(),
        reason,
    })
}

/// Reads one row. A server that says nothing keeps nobody waiting: he looks again.
async fn read(client: &Client, sql: &str) -> Result<Row, Trouble> {
    let asking = client.query_typed_one(sql, &[]);
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(row) => Ok(row?),
        Err(_) => Err(Trouble::Passing(silence(PATIENCE))),
    }
}

/// Fails where the schema was changed meanwhile in a way that this program does not survive.
pub(super) async fn confirm(session: &Session, version: i64) -> Result<(), Fault> {
    let sql = "SELECT coalesce(max(oldest_compatible), 0)::bigint FROM schema_migration";
    let rows = session.query(sql, &[]).await?;
    let oldest: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    if oldest <= version {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the database was changed by a newer release, for programs of schema version {oldest} or \
         later; this one's is {version}: replace it"
    ))
    .into())
}

async fn migrate(
    client: &Client,
    opening: Opening,
    release: &Release,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    // Where nothing is to be done no lock is taken and nothing written.
    while next_migration(client, opening, release, refuse)
        .await?
        .is_some()
    {
        client.batch_execute(LOCKED).await?;
        // Others who started meanwhile may have done it.
        let next = next_migration(client, opening, release, refuse).await?;
        if let Some((number, migration)) = next {
            apply(client, opening, number, migration)
                .await
                .map_err(|error| {
                    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                        return Trouble::Passing(format!(
                            "schema version {number} waits for somebody who holds a table for \
                             long, such as pg_dump"
                        ));
                    }
                    let reason = format!(
                        "can't be brought to schema version {number}: {}",
                        text_of(&error)
                    );
                    if may_pass(&error) {
                        Trouble::Passing(reason)
                    } else {
                        refuse(reason)
                    }
                })?;
            tracing::info!(number, "the database's schema was changed");
        } else {
            client.batch_execute("ROLLBACK").await?;
        }
    }
    Ok(())
}

/// The migration that is to be applied next, with its number, if any is.
async fn next_migration(
    client: &Client,
    opening: Opening,
    release: &Release,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<Option<(i64, Migration)>, Trouble> {
    let known = release.version();
    let applied = applied(client, opening, refuse).await?;
    if applied > known {
        accept_newer(client, known, applied, refuse).await?;
        return Ok(None);
    }
    let mut numbered = (1_i64..).zip(release.migrations.iter().copied());
    Ok(numbered.find(|(number, _)| *number > applied))
}

/// Goes on with a schema that is newer than this program, if its migrations say that it may.
async fn accept_newer(
    client: &Client,
    known: i64,
    applied: i64,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    let sql = format!(
        "SELECT coalesce(max(oldest_compatible), 0)::bigint FROM schema_migration
         WHERE number > {known}"
    );
    let oldest: i64 = read(client, &sql).await?.get(0);
    if oldest > known {
        return Err(refuse(format!(
            "has schema version {applied}, on which programs of version {oldest} or later work, and \
             this program's is {known}: use the program that wrote it, or a newer one"
        )));
    }
    tracing::info!(
        applied,
        known,
        "the database's schema is newer than this program, which may go on"
    );
    Ok(())
}

/// Applies a migration within the transaction that holds the lock, and commits it.
async fn apply(
    client: &Client,
    opening: Opening,
    number: i64,
    migration: Migration,
) -> Result<(), tokio_postgres::Error> {
    if number == 1 {
        let numbers = "CREATE TABLE schema_migration (
            number bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        client.batch_execute(numbers).await?;
    }
    client.batch_execute(migration.sql).await?;
    if number == 1 {
        let kind = match opening {
            Opening::Serve(kind) => kind,
            Opening::Administer => DatabaseKind::Production,
        };
        let describe = "INSERT INTO meta (key, value) VALUES ('kind', convert_to($1, 'UTF8')),
            ('paging_secret', decode(replace(gen_random_uuid()::text
                || gen_random_uuid()::text, '-', ''), 'hex'))";
        let kind = (&kind.word() as &(dyn ToSql + Sync), Type::TEXT);
        client.execute_typed(describe, &[kind]).await?;
    }
    let numbered = (&number as &(dyn ToSql + Sync), Type::INT8);
    if number == 1 {
        // What it is compatible with, is noted from the second on.
        let note = "INSERT INTO schema_migration (number) VALUES ($1)";
        client.execute_typed(note, &[numbered]).await?;
    } else {
        let note = "INSERT INTO schema_migration (number, oldest_compatible) VALUES ($1, $2)";
        let oldest = (
            &migration.oldest_compatible as &(dyn ToSql + Sync),
            Type::INT8,
        );
        client.execute_typed(note, &[numbered, oldest]).await?;
    }
    client.batch_execute("COMMIT").await
}

/// How many migrations were applied, of a database that is ours or that nobody has used yet.
async fn applied(
    client: &Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<i64, Trouble> {
    let tables = "SELECT to_regclass('schema_migration') IS NOT NULL, EXISTS (
            SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                AND relname IN ('import', 'device', 'meta', 'audit'))";
    let row = read(client, tables).await?;
    let (is_ours, is_used): (bool, bool) = (row.get(0), row.get(1));
    if !is_ours && is_used {
        return Err(refuse(
            "has tables of somebody else's: use a database of Hangar's own".to_owned(),
        ));
    }
    if !is_ours && matches!(opening, Opening::Administer) {
        return Err(refuse(
            "is empty: start `hangar serve` on it first".to_owned(),
        ));
    }
    if !is_ours {
        return Ok(0);
    }
    let count = "SELECT count(*) FROM schema_migration";
    Ok(read(client, count).await?.get(0))
}

async fn describe(client: &Client, place: &str, opening: Opening) -> Result<Described, Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let sql = "SELECT (SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'kind'),
        (SELECT value FROM meta WHERE key = 'paging_secret'), lower('IJ') = 'ij',
        to_regclass('import_serial') IS NOT NULL OR to_regclass('device_serial') IS NOT NULL";
    let row = read(client, sql).await?;
    let made_by: Option<String> = row.get(0);
    let made_by = made_by.unwrap_or_default();
    if !may_be_used(&made_by) {
        return Err(Trouble::Lasting(OpenError::HalfMoved(place.to_owned())));
    }
    if let Opening::Serve(kind) = opening
        && made_by != kind.word()
    {
        return Err(refuse(format!(
            "was made by a server of kind {made_by:?} and does not open in one of kind {:?}: \
             `hangar serve` and `hangar serve --dev` need databases of their own",
            kind.word()
        )));
    }
    let secret: Option<Vec<u8>> = row.get(1);
    let secret = secret.unwrap_or_default().try_into();
    Ok(Described {
        paging_secret: secret.map_err(|_| refuse("has no secret for page links".to_owned()))?,
        folds_ascii: row.get(2),
        searches_by_tenant: row.get(3),
    })
}
