//! What is asked of Hangar on PostgreSQL; of creates, at 64 connections.

use super::{Check, Threshold, check_all, larger};
use crate::{
    postgres::{
        Contender::{Disk, Hangar, Peer, Pool},
        Contest, Results,
    },
    results::Question,
};

pub(super) const THRESHOLDS: &[Threshold<Results>] = &[
    Threshold {
        name: "durable creates/s, of peer",
        must: 1.5,
        aim: Some(2.0),
        value: |results| at_64(results)?.ratio(Hangar(1), Peer, |one| one.per_second),
        ..Threshold::RATIO
    },
    Threshold {
        name: "durable creates/s, of disk",
        must: 0.55,
        aim: Some(0.75),
        value: |results| at_64(results)?.ratio(Hangar(1), Disk, |one| one.per_second),
        ..Threshold::RATIO
    },
    Threshold {
        name: "CPU a create, all processes, of pool",
        must: 0.5,
        aim: Some(0.35),
        value: |results| at_64(results)?.ratio(Hangar(1), Pool, |one| one.cpu_us),
        ..Threshold::COST
    },
    Threshold {
        name: "p99 of a create",
        unit: "ms",
        must: 60.0,
        aim: Some(25.0),
        value: |results| at_64(results)?.median(Hangar(1), |one| one.p99_ms.unwrap_or(f64::NAN)),
        ..Threshold::COST
    },
    Threshold {
        name: "GET by id, 1,000,000 rows, 1 connection, p50 above SQLite's",
        unit: "ms",
        must: 0.5,
        aim: Some(0.2),
        value: |results| above_sqlite(results, 1),
        ..Threshold::COST
    },
    Threshold {
        name: "the same, 16 connections",
        unit: "ms",
        must: 0.5,
        aim: Some(0.2),
        value: |results| above_sqlite(results, 16),
        ..Threshold::COST
    },
    Threshold {
        name: "contains(serialNumber), 1,000,000 rows, 1 hit and 0, p50",
        unit: "ms",
        must: 10.0,
        aim: Some(3.0),
        value: |results| {
            let side = &results.reads.as_ref()?.postgres;
            larger(side.p50_ms(Question::OneHit), side.p50_ms(Question::NoHit))
        },
        ..Threshold::COST
    },
    Threshold {
        name: "two processes instead of one, creates/s",
        must: 0.95,
        aim: Some(1.1),
        value: |results| at_64(results)?.ratio(Hangar(2), Hangar(1), |one| one.per_second),
        ..Threshold::RATIO
    },
];

/// Compares a run on PostgreSQL with every threshold.
pub(crate) fn check_postgres(results: &Results) -> Vec<Check> {
    check_all(THRESHOLDS, results)
}

fn at_64(results: &Results) -> Option<&Contest> {
    let mut contests = results.creates.iter();
    contests.find(|contest| contest.connections == 64)
}

fn above_sqlite(results: &Results, connections: usize) -> Option<f64> {
    let reads = results.reads.as_ref()?;
    let of = |side: &crate::postgres::Side| side.lookup_p50_ms(connections);
    Some(of(&reads.postgres)? - of(&reads.sqlite)?)
}
