//! The operators that stand between expressions, and how tightly they bind.

use crate::{error::Problem, tree::Comparison};

/// An operator between two expressions.
#[derive(Clone, Copy)]
pub(crate) enum Infix {
    Or,
    And,
    Compare(Comparison),
}

/// How tightly an operator binds, the loosest first.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(crate) enum Binding {
    Or,
    And,
    Equality,
    Relation,
    /// That of what stands between operators.
    Unary,
}

impl Infix {
    pub(crate) const ALL: [Self; 8] = [
        Self::Or,
        Self::And,
        Self::Compare(Comparison::Equal),
        Self::Compare(Comparison::NotEqual),
        Self::Compare(Comparison::Greater),
        Self::Compare(Comparison::GreaterOrEqual),
        Self::Compare(Comparison::Less),
        Self::Compare(Comparison::LessOrEqual),
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Compare(comparison) => comparison.word(),
        }
    }

    pub(crate) fn binding(self) -> Binding {
        match self {
            Self::Or => Binding::Or,
            Self::And => Binding::And,
            Self::Compare(Comparison::Equal | Comparison::NotEqual) => Binding::Equality,
            Self::Compare(_) => Binding::Relation,
        }
    }
}

impl Binding {
    /// The next tighter one: what the right side of an operator is read with, so that the operator
    /// itself takes what is on its left first.
    pub(crate) fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Equality,
            Self::Equality => Self::Relation,
            Self::Relation | Self::Unary => Self::Unary,
        }
    }
}

/// What is wrong with an operator that `OData` has and a filter here has not.
pub(crate) fn unsupported_operator(word: &str) -> Option<Problem> {
    let arithmetic = "There is no arithmetic: write the result.";
    let operators = [
        (
            "has",
            "Write 'eq' for an enumeration, contains() for a text.",
        ),
        ("add", arithmetic),
        ("sub", arithmetic),
        ("mul", arithmetic),
        ("div", arithmetic),
        ("divby", arithmetic),
        ("mod", arithmetic),
    ];
    let is_meant = |(known, _): &&(&str, &str)| known.eq_ignore_ascii_case(word);
    let (known, advice) = operators.iter().find(is_meant)?;
    Some(Problem::Unsupported {
        what: (*known).into(),
        advice,
    })
}
