//! What is held to be true of the record: how many requests of a kind there were, and that callers
//! waited as long as they were asked to.

use serde::{Deserialize, Serialize};

use super::{Entry, report, search::Filter};
use crate::rehearsal::control::Problem;

/// Something that should hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assertion {
    /// Which requests are counted.
    requests: Option<Filter>,
    /// So many there are.
    exactly: Option<u64>,
    /// So many there are, or more.
    at_least: Option<u64>,
    /// So many there are, or fewer.
    at_most: Option<u64>,
    /// No caller came back sooner than an answer's `Retry-After` asked for.
    retry_after_honoured: Option<bool>,
}

/// Whether it holds.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Whether it does.
    pub holds: bool,
    /// How many requests were counted, where any were to be.
    pub found: Option<u64>,
    /// Why it does not.
    pub why: Vec<String>,
    /// How many requests were forgotten, of which nothing is known.
    pub forgotten: u64,
}

impl Assertion {
    /// Refuses one that says nothing, or contradicts itself.
    pub fn check(&self) -> Result<(), Problem> {
        let counts = [
            ("exactly", self.exactly),
            ("at_least", self.at_least),
            ("at_most", self.at_most),
        ];
        let counted = counts.iter().find(|(_, count)| count.is_some());
        match (&self.requests, counted) {
            (Some(_), None) => {
                let message = "say how many there should be: exactly, at_least or at_most";
                return Err(Problem::bad(message).of("requests"));
            }
            (None, Some((name, _))) => {
                let message = "say which requests are counted: {} counts all";
                return Err(
                    Problem::bad(format!("`{name}` stands alone; {message}")).of("requests")
                );
            }
            (None, None) if self.retry_after_honoured.is_none() => {
                let message = "say what should hold: requests with exactly, at_least or at_most, or retry_after_honoured";
                return Err(Problem::bad(message));
            }
            _ => {}
        }
        if self.exactly.is_some() && (self.at_least.is_some() || self.at_most.is_some()) {
            let message = "exactly leaves no room for at_least and at_most";
            return Err(Problem::bad(message).of("exactly"));
        }
        if let (Some(least), Some(most)) = (self.at_least, self.at_most)
            && least > most
        {
            let message = format!("no number is at least {least} and at most {most}");
            return Err(Problem::bad(message).of("at_least"));
        }
        if self.retry_after_honoured == Some(false) {
            let message = "that callers do not wait can't be asserted; leave it out, or say true";
            return Err(Problem::bad(message).of("retry_after_honoured"));
        }
        Ok(())
    }

    pub(super) fn judge<'e>(
        &self,
        entries: impl Iterator<Item = &'e Entry> + Clone,
        forgotten: u64,
    ) -> Outcome {
        let mut why = Vec::new();
        let found = self.requests.as_ref().map(|filter| {
            let taken = entries.clone().filter(|entry| filter.takes(entry));
            taken.count() as u64
        });
        if let Some(found) = found {
            let mut compare = |wanted: Option<u64>, words: &str, holds: fn(&u64, &u64) -> bool| {
                if let Some(wanted) = wanted
                    && !holds(&found, &wanted)
                {
                    why.push(format!(
                        "{found} such requests were made, not {words} {wanted}"
                    ));
                }
            };
            compare(self.exactly, "exactly", u64::eq);
            compare(self.at_least, "at least", u64::ge);
            compare(self.at_most, "at most", u64::le);
        }
        if self.retry_after_honoured.is_some() {
            for (refused, early) in report::too_early(entries) {
                why.push(format!(
                    "request {} came {} s after request {} was answered {} with Retry-After {}",
                    early.number,
                    early.at.duration_since(refused.at).as_secs(),
                    refused.number,
                    refused.status,
                    refused.retry_after.unwrap_or_default(),
                ));
            }
        }
        Outcome {
            holds: why.is_empty(),
            found,
            why,
            forgotten,
        }
    }
}
