//! What values there are: their kinds, the literals of a query and the values of a row.

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use uuid::Uuid;

/// What a property or an operand holds. Only operands of one kind are ever compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Edm.Boolean`. Never an operand: what is true or false is a condition.
    Boolean,
    /// `Edm.String`.
    String,
    /// `Edm.Int16`, `Edm.Int32` and `Edm.Int64`: computed in 64 bits.
    Integer,
    /// `Edm.DateTimeOffset`: an instant in whole microseconds.
    DateTimeOffset,
    /// `Edm.Date`: what `date()` makes of an instant, in UTC.
    Date,
    /// `Edm.TimeOfDay`: what `time()` makes of an instant, in UTC.
    TimeOfDay,
    /// `Edm.Guid`, and strings that hold one: compared as 16 bytes, in any letter case.
    Guid,
    /// An enumeration: named in queries, compared by number.
    Enum(&'static EnumType),
    /// What may only be selected: binary, collections.
    Opaque,
}

/// An enumeration.
#[derive(Debug, PartialEq, Eq)]
pub struct EnumType {
    /// The qualified name.
    pub name: &'static str,
    /// The members, each with its number.
    pub members: &'static [(&'static str, i32)],
}

/// A value that stands in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `null`, which is of any kind.
    Null,
    /// A text, without its quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An instant, cut to whole microseconds.
    Instant(Timestamp),
    /// A calendar day.
    Date(Date),
    /// A time of day, cut to whole microseconds.
    Time(Time),
    /// A GUID.
    Guid(Uuid),
    /// A member of an enumeration, by its number.
    Enum(&'static EnumType, i32),
}

/// A value of a row, as the evaluator asks for it and computes with it. It must be of the kind that
/// the vocabulary names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'r> {
    /// No value.
    Null,
    /// Of a boolean property.
    Boolean(bool),
    /// A text.
    Text(std::borrow::Cow<'r, str>),
    /// A whole number.
    Integer(i64),
    /// An instant, in whole microseconds.
    Instant(Timestamp),
    /// A calendar day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A GUID.
    Guid(Uuid),
    /// The number of an enumeration's member.
    Enum(i32),
}

impl Kind {
    /// The qualified name; for integers the one that literals and most properties have.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Edm.Boolean",
            Self::String => "Edm.String",
            Self::Integer => "Edm.Int32",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Date => "Edm.Date",
            Self::TimeOfDay => "Edm.TimeOfDay",
            Self::Guid => "Edm.Guid",
            Self::Enum(kind) => kind.name,
            Self::Opaque => "Edm.Stream",
        }
    }
}

impl EnumType {
    /// The number of the member of this name.
    pub fn number(&self, name: &str) -> Option<i32> {
        let mut members = self.members.iter();
        members
            .find(|(member, _)| *member == name)
            .map(|(_, number)| *number)
    }

    /// The name of the member of this number.
    pub fn member(&self, number: i32) -> Option<&'static str> {
        let mut members = self.members.iter();
        members
            .find(|(_, member)| *member == number)
            .map(|(name, _)| *name)
    }
}

impl Literal {
    /// What the literal holds; none for `null`, which is of any kind.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Null => None,
            Self::Text(_) => Some(Kind::String),
            Self::Integer(_) => Some(Kind::Integer),
            Self::Instant(_) => Some(Kind::DateTimeOffset),
            Self::Date(_) => Some(Kind::Date),
            Self::Time(_) => Some(Kind::TimeOfDay),
            Self::Guid(_) => Some(Kind::Guid),
            Self::Enum(kind, _) => Some(Kind::Enum(kind)),
        }
    }
}
