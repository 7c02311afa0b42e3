//! What is wrong with a request's wire form. Every one of these is a 400; the message is the
//! client's to read and Graph's own where Graph's is known.

use std::fmt;

use odata::SyntaxError;

use super::json::JsonError;

/// How many characters of a client's text a message repeats.
const MAX_ECHO: usize = 64;

/// How many characters of the way to a property a message shows. Only a client's own name for
/// something that does not exist is ever longer.
const MAX_PATH: usize = 160;

/// A request that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    problem: Problem,
    target: Option<String>,
}

/// The kinds of things that are wrong, each with its public message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The body is not JSON, or is not said to be.
    #[error(
        "Unable to read JSON request payload. Please ensure Content-Type header is set and \
         payload is of valid JSON format."
    )]
    UnreadableBody,
    /// A name stands twice in one object of the body.
    #[error(
        "The name '{}' stands more than once in one object of the JSON request payload.",
        echo(name)
    )]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The body holds more than any request needs.
    #[error("The JSON request payload is too large: {0}.")]
    Oversized(JsonError),
    /// The body begins with a byte order mark.
    #[error("The request body begins with a byte order mark: send the JSON text without it.")]
    ByteOrderMark,
    /// The body is not UTF-8, and no charset is named.
    #[error("The request body is not UTF-8: send UTF-8 or name the charset in Content-Type.")]
    NotUtf8,
    /// The charset is not known.
    #[error(
        "The charset '{}' in Content-Type is not known: send UTF-8.",
        echo(charset)
    )]
    UnknownCharset {
        /// The charset.
        charset: String,
    },
    /// The body does not have the charset that is named.
    #[error(
        "The request body is not text in the charset '{}' that Content-Type names.",
        echo(charset)
    )]
    Undecodable {
        /// The charset.
        charset: String,
    },
    /// A JSON value has the wrong type.
    #[error("Cannot convert a JSON {found} to the expected type '{expected}'.")]
    WrongType {
        /// The JSON type that was sent.
        found: &'static str,
        /// The EDM type that is expected.
        expected: &'static str,
    },
    /// A value of the right JSON type does not mean what its EDM type demands.
    #[error(
        "Cannot convert the literal '{}' to the expected type '{expected}'.",
        echo(literal)
    )]
    BadLiteral {
        /// The value.
        literal: String,
        /// The EDM type that is expected.
        expected: &'static str,
    },
    /// A property is not defined.
    #[error(
        "The property '{}' does not exist on type '{type_name}'. Make sure to only use property \
         names that are defined by the type.",
        echo(name)
    )]
    UnknownProperty {
        /// The property.
        name: String,
        /// The type that does not define it.
        type_name: &'static str,
    },
    /// `@odata.type` names another type.
    #[error("The type must be '{expected}'.")]
    OtherType {
        /// The type that is expected.
        expected: &'static str,
    },
    /// A value is too long.
    #[error("The value is longer than {max} characters.")]
    TooLong {
        /// How many characters it may have.
        max: usize,
    },
    /// A text holds U+0000.
    #[error("The value holds the character U+0000.")]
    NulCharacter,
    /// An id is not a GUID.
    #[error("The value '{}' is not a GUID of 36 characters.", echo(literal))]
    NotAGuid {
        /// The id.
        literal: String,
    },
    /// Two names of one value have different values.
    #[error("'{one}' and '{other}' are two names of one value and must not differ.")]
    NamesDiffer {
        /// The older name.
        one: &'static str,
        /// The newer one.
        other: &'static str,
    },
    /// The type must be one of several, and none of them is named.
    #[error("'@odata.type' must name one of the types {expected}.")]
    NoConcreteType {
        /// The types.
        expected: &'static str,
    },
    /// A property that is needed is missing, or says nothing.
    #[error("The property '{name}' is missing or empty.")]
    MissingProperty {
        /// The property.
        name: &'static str,
    },
    /// A value is of the right type and means nothing.
    #[error("The value '{}' can't be used: {why}.", echo(literal))]
    Unusable {
        /// The value.
        literal: String,
        /// What is wrong with it.
        why: String,
    },
    /// An action's parameter is missing.
    #[error("The parameter '{name}' is missing.")]
    MissingParameter {
        /// The parameter.
        name: &'static str,
    },
    /// An action's parameter is not defined.
    #[error("The parameter '{}' is not defined for this action.", echo(name))]
    UnknownParameter {
        /// The parameter.
        name: String,
    },
    /// A call carries too many items.
    #[error("The collection holds more than {max} items.")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// A collection that belongs to an entity and is changed at its own address.
    #[error("The collection can't be changed here: use its own address.")]
    NotChangedHere,
    /// A query option is not offered here.
    #[error("The query option '{}' is not supported here.", echo(option))]
    OptionNotOffered {
        /// The option.
        option: String,
    },
    /// A query option lacks its dollar sign.
    #[error(
        "The query option '{}' lacks its dollar sign: write '${}'.",
        echo(option),
        echo(option)
    )]
    OptionWithoutDollar {
        /// The option, as it was written.
        option: String,
    },
    /// A query option is repeated.
    #[error("The query option '{}' stands more than once.", echo(option))]
    OptionRepeated {
        /// The option.
        option: String,
    },
    /// A query option has a value that it cannot have.
    #[error(
        "The query option '{}' has the value '{}', but takes {expected}.",
        echo(option),
        echo(value)
    )]
    BadOptionValue {
        /// The option.
        option: String,
        /// The value.
        value: String,
        /// What it can have.
        expected: &'static str,
    },
    /// The query string is not UTF-8 once its escapes are taken away.
    #[error("The query string is not percent-encoded UTF-8.")]
    UndecodableQuery,
    /// The query string holds U+0000.
    #[error("The query string holds the character U+0000.")]
    NulInQuery,
    /// A query option is not understood.
    #[error("The query option '{option}' is not understood: {error}")]
    NotUnderstood {
        /// The option.
        option: &'static str,
        /// What is wrong with it, and where.
        error: SyntaxError,
    },
    /// The values at a page's end make the link to the next one too long.
    #[error(
        "The rows cannot be paged in this order, because their values make the link to the next \
         page too long: order by other properties in '$orderby'."
    )]
    PageEndTooLong,
    /// A `$skiptoken` is none that was given out for this.
    #[error(
        "The query option '$skiptoken' is not one that was given out for this query: follow \
         '@odata.nextLink' as it is."
    )]
    BadSkipToken,
}

impl WireError {
    /// An error of the request as a whole.
    pub fn new(problem: Problem) -> Self {
        Self {
            problem,
            target: None,
        }
    }

    /// An error of a property.
    pub fn at(target: impl Into<String>, problem: Problem) -> Self {
        Self {
            problem,
            target: Some(target.into()),
        }
    }

    /// The same error, found one level further in.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.target = Some(match self.target {
            Some(inner) => format!("{outer}.{inner}"),
            None => outer.to_owned(),
        });
        self
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The way to the property at fault, if it is one: `state.deviceErrorCode`, and in a call of
    /// `import` with the row's index in front.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }
}

impl From<JsonError> for WireError {
    fn from(error: JsonError) -> Self {
        Self::new(match error {
            JsonError::Syntax { .. } => Problem::UnreadableBody,
            JsonError::DuplicateName(name) => Problem::DuplicateName { name },
            JsonError::TooDeep | JsonError::TooManyValues => Problem::Oversized(error),
        })
    }
}

impl std::error::Error for WireError {}

/// The public message: what is wrong, then where, unless that is said already.
impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(formatter)?;
        match (&self.target, &self.problem) {
            (Some(target), Problem::UnknownProperty { name, .. }) if target == name => Ok(()),
            (Some(target), _) => write!(formatter, " Property: '{}'.", Echo(target, MAX_PATH)),
            (None, _) => Ok(()),
        }
    }
}

/// A client's text, cut where it is long.
pub(super) struct Echo<'a>(&'a str, usize);

/// Shortens a client's text for a message.
pub(super) fn echo(text: &str) -> Echo<'_> {
    Echo(text, MAX_ECHO)
}

impl fmt::Display for Echo<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(self.1) {
            Some((end, _)) => write!(formatter, "{}…", self.0.get(..end).unwrap_or_default()),
            None => formatter.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_own_texts_stand_as_graph_writes_them() {
        assert_eq!(
            WireError::new(Problem::UnreadableBody).to_string(),
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
        );
        let unknown = |target: &str| {
            WireError::at(
                target,
                Problem::UnknownProperty {
                    name: "X".into(),
                    type_name: "microsoft.graph.t",
                },
            )
        };
        assert_eq!(
            unknown("X").to_string(),
            "The property 'X' does not exist on type 'microsoft.graph.t'. Make sure to only use property names that are defined by the type."
        );
        assert_eq!(
            unknown("X").within("rows[3]").to_string(),
            "The property 'X' does not exist on type 'microsoft.graph.t'. Make sure to only use property names that are defined by the type. Property: 'rows[3].X'."
        );
    }

    #[test]
    fn a_long_literal_is_cut_between_characters() {
        let error = WireError::at(
            "hardwareIdentifier",
            Problem::BadLiteral {
                literal: "ä".repeat(65),
                expected: "Edm.Binary",
            },
        );
        assert_eq!(
            error.to_string(),
            format!(
                "Cannot convert the literal '{}…' to the expected type 'Edm.Binary'. Property: 'hardwareIdentifier'.",
                "ä".repeat(64)
            )
        );
    }
}
