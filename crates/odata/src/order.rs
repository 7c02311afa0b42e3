//! `$orderby`: reading it, and which of two rows comes first.

use std::cmp::Ordering;

use crate::{
    cursor::Cursor,
    error::{Problem, SyntaxError},
    evaluate::compare_values,
    kind::{Kind, Value},
    path::Place,
    token::TokenKind,
    tree::{Direction, Order, OrderKey},
    vocabulary::{Property, Vocabulary},
};

const OPTION: &str = "$orderby";

/// Reads a `$orderby`: `path [ "asc" / "desc" ]`, separated by commas.
pub fn parse_order<F: Copy + PartialEq>(
    text: &str,
    vocabulary: &Vocabulary<F>,
) -> Result<Order<F>, SyntaxError> {
    let mut cursor = Cursor::new(text)?;
    let mut keys: Vec<OrderKey<F>> = Vec::new();
    loop {
        let start = cursor.peek()?.start;
        let property = property(&mut cursor, vocabulary)?;
        if keys.iter().any(|key| key.property.field == property.field) {
            let name = property.path.into();
            return Err(cursor.error(start, Problem::Repeated { name }));
        }
        let direction = if cursor.take_word("desc")? {
            Direction::Descending
        } else {
            cursor.take_word("asc")?;
            Direction::Ascending
        };
        keys.push(OrderKey {
            property,
            direction,
        });
        if !cursor.take_sign(',')? {
            cursor.expect_end("'asc', 'desc', ',' or the end")?;
            return Ok(Order { keys });
        }
    }
}

fn property<F: Copy>(
    cursor: &mut Cursor<'_>,
    vocabulary: &Vocabulary<F>,
) -> Result<Property<F>, SyntaxError> {
    let TokenKind::Name(path) = cursor.peek()?.kind else {
        return Err(cursor.unexpected("a property")?);
    };
    let start = cursor.take()?.start;
    if cursor.peek()?.kind == TokenKind::Sign('(') {
        let what = format!("{path}() in {OPTION}");
        let advice = "Order by properties alone.";
        return Err(cursor.error(start, Problem::Unsupported { what, advice }));
    }
    let shape = vocabulary.shape();
    let problem = match vocabulary.get(path) {
        Some(property) if property.sortable && property.kind != Kind::Opaque => {
            return Ok(*property);
        }
        Some(property) => Problem::NotOffered {
            path: property.path,
            option: OPTION,
        },
        None => match shape.place(path, OPTION) {
            Ok(Place::Complex(path, type_name)) => shape.not_a_value(path, type_name),
            Ok(Place::Navigation(navigation)) => Problem::Navigation {
                name: navigation.name,
                option: OPTION,
            },
            Ok(Place::Value(path)) => Problem::NotOffered {
                path,
                option: OPTION,
            },
            Err(problem) => problem,
        },
    };
    Err(cursor.error(start, problem))
}

impl<F: Copy> Order<F> {
    /// Which of two rows comes first. Equal are those that agree in every key.
    pub fn compare<'l, 'r>(
        &self,
        left: &impl Fn(F) -> Value<'l>,
        right: &impl Fn(F) -> Value<'r>,
    ) -> Ordering {
        let by_key = |key: &OrderKey<F>| {
            let field = key.property.field;
            let ordering = compare_values(&left(field), &right(field));
            match key.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        };
        let mut orderings = self.keys.iter().map(by_key);
        orderings
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}
