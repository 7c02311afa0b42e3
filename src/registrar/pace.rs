//! How many imports a round takes, and when the next one begins.
//!
//! A store may have one writer for all, so that those who create wait for what is settled meanwhile:
//! beside them small batches are taken, between which they have their turns. A transaction writes
//! each page that it touches once, for a few imports as for many: where the small ones fall behind,
//! large ones are taken, and where few imports came together, more are waited for.

use std::time::Duration;

/// How many imports are settled at a time beside those who create.
const SMALL: usize = 128;

/// So many imports in one round are a crowd, and more are on their way.
const CROWD: usize = 16;

/// How long more of a crowd are waited for.
const PAUSE: Duration = Duration::from_millis(1);

/// What the rounds so far came to.
pub(super) struct Pace {
    largest: usize,
    /// Whether more waits than a small batch takes.
    is_behind: bool,
}

impl Pace {
    /// The pace of a registrar that takes so many at a time at most.
    pub(super) fn new(largest: usize) -> Self {
        Self {
            largest,
            is_behind: false,
        }
    }

    /// How many the next round takes.
    pub(super) fn batch(&self) -> usize {
        if self.is_behind {
            self.largest
        } else {
            SMALL.min(self.largest)
        }
    }

    /// Notes that a round has settled so many, and says how long to wait for the next, if at all.
    pub(super) fn settled(&mut self, count: usize) -> Option<Duration> {
        let is_full = count >= self.batch();
        self.is_behind = is_full || (self.is_behind && count >= SMALL);
        (!is_full && count >= CROWD).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_batches_are_taken_by_those_who_fall_behind() {
        let mut pace = Pace::new(1024);
        let steps = [
            (128, 127, Some(PAUSE)),
            (128, 128, None),
            (1024, 1024, None),
            (1024, 128, Some(PAUSE)),
            (1024, 127, Some(PAUSE)),
            (128, 0, None),
        ];
        for (batch, settled, pause) in steps {
            assert_eq!(pace.batch(), batch);
            assert_eq!(pace.settled(settled), pause);
        }
        assert_eq!(Pace::new(10).batch(), 10);
    }

    #[test]
    fn only_a_crowd_is_waited_for() {
        let mut pace = Pace::new(1024);
        assert_eq!(pace.settled(1), None, "who asks alone never waits");
        assert_eq!(pace.settled(CROWD), Some(PAUSE));
    }
}
