//! What a technician does about each outcome: one sentence a code.

use super::outcome::{Outcome, Outcomes, State};
use crate::domain::directory_error::DirectoryError;

/// What to do about an error of the device directory.
pub(super) fn about(error: DirectoryError) -> &'static str {
    match error {
        DirectoryError::StorageError => {
            "The service had a fault of its own: import the row again later."
        }
        DirectoryError::InvalidZtdHardwareHash => {
            "The hardware hash is damaged, or names no manufacturer or serial number: capture it again on the device."
        }
        DirectoryError::MissingZtdSerialNumberAndProductKey => {
            "The row names no device: add its hardware hash, or its serial number and Windows Product ID."
        }
        DirectoryError::ZtdDeviceAlreadyAssigned => {
            "Already registered in your own tenant: nothing to do; to register it anew, delete the device first."
        }
        DirectoryError::ZtdDeviceAssignedToOtherTenant => {
            "Registered by another tenant: ask its owner to delete it, or Microsoft support (on Hangar, its operator) \
             to release it."
        }
        DirectoryError::ZtdDeviceNotFound => {
            "No known device has this serial number and Windows Product ID: add its hardware hash."
        }
        DirectoryError::ZtdDeviceIsNotUnique => {
            "More than one known device matches: capture the hardware hash with the TPM switched on, so that the \
             device can be told from the others."
        }
        DirectoryError::ZtdDeviceDuplicated => {
            "The same device stands earlier in the same call, and that row counts: remove this one."
        }
    }
}

/// The same by number, for any server's codes.
pub(super) fn about_code(code: i32) -> &'static str {
    DirectoryError::from_code(code).map_or(
        "The service refuses the device for a reason of its own: look the code up, or ask its support.",
        about,
    )
}

/// The word for a state in reports.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Accepted => "unknown",
        State::Complete => "complete",
        State::Error => "error",
        State::Refused | State::Duplicate | State::Rejected => "refused",
        State::Doubtful => "doubtful",
        State::Gone => "gone",
    }
}

/// What to do about a row, where its state alone says it; empty where nothing needs doing.
pub(super) fn sentence(row: u32, outcome: Outcome, outcomes: &Outcomes) -> String {
    match outcome.state {
        State::Ready | State::Complete | State::Refused => String::new(),
        State::Accepted => {
            "Accepted, but not decided yet: start the same command again to go on waiting.".to_owned()
        }
        State::Error => about_code(outcome.code).to_owned(),
        State::Duplicate => format!(
            "The same device stands in row {}, which counts: remove this one.",
            outcome.code
        ),
        State::Rejected => format!(
            "The server does not take the row: {}. Correct the row.",
            outcomes.rejection(row)
        ),
        State::Doubtful => "Whether the server has the row can't be told, so it was not sent again: look for the \
                            device in the list of devices, and import the row alone if it is not there."
            .to_owned(),
        State::Gone => "The import was deleted before its outcome was read: look for the device in the list of \
                        devices."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_sentence_of_its_own() {
        let sentences: HashSet<_> = DirectoryError::ALL.into_iter().map(about).collect();
        assert_eq!(sentences.len(), DirectoryError::ALL.len());
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
        assert!(about_code(808).contains("ask its owner to delete it"));
        assert!(about_code(4711).contains("a reason of its own"));
    }
}
