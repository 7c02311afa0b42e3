//! A run on PostgreSQL as a person reads it: Markdown tables, which go into `docs` as they are.

use std::fmt::Write as _;

use super::results::{Contender, Contest, Measured, Reads, Results, Side};
use crate::{
    results::Question,
    table::{self, grouped, push},
};

/// All tables of a run.
pub(crate) fn render(results: &Results) -> String {
    let mut text = table::machine(&results.machine, results.smoke);
    let (version, settings) = (&results.version, results.settings.join(" "));
    push(&mut text, &format!("PostgreSQL {version} with {settings}"));
    if !results.creates.is_empty() {
        push(&mut text, "\n### Creates on PostgreSQL\n");
        creates(&mut text, &results.creates);
    }
    if let Some(found) = &results.reads {
        push(&mut text, "\n### Reads on both\n");
        reads(&mut text, found);
        push(&mut text, "\n### Sizes\n");
        sizes(&mut text, found);
    }
    table::thresholds(&mut text, &results.checks);
    text
}

fn creates(text: &mut String, contests: &[Contest]) {
    push(
        text,
        "| connections | | rows/s | p50 ms | p99 ms | slowest ms | CPU µs | of it PostgreSQL | of peer | of disk | of hangar |\n\
         |--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for contest in contests {
        for entry in &contest.entries {
            let one = entry.contender;
            let rate: fn(&Measured) -> f64 = |one| one.per_second;
            let number = |number: fn(&Measured) -> f64| contest.median(one, number).unwrap_or(0.0);
            let is_timed = entry.repeats.iter().all(|one| one.p50_ms.is_some());
            let ms = |of: fn(&Measured) -> Option<f64>, places: usize| {
                let all = entry.repeats.iter().filter_map(of);
                let median = crate::summary::median(all);
                if is_timed {
                    format!("{median:.places$}")
                } else {
                    String::new()
                }
            };
            let ratio = |by| {
                let found = contest.ratio(one, by, rate).filter(|_| by != one);
                found.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
            };
            let cells = [
                contest.connections.to_string(),
                one.words(),
                format!("{:.0}", number(rate)),
                ms(|one| one.p50_ms, 2),
                ms(|one| one.p99_ms, 2),
                ms(|one| one.slowest_ms, 1),
                format!("{:.0}", number(|one| one.cpu_us)),
                format!("{:.0}", number(|one| one.database_cpu_us)),
                ratio(Contender::Peer),
                ratio(Contender::Disk),
                ratio(Contender::Hangar(1)),
            ];
            push(text, &format!("| {} |", cells.join(" | ")));
        }
    }
    for contest in contests {
        for entry in &contest.entries {
            let backlogs = entry.repeats.iter().filter_map(|one| one.backlog_seconds);
            let backlogs: Vec<_> = backlogs.map(|seconds| format!("{seconds:.1} s")).collect();
            if !backlogs.is_empty() {
                let (name, all) = (entry.contender.words(), backlogs.join(", "));
                push(text, &format!("\nBacklog of {name}: {all}."));
            }
        }
    }
}

fn reads(text: &mut String, reads: &Reads) {
    let rows = grouped(reads.rows);
    push(
        text,
        &format!(
            "| {rows} rows, pages of {} | what is asked for | rows | SQLite p50 ms | PostgreSQL p50 ms | its p99 ms |\n\
             |---|---|--:|--:|--:|--:|",
            reads.page
        ),
    );
    for question in Question::ALL {
        let of = |side: &Side| side.p50_ms(question).unwrap_or(f64::NAN);
        let mut lists = reads.postgres.lists.iter();
        let Some(found) = lists.find(|list| list.question == question) else {
            continue;
        };
        let (collection, words) = (question.collection().word(), question.words());
        let (hits, sqlite, p50, p99) = (found.hits, of(&reads.sqlite), found.p50_ms, found.p99_ms);
        push(
            text,
            &format!("| {collection} | {words} | {hits} | {sqlite:.2} | {p50:.2} | {p99:.2} |"),
        );
    }
    push(
        text,
        "\n| connections | | GETs/s | p50 ms | p99 ms | slowest ms | CPU µs |\n\
         |--:|---|--:|--:|--:|--:|--:|",
    );
    let sides = [("SQLite", &reads.sqlite), ("PostgreSQL", &reads.postgres)];
    for (name, side) in sides {
        for row in &side.lookups {
            let (count, served) = (row.connections, &row.served.median);
            push(
                text,
                &format!(
                    "| {count} | {name} | {:.0} | {:.2} | {:.2} | {:.1} | {:.0} |",
                    served.per_second,
                    served.p50_ms,
                    served.p99_ms,
                    served.slowest_ms,
                    served.cpu_us
                ),
            );
        }
    }
}

fn sizes(text: &mut String, reads: &Reads) {
    push(
        text,
        "| table | rows | table MB | indexes MB | updates | in page | dead rows | vacuums |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|",
    );
    let mut together = 0;
    for size in &reads.sizes {
        together += size.table_bytes + size.index_bytes;
        push(
            text,
            &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                size.relation,
                grouped(size.rows),
                megabytes(size.table_bytes),
                megabytes(size.index_bytes),
                grouped(size.updated),
                grouped(size.updated_in_page),
                grouped(size.dead),
                size.vacuums
            ),
        );
    }
    let mut line = format!(
        "\nTogether {} MB; SQLite's file {} MB. Indexes:",
        megabytes(together),
        megabytes(reads.sqlite_bytes)
    );
    for (index, (name, bytes)) in reads.index_bytes.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let _ = write!(line, "{separator} {name} {}", megabytes(*bytes));
    }
    push(text, &format!("{line}."));
}

/// In millions of bytes, rounded.
fn megabytes(bytes: u64) -> String {
    grouped((bytes + 500_000) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::results::Entry;

    #[test]
    fn a_contender_is_a_line_with_its_ratios() {
        let measured = |per_second, p99_ms| Measured {
            per_second,
            p50_ms: p99_ms,
            p99_ms,
            slowest_ms: p99_ms,
            cpu_us: 90.0,
            database_cpu_us: 50.0,
            backlog_seconds: None,
        };
        let entry = |contender, repeats| Entry { contender, repeats };
        let contest = Contest {
            connections: 64,
            entries: vec![
                entry(
                    Contender::Hangar(1),
                    vec![measured(100.0, Some(3.0)), measured(300.0, Some(5.0))],
                ),
                entry(
                    Contender::Peer,
                    vec![measured(50.0, None), measured(100.0, None)],
                ),
            ],
        };
        let mut text = String::new();
        creates(&mut text, &[contest]);
        let lines: Vec<_> = text.lines().skip(2).collect();
        // The median of each repeat's ratio, not the ratio of medians.
        assert_eq!(
            lines,
            [
                "| 64 | hangar | 200 | 4.00 | 4.00 | 4.0 | 90 | 50 | 2.50 |  |  |",
                "| 64 | peer | 75 |  |  |  | 90 | 50 |  |  | 0.42 |",
            ]
        );
    }
}
