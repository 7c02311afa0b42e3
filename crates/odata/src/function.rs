//! The functions of a filter: their names, what they take and the nodes they become.

use crate::{
    error::Problem,
    expression::Expression,
    kind::{Kind, Literal},
    suggestion::nearest,
    tree::{Condition, InstantPart, Operand, TextTest},
};

/// A function that a filter may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Test(TextTest),
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Length,
    IndexOf,
    Substring,
    Part(InstantPart),
}

/// Every function by its name, which is read in any letter case.
const FUNCTIONS: [(&str, Function); 18] = [
    ("contains", Function::Test(TextTest::Contains)),
    ("startswith", Function::Test(TextTest::StartsWith)),
    ("endswith", Function::Test(TextTest::EndsWith)),
    ("tolower", Function::ToLower),
    ("toupper", Function::ToUpper),
    ("trim", Function::Trim),
    ("concat", Function::Concat),
    ("length", Function::Length),
    ("indexof", Function::IndexOf),
    ("substring", Function::Substring),
    ("year", Function::Part(InstantPart::Year)),
    ("month", Function::Part(InstantPart::Month)),
    ("day", Function::Part(InstantPart::Day)),
    ("hour", Function::Part(InstantPart::Hour)),
    ("minute", Function::Part(InstantPart::Minute)),
    ("second", Function::Part(InstantPart::Second)),
    ("date", Function::Part(InstantPart::Date)),
    ("time", Function::Part(InstantPart::Time)),
];

/// What `OData` has besides, and what to write instead.
const UNSUPPORTED: [(&str, &str); 26] = [
    ("substringof", "Write contains(text,'part') instead."),
    ("now", "Write the time itself, as in 2024-12-31T23:59:59Z."),
    ("mindatetime", "Write 0001-01-01T00:00:00Z instead."),
    ("maxdatetime", "Write 9999-12-31T23:59:59Z instead."),
    ("fractionalseconds", "Compare the time itself."),
    ("totaloffsetminutes", "Every time is kept in UTC."),
    ("totalseconds", ""),
    ("round", "All numbers are whole."),
    ("floor", "All numbers are whole."),
    ("ceiling", "All numbers are whole."),
    ("cast", ""),
    ("isof", ""),
    ("case", ""),
    ("matchespattern", "Use contains, startswith or endswith."),
    ("hassubset", ""),
    ("hassubsequence", ""),
    ("replace", ""),
    ("years", "Write year instead."),
    ("months", "Write month instead."),
    ("days", "Write day instead."),
    ("any", ""),
    ("all", ""),
    ("geo.distance", ""),
    ("geo.intersects", ""),
    ("geo.length", ""),
    ("in", "Write the property in front of 'in'."),
];

impl Function {
    /// The function of this name.
    pub(crate) fn find(name: &str) -> Result<Self, Problem> {
        let is_named = |known: &str| known.eq_ignore_ascii_case(name);
        if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| is_named(known)) {
            return Ok(*function);
        }
        let last = name.rsplit('/').next().unwrap_or(name);
        if ["any", "all"]
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word))
        {
            return Err(Problem::Unsupported {
                what: name.into(),
                advice: "There are no collections to look into.",
            });
        }
        if let Some((known, advice)) = UNSUPPORTED.iter().find(|(known, _)| is_named(known)) {
            return Err(Problem::Unsupported {
                what: format!("{known}()"),
                advice,
            });
        }
        Err(Problem::UnknownFunction {
            name: name.into(),
            suggestion: nearest(name, FUNCTIONS.iter().map(|(known, _)| *known)),
        })
    }

    fn name(self) -> &'static str {
        let mut functions = FUNCTIONS.iter();
        functions
            .find(|(_, function)| *function == self)
            .map_or("", |(name, _)| *name)
    }

    /// How many arguments it takes at most. None takes more, so none need be read.
    pub(crate) fn most_arguments(self) -> usize {
        match self {
            Self::Substring => 3,
            Self::Test(_) | Self::Concat | Self::IndexOf => 2,
            _ => 1,
        }
    }

    /// That there are too few or too many arguments.
    pub(crate) fn wrong_count(self) -> Problem {
        Problem::ArgumentCount {
            function: self.name(),
            expected: match self.most_arguments() {
                1 => "one argument",
                2 => "two arguments",
                _ => "two or three arguments",
            },
        }
    }

    /// Looks at the argument in this place and makes it one of the right kind.
    pub(crate) fn argument<F>(
        self,
        index: usize,
        expression: Expression<F>,
    ) -> Result<Operand<F>, Problem> {
        let wrong = |expected, found| Problem::ArgumentType {
            function: self.name(),
            expected,
            found,
        };
        let (kind, expected) = match self {
            Self::Part(_) => (Kind::DateTimeOffset, "a date and time property"),
            Self::Substring if index > 0 => (Kind::Integer, "a whole number"),
            _ => (Kind::String, "a string"),
        };
        let found = expression.type_name();
        let operand = expression
            .into_operand()
            .ok_or_else(|| wrong(expected, found))?;
        match &operand {
            Operand::Literal(Literal::Integer(number)) if kind == Kind::Integer && *number < 0 => {
                Err(wrong("a number from 0", "a negative one"))
            }
            // What a zone's clock would show is known only of the literal, not of what is kept.
            Operand::Literal(literal)
                if kind == Kind::DateTimeOffset && *literal != Literal::Null =>
            {
                Err(wrong(expected, "a literal"))
            }
            Operand::Literal(Literal::Guid(guid)) if kind == Kind::String => Ok(Operand::Literal(
                Literal::Text(guid.hyphenated().to_string()),
            )),
            operand_ref if operand_ref.kind().is_none_or(|own| own == kind) => Ok(operand),
            _ => Err(wrong(expected, found)),
        }
    }

    /// The node of a call. None if there are too few arguments.
    pub(crate) fn call<F>(self, arguments: Vec<Operand<F>>) -> Option<Expression<F>> {
        let mut arguments = arguments.into_iter();
        let first = arguments.next()?;
        let operand = match self {
            Self::Test(test) => {
                let part = arguments.next()?;
                return Some(Expression::Condition(Condition::Text {
                    test,
                    text: first,
                    part,
                }));
            }
            Self::ToLower => Operand::ToLower(Box::new(first)),
            Self::ToUpper => Operand::ToUpper(Box::new(first)),
            Self::Trim => Operand::Trim(Box::new(first)),
            Self::Concat => Operand::Concat(Box::new(first), Box::new(arguments.next()?)),
            Self::Length => Operand::Length(Box::new(first)),
            Self::IndexOf => Operand::IndexOf {
                text: Box::new(first),
                part: Box::new(arguments.next()?),
            },
            Self::Substring => Operand::Substring {
                text: Box::new(first),
                start: Box::new(arguments.next()?),
                length: arguments.next().map(Box::new),
            },
            Self::Part(part) => Operand::Part(part, Box::new(first)),
        };
        Some(Expression::Operand(operand))
    }
}
