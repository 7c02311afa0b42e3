//! Shows that each rule can fail: for every rule something that breaks it and something that does not.

use super::Rule;
use super::source::Source;
use super::{layout, rooms, rules};

/// Asserts at how many places a file of this name and text breaks the rule.
fn breaks(rule: Rule, path: &str, text: &str, times: usize) {
    let violations = rule(&Source::new(path, text.to_owned()));
    let found: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), times, "{path}: {text}\nfound: {found:#?}");
}

#[test]
fn arrows() {
    let cases = [
        ("src/domain/import.rs", "use crate::store::Store;", 1),
        (
            "src/domain/import.rs",
            "use crate::domain::Tenant; use hardware_hash::decode;",
            0,
        ),
        (
            "src/graph/import.rs",
            "use crate::{domain, http::{Error, self}};",
            2,
        ),
        ("src/graph/import.rs", "use super::super::store::Store;", 1),
        (
            "src/graph/import.rs",
            "use super::store; pub(crate) fn f() {}",
            0,
        ),
        ("src/graph/mod.rs", "use super::store::Store;", 1),
        (
            "src/graph/mod.rs",
            "mod inner { use super::store; use super::super::store; }",
            1,
        ),
        (
            "src/store/mod.rs",
            "fn f() -> crate::registrar::Registrar { todo() }",
            1,
        ),
        (
            "src/store/conformance.rs",
            "use crate::{registrar, testing};",
            0,
        ),
        ("src/registrar/mod.rs", "use crate::http;", 1),
        (
            "src/registrar/mod.rs",
            "use crate::{store, domain, telemetry};",
            0,
        ),
        (
            "src/http/router.rs",
            "// crate::config\nconst A: &str = \"crate::config\";",
            0,
        ),
        ("src/http/router.rs", "use crate::config::Settings;", 1),
        (
            "src/http/router.rs",
            "#[cfg(test)] mod tests { use crate::{registrar, config}; }",
            1,
        ),
        ("src/authority/mod.rs", "use crate::store::Store;", 1),
        ("src/lifecycle.rs", "use crate::{cli, config, http};", 1),
        (
            "src/cli/serve.rs",
            "use crate::{config, http, lifecycle};",
            0,
        ),
        ("src/main.rs", "fn main() { hangar::cli::run(); }", 0),
        (
            "src/main.rs",
            "fn main() { hangar::lifecycle::serve(); }",
            1,
        ),
        ("src/lib.rs", "pub mod http;", 0),
    ];
    for (path, text, times) in cases {
        breaks(rooms::arrows_are_allowed, path, text, times);
    }
    breaks(rooms::every_room_is_known, "src/attic/mod.rs", "", 1);
    breaks(rooms::every_room_is_known, "src/attic.rs", "", 1);
    breaks(rooms::every_room_is_known, "src/store/attic.rs", "", 0);
}

#[test]
fn purity() {
    let cases = [
        (
            "src/domain/clock.rs",
            "use std::time::{Duration, SystemTime};",
            1,
        ),
        (
            "src/domain/clock.rs",
            "use std::time::Duration; // not SystemTime",
            0,
        ),
        ("src/graph/batch.rs", "use std::{fmt, fs, net::IpAddr};", 2),
        (
            "src/graph/batch.rs",
            "async fn f() { tokio::time::sleep(d).await }",
            1,
        ),
        ("src/graph.rs", "use axum::Json;", 1),
        (
            "crates/hardware-hash/src/lib.rs",
            "let a = ::std::env::args();",
            1,
        ),
        (
            "crates/hardware-hash/src/lib.rs",
            "#[cfg(test)] mod tests { use std::fs; }",
            0,
        ),
        ("crates/hardware-hash/tests/it.rs", "use std::fs;", 0),
        ("src/store/mod.rs", "use std::fs;", 0),
    ];
    for (path, text, times) in cases {
        breaks(rules::pure_rooms_stay_pure, path, text, times);
    }
}

#[test]
fn sql() {
    let driver = "use rusqlite::Connection;";
    breaks(
        rules::only_the_sqlite_store_names_rusqlite,
        "src/store/mod.rs",
        driver,
        1,
    );
    breaks(
        rules::only_the_sqlite_store_names_rusqlite,
        "src/store/sqlite/writer.rs",
        driver,
        0,
    );
    breaks(
        rules::only_the_sqlite_store_names_rusqlite,
        "tests/it/crash.rs",
        driver,
        0,
    );
    let statements =
        r##"f("SELECT 1"); f(r#"UPDATE a SET b = 1"#); f("INSERT INTO a"); f("DELETE FROM a")"##;
    breaks(
        rules::only_the_store_speaks_sql,
        "src/http/imports/list.rs",
        statements,
        4,
    );
    breaks(
        rules::only_the_store_speaks_sql,
        "src/store/filter_sql.rs",
        statements,
        0,
    );
    let words = r#"f("$select, DELETE or UPDATE"); // SELECT 1"#;
    breaks(
        rules::only_the_store_speaks_sql,
        "src/http/imports/list.rs",
        words,
        0,
    );
}

#[test]
fn query_language() {
    let cases = [
        ("src/domain/field.rs", "use odata::Kind;", 1),
        (
            "src/registrar/mod.rs",
            "fn f(filter: odata::Condition<F>) {}",
            1,
        ),
        ("src/store/operation.rs", "use odata::Condition;", 0),
        ("src/graph/query.rs", "use odata::parse_filter;", 0),
        (
            "src/domain/field.rs",
            "// odata\nconst A: &str = \"odata\";",
            0,
        ),
        ("crates/odata/tests/it/main.rs", "use odata::Kind;", 0),
        ("fuzz/src/bodies.rs", "use odata::fuzzing;", 0),
    ];
    for (path, text, times) in cases {
        breaks(rules::only_rooms_on_the_way_name_odata, path, text, times);
    }
}

#[test]
fn axum_statuses_and_tasks() {
    let axum = "use axum::Router;";
    breaks(
        rules::only_the_web_rooms_name_axum,
        "src/lifecycle.rs",
        axum,
        1,
    );
    breaks(
        rules::only_the_web_rooms_name_axum,
        "src/http/router.rs",
        axum,
        0,
    );
    breaks(
        rules::only_the_web_rooms_name_axum,
        "src/testing.rs",
        axum,
        0,
    );

    let statuses = "f(StatusCode::NOT_FOUND, http::StatusCode::IM_A_TEAPOT, StatusCode::CREATED)";
    breaks(
        rules::only_error_files_choose_error_statuses,
        "src/http/imports/get.rs",
        statuses,
        2,
    );
    breaks(
        rules::only_error_files_choose_error_statuses,
        "src/authority/token.rs",
        statuses,
        2,
    );
    breaks(
        rules::only_error_files_choose_error_statuses,
        "src/http/error.rs",
        statuses,
        0,
    );
    let number = "StatusCode::from_u16(404)";
    breaks(
        rules::only_error_files_choose_error_statuses,
        "src/http/batch.rs",
        number,
        1,
    );
    let in_test = "#[cfg(test)] mod tests { fn f() { g(StatusCode::NOT_FOUND) } }";
    breaks(
        rules::only_error_files_choose_error_statuses,
        "src/http/batch.rs",
        in_test,
        0,
    );

    let tasks = "tokio::spawn(a); tokio::task::spawn_blocking(b); task::spawn(c); JoinSet::new()";
    breaks(rules::http_starts_no_task, "src/http/batch.rs", tasks, 4);
    breaks(rules::http_starts_no_task, "src/registrar/mod.rs", tasks, 0);
}

#[test]
fn tenants() {
    let store = "
        pub trait Storeroom { fn key(&self); }
        pub trait Store: Send + Sync {
            fn create<'a>(&'a self, tenant: TenantId, rows: Vec<Row>) -> Answer<'a, ()>;
            fn get(&self, tenant: &TenantId) -> Answer<'_, ()>;
            fn list<'a>(&'a self,
                tenant: &'a TenantId, page: Page) -> Answer<'a, ()>;
            fn claim(&self, most: usize) -> Answer<'_, ()>;
            fn count(&self) -> Answer<'_, u64>;
            fn delete(&self, id: ImportId, tenant: TenantId) -> Answer<'_, ()>;
            fn rename(&self, tenant: TenantIdentity) { self.claim(1); }
        }
        impl Other { fn free(&self) {} }";
    breaks(
        rules::store_methods_take_a_tenant,
        "src/store/mod.rs",
        store,
        3,
    );
    breaks(
        rules::store_methods_take_a_tenant,
        "src/http/mod.rs",
        store,
        0,
    );
}

#[test]
fn layout() {
    breaks(
        layout::rooms_have_a_subject,
        "src/http/utils/strings.rs",
        "",
        1,
    );
    breaks(layout::rooms_have_a_subject, "src/graph/types.rs", "", 1);
    breaks(
        layout::rooms_have_a_subject,
        "src/graph/entity_types.rs",
        "",
        0,
    );

    let long = "fn f() {}\n".repeat(451);
    breaks(layout::files_are_short, "src/store/mod.rs", &long, 1);
    breaks(layout::files_are_short, "xtask/src/main.rs", &long, 1);
    breaks(
        layout::files_are_short,
        "src/store/mod.rs",
        &format!("#[cfg(test)]\n{long}"),
        0,
    );

    breaks(
        layout::files_say_what_they_are_for,
        "crates/odata/src/lib.rs",
        "// Odata",
        1,
    );
    breaks(
        layout::files_say_what_they_are_for,
        "crates/odata/src/lib.rs",
        "//! Odata",
        0,
    );
    breaks(
        layout::files_say_what_they_are_for,
        "crates/odata/README.md",
        "# Odata",
        0,
    );
}

#[test]
fn leftovers() {
    let undone = concat!(
        "// TO",
        "DO later\nto",
        "do!(); // X",
        "XX\n#[",
        "ignore] fn f() {} // FIX",
        "ME"
    );
    breaks(layout::nothing_is_left_undone, "tests/it/a.rs", undone, 5);
    breaks(layout::nothing_is_left_undone, "docs/a.md", undone, 0);
    let fine = concat!(
        "// XX",
        "XX and mas",
        "TO",
        "DON are words, ignore and todo too"
    );
    breaks(layout::nothing_is_left_undone, "tests/it/a.rs", fine, 0);

    let paths = concat!(
        "`/ho",
        "me/me/hangar` and \"/wo",
        "rk/hangar\" and file:///ro",
        "ot/x"
    );
    breaks(layout::no_path_of_a_machine, "docs/a.md", paths, 3);
    let fine = concat!(
        "https://example.com/ho",
        "me/x and ../wo",
        "rk/ and $HO",
        "ME/ro",
        "ot/"
    );
    breaks(layout::no_path_of_a_machine, "docs/a.md", fine, 0);
}
