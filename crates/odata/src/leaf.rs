//! What stands alone in a filter: properties, literals, and parameter aliases in their place.

use crate::{
    cursor::Cursor,
    error::{Problem, SyntaxError},
    expression::{Expression, member},
    filter::{Parsed, Parser},
    kind::{EnumType, Kind, Literal},
    path::Place,
    token::{Token, TokenKind},
    tree::{Condition, Operand},
};

impl<'t, F: Copy> Parser<'t, F> {
    pub(crate) fn leaf(&self, token: &Token<'t>) -> Parsed<F> {
        if let Some(value) = self.value(token)? {
            return Ok(value);
        }
        let problem = match token.kind {
            TokenKind::Name(path) => return self.property(path, token.start),
            TokenKind::Dollar(name) => Problem::Unsupported {
                what: name.into(),
                advice: "Name the property alone.",
            },
            TokenKind::Sign('-') => Problem::Unsupported {
                what: "-".into(),
                advice: "Only numbers have a sign.",
            },
            _ => Problem::Expected {
                expected: "a property, a function or a value",
                found: self.cursor.found(token),
            },
        };
        Err(self.cursor.error(token.start, problem))
    }

    fn property(&self, path: &str, start: usize) -> Parsed<F> {
        let Some(property) = self.vocabulary.get(path) else {
            let shape = self.vocabulary.shape();
            let problem = match shape.place(path, "$filter") {
                Ok(Place::Complex(path, type_name)) => shape.not_a_value(path, type_name),
                Ok(Place::Navigation(navigation)) => Problem::Navigation {
                    name: navigation.name,
                    option: "$filter",
                },
                Ok(Place::Value(path)) => Problem::NotOffered {
                    path,
                    option: "$filter",
                },
                Err(problem) => problem,
            };
            return Err(self.cursor.error(start, problem));
        };
        if !property.filterable || property.kind == Kind::Opaque {
            let (path, option) = (property.path, "$filter");
            return Err(self
                .cursor
                .error(start, Problem::NotOffered { path, option }));
        }
        Ok(match property.kind {
            Kind::Boolean => Expression::Condition(Condition::Field(*property)),
            _ => Expression::Operand(Operand::Field(*property)),
        })
    }

    /// The value that a token is or stands for.
    pub(crate) fn value(&self, token: &Token<'t>) -> Result<Option<Expression<F>>, SyntaxError> {
        let value = match &token.kind {
            TokenKind::Alias(name) => self.alias(name).map(Some),
            kind => self.plain_value(kind),
        };
        self.at(token.start, value)
    }

    fn plain_value(&self, kind: &TokenKind<'_>) -> Result<Option<Expression<F>>, Problem> {
        let literal = match kind {
            TokenKind::Text(text) => Literal::Text(text.clone().into_owned()),
            TokenKind::Literal(literal) => literal.clone(),
            TokenKind::TypedText { type_name, text } => member(self.enum_type(type_name)?, text)?,
            TokenKind::Name(name) => return Ok(word_value(name)),
            _ => return Ok(None),
        };
        Ok(Some(Expression::Operand(Operand::Literal(literal))))
    }

    /// The enumeration of this name among those that the properties have.
    fn enum_type(&self, name: &str) -> Result<&'static EnumType, Problem> {
        let mut kinds = self.vocabulary.properties().iter().map(|row| row.kind);
        let found = kinds.find_map(|kind| match kind {
            Kind::Enum(enum_type) if enum_type.name == name => Some(enum_type),
            _ => None,
        });
        found.ok_or_else(|| {
            if name.contains('.') {
                return Problem::UnknownType { name: name.into() };
            }
            Problem::Unsupported {
                what: format!("{name}'…'"),
                advice: "Write GUIDs, dates and times without a prefix and without quotes.",
            }
        })
    }

    /// The value that a parameter alias stands for.
    fn alias(&self, name: &str) -> Result<Expression<F>, Problem> {
        let bad = |problem| Problem::BadAlias {
            name: name.into(),
            problem: Box::new(problem),
        };
        let mut aliases = self.aliases.iter();
        let Some((_, text)) = aliases.find(|(known, _)| *known == name) else {
            return Err(Problem::UnknownAlias { name: name.into() });
        };
        let mut cursor = Cursor::new(text).map_err(|error| bad(*error.problem))?;
        let token = cursor.take().map_err(|error| bad(*error.problem))?;
        let value = self.plain_value(&token.kind).map_err(bad)?;
        let value = value.ok_or_else(|| {
            let found = cursor.found(&token);
            let expected = "one value";
            bad(Problem::Expected { expected, found })
        })?;
        let end = cursor.expect_end("the end of the value");
        end.map(|()| value).map_err(|error| bad(*error.problem))
    }
}

/// The value that a word is.
fn word_value<F>(word: &str) -> Option<Expression<F>> {
    let is = |literal: &str| word.eq_ignore_ascii_case(literal);
    let truth = |value| Some(Expression::Condition(Condition::Constant(Some(value))));
    match () {
        () if is("null") => Some(Expression::Null),
        () if is("true") => truth(true),
        () if is("false") => truth(false),
        () => None,
    }
}
