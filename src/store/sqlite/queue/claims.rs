//! What waits, and who is to decide it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::{
    domain::{import::ImportId, tenant::TenantId},
    store::{
        StoreError,
        operation::{Claim, ClaimKey},
        sqlite::{
            fault::Fault,
            leases::{Leases, Seq},
            row,
        },
    },
};

/// How long a claim stands. Settling a batch takes milliseconds.
const LEASE: Duration = Duration::from_secs(30);

/// Claims what waits. Reads only: claims live in memory.
pub(in crate::store::sqlite) fn claim(
    connection: &Connection,
    leases: &Mutex<Leases>,
    accepted_until: Timestamp,
    limit: usize,
) -> Result<Vec<Claim>, Fault> {
    let mut leases = leases.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let token = Uuid::new_v4();
    while let Some(key) = leases.lapsed(now) {
        match claim_lapsed(connection, key.0, key.1, token)? {
            Some((seq, claim)) => {
                leases.take(key, seq, token, now, LEASE);
                return Ok(vec![claim]);
            }
            None => leases.forget(key),
        }
    }
    let sql = format!(
        "SELECT {}, seq FROM import WHERE state = 0 AND accepted_at <= ?1
         ORDER BY accepted_at, seq LIMIT ?2",
        row::IMPORT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        accepted_until.as_microsecond(),
        limit + leases.len()
    ])?;
    let mut claims = Vec::new();
    while let Some(found) = rows.next()? {
        let key = (
            TenantId(row::guid(found, 0)?),
            ImportId(row::guid(found, 1)?),
        );
        if !leases.holds(key) && leases.take(key, found.get(row::SEQ)?, token, now, LEASE) {
            claims.push(read_claim(found, token, false)?);
            if claims.len() == limit {
                break;
            }
        }
    }
    Ok(claims)
}

fn claim_lapsed(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
    token: Uuid,
) -> Result<Option<(Seq, Claim)>, Fault> {
    let sql = format!(
        "SELECT {}, seq FROM import WHERE tenant = ?1 AND id = ?2 AND state = 0",
        row::IMPORT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?
        .map(|found| Ok((found.get(row::SEQ)?, read_claim(found, token, true)?)))
        .transpose()
}

/// Reads a claim, also of an import whose content makes no sense: it has to be settled too.
fn read_claim(found: &rusqlite::Row<'_>, token: Uuid, alone: bool) -> Result<Claim, Fault> {
    Ok(Claim {
        key: ClaimKey {
            tenant: TenantId(row::guid(found, 0)?),
            id: ImportId(row::guid(found, 1)?),
            token,
            version: found.get(row::VERSION)?,
        },
        alone,
        import: row::import(found).map_err(|fault| StoreError::from(fault).to_string()),
    })
}

/// When the oldest import that nobody has claimed was accepted.
pub(in crate::store::sqlite) fn oldest_waiting(
    connection: &Connection,
    leases: &Mutex<Leases>,
) -> Result<Option<Timestamp>, Fault> {
    let leases = leases.lock().unwrap_or_else(PoisonError::into_inner);
    let mut statement = connection.prepare_cached(
        "SELECT tenant, id, accepted_at FROM import WHERE state = 0
         ORDER BY accepted_at, seq LIMIT ?1",
    )?;
    let mut rows = statement.query(params![leases.len() + 1])?;
    while let Some(found) = rows.next()? {
        let key = (
            TenantId(row::guid(found, 0)?),
            ImportId(row::guid(found, 1)?),
        );
        if !leases.holds(key) {
            return row::timestamp(found.get(2)?).map(Some);
        }
    }
    Ok(None)
}

/// How many imports wait, over all tenants.
pub(in crate::store::sqlite) fn count_waiting(connection: &Connection) -> Result<u64, Fault> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM import WHERE state = 0")?
        .query_row([], |found| found.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}
