//! Holds the sources to the rules of the house: who may know whom, and where things stand.
//! Each test is one group of rules over the whole tree. The rules are in `rules` (what code says)
//! and `layout` (what a file looks like), reading Rust is in `source`, and `samples` shows that
//! every rule can fail.

mod layout;
mod rooms;
mod rules;
mod samples;
mod source;
mod tree;

use std::fmt;

use self::source::Source;

/// A place that breaks a rule.
struct Violation {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// What a rule finds in one file.
type Rule = fn(&Source) -> Vec<Violation>;

/// Fails with every place in the tree that breaks one of these rules.
fn hold(rules: &[Rule]) {
    let sources = tree::read();
    let violations: Vec<_> = sources
        .iter()
        .flat_map(|source| rules.iter().flat_map(|rule| rule(source)))
        .collect();
    refuse(&violations);
}

fn refuse(violations: &[Violation]) {
    let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(
        lines.is_empty(),
        "the rules of the house are broken:\n{}",
        lines.join("\n")
    );
}

#[test]
fn rooms_know_only_those_they_may() {
    hold(&[rooms::every_room_is_known, rooms::arrows_are_allowed]);
}

#[test]
fn pure_rooms_do_no_input_or_output() {
    hold(&[rules::pure_rooms_stay_pure]);
}

#[test]
fn sql_stays_in_the_store() {
    hold(&[
        rules::only_the_sqlite_store_names_rusqlite,
        rules::only_the_postgres_store_names_its_driver,
        rules::only_the_store_speaks_sql,
    ]);
}

#[test]
fn queries_stay_on_their_way() {
    hold(&[rules::only_rooms_on_the_way_name_odata]);
}

#[test]
fn http_stays_in_its_rooms() {
    hold(&[
        rules::only_the_web_rooms_name_axum,
        rules::only_error_files_choose_error_statuses,
        rules::http_starts_no_task,
    ]);
}

#[test]
fn every_store_method_takes_a_tenant() {
    hold(&[rules::store_methods_take_a_tenant]);
    let sources = tree::read();
    let has_store = sources
        .iter()
        .any(|source| source.path == "src/store/mod.rs");
    let has_trait = sources
        .iter()
        .any(|source| rules::store_trait(source).is_some());
    assert!(
        has_trait || !has_store,
        "`trait Store` is not where the rule about tenants looks"
    );
}

#[test]
fn files_look_like_files_of_this_house() {
    hold(&[
        layout::rooms_have_a_subject,
        layout::files_are_short,
        layout::files_say_what_they_are_for,
    ]);
}

#[test]
fn nothing_is_left_undone_or_bound_to_a_machine() {
    hold(&[layout::nothing_is_left_undone, layout::no_path_of_a_machine]);
}

#[test]
fn the_tree_is_read_at_all() {
    let sources = tree::read();
    for expected in [
        "src/lib.rs",
        "xtask/src/main.rs",
        "Cargo.toml",
        "tests/it/architecture.rs",
    ] {
        assert!(
            sources.iter().any(|source| source.path == expected),
            "{expected} was not read"
        );
    }
    assert!(
        !sources
            .iter()
            .any(|source| source.path.starts_with("target/"))
    );
}
