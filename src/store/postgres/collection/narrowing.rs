//! What a filter tells of the serial numbers of the rows that it takes, said so that the trigrams
//! find them.
//!
//! It only leaves out rows that the filter leaves out as well. Trigrams fold letter case as the
//! database's own locale does, so that only ASCII is looked for by them.

use odata::{Comparison, Condition, Literal, Operand, TextTest};

use crate::store::filter_sql::{Parameter, Statement};

/// Shorter texts have no trigram of their own.
const SHORTEST: usize = 3;

/// What serial numbers must be like.
enum Likeness {
    /// Equal to this.
    Equal(String),
    /// Like this pattern, in any letter case.
    Like(String),
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
        Likeness::Equal(text) => {
            sql.push("serial_number = ");
            sql.bind(Parameter::Text(text.clone()));
        }
        Likeness::Like(pattern) => {
            sql.push("serial_number ILIKE ");
            sql.bind(Parameter::Text(pattern.clone()));
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
        } if is_folded(text, is_serial) => {
            is_looked_for(part).then(|| Likeness::Like(format!("%{}%", escaped(part))))
        }
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
    if !is_looked_for(part) {
        return None;
    }
    match text {
        Operand::Field(property) if is_serial(property.field) => {
            Some(Likeness::Equal(part.to_owned()))
        }
        _ if is_folded(text, is_serial) => Some(Likeness::Like(escaped(part))),
        _ => None,
    }
}

/// Whether an operand is the serial number, in whatever letter case.
fn is_folded<F: Copy>(operand: &Operand<F>, is_serial: fn(F) -> bool) -> bool {
    match operand {
        Operand::Field(property) => is_serial(property.field),
        Operand::ToLower(inner) | Operand::ToUpper(inner) => is_folded(inner, is_serial),
        _ => false,
    }
}

fn is_looked_for(part: &str) -> bool {
    part.is_ascii() && part.len() >= SHORTEST
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
