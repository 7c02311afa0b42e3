//! Settled imports that are kept no longer are deleted, a few at a time and with pauses, so that
//! nobody who creates has to wait. Which they are, and how they go, is the store's.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::time::Instant;

use crate::{
    domain::clock::Clock,
    store::{Store, StoreError, operation::Expired},
};

/// How many imports go in one transaction: a few milliseconds of the writer's time.
const BATCH: usize = 64;

/// How much longer the pause after a step is than the step, which so has a fifth of the writer's time
/// at most.
const PAUSES: u32 = 4;

/// How long a pause is at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// How long nothing is looked for after nothing was left.
const INTERVAL: Duration = Duration::from_mins(1);

/// Deletes settled imports once they are old enough.
pub struct Expiry {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
}

impl Expiry {
    /// What deletes imports that were settled so long ago.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keep: SignedDuration) -> Self {
        Self { store, clock, keep }
    }

    /// Works for ever. It may be dropped anywhere.
    pub async fn run(&self) {
        let mut gone = 0;
        loop {
            let began = Instant::now();
            let pause = match self.step().await {
                Ok(step) => {
                    gone += step.imports;
                    if step.more {
                        (began.elapsed() * PAUSES).max(SHORTEST_PAUSE)
                    } else {
                        INTERVAL
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "old imports can't be deleted");
                    INTERVAL
                }
            };
            if pause == INTERVAL && gone > 0 {
                tracing::info!(imports = gone, "old imports were deleted");
                gone = 0;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Deletes a few.
    pub async fn step(&self) -> Result<Expired, StoreError> {
        let now = self.clock.now();
        let Ok(settled_until) = now.checked_sub(self.keep) else {
            return Ok(Expired::default());
        };
        let step = self.store.expire_imports(settled_until, BATCH, now).await?;
        let imports = u64::try_from(step.imports).unwrap_or(u64::MAX);
        metrics::counter!("hangar_expired_imports_total").increment(imports);
        Ok(step)
    }
}
