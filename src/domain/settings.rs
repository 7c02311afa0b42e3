//! The tenant's Autopilot settings: when it was last synced, and whether it may be synced again.

use jiff::{SignedDuration, Timestamp};

use super::{revision::Revision, tenant::TenantId};

/// How syncing goes by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncRules {
    /// How long a sync takes.
    pub duration: SignedDuration,
    /// How long after the start of one the next may start.
    pub interval: SignedDuration,
}

impl Default for SyncRules {
    fn default() -> Self {
        Self {
            duration: SignedDuration::from_secs(5),
            interval: SignedDuration::from_mins(10),
        }
    }
}

/// When a tenant was synced. Whether a sync still runs follows from the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// When the last sync was started.
    pub started_at: Option<Timestamp>,
    /// When the one before it was. That one is complete.
    pub before: Option<Timestamp>,
}

/// Graph: windowsAutopilotSyncStatus, as far as it is ever met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// There has been no sync.
    Unknown,
    /// A sync runs.
    InProgress,
    /// The last sync is complete.
    Completed,
}

/// What becomes of the wish to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStart {
    /// A sync has been started.
    Started,
    /// One runs already.
    Running,
    /// The last one was too short a while ago; another may start at this instant.
    TooSoon(Timestamp),
}

impl SyncRules {
    /// A sync that was started at this instant, or earlier, does not keep another from starting.
    pub fn latest_start_before_another(&self, now: Timestamp) -> Timestamp {
        earlier(now, self.interval.max(self.duration))
    }

    /// Why no sync can be started now, after the last one that was.
    pub fn refusal(&self, started_at: Timestamp, now: Timestamp) -> SyncStart {
        if now < later(started_at, self.duration) {
            return SyncStart::Running;
        }
        SyncStart::TooSoon(later(started_at, self.interval))
    }
}

impl SyncState {
    /// How the last sync stands.
    pub fn status(&self, rules: &SyncRules, now: Timestamp) -> SyncStatus {
        match self.started_at {
            None => SyncStatus::Unknown,
            Some(started_at) if now < later(started_at, rules.duration) => SyncStatus::InProgress,
            Some(_) => SyncStatus::Completed,
        }
    }

    /// Names the state that the settings of a tenant are in: which syncs were started, and how the
    /// last one is shown.
    pub fn revision(&self, tenant: TenantId, rules: &SyncRules, now: Timestamp) -> Revision {
        let instant =
            |at: Option<Timestamp>| at.map_or(i64::MIN, Timestamp::as_microsecond).to_le_bytes();
        let state = [instant(self.started_at), instant(self.before)];
        Revision::of(&[tenant.0.as_bytes(), &state[0], &state[1]]).shown_with(&[
            &[self.status(rules, now) as u8],
            &instant(self.completed_at(rules, now)),
        ])
    }

    /// When the last sync that is complete was started.
    pub fn completed_start(&self, rules: &SyncRules, now: Timestamp) -> Option<Timestamp> {
        match self.status(rules, now) {
            SyncStatus::Completed => self.started_at,
            SyncStatus::InProgress | SyncStatus::Unknown => self.before,
        }
    }

    /// When the last sync that is complete became so.
    pub fn completed_at(&self, rules: &SyncRules, now: Timestamp) -> Option<Timestamp> {
        self.completed_start(rules, now)
            .map(|started_at| later(started_at, rules.duration))
    }
}

fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_sync_runs_and_is_complete_by_the_clock() {
        let rules = SyncRules::default();
        let never = SyncState::default();
        assert_eq!(never.status(&rules, at(0)), SyncStatus::Unknown);
        assert_eq!(never.completed_at(&rules, at(0)), None);
        let state = SyncState {
            started_at: Some(at(1_000)),
            before: Some(at(100)),
        };
        let cases = [
            (1_000, SyncStatus::InProgress, 105),
            (1_004, SyncStatus::InProgress, 105),
            (1_005, SyncStatus::Completed, 1_005),
            (9_000, SyncStatus::Completed, 1_005),
            // A clock that was put back.
            (500, SyncStatus::InProgress, 105),
        ];
        for (now, status, completed) in cases {
            assert_eq!(state.status(&rules, at(now)), status, "{now}");
            assert_eq!(state.completed_at(&rules, at(now)), Some(at(completed)));
        }
    }

    #[test]
    fn a_refusal_says_what_stands_in_the_way() {
        let rules = SyncRules::default();
        let soon = SyncStart::TooSoon(at(700));
        for (now, refusal) in [
            (100, SyncStart::Running),
            (104, SyncStart::Running),
            (105, soon),
            (699, soon),
        ] {
            assert_eq!(rules.refusal(at(100), at(now)), refusal, "{now}");
            assert!(rules.latest_start_before_another(at(now)) < at(100));
        }
        assert_eq!(rules.latest_start_before_another(at(700)), at(100));
        // However the two are set, no sync starts while one runs.
        let odd = SyncRules {
            duration: SignedDuration::from_hours(1),
            ..rules
        };
        assert!(odd.latest_start_before_another(at(3_000)) < at(100));
    }
}
