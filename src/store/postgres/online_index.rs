//! Indexes that are made while others write, by one process at a time.

use super::{
    connect::{Link, Target},
    fault::text_of,
    tasks::Tasks,
};
use crate::store::{Pooling, StoreError};

/// Names the lock under which indexes are built ("HNGR" and one).
const LOCK: i64 = 0x484e_4753;

/// An index that no migration makes, or not wherever it is needed.
pub(super) struct OnlineIndex<'a> {
    pub(super) name: &'a str,
    /// What it is on, as `CREATE INDEX` has it.
    pub(super) on: &'a str,
    /// The index that it takes the place of.
    pub(super) replaces: Option<&'a str>,
}

/// Whether indexes are there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Provided {
    Yes,
    /// Another process is about it.
    ByAnother,
    /// They have to be made by hand: the lock would stay with whatever connection a pooler gave.
    Never,
}

/// Makes indexes unless they are there.
pub(super) async fn provide(
    target: &Target,
    indexes: &[OnlineIndex<'_>],
) -> Result<Provided, StoreError> {
    if target.pooling() == Pooling::Transaction {
        for index in indexes {
            tracing::warn!(
                "behind a pooler by transactions the index {} is not built: see docs/scaling.md for \
                 the statement",
                index.name
            );
        }
        return Ok(Provided::Never);
    }
    let tasks = Tasks::default();
    let made = async {
        let link = target.connect(&tasks, None).await?;
        // The lock ends with the session at the latest.
        let sql = "SELECT pg_try_advisory_lock($1)";
        if !link
            .client
            .query_one(sql, &[&LOCK])
            .await?
            .get::<_, bool>(0)
        {
            return Ok(Provided::ByAnother);
        }
        let timeless = "SET statement_timeout = 0; SET lock_timeout = 0";
        link.client.batch_execute(timeless).await?;
        for index in indexes {
            index.provide(&link).await?;
        }
        Ok(Provided::Yes)
    };
    made.await.map_err(|error: tokio_postgres::Error| {
        let names: Vec<&str> = indexes.iter().map(|index| index.name).collect();
        StoreError::Unavailable(format!(
            "of the indexes {} not all can be built: {}",
            names.join(", "),
            text_of(&error)
        ))
    })
}

impl OnlineIndex<'_> {
    async fn provide(&self, Link { client, .. }: &Link) -> Result<(), tokio_postgres::Error> {
        let Self { name, on, replaces } = self;
        let sql = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
        let found = client.query_opt(sql, &[name]).await?;
        let is_valid = found.map(|row| row.get::<_, bool>(0));
        if is_valid == Some(false) {
            // Left behind by a process that ended while it built it.
            let sql = format!("DROP INDEX CONCURRENTLY {name}");
            client.batch_execute(&sql).await?;
        }
        if is_valid != Some(true) {
            tracing::info!("the index {name} is built; this may take a while");
            let sql = format!("CREATE INDEX CONCURRENTLY {name} ON {on}");
            client.batch_execute(&sql).await?;
        }
        if let Some(replaced) = replaces {
            let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {replaced}");
            client.batch_execute(&sql).await?;
        }
        Ok(())
    }
}
