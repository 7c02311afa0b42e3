//! A throttle that counts devices: so many are let through, and none after.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{answer::read_retry_after, fault::LONGEST_SPAN};
use crate::rehearsal::control::Problem;

/// From which device on requests are refused, as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// The first device that is refused, counted from 1.
    pub from_device: u64,
    /// How long a count lasts, from its first device on, by the rehearsal's clock; absent, for ever.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub per: Option<SignedDuration>,
    /// When to try again; absent, the answer does not say.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub retry_after: Option<SignedDuration>,
}

/// How many devices were let through since when.
#[derive(Debug)]
pub(super) struct Window {
    free: u64,
    per: Option<SignedDuration>,
    pub(super) retry_after_seconds: Option<u64>,
    taken: u64,
    began: Option<Timestamp>,
}

impl Throttle {
    /// Checks what is written.
    pub(super) fn read(&self) -> Result<Window, Problem> {
        let bad = |field: &str, why: &str| Problem::bad(why).of(format!("then.throttle.{field}"));
        if self.from_device == 0 {
            return Err(bad("from_device", "devices are counted from 1"));
        }
        let is_span = |per: SignedDuration| per.is_positive() && per <= LONGEST_SPAN;
        if !self.per.is_none_or(is_span) {
            return Err(bad("per", "it is above 0s and at most a year"));
        }
        Ok(Window {
            free: self.from_device - 1,
            per: self.per,
            retry_after_seconds: read_retry_after(self.retry_after)
                .map_err(|why| bad("retry_after", &why))?,
            taken: 0,
            began: None,
        })
    }
}

impl Window {
    /// Whether so many devices more are let through. Who is not, is not counted.
    pub(super) fn lets_through(&mut self, devices: u64, now: Timestamp) -> bool {
        let began = *self.began.get_or_insert(now);
        if self.per.is_some_and(|per| now.duration_since(began) >= per) {
            self.began = Some(now);
            self.taken = 0;
        }
        let sum = self.taken.saturating_add(devices);
        let fits = sum <= self.free;
        if fits {
            self.taken = sum;
        }
        fits
    }
}
