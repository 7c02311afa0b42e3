//! What filters are read as, shown by their canonical text.

use odata::fuzzing::{SampleField, sample};
use odata::{Comparison, Condition, Kind, Literal, Operand, TextTest, parse_filter};

fn canonical(text: &str) -> String {
    match parse_filter(text, sample(), &[]) {
        Ok(filter) => filter.to_string(),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// Asserts that each text is read as the one beside it.
fn are_read_as(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(canonical(text), *expected, "{text}");
        assert_eq!(canonical(expected), *expected, "{expected}");
    }
}

#[test]
fn the_tree_holds_fields_and_kinds() {
    let filter = parse_filter("contains(serialNumber,'x')", sample(), &[]);
    let serial = *sample().get("serialNumber").unwrap();
    assert_eq!(serial.field, SampleField::Serial);
    assert_eq!(
        filter,
        Ok(Condition::Text {
            test: TextTest::Contains,
            text: Operand::Field(serial),
            part: Operand::Literal(Literal::Text("x".into())),
        })
    );
    let filter = parse_filter("state/status ne 'error'", sample(), &[]);
    let Ok(Condition::Compare {
        operator: Comparison::NotEqual,
        left,
        right: Operand::Literal(Literal::Enum(kind, 4)),
    }) = filter
    else {
        panic!("{filter:?}");
    };
    assert_eq!(left.kind(), Some(Kind::Enum(kind)));
}

#[test]
fn and_binds_more_than_or_and_not_more_than_eq() {
    are_read_as(&[
        ("enrolled", "enrolled"),
        ("not enrolled", "not enrolled"),
        ("not not enrolled", "not (not enrolled)"),
        ("not(enrolled)", "not enrolled"),
        (
            "enrolled and true or false and enrolled",
            "(enrolled and true) or (false and enrolled)",
        ),
        (
            "enrolled and (true or false)",
            "enrolled and (true or false)",
        ),
        ("enrolled or true or false", "enrolled or true or false"),
        ("enrolled and true and false", "enrolled and true and false"),
        ("(enrolled or true) or false", "(enrolled or true) or false"),
        ("((enrolled))", "enrolled"),
        ("state/code gt 1 eq true", "(state/code gt 1) eq true"),
        ("not enrolled eq true", "(not enrolled) eq true"),
        ("enrolled eq true eq false", "(enrolled eq true) eq false"),
        ("enrolled ne null", "not (enrolled eq null)"),
        ("not id in (null)", "not (id in (null))"),
        (
            "contains(serialNumber,'a') eq false",
            "contains(serialNumber,'a') eq false",
        ),
        ("null", "null"),
        ("null and true", "null and true"),
        ("null eq null", "null eq null"),
        ("null lt 5", "null lt 5"),
    ]);
}

#[test]
fn words_are_read_in_any_letter_case() {
    are_read_as(&[
        (
            "NOT StartsWith(serialNumber,'x') AND state/code EQ 5",
            "(not startswith(serialNumber,'x')) and (state/code eq 5)",
        ),
        (
            "ToLower(serialNumber) Ne NULL",
            "tolower(serialNumber) ne null",
        ),
        ("enrolled Or TRUE or False", "enrolled or true or false"),
        ("state/code IN (1,2)", "state/code in (1,2)"),
    ]);
}

#[test]
fn blanks_stand_anywhere_and_may_be_missing_beside_signs() {
    are_read_as(&[
        (
            "  contains ( serialNumber , 'a' )\t",
            "contains(serialNumber,'a')",
        ),
        ("serialNumber eq'a'", "serialNumber eq 'a'"),
        ("'a'eq serialNumber", "'a' eq serialNumber"),
        (
            "(serialNumber)eq('a')and(enrolled)",
            "(serialNumber eq 'a') and enrolled",
        ),
        ("state/code\r\nin( 1 ,2 )", "state/code in (1,2)"),
        ("not\tenrolled", "not enrolled"),
    ]);
}

#[test]
fn texts_have_their_quotes_doubled() {
    are_read_as(&[
        ("serialNumber eq ''", "serialNumber eq ''"),
        ("serialNumber eq ''''", "serialNumber eq ''''"),
        ("serialNumber eq 'a''b'", "serialNumber eq 'a''b'"),
        (
            "serialNumber eq ' and (\" É😀\n'",
            "serialNumber eq ' and (\" É😀\n'",
        ),
        ("serialNumber eq '@p'", "serialNumber eq '@p'"),
    ]);
}

#[test]
fn every_function_is_read() {
    are_read_as(&[
        (
            "endswith(trim(serialNumber),toupper('x'))",
            "endswith(trim(serialNumber),toupper('x'))",
        ),
        (
            "concat(concat(serialNumber,'-'),groupTag) eq orderIdentifier",
            "concat(concat(serialNumber,'-'),groupTag) eq orderIdentifier",
        ),
        (
            "length(serialNumber) ge indexof(serialNumber,'-')",
            "length(serialNumber) ge indexof(serialNumber,'-')",
        ),
        (
            "substring(serialNumber,1) eq substring(groupTag,0,length(groupTag))",
            "substring(serialNumber,1) eq substring(groupTag,0,length(groupTag))",
        ),
        (
            "year(lastContacted) eq 2024 and month(lastContacted) lt 3",
            "(year(lastContacted) eq 2024) and (month(lastContacted) lt 3)",
        ),
        (
            "day(lastContacted) in (1,2) or hour(lastContacted) eq null",
            "(day(lastContacted) in (1,2)) or (hour(lastContacted) eq null)",
        ),
        (
            "minute(lastContacted) eq second(lastContacted)",
            "minute(lastContacted) eq second(lastContacted)",
        ),
        (
            "date(lastContacted) eq 2024-02-29",
            "date(lastContacted) eq 2024-02-29",
        ),
        (
            "time(lastContacted) lt 12:30",
            "time(lastContacted) lt 12:30:00",
        ),
        (
            "contains('abc',serialNumber)",
            "contains('abc',serialNumber)",
        ),
        ("contains(null,serialNumber)", "contains(null,serialNumber)"),
        ("year(null) eq 1", "year(null) eq 1"),
    ]);
}

#[test]
fn literals_take_the_kind_of_what_they_meet() {
    let guid = "0a1b2c3d-0000-4000-8000-00000000000f";
    let upper = guid.to_uppercase();
    let cases = [
        (
            "state/status eq 'error'",
            "state/status eq example.status'error'",
        ),
        (
            "'error' eq state/status",
            "example.status'error' eq state/status",
        ),
        (
            "state/status eq '3'",
            "state/status eq example.status'complete'",
        ),
        (
            "state/status gt example.status'pending'",
            "state/status gt example.status'pending'",
        ),
        (
            "state/status in ('error',null,'unknown')",
            "state/status in (example.status'error',null,example.status'unknown')",
        ),
        ("state/status eq null", "state/status eq null"),
        (
            "lastContacted ge 2024-01-01",
            "lastContacted ge 2024-01-01T00:00:00Z",
        ),
        ("state/code eq -5", "state/code eq -5"),
        ("state/code eq 007", "state/code eq 7"),
        (
            "state/code lt 9223372036854775807",
            "state/code lt 9223372036854775807",
        ),
        (
            "state/code gt -9223372036854775808",
            "state/code gt -9223372036854775808",
        ),
        ("null in ('a',null)", "null in ('a',null)"),
    ];
    are_read_as(&cases);
    for written in [
        format!("id eq '{upper}'"),
        format!("id eq {upper}"),
        format!("id eq {guid}"),
    ] {
        assert_eq!(canonical(&written), format!("id eq {guid}"));
    }
    assert_eq!(
        canonical(&format!("serialNumber eq {upper}")),
        format!("serialNumber eq '{guid}'")
    );
    assert_eq!(
        canonical(&format!(
            "contains(serialNumber,{upper}) and id in ({guid},'{upper}')"
        )),
        format!("contains(serialNumber,'{guid}') and (id in ({guid},{guid}))")
    );
}

#[test]
fn instants_are_read_in_any_zone_and_cut_to_microseconds() {
    let cases = [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01t00:00z", "2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00+02:00", "2023-12-31T22:00:00Z"),
        ("2024-01-01T00:00:00-05:30", "2024-01-01T05:30:00Z"),
        ("2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1Z"),
        (
            "2024-01-01T00:00:00.1234569Z",
            "2024-01-01T00:00:00.123456Z",
        ),
        (
            "1969-12-31T23:59:59.9999999Z",
            "1969-12-31T23:59:59.999999Z",
        ),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        // Earlier and later ones cannot be kept, so they count as the first and the last that can.
        ("0000-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-30T22:00:00Z"),
        ("9999-12-31", "9999-12-30T22:00:00Z"),
    ];
    for (written, read) in cases {
        let filter = format!("lastContacted le {written}");
        assert_eq!(canonical(&filter), format!("lastContacted le {read}"));
    }
}

#[test]
fn aliases_stand_for_their_values() {
    let aliases = [
        ("@p", "'it''s'"),
        ("@id", "0a1b2c3d-0000-4000-8000-00000000000f"),
        ("@none", " null "),
        ("@yes", "true"),
        ("@state", "'error'"),
    ];
    let cases = [
        (
            "contains(serialNumber,@p)",
            "contains(serialNumber,'it''s')",
        ),
        (
            "id in (@id,@none)",
            "id in (0a1b2c3d-0000-4000-8000-00000000000f,null)",
        ),
        ("serialNumber ne @none", "serialNumber ne null"),
        ("enrolled eq @yes", "enrolled eq true"),
        (
            "state/status eq @state",
            "state/status eq example.status'error'",
        ),
    ];
    for (text, read) in cases {
        let filter = parse_filter(text, sample(), &aliases).unwrap();
        assert_eq!(filter.to_string(), read);
    }
}
