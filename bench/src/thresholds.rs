//! What is asked of the numbers: musts, the floor, and aims, the goal. Medians, on a quiet machine;
//! of creates, those at 64 connections.

mod postgres;

use serde::Serialize;

pub(crate) use postgres::check_postgres;

use crate::results::{Collection, CreateRow, Question, Reads, Results};

/// On which side of a bound a number is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    AtLeast,
    AtMost,
}

/// A number, what it must be and what it should be.
struct Threshold<T> {
    name: &'static str,
    unit: &'static str,
    good: Good,
    must: f64,
    aim: Option<f64>,
    /// Where the number is; nowhere if it was not measured.
    value: fn(&T) -> Option<f64>,
}

impl<T> Threshold<T> {
    /// A rate that should be high.
    const RATIO: Self = Self {
        name: "",
        unit: "",
        good: Good::AtLeast,
        must: 0.0,
        aim: None,
        value: |_| None,
    };

    /// A cost that should be low.
    const COST: Self = Self {
        good: Good::AtMost,
        ..Self::RATIO
    };
}

const WHOLE: &[Threshold<Results>] = &[
    Threshold {
        name: "durable creates/s, of ceiling",
        must: 0.50,
        aim: Some(0.80),
        value: |results| Some(at_64(results)?.of_ceiling),
        ..Threshold::RATIO
    },
    Threshold {
        name: "durable creates/s, of disk",
        must: 0.80,
        aim: Some(1.0),
        value: |results| Some(at_64(results)?.of_disk),
        ..Threshold::RATIO
    },
    Threshold {
        name: "created and settled/s, of ceiling",
        must: 0.30,
        aim: Some(0.45),
        value: |results| Some(at_64(results)?.settling.as_ref()?.of_ceiling),
        ..Threshold::RATIO
    },
    Threshold {
        name: "backlog at its end",
        unit: "s",
        must: 2.0,
        aim: Some(2.0),
        value: |results| Some(at_64(results)?.settling.as_ref()?.backlog_seconds),
        ..Threshold::COST
    },
    Threshold {
        name: "p99",
        unit: "ms",
        must: 25.0,
        aim: Some(10.0),
        value: |results| Some(at_64(results)?.hangar.median.p99_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "slowest single answer",
        unit: "ms",
        must: 150.0,
        aim: Some(50.0),
        value: |results| Some(at_64(results)?.hangar.median.slowest_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "server CPU a create",
        unit: "µs",
        must: 80.0,
        aim: Some(50.0),
        value: |results| Some(at_64(results)?.hangar.median.cpu_us),
        ..Threshold::COST
    },
    Threshold {
        name: "memory (PSS), idle",
        unit: "MiB",
        must: 30.0,
        aim: Some(15.0),
        value: |results| Some(results.memory.idle_mib),
        ..Threshold::COST
    },
    Threshold {
        name: "memory (PSS), after 500,000 creates",
        unit: "MiB",
        must: 128.0,
        aim: Some(64.0),
        value: |results| results.memory.loaded_mib,
        ..Threshold::COST
    },
    Threshold {
        name: "start to first answer, empty",
        unit: "ms",
        must: 50.0,
        aim: Some(15.0),
        value: |results| Some(results.start_empty_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "start to first answer, 1,000,000 rows",
        unit: "ms",
        must: 100.0,
        aim: Some(25.0),
        value: |results| results.start_million_ms,
        ..Threshold::COST
    },
    Threshold {
        name: "from 201 to settled, idle, p50",
        unit: "ms",
        must: 50.0,
        aim: Some(5.0),
        value: |results| Some(results.settled_after_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "tokens never seen before, of cached",
        must: 0.5,
        value: |results| Some(results.tokens.ratio),
        ..Threshold::RATIO
    },
    Threshold {
        name: "hangar import, rows/s of disk",
        must: 0.3,
        aim: Some(0.6),
        value: |results| Some(results.import.as_ref()?.of_disk),
        ..Threshold::RATIO
    },
    Threshold {
        name: "durable creates/s, of the hangar before",
        must: 0.85,
        aim: Some(0.95),
        value: |results| Some(at_64(results)?.before.as_ref()?.of_before),
        ..Threshold::RATIO
    },
    Threshold {
        name: "rows/s through $batch of 20, of single creates",
        must: 2.0,
        aim: Some(4.0),
        value: |results| Some(results.batches.first()?.of_single),
        ..Threshold::RATIO
    },
];

/// In the words of a run of full length: the most rows are 1,000,000, the fewest 10,000.
const READS: &[Threshold<Reads>] = &[
    Threshold {
        name: "GET by id, 1,000,000 rows, 16 connections",
        unit: "/s",
        must: 20_000.0,
        aim: Some(30_000.0),
        value: |reads| Some(reads.lookups_of_most()?.served.median.per_second),
        ..Threshold::RATIO
    },
    Threshold {
        name: "p99 of these",
        unit: "ms",
        must: 3.0,
        value: |reads| Some(reads.lookups_of_most()?.served.median.p99_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "first page of 100, 1,000,000 rows, p50",
        unit: "ms",
        must: 2.0,
        aim: Some(1.0),
        value: |reads| worse(|list| reads.p50_ms(Question::FirstPage(list))),
        ..Threshold::COST
    },
    Threshold {
        name: "its growth from 10,000 rows",
        must: 1.3,
        aim: Some(1.1),
        value: |reads| worse(|list| reads.growth(Question::FirstPage(list))),
        ..Threshold::COST
    },
    Threshold {
        name: "a page 900,000 rows in, of the first page",
        must: 1.3,
        aim: Some(1.1),
        value: |reads| {
            worse(|list| {
                let first = reads.p50_ms(Question::FirstPage(list))?;
                Some(reads.p50_ms(Question::FarPage(list))? / first)
            })
        },
        ..Threshold::COST
    },
    Threshold {
        name: "contains(serialNumber), 1,000,000 rows, 1 hit and 0, p50",
        unit: "ms",
        must: 5.0,
        aim: Some(1.0),
        value: |reads| {
            larger(
                reads.p50_ms(Question::OneHit),
                reads.p50_ms(Question::NoHit),
            )
        },
        ..Threshold::COST
    },
    Threshold {
        name: "its growth from 10,000 rows",
        must: 3.0,
        aim: Some(2.0),
        value: |reads| {
            larger(
                reads.growth(Question::OneHit),
                reads.growth(Question::NoHit),
            )
        },
        ..Threshold::COST
    },
    Threshold {
        name: "filter by state, 10 hits of 1,000,000 rows, p50",
        unit: "ms",
        must: 5.0,
        aim: Some(2.0),
        value: |reads| reads.p50_ms(Question::Refused),
        ..Threshold::COST
    },
    Threshold {
        name: "p99 of GET by id while 64 connections create",
        unit: "ms",
        must: 10.0,
        aim: Some(5.0),
        value: |reads| Some(reads.while_creating.p99_ms),
        ..Threshold::COST
    },
    Threshold {
        name: "10,000 rows of mine among 1,000,000, common part, p50",
        unit: "ms",
        must: 10.0,
        aim: Some(3.0),
        value: |reads| {
            let common = reads.p50_ms(Question::CommonPart);
            larger(common, reads.p50_ms(Question::OthersPart))
        },
        ..Threshold::COST
    },
    Threshold {
        name: "two characters, 1,000,000 rows, p50",
        unit: "ms",
        must: 100.0,
        aim: Some(30.0),
        value: |reads| reads.p50_ms(Question::ShortPart),
        ..Threshold::COST
    },
];

fn at_64(results: &Results) -> Option<&CreateRow> {
    results.padded.iter().find(|row| row.connections == 64)
}

/// The larger cost of the two collections'.
fn worse(cost: impl Fn(Collection) -> Option<f64>) -> Option<f64> {
    larger(cost(Collection::Imports), cost(Collection::Devices))
}

/// The larger of two costs, if both are known.
fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one?.max(other?))
}

/// A number beside what is asked of it.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What was measured.
    pub(crate) name: &'static str,
    /// In what; empty for a ratio.
    pub(crate) unit: &'static str,
    /// The number.
    pub(crate) value: Option<f64>,
    /// What it must be.
    pub(crate) must: f64,
    /// What it should be.
    pub(crate) aim: Option<f64>,
    /// What to say of it.
    pub(crate) verdict: Verdict,
}

/// How a number compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The aim, or the must where there is no aim.
    AimMet,
    /// The must, but not the aim.
    MustMet,
    /// Not even the must.
    Missed,
    /// Nobody knows.
    NotMeasured,
}

impl Verdict {
    /// In words, for the table.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::AimMet => "met",
            Self::MustMet => "met, aim missed",
            Self::Missed => "missed",
            Self::NotMeasured => "not measured",
        }
    }
}

/// Compares a run with every threshold.
pub(crate) fn check(results: &Results) -> Vec<Check> {
    let mut checks = check_all(WHOLE, results);
    checks.extend(check_reads(&results.reads));
    checks
}

/// Compares reads with theirs.
pub(crate) fn check_reads(reads: &Reads) -> Vec<Check> {
    check_all(READS, reads)
}

fn check_all<T>(thresholds: &[Threshold<T>], of: &T) -> Vec<Check> {
    let check = |threshold: &Threshold<T>| {
        let value = (threshold.value)(of);
        Check {
            name: threshold.name,
            unit: threshold.unit,
            value,
            must: threshold.must,
            aim: threshold.aim,
            verdict: threshold.judge(value),
        }
    };
    thresholds.iter().map(check).collect()
}

impl<T> Threshold<T> {
    fn judge(&self, value: Option<f64>) -> Verdict {
        let Some(value) = value else {
            return Verdict::NotMeasured;
        };
        // What is no number keeps no bound.
        let keeps = |bound: f64| match self.good {
            Good::AtLeast => value >= bound,
            Good::AtMost => value <= bound,
        };
        match (keeps(self.must), self.aim.is_none_or(keeps)) {
            (false, _) => Verdict::Missed,
            (true, false) => Verdict::MustMet,
            (true, true) => Verdict::AimMet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_ratios_and_low_costs_are_good() {
        let ratio: Threshold<()> = Threshold {
            must: 0.5,
            aim: Some(0.8),
            ..Threshold::RATIO
        };
        let cost = Threshold {
            must: 25.0,
            aim: Some(10.0),
            ..Threshold::COST
        };
        let unaimed = Threshold { aim: None, ..ratio };
        let table = [
            (&ratio, Some(0.8), Verdict::AimMet),
            (&ratio, Some(0.5), Verdict::MustMet),
            (&ratio, Some(0.49), Verdict::Missed),
            (&ratio, Some(f64::NAN), Verdict::Missed),
            (&ratio, None, Verdict::NotMeasured),
            (&unaimed, Some(0.5), Verdict::AimMet),
            (&cost, Some(10.0), Verdict::AimMet),
            (&cost, Some(25.0), Verdict::MustMet),
            (&cost, Some(25.1), Verdict::Missed),
            (&cost, Some(f64::NAN), Verdict::Missed),
        ];
        for (threshold, value, expected) in table {
            assert_eq!(threshold.judge(value), expected, "{value:?}");
        }
    }

    #[test]
    fn no_aim_is_below_its_must() {
        fn hold<T>(thresholds: &[Threshold<T>]) {
            for threshold in thresholds {
                let verdict = threshold.judge(threshold.aim.or(Some(threshold.must)));
                assert_eq!(verdict, Verdict::AimMet, "{}", threshold.name);
            }
        }
        hold(WHOLE);
        hold(READS);
        hold(postgres::THRESHOLDS);
    }
}
