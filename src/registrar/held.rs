//! Imports that a gate holds back. They stay claimed; a claim that lapses meanwhile is made again, and
//! judged again.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;

use super::gate::{Gate, Judgement};
use crate::{
    domain::{
        clock::Clock,
        directory_error::DirectoryError,
        import::{Import, ImportId},
        registration::{Examination, Subject},
        tenant::TenantId,
    },
    store::operation::{Claim, ClaimKey, Settled, Settlement},
};

/// An import that is to be decided now.
pub(super) struct Ready {
    pub(super) claim: Claim,
    /// How, if not by the rules.
    pub(super) refused: Option<DirectoryError>,
}

impl Ready {
    pub(super) fn by_the_rules(claim: Claim) -> Self {
        Self {
            claim,
            refused: None,
        }
    }
}

/// What an import that a gate refuses says.
pub(super) fn refusal(error: DirectoryError) -> Examination {
    Examination {
        subject: Subject::Refused(error),
        notes: vec!["rehearsed"],
    }
}

/// The gate, and whom it holds back.
pub(super) struct Held {
    gate: Arc<dyn Gate>,
    waiting: Mutex<HashMap<(TenantId, ImportId), Waiting>>,
    /// Whether all are to be judged again.
    is_stale: AtomicBool,
}

struct Waiting {
    key: ClaimKey,
    import: Import,
    /// Absent where only the gate knows.
    until: Option<Timestamp>,
}

impl Held {
    pub(super) fn new(gate: Arc<dyn Gate>) -> Self {
        Self {
            gate,
            waiting: Mutex::default(),
            is_stale: AtomicBool::new(false),
        }
    }

    /// Takes those from the claims that are held back, and adds those that no longer are, up to so
    /// many in all.
    pub(super) fn sort(&self, claims: Vec<Claim>, now: Timestamp, limit: usize) -> Vec<Ready> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ready = Vec::new();
        for claim in claims {
            let Ok(import) = &claim.import else {
                ready.push(Ready::by_the_rules(claim));
                continue;
            };
            // Whatever was held of it before is of an older claim.
            let place = (claim.key.tenant, claim.key.id);
            waiting.remove(&place);
            match self.verdict(import, now) {
                Ok(refused) => ready.push(Ready { claim, refused }),
                Err(until) => {
                    let (key, import) = (claim.key, import.clone());
                    waiting.insert(place, Waiting { key, import, until });
                }
            }
        }
        let all = self.is_stale.swap(false, Ordering::AcqRel);
        let is_due = |one: &Waiting| one.until.is_some_and(|until| until <= now);
        let mut candidates: Vec<_> = waiting
            .iter()
            .filter(|(_, one)| all || is_due(one))
            .map(|(place, one)| (one.import.accepted_at, *place))
            .collect();
        candidates.sort_unstable();
        for (_, place) in candidates {
            if ready.len() >= limit {
                // The rest is looked at in the next round.
                self.is_stale.store(true, Ordering::Release);
                break;
            }
            let Some(one) = waiting.get_mut(&place) else {
                continue;
            };
            match self.verdict(&one.import, now) {
                Ok(refused) => {
                    if let Some(one) = waiting.remove(&place) {
                        let claim = Claim {
                            key: one.key,
                            alone: false,
                            import: Ok(one.import),
                        };
                        ready.push(Ready { claim, refused });
                    }
                }
                Err(until) => one.until = until,
            }
        }
        ready
    }

    /// How an import is decided now, or until when it waits.
    fn verdict(
        &self,
        import: &Import,
        now: Timestamp,
    ) -> Result<Option<DirectoryError>, Option<Timestamp>> {
        match self.gate.judge(import, now) {
            Judgement::Decide => Ok(None),
            Judgement::Refuse(error) => Ok(Some(error)),
            Judgement::Until(instant) if instant <= now => Ok(None),
            Judgement::Until(instant) => Err(Some(instant)),
            Judgement::Hold => Err(None),
        }
    }

    /// Completes when somebody may no longer be held back.
    pub(super) async fn wait(&self, clock: &dyn Clock) {
        if self.is_stale.load(Ordering::Acquire) {
            return;
        }
        let next = {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.values().filter_map(|one| one.until).min()
        };
        let due = async {
            match next {
                Some(instant) => clock.sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.gate.changed() => self.is_stale.store(true, Ordering::Release),
            () = due => {}
        }
    }

    /// Tells the gate which imports are about to be decided.
    pub(super) fn announce(&self, settlements: &[Settlement]) {
        for Settlement { key, device, .. } in settlements {
            self.gate.settling(key.tenant, key.id, *device);
        }
    }

    /// Tells the gate what became of imports.
    pub(super) fn tell(&self, keys: &[ClaimKey], settled: &[Settled]) {
        for (key, settled) in keys.iter().zip(settled) {
            self.gate.settled(key.tenant, key.id, settled);
        }
    }
}
