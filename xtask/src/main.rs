//! `cargo xtask`: the project's own chores. Here are the command line and its answers;
//! the suites are in `suites`, the programs they need in `programs`, the README's
//! promises in `first_run`, other people's clients in `clients`, what is run with them besides in
//! `examples`, the benchmark's start in `bench`, the program for servers in `pgo`. The fuzzer is a
//! crate of its own. `echo` keeps the last words of what failed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "What a chore has to say is meant for the person who started it."
)]

mod bench;
mod clients;
mod echo;
mod examples;
mod first_run;
mod pgo;
mod postgres;
mod programs;
mod server;
mod suites;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::programs::Install;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test suite.
    Test {
        /// Install what is missing (as root on Debian); implied by CI=1 and CI=true.
        #[arg(long)]
        install: bool,
        /// Run only this suite; may be given more than once.
        #[arg(long = "suite", value_name = "NAME",
              value_parser = PossibleValuesParser::new(suites::SUITES.iter().map(|suite| suite.name)))]
        suites: Vec<String>,
        /// Run only the failover of a cluster: short for --suite cluster.
        #[arg(long, conflicts_with = "suites")]
        cluster: bool,
    },
    /// Run what CI runs: formatting, lints, dependencies, documentation, every suite.
    Ci,
    /// Look for the programs that the suites need.
    Setup {
        /// Install what is missing (as root on Debian); implied by CI=1 and CI=true.
        #[arg(long)]
        install: bool,
    },
    /// Measure Hangar against its yardsticks; the options are those of `hangar-bench run`.
    Bench {
        /// Build the program for servers first, and measure that. Stands before the other options.
        #[arg(long)]
        pgo: bool,
        /// Options for the benchmark, such as --smoke and --postgres.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Build the program for servers, target/pgo/hangar: guided by a profile of the benchmark's load.
    Pgo {
        /// Install what the load needs (as root on Debian); implied by CI=1 and CI=true.
        #[arg(long)]
        install: bool,
    },
    /// Feed mutated input to the fuzz bodies, on stable Rust.
    #[command(disable_help_flag = true)]
    Fuzz {
        /// What the fuzzer takes: see `cargo xtask fuzz --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Do what the README promises, with the release build.
    #[command(hide = true)]
    FirstRun,
    /// Run the tests of the whole API on a PostgreSQL server of their own.
    #[command(hide = true)]
    Postgres,
    /// Drive the release build with a client that others wrote.
    #[command(hide = true)]
    Client {
        /// Whose.
        client: clients::Client,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Test {
            install,
            mut suites,
            cluster,
        } => {
            suites.extend(cluster.then(|| "cluster".to_owned()));
            suites::run(&suites, Install::wanted(install))
        }
        Chore::Ci => run_ci(),
        Chore::Setup { install } => suites::set_up(Install::wanted(install)),
        Chore::Fuzz { arguments } => run_fuzzer(&arguments),
        Chore::FirstRun => first_run::run(),
        Chore::Postgres => postgres::run(),
        Chore::Client { client } => clients::run(client),
        Chore::Bench { pgo, options } => bench::run(pgo, &options),
        Chore::Pgo { install } => {
            pgo::run(Install::wanted(install)).map(|program| println!("{}", program.display()))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the script that CI runs, so that there is one list of steps.
fn run_ci() -> anyhow::Result<()> {
    let status = Command::new("bash")
        .arg(".ci/run")
        .current_dir(workspace_root())
        .stdin(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), ".ci/run failed");
    Ok(())
}

/// Runs the fuzzer, which is built with Hangar and so not a part of this program.
fn run_fuzzer(arguments: &[OsString]) -> anyhow::Result<()> {
    let status = suites::fuzzer()
        .args(arguments)
        .current_dir(workspace_root())
        .status()?;
    anyhow::ensure!(status.success(), "the fuzzer failed");
    Ok(())
}

/// Cargo, the one that started this.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// The directory that holds the workspace's manifest.
fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where Cargo builds, relative to the workspace's root unless it is said otherwise.
fn target_dir() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

/// Reads a variable of the environment. Chores have no configuration of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "The rule is Hangar's; cargo and CI speak to their tools through the environment."
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(options: &[&str]) -> (bool, Vec<String>) {
        let words = ["xtask", "bench"].iter().chain(options);
        match Arguments::try_parse_from(words).map(|arguments| arguments.chore) {
            Ok(Chore::Bench { pgo, options }) => (pgo, options),
            _ => panic!("not the benchmark"),
        }
    }

    #[test]
    fn the_benchmark_gets_all_options_but_the_one_that_is_not_its() {
        let (pgo, options) = bench(&["--pgo", "--postgres", "--seconds", "5"]);
        assert!(pgo);
        assert_eq!(options, ["--postgres", "--seconds", "5"]);
        let (pgo, options) = bench(&["--smoke"]);
        assert!(!pgo);
        assert_eq!(options, ["--smoke"]);
    }
}
