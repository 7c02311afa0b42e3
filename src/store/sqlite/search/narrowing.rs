//! What a filter tells of the rows that it takes.

use odata::{Comparison, Condition, Literal, Operand, TextTest};

use crate::store::trigrams;

/// How many trigrams one text is looked for by. Its last two leave few rows, as a rule: serial
/// numbers differ at their ends, and begin with what a maker gives to all, which takes long to go
/// through. More than eight leave hardly fewer.
pub(super) const TRIGRAMS_OF_A_TEXT: [usize; 2] = [2, 8];

/// How many trigrams a filter is looked for by in all.
const TRIGRAMS: usize = 64;

/// The conditions that all hold where a filter does.
pub(super) fn conjuncts<F>(filter: &Condition<F>) -> Vec<&Condition<F>> {
    match filter {
        Condition::And(conditions) => conditions.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// The trigrams that the serial number of every row has which a filter takes, so many of each text,
/// as the full-text index reads them; none where the filter tells nothing, or only short parts.
pub(super) fn trigrams<F: Copy>(
    filter: &Condition<F>,
    is_serial: fn(F) -> bool,
    of_a_text: usize,
) -> Option<String> {
    let mut taken = Taken {
        of_a_text,
        in_all: 0,
    };
    let query = query(filter, is_serial, &mut taken)?;
    (taken.in_all <= TRIGRAMS).then_some(query)
}

/// How many trigrams may be taken of a text, and how many are taken of all.
struct Taken {
    of_a_text: usize,
    in_all: usize,
}

/// Whether a condition is about nothing but the serial number, whatever it says of it.
pub(super) fn is_about<F: Copy>(condition: &Condition<F>, is_serial: fn(F) -> bool) -> bool {
    let is_known =
        |operand: &Operand<F>| matches!(operand, Operand::Literal(_)) || of(operand, is_serial);
    match condition {
        Condition::And(conditions) | Condition::Or(conditions) => conditions
            .iter()
            .all(|condition| is_about(condition, is_serial)),
        Condition::Text { text, part, .. } => of(text, is_serial) && is_known(part),
        Condition::Compare { left, right, .. } => is_known(left) && is_known(right),
        Condition::In { operand, .. } => of(operand, is_serial),
        Condition::Not(_) | Condition::Same(..) | Condition::Field(_) | Condition::Constant(_) => {
            false
        }
    }
}

fn query<F: Copy>(
    condition: &Condition<F>,
    is_serial: fn(F) -> bool,
    taken: &mut Taken,
) -> Option<String> {
    match condition {
        // One of them suffices: each leaves out only what the filter leaves out.
        Condition::And(conditions) => conditions
            .iter()
            .find_map(|condition| query(condition, is_serial, taken)),
        Condition::Or(conditions) => {
            let all = conditions
                .iter()
                .map(|condition| query(condition, is_serial, taken));
            Some(all.collect::<Option<Vec<_>>>()?.join(" OR "))
        }
        Condition::Text {
            test: TextTest::Contains | TextTest::StartsWith | TextTest::EndsWith,
            text,
            part: Operand::Literal(Literal::Text(part)),
        } if of(text, is_serial) => of_text(part, taken),
        Condition::Compare {
            operator: Comparison::Equal,
            left,
            right,
        } => match (left, right) {
            (text, Operand::Literal(Literal::Text(part)))
            | (Operand::Literal(Literal::Text(part)), text)
                if of(text, is_serial) =>
            {
                of_text(part, taken)
            }
            _ => None,
        },
        Condition::In { operand, list } if of(operand, is_serial) => {
            let all = list.iter().map(|literal| match literal {
                Literal::Text(text) => of_text(text, taken),
                _ => None,
            });
            Some(all.collect::<Option<Vec<_>>>()?.join(" OR "))
        }
        _ => None,
    }
}

/// Whether an operand is the serial number. The index folds letter case, and so finds it folded too.
fn of<F: Copy>(operand: &Operand<F>, is_serial: fn(F) -> bool) -> bool {
    match operand {
        Operand::Field(property) => is_serial(property.field),
        Operand::ToLower(inner) | Operand::ToUpper(inner) => of(inner, is_serial),
        _ => false,
    }
}

/// What has this text within, as a query of the index.
fn of_text(text: &str, taken: &mut Taken) -> Option<String> {
    let trigrams = trigrams::from_end(text, taken.of_a_text)?;
    taken.in_all += trigrams.len();
    let quoted = trigrams.iter().rev();
    let quoted = quoted.map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\"")));
    Some(format!("({})", quoted.collect::<Vec<_>>().join(" AND ")))
}

#[cfg(test)]
mod tests {
    use odata::{Kind, Property, Vocabulary, parse_filter};

    use super::*;

    fn trigrams_of(filter: &str) -> Option<String> {
        let vocabulary = Vocabulary::new("test")
            .property(Property::new("s", true, Kind::String))
            .property(Property::new("x", false, Kind::String));
        let filter = parse_filter(filter, &vocabulary, &[]).unwrap();
        trigrams(&filter, |field| field, 8)
    }

    #[test]
    fn a_filter_tells_the_trigrams_of_its_rows() {
        let cases = [
            ("contains(s,'abcd')", Some(r#"("abc" AND "bcd")"#)),
            (
                "contains(s,'abcdefgh')",
                Some(r#"("abc" AND "cde" AND "fgh")"#),
            ),
            ("s eq 'a\"b'", Some(r#"("a""b")"#)),
            ("'abc' eq s", Some(r#"("abc")"#)),
            ("endswith(tolower(s),'äöü')", Some(r#"("äöü")"#)),
            ("x eq 'abc' and startswith(s,'abc')", Some(r#"("abc")"#)),
            ("s in ('abc','abd')", Some(r#"("abc") OR ("abd")"#)),
            (
                "contains(s,'abc') or contains(s,'abd')",
                Some(r#"("abc") OR ("abd")"#),
            ),
            ("contains(s,'ab')", None),
            ("contains(s,'abc') or x eq 'abc'", None),
            ("s in ('abc','ab')", None),
            ("s in ('abc',null)", None),
            ("contains(x,'abc')", None),
            ("not contains(s,'abc')", None),
            ("s gt 'abc'", None),
            ("contains('abc',s)", None),
        ];
        for (filter, expected) in cases {
            assert_eq!(trigrams_of(filter).as_deref(), expected, "{filter}");
        }
    }
}
