//! The query tree: typed and bound to the application's fields. Each node says what it means; how
//! text becomes a tree is in `filter` and its kin, what a tree says of a row in `evaluate`.
//!
//! A condition is true, false or unknown (null). Every operand has a kind, and operands that meet in
//! a condition are of the same kind, `null` apart. Whoever matches a tree may rely on it.

use crate::{
    kind::{Kind, Literal},
    vocabulary::Property,
};

/// What is true, false or unknown of a row. A filter takes the rows of which it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition<F> {
    /// Two or more conditions: false if one is false, else unknown if one is unknown, else true.
    And(Vec<Condition<F>>),
    /// Two or more conditions: true if one is true, else unknown if one is unknown, else false.
    Or(Vec<Condition<F>>),
    /// The opposite; unknown stays unknown.
    Not(Box<Condition<F>>),
    /// Two operands of one kind. Never unknown: to `eq` and `ne`, null is a value like others,
    /// equal to itself alone; `gt ge lt le` with null on either side are false.
    Compare {
        /// How they are compared.
        operator: Comparison,
        /// The left side.
        left: Operand<F>,
        /// The right side.
        right: Operand<F>,
    },
    /// Whether an operand equals one of a list, null counting as in `eq`. Never unknown.
    In {
        /// What is looked for.
        operand: Operand<F>,
        /// One or more literals of the operand's kind, or null.
        list: Vec<Literal>,
    },
    /// A part looked for in a text, both strings. Unknown if either is null; true of an empty part.
    Text {
        /// Where the part is to stand.
        test: TextTest,
        /// The text.
        text: Operand<F>,
        /// The part.
        part: Operand<F>,
    },
    /// Whether two conditions come to the same, unknown being equal to itself alone. Never unknown.
    /// This is `eq` between booleans: `contains(a,'b') eq true`; `ne` is its opposite.
    Same(Box<Condition<F>>, Box<Condition<F>>),
    /// A boolean property; unknown where it is null.
    Field(Property<F>),
    /// `true`, `false` or `null`.
    Constant(Option<bool>),
}

/// How two operands are compared: strings by code point, enumerations by number, GUIDs by their
/// bytes in the order of their text, the rest as one would think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`.
    Equal,
    /// `ne`.
    NotEqual,
    /// `gt`.
    Greater,
    /// `ge`.
    GreaterOrEqual,
    /// `lt`.
    Less,
    /// `le`.
    LessOrEqual,
}

/// Where in a text a part is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// `contains`: anywhere.
    Contains,
    /// `startswith`: at the beginning.
    StartsWith,
    /// `endswith`: at the end.
    EndsWith,
}

/// A value that a condition is about. A function of null is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand<F> {
    /// A value that the query names.
    Literal(Literal),
    /// A property, of any kind but boolean and opaque.
    Field(Property<F>),
    /// A string with its ASCII letters made small.
    ToLower(Box<Operand<F>>),
    /// A string with its ASCII letters made capital.
    ToUpper(Box<Operand<F>>),
    /// A string without U+0020 at its ends.
    Trim(Box<Operand<F>>),
    /// Two strings as one.
    Concat(Box<Operand<F>>, Box<Operand<F>>),
    /// The number of a string's code points.
    Length(Box<Operand<F>>),
    /// Where a part first stands in a text, in code points from 0; -1 if nowhere, 0 if it is empty.
    IndexOf {
        /// The text.
        text: Box<Operand<F>>,
        /// The part.
        part: Box<Operand<F>>,
    },
    /// A part of a text by code points. What lies outside the text is cut away: a negative start
    /// counts as 0, a negative length as 0, and a start behind the end gives `''`.
    Substring {
        /// The text.
        text: Box<Operand<F>>,
        /// Where the part begins, from 0: an integer.
        start: Box<Operand<F>>,
        /// How long it is, an integer; absent, to the end.
        length: Option<Box<Operand<F>>>,
    },
    /// A part of an instant, in UTC and the proleptic Gregorian calendar.
    Part(InstantPart, Box<Operand<F>>),
}

/// A part of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantPart {
    /// `year`: an integer.
    Year,
    /// `month`: 1 to 12.
    Month,
    /// `day`: 1 to 31.
    Day,
    /// `hour`: 0 to 23.
    Hour,
    /// `minute`: 0 to 59.
    Minute,
    /// `second`: 0 to 59, whole.
    Second,
    /// `date`: the day, of kind [`Kind::Date`].
    Date,
    /// `time`: the time of day, of kind [`Kind::TimeOfDay`].
    Time,
}

/// An order: by the first key, rows that are equal by it by the second, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order<F> {
    /// The keys. No field stands twice.
    pub keys: Vec<OrderKey<F>>,
}

/// One key of an order. Null comes before everything ascending, after everything descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey<F> {
    /// The property.
    pub property: Property<F>,
    /// Which way.
    pub direction: Direction,
}

/// Which way a key orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `asc`, also where nothing is said: the least first, false before true.
    Ascending,
    /// `desc`.
    Descending,
}

impl Comparison {
    /// The operator, as a query writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

impl TextTest {
    /// The function, as a query writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
        }
    }
}

impl InstantPart {
    /// The function, as a query writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Date => "date",
            Self::Time => "time",
        }
    }
}

impl<F: Copy> Condition<F> {
    /// Whether the condition is about one of the fields that this says.
    pub fn is_about(&self, field: &impl Fn(F) -> bool) -> bool {
        match self {
            Self::And(conditions) | Self::Or(conditions) => {
                conditions.iter().any(|condition| condition.is_about(field))
            }
            Self::Not(inner) => inner.is_about(field),
            Self::Same(left, right) => left.is_about(field) || right.is_about(field),
            Self::Compare { left, right, .. } => left.is_about(field) || right.is_about(field),
            Self::In { operand, .. } => operand.is_about(field),
            Self::Text { text, part, .. } => text.is_about(field) || part.is_about(field),
            Self::Field(property) => field(property.field),
            Self::Constant(_) => false,
        }
    }
}

impl<F: Copy> Operand<F> {
    /// Whether the operand is made of one of the fields that this says.
    pub fn is_about(&self, field: &impl Fn(F) -> bool) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Field(property) => field(property.field),
            Self::ToLower(inner)
            | Self::ToUpper(inner)
            | Self::Trim(inner)
            | Self::Length(inner)
            | Self::Part(_, inner) => inner.is_about(field),
            Self::Concat(one, other)
            | Self::IndexOf {
                text: one,
                part: other,
            } => one.is_about(field) || other.is_about(field),
            Self::Substring {
                text,
                start,
                length,
            } => {
                text.is_about(field)
                    || start.is_about(field)
                    || length.as_ref().is_some_and(|length| length.is_about(field))
            }
        }
    }
}

impl<F> Operand<F> {
    /// What the operand holds; none for the literal `null`, which is of any kind.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Literal(literal) => literal.kind(),
            Self::Field(property) => Some(property.kind),
            Self::ToLower(_)
            | Self::ToUpper(_)
            | Self::Trim(_)
            | Self::Concat(..)
            | Self::Substring { .. } => Some(Kind::String),
            Self::Part(InstantPart::Date, _) => Some(Kind::Date),
            Self::Part(InstantPart::Time, _) => Some(Kind::TimeOfDay),
            Self::Length(_) | Self::IndexOf { .. } | Self::Part(..) => Some(Kind::Integer),
        }
    }
}
