//! Runs the fuzz bodies on stable Rust: mutated input for a while each, without coverage feedback.
//! The bodies are plain functions of the crates that they belong to, and listed in `bodies`; running
//! one is in `session`, mutating in `mutator`. A crate of its own, so that `cargo xtask` need not
//! build Hangar. A seed fixes the sequence of inputs: what was found once is found again.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "What a fuzzer has to say is meant for the person who started it."
)]

mod bodies;
mod mutator;
mod session;

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use clap::Parser;

use self::bodies::{BODIES, Body};
use self::session::{Session, corpus};

/// Feeds mutated input to the fuzz bodies, on stable Rust.
#[derive(Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Options {
    /// Run only this body.
    #[arg(long)]
    name: Option<String>,
    /// How long each body runs.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many inputs each body gets at most.
    #[arg(long)]
    runs: Option<u64>,
    /// Where the sequence of inputs starts; drawn at random and printed when absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Give this file to the body, once, instead of mutated input.
    #[arg(long, value_name = "FILE", requires = "name")]
    input: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Fuzzes as many bodies at a time as there are cores. None is begun after one has failed.
fn run(options: &Options) -> anyhow::Result<()> {
    let bodies: Vec<_> = BODIES
        .iter()
        .filter(|body| is_chosen(body, options))
        .collect();
    if let Some(name) = &options.name {
        ensure!(!bodies.is_empty(), "there is no fuzz body named {name}");
    }
    if let Some(file) = &options.input {
        let input = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        for body in bodies {
            (body.run)(&input);
        }
        return Ok(());
    }
    let seed = options
        .seed
        .unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let directory = workspace_root().join("target/fuzz");
    fs::create_dir_all(&directory)?;
    let start = |body: &'static Body| fuzz(body, options, seed, &directory);
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    for bodies in bodies.chunks(at_once) {
        thread::scope(|scope| {
            let running: Vec<_> = bodies
                .iter()
                .map(|&body| scope.spawn(move || start(body)))
                .collect();
            running.into_iter().try_for_each(|body| {
                let ended = body.join();
                ended.unwrap_or_else(|_| Err(anyhow!("the fuzzer itself panicked")))
            })
        })?;
    }
    Ok(())
}

/// Fuzzes one body from its corpus.
fn fuzz(body: &Body, options: &Options, seed: u64, directory: &Path) -> anyhow::Result<()> {
    let corpus = corpus(body, &workspace_root().join("fuzz/corpus").join(body.name))?;
    let session = Session {
        body: *body,
        seed,
        time: Duration::from_secs(options.seconds),
        most_runs: options.runs,
        stall: Duration::from_secs(10),
        directory: directory.to_path_buf(),
    };
    println!(
        "fuzz {name}: {} inputs to start from, --seed {seed}; should this process die, its last \
         input is in target/fuzz/{name}.running",
        corpus.len(),
        name = body.name
    );
    session.run(corpus)
}

fn is_chosen(body: &Body, options: &Options) -> bool {
    options.name.as_ref().is_none_or(|name| name == body.name)
}

/// The directory that holds the workspace's manifest.
fn workspace_root() -> PathBuf {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    fuzz.parent().unwrap_or(fuzz).to_path_buf()
}
