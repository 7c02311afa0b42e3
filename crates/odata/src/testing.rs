//! Random trees, orders and rows over any vocabulary, for property tests: those of this crate, and
//! those of whoever makes SQL of a tree and has to come to the same as the evaluator.
//!
//! Texts are short and of few letters, so that they often meet: both letter cases, letters beyond
//! ASCII, quotes, what `LIKE` takes for wildcards, and characters on both sides of the surrogates.
//! What a store keeps no texts for, U+0000, is not among them.

use std::fmt::Debug;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};
use uuid::Uuid;

use crate::{
    Comparison, Condition, Direction, EnumType, InstantPart, Kind, Literal, Operand, Order,
    OrderKey, Property, TextTest, Value, Vocabulary,
};

/// The letters of random texts.
const LETTERS: &[char] = &[
    'a',
    'b',
    'A',
    'B',
    'z',
    '0',
    '9',
    ' ',
    '\'',
    '"',
    '%',
    '_',
    '\\',
    '*',
    '[',
    '-',
    '\t',
    'é',
    'É',
    'ß',
    'İ',
    '\u{301}',
    '\u{e000}',
    '\u{ffff}',
    '\u{10000}',
    '😀',
];

/// A field of an application.
pub trait Field: Copy + Debug + PartialEq + 'static {}

impl<F: Copy + Debug + PartialEq + 'static> Field for F {}

/// A random row: a value for each field of a vocabulary.
#[derive(Clone, Debug)]
pub struct Row<F> {
    values: Vec<(F, Value<'static>)>,
}

impl<F: Field> Row<F> {
    /// The value of a field; null if the vocabulary has no such field.
    pub fn get(&self, field: F) -> Value<'_> {
        let mut values = self.values.iter();
        let found = values.find(|(own, _)| *own == field);
        found.map_or(Value::Null, |(_, value)| value.clone())
    }

    /// Puts a value in the place of a field's, where a store has it so.
    pub fn set(&mut self, field: F, value: Value<'static>) {
        self.values.retain(|(own, _)| *own != field);
        self.values.push((field, value));
    }
}

/// Rows with a value for each field but opaque ones. Only nullable fields are ever null.
pub fn rows<F: Field>(vocabulary: &Vocabulary<F>) -> impl Strategy<Value = Row<F>> + use<F> {
    let mut fields: Vec<F> = Vec::new();
    let mut values = Vec::new();
    for property in vocabulary.properties() {
        if property.kind != Kind::Opaque && !fields.contains(&property.field) {
            fields.push(property.field);
            values.push(row_values(property.kind, property.nullable));
        }
    }
    values.prop_map(move |values| Row {
        values: fields.iter().copied().zip(values).collect(),
    })
}

/// Orders by up to three of the fields that may be ordered by.
pub fn orders<F: Field>(vocabulary: &Vocabulary<F>) -> impl Strategy<Value = Order<F>> + use<F> {
    let sortable: Vec<Property<F>> = vocabulary
        .properties()
        .iter()
        .filter(|property| property.sortable)
        .copied()
        .collect();
    let direction = select(&[Direction::Ascending, Direction::Descending]);
    vec((select(sortable), direction), 1..4).prop_map(|drawn| {
        let mut keys: Vec<OrderKey<F>> = Vec::new();
        for (property, direction) in drawn {
            if keys.iter().all(|key| key.property.field != property.field) {
                keys.push(OrderKey {
                    property,
                    direction,
                });
            }
        }
        Order { keys }
    })
}

/// Conditions over the fields that may be filtered by: any that a query can say, of moderate size.
pub fn conditions<F: Field>(
    vocabulary: &Vocabulary<F>,
) -> impl Strategy<Value = Condition<F>> + use<F> {
    leaves(&Operands::new(vocabulary)).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Condition::And),
            vec(inner.clone(), 2..4).prop_map(Condition::Or),
            inner
                .clone()
                .prop_map(|inner| Condition::Not(Box::new(inner))),
            (inner.clone(), inner).prop_map(|(left, right)| same(left, right)),
        ]
    })
}

/// Two unknowns beside each other are read as operands, so they are none here.
fn same<F>(left: Condition<F>, right: Condition<F>) -> Condition<F> {
    let is_null = |side: &Condition<F>| matches!(side, Condition::Constant(None));
    if is_null(&left) && is_null(&right) {
        return Condition::Not(Box::new(left));
    }
    Condition::Same(Box::new(left), Box::new(right))
}

/// Conditions without others within them.
fn leaves<F: Field>(operands: &Operands<F>) -> BoxedStrategy<Condition<F>> {
    let tests = select(&[TextTest::Contains, TextTest::StartsWith, TextTest::EndsWith]);
    let text = (tests, operands.texts(), operands.texts())
        .prop_map(|(test, text, part)| Condition::Text { test, text, part });
    let constant = prop::option::of(any::<bool>()).prop_map(Condition::Constant);
    let mut leaves = vec![(4, text.boxed()), (1, constant.boxed())];
    for side in operands.by_kind() {
        leaves.push((4, comparisons(side.operands.clone())));
        leaves.push((1, memberships(side)));
    }
    if !operands.booleans.is_empty() {
        let fields = select(operands.booleans.clone()).prop_map(Condition::Field);
        leaves.push((2, fields.boxed()));
    }
    Union::new_weighted(leaves).boxed()
}

fn comparisons<F: Field>(side: BoxedStrategy<Operand<F>>) -> BoxedStrategy<Condition<F>> {
    let operators = select(&[
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ]);
    (operators, side.clone(), side)
        .prop_map(|(operator, left, right)| Condition::Compare {
            operator,
            left,
            right,
        })
        .boxed()
}

fn memberships<F: Field>(side: OfKind<F>) -> BoxedStrategy<Condition<F>> {
    let null = Just(Literal::Null);
    let item = prop_oneof![1 => null, 6 => literals(side.kind)];
    (side.operands, vec(item, 1..4))
        .prop_map(|(operand, list)| Condition::In { operand, list })
        .boxed()
}

/// The operands of one kind.
struct OfKind<F: Field> {
    kind: Kind,
    operands: BoxedStrategy<Operand<F>>,
}

/// The properties that operands are made of.
struct Operands<F> {
    booleans: Vec<Property<F>>,
    fields: Vec<Property<F>>,
    enums: Vec<&'static EnumType>,
}

impl<F: Field> Operands<F> {
    fn new(vocabulary: &Vocabulary<F>) -> Self {
        let filterable = vocabulary.properties().iter();
        let filterable = filterable.filter(|property| property.filterable).copied();
        let (booleans, fields): (Vec<_>, Vec<_>) =
            filterable.partition(|property| property.kind == Kind::Boolean);
        let mut enums = Vec::new();
        for property in &fields {
            if let Kind::Enum(enum_type) = property.kind
                && !enums.contains(&enum_type)
            {
                enums.push(enum_type);
            }
        }
        Self {
            booleans,
            fields,
            enums,
        }
    }

    /// Operands of every kind.
    fn by_kind(&self) -> Vec<OfKind<F>> {
        let of_kind = |kind, operands| OfKind { kind, operands };
        let mut kinds = vec![
            of_kind(Kind::String, self.texts()),
            of_kind(Kind::Integer, self.integers()),
            of_kind(Kind::DateTimeOffset, self.plain(Kind::DateTimeOffset)),
            of_kind(Kind::Date, self.parts(Kind::Date, &[InstantPart::Date])),
            of_kind(
                Kind::TimeOfDay,
                self.parts(Kind::TimeOfDay, &[InstantPart::Time]),
            ),
            of_kind(Kind::Guid, self.plain(Kind::Guid)),
        ];
        kinds.extend(self.enums.iter().map(|enum_type| {
            let kind = Kind::Enum(enum_type);
            of_kind(kind, self.plain(kind))
        }));
        kinds
    }

    /// Properties, literals and null.
    fn plain(&self, kind: Kind) -> BoxedStrategy<Operand<F>> {
        let literals = literals(kind).prop_map(Operand::Literal);
        let null = Just(Operand::Literal(Literal::Null));
        let of_kind = |property: &&Property<F>| property.kind == kind;
        let fields: Vec<_> = self.fields.iter().filter(of_kind).copied().collect();
        if fields.is_empty() {
            return prop_oneof![6 => literals, 1 => null].boxed();
        }
        let fields = select(fields).prop_map(Operand::Field);
        prop_oneof![10 => fields, 8 => literals, 1 => null].boxed()
    }

    /// Parts of instants, literals and null.
    fn parts(&self, kind: Kind, parts: &'static [InstantPart]) -> BoxedStrategy<Operand<F>> {
        let of_kind = |property: &&Property<F>| property.kind == Kind::DateTimeOffset;
        let instants = self.fields.iter().filter(of_kind).copied();
        let mut instants: Vec<_> = instants.map(Operand::Field).collect();
        instants.push(Operand::Literal(Literal::Null));
        let parts = (select(parts), select(instants))
            .prop_map(|(part, instant)| Operand::Part(part, Box::new(instant)));
        prop_oneof![3 => parts, 2 => self.plain(kind)].boxed()
    }

    fn texts(&self) -> BoxedStrategy<Operand<F>> {
        let starts = prop_oneof![
            6 => (0..5_i64).prop_map(Literal::Integer),
            1 => Just(Literal::Integer(i64::MAX)),
            1 => Just(Literal::Null),
        ];
        let starts = starts.prop_map(|literal| Box::new(Operand::Literal(literal)));
        self.plain(Kind::String)
            .prop_recursive(2, 6, 2, move |inner| {
                let boxed = inner.prop_map(Box::new);
                let found = (boxed.clone(), boxed.clone())
                    .prop_map(|(text, part)| Box::new(Operand::IndexOf { text, part }));
                let starts = prop_oneof![3 => starts.clone(), 1 => found];
                let lengths = prop::option::of(starts.clone());
                let substring =
                    (boxed.clone(), starts, lengths).prop_map(|(text, start, length)| {
                        Operand::Substring {
                            text,
                            start,
                            length,
                        }
                    });
                prop_oneof![
                    boxed.clone().prop_map(Operand::ToLower),
                    boxed.clone().prop_map(Operand::ToUpper),
                    boxed.clone().prop_map(Operand::Trim),
                    (boxed.clone(), boxed).prop_map(|(left, right)| Operand::Concat(left, right)),
                    substring,
                ]
            })
            .boxed()
    }

    fn integers(&self) -> BoxedStrategy<Operand<F>> {
        const PARTS: &[InstantPart] = &[
            InstantPart::Year,
            InstantPart::Month,
            InstantPart::Day,
            InstantPart::Hour,
            InstantPart::Minute,
            InstantPart::Second,
        ];
        let texts = self.texts().prop_map(Box::new);
        let found =
            (texts.clone(), texts.clone()).prop_map(|(text, part)| Operand::IndexOf { text, part });
        prop_oneof![
            3 => self.plain(Kind::Integer),
            1 => texts.prop_map(Operand::Length),
            1 => found,
            1 => self.parts(Kind::Integer, PARTS),
        ]
        .boxed()
    }
}

/// Literals of a kind that a query can write.
fn literals(kind: Kind) -> BoxedStrategy<Literal> {
    match kind {
        Kind::String => texts().prop_map(Literal::Text).boxed(),
        Kind::Integer => integers().prop_map(Literal::Integer).boxed(),
        Kind::DateTimeOffset => instants().prop_map(Literal::Instant).boxed(),
        Kind::Date => dates().prop_map(Literal::Date).boxed(),
        Kind::TimeOfDay => times().prop_map(Literal::Time).boxed(),
        Kind::Guid => guids().prop_map(Literal::Guid).boxed(),
        Kind::Enum(enum_type) => numbers(enum_type)
            .prop_map(move |number| Literal::Enum(enum_type, number))
            .boxed(),
        Kind::Boolean | Kind::Opaque => Just(Literal::Null).boxed(),
    }
}

/// Values of a kind that a row can have.
fn row_values(kind: Kind, nullable: bool) -> BoxedStrategy<Value<'static>> {
    let values = match kind {
        Kind::String => texts().prop_map(|text| Value::Text(text.into())).boxed(),
        Kind::Integer => integers().prop_map(Value::Integer).boxed(),
        Kind::DateTimeOffset => instants().prop_map(Value::Instant).boxed(),
        Kind::Date => dates().prop_map(Value::Date).boxed(),
        Kind::TimeOfDay => times().prop_map(Value::Time).boxed(),
        Kind::Guid => guids().prop_map(Value::Guid).boxed(),
        Kind::Enum(enum_type) => numbers(enum_type).prop_map(Value::Enum).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Kind::Opaque => Just(Value::Null).boxed(),
    };
    if nullable {
        prop_oneof![1 => Just(Value::Null), 4 => values].boxed()
    } else {
        values
    }
}

/// Short texts of few letters.
pub fn texts() -> impl Strategy<Value = String> {
    vec(select(LETTERS), 0..5).prop_map(|letters| letters.into_iter().collect())
}

fn integers() -> impl Strategy<Value = i64> {
    let edges = [i64::MIN, i32::MIN.into(), i32::MAX.into(), i64::MAX, 806];
    prop_oneof![6 => -1..6_i64, 1 => select(edges.to_vec())]
}

/// Whole microseconds between the years 1 and 9999: some well known, others close to them.
fn instants() -> impl Strategy<Value = Timestamp> {
    let known = [
        -62_135_596_800_000_000, // 0001-01-01T00:00:00Z, "never"
        -62_135_596_799_999_999,
        -1,
        0,
        951_782_399_999_999, // the last of 2000-02-28
        951_782_400_000_000,
        1_767_225_600_000_000, // 2026-01-01
    ];
    let any = -62_135_596_800_000_000..253_402_207_200_000_000_i64;
    let microseconds = prop_oneof![4 => select(known.to_vec()), 2 => any];
    microseconds.prop_map(|at| Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH))
}

fn dates() -> impl Strategy<Value = Date> {
    let near = instants().prop_map(|instant| jiff::tz::Offset::UTC.to_datetime(instant).date());
    prop_oneof![4 => near, 1 => Just(Date::constant(9999, 12, 31))]
}

fn times() -> impl Strategy<Value = Time> {
    let near = instants().prop_map(|instant| jiff::tz::Offset::UTC.to_datetime(instant).time());
    prop_oneof![4 => near, 1 => Just(Time::midnight())]
}

fn guids() -> impl Strategy<Value = Uuid> {
    prop_oneof![3 => 0..4_u128, 1 => any::<u128>()].prop_map(Uuid::from_u128)
}

fn numbers(enum_type: &'static EnumType) -> impl Strategy<Value = i32> {
    select(enum_type.members).prop_map(|(_, number)| number)
}
