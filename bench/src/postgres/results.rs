//! What a run on PostgreSQL found out: the shape of its JSON file, from which the tables are made.

use serde::Serialize;

use super::cluster::Size;
use crate::{
    results::{ListRead, LookupRow, Machine, Question},
    summary::median,
    thresholds::Check,
};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    /// Whether it was too short to say anything about speed.
    pub(crate) smoke: bool,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// What PostgreSQL calls itself.
    pub(crate) version: String,
    /// With which settings it ran.
    pub(crate) settings: &'static [&'static str],
    /// Creates, by connections.
    pub(crate) creates: Vec<Contest>,
    /// Reads, unless they were left out.
    pub(crate) reads: Option<Reads>,
    /// The numbers beside what is asked of them; empty after a smoke run.
    pub(crate) checks: Vec<Check>,
}

/// Who writes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// So many processes of Hangar, with the registrars paused.
    Hangar(usize),
    /// The same, settling what they take in.
    Settled(usize),
    /// pgbench, a row a statement, as many connections.
    Peer,
    /// 64 rows a statement, one connection.
    Disk,
    /// A row a statement by as many tasks, who share a pool.
    Pool,
}

impl Contender {
    /// All of them, in the table's order.
    pub(super) const ALL: [Self; 8] = [
        Self::Hangar(1),
        Self::Hangar(2),
        Self::Hangar(3),
        Self::Settled(1),
        Self::Settled(2),
        Self::Peer,
        Self::Pool,
        Self::Disk,
    ];

    /// Whether it takes part whatever the number of connections.
    pub(super) fn is_everywhere(self) -> bool {
        matches!(self, Self::Hangar(1) | Self::Peer | Self::Disk)
    }

    /// As the table calls it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Hangar(1) => "hangar".to_owned(),
            Self::Hangar(processes) => format!("hangar, {processes} processes"),
            Self::Settled(1) => "hangar, settled too".to_owned(),
            Self::Settled(processes) => format!("hangar, {processes} processes, settled too"),
            Self::Peer => "peer".to_owned(),
            Self::Disk => "disk".to_owned(),
            Self::Pool => "pool".to_owned(),
        }
    }
}

/// What so many connections can do.
#[derive(Debug, Serialize)]
pub(crate) struct Contest {
    /// Connections to Hangar, or clients of what it is compared with.
    pub(crate) connections: usize,
    /// The contenders.
    pub(crate) entries: Vec<Entry>,
}

impl Contest {
    fn entry(&self, contender: Contender) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.contender == contender)
    }

    /// The median of a contender's numbers.
    pub(crate) fn median(&self, of: Contender, number: fn(&Measured) -> f64) -> Option<f64> {
        Some(median(self.entry(of)?.repeats.iter().map(number)))
    }

    /// The median of one contender's numbers by another's of the same repeat.
    pub(crate) fn ratio(
        &self,
        of: Contender,
        by: Contender,
        number: fn(&Measured) -> f64,
    ) -> Option<f64> {
        let (of, by) = (&self.entry(of)?.repeats, &self.entry(by)?.repeats);
        let both = of.iter().zip(by);
        Some(median(both.map(|(of, by)| number(of) / number(by))))
    }
}

/// A contender and its repeats.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) contender: Contender,
    pub(crate) repeats: Vec<Measured>,
}

impl Entry {
    pub(super) fn new(contender: Contender) -> Self {
        Self {
            contender,
            repeats: Vec::new(),
        }
    }
}

/// What was written in a repeat, and what it cost.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Measured {
    /// Rows a second; where they were settled too, by the time until all were.
    pub(crate) per_second: f64,
    /// The median time to an answer.
    pub(crate) p50_ms: Option<f64>,
    /// What 99 of 100 answers took at most.
    pub(crate) p99_ms: Option<f64>,
    /// What the slowest took.
    pub(crate) slowest_ms: Option<f64>,
    /// Processor time a row: PostgreSQL's and that of whoever speaks to it, but for pgbench's.
    pub(crate) cpu_us: f64,
    /// PostgreSQL's share of it.
    pub(crate) database_cpu_us: f64,
    /// How long it took after the load until nothing waited.
    pub(crate) backlog_seconds: Option<f64>,
}

/// Reads, on both backends over the same rows.
#[derive(Debug, Serialize)]
pub(crate) struct Reads {
    /// How many imports the large tenant has.
    pub(crate) rows: u64,
    /// How many rows a page has.
    pub(crate) page: u64,
    /// On SQLite.
    pub(crate) sqlite: Side,
    /// On PostgreSQL.
    pub(crate) postgres: Side,
    /// What the tables take.
    pub(crate) sizes: Vec<Size>,
    /// What the indexes take, by name.
    pub(crate) index_bytes: Vec<(String, u64)>,
    /// What SQLite's file takes.
    pub(crate) sqlite_bytes: u64,
}

/// Reads on one backend.
#[derive(Debug, Serialize)]
pub(crate) struct Side {
    /// Lists and searches.
    pub(crate) lists: Vec<ListRead>,
    /// GET by id, by connections.
    pub(crate) lookups: Vec<LookupRow>,
}

impl Side {
    /// The median time of a question.
    pub(crate) fn p50_ms(&self, question: Question) -> Option<f64> {
        let mut lists = self.lists.iter();
        let found = lists.find(|list| list.question == question);
        Some(found?.p50_ms)
    }

    /// The median time of a GET by id over so many connections.
    pub(crate) fn lookup_p50_ms(&self, connections: usize) -> Option<f64> {
        let mut lookups = self.lookups.iter();
        let found = lookups.find(|row| row.connections == connections);
        Some(found?.served.median.p50_ms)
    }
}
