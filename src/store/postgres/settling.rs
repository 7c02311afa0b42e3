//! Settling: a batch of claimed imports is decided in its order, in one transaction of a handful of
//! statements.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit, devices,
    fault::{Fault, corrupt},
    ledger::view::View,
    pool::Transaction,
    queue,
    row::{self, get},
};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        registration::{Decision, Registration, decide},
    },
    store::operation::{ClaimKey, Settled, Settlement},
};

/// What is written at the end.
#[derive(Default)]
struct Effects {
    finished: Vec<(ClaimKey, Result<DeviceId, DirectoryError>)>,
    devices: Vec<Device>,
    lines: Vec<Line>,
}

/// What the audit table is told of an import.
struct Line {
    key: ClaimKey,
    action: &'static str,
    registered: Option<(DeviceId, LedgerEntryId)>,
    detail: String,
}

/// Decides claimed imports in their order.
pub(super) async fn settle(
    transaction: &Transaction,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Vec<Settled>, Fault> {
    let mut held = held(transaction, settlements).await?;
    let subjects: Vec<_> = settlements
        .iter()
        .enumerate()
        .filter(|(place, _)| held.contains(place))
        .map(|(_, settlement)| &settlement.examination.subject)
        .collect();
    let mut ledger = View::read(transaction, &subjects).await?;
    let mut effects = Effects::default();
    let mut settled = Vec::with_capacity(settlements.len());
    let mut superseded = Vec::new();
    for (place, settlement) in settlements.iter().enumerate() {
        if !held.remove(&place) {
            superseded.push(settlement.key);
            settled.push(Settled::Superseded);
            continue;
        }
        settled.push(decide_one(&mut ledger, &mut effects, settlement, now)?);
    }
    ledger.write(transaction).await?;
    effects.write(transaction, now).await?;
    queue::end(transaction, &superseded).await?;
    Ok(settled)
}

/// Which of these imports still are what was claimed, by their places. One that was deleted and made
/// anew under the same id has another call.
async fn held(
    transaction: &Transaction,
    settlements: &[Settlement],
) -> Result<HashSet<usize>, Fault> {
    let all = |of: fn(&Settlement) -> Uuid| settlements.iter().map(of).collect::<Vec<_>>();
    let versions: Vec<i64> = settlements.iter().map(|one| one.key.version).collect();
    let sql = "SELECT place FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[],
            $5::uuid[]) WITH ORDINALITY AS claimed (tenant, id, token, version, call, place)
        JOIN import USING (tenant, id)
        WHERE import.state = 0 AND import.claim_token = claimed.token
            AND import.version = claimed.version AND import.call = claimed.call
        ORDER BY import.tenant, import.id FOR UPDATE OF import";
    let rows = transaction
        .query(
            sql,
            &[
                &all(|one| one.key.tenant.0),
                &all(|one| one.key.id.0),
                &all(|one| one.key.token),
                &versions,
                &all(|one| one.call.0),
            ],
        )
        .await?;
    let mut held = HashSet::new();
    let mut keys = HashSet::new();
    for row in rows {
        let place: i64 = get(&row, "place")?;
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        let settlement = settlements
            .get(place)
            .ok_or_else(|| corrupt("a place that no import has"))?;
        // One that is named twice is settled once.
        if keys.insert((settlement.key.tenant, settlement.key.id)) {
            held.insert(place);
        }
    }
    Ok(held)
}

fn decide_one(
    ledger: &mut View,
    effects: &mut Effects,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let subject = &settlement.examination.subject;
    let known = ledger.known(subject)?;
    match decide(subject, settlement.key.tenant, settlement.call, &known) {
        Decision::Registered(registration) => {
            let device = register(ledger, effects, settlement, *registration, now)?;
            Ok(Settled::Registered(device))
        }
        Decision::Refused(error) => {
            let mut words = vec![error.name()];
            words.extend(&settlement.examination.notes);
            effects.finished.push((settlement.key, Err(error)));
            effects.lines.push(Line {
                key: settlement.key,
                action: "import-refused",
                registered: None,
                detail: words.join(" "),
            });
            Ok(Settled::Refused(error))
        }
    }
}

fn register(
    ledger: &mut View,
    effects: &mut Effects,
    settlement: &Settlement,
    registration: Registration,
    now: Timestamp,
) -> Result<DeviceId, Fault> {
    let device = Device {
        tenant: settlement.key.tenant,
        id: settlement.device,
        properties: registration.device,
        ledger_entry: registration.entry.unwrap_or(settlement.entry),
        registered_at: now,
        version: 0,
        direct_profile: None,
        targeted_at: now,
    };
    let subject = &settlement.examination.subject;
    ledger.give(&device, settlement.call, registration.entry, subject)?;
    let mut words = settlement.examination.notes.clone();
    words.extend(registration.hardware_changed.then_some("hardware-changed"));
    words.extend(registration.entry.map(|_| "hardware-known"));
    effects.finished.push((settlement.key, Ok(device.id)));
    effects.lines.push(Line {
        key: settlement.key,
        action: "import-registered",
        registered: Some((device.id, device.ledger_entry)),
        detail: words.join(" "),
    });
    let id = device.id;
    effects.devices.push(device);
    Ok(id)
}

/// Records that an import has failed for the last time.
pub(super) async fn refuse_failed(
    transaction: &Transaction,
    key: &ClaimKey,
    error: DirectoryError,
    detail: String,
    now: Timestamp,
) -> Result<(), Fault> {
    let effects = Effects {
        finished: vec![(*key, Err(error))],
        devices: Vec::new(),
        lines: vec![Line {
            key: *key,
            action: "import-refused",
            registered: None,
            detail,
        }],
    };
    effects.write(transaction, now).await
}

impl Effects {
    async fn write(&self, transaction: &Transaction, now: Timestamp) -> Result<(), Fault> {
        devices::insert(transaction, &self.devices).await?;
        self.finish(transaction, now).await?;
        let actor = Actor::registrar();
        let line = |line: &Line| audit::Line {
            at: now,
            tenant: line.key.tenant,
            actor: &actor,
            action: line.action,
            import: Some(line.key.id),
            device: line.registered.map(|(device, _)| device),
            ledger_entry: line.registered.map(|(_, entry)| entry),
            detail: (!line.detail.is_empty()).then(|| line.detail.clone()),
        };
        let lines: Vec<_> = self.lines.iter().map(line).collect();
        audit::record(transaction, &lines).await
    }

    /// Records outcomes. The rows are locked, so that each still is what was claimed.
    async fn finish(&self, transaction: &Transaction, now: Timestamp) -> Result<(), Fault> {
        if self.finished.is_empty() {
            return Ok(());
        }
        let tenants: Vec<Uuid> = self.finished.iter().map(|(key, _)| key.tenant.0).collect();
        let ids: Vec<Uuid> = self.finished.iter().map(|(key, _)| key.id.0).collect();
        let outcomes = || self.finished.iter().map(|(_, outcome)| outcome);
        let states: Vec<i64> = outcomes()
            .map(|outcome| match outcome {
                Ok(_) => row::COMPLETE,
                Err(_) => row::REFUSED,
            })
            .collect();
        let devices: Vec<Option<Uuid>> = outcomes()
            .map(|outcome| outcome.as_ref().ok().map(|id| id.0))
            .collect();
        let codes: Vec<Option<i64>> = outcomes()
            .map(|outcome| outcome.as_ref().err().map(|error| error.code().into()))
            .collect();
        let settled_at = now.as_microsecond();
        let sql = "UPDATE import SET state = outcome.state, device = outcome.device,
                error_code = outcome.code, settled_at = $6, claim_token = NULL, leased_until = NULL
            FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[])
                AS outcome (tenant, id, state, device, code)
            WHERE import.tenant = outcome.tenant AND import.id = outcome.id AND import.state = 0";
        let finished = transaction
            .execute(
                sql,
                &[&tenants, &ids, &states, &devices, &codes, &settled_at],
            )
            .await?;
        if finished == self.finished.len() as u64 {
            Ok(())
        } else {
            Err(corrupt("imports that changed while they were locked"))
        }
    }
}
