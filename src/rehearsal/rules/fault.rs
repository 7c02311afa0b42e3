//! One fault: when it is met, and what it then does to a request or to an import.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    TenantNames,
    answer::{Answer, too_many},
    bounded::Bounded,
    condition::{Condition, Of, When},
    subject::Subject,
    throttle::{Throttle, Window},
};
use crate::{
    domain::{directory_error::DirectoryError, import::ImportId, tenant::TenantId},
    http::rehearsed::{BreakOff, Cue, Scripted},
    rehearsal::control::Problem,
};

/// The longest that a request is made to wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);
/// The longest that a device stays out of sight, and that a throttle's window lasts.
pub(super) const LONGEST_SPAN: SignedDuration = SignedDuration::from_hours(24 * 366);
/// How many imports a fault remembers having been asked about.
const IMPORTS_REMEMBERED: usize = 10_000;

/// A fault, as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What it is called; absent, it is given a name.
    pub name: Option<String>,
    /// When it is met; absent, always.
    #[serde(default)]
    pub when: When,
    /// What it does.
    pub then: Then,
}

/// What a fault does, as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// Answers with this, and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Waits first, by the machine's clock.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub wait: Option<SignedDuration>,
    /// Breaks the connection.
    #[serde(default, rename = "break", skip_serializing_if = "Option::is_none")]
    pub break_off: Option<Break>,
    /// Refuses devices from a number on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Settles an import with this directory error, by its code or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse: Option<Value>,
    /// Leaves an import at `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
    /// Lets nobody find the device for so long after its import is complete.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub unseen: Option<SignedDuration>,
}

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// Before the request is done.
    Before,
    /// After it is done and on disk, without an answer.
    After,
    /// In the middle of the answer's body.
    Within,
}

/// A fault that stands.
#[derive(Debug)]
pub(super) struct Fault {
    name: String,
    condition: Condition,
    effect: Effect,
    written: FaultRule,
    /// Of imports that it was asked about: whether it fires.
    asked: Bounded<(TenantId, ImportId), bool>,
}

/// What a fault does to imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnImport {
    /// It is refused.
    Refuse(DirectoryError),
    /// It stays at `unknown`.
    Hold,
    /// It is complete before its device is found.
    Unseen(SignedDuration),
}

#[derive(Debug)]
enum Effect {
    Request {
        wait: Option<Duration>,
        instead: Option<Scripted>,
        break_off: Option<BreakOff>,
    },
    Throttle {
        wait: Option<Duration>,
        window: Window,
    },
    Import(OnImport),
}

impl Fault {
    /// Checks a rule.
    pub(super) fn read(
        mut written: FaultRule,
        name: String,
        names: &TenantNames,
    ) -> Result<Self, Problem> {
        let effect = written.then.read()?;
        let of = match &effect {
            Effect::Import(_) => Of::Imports,
            Effect::Request { .. } | Effect::Throttle { .. } => Of::Requests,
        };
        let condition = written.when.read(of, names)?;
        written.name = Some(name.clone());
        Ok(Self {
            name,
            condition,
            effect,
            written,
            asked: Bounded::new(IMPORTS_REMEMBERED),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How it is shown.
    pub(super) fn told(&self) -> Value {
        let mut told = json!(self.written);
        let counts = self.condition.counts();
        told["matched"] = counts.matched.into();
        told["fired"] = counts.fired.into();
        told
    }

    /// What it does to a request, if it does anything.
    pub(super) fn direct(&mut self, subject: &Subject<'_>) -> Option<Cue> {
        if matches!(self.effect, Effect::Import(_)) || !self.condition.is_met_by(subject) {
            return None;
        }
        match &mut self.effect {
            Effect::Import(_) => None,
            Effect::Request {
                wait,
                instead,
                break_off,
            } => self.condition.fires(&self.name).then(|| Cue {
                wait: *wait,
                instead: instead.clone(),
                break_off: *break_off,
                explanation: Some(format!("fault {}", self.name)),
            }),
            Effect::Throttle { wait, window } => {
                let devices = subject.devices_brought();
                let now = subject.request.received_at;
                if devices == 0 || window.lets_through(devices, now) {
                    return None;
                }
                self.condition.fires(&self.name).then(|| Cue {
                    wait: *wait,
                    instead: Some(too_many(window.retry_after_seconds)),
                    break_off: None,
                    explanation: Some(format!("fault {}", self.name)),
                })
            }
        }
    }

    /// What it does to an import, if it does anything. An import counts once, however often it is
    /// looked at.
    pub(super) fn judge(
        &mut self,
        tenant: TenantId,
        id: ImportId,
        serial: Option<&String>,
    ) -> Option<OnImport> {
        let Effect::Import(effect) = self.effect else {
            return None;
        };
        if !self.condition.takes(tenant, serial) {
            return None;
        }
        let key = (tenant, id);
        let before = self.asked.get(&key).copied();
        let fires = before.unwrap_or_else(|| self.condition.fires(&self.name));
        if before.is_none() {
            self.asked.insert(key, fires);
        }
        fires.then_some(effect)
    }

    /// Forgets an import that is decided.
    pub(super) fn forget(&mut self, tenant: TenantId, id: ImportId) {
        self.asked.remove(&(tenant, id));
    }
}

impl Then {
    fn read(&self) -> Result<Effect, Problem> {
        self.refuse_contradictions()?;
        if let Some(import) = self.on_import()? {
            return Ok(Effect::Import(import));
        }
        let wait = self.wait.map(read_wait).transpose()?;
        if let Some(throttle) = &self.throttle {
            let window = throttle.read()?;
            return Ok(Effect::Throttle { wait, window });
        }
        let answer = self.answer.as_ref();
        Ok(Effect::Request {
            wait,
            instead: answer
                .map(|answer| answer.read("then.answer"))
                .transpose()?,
            break_off: self.break_off.map(|place| match place {
                Break::Before => BreakOff::Before,
                Break::After => BreakOff::After,
                Break::Within => BreakOff::Within,
            }),
        })
    }

    fn refuse_contradictions(&self) -> Result<(), Problem> {
        let answer = ("answer", self.answer.is_some());
        let wait = ("wait", self.wait.is_some());
        let break_off = ("break", self.break_off.is_some());
        let cut_off = (
            "break",
            matches!(self.break_off, Some(Break::Before | Break::After)),
        );
        let throttle = ("throttle", self.throttle.is_some());
        let refuse = ("refuse", self.refuse.is_some());
        let hold = ("hold", self.hold.is_some());
        let unseen = ("unseen", self.unseen.is_some());
        let on_requests = [answer, wait, break_off, throttle];
        let on_imports = [refuse, hold, unseen];
        let none = on_requests
            .iter()
            .chain(&on_imports)
            .all(|(_, given)| !given);
        if none {
            let why = "there is no effect: give answer, wait, break or throttle, or else refuse, hold or unseen";
            return Err(Problem::bad(why).of("then"));
        }
        let apart = "one is for requests and the other for imports: make two rules of them";
        let across = on_requests.iter().flat_map(|request| {
            on_imports
                .iter()
                .map(move |import| (*request, *import, apart))
        });
        let unsaid = "that answer would never be seen";
        let twice = "an import can't have both";
        let within = [
            (answer, throttle, "a throttle's answer is 429"),
            (answer, cut_off, unsaid),
            (throttle, break_off, "a request that is refused is not done"),
            (refuse, hold, twice),
            (refuse, unseen, twice),
            (hold, unseen, twice),
        ];
        for ((one, first), (other, second), why) in across.chain(within) {
            if first && second {
                let why = format!("it contradicts {one}: {why}");
                return Err(Problem::bad(why).of(format!("then.{other}")));
            }
        }
        Ok(())
    }

    fn on_import(&self) -> Result<Option<OnImport>, Problem> {
        if let Some(error) = &self.refuse {
            return Ok(Some(OnImport::Refuse(read_directory_error(error)?)));
        }
        match self.hold {
            Some(true) => return Ok(Some(OnImport::Hold)),
            Some(false) => {
                let why = "to hold nothing is no effect: leave it out";
                return Err(Problem::bad(why).of("then.hold"));
            }
            None => {}
        }
        let Some(unseen) = self.unseen else {
            return Ok(None);
        };
        if !unseen.is_positive() || unseen > LONGEST_SPAN {
            let why = "it is above 0s and at most a year";
            return Err(Problem::bad(why).of("then.unseen"));
        }
        Ok(Some(OnImport::Unseen(unseen)))
    }
}

fn read_wait(wait: SignedDuration) -> Result<Duration, Problem> {
    let bounded = wait.is_positive() && wait <= LONGEST_WAIT;
    let wait = Duration::try_from(wait).ok().filter(|_| bounded);
    wait.ok_or_else(|| {
        let why = "it is above 0s and at most 5m: nobody waits without an end";
        Problem::bad(why).of("then.wait")
    })
}

fn read_directory_error(error: &Value) -> Result<DirectoryError, Problem> {
    let by_code = |code: i64| DirectoryError::from_code(i32::try_from(code).ok()?);
    let found = match error {
        Value::Number(code) => code.as_i64().and_then(by_code),
        Value::String(text) => match text.parse() {
            Ok(code) => by_code(code),
            Err(_) => DirectoryError::ALL
                .into_iter()
                .find(|known| known.name().eq_ignore_ascii_case(text)),
        },
        _ => None,
    };
    found.ok_or_else(|| {
        let known = DirectoryError::ALL.map(|error| format!("{} {}", error.code(), error.name()));
        let why = format!("it is none of the directory's errors: {}", known.join(", "));
        Problem::bad(why).of("then.refuse")
    })
}
