//! The disk: the same schema and rows written by rusqlite alone, one writer, groups of 64,
//! `synchronous=FULL`. What it does not reach, no server could.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hangar::store::{DatabaseKind, Opening, sqlite::SqliteStore};
use hardware_hash::content_len;
use rusqlite::{Connection, params};
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    body::{Bodies, Content, serial_number},
    summary::per_second,
};

/// How many rows share a commit.
const GROUP: u64 = 64;

/// Writes rows for this long into a database of Hangar's own making; answers rows a second.
pub(crate) fn run(directory: &Path, time: Duration, content: Content) -> anyhow::Result<f64> {
    let connection = open(directory, DatabaseKind::Development)?;
    connection.pragma_update(None, "synchronous", "full")?;
    let mut bodies = Bodies::new(content, 1)?;
    let tenant = Uuid::from_u128(1);
    let mut insert = connection.prepare(
        "INSERT INTO import (tenant, id, call, accepted_at, serial_number, hardware_len_bytes,
            hardware_content, import_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut audit = connection.prepare(
        "INSERT INTO audit (at, tenant, actor_kind, actor_id, application, action, import)
         VALUES (?1, ?2, 'user', ?3, ?4, 'import-created', ?5)",
    )?;
    let actor = Uuid::from_u128(2).to_string();
    let started = Instant::now();
    let mut rows = 0u64;
    while started.elapsed() < time {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..GROUP {
            let elapsed = started.elapsed();
            let moment = Timestamp::from_unix(
                NoContext,
                1_800_000_000 + elapsed.as_secs(),
                elapsed.subsec_nanos(),
            );
            let (id, call) = (Uuid::new_v7(moment), Uuid::new_v7(moment));
            let blob = bodies.next_blob();
            let content = &blob[..content_len(blob)];
            let at = i64::try_from(elapsed.as_micros())?;
            insert.execute(params![
                tenant.as_bytes(),
                id.as_bytes(),
                call.as_bytes(),
                at,
                "",
                blob.len(),
                content,
                id.to_string(),
            ])?;
            audit.execute(params![at, tenant.as_bytes(), actor, actor, id.as_bytes()])?;
        }
        connection.execute_batch("COMMIT")?;
        rows += GROUP;
    }
    Ok(per_second(rows, started.elapsed()))
}

/// Makes a database of refused imports, and of the audit lines of their creation. Nobody measures
/// how long that takes, so nothing waits for the disk but the end.
pub(crate) fn fill(directory: &Path, rows: u32) -> anyhow::Result<()> {
    let mut connection = open(directory, DatabaseKind::Production)?;
    connection.pragma_update(None, "synchronous", "off")?;
    let mut bodies = Bodies::new(Content::Padded, 1)?;
    let tenant = Uuid::from_u128(1);
    let actor = Uuid::from_u128(2).to_string();
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(
            "INSERT INTO import (tenant, id, call, accepted_at, state, error_code, serial_number,
                hardware_len_bytes, hardware_content)
             VALUES (?1, ?2, ?3, ?4, 4, 806, ?5, ?6, ?7)",
        )?;
        let mut audit = transaction.prepare(
            "INSERT INTO audit (at, tenant, actor_kind, actor_id, action, import)
             VALUES (?1, ?2, 'user', ?3, 'import-created', ?4)",
        )?;
        for row in 0..rows {
            let seconds = 1_700_000_000 + u64::from(row);
            let moment = Timestamp::from_unix(NoContext, seconds, 0);
            let (id, call) = (Uuid::new_v7(moment), Uuid::new_v7(moment));
            let at = i64::try_from(seconds)? * 1_000_000;
            let blob = bodies.next_blob();
            insert.execute(params![
                tenant.as_bytes(),
                id.as_bytes(),
                call.as_bytes(),
                at,
                serial_number(u64::from(row) + 1),
                blob.len(),
                &blob[..content_len(blob)],
            ])?;
            audit.execute(params![at, tenant.as_bytes(), actor, id.as_bytes()])?;
        }
    }
    transaction.commit()?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Opens a database whose schema Hangar has made; then Hangar is out of the way.
pub(crate) fn open(directory: &Path, kind: DatabaseKind) -> anyhow::Result<Connection> {
    let path = directory.join("hangar.db");
    drop(SqliteStore::open(&path, Opening::Serve(kind))?);
    let connection = Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(connection)
}
