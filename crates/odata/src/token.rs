//! Words, signs and literals: the lexer, one token at a time. Dates, numbers and GUIDs are read in
//! `literal`; what the tokens mean together is the grammar's.

use std::borrow::Cow;

use crate::{
    error::{Found, Problem},
    kind::Literal,
    literal,
};

/// A token and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind<'t> {
    /// A word: a property's path, an operator, a function. It may hold dots and slashes.
    Name(&'t str),
    /// A text in single quotes, which stand doubled within it.
    Text(Cow<'t, str>),
    /// A text with a type's name in front: an enumeration's member.
    TypedText {
        type_name: &'t str,
        text: Cow<'t, str>,
    },
    /// A number, a date, a time or a GUID.
    Literal(Literal),
    /// `@p`: a parameter alias.
    Alias(&'t str),
    /// `$it`, `$select`: a name that is `OData`'s own.
    Dollar(&'t str),
    /// Any other sign.
    Sign(char),
    /// Nothing more.
    End,
}

/// What is wrong, and at which byte.
pub(crate) type Fault = (usize, Problem);

/// Reads the token that begins behind `at` and any blanks.
pub(crate) fn next(text: &str, at: usize) -> Result<Token<'_>, Fault> {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let start = text.len() - rest.len();
    let token = |kind, len: usize| {
        Ok(Token {
            kind,
            start,
            end: start + len,
        })
    };
    let Some(first) = rest.chars().next() else {
        return token(TokenKind::End, 0);
    };
    if first == '\'' {
        let (content, len) = quoted(rest).map_err(|problem| (start, problem))?;
        return token(TokenKind::Text(content), len);
    }
    if first == '@' || first == '$' {
        let len = first.len_utf8() + name_len(&rest[first.len_utf8()..]);
        let name = &rest[..len];
        let kind = match first {
            '@' => TokenKind::Alias(name),
            _ => TokenKind::Dollar(name),
        };
        return token(kind, len);
    }
    if let Some((literal, len)) = literal::read(rest).map_err(|problem| (start, problem))? {
        return token(TokenKind::Literal(literal), len);
    }
    let len = name_len(rest);
    if len == 0 {
        return sign(first)
            .map_err(|problem| (start, problem))
            .and_then(|kind| token(kind, first.len_utf8()));
    }
    let (name, behind) = rest.split_at(len);
    if behind.starts_with('\'') && is_type_name(name) {
        let (text, text_len) = quoted(behind).map_err(|problem| (start + len, problem))?;
        let type_name = name;
        return token(TokenKind::TypedText { type_name, text }, len + text_len);
    }
    token(TokenKind::Name(name), len)
}

impl Token<'_> {
    /// The token as an error shows it.
    pub(crate) fn found(&self, text: &str) -> Found {
        match self.kind {
            TokenKind::End => Found::End,
            // `>=` and `&&` are two signs to the lexer, and one to whoever wrote them.
            TokenKind::Sign(sign) if "=!<>&|".contains(sign) => {
                let rest = text.get(self.start..).unwrap_or_default();
                let signs = rest.chars().take_while(|next| "=!<>&|".contains(*next));
                Found::Text(signs.take(2).collect())
            }
            _ => Found::Text(text.get(self.start..self.end).unwrap_or_default().into()),
        }
    }
}

/// How long the word is that stands at the beginning.
fn name_len(text: &str) -> usize {
    let is_part =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '/' | '$');
    text.find(|character| !is_part(character))
        .unwrap_or(text.len())
}

/// Whether a word that touches a text is a type's name, as in `ns.status'error'`. Operators touch
/// texts too: `id eq'x'`. The unqualified ones are those of `OData` 2 and 3.
fn is_type_name(word: &str) -> bool {
    const OLD: [&str; 8] = [
        "guid",
        "datetime",
        "datetimeoffset",
        "time",
        "duration",
        "binary",
        "geography",
        "geometry",
    ];
    word.contains('.') || OLD.iter().any(|old| word.eq_ignore_ascii_case(old))
}

fn quoted(text: &str) -> Result<(Cow<'_, str>, usize), Problem> {
    let mut from = 1;
    let mut has_doubled = false;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let Some(quote) = rest.find('\'') else {
            return Err(Problem::UnterminatedText);
        };
        let end = from + quote + 1;
        if text.as_bytes().get(end) != Some(&b'\'') {
            let content = text.get(1..end - 1).unwrap_or_default();
            let content = if has_doubled {
                Cow::Owned(content.replace("''", "'"))
            } else {
                Cow::Borrowed(content)
            };
            return Ok((content, end));
        }
        has_doubled = true;
        from = end + 1;
    }
}

fn sign(character: char) -> Result<TokenKind<'static>, Problem> {
    match character {
        '(' | ')' | ',' | ';' | ':' | '*' | '=' | '-' | '!' | '<' | '>' | '&' | '|' | '"' | '['
        | ']' | '{' | '}' | '+' | '%' => Ok(TokenKind::Sign(character)),
        _ => Err(Problem::UnexpectedCharacter(character)),
    }
}
