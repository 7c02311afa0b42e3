//! The tables of reads.

use super::push;
use crate::results::{Question, Reads};

/// Lists and searches, lookups, and lookups beside creates.
pub(super) fn push_all(text: &mut String, reads: &Reads) {
    push(text, "\n### Lists and searches\n");
    lists(text, reads);
    push(text, "\n### GET by id\n");
    lookups(text, reads);
}

fn lists(text: &mut String, reads: &Reads) {
    let mut head = vec![format!("pages of {}", reads.page)];
    head.extend(["what is asked for", "rows"].map(str::to_owned));
    let size = |size: &u64| format!("p50 ms at {}", grouped(*size));
    head.extend(reads.sizes.iter().map(size));
    head.extend(["p99 ms", "growth"].map(str::to_owned));
    push_row(text, &head);
    push(text, &format!("|---|---{}|", "|--:".repeat(head.len() - 2)));
    for question in Question::ALL {
        let found = |size: &u64| reads.list(question, *size);
        let Some(most) = reads.sizes.last().and_then(found) else {
            continue;
        };
        let number = |number: Option<f64>| number.map_or_else(String::new, |it| format!("{it:.2}"));
        let mut row = vec![question.collection().word().to_owned()];
        row.extend([question.words().to_owned(), most.hits.to_string()]);
        let p50 = |size: &u64| number(found(size).map(|list| list.p50_ms));
        row.extend(reads.sizes.iter().map(p50));
        row.extend([number(Some(most.p99_ms)), number(reads.growth(question))]);
        push_row(text, &row);
    }
}

fn push_row(text: &mut String, cells: &[String]) {
    push(text, &format!("| {} |", cells.join(" | ")));
}

fn lookups(text: &mut String, reads: &Reads) {
    push(
        text,
        "| rows | connections | GETs/s | p50 ms | p99 ms | slowest ms | CPU µs | PSS MiB |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for row in &reads.lookups {
        let (size, count, served) = (grouped(row.rows), row.connections, &row.served.median);
        let (rate, p50_ms, p99_ms) = (served.per_second, served.p50_ms, served.p99_ms);
        let (slowest_ms, cpu_us, pss_mib) = (served.slowest_ms, served.cpu_us, served.pss_mib);
        push(
            text,
            &format!(
                "| {size} | {count} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {slowest_ms:.1} | {cpu_us:.0} | {pss_mib:.1} |"
            ),
        );
    }
    let beside = &reads.while_creating;
    let (size, rate, creates) = (
        grouped(beside.rows),
        beside.lookups_per_second,
        beside.creates_per_second,
    );
    let (p50_ms, p99_ms, slowest_ms) = (beside.p50_ms, beside.p99_ms, beside.slowest_ms);
    push(
        text,
        &format!(
            "| {size}, beside {creates:.0} creates/s | 1 | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {slowest_ms:.1} | | |"
        ),
    );
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::Loaded,
        results::{Collection, ListRead, LookupRow, Series, Served, WhileCreating},
    };

    #[test]
    fn thousands_are_apart() {
        let shown = [7, 100, 1000, 10_000, 1_000_000].map(grouped);
        assert_eq!(shown, ["7", "100", "1,000", "10,000", "1,000,000"]);
    }

    #[test]
    fn a_question_is_a_line_with_a_column_a_size() {
        let list = |question, rows, p50_ms| ListRead {
            question,
            rows,
            hits: 100,
            p50_ms,
            p99_ms: 9.0,
        };
        let first = Question::FirstPage(Collection::Devices);
        let served = Served::of(&Loaded::default(), 30.0, 20.0);
        let reads = Reads {
            sizes: vec![1000, 10_000],
            small: 100,
            page: 100,
            lists: vec![
                list(first, 1000, 2.0),
                list(first, 10_000, 3.0),
                list(Question::CommonPart, 10_000, 4.0),
            ],
            lookups: vec![LookupRow {
                rows: 1000,
                connections: 16,
                served: Series::of(vec![served]),
            }],
            while_creating: WhileCreating {
                rows: 1000,
                lookups_per_second: 500.0,
                p50_ms: 1.0,
                p99_ms: 2.0,
                slowest_ms: 3.0,
                creates_per_second: 9000.0,
                repeats: Vec::new(),
            },
        };
        let mut text = String::new();
        push_all(&mut text, &reads);
        let expected = "
### Lists and searches

| pages of 100 | what is asked for | rows | p50 ms at 1,000 | p50 ms at 10,000 | p99 ms | growth |
|---|---|--:|--:|--:|--:|--:|
| devices | first page | 100 | 2.00 | 3.00 | 9.00 | 1.50 |
| devices | small tenant: `contains`, a part that all have | 100 |  | 4.00 | 9.00 |  |

### GET by id

| rows | connections | GETs/s | p50 ms | p99 ms | slowest ms | CPU µs | PSS MiB |
|--:|--:|--:|--:|--:|--:|--:|--:|
| 1,000 | 16 | 0 | 0.00 | 0.00 | 0.0 | 30 | 20.0 |
| 1,000, beside 9000 creates/s | 1 | 500 | 1.00 | 2.00 | 3.0 | | |
";
        assert_eq!(text, expected);
    }
}
