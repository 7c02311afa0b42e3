//! How much is read, and that what is over a limit costs nothing.

use std::thread;

use odata::fuzzing::sample;
use odata::{
    MAX_BYTES, MAX_DEPTH, MAX_NODES, Problem, Value, evaluate, parse_expand, parse_filter,
};

fn problem(text: &str) -> Problem {
    match parse_filter(text, sample(), &[]) {
        Ok(_) => panic!("{} bytes were read", text.len()),
        Err(error) => *error.problem,
    }
}

#[test]
fn long_texts_are_not_read() {
    for bytes in [MAX_BYTES + 1, 100_000] {
        let text = "x".repeat(bytes);
        assert_eq!(problem(&text), Problem::TooLong { bytes });
    }
    let filter = "serialNumber eq ''";
    let longest = format!("serialNumber eq '{}'", "x".repeat(MAX_BYTES - filter.len()));
    assert!(parse_filter(&longest, sample(), &[]).is_ok());
    let alias = "x".repeat(100_000);
    let error = parse_filter("id eq @p", sample(), &[("@p", &alias)]).unwrap_err();
    assert!(matches!(*error.problem, Problem::BadAlias { .. }));
}

#[test]
fn deep_texts_are_read_to_the_limit() {
    let groups = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    let nots = |depth: usize| format!("{}true", "not ".repeat(depth));
    let functions = |depth: usize| {
        let (open, close) = ("trim(".repeat(depth), ")".repeat(depth));
        format!("{open}serialNumber{close} eq ''")
    };
    for deep in [groups, nots, functions] {
        assert!(parse_filter(&deep(MAX_DEPTH), sample(), &[]).is_ok());
        assert_eq!(problem(&deep(MAX_DEPTH + 1)), Problem::TooDeep);
    }
    assert_eq!(problem(&"(".repeat(8_000)), Problem::TooDeep);
    assert_eq!(problem(&"not ".repeat(2_000)), Problem::TooDeep);
    let deepest = groups(10_000);
    assert!(matches!(problem(&deepest), Problem::TooLong { .. }));

    let round = "profile($expand=devices($expand=";
    let expand = parse_expand(&round.repeat(200), sample().shape());
    assert_eq!(*expand.unwrap_err().problem, Problem::TooDeep);
}

#[test]
fn parts_are_counted() {
    let list = |items: usize| format!("state/code in ({}1)", "1,".repeat(items - 1));
    // Two parts besides the items: the list and its operand.
    assert!(parse_filter(&list(MAX_NODES - 2), sample(), &[]).is_ok());
    assert_eq!(problem(&list(MAX_NODES - 1)), Problem::TooManyNodes);
    let chain = |links: usize| format!("{}true", "true or ".repeat(links));
    assert!(parse_filter(&chain(MAX_NODES - 2), sample(), &[]).is_ok());
    assert_eq!(problem(&chain(MAX_NODES - 1)), Problem::TooManyNodes);
    let equals = format!("{}true", "true eq ".repeat(1_000));
    assert_eq!(problem(&equals), Problem::TooManyNodes);
}

#[test]
fn the_deepest_filter_needs_little_stack() {
    // Half of what a worker thread has; without optimization, as tests are built.
    const STACK_BYTES: usize = 1024 * 1024;
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let concat = nested("concat('',", "serialNumber", ")", 97);
    let filters = [
        nested("(", "true", ")", MAX_DEPTH),
        nested("not (", "true", ")", MAX_DEPTH / 2),
        nested("true or true and true eq (", "true", ")", 28),
        format!("{concat} eq ''"),
    ];
    for filter in filters {
        let reader = thread::Builder::new().stack_size(STACK_BYTES);
        let reading = reader.spawn(move || {
            let filter = parse_filter(&filter, sample(), &[]).unwrap();
            let truth = evaluate(&filter, &|_| Value::Null);
            (truth.is_some(), filter.to_string().is_empty())
        });
        assert_eq!(reading.unwrap().join().unwrap(), (true, false));
    }
}
