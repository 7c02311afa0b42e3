//! Serial numbers that say what becomes of their devices, for scripts that control nothing but what
//! they send: `HANGAR-806-…`, `HANGAR-808-…` and `HANGAR-802-…` are refused with that code,
//! `HANGAR-NEVER-…` stays at `unknown`, and the request that brings `HANGAR-429-…` is answered with
//! 429 the first time: who comes again is let through, so that a script gets on.

use super::{answer::too_many, bounded::Bounded, chance::digest, subject::Subject};
use crate::{
    domain::{directory_error::DirectoryError, tenant::TenantId},
    http::rehearsed::Cue,
};

/// How many serial numbers are remembered as having been refused once.
const REMEMBERED: usize = 10_000;
/// When who was refused may come again.
const RETRY_AFTER_SECONDS: u64 = 1;

const REFUSED_ONCE: &str = "HANGAR-429-";
const NEVER: &str = "HANGAR-NEVER-";
const REFUSED: [(&str, DirectoryError); 3] = [
    ("HANGAR-806-", DirectoryError::ZtdDeviceAlreadyAssigned),
    (
        "HANGAR-808-",
        DirectoryError::ZtdDeviceAssignedToOtherTenant,
    ),
    ("HANGAR-802-", DirectoryError::InvalidZtdHardwareHash),
];

/// What such a serial number says of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spell {
    /// It is refused.
    Refuse(DirectoryError),
    /// It stays at `unknown`.
    Never,
}

/// What a serial number says, and by which beginning.
pub(super) fn spell(serial: &str) -> Option<(Spell, &'static str)> {
    if begins(serial, NEVER) {
        return Some((Spell::Never, NEVER));
    }
    let (prefix, error) = REFUSED.iter().find(|(prefix, _)| begins(serial, prefix))?;
    Some((Spell::Refuse(*error), prefix))
}

/// Who was refused once.
#[derive(Debug)]
pub(super) struct Magic {
    refused: Bounded<(TenantId, u64), ()>,
}

impl Default for Magic {
    fn default() -> Self {
        Self {
            refused: Bounded::new(REMEMBERED),
        }
    }
}

impl Magic {
    /// Refuses a request that brings devices of such serial numbers for the first time.
    pub(super) fn direct(&mut self, subject: &Subject<'_>) -> Option<Cue> {
        let tenant = subject.tenant()?;
        if subject.devices_brought() == 0 {
            return None;
        }
        let mut is_first = false;
        for serial in subject.serials() {
            if begins(serial, REFUSED_ONCE) {
                let key = (tenant, digest(serial.to_ascii_uppercase().as_bytes()));
                is_first |= self.refused.get(&key).is_none();
                self.refused.insert(key, ());
            }
        }
        is_first.then(|| Cue {
            instead: Some(too_many(Some(RETRY_AFTER_SECONDS))),
            explanation: Some(format!("serial number {REFUSED_ONCE}")),
            ..Cue::default()
        })
    }
}

fn begins(serial: &str, prefix: &str) -> bool {
    serial
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_beginnings_say_something() {
        let refuse = |error| Some(Spell::Refuse(error));
        for (serial, expected) in [
            (
                "HANGAR-806-1",
                refuse(DirectoryError::ZtdDeviceAlreadyAssigned),
            ),
            (
                "hangar-808-x",
                refuse(DirectoryError::ZtdDeviceAssignedToOtherTenant),
            ),
            (
                "HANGAR-802-",
                refuse(DirectoryError::InvalidZtdHardwareHash),
            ),
            ("HANGAR-NEVER-7", Some(Spell::Never)),
            ("HANGAR-429-7", None),
            ("HANGAR-806", None),
            ("HANGAR-807-1", None),
            ("XHANGAR-806-1", None),
            ("HANGAR-80\u{fc}", None),
            ("", None),
        ] {
            assert_eq!(spell(serial).map(|(spell, _)| spell), expected, "{serial}");
        }
    }
}
