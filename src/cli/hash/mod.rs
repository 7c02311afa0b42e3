//! `hangar hash`: the hash doctor. What a hardware hash says, whether two are of one device, and
//! hashes of invented devices.
//!
//! Decoding and judging a hash is the `hardware-hash` crate's, likeness is `domain`'s.

mod checkup;
mod compare;
mod generate;
mod input;
mod inspect;
mod redact;
mod summary;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

use crate::domain::clock::Clock;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Show what a hash says of its device, what is wrong with it, and what to do.
    ///
    /// Reads one hash (its bytes, or base64) or a device CSV, row by row. The exit code is 0, or 1
    /// if a hash would be refused or a row can't be read, or 2 if the file can't.
    Inspect(inspect::Arguments),
    /// Tell whether two hashes are of one device, by which fingerprints, and what changed.
    ///
    /// The exit code is 0 for the same device, 1 for different ones, 2 if that can't be told.
    Compare(compare::Arguments),
    /// Make hashes of invented devices, all distinct, the same for the same seed.
    Generate(generate::Arguments),
}

/// Runs the command. The exit code says what was found.
pub(super) fn run(action: Action, clock: &impl Clock) -> anyhow::Result<ExitCode> {
    match action {
        Action::Inspect(arguments) => inspect::run(&arguments, clock.now()),
        Action::Compare(arguments) => compare::run(&arguments, clock.now()),
        Action::Generate(arguments) => generate::run(&arguments).map(|()| ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use hardware_hash::FindingCode;

    use super::checkup;

    #[test]
    fn every_finding_code_is_explained_to_technicians() {
        let page = include_str!("../../../docs/hardware-hash.md");
        let of_the_crate = FindingCode::ALL.iter().map(|code| code.as_str());
        for code in of_the_crate.chain(checkup::OWN_CODES) {
            assert!(page.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}
