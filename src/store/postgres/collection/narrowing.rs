//! What a filter tells of the serial numbers of the rows that it takes, said so that the trigrams
//! find them.
//!
//! It only leaves out rows that the filter leaves out as well. Trigrams fold letter case as the
//! database's own locale does, so that only ASCII is looked for by them.

use odata::{Comparison, Condition, Literal, Operand, TextTest};

use crate::store::filter_sql::{Parameter, Statement};

/// Shorter texts have no trigram of their own.
const SHORTEST: usize = 3;

/// How long the pieces are that a longer text is looked for by. The trigrams of one pattern are read
/// side by side, those that every serial number has included; of several patterns, each leads the
/// others on to the next row that it may be in.
const PIECE: usize = 6;

/// What serial numbers must be like.
enum Likeness {
    /// Having all of these within, in any letter case.
    Having(Vec<String>),
    /// One of these.
    Any(Vec<Likeness>),
}

/// Appends what the filter tells of serial numbers, if it tells anything.
pub(super) fn narrow<F: Copy>(
    sql: &mut Statement<F>,
    filter: &Condition<F>,
    is_serial: fn(F) -> bool,
) {
    if let Some(likeness) = likeness(filter, is_serial) {
        sql.push(" AND ");
        append(sql, &likeness);
    }
}

fn append<F: Copy>(sql: &mut Statement<F>, likeness: &Likeness) {
    match likeness {
        Likeness::Having(pieces) => {
            for (index, piece) in pieces.iter().enumerate() {
                sql.push(if index == 0 { "(" } else { " AND " });
                sql.push("serial_number ILIKE ");
                sql.bind(Parameter::Text(format!("%{}%", escaped(piece))));
            }
            sql.push(")");
        }
        Likeness::Any(all) => {
            for (index, one) in all.iter().enumerate() {
                sql.push(if index == 0 { "(" } else { " OR " });
                append(sql, one);
            }
            sql.push(")");
        }
    }
}

fn likeness<F: Copy>(condition: &Condition<F>, is_serial: fn(F) -> bool) -> Option<Likeness> {
    match condition {
        // One of them suffices: each leaves out only what the filter leaves out.
        Condition::And(conditions) => conditions
            .iter()
            .find_map(|condition| likeness(condition, is_serial)),
        Condition::Or(conditions) => {
            let all = conditions
                .iter()
                .map(|condition| likeness(condition, is_serial));
            Some(Likeness::Any(all.collect::<Option<_>>()?)).filter(is_some_choice)
        }
        Condition::Text {
            test: TextTest::Contains | TextTest::StartsWith | TextTest::EndsWith,
            text,
            part: Operand::Literal(Literal::Text(part)),
        } if is_folded(text, is_serial) => having(part),
        Condition::Compare {
            operator: Comparison::Equal,
            left,
            right,
        } => match (left, right) {
            (text, Operand::Literal(Literal::Text(part)))
            | (Operand::Literal(Literal::Text(part)), text) => equal(text, part, is_serial),
            _ => None,
        },
        Condition::In { operand, list } => {
            let all = list.iter().map(|literal| match literal {
                Literal::Text(text) => equal(operand, text, is_serial),
                _ => None,
            });
            Some(Likeness::Any(all.collect::<Option<_>>()?)).filter(is_some_choice)
        }
        _ => None,
    }
}

fn is_some_choice(likeness: &Likeness) -> bool {
    !matches!(likeness, Likeness::Any(all) if all.is_empty())
}

fn equal<F: Copy>(text: &Operand<F>, part: &str, is_serial: fn(F) -> bool) -> Option<Likeness> {
    having(part).filter(|_| is_folded(text, is_serial))
}

/// What has this text within, if it can be looked for.
fn having(text: &str) -> Option<Likeness> {
    if !text.is_ascii() || text.len() < SHORTEST {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    // No piece is too short to be looked for.
    while let Some((piece, more)) = rest
        .split_at_checked(PIECE)
        .filter(|(_, more)| more.len() >= SHORTEST)
    {
        pieces.push(piece.to_owned());
        rest = more;
    }
    pieces.push(rest.to_owned());
    Some(Likeness::Having(pieces))
}

/// Whether an operand is the serial number, in whatever letter case.
fn is_folded<F: Copy>(operand: &Operand<F>, is_serial: fn(F) -> bool) -> bool {
    match operand {
        Operand::Field(property) => is_serial(property.field),
        Operand::ToLower(inner) | Operand::ToUpper(inner) => is_folded(inner, is_serial),
        _ => false,
    }
}

/// A text without wildcards, as a pattern.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_looked_for_in_pieces() {
        let table: [(&str, Option<&[&str]>); 6] = [
            ("ab", None),
            ("äbcd", None),
            ("abc", Some(&["abc"])),
            ("HT-00JNY", Some(&["HT-00JNY"])),
            ("HT-00JNY1", Some(&["HT-00J", "NY1"])),
            ("HT-00JNY1KFD%_x", Some(&["HT-00J", "NY1KFD", "%_x"])),
        ];
        for (text, expected) in table {
            let found = having(text).map(|likeness| match likeness {
                Likeness::Having(pieces) => pieces,
                Likeness::Any(_) => Vec::new(),
            });
            let expected = expected.map(|all| all.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected, "{text}");
        }
    }
}
