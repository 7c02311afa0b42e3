//! What a filter tells of the serial numbers of the rows that it takes, said so that the trigrams
//! find them.
//!
//! It only leaves out rows that the filter leaves out as well. Trigrams fold letter case as the
//! database's own locale does, so that only ASCII is looked for by them.

use odata::{Comparison, Condition, Literal, Operand, TextTest};

use crate::store::{
    filter_sql::{Parameter, Statement},
    trigrams,
};

/// How many trigrams one text is looked for by. Each is a pattern of its own: the trigrams of one
/// pattern are read side by side, those of several lead each other on to the next row that they may
/// be in, and the first should be in few.
const TRIGRAMS_OF_A_TEXT: usize = 8;

/// How many trigrams are looked for in all, as each is a condition to be planned. Every text has two
/// all the same, however long its list is.
const TRIGRAMS: usize = 64;

/// What serial numbers must be like.
enum Likeness {
    /// Having all of these trigrams within, in any letter case.
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
        append(sql, &likeness, TRIGRAMS);
    }
}

fn append<F: Copy>(sql: &mut Statement<F>, likeness: &Likeness, most: usize) {
    match likeness {
        Likeness::Having(trigrams) => {
            for (index, trigram) in trigrams.iter().take(most).enumerate() {
                sql.push(if index == 0 { "(" } else { " AND " });
                sql.push("serial_number ILIKE ");
                sql.bind(Parameter::Text(format!("%{}%", escaped(trigram))));
            }
            sql.push(")");
        }
        Likeness::Any(all) => {
            let most = (most / all.len().max(1)).max(2);
            for (index, one) in all.iter().enumerate() {
                sql.push(if index == 0 { "(" } else { " OR " });
                append(sql, one, most);
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
    let text = Some(text).filter(|text| text.is_ascii())?;
    trigrams::from_end(text, TRIGRAMS_OF_A_TEXT).map(Likeness::Having)
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
    use odata::{Kind, Property, Vocabulary, parse_filter};

    use super::*;
    use crate::store::filter_sql::{Column, Dialect};

    /// How many conditions a filter becomes.
    fn conditions(filter: &str) -> usize {
        let vocabulary = Vocabulary::new("test").property(Property::new("s", (), Kind::String));
        let filter = parse_filter(filter, &vocabulary, &[]).unwrap();
        let mut sql = Statement::new(Dialect::Postgres, |()| Column::required("serial_number"));
        narrow(&mut sql, &filter, |()| true);
        sql.finish().0.matches("ILIKE").count()
    }

    #[test]
    fn the_longer_a_list_the_fewer_trigrams_of_each() {
        let list = |count| format!("s in ({})", vec!["'HT-00JNY1KFD'"; count].join(","));
        for (count, of_each) in [(1, 4), (16, 4), (20, 3), (32, 2), (100, 2)] {
            assert_eq!(conditions(&list(count)), count * of_each, "{count}");
        }
        let text = "x".repeat(60);
        assert_eq!(conditions(&format!("contains(s,'{text}')")), 8);
    }

    #[test]
    fn a_text_is_looked_for_from_its_end() {
        let table: [(&str, Option<&[&str]>); 4] = [
            ("ab", None),
            ("äbcd", None),
            ("abc", Some(&["abc"])),
            (
                "HT-00JNY1KFD%_x",
                Some(&["%_x", "KFD", "NY1", "00J", "HT-"]),
            ),
        ];
        for (text, expected) in table {
            let found = having(text).map(|likeness| match likeness {
                Likeness::Having(trigrams) => trigrams,
                Likeness::Any(_) => Vec::new(),
            });
            let expected = expected.map(|all| all.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected, "{text}");
        }
    }
}
