//! Where the reader stands in a text: one token of look-ahead, and what has been spent of the limits.

use crate::{
    error::{Found, Problem, SyntaxError},
    limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES},
    token::{self, Token, TokenKind},
};

/// A place in a text.
pub(crate) struct Cursor<'t> {
    text: &'t str,
    /// Behind the last token that was taken.
    at: usize,
    peeked: Option<Token<'t>>,
    depth: usize,
    nodes: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        let cursor = Self {
            text,
            at: 0,
            peeked: None,
            depth: 0,
            nodes: 0,
        };
        if text.len() > MAX_BYTES {
            let bytes = text.len();
            return Err(cursor.error(0, Problem::TooLong { bytes }));
        }
        // No value holds it, and not every store could look for it.
        match text.find('\0') {
            Some(at) => Err(cursor.error(at, Problem::UnexpectedCharacter('\0'))),
            None => Ok(cursor),
        }
    }

    /// The token that comes next, which stays there.
    pub(crate) fn peek(&mut self) -> Result<&Token<'t>, SyntaxError> {
        let token = match self.peeked.take() {
            Some(token) => token,
            None => self.read()?,
        };
        Ok(self.peeked.insert(token))
    }

    /// Takes the token that comes next.
    pub(crate) fn take(&mut self) -> Result<Token<'t>, SyntaxError> {
        let token = match self.peeked.take() {
            Some(token) => token,
            None => self.read()?,
        };
        self.at = token.end;
        Ok(token)
    }

    fn read(&self) -> Result<Token<'t>, SyntaxError> {
        token::next(self.text, self.at).map_err(|(at, problem)| self.error(at, problem))
    }

    /// Takes the sign if it comes next.
    pub(crate) fn take_sign(&mut self, sign: char) -> Result<bool, SyntaxError> {
        let is_there = self.peek()?.kind == TokenKind::Sign(sign);
        if is_there {
            self.take()?;
        }
        Ok(is_there)
    }

    /// Takes the word if it comes next, in any letter case.
    pub(crate) fn take_word(&mut self, word: &str) -> Result<bool, SyntaxError> {
        let is_there =
            matches!(self.peek()?.kind, TokenKind::Name(name) if name.eq_ignore_ascii_case(word));
        if is_there {
            self.take()?;
        }
        Ok(is_there)
    }

    /// Takes the sign, which has to come next.
    pub(crate) fn expect_sign(
        &mut self,
        sign: char,
        expected: &'static str,
    ) -> Result<(), SyntaxError> {
        if self.take_sign(sign)? {
            return Ok(());
        }
        Err(self.unexpected(expected)?)
    }

    /// Fails unless the text ends here.
    pub(crate) fn expect_end(&mut self, expected: &'static str) -> Result<(), SyntaxError> {
        if self.peek()?.kind == TokenKind::End {
            return Ok(());
        }
        Err(self.unexpected(expected)?)
    }

    /// The error that something else comes next than what has to.
    pub(crate) fn unexpected(
        &mut self,
        expected: &'static str,
    ) -> Result<SyntaxError, SyntaxError> {
        let text = self.text;
        let token = self.peek()?;
        let (start, found) = (token.start, token.found(text));
        Ok(self.error(start, Problem::Expected { expected, found }))
    }

    /// The error that this stands where something else has to.
    pub(crate) fn expected(&self, at: usize, text: &str, expected: &'static str) -> SyntaxError {
        let found = match text {
            "" => Found::End,
            _ => Found::Text(text.into()),
        };
        self.error(at, Problem::Expected { expected, found })
    }

    /// Takes everything up to a sign that ends a nested option, and says where it begins, in bytes.
    /// Texts and parentheses within it are passed over.
    pub(crate) fn take_raw(&mut self) -> (&'t str, usize) {
        self.peeked = None;
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let (mut open, mut in_text) = (0_usize, false);
        let end = rest.bytes().position(|byte| {
            match byte {
                b'\'' => in_text = !in_text,
                _ if in_text => {}
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => return true,
                b';' => return open == 0,
                _ => {}
            }
            false
        });
        let raw = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at = start + raw.len();
        (raw, start)
    }

    /// Goes one level deeper, where the next token stands. The caller leaves it again.
    pub(crate) fn enter(&mut self) -> Result<(), SyntaxError> {
        if self.depth == MAX_DEPTH {
            let at = self.peek()?.start;
            return Err(self.error(at, Problem::TooDeep));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Counts a part of the tree.
    pub(crate) fn count_node(&mut self, at: usize) -> Result<(), SyntaxError> {
        if self.nodes == MAX_NODES {
            return Err(self.error(at, Problem::TooManyNodes));
        }
        self.nodes += 1;
        Ok(())
    }

    /// An error at a byte of the text.
    pub(crate) fn error(&self, at: usize, problem: Problem) -> SyntaxError {
        SyntaxError {
            position: self.position(at),
            problem: Box::new(problem),
        }
    }

    /// How many characters stand before a byte.
    pub(crate) fn position(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).chars().count()
    }

    /// A token as an error shows it.
    pub(crate) fn found(&self, token: &Token<'_>) -> Found {
        token.found(self.text)
    }
}
