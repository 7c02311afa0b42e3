//! Measures Hangar against its yardsticks, in one run: `cargo xtask bench`.
//!
//! The server runs in a process of its own, this one generates the load. Speed is claimed as a
//! ratio of a yardstick in the same run, because machines wander.

mod body;
mod ceiling;
mod disk;
mod load;
mod server;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use hangar::config::Flags;

/// The ceiling is the same server, down to the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A quick look: hangar, ceiling and disk in turn.
    Quick {
        /// The server's program
        #[arg(long)]
        hangar: PathBuf,
        /// Seconds of each
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Connections
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Settle while creating
        #[arg(long)]
        settle: bool,
    },
    /// Serve over a store that keeps nothing.
    Ceiling {
        #[arg(long)]
        dev: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ceiling { flags, .. } => ceiling::run(flags),
        Command::Quick {
            hangar,
            seconds,
            connections,
            settle,
        } => quick(&hangar, Duration::from_secs(seconds), connections, settle),
    }
}

#[expect(clippy::print_stdout, reason = "this is a command line")]
fn quick(
    hangar: &std::path::Path,
    time: Duration,
    connections: usize,
    settle: bool,
) -> anyhow::Result<()> {
    for name in ["hangar", "ceiling"] {
        let directory = tempfile::tempdir()?;
        let server = if name == "hangar" {
            let delay = if settle { "0s" } else { "1h" };
            server::Server::hangar(hangar, directory.path(), &["--registration-delay", delay])?
        } else {
            server::Server::ceiling(hangar, directory.path())?
        };
        let before = server.cpu()?;
        let loaded = load::run(&load::Load {
            address: server.address.clone(),
            tokens: vec![server.token()?],
            connections,
            time,
            requests: u64::MAX,
            content: body::Content::Padded,
            first_device: 1,
        })?;
        let cpu = server.cpu()?.checked_sub(before).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let cpu_us = cpu.as_secs_f64() * 1e6 / loaded.requests as f64;
        println!(
            "{name}: {loaded:?} cpu {cpu_us:.0} us memory {:.1} MiB start {:?}",
            server.memory_mib()?,
            server.start
        );
        server.stop()?;
    }
    let directory = tempfile::tempdir()?;
    println!(
        "disk: {:.0}/s",
        disk::run(directory.path(), time, body::Content::Padded)?
    );
    Ok(())
}
