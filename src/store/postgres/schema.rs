//! The schema: migrations under a lock that all processes know, and what the database says of
//! itself.
//!
//! Processes are replaced one by one, so that each migration leaves a schema on which programs of
//! the release before still work. Which programs those are, stands beside the migration in the
//! database: an older one reads there whether it may go on.

use std::time::Duration;

use tokio_postgres::{Client, error::SqlState};

use super::{
    fault::{Fault, text_of},
    pool::Session,
};
use crate::store::{DatabaseKind, OpenError, Opening, StoreError};

/// Names the lock under which the schema is changed ("HNGR").
const LOCK: i64 = 0x484e_4752;

/// How long whoever is to change the schema waits before it asks for that lock again. It does not
/// stand in line: an index that is built without stopping writers would wait for it in turn.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How long a migration waits for a table that others use. Everybody else who wants the table
/// waits behind it, so that it gives way and tries again.
const TABLE_PATIENCE: &str = "500ms";

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

/// Brings the schema up to date and reads what the database says of itself.
pub(super) async fn prepare(
    client: &mut Client,
    place: &str,
    opening: Opening,
    release: &Release,
) -> Result<Described, Trouble> {
    let refuse = |reason: String| {
        Trouble::Lasting(OpenError::Server {
            place: place.to_owned(),
            reason,
        })
    };
    let encoding: String = client.query_one("SHOW server_encoding", &[]).await?.get(0);
    if encoding != "UTF8" {
        return Err(refuse(format!(
            "keeps texts in {encoding}: make it with ENCODING 'UTF8'"
        )));
    }
    client
        .batch_execute(&format!(
            "SET statement_timeout = 0; SET lock_timeout = '{TABLE_PATIENCE}'"
        ))
        .await?;
    // Others who start meanwhile wait here, and then find the work done.
    while !try_lock(client).await? {
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    let done = migrate(client, opening, release, &refuse).await;
    unlock(client).await;
    done?;
    describe(client, opening, &refuse).await
}

/// Takes the lock under which the schema is changed, if nobody has it.
pub(super) async fn try_lock(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let sql = "SELECT pg_try_advisory_lock($1)";
    Ok(client.query_one(sql, &[&LOCK]).await?.get(0))
}

/// Gives the lock back. Where that fails the session is over, and the lock with it.
pub(super) async fn unlock(client: &Client) {
    let sql = "SELECT pg_advisory_unlock($1)";
    let _ = client.execute(sql, &[&LOCK]).await;
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
    client: &mut Client,
    opening: Opening,
    release: &Release,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    let known = release.version();
    let applied = applied(client, opening, refuse).await?;
    if applied > known {
        return accept_newer(client, known, applied, refuse).await;
    }
    for (number, migration) in (1_i64..).zip(&release.migrations) {
        if number <= applied {
            continue;
        }
        let transaction = client.transaction().await?;
        let refused = |error: tokio_postgres::Error| match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Trouble::Passing(format!(
                "schema version {number} waits for somebody who holds a table for long, such as \
                 pg_dump"
            )),
            // It was refused, not cut off: it will be again.
            Some(_) => refuse(format!(
                "can't be brought to schema version {number}: {}",
                text_of(&error)
            )),
            None => Trouble::from(error),
        };
        if number == 1 {
            let numbers = "CREATE TABLE schema_migration (
                number bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
            transaction.batch_execute(numbers).await.map_err(refused)?;
        }
        transaction
            .batch_execute(migration.sql)
            .await
            .map_err(refused)?;
        if number == 1 {
            let kind = match opening {
                Opening::Serve(kind) => kind,
                Opening::Administer => DatabaseKind::Production,
            };
            let describe = "INSERT INTO meta (key, value) VALUES ('kind', convert_to($1, 'UTF8')),
                ('paging_secret', decode(replace(gen_random_uuid()::text
                    || gen_random_uuid()::text, '-', ''), 'hex'))";
            transaction.execute(describe, &[&kind.word()]).await?;
            // What it is compatible with, is noted from the second on.
            let note = "INSERT INTO schema_migration (number) VALUES ($1)";
            transaction.execute(note, &[&number]).await?;
        } else {
            let note = "INSERT INTO schema_migration (number, oldest_compatible) VALUES ($1, $2)";
            let oldest = migration.oldest_compatible;
            transaction.execute(note, &[&number, &oldest]).await?;
        }
        transaction.commit().await?;
        tracing::info!(number, "the database's schema was changed");
    }
    Ok(())
}

/// Goes on with a schema that is newer than this program, if its migrations say that it may.
async fn accept_newer(
    client: &Client,
    known: i64,
    applied: i64,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    let sql = "SELECT coalesce(max(oldest_compatible), 0)::bigint FROM schema_migration
        WHERE number > $1";
    let oldest: i64 = client.query_one(sql, &[&known]).await?.get(0);
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

/// How many migrations were applied, of a database that is ours or that nobody has used yet.
async fn applied(
    client: &Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<i64, Trouble> {
    let tables = "SELECT to_regclass('schema_migration') IS NOT NULL, EXISTS (
            SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                AND relname IN ('import', 'device', 'meta', 'audit'))";
    let row = client.query_one(tables, &[]).await?;
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
    Ok(client.query_one(count, &[]).await?.get(0))
}

async fn describe(
    client: &Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<Described, Trouble> {
    let sql = "SELECT (SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'kind'),
        (SELECT value FROM meta WHERE key = 'paging_secret'), lower('IJ') = 'ij'";
    let row = client.query_one(sql, &[]).await?;
    let made_by: Option<String> = row.get(0);
    let made_by = made_by.unwrap_or_default();
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
    })
}
