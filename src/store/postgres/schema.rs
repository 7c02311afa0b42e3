//! The schema: migrations under a lock that all processes know, and what the database says of
//! itself.
//!
//! Each migration leaves a schema on which the release before still works: processes are replaced
//! one by one. So this program serves on a newer schema too, as long as it is not marked otherwise.

use tokio_postgres::Client;

use super::fault::text_of;
use crate::store::{DatabaseKind, OpenError, Opening};

/// Names the lock under which the schema is changed ("HNGR").
const LOCK: i64 = 0x484e_4752;

/// The migrations, oldest first. Each changes what the ones before have made, in a transaction.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_room_for_claims.sql"),
];

/// How many releases' migrations may be ahead of this program before it can't work any more: the
/// next one contracts what this one still uses.
const RELEASES_AHEAD: usize = 1;

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
    // Others who start meanwhile wait here, and then find the work done.
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .await?;
    let done = migrate(client, opening, &refuse).await;
    // The session ends with it, where this fails.
    let _ = client
        .execute("SELECT pg_advisory_unlock($1)", &[&LOCK])
        .await;
    done?;
    describe(client, opening, &refuse).await
}

async fn migrate(
    client: &mut Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    let known = MIGRATIONS.len();
    let applied = applied(client, opening, refuse).await?;
    if applied > known + RELEASES_AHEAD {
        return Err(refuse(format!(
            "has schema version {applied}, newer than this program's {known} by more than a \
             release: use the program that wrote it, or a newer one"
        )));
    }
    for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(applied) {
        let transaction = client.transaction().await?;
        let refused = |error: tokio_postgres::Error| match error.code() {
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
            .batch_execute(migration)
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
        }
        let note = "INSERT INTO schema_migration (number) VALUES ($1)";
        transaction.execute(note, &[&number]).await?;
        transaction.commit().await?;
        tracing::info!(number, "the database's schema was changed");
    }
    Ok(())
}

/// How many migrations were applied, of a database that is ours or that nobody has used yet.
async fn applied(
    client: &Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<usize, Trouble> {
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
    let count: i64 = client.query_one(count, &[]).await?.get(0);
    Ok(usize::try_from(count).unwrap_or(0))
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
