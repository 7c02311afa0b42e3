//! Reading `$select`: `*` and paths, separated by commas.

use crate::{
    cursor::Cursor,
    error::{Problem, SyntaxError},
    path::Place,
    selection::Select,
    token::TokenKind,
    vocabulary::Shape,
};

const OPTION: &str = "$select";

/// Reads a `$select`. What stands twice counts once.
pub fn parse_select(text: &str, shape: &Shape) -> Result<Select, SyntaxError> {
    let mut cursor = Cursor::new(text)?;
    let select = select(&mut cursor, shape)?;
    cursor.expect_end("',' or the end")?;
    Ok(select)
}

/// Reads as far as the grammar of `$select` goes.
pub(crate) fn select(cursor: &mut Cursor<'_>, shape: &Shape) -> Result<Select, SyntaxError> {
    let mut select = Select {
        all: false,
        paths: Vec::new(),
    };
    loop {
        if cursor.take_sign('*')? {
            select.all = true;
        } else {
            let path = path(cursor, shape)?;
            if !select.paths.contains(&path) {
                select.paths.push(path);
            }
        }
        if !cursor.take_sign(',')? {
            return Ok(select);
        }
    }
}

fn path(cursor: &mut Cursor<'_>, shape: &Shape) -> Result<&'static str, SyntaxError> {
    let TokenKind::Name(path) = cursor.peek()?.kind else {
        return Err(cursor.unexpected("a property or '*'")?);
    };
    let start = cursor.take()?.start;
    let place = shape.place(path, OPTION);
    let path = match place.map_err(|problem| cursor.error(start, problem))? {
        Place::Value(path) | Place::Complex(path, _) => path,
        Place::Navigation(navigation) => navigation.name,
    };
    if cursor.peek()?.kind == TokenKind::Sign('(') {
        let what = format!("{path}(…) in {OPTION}");
        let advice = "Name nested properties by their paths, as in state/deviceImportStatus.";
        return Err(cursor.error(start, Problem::Unsupported { what, advice }));
    }
    Ok(path)
}
