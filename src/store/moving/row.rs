//! A row as neither backend writes it: what both must give back alike, to the last digit.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::table::Table;

/// What stands in a column. Values of a key are ordered as both backends order them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::store) enum Value {
    Nothing,
    Number(i64),
    Flag(bool),
    Guid(Uuid),
    Text(String),
    Bytes(Vec<u8>),
}

/// The values of a table's columns, in their order.
pub(in crate::store) type Row = Vec<Value>;

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("nothing"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Flag(flag) => write!(formatter, "{flag}"),
            Self::Guid(id) => write!(formatter, "{id}"),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Bytes(bytes) => write!(formatter, "{} bytes", bytes.len()),
        }
    }
}

impl Value {
    /// How much memory it takes, about.
    fn weight_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Bytes(bytes) => bytes.len(),
                _ => 0,
            }
    }

    /// Writes it so that no two sequences of values look the same.
    fn digest(&self, into: &mut Sha256) {
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Nothing => (0, &[]),
            Self::Number(number) => {
                into.update([1]);
                into.update(number.to_be_bytes());
                return;
            }
            Self::Flag(flag) => (2 + u8::from(*flag), &[]),
            Self::Guid(id) => {
                into.update([4]);
                into.update(id.as_bytes());
                return;
            }
            Self::Text(text) => (5, text.as_bytes()),
            Self::Bytes(bytes) => (6, bytes),
        };
        into.update([kind]);
        into.update((bytes.len() as u64).to_be_bytes());
        into.update(bytes);
    }
}

/// Digests rows, in their order.
pub(super) fn digest(rows: &[Row], into: &mut Sha256) {
    for value in rows.iter().flatten() {
        value.digest(into);
    }
}

/// A digest as people compare it.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Gathers rows until they are enough for one step. How many that are depends on nothing but them,
/// so that both sides, read from the same place, stop at the same.
pub(in crate::store) struct Gathered {
    rows: Vec<Row>,
    most: usize,
    weight_bytes: usize,
}

/// How much one step may weigh, but for its last row.
const STEP_BYTES: usize = 4 << 20;

impl Gathered {
    /// Nothing yet, and so many rows at most.
    pub(in crate::store) fn new(most: usize) -> Self {
        Self {
            rows: Vec::with_capacity(most.min(4096)),
            most,
            weight_bytes: 0,
        }
    }

    /// Whether it is enough.
    pub(in crate::store) fn is_enough(&self) -> bool {
        self.rows.len() >= self.most || self.weight_bytes >= STEP_BYTES
    }

    /// Adds a row.
    pub(in crate::store) fn push(&mut self, row: Row) {
        self.weight_bytes += row.iter().map(Value::weight_bytes).sum::<usize>();
        self.rows.push(row);
    }

    /// The rows.
    pub(in crate::store) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

/// Where two runs of one table's rows part, in words; nothing where they don't.
pub(super) fn difference(table: &Table, ours: &[Row], theirs: &[Row]) -> Option<String> {
    let mut pairs = ours.iter().zip(theirs);
    if let Some((one, other)) = pairs.find(|(one, other)| one != other) {
        let (key, other_key) = (table.key_of(one), table.key_of(other));
        return Some(match key.cmp(other_key) {
            std::cmp::Ordering::Less => missing(table, one),
            std::cmp::Ordering::Greater => extra(table, other),
            std::cmp::Ordering::Equal => {
                let columns = table.columns.iter().zip(one.iter().zip(other));
                let differing: Vec<_> = columns
                    .filter(|(_, (one, other))| one != other)
                    .map(|(column, _)| column.name)
                    .collect();
                format!(
                    "the row with {} differs in {}",
                    table.say_key(one),
                    differing.join(", ")
                )
            }
        });
    }
    if let Some(row) = ours.get(theirs.len()) {
        return Some(missing(table, row));
    }
    theirs.get(ours.len()).map(|row| extra(table, row))
}

fn missing(table: &Table, row: &Row) -> String {
    format!("the row with {} is missing", table.say_key(row))
}

fn extra(table: &Table, row: &Row) -> String {
    format!("there is a row with {} too many", table.say_key(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::moving::table::TABLES;

    fn digest_of(values: &[Value]) -> Vec<u8> {
        let mut digest = Sha256::new();
        super::digest(&[values.to_vec()], &mut digest);
        digest.finalize().to_vec()
    }

    #[test]
    fn no_two_rows_have_one_digest() {
        let text = |text: &str| Value::Text(text.to_owned());
        let rows = [
            vec![Value::Nothing],
            vec![Value::Flag(false)],
            vec![Value::Flag(true)],
            vec![Value::Number(0)],
            vec![Value::Number(1)],
            vec![Value::Guid(Uuid::nil())],
            vec![text("")],
            vec![Value::Bytes(Vec::new())],
            vec![text("ab"), text("")],
            vec![text("a"), text("b")],
            vec![text(""), text("ab")],
            vec![text("ab"), Value::Nothing],
        ];
        let mut digests: Vec<_> = rows.iter().map(|row| digest_of(row)).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), rows.len());
    }

    #[test]
    fn differences_are_named() {
        let table = TABLES
            .iter()
            .find(|table| table.name == "tenant_sync")
            .unwrap();
        let row = |id: u128, at| {
            vec![
                Value::Guid(Uuid::from_u128(id)),
                Value::Number(at),
                Value::Nothing,
            ]
        };
        let say = |ours: &[Row], theirs: &[Row]| difference(table, ours, theirs);
        assert_eq!(say(&[row(1, 1)], &[row(1, 1)]), None);
        let cases = [
            (
                vec![row(1, 1)],
                vec![row(1, 2)],
                "000000000001 differs in started_at",
            ),
            (
                vec![row(1, 1), row(2, 1)],
                vec![row(1, 1)],
                "000000000002 is missing",
            ),
            (
                vec![row(1, 1), row(3, 1)],
                vec![row(3, 1)],
                "000000000001 is missing",
            ),
            (
                vec![row(1, 1)],
                vec![row(1, 1), row(4, 1)],
                "000000000004 too many",
            ),
            (
                vec![row(5, 1)],
                vec![row(4, 1), row(5, 1)],
                "000000000004 too many",
            ),
        ];
        for (ours, theirs, expected) in cases {
            let said = say(&ours, &theirs).unwrap();
            assert!(said.ends_with(expected), "{said}");
        }
    }

    #[test]
    fn a_step_is_bounded_by_rows_and_by_bytes() {
        let mut few = Gathered::new(2);
        few.push(vec![Value::Nothing]);
        assert!(!few.is_enough());
        few.push(vec![Value::Nothing]);
        assert!(few.is_enough());
        let mut heavy = Gathered::new(2);
        heavy.push(vec![Value::Bytes(vec![0; STEP_BYTES])]);
        assert!(heavy.is_enough());
        assert_eq!(heavy.into_rows().len(), 1);
    }
}
