//! What code may say where: input and output, SQL, statuses, tasks and tenants.

use std::ops::Range;

use super::Violation;
use super::rooms::room_of;
use super::source::Source;

/// What a room without input and output never names, whatever the path to it.
const IMPURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "rusqlite",
    "tokio_postgres",
    "reqwest",
    "SystemTime",
];
const IMPURE_PATHS: &[&[&str]] = &[&["std", "fs"], &["std", "net"], &["std", "env"]];

/// The statuses that are not errors; every other one is an error's, and chosen in one file.
const GOOD_STATUSES: &[&str] = &[
    "CONTINUE",
    "SWITCHING_PROTOCOLS",
    "OK",
    "CREATED",
    "ACCEPTED",
    "NO_CONTENT",
    "PARTIAL_CONTENT",
    "MOVED_PERMANENTLY",
    "FOUND",
    "SEE_OTHER",
    "NOT_MODIFIED",
    "TEMPORARY_REDIRECT",
    "PERMANENT_REDIRECT",
];

/// The methods of `Store` that belong to no tenant: the queue's, the ledger's, the house's.
const WITHOUT_TENANT: &[&str] = &[
    "claim",
    "settle",
    "relinquish",
    "fail",
    "oldest_waiting",
    "count_waiting",
    "expire_imports",
    "wait_for_work",
    "find_ledger_entries",
    "release_ledger_entry",
    "list_tenants",
    "settle_at_once",
    "together",
    "paging_secret",
    "check",
    "close",
];

/// `domain`, `graph` and the crates beside them do no I/O. Their tests may read what they test with.
pub(super) fn pure_rooms_stay_pure(source: &Source) -> Vec<Violation> {
    let in_crate = source.path.starts_with("crates/") && source.path.contains("/src/");
    if !source.is_module("src/domain") && !source.is_module("src/graph") && !in_crate {
        return Vec::new();
    }
    let words = source.words().filter(|(_, word)| IMPURE.contains(word));
    let words = words.map(|(offset, word)| (offset, word.to_owned()));
    let paths = source.paths().into_iter();
    let paths = paths.filter(|path| IMPURE_PATHS.iter().any(|impure| path.starts_with(impure)));
    words
        .chain(paths.map(|path| (path.offset, path.written())))
        .filter(|(offset, _)| !source.is_test(*offset))
        .map(|(offset, name)| {
            source.violation(offset, format!("a room without I/O must not name `{name}`"))
        })
        .collect()
}

/// The driver stands in one room, so that the other backends need not know it.
pub(super) fn only_the_sqlite_store_names_rusqlite(source: &Source) -> Vec<Violation> {
    if !source.is_under("src") || source.is_module("src/store/sqlite") {
        return Vec::new();
    }
    let named = source.words().filter(|(_, word)| *word == "rusqlite");
    named
        .map(|(offset, _)| source.violation(offset, "only src/store/sqlite names rusqlite"))
        .collect()
}

/// The same for the other driver.
pub(super) fn only_the_postgres_store_names_its_driver(source: &Source) -> Vec<Violation> {
    if !source.is_under("src") || source.is_module("src/store/postgres") {
        return Vec::new();
    }
    let named = source
        .words()
        .filter(|(_, word)| matches!(*word, "tokio_postgres" | "deadpool"));
    named
        .map(|(offset, _)| source.violation(offset, "only src/store/postgres names its driver"))
        .collect()
}

/// The language of queries is read in `graph`, made into SQL in `store` and handed between them by
/// `http`. Nothing else asks questions in it; the rules of `domain` least of all.
pub(super) fn only_rooms_on_the_way_name_odata(source: &Source) -> Vec<Violation> {
    let on_the_way = ["graph", "store", "http", "testing"];
    if room_of(source).is_none_or(|room| on_the_way.contains(&room)) {
        return Vec::new();
    }
    let named = source.words().filter(|(_, word)| *word == "odata");
    named
        .map(|(offset, _)| source.violation(offset, "only graph, store and http name odata"))
        .collect()
}

/// A heuristic: SQL is written with its verbs in capitals.
pub(super) fn only_the_store_speaks_sql(source: &Source) -> Vec<Violation> {
    if !source.is_under("src") || source.is_module("src/store") {
        return Vec::new();
    }
    let is_sql = |text: &str| {
        ["SELECT ", "INSERT INTO", "DELETE FROM"]
            .iter()
            .any(|verb| text.contains(verb))
            || text
                .split_once("UPDATE ")
                .is_some_and(|(_, rest)| rest.contains(" SET "))
    };
    let strings = source.strings.iter().filter(|(_, content)| is_sql(content));
    strings
        .map(|(offset, _)| source.violation(*offset, "SQL stands only under src/store"))
        .collect()
}

/// Tests of other rooms may drive a router.
pub(super) fn only_the_web_rooms_name_axum(source: &Source) -> Vec<Violation> {
    let room = room_of(source);
    if !source.is_under("src") || matches!(room, Some("http" | "authority" | "rehearsal")) {
        return Vec::new();
    }
    let named = source
        .words()
        .filter(|(offset, word)| *word == "axum" && !source.is_test(*offset));
    named
        .map(|(offset, _)| source.violation(offset, "only http, authority and rehearsal name axum"))
        .collect()
}

/// One place per room turns what went wrong into a status.
pub(super) fn only_error_files_choose_error_statuses(source: &Source) -> Vec<Violation> {
    let in_web_room = source.is_module("src/http") || source.is_module("src/authority");
    // The admin listener is no part of Graph: its few refusals look otherwise.
    let is_error_file = source.is_module("src/http/error")
        || matches!(
            &*source.path,
            "src/http/admin/answer.rs" | "src/authority/oauth_error.rs"
        );
    if !in_web_room || is_error_file {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for path in source.paths() {
        let is_chosen = path.parts.windows(2).any(|pair| {
            let is_constant = !pair[1].bytes().any(|byte| byte.is_ascii_lowercase());
            let is_error = is_constant && !GOOD_STATUSES.contains(&&*pair[1]);
            pair[0] == "StatusCode" && (is_error || pair[1] == "from_u16")
        });
        if is_chosen && !source.is_test(path.offset) {
            let rule = format!(
                "only the room's error.rs chooses an error's status (`{}`)",
                path.written()
            );
            violations.push(source.violation(path.offset, rule));
        }
    }
    violations
}

/// What outlives its request belongs to the registrar or the lifecycle.
pub(super) fn http_starts_no_task(source: &Source) -> Vec<Violation> {
    // The server keeps a task a connection, and waits for all of them.
    if !source.is_module("src/http") || source.path == "src/http/server/mod.rs" {
        return Vec::new();
    }
    let words = source
        .words()
        .filter(|(_, word)| matches!(*word, "JoinSet" | "spawn_blocking"));
    let paths = source.paths().into_iter();
    let paths = paths.filter(|path| {
        ["tokio", "task", "thread"]
            .iter()
            .any(|parent| path.holds(&[parent, "spawn"]))
    });
    words
        .map(|(offset, _)| offset)
        .chain(paths.map(|path| path.offset))
        .filter(|offset| !source.is_test(*offset))
        .map(|offset| source.violation(offset, "`http` never starts a task or a thread"))
        .collect()
}

/// A method without a tenant could answer one tenant with another's data.
pub(super) fn store_methods_take_a_tenant(source: &Source) -> Vec<Violation> {
    let Some(block) = store_trait(source) else {
        return Vec::new();
    };
    let code = &source.code[block.clone()];
    let mut violations = Vec::new();
    let words: Vec<_> = source
        .words()
        .filter(|(offset, _)| block.contains(offset))
        .collect();
    for pair in words.windows(2).filter(|pair| pair[0].1 == "fn") {
        let (offset, name) = pair[1];
        let parameters = &code[offset + name.len() - block.start..];
        if !WITHOUT_TENANT.contains(&name) && !takes_tenant_first(parameters) {
            let rule = format!("`Store::{name}` must take `tenant: TenantId` first");
            violations.push(source.violation(offset, rule));
        }
    }
    violations
}

/// Where the body of `trait Store`, or of a trait that is a part of it, is, if it is in this file.
pub(super) fn store_trait(source: &Source) -> Option<Range<usize>> {
    if !source.is_module("src/store") {
        return None;
    }
    let words: Vec<_> = source.words().collect();
    let head = words
        .windows(2)
        .find(|pair| pair[0].1 == "trait" && pair[1].1.ends_with("Store"))?;
    let start = head[1].0 + source.code[head[1].0..].find('{')?;
    Some(start..source.end_of_block(start))
}

/// Whether the parameters after `self` begin with a tenant. Lifetimes and spaces do not matter.
fn takes_tenant_first(after_name: &str) -> bool {
    let Some((_, parameters)) = after_name.split_once('(') else {
        return false;
    };
    let Some((_, parameters)) = parameters.split_once("self") else {
        return false;
    };
    let first = parameters.trim_start_matches([',', ' ', '\n']);
    let Some(kind) = first.strip_prefix("tenant:") else {
        return false;
    };
    let kind = kind.trim_start().trim_start_matches('&');
    let kind = match kind.strip_prefix('\'') {
        Some(lifetime) => lifetime.split_once(' ').map_or("", |(_, kind)| kind),
        None => kind,
    };
    kind.strip_prefix("TenantId")
        .is_some_and(|rest| rest.starts_with([',', ')', ' ', '\n']))
}
