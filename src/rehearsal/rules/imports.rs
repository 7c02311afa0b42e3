//! Imports under rules: which rule each is under, how often it was asked for, and which devices stay
//! out of sight. When a rule is met is its own to say.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    bounded::Bounded,
    delay::{Delay, Wait},
    fault::{Fault, OnImport},
    magic::{Spell, spell},
    subject::serial_of_import,
};
use crate::{
    domain::{
        device::DeviceId,
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::rehearsed::Hidden,
    registrar::gate::Judgement,
    store::operation::Settled,
};

/// How many imports are remembered.
const REMEMBERED: usize = 10_000;
/// How many devices may be out of sight; the oldest of more come into it.
const MOST_HIDDEN: usize = 1_000;
/// How long a poll waits for the import that it sets free to be decided.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits where nobody has looked at the import yet, which may be none of ours.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

type Key = (TenantId, ImportId);

/// What is known of imports.
#[derive(Debug)]
pub(super) struct Imports {
    /// Which rule an import is under.
    touched: Bounded<Key, String>,
    polled: Bounded<Key, Polls>,
    /// Imports that are to be complete before their devices are found.
    veiled: Bounded<Key, Veil>,
    hidden: Bounded<DeviceId, (TenantId, Veil)>,
}

#[derive(Debug, Default)]
struct Polls {
    count: u64,
    /// How many it needs before it is decided, once somebody has looked.
    needs: Option<u64>,
    is_settled: bool,
}

#[derive(Clone, Debug)]
struct Veil {
    rule: String,
    until: Timestamp,
    /// The id that the device gets, once it is known.
    device: Option<DeviceId>,
}

impl Default for Imports {
    fn default() -> Self {
        Self {
            touched: Bounded::new(REMEMBERED),
            polled: Bounded::new(REMEMBERED),
            veiled: Bounded::new(REMEMBERED),
            hidden: Bounded::new(MOST_HIDDEN),
        }
    }
}

impl Imports {
    /// What becomes of an import: its serial number says it, or the first fault that is for it; and
    /// the first delay that is for it says when.
    pub(super) fn judge(
        &mut self,
        import: &Import,
        now: Timestamp,
        faults: &mut [Fault],
        delays: &[Delay],
    ) -> Judgement {
        let key = (import.tenant, import.id);
        let serial = serial_of_import(&import.properties);
        let serial = serial.as_ref();
        let fate = fate(import, serial, faults);
        let delay = delays
            .iter()
            .find(|delay| delay.is_for(import.tenant, serial));
        self.veiled.remove(&key);
        let rule = match (&fate, delay) {
            (Some((_, rule)), _) => Some(rule.clone()),
            (None, delay) => delay.map(|delay| format!("delay {}", delay.name())),
        };
        match rule {
            Some(rule) => self.touched.insert(key, rule),
            None => drop(self.touched.remove(&key)),
        }
        if let Some((OnImport::Hold, _)) = fate {
            return Judgement::Hold;
        }
        match delay.map(|delay| delay.wait(import, serial)) {
            Some(Wait::Until(instant)) if instant > now => return Judgement::Until(instant),
            Some(Wait::Never) => return Judgement::Hold,
            Some(Wait::AfterPolls(polls)) if !self.has_polls(key, polls) => return Judgement::Hold,
            Some(Wait::Until(_) | Wait::AfterPolls(_)) | None => {}
        }
        match fate {
            Some((OnImport::Refuse(error), _)) => Judgement::Refuse(error),
            Some((OnImport::Unseen(span), rule)) => {
                let until = now.saturating_add(span).unwrap_or(Timestamp::MAX);
                let veil = Veil {
                    rule,
                    until,
                    device: None,
                };
                self.veiled.insert(key, veil);
                Judgement::Decide
            }
            Some((OnImport::Hold, _)) | None => Judgement::Decide,
        }
    }

    /// Which rule an import is under.
    pub(super) fn explanation(&self, tenant: TenantId, id: ImportId) -> Option<String> {
        self.touched.get(&(tenant, id)).cloned()
    }

    /// Counts a poll. Answers how long to wait for the import to be decided, if it is to be.
    pub(super) fn poll(&mut self, tenant: TenantId, id: ImportId, fewest: u64) -> Option<Duration> {
        let polls = self.polls((tenant, id))?;
        polls.count += 1;
        if polls.is_settled {
            return None;
        }
        match polls.needs {
            Some(needs) => (polls.count > needs).then_some(PATIENCE),
            None => (polls.count == fewest + 1).then_some(SHORT_PATIENCE),
        }
    }

    /// Whether an import was decided since it was polled first.
    pub(super) fn is_settled(&self, tenant: TenantId, id: ImportId) -> bool {
        let polls = self.polled.get(&(tenant, id));
        polls.is_none_or(|polls| polls.is_settled)
    }

    /// Hides the device of an import, if it is to be hidden, before it is there.
    pub(super) fn settling(&mut self, tenant: TenantId, id: ImportId, device: DeviceId) {
        if let Some(veil) = self.veiled.get_mut(&(tenant, id)) {
            veil.device = Some(device);
            self.hidden.insert(device, (tenant, veil.clone()));
        }
    }

    /// Hears that an import was decided.
    pub(super) fn settled(&mut self, tenant: TenantId, id: ImportId, settled: &Settled) {
        let key = (tenant, id);
        let device = self.veiled.remove(&key).and_then(|veil| veil.device);
        if let (Settled::Refused(_), Some(device)) = (settled, device) {
            self.hidden.remove(&device);
        }
        if let Some(polls) = self.polled.get_mut(&key) {
            polls.is_settled = true;
        }
    }

    /// The devices of a tenant that nobody finds yet.
    pub(super) fn hidden(&mut self, tenant: TenantId, now: Timestamp) -> Vec<Hidden> {
        if self.hidden.is_empty() {
            return Vec::new();
        }
        self.hidden.retain(|(_, veil)| veil.until > now);
        let of_tenant = self
            .hidden
            .iter()
            .filter(|(_, (owner, _))| *owner == tenant);
        let hidden = of_tenant.map(|(device, (_, veil))| Hidden {
            device: *device,
            explanation: Arc::from(veil.rule.as_str()),
        });
        hidden.collect()
    }

    /// Lets devices be found that a fault hides, or all.
    pub(super) fn let_be_seen(&mut self, fault: Option<&str>) {
        let rule = fault.map(|name| format!("fault {name}"));
        let stays = |veil: &Veil| rule.as_ref().is_some_and(|rule| veil.rule != *rule);
        self.hidden.retain(|(_, veil)| stays(veil));
        self.veiled.retain(stays);
    }

    fn has_polls(&mut self, key: Key, needs: u64) -> bool {
        let Some(polls) = self.polls(key) else {
            return false;
        };
        polls.needs = Some(needs);
        polls.count > needs
    }

    fn polls(&mut self, key: Key) -> Option<&mut Polls> {
        if self.polled.get(&key).is_none() {
            self.polled.insert(key, Polls::default());
        }
        self.polled.get_mut(&key)
    }
}

/// What becomes of an import in the end, and which rule says so.
fn fate(
    import: &Import,
    serial: Option<&String>,
    faults: &mut [Fault],
) -> Option<(OnImport, String)> {
    if let Some((spell, prefix)) = serial.and_then(|serial| spell(serial)) {
        let effect = match spell {
            Spell::Never => OnImport::Hold,
            Spell::Refuse(error) => OnImport::Refuse(error),
        };
        return Some((effect, format!("serial number {prefix}")));
    }
    faults.iter_mut().find_map(|fault| {
        let effect = fault.judge(import.tenant, import.id, serial)?;
        Some((effect, format!("fault {}", fault.name())))
    })
}
