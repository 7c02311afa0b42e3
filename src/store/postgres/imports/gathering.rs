//! Gathering: single imports that arrive at one time share a statement, and so a commit.
//!
//! A batch leaves when no other is on its way and it has nearly all that ask, or enough; when it is
//! full; or after a moment. A commit costs as much as some twenty rows, and batches that are written
//! at one time get in each other's way, so that many small ones leave nothing for others; where a
//! commit takes long, as one that a standby confirms, several are on their way. One batch follows the
//! other on one connection: the server's process behind it has all at hand, and those behind others
//! would have to fetch it. Who asks alone never waits. A caller is answered once the batch is
//! committed, each by itself: an id that was taken is that caller's conflict alone.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore, TryAcquireError,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    oneshot,
};
use tokio::time::{Instant, sleep_until};

use super::accepting::{Arriving, Made, confirm, find_holders, insert_alone};
use crate::{
    domain::{import::ImportId, tenant::TenantId},
    store::{
        StoreError, Unique,
        operation::NewImports,
        postgres::{
            again::{Attempts, Repeatable},
            fault::Fault,
            pool::{Pool, Session, closed},
            tasks::Tasks,
        },
    },
};

/// How many batches may be on their way at once.
const BATCHES: usize = 4;
/// How many imports share a batch at most.
const BATCH_IMPORTS: usize = 128;
/// How many imports are worth a commit, however many more ask.
const WORTH_A_COMMIT: usize = 28;
/// How long a batch waits for others to join it, at most.
const FOR_OTHERS: Duration = Duration::from_millis(2);
/// How long a batch waits for the one before it, at most: a sync that stalls is over by then, and a
/// second batch would only have stalled beside the first.
const FOR_THE_ONE_BEFORE: Duration = Duration::from_millis(5);
/// How much may wait: beyond it the answer is `Busy`, at once.
const QUEUE_KIB: u32 = 64 * 1024;

/// An import that waits for its batch.
struct Job {
    tenant: TenantId,
    imports: NewImports,
    caller: oneshot::Sender<Result<(), StoreError>>,
    _room: OwnedSemaphorePermit,
}

/// The way into the next batch.
pub(in crate::store::postgres) struct Gatherer {
    sender: UnboundedSender<Job>,
    /// For those who wait. Closed with the store.
    room: Arc<Semaphore>,
}

impl Gatherer {
    /// Starts gathering.
    pub(in crate::store::postgres) fn start(pool: Pool, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tasks.spawn(gather(pool, receiver));
        Self {
            sender,
            room: Arc::new(Semaphore::new(QUEUE_KIB as usize)),
        }
    }

    /// Accepts one import, and answers once it is committed.
    pub(in crate::store::postgres) async fn accept(
        &self,
        tenant: TenantId,
        imports: NewImports,
    ) -> Result<(), StoreError> {
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(weight_kib(&imports))
            .map_err(|error| match error {
                TryAcquireError::NoPermits => StoreError::Busy,
                TryAcquireError::Closed => closed(),
            })?;
        let (caller, answer) = oneshot::channel();
        let job = Job {
            tenant,
            imports,
            caller,
            _room: room,
        };
        self.sender.send(job).map_err(|_| closed())?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown("the batch was broken off".to_owned())))
    }

    /// Takes nothing more, and completes when all that was taken is answered.
    pub(in crate::store::postgres) async fn close(&self) {
        // Whoever waits for all room is before those who come now, and they are told to come again.
        let room = self.room.acquire_many(QUEUE_KIB).await;
        // Before the room is given back: whoever got some of it now would be broken off.
        self.room.close();
        drop(room);
    }
}

/// About how much memory an import holds while it waits.
fn weight_kib(imports: &NewImports) -> u32 {
    let bytes: usize = imports
        .rows
        .iter()
        .map(|row| {
            let blob = row.properties.hardware_blob.as_ref();
            1024 + blob.map_or(0, |blob| blob.content().len())
        })
        .sum();
    u32::try_from(bytes / 1024)
        .unwrap_or(u32::MAX)
        .clamp(1, QUEUE_KIB)
}

async fn gather(pool: Pool, mut receiver: UnboundedReceiver<Job>) {
    let mut on_their_way = FuturesUnordered::new();
    let mut waiting = Vec::new();
    let mut crowd = Crowd::default();
    // What the last batch was written on, for the next.
    let mut kept = None;
    // When the first of those who wait came, or the way became free.
    let mut since = Instant::now();
    let mut is_open = true;
    while is_open || !waiting.is_empty() || !on_their_way.is_empty() {
        if waiting.is_empty() && on_their_way.is_empty() {
            kept = None;
        }
        let may_leave = !waiting.is_empty() && on_their_way.len() < BATCHES;
        let leave_at = since + patience(on_their_way.len());
        let is_due = waiting.len() >= BATCH_IMPORTS || leave_at <= Instant::now() || !is_open;
        let is_worth_it = on_their_way.is_empty() && crowd.is_worth_a_commit(waiting.len());
        if may_leave && (is_worth_it || is_due) {
            crowd.see_off();
            let batch = std::mem::take(&mut waiting);
            metrics::histogram!("hangar_write_group_operations")
                .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
            on_their_way.push(accept_batch(&pool, kept.take(), batch));
        }
        let may_leave = !waiting.is_empty() && on_their_way.len() < BATCHES;
        let room = BATCH_IMPORTS - waiting.len();
        tokio::select! {
            biased;
            Some(done) = on_their_way.next() => {
                crowd.answer(done.count);
                kept = kept.or(done.session);
                if on_their_way.is_empty() {
                    since = Instant::now();
                }
            }
            count = receiver.recv_many(&mut waiting, room), if is_open && room > 0 => {
                is_open = count > 0;
                crowd.arrive(count);
                if waiting.len() == count {
                    since = Instant::now();
                }
            }
            () = sleep_until(leave_at), if may_leave => {}
        }
    }
}

/// How long a batch waits, at most, where so many are on their way.
fn patience(on_their_way: usize) -> Duration {
    match on_their_way {
        0 => FOR_OTHERS,
        _ => FOR_THE_ONE_BEFORE,
    }
}

/// How many ask at one time.
#[derive(Default)]
struct Crowd {
    /// Those who are not answered yet.
    present: usize,
    /// About the most of late: those who were answered come again.
    usual: usize,
}

impl Crowd {
    fn arrive(&mut self, count: usize) {
        self.present += count;
        self.usual = self.usual.max(self.present);
    }

    fn answer(&mut self, count: usize) {
        self.present = self.present.saturating_sub(count);
    }

    /// Forgets a few of those who did not come again, a batch at a time.
    fn see_off(&mut self) {
        let fewer = self.usual - self.usual.div_ceil(8);
        self.usual = fewer.max(self.present);
    }

    /// Whether so many are nearly all, or enough of them.
    fn is_worth_a_commit(&self, count: usize) -> bool {
        count >= (self.usual * 7).div_ceil(8).min(WORTH_A_COMMIT)
    }
}

/// A batch whose callers are answered.
struct Done {
    count: usize,
    /// The connection it was written on, where the next may use it.
    session: Option<Session>,
}

/// Accepts a batch, on a connection that was kept if there is one, and answers its callers.
async fn accept_batch(pool: &Pool, kept: Option<Session>, batch: Vec<Job>) -> Done {
    let count = batch.len();
    let mut session = kept.filter(|session| !session.is_over());
    // Whatever was committed by an attempt is found by the next, and counts.
    let mut attempts = Attempts::new(Repeatable::Yes);
    let outcomes = loop {
        let outcome = attempt(pool, &mut session, &batch, attempts.in_doubt()).await;
        if let Some(result) = attempts.judge(outcome).await {
            break result;
        }
    };
    match outcomes {
        Ok(outcomes) => {
            for (job, outcome) in batch.into_iter().zip(outcomes) {
                // The caller may have gone; the outcome stands all the same.
                let _ = job.caller.send(outcome);
            }
        }
        Err(error) => {
            for job in batch {
                let _ = job.caller.send(Err(error.clone()));
            }
        }
    }
    let session = session.filter(|_| pool.can_spare_one());
    Done { count, session }
}

/// What became of each import of a batch. It is written on the connection that was kept, and one that
/// has written it is kept.
async fn attempt(
    pool: &Pool,
    kept: &mut Option<Session>,
    batch: &[Job],
    in_doubt: bool,
) -> Result<Vec<Result<(), StoreError>>, Fault> {
    let key = |job: &Job| job.imports.rows.first().map(|row| (job.tenant, row.id));
    let session = match kept.take() {
        Some(session) => session,
        None => pool.get().await?,
    };
    let rows = batch.iter().filter_map(|job| {
        let row = job.imports.rows.first()?;
        Some(Arriving {
            tenant: job.tenant,
            request: &job.imports,
            row,
            upload: None,
        })
    });
    let mut made = match insert_alone(&session, rows).await? {
        Made::All => {
            *kept = Some(session);
            return Ok(batch.iter().map(|_| Ok(())).collect());
        }
        Made::Some(made) => made,
    };
    // Two callers with one id: the row is the first's.
    let mut is_made = |job: &Job| key(job).is_some_and(|key| made.remove(&key));
    let is_made: Vec<bool> = batch.iter().map(&mut is_made).collect();
    let missing: Vec<(TenantId, ImportId)> = batch
        .iter()
        .zip(&is_made)
        .filter(|(_, is_made)| !**is_made)
        .filter_map(|(job, _)| key(job))
        .collect();
    if missing.is_empty() {
        return Ok(batch.iter().map(|_| Ok(())).collect());
    }
    let holders = find_holders(&session, &missing).await?;
    let mut found_again = in_doubt;
    let outcomes = batch.iter().zip(&is_made).map(|(job, is_made)| {
        let Some(key) = key(job).filter(|_| !is_made) else {
            return Ok(());
        };
        match holders.get(&key) {
            // It was accepted before, by an attempt whose outcome its sender never learned.
            Some(call) if *call == job.imports.call => {
                found_again = true;
                Ok(())
            }
            Some(_) => Err(StoreError::Conflict(Unique::ImportIds(vec![key.1]))),
            None => Err(StoreError::Unavailable(
                "whoever had the id has just let it go".to_owned(),
            )),
        }
    });
    let outcomes = outcomes.collect();
    if found_again {
        confirm(&session).await?;
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_worth_a_commit_with_nearly_all_who_ask() {
        let mut crowd = Crowd::default();
        crowd.arrive(1);
        assert!(crowd.is_worth_a_commit(1), "who asks alone never waits");
        crowd.arrive(7);
        assert!(!crowd.is_worth_a_commit(6));
        assert!(crowd.is_worth_a_commit(7));
        crowd.arrive(1000);
        assert!(!crowd.is_worth_a_commit(WORTH_A_COMMIT - 1));
        assert!(crowd.is_worth_a_commit(WORTH_A_COMMIT));
        // They go, and but one comes again.
        crowd.answer(1008);
        for _ in 0..100 {
            crowd.arrive(1);
            crowd.see_off();
            crowd.answer(1);
        }
        assert!(crowd.is_worth_a_commit(1));
    }
}
