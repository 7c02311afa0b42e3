//! What is asked of the numbers: musts, the floor, and aims, the goal. At 64 connections, medians,
//! on a quiet machine.

use serde::Serialize;

use crate::results::{CreateRow, Results};

/// On which side of a bound a number is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    AtLeast,
    AtMost,
}

/// A number, what it must be and what it should be.
struct Threshold {
    name: &'static str,
    unit: &'static str,
    good: Good,
    must: f64,
    aim: Option<f64>,
    /// Where the number is; nowhere if it was not measured.
    value: fn(&Results) -> Option<f64>,
}

/// A rate that should be high.
const RATIO: Threshold = Threshold {
    name: "",
    unit: "",
    good: Good::AtLeast,
    must: 0.0,
    aim: None,
    value: |_| None,
};

/// A cost that should be low.
const COST: Threshold = Threshold {
    good: Good::AtMost,
    ..RATIO
};

const THRESHOLDS: &[Threshold] = &[
    Threshold {
        name: "durable creates/s, of ceiling",
        must: 0.50,
        aim: Some(0.80),
        value: |results| Some(at_64(results)?.of_ceiling),
        ..RATIO
    },
    Threshold {
        name: "durable creates/s, of disk",
        must: 0.80,
        aim: Some(1.0),
        value: |results| Some(at_64(results)?.of_disk),
        ..RATIO
    },
    Threshold {
        name: "created and settled/s, of ceiling",
        must: 0.30,
        aim: Some(0.45),
        value: |results| Some(at_64(results)?.settling.as_ref()?.of_ceiling),
        ..RATIO
    },
    Threshold {
        name: "backlog at its end",
        unit: "s",
        must: 2.0,
        aim: Some(2.0),
        value: |results| Some(at_64(results)?.settling.as_ref()?.backlog_seconds),
        ..COST
    },
    Threshold {
        name: "p99",
        unit: "ms",
        must: 25.0,
        aim: Some(10.0),
        value: |results| Some(at_64(results)?.hangar.median.p99_ms),
        ..COST
    },
    Threshold {
        name: "slowest single answer",
        unit: "ms",
        must: 150.0,
        aim: Some(50.0),
        value: |results| Some(at_64(results)?.hangar.median.slowest_ms),
        ..COST
    },
    Threshold {
        name: "server CPU a create",
        unit: "µs",
        must: 80.0,
        aim: Some(50.0),
        value: |results| Some(at_64(results)?.hangar.median.cpu_us),
        ..COST
    },
    Threshold {
        name: "memory (PSS), idle",
        unit: "MiB",
        must: 30.0,
        aim: Some(15.0),
        value: |results| Some(results.memory.idle_mib),
        ..COST
    },
    Threshold {
        name: "memory (PSS), after 500,000 creates",
        unit: "MiB",
        must: 128.0,
        aim: Some(64.0),
        value: |results| results.memory.loaded_mib,
        ..COST
    },
    Threshold {
        name: "start to first answer, empty",
        unit: "ms",
        must: 50.0,
        aim: Some(15.0),
        value: |results| Some(results.start_empty_ms),
        ..COST
    },
    Threshold {
        name: "start to first answer, 1,000,000 rows",
        unit: "ms",
        must: 100.0,
        aim: Some(25.0),
        value: |results| results.start_million_ms,
        ..COST
    },
    Threshold {
        name: "from 201 to settled, idle, p50",
        unit: "ms",
        must: 50.0,
        aim: Some(5.0),
        value: |results| Some(results.settled_after_ms),
        ..COST
    },
    Threshold {
        name: "tokens never seen before, of cached",
        must: 0.5,
        value: |results| Some(results.tokens.ratio),
        ..RATIO
    },
    Threshold {
        name: "hangar import, rows/s of disk",
        must: 0.3,
        aim: Some(0.6),
        value: |results| Some(results.import.as_ref()?.of_disk),
        ..RATIO
    },
];

fn at_64(results: &Results) -> Option<&CreateRow> {
    results.padded.iter().find(|row| row.connections == 64)
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
    THRESHOLDS
        .iter()
        .map(|threshold| {
            let value = (threshold.value)(results);
            Check {
                name: threshold.name,
                unit: threshold.unit,
                value,
                must: threshold.must,
                aim: threshold.aim,
                verdict: threshold.judge(value),
            }
        })
        .collect()
}

impl Threshold {
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
        let ratio = Threshold {
            must: 0.5,
            aim: Some(0.8),
            ..RATIO
        };
        let cost = Threshold {
            must: 25.0,
            aim: Some(10.0),
            ..COST
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
        for threshold in THRESHOLDS {
            let verdict = threshold.judge(threshold.aim.or(Some(threshold.must)));
            assert_eq!(verdict, Verdict::AimMet, "{}", threshold.name);
        }
    }
}
