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
    expression::{Expression, advice, coerce, compare},
    function::Function,
    kind::{Kind, Literal},
    operator::{Binding, Infix, unsupported_operator},
    token::TokenKind,
    tree::{Comparison, Condition, Operand},
    vocabulary::Vocabulary,
};

const OPERATOR: &str = "an operator ('eq', 'and', …) or the end";

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
    let start = parser.cursor.peek()?.start;
    let filter = parser.expression(Binding::Or)?;
    let filter = parser.as_condition(start, filter)?;
    parser.cursor.expect_end(OPERATOR)?;
    Ok(filter)
}

/// A filter that is being read.
pub(crate) struct Parser<'t, F> {
    pub(crate) cursor: Cursor<'t>,
    pub(crate) vocabulary: &'t Vocabulary<F>,
    pub(crate) aliases: &'t [(&'t str, &'t str)],
}

pub(crate) type Parsed<F> = Result<Expression<F>, SyntaxError>;

impl<F: Copy> Parser<'_, F> {
    /// The rules `or`, `and`, `equality` and `relation` in one: reads whatever operators bind at
    /// least as tightly as `loosest`. Four functions would cost four frames a parenthesis.
    fn expression(&mut self, loosest: Binding) -> Parsed<F> {
        let start = self.cursor.peek()?.start;
        let mut left = self.unary()?;
        while let Some((operator, at)) = self.take_operator(loosest)? {
            self.cursor.count_node(at)?;
            left = match operator {
                Infix::Compare(operator) => self.comparison(left, operator, at)?,
                Infix::And | Infix::Or => self.chain(left, operator, start)?,
            };
        }
        Ok(left)
    }

    /// A comparison whose left side is read already.
    fn comparison(&mut self, left: Expression<F>, operator: Comparison, at: usize) -> Parsed<F> {
        let right = self.expression(Infix::Compare(operator).binding().tighter())?;
        let condition = self.at(at, compare(operator, left, right))?;
        Ok(Expression::Condition(condition))
    }

    /// The conditions of one `and` or `or`, the first of which is read already.
    fn chain(&mut self, first: Expression<F>, operator: Infix, start: usize) -> Parsed<F> {
        let mut conditions = vec![self.as_condition(start, first)?];
        loop {
            let start = self.cursor.peek()?.start;
            let next = self.expression(operator.binding().tighter())?;
            conditions.push(self.as_condition(start, next)?);
            if self.take_operator(operator.binding())?.is_none() {
                return Ok(Expression::Condition(match operator {
                    Infix::Or => Condition::Or(conditions),
                    _ => Condition::And(conditions),
                }));
            }
        }
    }

    /// Takes the operator that comes next, if it binds at least as tightly.
    fn take_operator(&mut self, loosest: Binding) -> Result<Option<(Infix, usize)>, SyntaxError> {
        let token = self.cursor.peek()?;
        let TokenKind::Name(name) = token.kind else {
            return Ok(None);
        };
        let start = token.start;
        let is_meant = |infix: &&Infix| infix.word().eq_ignore_ascii_case(name);
        match Infix::ALL.iter().find(is_meant) {
            Some(infix) if infix.binding() >= loosest => {
                self.cursor.take()?;
                Ok(Some((*infix, start)))
            }
            _ => Ok(None),
        }
    }

    fn unary(&mut self) -> Parsed<F> {
        let start = self.cursor.peek()?.start;
        if self.cursor.take_word("not")? {
            return self.negation(start);
        }
        let operand = self.primary()?;
        self.membership(operand)
    }

    fn negation(&mut self, start: usize) -> Parsed<F> {
        self.cursor.count_node(start)?;
        self.cursor.enter()?;
        let start = self.cursor.peek()?.start;
        let inner = self.unary()?;
        let inner = self.as_condition(start, inner)?;
        self.cursor.leave();
        Ok(Expression::Condition(Condition::Not(Box::new(inner))))
    }

    /// What stands behind a primary: `in`, or an operator that is not offered.
    fn membership(&mut self, operand: Expression<F>) -> Parsed<F> {
        let token = self.cursor.peek()?;
        let TokenKind::Name(word) = token.kind else {
            return Ok(operand);
        };
        let start = token.start;
        if word.eq_ignore_ascii_case("in") {
            self.cursor.take()?;
            return self.list(operand, start);
        }
        match unsupported_operator(word) {
            Some(problem) => Err(self.cursor.error(start, problem)),
            None => Ok(operand),
        }
    }

    /// The list behind `in`.
    fn list(&mut self, operand: Expression<F>, at: usize) -> Parsed<F> {
        self.cursor.count_node(at)?;
        let operand = operand.into_operand().ok_or_else(|| {
            let what = "in with booleans".into();
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
        if self.cursor.peek()?.kind == TokenKind::Sign('(') {
            return self.group();
        }
        let token = self.cursor.take()?;
        self.cursor.count_node(token.start)?;
        match token.kind {
            TokenKind::Name(name) if self.cursor.peek()?.kind == TokenKind::Sign('(') => {
                self.call(name, token.start)
            }
            _ => self.leaf(&token),
        }
    }

    fn group(&mut self) -> Parsed<F> {
        self.cursor.enter()?;
        self.cursor.take()?;
        let inner = self.expression(Binding::Or)?;
        self.cursor.expect_sign(')', "an operator or ')'")?;
        self.cursor.leave();
        Ok(inner)
    }

    fn call(&mut self, name: &str, start: usize) -> Parsed<F> {
        let function = self.at(start, Function::find(name))?;
        self.cursor.enter()?;
        self.cursor.take()?;
        let mut arguments = Vec::new();
        while !self.cursor.take_sign(')')? {
            if !arguments.is_empty() {
                self.cursor.expect_sign(',', "',' or ')'")?;
            }
            let argument = self.argument(function, arguments.len())?;
            arguments.push(argument);
        }
        self.cursor.leave();
        let call = function.call(arguments).ok_or(function);
        self.at(start, call.map_err(Function::wrong_count))
    }

    fn argument(&mut self, function: Function, index: usize) -> Result<Operand<F>, SyntaxError> {
        let start = self.cursor.peek()?.start;
        if index == function.most_arguments() {
            return Err(self.cursor.error(start, function.wrong_count()));
        }
        let argument = self.expression(Binding::Or)?;
        self.at(start, function.argument(index, argument))
    }

    /// Takes what was read as a condition. A value is none, unless an operator was to follow and
    /// something else did.
    fn as_condition(
        &mut self,
        start: usize,
        expression: Expression<F>,
    ) -> Result<Condition<F>, SyntaxError> {
        let problem = match expression.into_condition() {
            Ok(condition) => return Ok(condition),
            Err(problem) => problem,
        };
        let ends = match self.cursor.peek()?.kind {
            TokenKind::End | TokenKind::Sign(')' | ',') => true,
            TokenKind::Name(word) => Infix::ALL
                .iter()
                .any(|infix| infix.word().eq_ignore_ascii_case(word)),
            _ => false,
        };
        if ends {
            Err(self.cursor.error(start, problem))
        } else {
            Err(self.cursor.unexpected(OPERATOR)?)
        }
    }

    /// Says where a problem is.
    pub(crate) fn at<T>(&self, start: usize, result: Result<T, Problem>) -> Result<T, SyntaxError> {
        result.map_err(|problem| self.cursor.error(start, problem))
    }
}
