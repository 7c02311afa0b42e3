//! What trees look like as SQL. What they mean is shown by each backend's own tests.

use odata::{Direction, Kind, Property, Value, Vocabulary, parse_filter, parse_order};
use uuid::Uuid;

use super::{Column, Dialect, Parameter, Statement};
use crate::store::operation::Position;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Id,
    Serial,
    Tag,
    Code,
    At,
    Fixed,
}

fn vocabulary() -> Vocabulary<Field> {
    Vocabulary::new("test")
        .property(Property::new("id", Field::Id, Kind::Guid).required())
        .property(Property::new("serial", Field::Serial, Kind::String))
        .property(Property::new("tag", Field::Tag, Kind::String))
        .property(Property::new("code", Field::Code, Kind::Integer).required())
        .property(Property::new("at", Field::At, Kind::DateTimeOffset).required())
        .property(Property::new("fixed", Field::Fixed, Kind::String))
}

fn column_of(field: Field) -> Column {
    match field {
        Field::Id => Column::required("id"),
        Field::Serial => Column::required("serial"),
        Field::Tag => Column::nullable("tag"),
        Field::Code => Column::required("code"),
        Field::At => Column::required("at"),
        Field::Fixed => Column::Constant(Value::Text("same".into())),
    }
}

fn filter(dialect: Dialect, text: &str) -> (String, Vec<Parameter>) {
    let filter = parse_filter(text, &vocabulary(), &[]).unwrap();
    let mut statement = Statement::new(dialect, column_of);
    statement.condition(&filter);
    statement.finish()
}

#[test]
fn both_dialects_say_the_same() {
    let cases = [
        (
            "serial eq 'a'",
            "(serial = ?1)",
            r#"(serial COLLATE "C" = $1::text)"#,
        ),
        (
            "tag ne 'a'",
            "(tag IS NOT ?1)",
            r#"(tag COLLATE "C" IS DISTINCT FROM $1::text)"#,
        ),
        (
            "tag gt 'a'",
            "((tag > ?1) IS TRUE)",
            r#"((tag COLLATE "C" > $1::text) IS TRUE)"#,
        ),
        (
            "contains(serial,'a') and not endswith(tag,'b')",
            "((instr(serial, ?1) > 0) AND (NOT (substr(tag, length(tag) - length(?2) + 1) = ?3)))",
            "((strpos(serial, $1::text) > 0) AND (NOT (right(tag, char_length($2::text)) = $3::text)))",
        ),
        (
            "code in (1,2)",
            "((code IN (SELECT value FROM json_each(?1))))",
            "((code = ANY($1::bigint[])))",
        ),
        (
            "substring(serial,code) eq tolower(fixed)",
            "(substr(serial, max(code, 0) + 1) = lower(?1))",
            r#"(substr(serial, (SELECT CASE WHEN n < 0 THEN 0 WHEN n > 2147483646 THEN 2147483646
                    ELSE n END::int FROM (VALUES ((code)::bigint)) AS number (n)) + 1) COLLATE "C" = lower($1::text COLLATE "C"))"#,
        ),
        (
            "contains(serial,'a') eq null",
            "((instr(serial, ?1) > 0) IS NULL)",
            "((strpos(serial, $1::text) > 0) IS NOT DISTINCT FROM NULL)",
        ),
    ];
    for (text, sqlite, postgres) in cases {
        assert_eq!(filter(Dialect::Sqlite, text).0, sqlite, "{text}");
        assert_eq!(filter(Dialect::Postgres, text).0, postgres, "{text}");
    }
}

#[test]
fn what_a_client_wrote_is_never_part_of_the_text() {
    let evil = "a'' OR 1=1; DROP TABLE import; --";
    for text in [
        format!("serial eq '{evil}'"),
        format!("contains(concat(serial,'{evil}'),'{evil}')"),
        format!("tag in ('{evil}',null)"),
    ] {
        let (sql, parameters) = filter(Dialect::Sqlite, &text);
        assert!(!sql.contains("DROP"), "{sql}");
        assert!(!parameters.is_empty());
    }
    let (sql, parameters) = filter(Dialect::Sqlite, "substring(serial,99999999999,1) eq 'x'");
    assert_eq!(sql, "(substr(serial, ?1 + 1, ?2) = ?3)");
    assert_eq!(parameters[0], Parameter::Integer(i64::from(i32::MAX) - 1));
}

#[test]
fn a_page_goes_on_behind_its_end() {
    let keys = parse_order("tag desc,fixed,code", &vocabulary())
        .unwrap()
        .keys;
    let behind = |tag: Value<'static>| {
        let end = Position {
            keys: vec![tag, Value::Text("same".into()), Value::Integer(5)],
            id: Uuid::nil(),
        };
        let mut statement = Statement::new(Dialect::Sqlite, column_of);
        statement.behind(&keys, Direction::Ascending, &end);
        statement.finish().0
    };
    assert_eq!(
        behind(Value::Text("x".into())),
        "((tag < ?1 OR tag IS NULL) OR (tag IS ?2 AND (code > ?3 OR (code IS ?4 AND id > ?5))))"
    );
    // Nothing comes after null, going down, but what is null as well.
    assert_eq!(
        behind(Value::Null),
        "((tag IS ?1 AND (code > ?2 OR (code IS ?3 AND id > ?4))))"
    );
}
