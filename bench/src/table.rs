//! A run as a person reads it: Markdown tables, which go into `docs/performance.md` as they are.

mod reads;

use std::fmt::Write as _;

pub(crate) use reads::grouped;

use crate::{
    results::{BatchRow, CreateRow, Machine, Reads, Results, Served},
    thresholds::Check,
};

/// All tables of a run.
pub(crate) fn render(results: &Results) -> String {
    let mut text = machine(&results.machine, results.smoke);
    push(&mut text, "\n### Creates\n");
    creates(&mut text, &results.padded);
    push(&mut text, "\n### Creates with incompressible hashes\n");
    creates(&mut text, &results.incompressible);
    push(&mut text, "\n### Beside the creates\n");
    others(&mut text, results);
    push(&mut text, "\n### Batches of creates\n");
    batches(&mut text, &results.batches);
    reads::push_all(&mut text, &results.reads);
    thresholds(&mut text, &results.checks);
    text
}

/// Where a run was made.
pub(crate) fn machine(machine: &Machine, smoke: bool) -> String {
    let mut text = String::new();
    push(
        &mut text,
        &format!(
            "{} processors ({}), load average {:.2} before the run{}",
            machine.processors,
            machine.model,
            machine.load_before,
            if smoke {
                "; a smoke run, too short to say anything about speed"
            } else {
                ""
            }
        ),
    );
    text
}

/// The tables of reads alone.
pub(crate) fn render_reads(found: &Reads, checks: &[Check]) -> String {
    let mut text = String::new();
    reads::push_all(&mut text, found);
    thresholds(&mut text, checks);
    text
}

/// The table of creates alone.
pub(crate) fn render_creates(rows: &[CreateRow]) -> String {
    let mut text = String::new();
    creates(&mut text, rows);
    text
}

/// Appends a line.
pub(crate) fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn creates(text: &mut String, rows: &[CreateRow]) {
    push(
        text,
        "| connections | | creates/s | p50 ms | p99 ms | slowest ms | worst ms | CPU µs | PSS MiB | of ceiling | of disk |\n\
         |--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for row in rows {
        let count = row.connections;
        let mut line = |name: &str, rate: f64, served: &Served, worst, ratios: String| {
            let Served {
                p50_ms,
                p99_ms,
                slowest_ms,
                cpu_us,
                pss_mib,
                ..
            } = served;
            push(
                text,
                &format!(
                    "| {count} | {name} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {slowest_ms:.1} | {worst:.1} | {cpu_us:.0} | {pss_mib:.1} | {ratios} |"
                ),
            );
        };
        let hangar = &row.hangar;
        line(
            "hangar",
            hangar.median.per_second,
            &hangar.median,
            hangar.worst_ms,
            format!("{:.2} | {:.2}", row.of_ceiling, row.of_disk),
        );
        if let Some(before) = &row.before {
            line(
                &format!("the hangar before ({:.2} of it)", before.of_before),
                before.served.median.per_second,
                &before.served.median,
                before.served.worst_ms,
                " | ".to_owned(),
            );
        }
        if let Some(settling) = &row.settling {
            line(
                "hangar, settled too",
                settling.per_second,
                &settling.served.median,
                settling.served.worst_ms,
                format!("{:.2} | ", settling.of_ceiling),
            );
        }
        let ceiling = &row.ceiling;
        line(
            "ceiling",
            ceiling.median.per_second,
            &ceiling.median,
            ceiling.worst_ms,
            " | ".to_owned(),
        );
        push(
            text,
            &format!(
                "| {count} | disk | {:.0} | | | | | | | | |",
                row.disk_per_second
            ),
        );
    }
}

fn others(text: &mut String, results: &Results) {
    push(text, "| | |\n|---|--:|");
    let mut line = |name: &str, value: String| push(text, &format!("| {name} | {value} |"));
    let unmeasured = || "not measured in a smoke run".to_owned();
    if let Some(settling) = results.padded.iter().find_map(|row| row.settling.as_ref()) {
        let backlog = format!("{:.2} s", settling.backlog_seconds);
        line("backlog after creating and settling", backlog);
    }
    let memory = &results.memory;
    line("memory (PSS), idle", format!("{:.1} MiB", memory.idle_mib));
    let loaded = memory.loaded_mib.map(|mib| format!("{mib:.1} MiB"));
    let loaded = loaded.unwrap_or_else(unmeasured);
    line("memory (PSS), after 500,000 creates", loaded);
    let start = format!("{:.1} ms", results.start_empty_ms);
    line("start to first answer, empty", start);
    let start = results.start_million_ms.map(|ms| format!("{ms:.1} ms"));
    let start = start.unwrap_or_else(unmeasured);
    line("start to first answer, 1,000,000 rows", start);
    let settled = format!("{:.2} ms", results.settled_after_ms);
    line("from 201 to settled, idle, p50", settled);
    let tokens = &results.tokens;
    let mut words = format!("{:.0}/s", tokens.fresh_per_second);
    let _ = write!(words, " of {:.0}/s cached", tokens.cached_per_second);
    let _ = write!(words, ": {:.2}", tokens.ratio);
    line("tokens never seen before", words);
    let import = results.import.as_ref().map_or_else(
        || "not measured: this hangar has no import command".to_owned(),
        |import| {
            let (rate, of_disk) = (import.per_second, import.of_disk);
            format!("{} rows at {rate:.0}/s, {of_disk:.2} of disk", import.rows)
        },
    );
    line("hangar import", import);
}

fn batches(text: &mut String, rows: &[BatchRow]) {
    push(
        text,
        "| connections | | rows/s | p50 ms | p99 ms | CPU µs a row | of single |\n\
         |--:|---|--:|--:|--:|--:|--:|",
    );
    for row in rows {
        let count = row.connections;
        let mut line = |name: &str, rate: f64, served: &Served, cpu_us: f64, ratio: String| {
            let (p50_ms, p99_ms) = (served.p50_ms, served.p99_ms);
            push(
                text,
                &format!(
                    "| {count} | {name} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {cpu_us:.0} | {ratio} |"
                ),
            );
        };
        let parts = row.parts;
        let batches = &row.batches.median;
        line(
            &format!("batches of {parts}"),
            row.rows_per_second,
            batches,
            batches.cpu_us / f64::from(parts),
            format!("{:.2}", row.of_single),
        );
        let singles = &row.singles.median;
        let rate = singles.per_second;
        line("single", rate, singles, singles.cpu_us, String::new());
    }
}

/// The numbers beside what is asked of them.
pub(crate) fn thresholds(text: &mut String, found: &[Check]) {
    // A smoke run has none.
    if !found.is_empty() {
        push(text, "\n### Thresholds\n");
        checks(text, found);
    }
}

fn checks(text: &mut String, checks: &[Check]) {
    push(text, "| | measured | must | aim | |\n|---|--:|--:|--:|---|");
    for check in checks {
        let number = |value: f64| {
            if check.unit.is_empty() {
                format!("{value:.2}")
            } else {
                format!("{value:.1} {}", check.unit)
            }
        };
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
        let (value, aim) = (shown(check.value), shown(check.aim));
        let (name, must) = (check.name, number(check.must));
        let verdict = check.verdict.words();
        push(
            text,
            &format!("| {name} | {value} | {must} | {aim} | {verdict} |"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thresholds::Verdict;

    #[test]
    fn a_check_is_a_line() {
        let check = |unit, value, verdict| Check {
            name: "p99",
            unit,
            value,
            must: 25.0,
            aim: None,
            verdict,
        };
        let mut text = String::new();
        checks(
            &mut text,
            &[
                check("ms", Some(26.04), Verdict::Missed),
                check("", None, Verdict::NotMeasured),
            ],
        );
        let expected = "| | measured | must | aim | |\n|---|--:|--:|--:|---|\n\
            | p99 | 26.0 ms | 25.0 ms | – | missed |\n\
            | p99 | – | 25.00 | – | not measured |\n";
        assert_eq!(text, expected);
    }
}
