//! What happens after the 201: claims waiting imports, settles them, wakes and backs off.
//!
//! The rules are in `domain::registration`; the store applies them inside its transaction. The
//! registrar meets the HTTP side only in the store.

mod desk;
pub mod expiry;
pub mod gate;
mod held;
mod pace;
#[cfg(test)]
mod tests;
pub mod waiting;

use std::{future::Future, sync::Arc, time::Duration};

use jiff::SignedDuration;

use self::{
    desk::Desk,
    gate::Gate,
    held::{Held, Ready},
    pace::Pace,
};
use crate::{
    domain::{clock::Clock, registration::HashValidation},
    store::{
        Store, StoreError,
        examiner::Examiner as _,
        operation::{ClaimKey, Failure, Settlement},
    },
};

/// How many failures of one import, each alone, settle it as refused.
const ATTEMPTS_ALLOWED: u32 = 5;

/// How many hardware hashes are read before others have a turn on the thread.
const PREPARED_AT_A_TIME: usize = 16;

/// How long it takes at most until waiting imports are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How the registrar works.
#[derive(Clone, Copy, Debug)]
pub struct RegistrarOptions {
    /// How strictly hardware hashes are checked.
    pub validation: HashValidation,
    /// How long an import waits before it is decided.
    pub delay: SignedDuration,
    /// How many imports share a settling transaction at most: beside `import` calls, which bring a
    /// thousand rows a transaction, smaller batches fall behind.
    pub batch: usize,
    /// How long an import rests after a failure, and the registrar after the store's first.
    pub back_off: Duration,
}

impl Default for RegistrarOptions {
    fn default() -> Self {
        Self {
            validation: HashValidation::Strict,
            delay: SignedDuration::ZERO,
            batch: 1024,
            back_off: Duration::from_millis(100),
        }
    }
}

/// Settles imports until it is told to stop.
pub struct Registrar {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: RegistrarOptions,
    desk: Arc<Desk>,
    /// With a rehearsal only.
    held: Option<Held>,
}

/// What one round came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// So many imports were handled; more may wait.
    Worked(usize),
    /// Nothing was due.
    Idle,
    /// The store could not be used.
    StoreUnavailable,
}

impl Registrar {
    /// A registrar over this store and clock.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: RegistrarOptions) -> Self {
        let desk = Desk::new(Arc::clone(&clock), options.validation);
        Self {
            store,
            clock,
            options,
            desk: Arc::new(desk),
            held: None,
        }
    }

    /// The same registrar behind a gate.
    #[must_use]
    pub fn behind(mut self, gate: Arc<dyn Gate>) -> Self {
        self.held = Some(Held::new(gate));
        self
    }

    /// Works until `stop` completes. A batch that has been claimed is settled.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        let mut pause = self.options.back_off;
        let mut ahead = None;
        let mut pace = Pace::new(self.options.batch);
        let at_once = self.options.delay.is_zero() && self.held.is_none();
        self.store
            .settle_at_once(at_once.then(|| Arc::clone(&self.desk) as _));
        loop {
            let (round, next) = self.round_and_ahead(ahead.take(), pace.batch()).await;
            ahead = next;
            let rest = match round {
                Round::Worked(settled) => {
                    pause = self.options.back_off;
                    pace.settled(settled).map_or(Rest::None, Rest::For)
                }
                Round::Idle => Rest::UntilWork,
                Round::StoreUnavailable => {
                    let rest = Rest::For(pause);
                    pause = (pause * 2).min(Duration::from_secs(10));
                    rest
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.rest(rest) => {}
            }
        }
        self.store.settle_at_once(None);
        if let Some(Taken::Batch(batch)) = ahead {
            self.settle(batch).await;
        }
    }

    /// Claims and settles one batch.
    pub async fn round(&self) -> Round {
        match self.take(self.options.batch).await {
            Taken::Batch(batch) => self.settle(batch).await,
            Taken::Nothing => Round::Idle,
            Taken::StoreUnavailable => Round::StoreUnavailable,
        }
    }

    /// Settles a batch, the one that was taken ahead if any, and takes the next one ahead while
    /// the disk is at work on this one, if more seem to wait.
    async fn round_and_ahead(&self, ahead: Option<Taken>, limit: usize) -> (Round, Option<Taken>) {
        let taken = match ahead {
            Some(taken) => taken,
            None => self.take(limit).await,
        };
        match taken {
            Taken::Batch(batch) if batch.keys.len() < limit => (self.settle(batch).await, None),
            Taken::Batch(batch) => {
                let (round, next) = tokio::join!(self.settle(batch), self.take(limit));
                (round, Some(next))
            }
            Taken::Nothing => (Round::Idle, None),
            Taken::StoreUnavailable => (Round::StoreUnavailable, None),
        }
    }

    /// Claims a batch of so many at most, and reads what its imports say.
    async fn take(&self, limit: usize) -> Taken {
        let now = self.clock.now();
        let due = now.saturating_sub(self.options.delay).unwrap_or(now);
        let claims = match self.store.claim(due, limit).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::warn!(%error, "waiting imports can't be claimed");
                return Taken::StoreUnavailable;
            }
        };
        let claims = match &self.held {
            None => claims.into_iter().map(Ready::by_the_rules).collect(),
            Some(held) => held.sort(claims, now, limit),
        };
        if claims.is_empty() {
            return Taken::Nothing;
        }
        let keys = claims.iter().map(|ready| ready.claim.key).collect();
        let alone = claims.iter().any(|ready| ready.claim.alone);
        let settlements = self.prepare_all(claims).await;
        Taken::Batch(Batch {
            keys,
            alone,
            settlements,
        })
    }

    async fn prepare_all(&self, claims: Vec<Ready>) -> Result<Vec<Settlement>, Trouble> {
        let mut settlements = Vec::with_capacity(claims.len());
        for claim in claims {
            settlements.push(self.prepare(claim)?);
            if settlements.len().is_multiple_of(PREPARED_AT_A_TIME) {
                tokio::task::yield_now().await;
            }
        }
        Ok(settlements)
    }

    async fn settle(&self, batch: Batch) -> Round {
        if let (Some(held), Ok(settlements)) = (&self.held, &batch.settlements) {
            held.announce(settlements);
        }
        let settled = match batch.settlements {
            Ok(settlements) => self
                .store
                .settle(settlements, self.clock.now())
                .await
                .map_err(Trouble::of_store),
            Err(trouble) => Err(trouble),
        };
        match settled {
            Ok(settled) => {
                if let Some(held) = &self.held {
                    held.tell(&batch.keys, &settled);
                }
                settled.into_iter().for_each(desk::count_outcome);
                Round::Worked(batch.keys.len())
            }
            Err(trouble) => self.recover(batch.keys, batch.alone, trouble).await,
        }
    }

    /// Reads what an import says, outside the transaction: decoding a hash takes its time.
    fn prepare(&self, ready: Ready) -> Result<Settlement, Trouble> {
        let Ready { claim, refused } = ready;
        let import = claim.import.map_err(Trouble::Import)?;
        let (key, call) = (claim.key, import.call);
        match refused {
            Some(error) => Ok(self.desk.settlement(key, call, held::refusal(error))),
            None => (self.desk.examine(key, call, &import.properties))
                .ok_or_else(|| Trouble::Import("its hardware hash can't be examined".to_owned())),
        }
    }

    /// After a batch came to nothing: only an import that fails alone is to blame.
    async fn recover(&self, keys: Vec<ClaimKey>, alone: bool, trouble: Trouble) -> Round {
        let blamed = match (&trouble, keys.as_slice()) {
            (Trouble::Import(reason), [key]) if alone => Some((*key, reason.clone())),
            _ => None,
        };
        let Some((key, reason)) = blamed else {
            tracing::warn!(imports = keys.len(), reason = %trouble, "a batch of imports was not settled");
            let _ = self.store.relinquish(keys).await;
            return match trouble {
                Trouble::Store(_) => Round::StoreUnavailable,
                Trouble::Import(_) => Round::Worked(0),
            };
        };
        metrics::counter!("hangar_registration_failures_total").increment(1);
        tracing::error!(import = %key.id, %reason, "an import failed alone");
        let failure = Failure {
            reason,
            attempts_allowed: ATTEMPTS_ALLOWED,
            back_off: self.options.back_off,
        };
        match self.store.fail(key, failure, self.clock.now()).await {
            Ok(settled) => {
                desk::count_outcome(settled);
                Round::Worked(1)
            }
            Err(error) => {
                tracing::warn!(%error, "a failure can't be recorded");
                let _ = self.store.relinquish(vec![key]).await;
                Round::StoreUnavailable
            }
        }
    }

    async fn rest(&self, rest: Rest) {
        match rest {
            Rest::None => {}
            Rest::For(pause) => tokio::time::sleep(pause).await,
            Rest::UntilWork => {
                let released = async {
                    match &self.held {
                        Some(held) => held.wait(&*self.clock).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = self.due() => {}
                    () = released => {}
                }
            }
        }
    }

    /// Completes when an import may be due.
    async fn due(&self) {
        match self.store.oldest_waiting().await {
            Ok(Some(accepted_at)) => {
                let due = accepted_at.saturating_add(self.options.delay);
                let news = async {
                    // What arrives now is due later still. Under load every commit brings news.
                    tokio::time::sleep(self.news_apart()).await;
                    self.store.wait_for_work().await;
                };
                tokio::select! {
                    () = self.clock.sleep_until(due.unwrap_or(accepted_at)) => {}
                    () = news => {}
                }
            }
            Ok(None) => self.store.wait_for_work().await,
            // The store's own notice still wakes us; look again in a while as well.
            Err(_) => tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = self.store.wait_for_work() => {}
            },
        }
    }

    /// How long news is left alone where an import waits for its time.
    fn news_apart(&self) -> Duration {
        let delay = Duration::try_from(self.options.delay).unwrap_or_default();
        delay.min(LOOK_AGAIN)
    }
}

/// What claiming came to.
enum Taken {
    Batch(Batch),
    Nothing,
    StoreUnavailable,
}

/// Claimed imports, and what they say; or why nobody could read it.
struct Batch {
    keys: Vec<ClaimKey>,
    /// Whether it is one import whose last claim came to nothing.
    alone: bool,
    settlements: Result<Vec<Settlement>, Trouble>,
}

enum Rest {
    None,
    UntilWork,
    For(Duration),
}

/// Why a batch was not settled.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Store(StoreError),
    #[error("{0}")]
    Import(String),
}

impl Trouble {
    fn of_store(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) | StoreError::Unknown(_) => {
                Self::Store(error)
            }
            StoreError::Conflict(_)
            | StoreError::Corrupt(_)
            | StoreError::TooCostly
            | StoreError::Backend(_) => Self::Import(error.to_string()),
        }
    }
}
