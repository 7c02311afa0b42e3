//! The clock that Autopilot's rules see. Leases, time-outs and back-off use monotonic time instead.

use std::{future::Future, pin::Pin};

use jiff::Timestamp;

/// Tells the time and waits for it. Tests and rehearsals move it; nothing else reads the wall clock.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Completes when the clock has reached `instant`, at once if it has already.
    fn sleep_until(&self, instant: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
