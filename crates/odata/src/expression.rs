//! Half-read expressions and their types: what may meet in a comparison, and what a literal becomes
//! beside an operand of another kind.

use crate::{
    error::Problem,
    kind::{EnumType, Kind, Literal},
    literal::{guid, midnight},
    suggestion::nearest,
    tree::{Comparison, Condition, Operand},
};

/// What a part of a filter turned out to be.
pub(crate) enum Expression<F> {
    /// True, false or unknown.
    Condition(Condition<F>),
    /// A value.
    Operand(Operand<F>),
    /// `null`, of which only its neighbours say what it is.
    Null,
}

impl<F> Expression<F> {
    /// The expression as a condition.
    pub(crate) fn into_condition(self) -> Result<Condition<F>, Problem> {
        match self {
            Self::Condition(condition) => Ok(condition),
            Self::Null => Ok(Condition::Constant(None)),
            Self::Operand(operand) => Err(Problem::NotACondition {
                found: operand.kind().map_or("null", Kind::name),
            }),
        }
    }

    /// The expression as a value, of some kind that the caller looks at.
    pub(crate) fn into_operand(self) -> Option<Operand<F>> {
        match self {
            Self::Operand(operand) => Some(operand),
            Self::Null => Some(Operand::Literal(Literal::Null)),
            Self::Condition(_) => None,
        }
    }

    /// The qualified name of its type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Condition(_) => Kind::Boolean.name(),
            Self::Operand(operand) => operand.kind().map_or("null", Kind::name),
            Self::Null => "null",
        }
    }
}

/// Compares two expressions.
pub(crate) fn compare<F>(
    operator: Comparison,
    left: Expression<F>,
    right: Expression<F>,
) -> Result<Condition<F>, Problem> {
    let (left, right) = match (left, right) {
        (Expression::Condition(left), Expression::Condition(right)) => {
            return compare_conditions(operator, left, right);
        }
        (Expression::Condition(left), Expression::Null) => {
            return compare_conditions(operator, left, Condition::Constant(None));
        }
        (Expression::Null, Expression::Condition(right)) => {
            return compare_conditions(operator, Condition::Constant(None), right);
        }
        sides => sides,
    };
    let (left_name, right_name) = (left.type_name(), right.type_name());
    let mismatch = |advice| Problem::Mismatch {
        operator: operator.word(),
        left: left_name,
        right: right_name,
        advice,
    };
    let (Some(left), Some(right)) = (left.into_operand(), right.into_operand()) else {
        return Err(mismatch(
            "Booleans are written without quotes: true or false.",
        ));
    };
    let (left, right) =
        unify(left, right)?.map_err(|(left, right)| mismatch(advice(left, right)))?;
    Ok(Condition::Compare {
        operator,
        left,
        right,
    })
}

fn compare_conditions<F>(
    operator: Comparison,
    left: Condition<F>,
    right: Condition<F>,
) -> Result<Condition<F>, Problem> {
    let same = Condition::Same(Box::new(left), Box::new(right));
    match operator {
        Comparison::Equal => Ok(same),
        Comparison::NotEqual => Ok(Condition::Not(Box::new(same))),
        _ => Err(Problem::Mismatch {
            operator: operator.word(),
            left: Kind::Boolean.name(),
            right: Kind::Boolean.name(),
            advice: "Booleans are compared by 'eq' and 'ne' alone.",
        }),
    }
}

/// Two operands of one kind, or the two kinds that do not go together.
type Unified<F> = Result<(Operand<F>, Operand<F>), (Kind, Kind)>;

/// Brings two operands to one kind, if a literal among them can take the other's.
fn unify<F>(left: Operand<F>, right: Operand<F>) -> Result<Unified<F>, Problem> {
    let (Some(left_kind), Some(right_kind)) = (left.kind(), right.kind()) else {
        return Ok(Ok((left, right)));
    };
    if left_kind == right_kind {
        return Ok(Ok((left, right)));
    }
    let (left, right) = match (left, right) {
        (left, Operand::Literal(literal)) => match coerce(literal, left_kind)? {
            Ok(literal) => return Ok(Ok((left, Operand::Literal(literal)))),
            Err(literal) => (left, Operand::Literal(literal)),
        },
        sides => sides,
    };
    if let Operand::Literal(literal) = left
        && let Ok(literal) = coerce(literal, right_kind)?
    {
        return Ok(Ok((Operand::Literal(literal), right)));
    }
    Ok(Err((left_kind, right_kind)))
}

/// Makes a literal one of this kind, where that is how the kind is written. Otherwise it comes back.
pub(crate) fn coerce(literal: Literal, kind: Kind) -> Result<Result<Literal, Literal>, Problem> {
    let coerced = match (literal, kind) {
        (literal, kind) if literal.kind().is_none_or(|own| own == kind) => literal,
        (Literal::Text(text), Kind::Enum(enum_type)) => member(enum_type, &text)?,
        (Literal::Text(text), Kind::Guid) => match guid(&text) {
            Some(guid) => Literal::Guid(guid),
            None => return Err(Problem::NotAGuid { text }),
        },
        (Literal::Guid(guid), Kind::String) => Literal::Text(guid.hyphenated().to_string()),
        (Literal::Date(date), Kind::DateTimeOffset) => Literal::Instant(midnight(date)),
        (literal, _) => return Ok(Err(literal)),
    };
    Ok(Ok(coerced))
}

/// The member of an enumeration, by its name or its number.
pub(crate) fn member(enum_type: &'static EnumType, text: &str) -> Result<Literal, Problem> {
    let by_number = || {
        let number = text.parse().ok()?;
        enum_type.member(number).map(|_| number)
    };
    if let Some(number) = enum_type.number(text).or_else(by_number) {
        return Ok(Literal::Enum(enum_type, number));
    }
    let names = || enum_type.members.iter().map(|(name, _)| *name);
    Err(Problem::UnknownMember {
        text: text.into(),
        type_name: enum_type.name,
        suggestion: nearest(text, names()).or_else(|| names().next()),
    })
}

/// What to write instead of a comparison between these kinds.
pub(crate) fn advice(left: Kind, right: Kind) -> &'static str {
    let is_either = |kind| left == kind || right == kind;
    match (left, right) {
        (Kind::Enum(_), Kind::Integer) | (Kind::Integer, Kind::Enum(_)) => {
            "Write the member's name in quotes."
        }
        _ if is_either(Kind::String) && is_either(Kind::Integer) => {
            "Texts stand in single quotes, numbers do not."
        }
        _ if is_either(Kind::String)
            && (is_either(Kind::DateTimeOffset) || is_either(Kind::Date)) =>
        {
            "Dates are written without quotes: 2024-12-31T23:59:59Z."
        }
        _ if is_either(Kind::String) && is_either(Kind::TimeOfDay) => {
            "Times are written without quotes: 23:59:59."
        }
        _ => "",
    }
}
