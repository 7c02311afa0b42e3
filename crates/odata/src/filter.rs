//! The grammar of `$filter`, a function a rule. What a name means is the vocabulary's, what a
//! function takes is in `function`, and what may be compared in `expression`.
//!
//! ```text
//! filter     = or END
//! or         = and *( "or" and )
//! and        = equality *( "and" equality )
//! equality   = relation *( ( "eq" / "ne" ) relation )
//! relation   = unary *( ( "gt" / "ge" / "lt" / "le" ) unary )
//! unary      = "not" unary / membership
//! membership = primary [ "in" "(" literal *( "," literal ) ")" ]
//! primary    = "(" or ")" / literal / alias / call / path
//! call       = function "(" [ or *( "," or ) ] ")"
//! ```
//!
//! Words are read in any letter case, as `OData` 4.01 has it; names of properties and members are not.

use crate::{
    cursor::Cursor,
    error::{Problem, SyntaxError},
    expression::{Expression, advice, coerce, compare, member},
    function::Function,
    kind::{EnumType, Kind, Literal},
    path::Place,
    token::{Token, TokenKind},
    tree::{Comparison, Condition, Operand},
    vocabulary::Vocabulary,
};

const OPERATOR: &str = "an operator ('eq', 'and', …) or the end";
const OPERAND: &str = "a property, a function or a value";

/// Reads a `$filter`. `aliases` has the parameter aliases of the query string, each with its `@`, and
/// their decoded values.
pub fn parse_filter<F: Copy>(
    text: &str,
    vocabulary: &Vocabulary<F>,
    aliases: &[(&str, &str)],
) -> Result<Condition<F>, SyntaxError> {
    let mut parser = Parser {
        cursor: Cursor::new(text)?,
        vocabulary,
        aliases,
    };
    let filter = parser.condition(Parser::or)?;
    parser.cursor.expect_end(OPERATOR)?;
    Ok(filter)
}

struct Parser<'t, F> {
    cursor: Cursor<'t>,
    vocabulary: &'t Vocabulary<F>,
    aliases: &'t [(&'t str, &'t str)],
}

type Parsed<F> = Result<Expression<F>, SyntaxError>;

impl<'t, F: Copy> Parser<'t, F> {
    fn or(&mut self) -> Parsed<F> {
        self.chain("or", Self::and, Condition::Or)
    }

    fn and(&mut self) -> Parsed<F> {
        self.chain("and", Self::equality, Condition::And)
    }

    /// One or more conditions between the same word. A single one may be anything.
    fn chain(
        &mut self,
        word: &str,
        link: fn(&mut Self) -> Parsed<F>,
        node: fn(Vec<Condition<F>>) -> Condition<F>,
    ) -> Parsed<F> {
        let start = self.cursor.peek()?.start;
        let first = link(self)?;
        if !self.cursor.take_word(word)? {
            return Ok(first);
        }
        self.cursor.count_node(start)?;
        let mut conditions = vec![self.at(start, first.into_condition())?];
        loop {
            conditions.push(self.condition(link)?);
            if !self.cursor.take_word(word)? {
                return Ok(Expression::Condition(node(conditions)));
            }
        }
    }

    fn equality(&mut self) -> Parsed<F> {
        let operators = [Comparison::Equal, Comparison::NotEqual];
        self.comparison(&operators, Self::relation)
    }

    fn relation(&mut self) -> Parsed<F> {
        let operators = [
            Comparison::Greater,
            Comparison::GreaterOrEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
        ];
        self.comparison(&operators, Self::unary)
    }

    fn comparison(
        &mut self,
        operators: &[Comparison],
        side: fn(&mut Self) -> Parsed<F>,
    ) -> Parsed<F> {
        let mut left = side(self)?;
        while let Some((operator, at)) = self.take_operator(operators)? {
            self.cursor.count_node(at)?;
            let right = side(self)?;
            left = Expression::Condition(self.at(at, compare(operator, left, right))?);
        }
        Ok(left)
    }

    fn take_operator(
        &mut self,
        operators: &[Comparison],
    ) -> Result<Option<(Comparison, usize)>, SyntaxError> {
        let token = self.cursor.peek()?;
        let TokenKind::Name(name) = token.kind else {
            return Ok(None);
        };
        let start = token.start;
        let is_meant = |operator: &&Comparison| operator.word().eq_ignore_ascii_case(name);
        let Some(operator) = operators.iter().find(is_meant).copied() else {
            return Ok(None);
        };
        self.cursor.take()?;
        Ok(Some((operator, start)))
    }

    fn unary(&mut self) -> Parsed<F> {
        let start = self.cursor.peek()?.start;
        if !self.cursor.take_word("not")? {
            return self.membership();
        }
        self.cursor.count_node(start)?;
        self.cursor.enter(start)?;
        let condition = self.condition(Self::unary)?;
        self.cursor.leave();
        Ok(Expression::Condition(Condition::Not(Box::new(condition))))
    }

    fn membership(&mut self) -> Parsed<F> {
        let operand = self.primary()?;
        let token = self.cursor.peek()?;
        let TokenKind::Name(word) = token.kind else {
            return Ok(operand);
        };
        let start = token.start;
        if word.eq_ignore_ascii_case("in") {
            self.cursor.take()?;
            return self.list(operand, start);
        }
        let unsupported = ["has", "add", "sub", "mul", "div", "divby", "mod"];
        let Some(operator) = unsupported
            .iter()
            .find(|known| known.eq_ignore_ascii_case(word))
        else {
            return Ok(operand);
        };
        let what = (*operator).to_owned();
        let advice = if what == "has" {
            "Write 'eq' for an enumeration, contains() for a text."
        } else {
            "There is no arithmetic: write the result."
        };
        Err(self
            .cursor
            .error(start, Problem::Unsupported { what, advice }))
    }

    /// The list behind `in`.
    fn list(&mut self, operand: Expression<F>, at: usize) -> Parsed<F> {
        self.cursor.count_node(at)?;
        let operand = operand.into_operand().ok_or_else(|| {
            let what = "'in' for booleans".into();
            let advice = "Compare them by 'eq'.";
            self.cursor.error(at, Problem::Unsupported { what, advice })
        })?;
        self.cursor.expect_sign('(', "'(' and a list of values")?;
        let mut kind = operand.kind();
        let mut list = Vec::new();
        loop {
            let item = self.list_item(kind)?;
            kind = kind.or_else(|| item.kind());
            list.push(item);
            if !self.cursor.take_sign(',')? {
                break;
            }
        }
        self.cursor.expect_sign(')', "',' or ')'")?;
        Ok(Expression::Condition(Condition::In { operand, list }))
    }

    /// A value of this kind, or of any if there is none yet.
    fn list_item(&mut self, kind: Option<Kind>) -> Result<Literal, SyntaxError> {
        let token = self.cursor.take()?;
        self.cursor.count_node(token.start)?;
        let problem = match self.value(&token)?.and_then(Expression::into_operand) {
            Some(Operand::Literal(literal)) => {
                let Some(kind) = kind else {
                    return Ok(literal);
                };
                match self.at(token.start, coerce(literal, kind))? {
                    Ok(literal) => return Ok(literal),
                    Err(literal) => Problem::Mismatch {
                        operator: "in",
                        left: kind.name(),
                        right: literal.kind().map_or("null", Kind::name),
                        advice: literal.kind().map_or("", |own| advice(kind, own)),
                    },
                }
            }
            _ => Problem::Expected {
                expected: "a value, as a list holds values alone",
                found: self.cursor.found(&token),
            },
        };
        Err(self.cursor.error(token.start, problem))
    }

    fn primary(&mut self) -> Parsed<F> {
        let token = self.cursor.take()?;
        if token.kind == TokenKind::Sign('(') {
            return self.group(token.start);
        }
        self.cursor.count_node(token.start)?;
        if let TokenKind::Name(name) = token.kind
            && self.cursor.peek()?.kind == TokenKind::Sign('(')
        {
            return self.call(name, &token);
        }
        if let Some(value) = self.value(&token)? {
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
                expected: OPERAND,
                found: self.cursor.found(&token),
            },
        };
        Err(self.cursor.error(token.start, problem))
    }

    fn group(&mut self, start: usize) -> Parsed<F> {
        self.cursor.enter(start)?;
        let inner = self.or()?;
        self.cursor.expect_sign(')', "an operator or ')'")?;
        self.cursor.leave();
        Ok(inner)
    }

    fn call(&mut self, name: &str, token: &Token<'t>) -> Parsed<F> {
        let function = self.at(token.start, Function::find(name))?;
        self.cursor.enter(token.start)?;
        self.cursor.expect_sign('(', "'('")?;
        let mut arguments = Vec::new();
        while !self.cursor.take_sign(')')? {
            if !arguments.is_empty() {
                self.cursor.expect_sign(',', "',' or ')'")?;
            }
            let start = self.cursor.peek()?.start;
            if arguments.len() == function.most_arguments() {
                return Err(self.cursor.error(start, function.wrong_count()));
            }
            let argument = self.or()?;
            arguments.push(self.at(start, function.argument(arguments.len(), argument))?);
        }
        self.cursor.leave();
        let call = function.call(arguments);
        call.ok_or_else(|| self.cursor.error(token.start, function.wrong_count()))
    }

    fn property(&mut self, path: &str, start: usize) -> Parsed<F> {
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
    fn value(&self, token: &Token<'t>) -> Result<Option<Expression<F>>, SyntaxError> {
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
        let mut cursor = Cursor::new(text).map_err(|error| bad(error.problem))?;
        let token = cursor.take().map_err(|error| bad(error.problem))?;
        let value = self.plain_value(&token.kind).map_err(bad)?;
        let value = value.ok_or_else(|| {
            let found = cursor.found(&token);
            let expected = "one value";
            bad(Problem::Expected { expected, found })
        })?;
        let end = cursor.expect_end("the end of the value");
        end.map(|()| value).map_err(|error| bad(error.problem))
    }

    /// Reads by a rule, and takes what comes out as a condition.
    fn condition(&mut self, rule: fn(&mut Self) -> Parsed<F>) -> Result<Condition<F>, SyntaxError> {
        let start = self.cursor.peek()?.start;
        let expression = rule(self)?;
        self.at(start, expression.into_condition())
    }

    /// Says where a problem is.
    fn at<T>(&self, start: usize, result: Result<T, Problem>) -> Result<T, SyntaxError> {
        result.map_err(|problem| self.cursor.error(start, problem))
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
