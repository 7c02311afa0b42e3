//! Looks a database over: SQLite's own structure, the schema, and Hangar's rules, in one snapshot
//! and without writing, so that a server can go on meanwhile. The rules are in `inspect/rules`.

mod rules;

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::open::{OpenError, Opener};
use crate::store::soundness::{Depth, Finding, Soundness};

/// How many places a rule names. The others are counted.
const NAMED: usize = 50;

/// Looks over the database in this file.
pub(in crate::store) fn inspect(path: &Path, depth: Depth) -> Result<Soundness, OpenError> {
    let opener = Opener::new(path.to_owned(), None);
    let connection = opener.onlooker()?;
    look(&connection, depth).map_err(|error| opener.sqlite(error))
}

fn look(connection: &Connection, depth: Depth) -> rusqlite::Result<Soundness> {
    let snapshot = connection.unchecked_transaction()?;
    let structure = structure(&snapshot, depth)?;
    if structure.is_some() {
        // What a damaged file answers is no basis for anything else.
        return Ok(Soundness {
            findings: structure.into_iter().collect(),
            ..Soundness::default()
        });
    }
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        snapshot.query_row(&sql, [], |row| row.get::<_, u64>(0))
    };
    let schema = rules::schema(&snapshot)?;
    if !schema.sentences.is_empty() {
        // The rules ask tables and columns that may not be there.
        return Ok(Soundness {
            findings: vec![schema],
            ..Soundness::default()
        });
    }
    let mut findings = Vec::new();
    for rule in rules::RULES {
        let finding = rule.look(&snapshot)?;
        if finding.count > 0 {
            findings.push(finding);
        }
    }
    Ok(Soundness {
        imports: count("import")?,
        devices: count("device")?,
        hardware: count("ledger_entry")?,
        findings,
    })
}

/// SQLite's own check. Damage that stops the check is a finding like those that it makes.
fn structure(connection: &Connection, depth: Depth) -> rusqlite::Result<Option<Finding>> {
    let sql = match depth {
        Depth::Whole => format!("PRAGMA integrity_check({NAMED})"),
        Depth::Quick => format!("PRAGMA quick_check({NAMED})"),
    };
    let said = connection.prepare(&sql).and_then(|mut statement| {
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect::<Result<Vec<_>, _>>()
    });
    let complaints = match said {
        Ok(said) if said == ["ok"] => return Ok(None),
        Ok(said) => said,
        Err(error) if is_damage(&error) => vec![error.to_string()],
        Err(error) => return Err(error),
    };
    Ok(Some(Finding {
        rule: "structure",
        count: u64::try_from(complaints.len()).unwrap_or(u64::MAX),
        sentences: complaints
            .iter()
            .flat_map(|complaint| complaint.lines())
            .map(|line| format!("The database itself is damaged: {line}."))
            .collect(),
    }))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// Looks at one rule, also in a database that the others would not get to.
#[cfg(test)]
pub(super) fn look_at(connection: &Connection, rule: &str) -> rusqlite::Result<Finding> {
    let mut rules = rules::RULES.iter();
    let found = rules.find(|known| known.is(rule));
    found.ok_or(rusqlite::Error::InvalidQuery)?.look(connection)
}
