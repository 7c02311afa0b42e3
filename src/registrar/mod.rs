//! What happens after the 201: claims waiting imports, settles them, wakes and backs off.
//!
//! The rules are in `domain::registration`; the store applies them inside its transaction. The
//! registrar meets the HTTP side only in the store.

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;

use crate::{
    domain::{
        clock::Clock,
        device::DeviceId,
        id,
        identity::LedgerEntryId,
        import::Import,
        registration::{HashValidation, examine},
    },
    store::{
        Store, StoreError,
        operation::{Claim, ClaimKey, Failure, Settled, Settlement},
    },
};

/// How many failures of one import, each alone, settle it as refused.
const ATTEMPTS_ALLOWED: u32 = 5;

/// How the registrar works.
#[derive(Clone, Copy, Debug)]
pub struct RegistrarOptions {
    /// How strictly hardware hashes are checked.
    pub validation: HashValidation,
    /// How long an import waits before it is decided.
    pub delay: SignedDuration,
    /// How many imports share a settling transaction.
    pub batch: usize,
    /// How long an import rests after a failure, and the registrar after the store's first.
    pub back_off: Duration,
}

impl Default for RegistrarOptions {
    fn default() -> Self {
        Self {
            validation: HashValidation::Strict,
            delay: SignedDuration::ZERO,
            batch: 64,
            back_off: Duration::from_millis(100),
        }
    }
}

/// Settles imports until it is told to stop.
pub struct Registrar {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: RegistrarOptions,
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
        Self {
            store,
            clock,
            options,
        }
    }

    /// Works until `stop` completes. A round that has begun is finished.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        let mut stop = std::pin::pin!(stop);
        let mut pause = self.options.back_off;
        loop {
            let rest = match self.round().await {
                Round::Worked(_) => {
                    pause = self.options.back_off;
                    Rest::None
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
                () = &mut stop => return,
                () = self.rest(rest) => {}
            }
        }
    }

    /// Claims and settles one batch.
    pub async fn round(&self) -> Round {
        let now = self.clock.now();
        let due = now.saturating_sub(self.options.delay).unwrap_or(now);
        let claims = match self.store.claim(due, self.options.batch).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::warn!(%error, "waiting imports can't be claimed");
                return Round::StoreUnavailable;
            }
        };
        if claims.is_empty() {
            return Round::Idle;
        }
        let count = claims.len();
        let keys: Vec<ClaimKey> = claims.iter().map(|claim| claim.key).collect();
        let alone = claims.iter().any(|claim| claim.alone);
        match self.settle(claims).await {
            Ok(settled) => {
                settled.into_iter().for_each(count_outcome);
                Round::Worked(count)
            }
            Err(trouble) => self.recover(keys, alone, trouble).await,
        }
    }

    async fn settle(&self, claims: Vec<Claim>) -> Result<Vec<Settled>, Trouble> {
        let settlements = claims
            .into_iter()
            .map(|claim| self.prepare(claim))
            .collect::<Result<Vec<_>, _>>()?;
        self.store
            .settle(settlements, self.clock.now())
            .await
            .map_err(|error| match error {
                StoreError::Busy | StoreError::Unavailable(_) | StoreError::Unknown(_) => {
                    Trouble::Store(error)
                }
                StoreError::Conflict(_)
                | StoreError::Corrupt(_)
                | StoreError::TooCostly
                | StoreError::Backend(_) => Trouble::Import(error.to_string()),
            })
    }

    /// Reads what an import says, outside the transaction: decoding a hash takes its time.
    fn prepare(&self, claim: Claim) -> Result<Settlement, Trouble> {
        let import = claim.import.map_err(Trouble::Import)?;
        let now = self.clock.now();
        let validation = self.options.validation;
        let read = |import: &Import| examine(&import.properties, validation, now);
        // A decoder that panics is a fault of ours; it must not stop everybody else's devices.
        let examination = panic::catch_unwind(AssertUnwindSafe(|| read(&import)))
            .map_err(|_| Trouble::Import("its hardware hash can't be examined".to_owned()))?;
        Ok(Settlement {
            key: claim.key,
            call: import.call,
            examination,
            device: DeviceId(id::time_ordered(now)),
            entry: LedgerEntryId(id::time_ordered(now)),
        })
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
                count_outcome(settled);
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
                let due = async {
                    match self.store.oldest_waiting().await {
                        Ok(Some(accepted_at)) => {
                            let due = accepted_at.saturating_add(self.options.delay);
                            self.clock.sleep_until(due.unwrap_or(accepted_at)).await;
                        }
                        Ok(None) => std::future::pending().await,
                        // The store's own notice still wakes us; look again in a while as well.
                        Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                    }
                };
                tokio::select! {
                    () = self.store.wait_for_work() => {}
                    () = due => {}
                }
            }
        }
    }
}

/// Keeps the gauge of waiting imports up to date, every five seconds, for ever.
pub async fn report_waiting(store: Arc<dyn Store>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        if let Ok(waiting) = store.count_waiting().await {
            let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            metrics::gauge!("hangar_waiting_imports").set(waiting);
        }
    }
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

fn count_outcome(settled: Settled) {
    let outcome = match settled {
        Settled::Registered(_) => "registered",
        Settled::Refused(error) => error.name(),
        Settled::Superseded => "superseded",
        Settled::Retried => "retried",
    };
    metrics::counter!("hangar_registrations_total", "outcome" => outcome).increment(1);
}
