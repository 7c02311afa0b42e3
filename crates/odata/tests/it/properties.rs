//! What holds for every tree, every row and any text at all.

use std::cmp::Ordering;

use odata::fuzzing::{SampleField, fuzz, sample};
use odata::testing::{Row, conditions, orders, rows, texts};
use odata::{
    Comparison, Condition, Literal, Operand, evaluate, matches, parse_filter, parse_order,
};
use proptest::collection::vec;
use proptest::prelude::*;

type Tree = Condition<SampleField>;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn truth(condition: &Tree, row: &Row<SampleField>) -> Option<bool> {
    evaluate(condition, &|field| row.get(field))
}

fn not(condition: Tree) -> Tree {
    Condition::Not(Box::new(condition))
}

fn compare(
    operator: Comparison,
    left: &Operand<SampleField>,
    right: &Operand<SampleField>,
) -> Tree {
    Condition::Compare {
        operator,
        left: left.clone(),
        right: right.clone(),
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn reading_undoes_printing(condition in conditions(sample())) {
        let printed = condition.to_string();
        prop_assert_eq!(parse_filter(&printed, sample(), &[]), Ok(condition), "{}", printed);
    }

    #[test]
    fn reading_undoes_printing_of_orders(order in orders(sample())) {
        prop_assert_eq!(parse_order(&order.to_string(), sample()), Ok(order));
    }

    #[test]
    fn the_logic_is_kleenes(
        a in conditions(sample()),
        b in conditions(sample()),
        row in rows(sample()),
    ) {
        let both = Condition::And(vec![a.clone(), b.clone()]);
        let either = Condition::Or(vec![a.clone(), b.clone()]);
        prop_assert_eq!(truth(&not(not(a.clone())), &row), truth(&a, &row));
        let dual = Condition::Or(vec![not(a.clone()), not(b.clone())]);
        prop_assert_eq!(truth(&not(both.clone()), &row), truth(&dual, &row));
        let dual = Condition::And(vec![not(a.clone()), not(b.clone())]);
        prop_assert_eq!(truth(&not(either.clone()), &row), truth(&dual, &row));
        let swapped = Condition::And(vec![b.clone(), a.clone()]);
        prop_assert_eq!(truth(&both, &row), truth(&swapped, &row));
        prop_assert_eq!(truth(&Condition::And(vec![a.clone(), either]), &row), truth(&a, &row));
        prop_assert_eq!(matches(&a, &|field| row.get(field)), truth(&a, &row) == Some(true));
    }

    #[test]
    fn comparisons_agree_with_each_other(condition in conditions(sample()), row in rows(sample())) {
        let Condition::Compare { left, right, .. } = &condition else {
            return Ok(());
        };
        let is = |operator| truth(&compare(operator, left, right), &row) == Some(true);
        let null = Operand::Literal(Literal::Null);
        let is_null = |operand| truth(&compare(Comparison::Equal, operand, &null), &row) == Some(true);
        prop_assert_ne!(is(Comparison::Equal), is(Comparison::NotEqual));
        let ordered = [Comparison::Less, Comparison::Equal, Comparison::Greater];
        if is_null(left) || is_null(right) {
            prop_assert!(!is(Comparison::Less) && !is(Comparison::Greater));
            prop_assert!(!is(Comparison::LessOrEqual) && !is(Comparison::GreaterOrEqual));
        } else {
            prop_assert_eq!(ordered.into_iter().filter(|operator| is(*operator)).count(), 1);
            prop_assert_ne!(is(Comparison::Less), is(Comparison::GreaterOrEqual));
            prop_assert_ne!(is(Comparison::Greater), is(Comparison::LessOrEqual));
        }
        prop_assert_eq!(
            truth(&compare(Comparison::Less, left, right), &row),
            truth(&compare(Comparison::Greater, right, left), &row)
        );
    }

    #[test]
    fn membership_is_a_chain_of_equals(condition in conditions(sample()), row in rows(sample())) {
        let Condition::In { operand, list } = &condition else {
            return Ok(());
        };
        let mut equals = list.iter().map(|item| {
            compare(Comparison::Equal, operand, &Operand::Literal(item.clone()))
        });
        let any = equals.any(|equal| truth(&equal, &row) == Some(true));
        prop_assert_eq!(truth(&condition, &row), Some(any));
    }

    #[test]
    fn orders_are_total(order in orders(sample()), rows in vec(rows(sample()), 3)) {
        let compare = |left: usize, right: usize| {
            order.compare(&|field| rows[left].get(field), &|field| rows[right].get(field))
        };
        prop_assert_eq!(compare(0, 0), Ordering::Equal);
        prop_assert_eq!(compare(0, 1), compare(1, 0).reverse());
        if compare(0, 1).is_le() && compare(1, 2).is_le() {
            prop_assert!(compare(0, 2).is_le());
        }
    }

    #[test]
    fn any_text_of_a_literal_is_read_as_it_is(text in texts(), other in any::<String>()) {
        for text in [text, other.replace('\0', "")] {
            let filter = format!("serialNumber eq '{}'", text.replace('\'', "''"));
            let Ok(Condition::Compare { right, .. }) = parse_filter(&filter, sample(), &[]) else {
                return Err(TestCaseError::fail(filter));
            };
            prop_assert_eq!(right, Operand::Literal(Literal::Text(text)));
        }
    }

    #[test]
    fn any_bytes_keep_the_invariants(bytes in vec(any::<u8>(), 0..200)) {
        fuzz(&bytes);
    }

    #[test]
    fn any_words_keep_the_invariants(words in vec(prop::sample::select(WORDS), 0..24)) {
        fuzz(words.concat().as_bytes());
    }
}

const WORDS: &[&str] = &[
    " ",
    " ",
    " ",
    "(",
    ")",
    ",",
    ";",
    "=",
    "'",
    "''",
    "'x'",
    "-",
    "*",
    "@p",
    "@q",
    "@r",
    "$it",
    "$select=",
    "$expand=",
    "$filter=",
    "$top=1",
    "id",
    "serialNumber",
    "state/status",
    "state",
    "state/code",
    "enrolled",
    "lastContacted",
    "hash",
    "profile",
    "devices",
    " eq ",
    " ne ",
    " gt ",
    " le ",
    " and ",
    " or ",
    "not ",
    " in ",
    " has ",
    " add ",
    "contains(",
    "tolower(",
    "substring(",
    "indexof(",
    "year(",
    "date(",
    "null",
    "true",
    "5",
    "-5",
    "9223372036854775808",
    "1.5",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2024-02-30",
    "12:30:00",
    "example.status'error'",
    "00000000-0000-0000-0000-000000000007",
    "asc",
    "desc",
    "é",
    "😀",
];
