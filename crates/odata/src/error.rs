//! What can be wrong with a query, said for the person who wrote it.

use std::fmt;

use crate::{
    limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES},
    quoted::Quoted,
};

/// A query that was not understood: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where it is wrong, in characters (code points) from 0, counted in the decoded text.
    pub position: usize,
    /// What is wrong. Boxed, as a reader hands it up through many frames.
    pub problem: Box<Problem>,
}

/// What is wrong with a query. Texts and names are the client's own and as long as it wrote them;
/// the message shortens them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is over its limit and was not read.
    #[error("The text is {bytes} bytes long, and at most {MAX_BYTES} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Parentheses, `not` or functions within each other.
    #[error("The query is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More conditions, operands and list items than allowed.
    #[error("The query has more than {MAX_NODES} parts")]
    TooManyNodes,
    /// A character that no query has.
    #[error("The character {} cannot stand here", Quoted(.0.encode_utf8(&mut [0; 4])))]
    UnexpectedCharacter(char),
    /// A text without its closing quote.
    #[error("There is an unterminated string literal")]
    UnterminatedText,
    /// Something else stands where the grammar wants this.
    #[error("Expected {expected}, found {found}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: Found,
    },
    /// No such property.
    #[error(
        "Could not find a property named {} on type '{type_name}'",
        Quoted(name)
    )]
    UnknownProperty {
        /// The name.
        name: String,
        /// The qualified name of the type it was looked for on.
        type_name: &'static str,
        /// The name that may have been meant.
        suggestion: Option<&'static str>,
    },
    /// A path that goes on behind a single value.
    #[error("The property '{path}' holds a single value and has no properties of its own")]
    NoMembers {
        /// The path to the single value.
        path: &'static str,
    },
    /// A complex property where a single value is wanted.
    #[error("The property '{path}' is of type '{type_name}' and not a single value")]
    Complex {
        /// The path to it.
        path: &'static str,
        /// Its type.
        type_name: &'static str,
        /// One of the properties within it.
        suggestion: Option<&'static str>,
    },
    /// A navigation property, or a path through one.
    #[error("The navigation property '{name}' cannot be used in {option}")]
    Navigation {
        /// Its name.
        name: &'static str,
        /// The query option.
        option: &'static str,
    },
    /// `$expand` of something that leads nowhere.
    #[error(
        "Property '{path}' on type '{type_name}' is not a navigation property and cannot be expanded"
    )]
    NotExpandable {
        /// The path.
        path: &'static str,
        /// The type that it is of.
        type_name: &'static str,
    },
    /// The vocabulary keeps this property from this option.
    #[error("The property '{path}' cannot be used in {option}")]
    NotOffered {
        /// The path.
        path: &'static str,
        /// The query option.
        option: &'static str,
    },
    /// No such function.
    #[error("An unknown function with name {} was found", Quoted(name))]
    UnknownFunction {
        /// The name.
        name: String,
        /// The name that may have been meant.
        suggestion: Option<&'static str>,
    },
    /// Something that `OData` has and this service has not.
    #[error("{} is not supported here", Quoted(what))]
    Unsupported {
        /// How it is written.
        what: String,
        /// What to write instead, as a sentence.
        advice: &'static str,
    },
    /// Too few or too many arguments.
    #[error("The function '{function}' takes {expected}")]
    ArgumentCount {
        /// The function.
        function: &'static str,
        /// How many, in words.
        expected: &'static str,
    },
    /// An argument of the wrong type.
    #[error("The function '{function}' takes {expected} here, found {found}")]
    ArgumentType {
        /// The function.
        function: &'static str,
        /// What it takes.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// A comparison of what cannot be compared.
    #[error(
        "A binary operator with incompatible types was detected. Found operand types '{left}' and '{right}' for operator '{operator}'"
    )]
    Mismatch {
        /// The operator.
        operator: &'static str,
        /// The type of the left side.
        left: &'static str,
        /// The type of the right side.
        right: &'static str,
        /// What to write instead, as a sentence.
        advice: &'static str,
    },
    /// A value where a condition is wanted.
    #[error("Expected a condition that is true or false, found a value of type '{found}'")]
    NotACondition {
        /// The type that was found.
        found: &'static str,
    },
    /// No such member of an enumeration.
    #[error(
        "The string {} is not a valid enumeration type constant of '{type_name}'",
        Quoted(text)
    )]
    UnknownMember {
        /// The text.
        text: String,
        /// The enumeration.
        type_name: &'static str,
        /// The member that may have been meant, or else the first.
        suggestion: Option<&'static str>,
    },
    /// A typed literal of a type that no property has.
    #[error("The type {} is not known here", Quoted(name))]
    UnknownType {
        /// The name.
        name: String,
    },
    /// A text that should be a GUID.
    #[error("The string {} is not a GUID", Quoted(text))]
    NotAGuid {
        /// The text.
        text: String,
    },
    /// A literal that does not end where it should, or is out of range.
    #[error("Unrecognized {kind} literal {}", Quoted(text))]
    BadLiteral {
        /// What it looks like.
        kind: &'static str,
        /// How it is written.
        text: String,
        /// What to write instead, as a sentence.
        advice: &'static str,
    },
    /// A parameter alias that the query string gives no value.
    #[error("The parameter alias {} has no value", Quoted(name))]
    UnknownAlias {
        /// The alias, with its `@`.
        name: String,
    },
    /// A parameter alias whose value is no literal.
    #[error(
        "The value of the parameter alias {} is not understood: {problem}",
        Quoted(name)
    )]
    BadAlias {
        /// The alias, with its `@`.
        name: String,
        /// What is wrong with its value.
        problem: Box<Problem>,
    },
    /// A property, an option or a navigation property that may stand once and stands again.
    #[error("{} stands more than once", Quoted(name))]
    Repeated {
        /// What stands again.
        name: String,
    },
    /// An option within `$expand` that its navigation property does not take.
    #[error("The query option '{option}' cannot be used on '{name}', which leads to one entity")]
    OnlyForCollections {
        /// The option.
        option: &'static str,
        /// The navigation property.
        name: &'static str,
    },
}

/// What stands where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing more.
    End,
    /// This.
    Text(String),
}

impl SyntaxError {
    /// The error for something that the language has and an application does not offer.
    pub fn unsupported(position: usize, what: impl Into<String>, advice: &'static str) -> Self {
        let what = what.into();
        Self {
            position,
            problem: Box::new(Problem::Unsupported { what, advice }),
        }
    }

    /// The same error of a text that stands within another, this many characters from its beginning.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self {
            position: self.position.saturating_add(by),
            ..self
        }
    }
}

impl std::error::Error for SyntaxError {}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, problem } = self;
        write!(formatter, "{problem} (at position {position}).")?;
        problem.advise(formatter)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => formatter.write_str("the end of the text"),
            Self::Text(text) => Quoted(text).fmt(formatter),
        }
    }
}

impl Problem {
    /// A sentence on what to do, where one is known.
    fn advise(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownProperty {
                suggestion: Some(name),
                ..
            }
            | Self::UnknownFunction {
                suggestion: Some(name),
                ..
            }
            | Self::UnknownMember {
                suggestion: Some(name),
                ..
            } => write!(formatter, " Did you mean '{name}'?"),
            Self::Complex {
                suggestion: Some(path),
                ..
            } => write!(formatter, " Name one of its properties, such as '{path}'."),
            Self::UnexpectedCharacter('‘' | '’' | '“' | '”') => {
                formatter.write_str(SINGLE_QUOTES)
            }
            Self::Expected {
                found: Found::Text(found),
                ..
            } if found == "\"" => formatter.write_str(SINGLE_QUOTES),
            Self::Expected {
                found: Found::Text(found),
                ..
            } => match spelling(found) {
                Some(ours) => write!(formatter, " Write '{ours}'."),
                None => Ok(()),
            },
            Self::Unsupported { advice, .. }
            | Self::Mismatch { advice, .. }
            | Self::BadLiteral { advice, .. }
                if !advice.is_empty() =>
            {
                write!(formatter, " {advice}")
            }
            Self::NotACondition { .. } => formatter.write_str(
                " Compare it, as in \"serialNumber eq 'x'\"; after 'not', in parentheses.",
            ),
            Self::BadAlias { problem, .. } => problem.advise(formatter),
            _ => Ok(()),
        }
    }
}

/// What to do about other quotes.
const SINGLE_QUOTES: &str = " Texts stand in single quotes: 'x'.";

/// `OData`'s spelling of what other languages write.
fn spelling(foreign: &str) -> Option<&'static str> {
    match foreign {
        "=" | "==" => Some("eq"),
        "!=" | "<>" => Some("ne"),
        ">" => Some("gt"),
        ">=" => Some("ge"),
        "<" => Some("lt"),
        "<=" => Some("le"),
        "&&" => Some("and"),
        "||" => Some("or"),
        "!" => Some("not"),
        _ => None,
    }
}
