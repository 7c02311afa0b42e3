//! Keeps watch over an HTTP/2 connection: how long it has been silent, whether the peer takes what
//! is sent, and whether it asks only to take back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use crate::http::server::ServerOptions;

/// How many requests a peer may take back unanswered, beside one for each that was answered. To
/// open and reset streams without end costs a peer little and a server much.
const ABANDONED_ALLOWANCE: u64 = 100;

/// Whether a connection was told that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It takes requests.
    Open,
    /// It finishes what has begun.
    Ending,
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Keep,
    /// It has been silent for its time.
    End,
    /// Its peer behaves badly.
    Cut,
}

/// What is known about a connection. Its requests and answers report to it.
pub(super) struct Vigil(Mutex<Seen>);

struct Seen {
    /// Requests whose answer is not made yet.
    calls: u64,
    /// Answers that are not sent yet, each with the instant at which the peer last took a part.
    sending: BTreeMap<u64, Instant>,
    /// The next answer's number.
    next: u64,
    /// Since when there is neither a request nor an answer.
    quiet_since: Instant,
    answered: u64,
    abandoned: u64,
}

impl Vigil {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Seen {
            calls: 0,
            sending: BTreeMap::new(),
            next: 0,
            quiet_since: Instant::now(),
            answered: 0,
            abandoned: 0,
        })))
    }

    /// Notes that a request began.
    pub(super) fn begin(self: &Arc<Self>) -> Request {
        self.seen().calls += 1;
        Request {
            vigil: Arc::clone(self),
            outcome: Outcome::Abandoned,
        }
    }

    /// True if the peer took back more than it may.
    pub(super) fn is_abused(&self) -> bool {
        let seen = self.seen();
        seen.abandoned > ABANDONED_ALLOWANCE + seen.answered
    }

    /// What is to become of the connection now. One that is ending already, and is silent, is not
    /// waited for any longer than a peer may linger.
    pub(super) fn judge(&self, options: &ServerOptions, phase: Phase) -> Verdict {
        let seen = self.seen();
        let now = Instant::now();
        let since = |instant: Instant| now.duration_since(instant);
        let mut sending = seen.sending.values();
        if sending.any(|progressed| since(*progressed) >= options.write_timeout) {
            return Verdict::Cut;
        }
        let (patience, verdict) = if phase == Phase::Ending {
            (options.linger_timeout, Verdict::Cut)
        } else if seen.answered + seen.abandoned == 0 {
            (options.head_timeout, Verdict::End)
        } else {
            (options.idle_timeout, Verdict::End)
        };
        let is_quiet = seen.calls == 0 && seen.sending.is_empty();
        if is_quiet && since(seen.quiet_since) >= patience {
            return verdict;
        }
        Verdict::Keep
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request whose answer is being made. One that is dropped before was taken back.
pub(super) struct Request {
    vigil: Arc<Vigil>,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    Abandoned,
}

impl Request {
    /// Notes that the answer is made, and will be sent from now on.
    pub(super) fn answered(mut self) -> Arc<Sending> {
        self.outcome = Outcome::Answered;
        let vigil = Arc::clone(&self.vigil);
        let number = {
            let mut seen = vigil.seen();
            let number = seen.next;
            seen.next += 1;
            seen.sending.insert(number, Instant::now());
            number
        };
        Arc::new(Sending { vigil, number })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut seen = self.vigil.seen();
        seen.calls -= 1;
        match self.outcome {
            Outcome::Answered => seen.answered += 1,
            Outcome::Abandoned => seen.abandoned += 1,
        }
        seen.quiet_since = Instant::now();
    }
}

/// An answer on its way, as long as anything of it is not sent.
pub(super) struct Sending {
    vigil: Arc<Vigil>,
    number: u64,
}

impl Sending {
    /// Notes that the peer took a part.
    pub(super) fn progressed(&self) {
        if let Some(since) = self.vigil.seen().sending.get_mut(&self.number) {
            *since = Instant::now();
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut seen = self.vigil.seen();
        seen.sending.remove(&self.number);
        seen.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn options() -> ServerOptions {
        ServerOptions {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(20),
            ..ServerOptions::default()
        }
    }

    fn verdict(vigil: &Vigil) -> Verdict {
        vigil.judge(&options(), Phase::Open)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_ends_after_its_time() {
        let vigil = Vigil::new();
        let after = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        after(9).await;
        assert_eq!(verdict(&vigil), Verdict::Keep);
        after(1).await;
        assert_eq!(verdict(&vigil), Verdict::End);

        let request = vigil.begin();
        after(600).await;
        assert_eq!(verdict(&vigil), Verdict::Keep, "it is we who are slow");
        drop(request.answered());
        after(59).await;
        assert_eq!(verdict(&vigil), Verdict::Keep);
        after(1).await;
        assert_eq!(verdict(&vigil), Verdict::End);
        assert_eq!(vigil.judge(&options(), Phase::Ending), Verdict::Cut);
        let _request = vigil.begin();
        assert_eq!(vigil.judge(&options(), Phase::Ending), Verdict::Keep);
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_that_stands_still_is_enough() {
        let vigil = Vigil::new();
        let after = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        let moving = vigil.begin().answered();
        let standing = vigil.begin().answered();
        after(15).await;
        moving.progressed();
        assert_eq!(verdict(&vigil), Verdict::Keep);
        after(5).await;
        assert_eq!(verdict(&vigil), Verdict::Cut);
        drop(standing);
        assert_eq!(verdict(&vigil), Verdict::Keep);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_may_be_taken_back_but_not_only_that() {
        let vigil = Vigil::new();
        for _ in 0..ABANDONED_ALLOWANCE {
            drop(vigil.begin());
        }
        assert!(!vigil.is_abused());
        drop(vigil.begin());
        assert!(vigil.is_abused());
        drop(vigil.begin().answered());
        assert!(!vigil.is_abused());
    }
}
