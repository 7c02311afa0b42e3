//! Hangar's integration tests, in one binary: linking once is what makes them quick.

#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on says so by failing"
)]

mod architecture;
mod bad_input;
mod batch;
mod behavior;
mod cli;
mod cli_hash;
mod cli_import;
mod conventions;
mod coverage;
mod crash;
mod description;
mod devices;
mod harness;
mod imports;
mod issuer;
mod keeping;
mod outage;
mod process;
mod profiles;
mod registration;
mod rehearsal;
mod rolling;
mod scripts;
mod seed;
mod settings;
mod throttling;
mod tls;
mod uploads;
