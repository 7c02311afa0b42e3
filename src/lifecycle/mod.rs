//! How the process begins to end, and the clock it lives by. What is started and in which order it
//! is drained is `cli::serve`'s.

pub mod data_directory;
pub mod supervisor;
pub mod whole_file;

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::clock::Clock;

/// How long requests under way may take to finish once shutdown was requested. Under the thirty
/// seconds after which most supervisors kill.
pub const DRAIN: Duration = Duration::from_secs(25);

/// How long the system clock sleeps at most before it looks at the time again.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// The exit code of a process that a second signal stopped.
const EXIT_STOPPED_AT_ONCE: i32 = 130;

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, instant: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while let Some(nap) = nap(self.now(), instant) {
                tokio::time::sleep(nap).await;
            }
        })
    }
}

/// How long to sleep before looking again, or nothing if `instant` is reached. The wall clock can
/// be set while we sleep, so a long wait is made of short ones.
fn nap(now: Timestamp, instant: Timestamp) -> Option<Duration> {
    let left = instant.duration_since(now);
    if left.is_positive() {
        Some(left.unsigned_abs().min(LONGEST_NAP))
    } else {
        None
    }
}

/// Whether the process should end, for everybody who has to do something about it. Its clones are
/// one.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// A shutdown that SIGTERM or Ctrl-C requests. A second signal stops the process at once, with
    /// exit code 130. Must be called in a runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::default();
        let obeyed = obey(signals()?, shutdown.clone(), || {
            std::process::exit(EXIT_STOPPED_AT_ONCE)
        });
        #[expect(
            clippy::disallowed_methods,
            reason = "it must outlive all that waits, to stop the process if waiting takes too long"
        )]
        tokio::spawn(obeyed);
        Ok(shutdown)
    }

    /// Asks the process to end. Once is enough.
    pub fn request(&self) {
        self.requested.send_replace(true);
    }

    /// Whether the process was asked to end.
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow()
    }

    /// Completes when the process is asked to end, at once if it has been.
    pub async fn requested(&self) {
        let mut requested = self.requested.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = requested.wait_for(|&requested| requested).await;
    }
}

/// Requests the shutdown at the first signal and calls `stop` at the second.
async fn obey(signals: impl Stream<Item = &'static str>, shutdown: Shutdown, stop: impl FnOnce()) {
    let mut signals = std::pin::pin!(signals);
    if let Some(signal) = signals.next().await {
        tracing::info!(
            signal,
            drain_seconds = DRAIN.as_secs(),
            "shutting down; a second signal stops at once"
        );
        shutdown.request();
    }
    if let Some(signal) = signals.next().await {
        tracing::warn!(signal, "stopping at once");
        stop();
    }
}

/// The signals that ask a process to end, by name, as they come.
#[cfg(unix)]
fn signals() -> io::Result<impl Stream<Item = &'static str> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let both = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    Ok(stream::unfold(both, |mut both| async move {
        let (terminate, interrupt) = (&mut both.0, &mut both.1);
        tokio::select! {
            Some(()) = terminate.recv() => Some(("SIGTERM", both)),
            Some(()) = interrupt.recv() => Some(("SIGINT", both)),
            else => None,
        }
    }))
}

/// The signals that ask a process to end, by name, as they come.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Stream<Item = &'static str> + Send> {
    Ok(stream::unfold((), |()| async {
        let came = tokio::signal::ctrl_c().await;
        came.ok().map(|()| ("Ctrl-C", ()))
    }))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn long_waits_are_made_of_short_ones() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (instant, expected) in [
            ("2025-12-31T23:59:59Z", None),
            ("2026-01-01T00:00:00Z", None),
            ("2026-01-01T00:00:00.001Z", Some(Duration::from_millis(1))),
            ("2026-01-01T00:00:29Z", Some(Duration::from_secs(29))),
            ("2026-01-01T00:01:00Z", Some(LONGEST_NAP)),
        ] {
            assert_eq!(nap(now, instant.parse().unwrap()), expected, "{instant}");
        }
        assert_eq!(nap(Timestamp::MIN, Timestamp::MAX), Some(LONGEST_NAP));
        assert_eq!(nap(Timestamp::MAX, Timestamp::MIN), None);
    }

    #[test]
    fn what_is_past_is_not_waited_for() {
        let clock = SystemClock;
        let past = clock.sleep_until(Timestamp::UNIX_EPOCH);
        assert!(past.now_or_never().is_some());
    }

    #[test]
    fn a_request_reaches_every_clone_before_and_after() {
        let shutdown = Shutdown::default();
        let clone = shutdown.clone();
        let mut waiting = Box::pin(clone.requested());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(!shutdown.is_requested());
        shutdown.request();
        assert!(waiting.now_or_never().is_some());
        assert!(clone.is_requested() && clone.requested().now_or_never().is_some());
    }

    #[test]
    fn the_first_signal_requests_and_the_second_stops() {
        for (signals, requested, stopped) in [
            (vec![], false, false),
            (vec!["SIGTERM"], true, false),
            (vec!["SIGTERM", "SIGINT"], true, true),
        ] {
            let shutdown = Shutdown::default();
            let mut is_stopped = false;
            let obeyed = obey(stream::iter(signals), shutdown.clone(), || {
                is_stopped = true;
            });
            assert!(obeyed.now_or_never().is_some());
            assert_eq!((shutdown.is_requested(), is_stopped), (requested, stopped));
        }
    }
}
