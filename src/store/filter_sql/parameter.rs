//! The values that a statement is run with.

use jiff::{
    Timestamp,
    civil::{Date, Time, date},
};
use odata::{InstantPart, Literal, Value};
use uuid::Uuid;

/// A value that a statement is run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Null.
    Null,
    /// A truth.
    Boolean(bool),
    /// A number: an integer, an enumeration's member, an instant or a time of day in microseconds,
    /// a day counted from 1970.
    Integer(i64),
    /// A text.
    Text(String),
    /// A GUID.
    Guid(Uuid),
    /// Several values of one kind, none of them null.
    List(Vec<Parameter>),
}

impl Parameter {
    /// The parameter for a value.
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(truth) => Self::Boolean(*truth),
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Integer(number) => Self::Integer(*number),
            Value::Instant(instant) => Self::Integer(instant.as_microsecond()),
            Value::Date(day) => Self::Integer(days(*day)),
            Value::Time(time) => Self::Integer(microseconds(*time)),
            Value::Guid(id) => Self::Guid(*id),
            Value::Enum(number) => Self::Integer(i64::from(*number)),
        }
    }

    /// The parameter for a literal; none for null.
    pub(super) fn of_literal(literal: &Literal) -> Option<Self> {
        Some(match literal {
            Literal::Null => return None,
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::Integer(number) => Self::Integer(*number),
            Literal::Instant(instant) => Self::Integer(instant.as_microsecond()),
            Literal::Date(day) => Self::Integer(days(*day)),
            Literal::Time(time) => Self::Integer(microseconds(*time)),
            Literal::Guid(id) => Self::Guid(*id),
            Literal::Enum(_, number) => Self::Integer(i64::from(*number)),
        })
    }

    /// The parameter for a part of an instant that is known.
    pub(super) fn of_part(part: InstantPart, instant: Timestamp) -> Self {
        let civil = jiff::tz::Offset::UTC.to_datetime(instant);
        Self::Integer(match part {
            InstantPart::Year => i64::from(civil.year()),
            InstantPart::Month => i64::from(civil.month()),
            InstantPart::Day => i64::from(civil.day()),
            InstantPart::Hour => i64::from(civil.hour()),
            InstantPart::Minute => i64::from(civil.minute()),
            InstantPart::Second => i64::from(civil.second()),
            InstantPart::Date => days(civil.date()),
            InstantPart::Time => microseconds(civil.time()),
        })
    }
}

fn days(day: Date) -> i64 {
    date(1970, 1, 1).duration_until(day).as_hours() / 24
}

fn microseconds(time: Time) -> i64 {
    let since_midnight = Time::midnight().duration_until(time);
    since_midnight.as_secs() * 1_000_000 + i64::from(since_midnight.subsec_micros())
}
