//! Where the databases' languages differ.

use odata::{Direction, InstantPart, Value};

use super::Parameter;

/// A database's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.45 and later.
    Sqlite,
    /// PostgreSQL 15 and later.
    Postgres,
}

impl Dialect {
    /// How a parameter is written, by its number from 1. PostgreSQL is told its type: elsewhere it
    /// takes what two parameters are compared as for texts.
    pub(super) fn placeholder(self, number: usize, parameter: &Parameter) -> String {
        match (self, type_of(parameter)) {
            (Self::Sqlite, _) => format!("?{number}"),
            (Self::Postgres, Some(kind)) => format!("${number}::{kind}"),
            (Self::Postgres, None) => format!("${number}"),
        }
    }

    /// Equality that takes null as a value.
    pub(super) fn is(self) -> &'static str {
        match self {
            // The word that an index is used for.
            Self::Sqlite => " IS ",
            Self::Postgres => " IS NOT DISTINCT FROM ",
        }
    }

    /// The opposite.
    pub(super) fn is_not(self) -> &'static str {
        match self {
            Self::Sqlite => " IS NOT ",
            Self::Postgres => " IS DISTINCT FROM ",
        }
    }

    /// What stands behind a text so that it compares by code point.
    pub(super) fn text_collation(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " COLLATE \"C\"",
        }
    }

    /// The same, if the other side is this value.
    pub(super) fn collation(self, value: &Value<'_>) -> &'static str {
        match value {
            Value::Text(_) => self.text_collation(),
            _ => "",
        }
    }

    /// What stands behind a key in `ORDER BY`: null comes before everything ascending, after
    /// everything descending.
    pub(super) fn order(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Sqlite, Direction::Ascending) => " ASC",
            (Self::Sqlite, Direction::Descending) => " DESC",
            (Self::Postgres, Direction::Ascending) => " ASC NULLS FIRST",
            (Self::Postgres, Direction::Descending) => " DESC NULLS LAST",
        }
    }

    /// The function that tells where a part stands in a text, in code points from 1, 0 if nowhere.
    pub(super) fn position(self) -> &'static str {
        match self {
            Self::Sqlite => "instr",
            Self::Postgres => "strpos",
        }
    }

    /// The function that counts a text's code points.
    pub(super) fn length(self) -> &'static str {
        match self {
            Self::Sqlite => "length",
            Self::Postgres => "char_length",
        }
    }

    /// What stands around one parameter that holds a list, behind what may be in it. However long
    /// the list is, the statement is the same.
    pub(super) fn any_of(self, first: Option<&Parameter>) -> (&'static str, &'static str) {
        match (self, first) {
            (Self::Sqlite, Some(Parameter::Guid(_))) => {
                (" IN (SELECT unhex(value) FROM json_each(", "))")
            }
            (Self::Sqlite, _) => (" IN (SELECT value FROM json_each(", "))"),
            (Self::Postgres, _) => (" = ANY(", ")"),
        }
    }

    /// What stands around a number so that functions of texts take it.
    pub(super) fn short(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("", ""),
            Self::Postgres => ("(", ")::int"),
        }
    }

    /// What stands around a number, which may be null, to make what is below 0 to 0.
    pub(super) fn not_negative(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite => ("max(", ", 0)"),
            // Its `greatest` passes nulls over, and no text is longer than its shorter integers.
            Self::Postgres => (
                "(SELECT CASE WHEN n < 0 THEN 0 WHEN n > 2147483646 THEN 2147483646
                    ELSE n END::int FROM (VALUES ((",
                ")::bigint)) AS number (n))",
            ),
        }
    }

    /// A part of an instant, which is an expression in microseconds.
    pub(super) fn part(self, part: InstantPart, instant: &str) -> String {
        const DAY: i64 = 86_400_000_000;
        // Both cut divisions towards zero; an instant before 1970 needs the floor.
        let of_day = format!("((({instant}) % {DAY} + {DAY}) % {DAY})");
        let days = format!("((({instant}) - {of_day}) / {DAY})");
        let calendar = |sqlite: &str, postgres: &str| match self {
            Self::Sqlite => {
                format!("CAST(strftime('{sqlite}', {days} * 86400, 'unixepoch') AS INTEGER)")
            }
            Self::Postgres => {
                format!("(EXTRACT({postgres} FROM DATE '1970-01-01' + ({days})::int)::bigint)")
            }
        };
        match part {
            InstantPart::Year => calendar("%Y", "YEAR"),
            InstantPart::Month => calendar("%m", "MONTH"),
            InstantPart::Day => calendar("%d", "DAY"),
            InstantPart::Hour => format!("({of_day} / 3600000000)"),
            InstantPart::Minute => format!("({of_day} / 60000000 % 60)"),
            InstantPart::Second => format!("({of_day} / 1000000 % 60)"),
            InstantPart::Date => days,
            InstantPart::Time => of_day,
        }
    }
}

/// PostgreSQL's name for the type of a parameter; none for null, which has any.
fn type_of(parameter: &Parameter) -> Option<&'static str> {
    Some(match parameter {
        Parameter::Null => return None,
        Parameter::Boolean(_) => "boolean",
        Parameter::Integer(_) => "bigint",
        Parameter::Text(_) => "text",
        Parameter::Guid(_) => "uuid",
        Parameter::List(items) => match items.first() {
            Some(Parameter::Integer(_)) => "bigint[]",
            Some(Parameter::Guid(_)) => "uuid[]",
            Some(Parameter::Boolean(_)) => "boolean[]",
            _ => "text[]",
        },
    })
}
