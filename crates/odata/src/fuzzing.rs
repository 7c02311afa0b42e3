//! Invariants that hold for any text, for fuzzers and property tests to call, and the small
//! vocabulary that they and the crate's tests read with.
//!
//! The fuzzer itself, with its corpus and its time limit, is the caller's.

use std::sync::LazyLock;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Condition, EnumType, Kind, MAX_BYTES, MAX_NODES, Multiplicity, Navigation, Operand, Problem,
    Property, Shape, SyntaxError, Value, Vocabulary, evaluate, parse_expand, parse_filter,
    parse_order, parse_select,
};

/// A field of the sample vocabulary: one of each kind at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleField {
    /// A GUID, never null.
    Id,
    /// A text.
    Serial,
    /// A text with two names.
    Tag,
    /// An enumeration's member, never null.
    Status,
    /// A number, never null.
    Code,
    /// A GUID.
    Registration,
    /// An instant.
    Contacted,
    /// A boolean.
    Enrolled,
    /// Binary.
    Hash,
    /// A text that is neither filtered nor ordered by.
    Secret,
}

/// An enumeration with a gap in its numbers.
pub const STATUS: EnumType = EnumType {
    name: "example.status",
    members: &[
        ("unknown", 0),
        ("pending", 1),
        ("complete", 3),
        ("error", 4),
    ],
};

/// A vocabulary like that of Autopilot's devices.
pub fn sample() -> &'static Vocabulary<SampleField> {
    static SAMPLE: LazyLock<Vocabulary<SampleField>> = LazyLock::new(build_sample);
    &SAMPLE
}

fn build_sample() -> Vocabulary<SampleField> {
    let property = Property::<SampleField>::new;
    Vocabulary::new("example.device")
        .property(property("id", SampleField::Id, Kind::Guid).required())
        .property(property("serialNumber", SampleField::Serial, Kind::String))
        .property(property("groupTag", SampleField::Tag, Kind::String))
        .property(property("orderIdentifier", SampleField::Tag, Kind::String))
        .complex("state", "example.deviceState")
        .property(property("state/status", SampleField::Status, Kind::Enum(&STATUS)).required())
        .property(property("state/code", SampleField::Code, Kind::Integer).required())
        .property(property(
            "state/registration",
            SampleField::Registration,
            Kind::Guid,
        ))
        .property(property(
            "lastContacted",
            SampleField::Contacted,
            Kind::DateTimeOffset,
        ))
        .property(property("enrolled", SampleField::Enrolled, Kind::Boolean))
        .property(property("hash", SampleField::Hash, Kind::Opaque))
        .property(property("secret", SampleField::Secret, Kind::String).only_selectable())
        .navigation(Navigation {
            name: "profile",
            multiplicity: Multiplicity::One,
            target: profile,
        })
}

/// What a device's profile is called, and the way back.
fn profile() -> &'static Shape {
    static PROFILE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::new("example.profile")
            .value("id")
            .value("displayName")
            .navigation(Navigation {
                name: "devices",
                multiplicity: Multiplicity::Many,
                target: || sample().shape(),
            })
    });
    &PROFILE
}

/// Reads any bytes as each of the query options and asserts what must hold whatever they are.
///
/// # Panics
///
/// Panics if an invariant does not hold, which is a bug of this crate.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let vocabulary = sample();
    match parse_filter(&text, vocabulary, &[("@p", "'x'"), ("@q", "null")]) {
        Ok(filter) => check_filter(&filter),
        Err(error) => check_error(&text, &error),
    }
    match parse_order(&text, vocabulary) {
        Ok(order) => assert_eq!(parse_order(&order.to_string(), vocabulary), Ok(order)),
        Err(error) => check_error(&text, &error),
    }
    match parse_select(&text, vocabulary.shape()) {
        Ok(select) => assert!(select.all || !select.paths.is_empty()),
        Err(error) => check_error(&text, &error),
    }
    match parse_expand(&text, vocabulary.shape()) {
        Ok(expand) => assert!(!expand.items.is_empty()),
        Err(error) => check_error(&text, &error),
    }
}

fn check_filter(filter: &Condition<SampleField>) {
    assert!(nodes(filter) <= MAX_NODES);
    let printed = filter.to_string();
    match parse_filter(&printed, sample(), &[]) {
        Ok(again) => assert_eq!(*filter, again, "{printed}"),
        // The canonical text may be longer and have more parentheses than what was written.
        Err(error) => assert!(
            matches!(*error.problem, Problem::TooLong { .. } | Problem::TooDeep),
            "{printed}: {error}"
        ),
    }
    let opposite = Condition::Not(Box::new(filter.clone()));
    for row in [some_row, null_row] {
        let truth = evaluate(filter, &row);
        assert_eq!(evaluate(&opposite, &row), truth.map(|truth| !truth));
    }
}

fn check_error(text: &str, error: &SyntaxError) {
    assert!(error.position <= text.chars().count());
    assert!(text.len() <= MAX_BYTES || matches!(*error.problem, Problem::TooLong { .. }));
    let message = error.to_string();
    assert!(message.len() < 1_000, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

fn some_row(field: SampleField) -> Value<'static> {
    match field {
        SampleField::Id | SampleField::Registration => Value::Guid(Uuid::from_u128(7)),
        SampleField::Serial | SampleField::Secret => Value::Text("aÉ😀 x".into()),
        SampleField::Tag => Value::Text("".into()),
        SampleField::Status => Value::Enum(3),
        SampleField::Code => Value::Integer(806),
        SampleField::Contacted => Value::Instant(Timestamp::UNIX_EPOCH),
        SampleField::Enrolled => Value::Boolean(true),
        SampleField::Hash => Value::Null,
    }
}

fn null_row(_: SampleField) -> Value<'static> {
    Value::Null
}

fn nodes(condition: &Condition<SampleField>) -> usize {
    1 + match condition {
        Condition::And(conditions) | Condition::Or(conditions) => {
            conditions.iter().map(nodes).sum()
        }
        Condition::Not(inner) => nodes(inner),
        Condition::Compare { left, right, .. } => operands(left) + operands(right),
        Condition::In { operand, list } => operands(operand) + list.len(),
        Condition::Text { text, part, .. } => operands(text) + operands(part),
        Condition::Same(left, right) => nodes(left) + nodes(right),
        Condition::Field(_) | Condition::Constant(_) => 0,
    }
}

fn operands(operand: &Operand<SampleField>) -> usize {
    1 + match operand {
        Operand::Literal(_) | Operand::Field(_) => 0,
        Operand::ToLower(inner)
        | Operand::ToUpper(inner)
        | Operand::Trim(inner)
        | Operand::Length(inner)
        | Operand::Part(_, inner) => operands(inner),
        Operand::Concat(left, right) => operands(left) + operands(right),
        Operand::IndexOf { text, part } => operands(text) + operands(part),
        Operand::Substring {
            text,
            start,
            length,
        } => operands(text) + operands(start) + length.as_deref().map_or(0, operands),
    }
}
