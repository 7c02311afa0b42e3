//! How long to go on trying, and how long to wait in between: doubling, jittered, bounded.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::Notice;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Shorter pauses are not worth a word.
const WORTH_SAYING: Duration = Duration::from_secs(2);

/// How long a request is tried again before it counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(Duration);

impl Patience {
    /// Tries for this long.
    pub fn new(limit: Duration) -> Self {
        Self(limit)
    }

    /// How long that is.
    pub fn limit(self) -> Duration {
        self.0
    }

    /// Begins to count, for one request.
    pub fn start(self) -> Backoff {
        Backoff {
            deadline: Instant::now() + self.0,
            next: FIRST_PAUSE,
        }
    }
}

/// The pauses of one request.
#[derive(Debug)]
pub struct Backoff {
    deadline: Instant,
    next: Duration,
}

impl Backoff {
    /// Waits before the next try; false if it would end too late. A server that names a time is
    /// never asked before it.
    pub(super) async fn pause(
        &mut self,
        retry_after: Option<Duration>,
        reason: &str,
        notice: &Notice,
    ) -> bool {
        let Some(pause) = self.next_pause(retry_after, Uuid::new_v4().as_u128()) else {
            return false;
        };
        if pause >= WORTH_SAYING {
            notice(&format!("{reason}; trying again in {} s", pause.as_secs()));
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// The next pause, somewhere between half and the whole of what is due.
    fn next_pause(&mut self, retry_after: Option<Duration>, random: u128) -> Option<Duration> {
        let due = self.next;
        self.next = (due * 2).min(LONGEST_PAUSE);
        let half = due / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
        let part = u64::try_from(random % u128::from(spread)).unwrap_or(0);
        let jitter = Duration::from_millis(part);
        let pause = match retry_after {
            Some(asked) => asked + jitter.min(FIRST_PAUSE),
            None => half + jitter,
        };
        (Instant::now() + pause <= self.deadline).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Patience::new(Duration::from_mins(1)).start();
        let mut last = Duration::ZERO;
        for _ in 0..10 {
            let pause = backoff.next_pause(None, 0).unwrap();
            assert!(pause >= last && pause <= LONGEST_PAUSE);
            last = pause;
        }
        assert_eq!(last, LONGEST_PAUSE / 2);
        let mut over = Patience::new(Duration::ZERO).start();
        assert_eq!(over.next_pause(None, 0), None);
    }

    #[test]
    fn a_server_that_names_a_time_is_not_asked_before() {
        let mut backoff = Patience::new(Duration::from_mins(1)).start();
        let asked = Duration::from_secs(20);
        assert!(backoff.next_pause(Some(asked), 77).unwrap() >= asked);
        let too_long = Duration::from_hours(1);
        assert_eq!(backoff.next_pause(Some(too_long), 0), None);
    }
}
