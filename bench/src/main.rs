//! Measures Hangar against its yardsticks, in one run: `cargo xtask bench`.
//!
//! The server runs in a process of its own, this one generates the load. Speed is claimed as a
//! ratio of a yardstick in the same run, because machines wander. What is measured is in `measure`,
//! on PostgreSQL in `postgres`, in which order in `run`, what is asked of the numbers in `thresholds`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "What a benchmark has to say is meant for the person who started it."
)]

mod body;
mod ceiling;
mod client;
mod disk;
mod load;
mod measure;
mod postgres;
mod random;
mod requests;
mod results;
mod rows;
mod run;
mod server;
mod summary;
mod table;
mod thresholds;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hangar::config::Flags;

/// The ceiling is the same server, down to the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "hangar-bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything, and compare it with the thresholds.
    Run(run::Options),
    /// Serve over a store that keeps nothing; `run` starts it.
    Ceiling {
        #[arg(long)]
        dev: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Ceiling { flags, .. } => ceiling::run(flags).map(|()| ExitCode::SUCCESS),
        Command::Run(options) => run::run(&options),
    }
}
