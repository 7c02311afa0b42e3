//! What a filter means: the truth of a condition about one row. Whoever makes something else of a
//! tree, such as SQL, has to come to the same.
//!
//! Nulls, by `OData` 4.01:
//!
//! - `eq` and `ne` take null as a value: `null eq null` is true, `null eq 'x'` false, `null ne 'x'`
//!   true. `in` goes by `eq`. `gt ge lt le` with null on either side are false, and so their opposite
//!   by `not` is true.
//! - A function of null is null, whichever argument it is: `contains(null,'x')` is neither true nor
//!   false, and neither is its opposite.
//! - `and`, `or` and `not` reckon with the unknown: `false and null` is false, `true or null` true,
//!   every other meeting with null is null. A filter that comes to null leaves the row out.
//! - In an order, null comes before everything ascending and behind everything descending.
//!
//! Texts are code points:
//!
//! - They are equal and ordered by code point, with regard to letter case: `'B' lt 'a'`.
//! - `tolower` and `toupper` touch ASCII letters alone, `trim` takes U+0020 alone.
//! - `length`, `indexof` and `substring` count code points from 0, whatever their number of bytes.
//! - An empty part is contained in every text, at its beginning and its end: `indexof` gives 0, as it
//!   gives -1 where nothing is found.
//! - `substring` cuts what lies outside the text: a start behind the end gives `''`, a length beyond
//!   it the rest. A literal start or length below 0 is a syntax error; one that is computed (by
//!   `indexof`) counts as 0.
//!
//! Numbers are whole and have 64 bits; nothing is computed that could go beyond. Enumerations are
//! compared and ordered by number, GUIDs by their bytes (the order of their text), `false` before
//! `true`. Instants are whole microseconds, days and times of day those of UTC.

use std::{borrow::Cow, cmp::Ordering};

use jiff::{Timestamp, tz::Offset};

use crate::{
    kind::{Literal, Value},
    tree::{Comparison, Condition, InstantPart, Operand, TextTest},
};

/// The truth of a condition about a row, which gives a field's value; none where it is unknown.
pub fn evaluate<'r, F: Copy>(
    condition: &Condition<F>,
    row: &impl Fn(F) -> Value<'r>,
) -> Option<bool> {
    match condition {
        Condition::And(conditions) => all(conditions, row, true),
        Condition::Or(conditions) => all(conditions, row, false),
        Condition::Not(inner) => evaluate(inner, row).map(|truth| !truth),
        Condition::Compare {
            operator,
            left,
            right,
        } => Some(compare(*operator, &value(left, row), &value(right, row))),
        Condition::In { operand, list } => {
            let wanted = value(operand, row);
            Some(list.iter().any(|item| literal(item) == wanted))
        }
        Condition::Text { test, text, part } => {
            let (text, part) = (value(text, row), value(part, row));
            let (text, part) = (text.as_text()?, part.as_text()?);
            Some(match test {
                TextTest::Contains => text.contains(part),
                TextTest::StartsWith => text.starts_with(part),
                TextTest::EndsWith => text.ends_with(part),
            })
        }
        Condition::Same(left, right) => Some(evaluate(left, row) == evaluate(right, row)),
        Condition::Field(property) => match row(property.field) {
            Value::Boolean(truth) => Some(truth),
            _ => None,
        },
        Condition::Constant(truth) => *truth,
    }
}

/// Whether a filter takes a row: its condition is true, and not merely unknown.
pub fn matches<'r, F: Copy>(condition: &Condition<F>, row: &impl Fn(F) -> Value<'r>) -> bool {
    evaluate(condition, row) == Some(true)
}

/// `and` where `neutral` is true, `or` where it is false: the other truth decides, null is next.
fn all<'r, F: Copy>(
    conditions: &[Condition<F>],
    row: &impl Fn(F) -> Value<'r>,
    neutral: bool,
) -> Option<bool> {
    let mut outcome = Some(neutral);
    for condition in conditions {
        match evaluate(condition, row) {
            Some(truth) if truth != neutral => return Some(truth),
            Some(_) => {}
            None => outcome = None,
        }
    }
    outcome
}

fn compare(operator: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    let ordering = || {
        let either_null = *left == Value::Null || *right == Value::Null;
        (!either_null).then(|| compare_values(left, right))
    };
    match operator {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Greater => ordering().is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordering().is_some_and(Ordering::is_ge),
        Comparison::Less => ordering().is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => ordering().is_some_and(Ordering::is_le),
    }
}

/// Which of two values of one kind comes first, null before all others. Values of different kinds
/// never meet; they would be ordered by kind.
pub(crate) fn compare_values(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Instant(left), Value::Instant(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Guid(left), Value::Guid(right)) => left.cmp(right),
        (Value::Enum(left), Value::Enum(right)) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value<'_>) -> u8 {
    match value {
        Value::Null => 0,
        Value::Boolean(_) => 1,
        Value::Text(_) => 2,
        Value::Integer(_) => 3,
        Value::Instant(_) => 4,
        Value::Date(_) => 5,
        Value::Time(_) => 6,
        Value::Guid(_) => 7,
        Value::Enum(_) => 8,
    }
}

/// The value of an operand; null where an argument is null.
fn value<'v, 'r: 'v, F: Copy>(operand: &'v Operand<F>, row: &impl Fn(F) -> Value<'r>) -> Value<'v> {
    match operand {
        Operand::Literal(own) => literal(own),
        Operand::Field(property) => row(property.field),
        _ => call(operand, row).unwrap_or(Value::Null),
    }
}

fn call<'v, 'r: 'v, F: Copy>(
    operand: &'v Operand<F>,
    row: &impl Fn(F) -> Value<'r>,
) -> Option<Value<'v>> {
    let text = |operand: &'v Operand<F>| value(operand, row).into_text();
    let integer = |operand: &'v Operand<F>| match value(operand, row) {
        Value::Integer(number) => Some(number),
        _ => None,
    };
    Some(match operand {
        Operand::Literal(own) => literal(own),
        Operand::Field(property) => row(property.field),
        Operand::ToLower(inner) => Value::Text(text(inner)?.to_ascii_lowercase().into()),
        Operand::ToUpper(inner) => Value::Text(text(inner)?.to_ascii_uppercase().into()),
        Operand::Trim(inner) => Value::Text(text(inner)?.trim_matches(' ').to_owned().into()),
        Operand::Concat(left, right) => {
            let (left, right) = (text(left)?, text(right)?);
            Value::Text((left.into_owned() + &right).into())
        }
        Operand::Length(inner) => Value::Integer(count(&text(inner)?)),
        Operand::IndexOf { text: whole, part } => {
            let (whole, part) = (text(whole)?, text(part)?);
            Value::Integer(match whole.find(&*part) {
                Some(at) => count(whole.get(..at).unwrap_or_default()),
                None => -1,
            })
        }
        Operand::Substring {
            text: whole,
            start,
            length,
        } => {
            let (whole, start) = (text(whole)?, integer(start)?);
            let length = match length {
                Some(length) => integer(length)?,
                None => i64::MAX,
            };
            let behind = whole.chars().skip(index(start));
            Value::Text(behind.take(index(length)).collect::<String>().into())
        }
        Operand::Part(part, inner) => match value(inner, row) {
            Value::Instant(instant) => part_of(*part, instant),
            _ => return None,
        },
    })
}

fn literal(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Text(text) => Value::Text(Cow::Borrowed(text)),
        Literal::Integer(number) => Value::Integer(*number),
        Literal::Instant(instant) => Value::Instant(*instant),
        Literal::Date(date) => Value::Date(*date),
        Literal::Time(time) => Value::Time(*time),
        Literal::Guid(guid) => Value::Guid(*guid),
        Literal::Enum(_, number) => Value::Enum(*number),
    }
}

fn part_of(part: InstantPart, instant: Timestamp) -> Value<'static> {
    let civil = Offset::UTC.to_datetime(instant);
    match part {
        InstantPart::Year => Value::Integer(civil.year().into()),
        InstantPart::Month => Value::Integer(civil.month().into()),
        InstantPart::Day => Value::Integer(civil.day().into()),
        InstantPart::Hour => Value::Integer(civil.hour().into()),
        InstantPart::Minute => Value::Integer(civil.minute().into()),
        InstantPart::Second => Value::Integer(civil.second().into()),
        InstantPart::Date => Value::Date(civil.date()),
        InstantPart::Time => Value::Time(civil.time()),
    }
}

/// How many code points a text has.
fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// A number of code points; what is below 0 counts as 0.
fn index(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}

impl<'v> Value<'v> {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn into_text(self) -> Option<Cow<'v, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
