//! The canonical text of a tree: one text for a tree and one tree for a text, so that it can stand
//! for the tree in a digest. Reading it gives the tree back, unless it has grown over a limit.

use std::fmt::{self, Display, Formatter};

use crate::{
    kind::Literal,
    tree::{Condition, Direction, Operand, Order},
};

impl<F> Display for Condition<F> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(conditions) => join(out, conditions, " and "),
            Self::Or(conditions) => join(out, conditions, " or "),
            Self::Not(inner) => write!(out, "not {}", Grouped(inner)),
            Self::Compare {
                operator,
                left,
                right,
            } => write!(out, "{left} {} {right}", operator.word()),
            Self::In { operand, list } => {
                write!(out, "{operand} in (")?;
                for (index, item) in list.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(out, "{comma}{item}")?;
                }
                out.write_str(")")
            }
            Self::Text { test, text, part } => write!(out, "{}({text},{part})", test.word()),
            Self::Same(left, right) => write!(out, "{} eq {}", Grouped(left), Grouped(right)),
            Self::Field(property) => out.write_str(property.path),
            Self::Constant(Some(truth)) => truth.fmt(out),
            Self::Constant(None) => out.write_str("null"),
        }
    }
}

fn join<F>(out: &mut Formatter<'_>, conditions: &[Condition<F>], word: &str) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            out.write_str(word)?;
        }
        Grouped(condition).fmt(out)?;
    }
    Ok(())
}

/// A condition within another: in parentheses unless it is one piece.
struct Grouped<'c, F>(&'c Condition<F>);

impl<F> Display for Grouped<'_, F> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Condition::Text { .. } | Condition::Field(_) | Condition::Constant(_) => {
                self.0.fmt(out)
            }
            condition => write!(out, "({condition})"),
        }
    }
}

impl<F> Display for Operand<F> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(out),
            Self::Field(property) => out.write_str(property.path),
            Self::ToLower(inner) => write!(out, "tolower({inner})"),
            Self::ToUpper(inner) => write!(out, "toupper({inner})"),
            Self::Trim(inner) => write!(out, "trim({inner})"),
            Self::Concat(left, right) => write!(out, "concat({left},{right})"),
            Self::Length(inner) => write!(out, "length({inner})"),
            Self::IndexOf { text, part } => write!(out, "indexof({text},{part})"),
            Self::Substring {
                text,
                start,
                length: None,
            } => write!(out, "substring({text},{start})"),
            Self::Substring {
                text,
                start,
                length: Some(length),
            } => write!(out, "substring({text},{start},{length})"),
            Self::Part(part, inner) => write!(out, "{}({inner})", part.word()),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Text(text) => quote(out, text),
            Self::Integer(number) => number.fmt(out),
            Self::Instant(instant) => instant.fmt(out),
            Self::Date(date) => date.fmt(out),
            Self::Time(time) => time.fmt(out),
            Self::Guid(guid) => guid.hyphenated().fmt(out),
            Self::Enum(enum_type, number) => {
                out.write_str(enum_type.name)?;
                match enum_type.member(*number) {
                    Some(name) => quote(out, name),
                    None => write!(out, "'{number}'"),
                }
            }
        }
    }
}

fn quote(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    write!(out, "'{}'", text.replace('\'', "''"))
}

impl<F> Display for Order<F> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, key) in self.keys.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let direction = match key.direction {
                Direction::Ascending => "asc",
                Direction::Descending => "desc",
            };
            write!(out, "{comma}{} {direction}", key.property.path)?;
        }
        Ok(())
    }
}
