//! A clock that only moves when told.

use std::{future::Future, pin::Pin};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::domain::clock::Clock;

/// A clock for tests. Whoever sleeps on it wakes when it has been moved far enough.
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let start = Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(watch::Sender::new(start))
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        self.0
            .send_modify(|now| *now = now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, instant: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut moves = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so waiting can't fail.
            let _ = moves.wait_for(|now| *now >= instant).await;
        })
    }
}
