//! What a run found out: the shape of its JSON file, from which the tables are made too.

mod reads;

use std::fs;

use serde::Serialize;

use crate::{load::Loaded, summary::median, thresholds::Check};

pub(crate) use reads::{Collection, ListRead, LookupRow, Question, Reads, Together, WhileCreating};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    /// Whether it was too short to say anything about speed.
    pub(crate) smoke: bool,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// Creates of hashes like real ones, by connections.
    pub(crate) padded: Vec<CreateRow>,
    /// The same with hashes that nothing makes shorter.
    pub(crate) incompressible: Vec<CreateRow>,
    /// Memory, if measured.
    pub(crate) memory: Memory,
    /// Start to first answer on an empty data directory.
    pub(crate) start_empty_ms: f64,
    /// Start to first answer with a million rows.
    pub(crate) start_million_ms: Option<f64>,
    /// From the 201 until a GET shows the outcome, on an idle server: the median.
    pub(crate) settled_after_ms: f64,
    /// Tokens that the server never saw before.
    pub(crate) tokens: Tokens,
    /// `hangar import`, where there is one.
    pub(crate) import: Option<Import>,
    /// Batches of creates, by connections.
    pub(crate) batches: Vec<BatchRow>,
    /// Lists, searches and lookups.
    pub(crate) reads: Reads,
    /// The numbers beside what is asked of them; empty after a smoke run.
    pub(crate) checks: Vec<Check>,
}

/// Where a run was made, and how busy it was there.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Processors that the benchmark may use.
    pub(crate) processors: usize,
    /// What they call themselves.
    pub(crate) model: String,
    /// The load average of the minute before the run. Well above 0 means that others were at work.
    pub(crate) load_before: f64,
}

impl Machine {
    /// This one, now.
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let model = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned());
        let load = read("/proc/loadavg");
        let load = load.split(' ').next().and_then(|text| text.parse().ok());
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            model,
            load_before: load.unwrap_or(f64::NAN),
        }
    }
}

/// What creating cost with so many connections: medians of the repeats.
#[derive(Debug, Serialize)]
pub(crate) struct CreateRow {
    /// Connections, each with one request under way.
    pub(crate) connections: usize,
    /// Hangar, with the registrar paused.
    pub(crate) hangar: Series,
    /// The Hangar before, likewise.
    pub(crate) before: Option<Before>,
    /// Hangar, settling what it takes in.
    pub(crate) settling: Option<Settling>,
    /// The same server over nothing.
    pub(crate) ceiling: Series,
    /// Rows a second by rusqlite alone.
    pub(crate) disk_per_second: f64,
    /// Hangar's rate by the ceiling's of the same repeat.
    pub(crate) of_ceiling: f64,
    /// Hangar's rate by the disk's of the same repeat.
    pub(crate) of_disk: f64,
}

/// One contender's repeats and the median of each number.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    /// The medians.
    pub(crate) median: Served,
    /// The slowest answer of all repeats.
    pub(crate) worst_ms: f64,
    /// The repeats.
    pub(crate) repeats: Vec<Served>,
}

impl Series {
    /// The medians of some repeats.
    pub(crate) fn of(repeats: Vec<Served>) -> Self {
        let middle = |number: fn(&Served) -> f64| median(repeats.iter().map(number));
        Self {
            median: Served {
                per_second: middle(|one| one.per_second),
                p50_ms: middle(|one| one.p50_ms),
                p99_ms: middle(|one| one.p99_ms),
                slowest_ms: middle(|one| one.slowest_ms),
                cpu_us: middle(|one| one.cpu_us),
                pss_mib: middle(|one| one.pss_mib),
            },
            worst_ms: repeats.iter().map(|one| one.slowest_ms).fold(0.0, f64::max),
            repeats,
        }
    }
}

/// What a server did under load.
#[derive(Debug, Serialize)]
pub(crate) struct Served {
    /// Answers a second.
    pub(crate) per_second: f64,
    /// The median time to an answer.
    pub(crate) p50_ms: f64,
    /// What 99 of 100 answers took at most.
    pub(crate) p99_ms: f64,
    /// What the slowest took.
    pub(crate) slowest_ms: f64,
    /// Its processor time a request.
    pub(crate) cpu_us: f64,
    /// Its share of memory at the end of the load.
    pub(crate) pss_mib: f64,
}

impl Served {
    /// From what the load saw and what `/proc` says.
    pub(crate) fn of(loaded: &Loaded, cpu_us: f64, pss_mib: f64) -> Self {
        Self {
            per_second: loaded.per_second,
            p50_ms: loaded.p50_ms,
            p99_ms: loaded.p99_ms,
            slowest_ms: loaded.slowest_ms,
            cpu_us,
            pss_mib,
        }
    }
}

/// Creating by an earlier program.
#[derive(Debug, Serialize)]
pub(crate) struct Before {
    /// What the clients saw.
    pub(crate) served: Series,
    /// Hangar's rate by its of the same repeat.
    pub(crate) of_before: f64,
}

/// Creating while the registrar works.
#[derive(Debug, Serialize)]
pub(crate) struct Settling {
    /// What the clients saw.
    pub(crate) served: Series,
    /// Created and settled a second: all creates by the time of load and backlog.
    pub(crate) per_second: f64,
    /// That rate by the ceiling's of the same repeat.
    pub(crate) of_ceiling: f64,
    /// How long it took after the load until nothing waited.
    pub(crate) backlog_seconds: f64,
}

/// The server's share of memory.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    /// After its first answer.
    pub(crate) idle_mib: f64,
    /// After 500,000 creates.
    pub(crate) loaded_mib: Option<f64>,
}

/// What `$batch` saves with so many connections: medians of the repeats.
#[derive(Debug, Serialize)]
pub(crate) struct BatchRow {
    /// Connections, each with one request under way.
    pub(crate) connections: usize,
    /// How many creates a batch has.
    pub(crate) parts: u32,
    /// Batches.
    pub(crate) batches: Series,
    /// Imports created a second by them.
    pub(crate) rows_per_second: f64,
    /// Single creates.
    pub(crate) singles: Series,
    /// Imports a second in batches by those alone, of the same repeat.
    pub(crate) of_single: f64,
}

/// What checking a token costs where there is no store.
#[derive(Debug, Serialize)]
pub(crate) struct Tokens {
    /// Requests a second, each with a token of its own.
    pub(crate) fresh_per_second: f64,
    /// Requests a second with one token for all.
    pub(crate) cached_per_second: f64,
    /// The one by the other, of the same repeat.
    pub(crate) ratio: f64,
}

/// What `hangar import` did.
#[derive(Debug, Serialize)]
pub(crate) struct Import {
    /// How many rows the file had.
    pub(crate) rows: u32,
    /// Rows a second, from its start to its end, all settled.
    pub(crate) per_second: f64,
    /// That rate by the disk's.
    pub(crate) of_disk: f64,
}
