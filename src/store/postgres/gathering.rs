//! Gathering: what callers ask for at one time goes to the server together.
//!
//! A batch leaves when no other is on its way and it has nearly all that ask, or enough; when it is
//! full; or after a moment. Batches that are on their way at one time get in each other's way, so that
//! many small ones leave nothing for others; where one takes long, several are on their way. Who asks
//! alone never waits. Each caller is answered by itself once the batch is done.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore, TryAcquireError,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    oneshot,
};
use tokio::time::{Instant, sleep_until};

use super::{
    again::{Attempts, Repeatable},
    fault::Fault,
    pool::{Pool, Session, closed},
    tasks::Tasks,
};
use crate::store::StoreError;

/// How much may wait: beyond it the answer is `Busy`, at once.
const QUEUE_KIB: u32 = 64 * 1024;

/// Something that is done in batches, and may be done again: what an attempt did is found by the
/// next, and counts.
pub(super) trait Gathered: Sized + Send + Sync + 'static {
    /// What becomes of each.
    type Answer: Send + 'static;

    /// When batches leave.
    const DEPARTURES: Departures;

    /// About how much memory it holds while it waits.
    fn weight_kib(&self) -> u32;

    /// What is told to those whose batch never came to its end.
    fn broken_off(why: String) -> StoreError;

    /// Does all of a batch, and says what became of each, in order. A connection that is left in
    /// `kept` is there for the next batch. Where `in_doubt`, an earlier attempt may have succeeded.
    fn attempt(
        pool: &Pool,
        kept: &mut Option<Session>,
        batch: &[Job<Self>],
        in_doubt: bool,
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, StoreError>>, Fault>> + Send;
}

/// When batches leave.
pub(super) struct Departures {
    /// How many batches may be on their way at once.
    pub(super) at_once: usize,
    /// How many share a batch at most.
    pub(super) full: usize,
    /// How many are worth a batch, however many more ask.
    pub(super) worthwhile: usize,
    /// How long a batch waits for others to join it, at most.
    pub(super) for_others: Duration,
    /// How long a batch waits for the one before it, at most.
    pub(super) for_the_one_before: Duration,
    /// The histogram of how many share a batch.
    pub(super) metric: &'static str,
}

impl Departures {
    /// How long a batch waits, at most, where so many are on their way.
    fn patience(&self, on_their_way: usize) -> Duration {
        match on_their_way {
            0 => self.for_others,
            _ => self.for_the_one_before,
        }
    }
}

/// One of a batch.
pub(super) struct Job<W: Gathered> {
    /// What is asked.
    pub(super) work: W,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
    _room: OwnedSemaphorePermit,
}

/// The way into the next batch.
pub(super) struct Gatherer<W: Gathered> {
    sender: UnboundedSender<Job<W>>,
    /// For those who wait. Closed with the store.
    room: Arc<Semaphore>,
}

impl<W: Gathered> Gatherer<W> {
    /// Starts gathering.
    pub(super) fn start(pool: Pool, tasks: &Tasks) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tasks.spawn(gather(pool, receiver));
        Self {
            sender,
            room: Arc::new(Semaphore::new(QUEUE_KIB as usize)),
        }
    }

    /// Has this done with others, and answers once their batch is done.
    pub(super) async fn ask(&self, work: W) -> Result<W::Answer, StoreError> {
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(work.weight_kib().clamp(1, QUEUE_KIB))
            .map_err(|error| match error {
                TryAcquireError::NoPermits => StoreError::Busy,
                TryAcquireError::Closed => closed(),
            })?;
        let (caller, answer) = oneshot::channel();
        let job = Job {
            work,
            caller,
            _room: room,
        };
        self.sender.send(job).map_err(|_| closed())?;
        answer
            .await
            .unwrap_or_else(|_| Err(W::broken_off("the batch was broken off".to_owned())))
    }

    /// Takes nothing more, and completes when all that was taken is answered.
    pub(super) async fn close(&self) {
        // Whoever waits for all room is before those who come now, and they are told to come again.
        let room = self.room.acquire_many(QUEUE_KIB).await;
        // Before the room is given back: whoever got some of it now would be broken off.
        self.room.close();
        drop(room);
    }
}

async fn gather<W: Gathered>(pool: Pool, mut receiver: UnboundedReceiver<Job<W>>) {
    let departures = W::DEPARTURES;
    let mut on_their_way = FuturesUnordered::new();
    let mut waiting = Vec::new();
    let mut crowd = Crowd::of(departures.worthwhile);
    // What the last batch was done on, for the next.
    let mut kept = None;
    // When the first of those who wait came, or the way became free.
    let mut since = Instant::now();
    let mut is_open = true;
    while is_open || !waiting.is_empty() || !on_their_way.is_empty() {
        if waiting.is_empty() && on_their_way.is_empty() {
            kept = None;
        }
        let may_leave = !waiting.is_empty() && on_their_way.len() < departures.at_once;
        let leave_at = since + departures.patience(on_their_way.len());
        let is_due = waiting.len() >= departures.full || leave_at <= Instant::now() || !is_open;
        let is_worth_it = on_their_way.is_empty() && crowd.is_worthwhile(waiting.len());
        if may_leave && (is_worth_it || is_due) {
            crowd.see_off();
            let batch = std::mem::take(&mut waiting);
            metrics::histogram!(departures.metric)
                .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
            on_their_way.push(answer_batch(&pool, kept.take(), batch));
        }
        let may_leave = !waiting.is_empty() && on_their_way.len() < departures.at_once;
        let room = departures.full - waiting.len();
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

/// How many ask at one time.
struct Crowd {
    /// How many are worth a batch, however many more ask.
    worthwhile: usize,
    /// Those who are not answered yet.
    present: usize,
    /// About the most of late: those who were answered come again.
    usual: usize,
}

impl Crowd {
    fn of(worthwhile: usize) -> Self {
        Self {
            worthwhile,
            present: 0,
            usual: 0,
        }
    }

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
    fn is_worthwhile(&self, count: usize) -> bool {
        count >= (self.usual * 7).div_ceil(8).min(self.worthwhile)
    }
}

/// A batch whose callers are answered.
struct Done {
    count: usize,
    /// The connection it was done on, where the next may use it.
    session: Option<Session>,
}

/// Does a batch, on a connection that was kept if there is one, and answers its callers.
async fn answer_batch<W: Gathered>(pool: &Pool, kept: Option<Session>, batch: Vec<Job<W>>) -> Done {
    let count = batch.len();
    let mut session = kept.filter(|session| !session.is_over());
    let mut attempts = Attempts::new(Repeatable::Yes);
    let outcomes = loop {
        let outcome = W::attempt(pool, &mut session, &batch, attempts.in_doubt()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_worthwhile_with_nearly_all_who_ask() {
        let mut crowd = Crowd::of(28);
        crowd.arrive(1);
        assert!(crowd.is_worthwhile(1), "who asks alone never waits");
        crowd.arrive(7);
        assert!(!crowd.is_worthwhile(6));
        assert!(crowd.is_worthwhile(7));
        crowd.arrive(1000);
        assert!(!crowd.is_worthwhile(27));
        assert!(crowd.is_worthwhile(28));
        // They go, and but one comes again.
        crowd.answer(1008);
        for _ in 0..100 {
            crowd.arrive(1);
            crowd.see_off();
            crowd.answer(1);
        }
        assert!(crowd.is_worthwhile(1));
    }
}
