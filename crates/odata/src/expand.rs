//! Reading `$expand`: navigation properties, separated by commas, each with its own options in
//! parentheses, separated by semicolons.
//!
//! ```text
//! expand = item *( "," item )
//! item   = navigation [ "(" option *( ";" option ) ")" ]
//! option = [ "$" ] name "=" value
//! ```

use crate::{
    cursor::Cursor,
    error::{Problem, SyntaxError},
    path::Place,
    select::select,
    selection::{Expand, ExpandItem, NestedOption, Unread},
    token::TokenKind,
    vocabulary::{Multiplicity, Navigation, Shape},
};

const OPTION: &str = "$expand";

/// Reads an `$expand`.
pub fn parse_expand(text: &str, shape: &Shape) -> Result<Expand, SyntaxError> {
    let mut cursor = Cursor::new(text)?;
    let expand = expand(&mut cursor, shape)?;
    cursor.expect_end("',' or the end")?;
    Ok(expand)
}

fn expand(cursor: &mut Cursor<'_>, shape: &Shape) -> Result<Expand, SyntaxError> {
    let mut expand = Expand::default();
    loop {
        let start = cursor.peek()?.start;
        let navigation = navigation(cursor, shape)?;
        if expand.items.iter().any(|item| item.name == navigation.name) {
            let name = navigation.name.into();
            return Err(cursor.error(start, Problem::Repeated { name }));
        }
        let position = cursor.position(start);
        expand.items.push(item(cursor, navigation, position)?);
        if !cursor.take_sign(',')? {
            return Ok(expand);
        }
    }
}

fn navigation(cursor: &mut Cursor<'_>, shape: &Shape) -> Result<Navigation, SyntaxError> {
    let token = cursor.peek()?;
    let start = token.start;
    let path = match token.kind {
        TokenKind::Name(path) => path,
        TokenKind::Sign('*') => {
            let what = format!("* in {OPTION}");
            let advice = "Name the navigation properties.";
            return Err(cursor.error(start, Problem::Unsupported { what, advice }));
        }
        _ => return Err(cursor.unexpected("a navigation property")?),
    };
    cursor.take()?;
    let problem = match shape.place(path, OPTION) {
        Ok(Place::Navigation(navigation)) => return Ok(*navigation),
        Ok(Place::Value(path) | Place::Complex(path, _)) => Problem::NotExpandable {
            path,
            type_name: shape.type_name(),
        },
        Err(Problem::Navigation { .. }) => Problem::Unsupported {
            what: path.into(),
            advice: "Nested expansions stand in parentheses: a($expand=b).",
        },
        Err(problem) => problem,
    };
    Err(cursor.error(start, problem))
}

fn item(
    cursor: &mut Cursor<'_>,
    navigation: Navigation,
    position: usize,
) -> Result<ExpandItem, SyntaxError> {
    let mut item = ExpandItem {
        name: navigation.name,
        position,
        ..ExpandItem::default()
    };
    if cursor.peek()?.kind != TokenKind::Sign('(') {
        return Ok(item);
    }
    cursor.enter()?;
    cursor.take()?;
    loop {
        let start = cursor.peek()?.start;
        let option = option(cursor)?;
        let mut named = item.options.iter().map(|nested| nested.name);
        if named.any(|name| name == option.name()) {
            let name = option.name().into();
            return Err(cursor.error(start, Problem::Repeated { name }));
        }
        if navigation.multiplicity == Multiplicity::One && option.is_for_collections() {
            let problem = Problem::OnlyForCollections {
                option: option.name(),
                name: navigation.name,
            };
            return Err(cursor.error(start, problem));
        }
        item.options.push(NestedOption {
            name: option.name(),
            position: cursor.position(start),
        });
        read_value(cursor, option, navigation, &mut item)?;
        if !cursor.take_sign(';')? {
            break;
        }
    }
    cursor.expect_sign(')', "';' or ')'")?;
    cursor.leave();
    Ok(item)
}

fn read_value(
    cursor: &mut Cursor<'_>,
    option: Nested,
    navigation: Navigation,
    item: &mut ExpandItem,
) -> Result<(), SyntaxError> {
    match option {
        Nested::Select => item.select = Some(select(cursor, (navigation.target)())?),
        Nested::Expand => item.expand = expand(cursor, (navigation.target)())?,
        Nested::Filter => item.filter = Some(unread(cursor, "a condition")?),
        Nested::Order => item.order = Some(unread(cursor, "a property")?),
        Nested::Top => item.top = Some(number(cursor)?),
        Nested::Skip => item.skip = number(cursor)?,
        Nested::Count => item.count = boolean(cursor)?,
    }
    Ok(())
}

/// An option that may stand within an expansion.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    Select,
    Expand,
    Filter,
    Order,
    Top,
    Skip,
    Count,
}

impl Nested {
    const ALL: [Self; 7] = [
        Self::Select,
        Self::Expand,
        Self::Filter,
        Self::Order,
        Self::Top,
        Self::Skip,
        Self::Count,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Select => "$select",
            Self::Expand => "$expand",
            Self::Filter => "$filter",
            Self::Order => "$orderby",
            Self::Top => "$top",
            Self::Skip => "$skip",
            Self::Count => "$count",
        }
    }

    fn is_for_collections(self) -> bool {
        !matches!(self, Self::Select | Self::Expand)
    }
}

/// Reads an option's name, with or without its dollar sign, and the `=` behind it.
fn option(cursor: &mut Cursor<'_>) -> Result<Nested, SyntaxError> {
    let (TokenKind::Dollar(written) | TokenKind::Name(written)) = cursor.peek()?.kind else {
        return Err(cursor.unexpected("a query option, such as '$select='")?);
    };
    let start = cursor.take()?.start;
    let bare = written.strip_prefix('$').unwrap_or(written);
    let is_meant = |option: &Nested| {
        let name = option.name();
        name.strip_prefix('$')
            .is_some_and(|name| name.eq_ignore_ascii_case(bare))
    };
    let Some(option) = Nested::ALL.into_iter().find(is_meant) else {
        let what = format!("{written} in {OPTION}");
        let advice = "";
        return Err(cursor.error(start, Problem::Unsupported { what, advice }));
    };
    cursor.expect_sign('=', "'='")?;
    Ok(option)
}

/// Takes a value as it stands, for the target's own vocabulary to be read with.
fn unread(cursor: &mut Cursor<'_>, expected: &'static str) -> Result<Unread, SyntaxError> {
    let (text, start) = cursor.take_raw();
    if text.trim().is_empty() {
        return Err(cursor.unexpected(expected)?);
    }
    Ok(Unread {
        text: text.into(),
        position: cursor.position(start),
    })
}

fn number(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    const EXPECTED: &str = "a number from 0";
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let start = cursor.peek()?.start;
    let (text, _) = cursor.take_raw();
    let text = text.trim();
    if !digits(text) {
        return Err(cursor.expected(start, text, EXPECTED));
    }
    // A number that is too large for any collection is as good as the largest.
    Ok(text.parse().unwrap_or(u64::MAX))
}

fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, SyntaxError> {
    let start = cursor.peek()?.start;
    let (text, _) = cursor.take_raw();
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        text => Err(cursor.expected(start, text, "'true' or 'false'")),
    }
}
