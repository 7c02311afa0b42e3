//! The imports as the registrar's queue: claiming what waits, and settling it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{
    audit, devices,
    fault::Fault,
    leases::{Leases, Seq},
    ledger::{self, FreshKeys, fresh_keys},
    row,
};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        import::{CallId, ImportId},
        registration::{Decision, Registration, decide},
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

/// Decides claimed imports in their order.
pub(super) fn settle(
    connection: &Connection,
    leases: &Mutex<Leases>,
    fresh: &FreshKeys,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Vec<Settled>, Fault> {
    let mut fresh = fresh.read(connection)?;
    let mut statements = Statements::prepare(connection)?;
    settlements
        .iter()
        .map(|settlement| {
            settle_one(
                connection,
                &mut statements,
                leases,
                &mut fresh,
                settlement,
                now,
            )
        })
        .collect()
}

/// What a batch runs for each of its imports. To look a statement up costs a part of running it.
struct Statements<'a> {
    finish: CachedStatement<'a>,
    entries: ledger::Inserter<'a>,
    devices: devices::Inserter<'a>,
    audit: audit::Recorder<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            finish: connection.prepare_cached(
                "UPDATE import SET state = ?1, device = ?2, error_code = ?3, settled_at = ?9
                 WHERE seq = ?4 AND tenant = ?5 AND id = ?6 AND version = ?7 AND state = 0
                    AND (?8 IS NULL OR call = ?8)",
            )?,
            entries: ledger::Inserter::prepare(connection)?,
            devices: devices::Inserter::prepare(connection)?,
            audit: audit::Recorder::prepare(connection)?,
        })
    }
}

fn settle_one(
    connection: &Connection,
    statements: &mut Statements<'_>,
    leases: &Mutex<Leases>,
    fresh: &mut fresh_keys::Memory,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let Some(seq) = claimed_seq(leases, &settlement.key) else {
        return Ok(Settled::Superseded);
    };
    let subject = &settlement.examination.subject;
    let known = ledger::known(connection, fresh, subject)?;
    match decide(subject, settlement.key.tenant, settlement.call, &known) {
        Decision::Registered(registration) => register(
            connection,
            statements,
            fresh,
            seq,
            settlement,
            *registration,
            now,
        ),
        Decision::Refused(error) => {
            let mut words = vec![error.name()];
            words.extend(&settlement.examination.notes);
            let (key, call) = (&settlement.key, Some(settlement.call));
            refuse(statements, seq, key, call, error, &words.join(" "), now)
        }
    }
}

fn claimed_seq(leases: &Mutex<Leases>, key: &ClaimKey) -> Option<Seq> {
    let leases = leases.lock().unwrap_or_else(PoisonError::into_inner);
    leases.seq((key.tenant, key.id), key.token)
}

/// Records the outcome of an import, if it still is what was claimed; says whether it was. One
/// that was deleted and made anew under the same id has another call.
fn finish(
    statements: &mut Statements<'_>,
    seq: Seq,
    key: &ClaimKey,
    call: Option<CallId>,
    (outcome, now): (Result<DeviceId, DirectoryError>, Timestamp),
) -> rusqlite::Result<bool> {
    let (state, device, error_code) = match &outcome {
        Ok(device) => (row::COMPLETE, Some(device.0.as_bytes()), None),
        Err(error) => (row::REFUSED, None, Some(error.code())),
    };
    let finished = statements.finish.execute(params![
        state,
        device,
        error_code,
        seq,
        key.tenant.0.as_bytes(),
        key.id.0.as_bytes(),
        key.version,
        call.as_ref().map(|call| call.0.as_bytes()),
        now.as_microsecond(),
    ])?;
    Ok(finished == 1)
}

fn register(
    connection: &Connection,
    statements: &mut Statements<'_>,
    fresh: &mut fresh_keys::Memory,
    seq: Seq,
    settlement: &Settlement,
    registration: Registration,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let key = settlement.key;
    let (call, registered) = (Some(settlement.call), Ok(settlement.device));
    if !finish(statements, seq, &key, call, (registered, now))? {
        return Ok(Settled::Superseded);
    }
    let device = Device {
        tenant: key.tenant,
        id: settlement.device,
        properties: registration.device,
        ledger_entry: registration.entry.unwrap_or(settlement.entry),
        registered_at: now,
        version: 0,
        direct_profile: None,
        targeted_at: now,
    };
    let subject = &settlement.examination.subject;
    ledger::give(
        connection,
        &mut statements.entries,
        fresh,
        &device,
        settlement.call,
        registration.entry,
        subject,
    )?;
    statements.devices.insert(&device)?;
    let mut words = settlement.examination.notes.clone();
    words.extend(registration.hardware_changed.then_some("hardware-changed"));
    words.extend(registration.entry.map(|_| "hardware-known"));
    let detail = words.join(" ");
    record(
        statements,
        &key,
        "import-registered",
        Some((device.id, device.ledger_entry)),
        &detail,
        now,
    )?;
    Ok(Settled::Registered(device.id))
}

fn refuse(
    statements: &mut Statements<'_>,
    seq: Seq,
    key: &ClaimKey,
    call: Option<CallId>,
    error: DirectoryError,
    detail: &str,
    now: Timestamp,
) -> Result<Settled, Fault> {
    if !finish(statements, seq, key, call, (Err(error), now))? {
        return Ok(Settled::Superseded);
    }
    record(statements, key, "import-refused", None, detail, now)?;
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
    let Some(seq) = claimed_seq(leases, key) else {
        return Ok(Settled::Superseded);
    };
    let attempts: Option<u32> = connection
        .prepare_cached(
            "UPDATE import SET attempts = attempts + 1
             WHERE seq = ?1 AND tenant = ?2 AND id = ?3 AND version = ?4 AND state = 0
             RETURNING attempts",
        )?
        .query_row(
            params![
                seq,
                key.tenant.0.as_bytes(),
                key.id.0.as_bytes(),
                key.version
            ],
            |found| found.get(0),
        )
        .optional()?;
    let Some(attempts) = attempts else {
        return Ok(Settled::Superseded);
    };
    if attempts < failure.attempts_allowed {
        return Ok(Settled::Retried);
    }
    let error = DirectoryError::StorageError;
    let detail = format!(
        "{} after {attempts} attempts: {}",
        error.name(),
        failure.reason
    );
    let mut statements = Statements::prepare(connection)?;
    refuse(&mut statements, seq, key, None, error, &detail, now)
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
    statements: &mut Statements<'_>,
    key: &ClaimKey,
    action: &'static str,
    registered: Option<(DeviceId, LedgerEntryId)>,
    detail: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    statements.audit.record(&audit::Line {
        at,
        tenant: key.tenant,
        actor: &Actor::registrar(),
        action,
        import: Some(key.id),
        device: registered.map(|(device, _)| device),
        ledger_entry: registered.map(|(_, entry)| entry),
        detail: (!detail.is_empty()).then_some(detail),
    })?;
    Ok(())
}
