//! One delay: how long the imports that it is for wait until they are decided.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    TenantNames,
    chance::{digest, draw},
    condition::{read_serial, read_tenant},
    glob::Glob,
};
use crate::{
    domain::{import::Import, tenant::TenantId},
    rehearsal::control::Problem,
};

/// The longest delay.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);
/// The most polls that a delay counts.
const MOST_POLLS: u64 = 1_000_000;

/// A delay, as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DelayRule {
    /// What it is called; absent, it is given a name.
    pub name: Option<String>,
    /// Which imports it is for; absent, all.
    #[serde(default)]
    pub when: Which,
    /// They wait so long from the moment when they were accepted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub fixed: Option<SignedDuration>,
    /// They wait so long, each its own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// They wait until they were asked for so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_polls: Option<u64>,
    /// They wait for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<bool>,
}

/// Which imports a delay is for, as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The tenant, by id or by a name that the authority knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The pattern of a serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// A range of delays.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The shortest.
    #[serde(serialize_with = "jiff::fmt::serde::duration::friendly::compact::required")]
    pub from: SignedDuration,
    /// The longest.
    #[serde(serialize_with = "jiff::fmt::serde::duration::friendly::compact::required")]
    pub to: SignedDuration,
    /// What the draws are made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A delay that stands.
#[derive(Debug)]
pub(super) struct Delay {
    name: String,
    tenant: Option<TenantId>,
    serial: Option<Glob>,
    how_long: HowLong,
    written: DelayRule,
}

#[derive(Clone, Copy, Debug)]
enum HowLong {
    Fixed(SignedDuration),
    Range {
        from: SignedDuration,
        to: SignedDuration,
        seed: u64,
    },
    AfterPolls(u64),
    Never,
}

/// Until when an import waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until this instant.
    Until(Timestamp),
    /// Until it was asked for more often than this.
    AfterPolls(u64),
    /// For ever.
    Never,
}

impl Delay {
    /// Checks a rule.
    pub(super) fn read(
        mut written: DelayRule,
        name: String,
        names: &TenantNames,
    ) -> Result<Self, Problem> {
        let how_long = written.read()?;
        let tenant = read_tenant(written.when.tenant.as_deref(), names)?;
        let serial = read_serial(written.when.serial.as_deref())?;
        written.name = Some(name.clone());
        Ok(Self {
            name,
            tenant,
            serial,
            how_long,
            written,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How it is shown.
    pub(super) fn told(&self) -> Value {
        json!(self.written)
    }

    /// Whether it is for this import.
    pub(super) fn is_for(&self, tenant: TenantId, serial: Option<&String>) -> bool {
        let takes = |glob: &Glob| serial.is_some_and(|serial| glob.matches(serial));
        self.tenant.is_none_or(|wanted| wanted == tenant) && self.serial.as_ref().is_none_or(takes)
    }

    /// After how many polls it lets imports of this tenant go, if that is what it does.
    pub(super) fn polls(&self, tenant: TenantId) -> Option<u64> {
        match self.how_long {
            HowLong::AfterPolls(polls) if self.tenant.is_none_or(|wanted| wanted == tenant) => {
                Some(polls)
            }
            _ => None,
        }
    }

    /// Until when an import waits. Where it is drawn, it is drawn from the serial number, or from
    /// the id where there is none: the same devices wait as long in every run.
    pub(super) fn wait(&self, import: &Import, serial: Option<&String>) -> Wait {
        let delay = match self.how_long {
            HowLong::Never => return Wait::Never,
            HowLong::AfterPolls(polls) => return Wait::AfterPolls(polls),
            HowLong::Fixed(delay) => delay,
            HowLong::Range { from, to, seed } => {
                let number = match serial {
                    Some(serial) => digest(serial.as_bytes()),
                    None => digest(import.id.0.as_bytes()),
                };
                let span = (to - from).as_secs_f64() * draw(seed, &self.name, number);
                from + SignedDuration::try_from_secs_f64(span).unwrap_or_default()
            }
        };
        Wait::Until(
            import
                .accepted_at
                .saturating_add(delay)
                .unwrap_or(Timestamp::MAX),
        )
    }
}

impl DelayRule {
    fn read(&self) -> Result<HowLong, Problem> {
        let given = [
            ("fixed", self.fixed.is_some()),
            ("range", self.range.is_some()),
            ("after_polls", self.after_polls.is_some()),
            ("never", self.never.is_some()),
        ];
        let mut given = given.iter().filter(|(_, given)| *given);
        let Some((first, _)) = given.next() else {
            let why = "how long is missing: give fixed, range, after_polls or never";
            return Err(Problem::bad(why));
        };
        if let Some((second, _)) = given.next() {
            let why = format!("it contradicts {first}: give one of them");
            return Err(Problem::bad(why).of(*second));
        }
        if let Some(delay) = self.fixed {
            return Ok(HowLong::Fixed(read_delay(delay, "fixed")?));
        }
        if let Some(range) = &self.range {
            return range.read();
        }
        match (self.after_polls, self.never) {
            (Some(polls), _) if (1..=MOST_POLLS).contains(&polls) => Ok(HowLong::AfterPolls(polls)),
            (Some(_), _) => {
                let why = format!("polls are from 1 to {MOST_POLLS}");
                Err(Problem::bad(why).of("after_polls"))
            }
            (None, Some(true)) => Ok(HowLong::Never),
            (None, _) => {
                let why = "to wait not for ever is no delay: leave it out";
                Err(Problem::bad(why).of("never"))
            }
        }
    }
}

impl Range {
    fn read(&self) -> Result<HowLong, Problem> {
        let from = read_delay(self.from, "range.from")?;
        let to = read_delay(self.to, "range.to")?;
        if to < from {
            return Err(Problem::bad("it is shorter than from").of("range.to"));
        }
        let seed = self.seed.unwrap_or(0);
        Ok(HowLong::Range { from, to, seed })
    }
}

fn read_delay(delay: SignedDuration, field: &str) -> Result<SignedDuration, Problem> {
    if delay.is_negative() || delay > LONGEST {
        return Err(Problem::bad("a delay is from 0s to a year").of(field));
    }
    Ok(delay)
}
