//! Who works on which import just now. One process has the database, so leases live in memory:
//! a start voids them all.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::domain::{import::ImportId, tenant::TenantId};

type Key = (TenantId, ImportId);

/// The number of an import's row, which finds it faster than its key does. Once the import is gone
/// another may have it.
pub(super) type Seq = i64;

/// The claims that stand.
#[derive(Default)]
pub(super) struct Leases(HashMap<Key, Lease>);

struct Lease {
    token: Uuid,
    seq: Seq,
    until: Instant,
}

impl Leases {
    /// Claims an import for a while, unless somebody holds it.
    pub(super) fn take(
        &mut self,
        key: Key,
        seq: Seq,
        token: Uuid,
        now: Instant,
        lease: Duration,
    ) -> bool {
        if self.0.get(&key).is_some_and(|held| held.until > now) {
            return false;
        }
        let until = now + lease;
        self.0.insert(key, Lease { token, seq, until });
        true
    }

    /// Whether a claim, held or lapsed, stands on this import.
    pub(super) fn holds(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    /// The row that this very claim is on, if it still stands.
    pub(super) fn seq(&self, key: Key, token: Uuid) -> Option<Seq> {
        let held = self.0.get(&key).filter(|held| held.token == token);
        held.map(|held| held.seq)
    }

    /// Ends a claim for good.
    pub(super) fn end(&mut self, key: Key, token: Uuid) {
        if self.seq(key, token).is_some() {
            self.0.remove(&key);
        }
    }

    /// Forgets every claim on an import, because it is gone or was changed.
    pub(super) fn forget(&mut self, key: Key) {
        self.0.remove(&key);
    }

    /// Lets a claim lapse at this instant; the import is then claimed alone.
    pub(super) fn lapse(&mut self, key: Key, token: Uuid, until: Instant) {
        if let Some(held) = self.0.get_mut(&key).filter(|held| held.token == token) {
            held.until = until;
        }
    }

    /// An import whose claim has lapsed.
    pub(super) fn lapsed(&self, now: Instant) -> Option<Key> {
        self.0
            .iter()
            .filter(|(_, held)| held.until <= now)
            .min_by_key(|(_, held)| held.until)
            .map(|(key, _)| *key)
    }

    /// When the next claim lapses.
    pub(super) fn next_lapse(&self) -> Option<Instant> {
        self.0.values().map(|held| held.until).min()
    }

    /// How many stand.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_exclusive_until_it_lapses() {
        let key = (TenantId(Uuid::from_u128(1)), ImportId(Uuid::from_u128(2)));
        let (first, second) = (Uuid::from_u128(3), Uuid::from_u128(4));
        let now = Instant::now();
        let lease = Duration::from_secs(30);
        let mut leases = Leases::default();
        assert!(leases.take(key, 7, first, now, lease));
        assert!(!leases.take(key, 7, second, now, lease));
        assert_eq!(leases.lapsed(now), None);
        leases.lapse(key, second, now);
        assert_eq!(
            leases.lapsed(now),
            None,
            "only the holder lets a claim lapse"
        );
        leases.lapse(key, first, now);
        assert_eq!(leases.lapsed(now), Some(key));
        assert!(leases.holds(key));
        assert_eq!(leases.seq(key, first), Some(7));
        assert!(leases.take(key, 8, second, now, lease));
        leases.end(key, first);
        assert_eq!(leases.seq(key, first), None);
        assert_eq!(
            leases.seq(key, second),
            Some(8),
            "an old claim ends nothing"
        );
        leases.end(key, second);
        assert_eq!(leases.len(), 0);
    }
}
