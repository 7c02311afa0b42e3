//! A run: what is measured, in which order and for how long.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use crate::{
    body::Content,
    measure::{
        Place, batch,
        create::{self, Case},
        import,
        lists::Extent,
        memory,
        reads::{self, Keeping},
        settled, start, tokens,
    },
    postgres,
    results::{Machine, Results},
    table,
    thresholds::{self, Verdict},
};

/// What `run` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Everything once and briefly, about 20 s in all, without thresholds
    #[arg(long)]
    smoke: bool,
    /// Only creates, at so many connections: a short way round while working on them
    #[arg(long, value_name = "NUMBER", conflicts_with = "smoke")]
    connections: Option<usize>,
    /// Only reads
    #[arg(long, conflicts_with = "connections")]
    reads: bool,
    /// On PostgreSQL, against its own yardsticks
    #[arg(long, conflicts_with = "before")]
    postgres: bool,
    /// Hangar's program [default: the one beside this one]
    #[arg(long, value_name = "PATH")]
    hangar: Option<PathBuf>,
    /// An earlier Hangar's program, to compare creates with at 64 connections
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,
    /// Where the results are written [default: results.json or postgres.json in target/bench]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where data directories are made, on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    directory: PathBuf,
    /// Seconds of each contender at 64 connections
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds_64: u64,
    /// Repeats at 64 connections
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats_64: u32,
    /// Seconds of each contender elsewhere
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Repeats elsewhere
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
}

/// How much of everything.
struct Plan {
    time_64: Duration,
    repeats_64: u32,
    time: Duration,
    repeats: u32,
    creates_for_memory: u64,
    starts: u32,
    million_rows: bool,
    settled_samples: u32,
    tokens: u32,
    import_rows: u32,
    batch_connections: &'static [usize],
    postgres_connections: &'static [usize],
    sizes: &'static [u64],
    small: u64,
    keeping: Keeping,
    extent: Extent,
}

impl Plan {
    fn of(options: &Options) -> Self {
        if options.smoke {
            // Long enough to go through everything, and no longer.
            let time = Duration::from_millis(300);
            return Self {
                time_64: time,
                repeats_64: 1,
                time,
                repeats: 1,
                creates_for_memory: 0,
                starts: 3,
                million_rows: false,
                settled_samples: 50,
                tokens: 500,
                import_rows: 500,
                batch_connections: &[1],
                // 256 take longer to connect than they have time.
                postgres_connections: &[16, 64],
                sizes: &[200, 300, 400],
                small: 100,
                keeping: Keeping::Fleeting,
                extent: Extent {
                    page: 10,
                    samples: 20,
                },
            };
        }
        Self {
            time_64: Duration::from_secs(options.seconds_64),
            repeats_64: options.repeats_64,
            time: Duration::from_secs(options.seconds),
            repeats: options.repeats,
            creates_for_memory: 500_000,
            starts: 21,
            million_rows: true,
            settled_samples: 200,
            tokens: 10_000,
            import_rows: 100_000,
            batch_connections: &[1, 16, 64],
            postgres_connections: &[16, 64, 256],
            sizes: &[10_000, 100_000, 1_000_000],
            small: 10_000,
            keeping: Keeping::Kept,
            extent: Extent {
                page: 100,
                samples: 200,
            },
        }
    }

    fn case(&self, connections: usize, content: Content) -> Case {
        // Only the case that has thresholds runs for long.
        let long = connections == 64 && content == Content::Padded;
        Case {
            connections,
            content,
            time: if long { self.time_64 } else { self.time },
            repeats: if long { self.repeats_64 } else { self.repeats },
            settling: long,
        }
    }

    /// The same on PostgreSQL.
    fn postgres_case(&self, connections: usize) -> postgres::Case {
        let long = connections == 64;
        postgres::Case {
            connections,
            time: if long { self.time_64 } else { self.time },
            repeats: if long { self.repeats_64 } else { self.repeats },
            all: long,
        }
    }

    fn reads(&self) -> reads::Case {
        reads::Case {
            sizes: self.sizes.to_vec(),
            small: self.small,
            keeping: self.keeping,
            extent: self.extent,
            time: self.time,
            repeats: self.repeats,
        }
    }
}

/// Runs, prints the tables, writes the results, and fails where a must was missed.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&options.directory)?;
    let place = Place {
        hangar: program(options.hangar.as_deref())?,
        before: options.before.clone(),
        directory: options.directory.clone(),
    };
    let plan = Plan::of(options);
    if options.postgres {
        return run_on_postgres(options, &place, &plan);
    }
    if let Some(connections) = options.connections {
        let row = create::row(&place, plan.case(connections, Content::Padded))?;
        println!("{}", table::render_creates(&[row]));
        return Ok(ExitCode::SUCCESS);
    }
    if options.reads {
        let reads = reads::measure(&place, &plan.reads())?;
        let checks = if options.smoke {
            Vec::new()
        } else {
            thresholds::check_reads(&reads)
        };
        println!("{}", table::render_reads(&reads, &checks));
        return Ok(ExitCode::SUCCESS);
    }
    let results = measure(&place, &plan, options.smoke)?;
    println!("{}", table::render(&results));
    write_json(options, "results.json", &results)?;
    Ok(verdict(&results.checks))
}

/// The same on PostgreSQL.
fn run_on_postgres(options: &Options, place: &Place, plan: &Plan) -> anyhow::Result<ExitCode> {
    let case = |connections| plan.postgres_case(connections);
    let creates = match options.connections {
        Some(connections) => vec![case(connections)],
        None if options.reads => Vec::new(),
        None => plan
            .postgres_connections
            .iter()
            .copied()
            .map(case)
            .collect(),
    };
    let reads = options.connections.is_none().then(|| plan.reads());
    let results = postgres::measure(place, &creates, reads.as_ref(), plan.keeping)?;
    println!("{}", postgres::render(&results));
    write_json(options, "postgres.json", &results)?;
    Ok(verdict(&results.checks))
}

/// How a run ends: badly where a must was missed.
fn verdict(checks: &[thresholds::Check]) -> ExitCode {
    let missed = |check: &thresholds::Check| check.verdict == Verdict::Missed;
    if checks.iter().any(missed) {
        eprintln!("a must was missed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn measure(place: &Place, plan: &Plan, smoke: bool) -> anyhow::Result<Results> {
    let machine = Machine::here();
    let mut padded = Vec::new();
    for connections in [1, 16, 64, 256] {
        padded.push(create::row(place, plan.case(connections, Content::Padded))?);
    }
    let case = plan.case(64, Content::Incompressible);
    let incompressible = vec![create::row(place, case)?];
    let disk = padded.iter().find(|row| row.connections == 64);
    let disk = disk.context("no row of 64 connections")?.disk_per_second;

    eprintln!("memory");
    let memory = memory::measure(place, plan.creates_for_memory)?;
    eprintln!("starts");
    let start_empty_ms = start::empty(place, plan.starts)?;
    let start_million_ms = if plan.million_rows {
        Some(start::million(place, plan.starts)?)
    } else {
        None
    };
    eprintln!("from 201 to settled");
    let settled_after_ms = settled::idle(place, plan.settled_samples)?;
    eprintln!("tokens");
    let tokens = tokens::measure(place, plan.tokens, plan.repeats)?;
    eprintln!("import");
    let import = import::measure(place, plan.import_rows, disk)?;
    let mut batches = Vec::new();
    for connections in plan.batch_connections {
        let case = batch::Case {
            connections: *connections,
            time: plan.time,
            repeats: plan.repeats,
        };
        batches.push(batch::row(place, case)?);
    }
    let reads = reads::measure(place, &plan.reads())?;

    let mut results = Results {
        smoke,
        machine,
        padded,
        incompressible,
        memory,
        start_empty_ms,
        start_million_ms,
        settled_after_ms,
        tokens,
        import,
        batches,
        reads,
        checks: Vec::new(),
    };
    if !smoke {
        results.checks = thresholds::check(&results);
    }
    Ok(results)
}

/// The program that is measured: cargo puts it beside this one.
fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("hangar"),
    };
    ensure!(
        path.is_file(),
        "there is no program at {}: build Hangar, or name it with --hangar",
        path.display()
    );
    Ok(path)
}

fn write_json(options: &Options, name: &str, results: &impl Serialize) -> anyhow::Result<()> {
    let path = match &options.json {
        Some(path) => path.clone(),
        None => Path::new("target/bench").join(name),
    };
    let text = serde_json::to_string_pretty(results)? + "\n";
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn plan(line: &[&str]) -> Plan {
        let line = ["run"].iter().chain(line);
        Plan::of(&Line::try_parse_from(line).unwrap().options)
    }

    #[test]
    fn only_64_connections_run_for_long() {
        let plan = plan(&[]);
        let case = plan.case(64, Content::Padded);
        assert_eq!((case.time.as_secs(), case.repeats), (60, 5));
        assert!(case.settling);
        for case in [
            plan.case(16, Content::Padded),
            plan.case(64, Content::Incompressible),
        ] {
            assert_eq!((case.time.as_secs(), case.repeats), (10, 3));
            assert!(!case.settling);
        }
    }

    #[test]
    fn a_smoke_run_is_short_whatever_else_is_said() {
        let plan = plan(&["--smoke", "--seconds-64", "60"]);
        assert!(plan.time_64 < Duration::from_secs(1));
        assert!(!plan.million_rows);
        let reads = plan.reads();
        assert_eq!(reads.keeping, Keeping::Fleeting);
        assert!(reads.sizes.iter().all(|rows| *rows < 1000));
    }

    #[test]
    fn thresholds_of_reads_are_of_the_sizes_that_they_name() {
        let reads = plan(&[]).reads();
        assert_eq!(reads.sizes.first(), Some(&10_000));
        assert_eq!(reads.sizes.last(), Some(&1_000_000));
        assert_eq!((reads.small, reads.extent.page), (10_000, 100));
    }
}
