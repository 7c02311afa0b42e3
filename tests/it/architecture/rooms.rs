//! Who may know whom: the arrows between the rooms under `src/`.

use super::Violation;
use super::source::{NamedPath, Source};

/// The rooms, and whom each may know. `EVERYBODY` spares a list that would name all the others.
/// A room that is not built yet may stand here; a room that stands here not may not be built.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("domain", &[]),
    ("graph", &["domain"]),
    ("store", &["domain"]),
    ("registrar", &["store", "domain", "telemetry"]),
    ("http", &["graph", "store", "domain", "telemetry"]),
    ("authority", &["domain"]),
    (
        "rehearsal",
        &[
            "authority",
            "domain",
            "graph",
            "http",
            "lifecycle",
            "registrar",
            "store",
        ],
    ),
    ("client", &["graph", "domain"]),
    ("config", &["domain"]),
    ("devices_csv", &[]),
    ("telemetry", &["config"]),
    ("tls", &["domain"]),
    (
        "lifecycle",
        &[
            "authority",
            "client",
            "config",
            "domain",
            "graph",
            "http",
            "registrar",
            "rehearsal",
            "store",
            "telemetry",
            "testing",
        ],
    ),
    ("cli", EVERYBODY),
    ("testing", EVERYBODY),
];

const EVERYBODY: &[&str] = &["*"];

/// Whom any room's tests may know besides.
const FOR_TESTS: &[&str] = &["testing", "registrar"];

/// A room has a row in the table before it has a file.
pub(super) fn every_room_is_known(source: &Source) -> Vec<Violation> {
    let Some(room) = room_of(source) else {
        return Vec::new();
    };
    if known_by(room).is_some() {
        return Vec::new();
    }
    let rule = format!("`{room}` is not a room; give it a row in tests/it/architecture/rooms.rs");
    vec![source.violation(0, rule)]
}

/// A room names only rooms that it may know.
pub(super) fn arrows_are_allowed(source: &Source) -> Vec<Violation> {
    let Some(room) = room_of(source) else {
        return Vec::new();
    };
    let Some(allowed) = known_by(room) else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    for path in source.paths() {
        let Some(other) = room_named_by(&path, source) else {
            continue;
        };
        let other = other.as_str();
        let in_test = source.is_test(path.offset) && FOR_TESTS.contains(&other);
        if other == room || allowed == EVERYBODY || allowed.contains(&other) || in_test {
            continue;
        }
        let rule = format!("`{room}` must not know `{other}` (`{}`)", path.written());
        violations.push(source.violation(path.offset, rule));
    }
    violations
}

/// The room that a file under `src/` stands in. `lib.rs` is the house, not a room.
pub(super) fn room_of(source: &Source) -> Option<&str> {
    let path = source.path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let room = path.split('/').next()?;
    (room != "lib").then_some(room)
}

fn known_by(room: &str) -> Option<&'static [&'static str]> {
    ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, allowed)| *allowed)
}

/// The room that a path leads into from the crate's root, if it passes the root at all.
fn room_named_by(path: &NamedPath, source: &Source) -> Option<String> {
    let parts: Vec<_> = path
        .parts
        .iter()
        .map(String::as_str)
        .skip_while(|part| *part == "self")
        .collect();
    let room = match *parts.first()? {
        "crate" | "hangar" => parts.get(1)?,
        "super" => {
            let ups = parts.iter().take_while(|part| **part == "super").count();
            let module = module_at(source, path.offset);
            (ups == module.len()).then(|| parts.get(ups))??
        }
        _ => return None,
    };
    ROOMS
        .iter()
        .find(|(name, _)| name == room)
        .map(|(name, _)| (*name).to_owned())
}

/// The modules around a place, from the crate's root inwards.
fn module_at<'a>(source: &'a Source, offset: usize) -> Vec<&'a str> {
    let path = source
        .path
        .trim_start_matches("src/")
        .trim_end_matches(".rs");
    let mut modules: Vec<&'a str> = path.trim_end_matches("/mod").split('/').collect();
    modules.extend(source.inline_modules(offset));
    modules
}
