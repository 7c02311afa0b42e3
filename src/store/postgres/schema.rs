//! The schema: migrations under a lock that all processes know, and what the database says of
//! itself.
//!
//! Each migration leaves a schema on which the release before still works: processes are replaced
//! one by one. So this program serves on a newer schema too, as long as it is not marked otherwise.

use std::time::Duration;

use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use super::fault::{may_pass, silence, text_of};
use crate::store::{DatabaseKind, OpenError, Opening, moving::may_be_used};

/// Begins a transaction that holds the lock under which the schema is changed ("HNGR"), for as long
/// as a migration takes. Whoever waits for it longer than this says so, and looks again.
const LOCKED: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s';
    SELECT pg_advisory_xact_lock(x'484e4752'::bigint); SET LOCAL lock_timeout = 0";

/// How long the server may take to say what it holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The migrations, oldest first. Each changes what the ones before have made, in a transaction.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];

/// The newest schema that this program knows.
#[cfg(test)]
pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

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

/// Brings the schema up to date and reads what the database says of itself. Everything is left on
/// the server in transactions, as the next one may reach another session.
pub(super) async fn prepare(
    client: &Client,
    place: &str,
    opening: Opening,
) -> Result<Described, Trouble> {
    bring_up_to_date(client, place, opening).await?;
    describe(client, place, opening).await
}

/// Brings the schema up to date, or makes it.
pub(super) async fn bring_up_to_date(
    client: &Client,
    place: &str,
    opening: Opening,
) -> Result<(), Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let encoding = "SELECT current_setting('server_encoding')";
    let encoding: String = read(client, encoding).await?.get(0);
    if encoding != "UTF8" {
        return Err(refuse(format!(
            "keeps texts in {encoding}: make it with ENCODING 'UTF8'"
        )));
    }
    migrate(client, opening, &refuse).await
}

/// Fails where the schema is not this very program's.
pub(super) async fn expect_this(client: &Client, place: &str) -> Result<(), Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let (known, applied) = (
        MIGRATIONS.len(),
        applied(client, Opening::Administer, &refuse).await?,
    );
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

async fn migrate(
    client: &Client,
    opening: Opening,
    refuse: &impl Fn(String) -> Trouble,
) -> Result<(), Trouble> {
    // Where nothing is to be done no lock is taken and nothing written.
    while next_migration(client, opening, refuse).await?.is_some() {
        client.batch_execute(LOCKED).await?;
        // Others who started meanwhile may have done it.
        if let Some((number, migration)) = next_migration(client, opening, refuse).await? {
            apply(client, opening, number, migration)
                .await
                .map_err(|error| {
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
    refuse: &impl Fn(String) -> Trouble,
) -> Result<Option<(i64, &'static str)>, Trouble> {
    let known = MIGRATIONS.len();
    let applied = applied(client, opening, refuse).await?;
    if applied > known + RELEASES_AHEAD {
        return Err(refuse(format!(
            "has schema version {applied}, newer than this program's {known} by more than a \
             release: use the program that wrote it, or a newer one"
        )));
    }
    Ok((1_i64..).zip(MIGRATIONS.iter().copied()).nth(applied))
}

/// Applies a migration within the transaction that holds the lock, and commits it.
async fn apply(
    client: &Client,
    opening: Opening,
    number: i64,
    migration: &str,
) -> Result<(), tokio_postgres::Error> {
    if number == 1 {
        let numbers = "CREATE TABLE schema_migration (
            number bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
        client.batch_execute(numbers).await?;
    }
    client.batch_execute(migration).await?;
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
    let note = "INSERT INTO schema_migration (number) VALUES ($1)";
    let number = (&number as &(dyn ToSql + Sync), Type::INT8);
    client.execute_typed(note, &[number]).await?;
    client.batch_execute("COMMIT").await
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
    let count: i64 = read(client, count).await?.get(0);
    Ok(usize::try_from(count).unwrap_or(0))
}

async fn describe(client: &Client, place: &str, opening: Opening) -> Result<Described, Trouble> {
    let refuse = |reason: String| refusal(place, reason);
    let sql = "SELECT (SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'kind'),
        (SELECT value FROM meta WHERE key = 'paging_secret'), lower('IJ') = 'ij'";
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
    })
}
