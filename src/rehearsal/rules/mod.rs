//! What is done to requests and to imports, by rule: faults and delays that somebody has set up, and
//! serial numbers that say it themselves. How rules are kept and asked is here; what each is, in the
//! files beside. They live in memory: a server that starts again has none.

mod answer;
mod bounded;
mod chance;
mod condition;
mod delay;
mod fault;
mod glob;
mod imports;
mod magic;
pub mod recipes;
mod standing;
mod subject;
mod throttle;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use self::{delay::Delay, fault::Fault, standing::Standing};
pub use self::{delay::DelayRule, fault::FaultRule};
use super::control::Problem;
use crate::{
    domain::{
        device::DeviceId,
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::{
        rehearsed::{Cue, Hidden, Told},
        router::Operation,
    },
    registrar::gate::Judgement,
    store::operation::Settled,
};

/// Finds a tenant by a name.
pub type TenantNames = dyn Fn(&str) -> Option<TenantId> + Send + Sync;

/// The rules that stand.
pub struct Rules {
    standing: Mutex<Standing>,
    names: OnceLock<Arc<TenantNames>>,
    /// Counts what may change a judgement.
    changes: watch::Sender<u64>,
    /// Counts the times when imports were decided.
    settled: watch::Sender<u64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            standing: Mutex::default(),
            names: OnceLock::new(),
            changes: watch::Sender::new(0),
            settled: watch::Sender::new(0),
        }
    }
}

impl Rules {
    /// Lets conditions name tenants otherwise than by their ids. Only the first call counts.
    pub fn know_tenants(&self, names: Arc<TenantNames>) {
        let _ = self.names.set(names);
    }

    /// Takes all rules away, and forgets what was done by them.
    pub fn reset(&self) {
        *self.standing() = Standing::default();
        self.change();
    }

    /// Sets up several rules, or none of them. Answers how they are shown.
    pub(super) fn add(
        &self,
        faults: Vec<FaultRule>,
        delays: Vec<DelayRule>,
    ) -> Result<(Vec<Value>, Vec<Value>), Problem> {
        let unknown: Arc<TenantNames> = Arc::new(|_| None);
        let names = self.names.get().unwrap_or(&unknown);
        let added = self.standing().add(faults, delays, names.as_ref())?;
        self.change();
        Ok(added)
    }

    /// The faults that stand, in the order in which they are asked.
    pub(super) fn faults(&self) -> Vec<Value> {
        self.standing().faults.iter().map(Fault::told).collect()
    }

    /// The delays that stand, in the order in which they are asked.
    pub(super) fn delays(&self) -> Vec<Value> {
        self.standing().delays.iter().map(Delay::told).collect()
    }

    /// Takes a fault away, or all of them, and says how many that were.
    pub(super) fn delete_faults(&self, name: Option<&str>) -> usize {
        let deleted = self.standing().delete_faults(name);
        self.change();
        deleted
    }

    /// Takes a delay away, or all of them, and says how many that were.
    pub(super) fn delete_delays(&self, name: Option<&str>) -> usize {
        let deleted = self.standing().delete_delays(name);
        self.change();
        deleted
    }

    /// What is done to a request.
    pub(super) fn direct<'a>(&'a self, request: &'a Told) -> BoxFuture<'a, Cue> {
        Box::pin(async move {
            let asked = asked_import(request);
            if let Some(poll) = asked.and_then(|(tenant, id)| self.poll(tenant, id)) {
                self.await_settling(poll).await;
            }
            self.standing().direct(request, asked)
        })
    }

    /// Which devices of a tenant nobody finds yet.
    pub(super) fn hidden(&self, tenant: TenantId, now: Timestamp) -> Vec<Hidden> {
        self.standing().imports.hidden(tenant, now)
    }

    /// What becomes of an import.
    pub(super) fn judge(&self, import: &Import, now: Timestamp) -> Judgement {
        self.standing().judge(import, now)
    }

    /// Tells whoever asks when judgements may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Hears that an import is about to be decided.
    pub(super) fn settling(&self, tenant: TenantId, id: ImportId, device: DeviceId) {
        self.standing().imports.settling(tenant, id, device);
    }

    /// Hears what became of an import.
    pub(super) fn settled(&self, tenant: TenantId, id: ImportId, settled: &Settled) {
        match settled {
            Settled::Registered(_) | Settled::Refused(_) => {
                self.standing().settled(tenant, id, settled);
                self.settled.send_modify(|count| *count += 1);
            }
            Settled::Superseded | Settled::Retried => {}
        }
    }

    /// Counts a poll of an import. Answers what to wait for, if this poll is to show the outcome.
    fn poll(&self, tenant: TenantId, id: ImportId) -> Option<Poll> {
        // Before it is looked at, so that nothing is missed.
        let settled = self.settled.subscribe();
        let patience = self.standing().poll(tenant, id)?;
        self.change();
        Some(Poll {
            tenant,
            id,
            settled,
            patience,
        })
    }

    async fn await_settling(&self, mut poll: Poll) {
        let (tenant, id) = (poll.tenant, poll.id);
        let is_settled = || self.standing().imports.is_settled(tenant, id);
        let settling = async {
            while !is_settled() {
                if poll.settled.changed().await.is_err() {
                    break;
                }
            }
        };
        // If it takes longer, the poll shows what there is.
        let _ = timeout(poll.patience, settling).await;
    }

    fn change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poll that is to show what became of an import.
struct Poll {
    tenant: TenantId,
    id: ImportId,
    settled: watch::Receiver<u64>,
    patience: Duration,
}

/// The import that a request reads.
fn asked_import(request: &Told) -> Option<(TenantId, ImportId)> {
    let reads = [Operation::GetImport, Operation::GetUploadImport];
    if !request
        .operation
        .is_some_and(|asked| reads.contains(&asked))
    {
        return None;
    }
    let id = Uuid::try_parse(request.keys.last()?).ok()?;
    Some((request.caller.as_ref()?.tenant, ImportId(id)))
}
