//! The rules that stand, and in which order they are asked: the serial numbers that speak for
//! themselves, then the faults in the order in which they were made. The first that fires counts.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    TenantNames,
    delay::{Delay, DelayRule},
    fault::{Fault, FaultRule},
    imports::Imports,
    magic::Magic,
    subject::Subject,
};
use crate::{
    domain::{
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::rehearsed::{Cue, Told},
    registrar::gate::Judgement,
    rehearsal::control::Problem,
    store::operation::Settled,
};

/// How many faults may stand, and how many delays.
const MOST_RULES: usize = 100;
/// The longest name of a rule, in characters.
const LONGEST_NAME: usize = 64;

/// The rules, and what they did.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) faults: Vec<Fault>,
    pub(super) delays: Vec<Delay>,
    pub(super) imports: Imports,
    magic: Magic,
    /// How many names were made.
    named: u64,
}

impl Standing {
    /// Adds all of these rules or none, and answers how they are shown.
    pub(super) fn add(
        &mut self,
        faults: Vec<FaultRule>,
        delays: Vec<DelayRule>,
        names: &TenantNames,
    ) -> Result<(Vec<Value>, Vec<Value>), Problem> {
        let (had_faults, had_delays) = (self.faults.len(), self.delays.len());
        if let Err(problem) = self.try_add(faults, delays, names) {
            self.faults.truncate(had_faults);
            self.delays.truncate(had_delays);
            return Err(problem);
        }
        let faults = self.faults.iter().skip(had_faults).map(Fault::told);
        let delays = self.delays.iter().skip(had_delays).map(Delay::told);
        Ok((faults.collect(), delays.collect()))
    }

    fn try_add(
        &mut self,
        faults: Vec<FaultRule>,
        delays: Vec<DelayRule>,
        names: &TenantNames,
    ) -> Result<(), Problem> {
        for rule in faults {
            let taken: Vec<_> = self.faults.iter().map(Fault::name).collect();
            let name = new_name(rule.name.as_deref(), "fault", &taken, &mut self.named)?;
            self.faults.push(Fault::read(rule, name, names)?);
        }
        for rule in delays {
            let taken: Vec<_> = self.delays.iter().map(Delay::name).collect();
            let name = new_name(rule.name.as_deref(), "delay", &taken, &mut self.named)?;
            self.delays.push(Delay::read(rule, name, names)?);
        }
        Ok(())
    }

    /// Takes a fault away, or all.
    pub(super) fn delete_faults(&mut self, name: Option<&str>) -> usize {
        let before = self.faults.len();
        let stays = |fault: &Fault| name.is_some_and(|name| name != fault.name());
        self.faults.retain(stays);
        self.imports.let_be_seen(name);
        before - self.faults.len()
    }

    /// Takes a delay away, or all.
    pub(super) fn delete_delays(&mut self, name: Option<&str>) -> usize {
        let before = self.delays.len();
        let stays = |delay: &Delay| name.is_some_and(|name| name != delay.name());
        self.delays.retain(stays);
        before - self.delays.len()
    }

    /// What is done to a request, which reads this import if any.
    pub(super) fn direct(&mut self, request: &Told, reads: Option<(TenantId, ImportId)>) -> Cue {
        let subject = Subject::new(request);
        let cue = self.magic.direct(&subject).or_else(|| {
            let mut faults = self.faults.iter_mut();
            faults.find_map(|fault| fault.direct(&subject))
        });
        let mut cue = cue.unwrap_or_default();
        if let (None, Some((tenant, id))) = (&cue.explanation, reads) {
            cue.explanation = self.imports.explanation(tenant, id);
        }
        cue
    }

    /// What becomes of an import.
    pub(super) fn judge(&mut self, import: &Import, now: Timestamp) -> Judgement {
        let (faults, delays) = (&mut self.faults, &self.delays);
        self.imports.judge(import, now, faults, delays)
    }

    /// Hears that an import was decided.
    pub(super) fn settled(&mut self, tenant: TenantId, id: ImportId, settled: &Settled) {
        self.imports.settled(tenant, id, settled);
        for fault in &mut self.faults {
            fault.forget(tenant, id);
        }
    }

    /// Counts a poll. Answers how long to wait for the import to be decided, if it is to be.
    pub(super) fn poll(&mut self, tenant: TenantId, id: ImportId) -> Option<Duration> {
        let polls = self.delays.iter().filter_map(|delay| delay.polls(tenant));
        let fewest = polls.min()?;
        self.imports.poll(tenant, id, fewest)
    }
}

/// The name of a new rule: its own, if that is sound and free, or one that is made.
fn new_name(
    given: Option<&str>,
    kind: &str,
    taken: &[&str],
    named: &mut u64,
) -> Result<String, Problem> {
    if taken.len() >= MOST_RULES {
        let why = format!("{MOST_RULES} rules of this kind stand already: delete some");
        return Err(Problem::conflict(why));
    }
    let Some(name) = given else {
        loop {
            *named += 1;
            let name = format!("{kind}-{named}");
            if !taken.contains(&name.as_str()) {
                return Ok(name);
            }
        }
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
        let why = format!(
            "a name is 1 to {LONGEST_NAME} of the letters A to Z, figures, dots, dashes and underscores"
        );
        return Err(Problem::bad(why).of("name"));
    }
    if taken.contains(&name) {
        let why = format!("there is a {kind} of the name '{name}' already: delete it first");
        return Err(Problem::bad(why).of("name"));
    }
    Ok(name.to_owned())
}
