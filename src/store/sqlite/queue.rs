//! The imports as the registrar's queue: claiming what waits, and settling it.

mod claims;

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

pub(super) use claims::{claim, count_waiting, oldest_waiting};

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
        import::CallId,
        registration::{Decision, Registration, decide},
    },
    store::operation::{ClaimKey, Failure, Settled, Settlement},
};

/// Decides claimed imports in their order.
pub(super) fn settle(
    connection: &Connection,
    leases: &Mutex<Leases>,
    fresh: &FreshKeys,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Vec<Settled>, Fault> {
    let mut batch = Batch::begin(connection, fresh)?;
    settlements
        .iter()
        .map(|settlement| match claimed_seq(leases, &settlement.key) {
            Some(seq) => batch.settle(Row::Waiting(seq), settlement, now),
            None => Ok(Settled::Superseded),
        })
        .collect()
}

/// Settlements in one transaction.
pub(super) struct Batch<'a> {
    connection: &'a Connection,
    statements: Statements<'a>,
    fresh: MutexGuard<'a, fresh_keys::Memory>,
}

impl<'a> Batch<'a> {
    /// Makes ready for them.
    pub(super) fn begin(connection: &'a Connection, fresh: &'a FreshKeys) -> Result<Self, Fault> {
        Ok(Self {
            connection,
            statements: Statements::prepare(connection)?,
            fresh: fresh.read(connection)?,
        })
    }

    /// Decides the import in this row, if it still is what was examined.
    pub(super) fn settle(
        &mut self,
        row: Row,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<Settled, Fault> {
        let (statements, fresh) = (&mut self.statements, &mut *self.fresh);
        settle_one(self.connection, statements, fresh, row, settlement, now)
    }
}

/// The row of an import that is settled.
#[derive(Clone, Copy)]
pub(super) enum Row {
    /// It waits.
    Waiting(Seq),
    /// It says `complete` since it was accepted in this transaction.
    Foreseen(Seq),
}

/// What a batch runs for each of its imports. To look a statement up costs a part of running it.
struct Statements<'a> {
    finish: CachedStatement<'a>,
    find_foreseen: CachedStatement<'a>,
    refuse_foreseen: CachedStatement<'a>,
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
            find_foreseen: connection
                .prepare_cached("SELECT 1 FROM import WHERE seq = ?1 AND call = ?2")?,
            refuse_foreseen: connection.prepare_cached(
                "UPDATE import SET state = ?3, device = NULL, error_code = ?4
                 WHERE seq = ?1 AND call = ?2",
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
    fresh: &mut fresh_keys::Memory,
    row: Row,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let subject = &settlement.examination.subject;
    let known = ledger::known(connection, fresh, subject)?;
    match decide(subject, settlement.key.tenant, settlement.call, &known) {
        Decision::Registered(registration) => register(
            connection,
            statements,
            fresh,
            row,
            settlement,
            *registration,
            now,
        ),
        Decision::Refused(error) => {
            let mut words = vec![error.name()];
            words.extend(&settlement.examination.notes);
            let (key, call) = (&settlement.key, Some(settlement.call));
            refuse(statements, row, key, call, error, &words.join(" "), now)
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
    row: Row,
    key: &ClaimKey,
    call: Option<CallId>,
    (outcome, now): (Result<DeviceId, DirectoryError>, Timestamp),
) -> rusqlite::Result<bool> {
    let seq = match row {
        Row::Waiting(seq) => seq,
        Row::Foreseen(seq) => return finish_foreseen(statements, seq, call, outcome),
    };
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

/// The same for an import that says `complete` since it was accepted.
fn finish_foreseen(
    statements: &mut Statements<'_>,
    seq: Seq,
    call: Option<CallId>,
    outcome: Result<DeviceId, DirectoryError>,
) -> rusqlite::Result<bool> {
    let call = call.as_ref().map(|call| call.0.as_bytes());
    match outcome {
        Ok(_) => statements.find_foreseen.exists(params![seq, call]),
        Err(error) => {
            let refused = params![seq, call, row::REFUSED, error.code()];
            Ok(statements.refuse_foreseen.execute(refused)? == 1)
        }
    }
}

fn register(
    connection: &Connection,
    statements: &mut Statements<'_>,
    fresh: &mut fresh_keys::Memory,
    row: Row,
    settlement: &Settlement,
    registration: Registration,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let key = settlement.key;
    let (call, registered) = (Some(settlement.call), Ok(settlement.device));
    if !finish(statements, row, &key, call, (registered, now))? {
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
    row: Row,
    key: &ClaimKey,
    call: Option<CallId>,
    error: DirectoryError,
    detail: &str,
    now: Timestamp,
) -> Result<Settled, Fault> {
    if !finish(statements, row, key, call, (Err(error), now))? {
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
    refuse(
        &mut statements,
        Row::Waiting(seq),
        key,
        None,
        error,
        &detail,
        now,
    )
}

/// Whether any import waits.
pub(super) fn is_anything_waiting(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM import WHERE state = 0)")?
        .query_row([], |found| found.get(0))
}

/// Takes back that the imports in these rows are complete.
pub(super) fn leave_waiting(
    connection: &Connection,
    rows: impl IntoIterator<Item = Seq>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE import SET state = 0, device = NULL, settled_at = NULL WHERE seq = ?1",
    )?;
    for seq in rows {
        statement.execute([seq])?;
    }
    Ok(())
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
