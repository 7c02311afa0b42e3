//! What a target knows of the move into it. It is written with the rows that it speaks of, in one
//! transaction, so that a move that was interrupted goes on exactly where it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Marks, MoveError,
    row::{Row, Value, hexadecimal},
    table::{TABLES, Table},
};

/// How far a move is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The program that began it.
    program: String,
    /// Which database it comes from: a digest of what only that one has.
    source: String,
    /// What made the source.
    kind: String,
    /// How many rows there were in the beginning, by table.
    pub(super) counts: BTreeMap<String, u64>,
    /// How many of them are here.
    pub(super) written: BTreeMap<String, u64>,
    /// The table that the last row is of, and that row's key.
    last: Option<(String, Vec<Value>)>,
    /// How many of the things that follow from the rows have been made.
    pub(super) built: usize,
    /// Whether it has ended.
    pub(super) is_over: bool,
}

impl Journal {
    /// Begins one.
    pub(super) fn new(source: &Marks, counts: BTreeMap<String, u64>) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            source: name(source),
            kind: source.kind.clone(),
            counts,
            written: BTreeMap::new(),
            last: None,
            built: 0,
            is_over: false,
        }
    }

    /// Reads what `bytes` wrote.
    pub(super) fn read(bytes: &[u8], place: &str) -> Result<Self, MoveError> {
        serde_json::from_slice(bytes).map_err(|_| {
            MoveError::Refused(format!(
                "the database {place} was the target of a move that this program can't read: make \
                 it anew"
            ))
        })
    }

    /// As the target keeps it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Maps with texts for keys, and nothing that can't be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether it comes from this database.
    pub(super) fn is_of(&self, source: &Marks) -> bool {
        self.source == name(source)
    }

    /// What made the source.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether another release began it, whose tables may have been others.
    pub(super) fn other_program(&self) -> Option<&str> {
        (self.program != env!("CARGO_PKG_VERSION")).then_some(&self.program)
    }

    /// Whether a table is wholly here, or the key of its last row that is.
    pub(super) fn place_in(&self, table: &Table) -> Place {
        let Some((name, key)) = &self.last else {
            return Place::Untouched;
        };
        let position = |name: &str| TABLES.iter().position(|table| table.name == name);
        match position(name).cmp(&position(table.name)) {
            std::cmp::Ordering::Less => Place::Untouched,
            std::cmp::Ordering::Equal => Place::After(key.clone()),
            std::cmp::Ordering::Greater => Place::Whole,
        }
    }

    /// Notes rows that are written with it.
    pub(super) fn advance(&mut self, table: &Table, rows: &[Row]) {
        let Some(last) = rows.last() else {
            return;
        };
        *self.written.entry(table.name.to_owned()).or_default() += rows.len() as u64;
        self.last = Some((table.name.to_owned(), table.key_of(last).to_vec()));
    }

    /// How many rows are here.
    pub(super) fn rows(&self) -> u64 {
        self.written.values().sum()
    }

    /// How many rows there are to move.
    pub(super) fn whole(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Where a table's next row comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From its beginning.
    Untouched,
    /// From after this key.
    After(Vec<Value>),
    /// There is none.
    Whole,
}

/// Tells a database from all others, without telling its secret.
fn name(marks: &Marks) -> String {
    let digest = Sha256::new()
        .chain_update(b"hangar migrate-data")
        .chain_update(&marks.paging_secret)
        .finalize();
    hexadecimal(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(secret: u8) -> Marks {
        Marks {
            kind: "production".to_owned(),
            paging_secret: vec![secret; 32],
            journal: None,
        }
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let mut journal = Journal::new(&marks(1), BTreeMap::from([("import".to_owned(), 2)]));
        let table = |name: &str| TABLES.iter().find(|table| table.name == name).unwrap();
        assert_eq!(journal.place_in(table("import")), Place::Untouched);
        journal.advance(table("import"), &[vec![Value::Number(7), Value::Nothing]]);
        journal.advance(table("import"), &[]);
        let read = Journal::read(&journal.bytes(), "x").unwrap();
        assert_eq!(read, journal);
        assert_eq!((read.rows(), read.whole()), (1, 2));
        assert_eq!(read.place_in(table("profile")), Place::Whole);
        let after = Place::After(vec![Value::Number(7)]);
        assert_eq!(read.place_in(table("import")), after);
        assert_eq!(read.place_in(table("device")), Place::Untouched);
        assert!(read.is_of(&marks(1)) && !read.is_of(&marks(2)));
        assert!(!String::from_utf8(read.bytes()).unwrap().contains("0101"));
        assert!(Journal::read(b"{}", "x").is_err());
    }
}
