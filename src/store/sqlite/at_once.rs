//! Imports that are settled by the transaction that accepts them.
//!
//! One writer has the database, so nobody can come in between: what is to be decided of an import
//! is prepared before the writer has it, and decided at the end of the group in which it is
//! accepted. Its row is written once instead of twice, one sync serves both, and nobody looks for
//! it. The row says `complete` from the beginning, which the end of its group makes true or takes
//! back. Whatever is in the way, such as older imports that wait, a failure, or an examiner that has
//! ended, leaves imports that wait for the registrar.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    fault::Fault,
    leases::Seq,
    ledger::{FreshKeys, fresh_keys},
    queue,
    writer::{Companion, Operation, Undo, operation},
};
use crate::{
    domain::{device::DeviceId, tenant::TenantId},
    store::{
        examiner::Examiner,
        operation::{ClaimKey, NewImports, Settled, Settlement},
    },
};

/// How many hardware hashes are read before others have a turn on the thread.
const EXAMINED_AT_A_TIME: usize = 16;

/// What is to be decided of a request's imports, in their order; of none if nobody examines.
pub(super) struct Examined {
    settlements: Vec<Option<Settlement>>,
    accepted_at: Timestamp,
}

impl Examined {
    /// The device that the import in this place is to become.
    pub(super) fn device(&self, index: usize) -> Option<DeviceId> {
        let settlement = self.settlements.get(index)?.as_ref()?;
        Some(settlement.device)
    }

    /// About how much memory they hold while they wait for the writer, in KiB.
    pub(super) fn weight_kib(&self) -> u32 {
        u32::try_from(self.settlements.len()).unwrap_or(u32::MAX)
    }
}

/// An import of the group that runs.
struct Accepted {
    seq: Seq,
    settlement: Settlement,
    at: Timestamp,
}

/// What the group that runs has accepted.
#[derive(Default)]
struct Group {
    accepted: Vec<Accepted>,
    /// How many of them are of operations that have ended.
    kept: usize,
    /// Whether it leaves imports to the registrar.
    leaves_work: bool,
}

/// Settles what a group has accepted.
pub(super) struct AtOnce {
    examiner: RwLock<Option<Arc<dyn Examiner>>>,
    group: Mutex<Group>,
    fresh: Arc<FreshKeys>,
    work: Arc<Notify>,
}

impl AtOnce {
    /// Nobody examines yet. Who waits for work is told of what has to be claimed.
    pub(super) fn new(fresh: Arc<FreshKeys>, work: Arc<Notify>) -> Self {
        Self {
            examiner: RwLock::default(),
            group: Mutex::default(),
            fresh,
            work,
        }
    }

    /// Who examines from now on, if anybody.
    pub(super) fn examined_by(&self, examiner: Option<Arc<dyn Examiner>>) {
        *self
            .examiner
            .write()
            .unwrap_or_else(PoisonError::into_inner) = examiner;
    }

    /// Reads what the imports of a request say.
    pub(super) async fn examine(&self, tenant: TenantId, imports: &NewImports) -> Examined {
        let mut settlements = Vec::new();
        if let Some(examiner) = self.examiner() {
            for row in &imports.rows {
                let key = ClaimKey {
                    tenant,
                    id: row.id,
                    token: Uuid::nil(),
                    version: 0,
                };
                settlements.push(examiner.examine(key, imports.call, &row.properties));
                if settlements.len().is_multiple_of(EXAMINED_AT_A_TIME) {
                    tokio::task::yield_now().await;
                }
            }
        }
        Examined {
            settlements,
            accepted_at: imports.accepted_at,
        }
    }

    /// Takes note of the rows in which an operation has accepted a request.
    pub(super) fn accept(&self, rows: Vec<Seq>, examined: Examined) {
        let mut group = self.group();
        group.leaves_work |= rows.len() > examined.settlements.len();
        for (seq, settlement) in rows.into_iter().zip(examined.settlements) {
            match settlement {
                Some(settlement) => group.accepted.push(Accepted {
                    seq,
                    settlement,
                    at: examined.accepted_at,
                }),
                None => group.leaves_work = true,
            }
        }
    }

    fn examiner(&self) -> Option<Arc<dyn Examiner>> {
        self.examiner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles what was accepted, under a savepoint, or else leaves it waiting.
    fn settle(&self, accepted: Vec<Accepted>) -> [(Undo, Box<dyn Operation>); 2] {
        let accepted = Arc::new(accepted);
        let is_settled = Arc::new(AtomicBool::new(false));
        let (fresh, work, examiner) = (
            Arc::clone(&self.fresh),
            Arc::clone(&self.work),
            self.examiner(),
        );
        let (settling, done) = (Arc::clone(&accepted), Arc::clone(&is_settled));
        let settle = move |connection: &Connection| {
            let settled = settle(connection, &fresh, &settling)?;
            done.store(settled.is_some(), Ordering::Relaxed);
            Ok(settled)
        };
        let tell = move |settled| match (settled, examiner) {
            (Ok(Some(settled)), Some(examiner)) => {
                let settled: Vec<Settled> = settled;
                examiner.settled(&settled);
            }
            (Ok(Some(_)), None) => {}
            // The registrar finds out what is wrong, and with which of them.
            (Ok(None) | Err(_), _) => work.notify_one(),
        };
        let leave = move |connection: &Connection| {
            if is_settled.load(Ordering::Relaxed) {
                return Ok(());
            }
            let rows = accepted.iter().map(|accepted| accepted.seq);
            // None may be on disk as complete that is not.
            queue::leave_waiting(connection, rows).map_err(|error| Fault::torn(&error))
        };
        [
            (Undo::Savepoint, operation(settle, tell)),
            (Undo::Nothing, operation(leave, drop)),
        ]
    }
}

/// Settles what was accepted, unless something older waits: who came first is decided first.
fn settle(
    connection: &Connection,
    fresh: &FreshKeys,
    accepted: &[Accepted],
) -> Result<Option<Vec<Settled>>, Fault> {
    if queue::is_anything_waiting(connection)? {
        return Ok(None);
    }
    let mut batch = queue::Batch::begin(connection, fresh)?;
    let settled = accepted.iter().map(|accepted| {
        let row = queue::Row::Foreseen(accepted.seq);
        batch.settle(row, &accepted.settlement, accepted.at)
    });
    settled.collect::<Result<_, _>>().map(Some)
}

impl Companion for AtOnce {
    fn writer_begins(&self, connection: &Connection) {
        // What can't be read now is read when it is needed, and whoever needs it learns why.
        drop(self.fresh.read(connection));
    }

    fn operation_ended(&self, kept: bool) {
        self.fresh.operation_ended(kept);
        let mut group = self.group();
        if kept {
            group.kept = group.accepted.len();
        } else {
            let kept = group.kept;
            group.accepted.truncate(kept);
        }
    }

    fn last_operations(&self) -> Vec<(Undo, Box<dyn Operation>)> {
        let accepted = mem::take(&mut self.group().accepted);
        if accepted.is_empty() {
            return Vec::new();
        }
        let (fresh, count) = (Arc::clone(&self.fresh), accepted.len());
        let moving = move |connection: &Connection| fresh.keep_up(connection, count);
        let [settle, leave] = self.settle(accepted);
        let moving = operation(moving, fresh_keys::warn_if_unmoved);
        vec![settle, leave, (Undo::Savepoint, moving)]
    }

    fn group_ended(&self, kept: bool) {
        self.fresh.group_ended(kept);
        let group = mem::take(&mut *self.group());
        if kept && group.leaves_work {
            self.work.notify_one();
        }
    }
}
