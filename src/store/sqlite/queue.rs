//! The imports as the registrar's queue: claiming what waits, and settling it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{audit, devices, fault::Fault, leases::Leases, ledger, row};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        import::{CallId, ImportId},
        registration::{Decision, Registration, Subject, decide},
        tenant::TenantId,
    },
    store::{
        StoreError,
        operation::{Claim, ClaimKey, Failure, Settled, Settlement},
    },
};

/// How long a claim stands. Settling a batch takes milliseconds.
const LEASE: Duration = Duration::from_secs(30);

/// Claims what waits. Reads only: claims live in memory.
pub(super) fn claim(
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
            Some(claim) => {
                leases.take(key, token, now, LEASE);
                return Ok(vec![claim]);
            }
            None => leases.forget(key),
        }
    }
    let sql = format!(
        "SELECT {}, version FROM import WHERE state = 0 AND accepted_at <= ?1
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
        let claim = read_claim(found, token, false)?;
        let key = (claim.key.tenant, claim.key.id);
        if !leases.holds(key) && leases.take(key, token, now, LEASE) {
            claims.push(claim);
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
) -> Result<Option<Claim>, Fault> {
    let sql = format!(
        "SELECT {}, version FROM import WHERE tenant = ?1 AND id = ?2 AND state = 0",
        row::IMPORT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?
        .map(|found| read_claim(found, token, true))
        .transpose()
}

/// Reads a claim, also of an import whose content makes no sense: it has to be settled too.
fn read_claim(found: &Row<'_>, token: Uuid, alone: bool) -> Result<Claim, Fault> {
    Ok(Claim {
        key: ClaimKey {
            tenant: TenantId(row::guid(found, 0)?),
            id: ImportId(row::guid(found, 1)?),
            token,
            version: found.get("version")?,
        },
        alone,
        import: row::import(found).map_err(|fault| StoreError::from(fault).to_string()),
    })
}

/// Decides claimed imports in their order.
pub(super) fn settle(
    connection: &Connection,
    leases: &Mutex<Leases>,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Vec<Settled>, Fault> {
    settlements
        .iter()
        .map(|settlement| settle_one(connection, leases, settlement, now))
        .collect()
}

fn settle_one(
    connection: &Connection,
    leases: &Mutex<Leases>,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let key = settlement.key;
    if !stands(connection, leases, &key, Some(settlement.call))? {
        return Ok(Settled::Superseded);
    }
    let subject = &settlement.examination.subject;
    let known = ledger::known(connection, subject)?;
    match decide(subject, key.tenant, settlement.call, &known) {
        Decision::Registered(registration) => register(connection, settlement, *registration, now),
        Decision::Refused(error) => {
            let mut words = vec![error.name()];
            words.extend(&settlement.examination.notes);
            refuse(connection, &key, error, &words.join(" "), now)
        }
    }
}

/// Whether an import still is what was claimed. One that was deleted and made anew under the same
/// id has another call.
fn stands(
    connection: &Connection,
    leases: &Mutex<Leases>,
    key: &ClaimKey,
    call: Option<CallId>,
) -> Result<bool, Fault> {
    let held = leases
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is((key.tenant, key.id), key.token);
    let found: Option<(i64, i64, [u8; 16])> = connection
        .prepare_cached("SELECT state, version, call FROM import WHERE tenant = ?1 AND id = ?2")?
        .query_row(
            params![key.tenant.0.as_bytes(), key.id.0.as_bytes()],
            |found| Ok((found.get(0)?, found.get(1)?, found.get(2)?)),
        )
        .optional()?;
    Ok(held
        && found.is_some_and(|(state, version, found_call)| {
            state == row::WAITING
                && version == key.version
                && call.is_none_or(|call| found_call == *call.0.as_bytes())
        }))
}

fn register(
    connection: &Connection,
    settlement: &Settlement,
    registration: Registration,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let key = settlement.key;
    let device = Device {
        tenant: key.tenant,
        id: settlement.device,
        properties: registration.device,
        ledger_entry: registration.entry.unwrap_or(settlement.entry),
        registered_at: now,
        direct_profile: None,
        targeted_at: now,
    };
    let fingerprints = match &settlement.examination.subject {
        Subject::Hardware(fingerprints, _) => Some(fingerprints),
        Subject::Named(..) | Subject::Refused(_) => None,
    };
    match (registration.entry, fingerprints) {
        (None, Some(fingerprints)) => {
            ledger::enter(connection, &device, settlement.call, fingerprints)?;
        }
        (Some(_), gained) => ledger::assign(connection, &device, settlement.call, gained)?,
        (None, None) => return Err(row::corrupt("a device that is known by nothing")),
    }
    devices::insert(connection, &device)?;
    connection
        .prepare_cached("UPDATE import SET state = ?3, device = ?4 WHERE tenant = ?1 AND id = ?2")?
        .execute(params![
            key.tenant.0.as_bytes(),
            key.id.0.as_bytes(),
            row::COMPLETE,
            device.id.0.as_bytes(),
        ])?;
    let mut words = settlement.examination.notes.clone();
    words.extend(registration.hardware_changed.then_some("hardware-changed"));
    words.extend(registration.entry.map(|_| "hardware-known"));
    let detail = words.join(" ");
    record(
        connection,
        &key,
        "import-registered",
        Some((device.id, device.ledger_entry)),
        &detail,
        now,
    )?;
    Ok(Settled::Registered(device.id))
}

fn refuse(
    connection: &Connection,
    key: &ClaimKey,
    error: DirectoryError,
    detail: &str,
    now: Timestamp,
) -> Result<Settled, Fault> {
    connection
        .prepare_cached(
            "UPDATE import SET state = ?3, error_code = ?4 WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            key.tenant.0.as_bytes(),
            key.id.0.as_bytes(),
            row::REFUSED,
            error.code(),
        ])?;
    record(connection, key, "import-refused", None, detail, now)?;
    Ok(Settled::Refused(error))
}

/// Counts a failure of an import that was claimed alone.
pub(super) fn fail(
    connection: &Connection,
    leases: &Mutex<Leases>,
    key: &ClaimKey,
    failure: &Failure,
    now: Timestamp,
) -> Result<Settled, Fault> {
    if !stands(connection, leases, key, None)? {
        return Ok(Settled::Superseded);
    }
    let attempts: u32 = connection
        .prepare_cached(
            "UPDATE import SET attempts = attempts + 1 WHERE tenant = ?1 AND id = ?2
             RETURNING attempts",
        )?
        .query_row(
            params![key.tenant.0.as_bytes(), key.id.0.as_bytes()],
            |found| found.get(0),
        )?;
    if attempts < failure.attempts_allowed {
        return Ok(Settled::Retried);
    }
    let error = DirectoryError::StorageError;
    let detail = format!(
        "{} after {attempts} attempts: {}",
        error.name(),
        failure.reason
    );
    refuse(connection, key, error, &detail, now)
}

/// When the oldest import that nobody has claimed was accepted.
pub(super) fn oldest_waiting(
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
pub(super) fn count_waiting(connection: &Connection) -> Result<u64, Fault> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM import WHERE state = 0")?
        .query_row([], |found| found.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn record(
    connection: &Connection,
    key: &ClaimKey,
    action: &'static str,
    registered: Option<(DeviceId, LedgerEntryId)>,
    detail: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    audit::record(
        connection,
        &audit::Line {
            at,
            tenant: key.tenant,
            actor: &Actor::registrar(),
            action,
            import: Some(key.id),
            device: registered.map(|(device, _)| device),
            ledger_entry: registered.map(|(_, entry)| entry),
            detail: (!detail.is_empty()).then_some(detail),
        },
    )?;
    Ok(())
}
