//! What a file is called and looks like, whatever it says.

use super::Violation;
use super::source::Source;

/// Rooms without a subject: anything fits in, so everything ends up there.
const WITHOUT_SUBJECT: &[&str] = &[
    "utils", "common", "helpers", "models", "services", "types", "prelude",
];

/// Longer than this, a file has more than one subject. Tests at its foot do not count.
const MOST_LINES: usize = 450;

/// Marks of unfinished work. Taken apart here, because this file is read too.
const UNDONE: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("to", "do!("),
    concat!("#[", "ignore"),
];

/// Where developers' machines keep their checkouts and homes.
const OF_A_MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
];

pub(super) fn rooms_have_a_subject(source: &Source) -> Vec<Violation> {
    let in_sources = source.is_under("src") || source.is_under("crates");
    let mut names = source
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".rs"));
    match names.find(|name| in_sources && WITHOUT_SUBJECT.contains(name)) {
        Some(name) => vec![source.violation(0, format!("`{name}` is a name without a subject"))],
        None => Vec::new(),
    }
}

pub(super) fn files_are_short(source: &Source) -> Vec<Violation> {
    let is_test_file = source.path.contains("/tests/") || source.path.ends_with("/tests.rs");
    if !is_ours(source) || is_test_file {
        return Vec::new();
    }
    let lines = source.text[..source.start_of_tests()].lines().count();
    if lines <= MOST_LINES {
        return Vec::new();
    }
    let rule =
        format!("{lines} lines before the tests, where {MOST_LINES} are allowed; split the file");
    vec![source.violation(source.start_of_tests(), rule)]
}

pub(super) fn files_say_what_they_are_for(source: &Source) -> Vec<Violation> {
    if !is_ours(source) || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![source.violation(0, "a file begins with `//!` and what it is for")]
}

pub(super) fn nothing_is_left_undone(source: &Source) -> Vec<Violation> {
    if !source.is_rust() {
        return Vec::new();
    }
    let found = UNDONE.iter().flat_map(|mark| occurrences(source, mark));
    found
        .map(|(offset, mark)| source.violation(offset, format!("`{mark}` is work left undone")))
        .collect()
}

pub(super) fn no_path_of_a_machine(source: &Source) -> Vec<Violation> {
    let found = OF_A_MACHINE
        .iter()
        .flat_map(|root| occurrences(source, root));
    found
        .filter(|(offset, _)| !source.text[..*offset].ends_with(['.', '-', '~', '*', '}', ')']))
        .map(|(offset, root)| {
            source.violation(offset, format!("`{root}` is a path of somebody's machine"))
        })
        .collect()
}

fn is_ours(source: &Source) -> bool {
    let under = |directory| source.is_under(directory);
    source.is_rust()
        && (["src", "crates", "xtask", "bench", "fuzz"]
            .into_iter()
            .any(under))
}

/// Where this stands, but not as a part of a longer word.
fn occurrences<'a>(source: &'a Source, wanted: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_part =
        |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let ends_open = is_part(wanted.chars().last());
    source
        .text
        .match_indices(wanted)
        .filter(move |(offset, _)| {
            let before = source.text[..*offset].chars().next_back();
            let after = source.text[offset + wanted.len()..].chars().next();
            !(is_part(before) || ends_open && is_part(after))
        })
}
