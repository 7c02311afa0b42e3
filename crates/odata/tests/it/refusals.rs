//! What is not understood, and what is said of it.

use odata::fuzzing::sample;
use odata::parse_filter;

fn refusal(text: &str) -> String {
    match parse_filter(
        text,
        sample(),
        &[("@bad", "1 eq 1"), ("@path", "id"), ("@odd", "12:")],
    ) {
        Ok(filter) => panic!("{text} was read as {filter}"),
        Err(error) => error.to_string(),
    }
}

/// Asserts the whole message for each text.
fn are_refused(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(refusal(text), *message, "{text}");
    }
}

#[test]
fn what_the_grammar_does_not_have() {
    are_refused(&[
        (
            "",
            "Expected a property, a function or a value, found the end of the text (at position 0).",
        ),
        (
            "  ",
            "Expected a property, a function or a value, found the end of the text (at position 2).",
        ),
        (
            "serialNumber eq",
            "Expected a property, a function or a value, found the end of the text (at position 15).",
        ),
        (
            "serialNumber = 'x'",
            "Expected an operator ('eq', 'and', …) or the end, found '=' (at position 13). Write 'eq'.",
        ),
        (
            "state/code >= 5",
            "Expected an operator ('eq', 'and', …) or the end, found '>=' (at position 11). Write 'ge'.",
        ),
        (
            "enrolled && enrolled",
            "Expected an operator ('eq', 'and', …) or the end, found '&&' (at position 9). Write 'and'.",
        ),
        (
            "serialNumber like 'x'",
            "Expected an operator ('eq', 'and', …) or the end, found 'like' (at position 13).",
        ),
        (
            "(enrolled",
            "Expected an operator or ')', found the end of the text (at position 9).",
        ),
        (
            "enrolled)",
            "Expected an operator ('eq', 'and', …) or the end, found ')' (at position 8).",
        ),
        (
            "enrolled and",
            "Expected a property, a function or a value, found the end of the text (at position 12).",
        ),
        (
            "serialNumber eq 'x",
            "There is an unterminated string literal (at position 16).",
        ),
        (
            "serialNumber eq \"x\"",
            "Expected a property, a function or a value, found '\"' (at position 16). Texts stand in single quotes: 'x'.",
        ),
        (
            "serialNumber eq ‘x’",
            "The character '‘' cannot stand here (at position 16). Texts stand in single quotes: 'x'.",
        ),
        (
            "serialNumber eq 'é' #",
            "The character '#' cannot stand here (at position 20).",
        ),
        (
            "serialNumber eq 'a\0'",
            "The character '\\u{0}' cannot stand here (at position 18).",
        ),
    ]);
}

#[test]
fn properties_that_are_not_there_or_not_offered() {
    are_refused(&[
        (
            "serialnumber eq 'x'",
            "Could not find a property named 'serialnumber' on type 'example.device' (at position 0). \
             Did you mean 'serialNumber'?",
        ),
        (
            "colour eq 'x'",
            "Could not find a property named 'colour' on type 'example.device' (at position 0).",
        ),
        (
            "state/statu eq 'error'",
            "Could not find a property named 'statu' on type 'example.deviceState' (at position 0). \
             Did you mean 'status'?",
        ),
        (
            "state/status/x eq 1",
            "The property 'state/status' holds a single value and has no properties of its own \
             (at position 0).",
        ),
        (
            "state eq null",
            "The property 'state' is of type 'example.deviceState' and not a single value \
             (at position 0). Name one of its properties, such as 'state/status'.",
        ),
        (
            "profile/displayName eq 'x'",
            "The navigation property 'profile' cannot be used in $filter (at position 0).",
        ),
        (
            "not(profile eq null)",
            "The navigation property 'profile' cannot be used in $filter (at position 4).",
        ),
        (
            "hash eq null",
            "The property 'hash' cannot be used in $filter (at position 0).",
        ),
        (
            "contains(secret,'x')",
            "The property 'secret' cannot be used in $filter (at position 9).",
        ),
        (
            "example.device/id eq null",
            "'example.device' is not supported here (at position 0). A path has no type's name in \
             it: write the property alone.",
        ),
        (
            "serialNumber/$count eq 1",
            "The property 'serialNumber' holds a single value and has no properties of its own \
             (at position 0).",
        ),
    ]);
}

#[test]
fn what_odata_has_and_this_has_not() {
    are_refused(&[
        (
            "state/code add 1 eq 2",
            "'add' is not supported here (at position 11). There is no arithmetic: write the result.",
        ),
        (
            "state/status has 'error'",
            "'has' is not supported here (at position 13). Write 'eq' for an enumeration, contains() \
             for a text.",
        ),
        (
            "-state/code eq 1",
            "'-' is not supported here (at position 0). Only numbers have a sign.",
        ),
        (
            "roles/any(r:r eq 'x')",
            "'roles/any' is not supported here (at position 0). There are no collections to look into.",
        ),
        (
            "isof('x')",
            "'isof()' is not supported here (at position 0).",
        ),
        (
            "cast(id,Edm.String) eq 'x'",
            "'cast()' is not supported here (at position 0).",
        ),
        (
            "substringof('x',serialNumber)",
            "'substringof()' is not supported here (at position 0). Write contains(text,'part') instead.",
        ),
        (
            "lastContacted lt now()",
            "'now()' is not supported here (at position 17). Write the time itself, as in \
             2024-12-31T23:59:59Z.",
        ),
        (
            "$it/id eq null",
            "'$it/id' is not supported here (at position 0). Name the property alone.",
        ),
        (
            "contain(serialNumber,'x')",
            "An unknown function with name 'contain' was found (at position 0). Did you mean 'contains'?",
        ),
        (
            "id eq guid'0a1b2c3d-0000-4000-8000-00000000000f'",
            "'guid'…'' is not supported here (at position 6). Write GUIDs, dates and times without a \
             prefix and without quotes.",
        ),
        (
            "enrolled in (true)",
            "'in with booleans' is not supported here (at position 9). Compare them by 'eq'.",
        ),
    ]);
}

#[test]
fn types_that_do_not_go_together() {
    let mismatch = "A binary operator with incompatible types was detected. Found operand types";
    are_refused(&[
        (
            "serialNumber eq 5",
            &format!(
                "{mismatch} 'Edm.String' and 'Edm.Int32' for operator 'eq' (at position 13). Texts \
                 stand in single quotes, numbers do not."
            ),
        ),
        (
            "state/code eq '5'",
            &format!(
                "{mismatch} 'Edm.Int32' and 'Edm.String' for operator 'eq' (at position 11). Texts \
                 stand in single quotes, numbers do not."
            ),
        ),
        (
            "lastContacted gt '2024-01-01'",
            &format!(
                "{mismatch} 'Edm.DateTimeOffset' and 'Edm.String' for operator 'gt' (at position 14). \
                 Dates are written without quotes: 2024-12-31T23:59:59Z."
            ),
        ),
        (
            "state/status eq 4",
            &format!(
                "{mismatch} 'example.status' and 'Edm.Int32' for operator 'eq' (at position 13). \
                 Write the member's name in quotes."
            ),
        ),
        (
            "enrolled eq 'true'",
            &format!(
                "{mismatch} 'Edm.Boolean' and 'Edm.String' for operator 'eq' (at position 9). \
                 Booleans are written without quotes: true or false."
            ),
        ),
        (
            "enrolled gt false",
            &format!(
                "{mismatch} 'Edm.Boolean' and 'Edm.Boolean' for operator 'gt' (at position 9). \
                 Booleans are compared by 'eq' and 'ne' alone."
            ),
        ),
        (
            "id eq serialNumber",
            &format!("{mismatch} 'Edm.Guid' and 'Edm.String' for operator 'eq' (at position 3)."),
        ),
        (
            "state/code in (1,'x')",
            &format!(
                "{mismatch} 'Edm.Int32' and 'Edm.String' for operator 'in' (at position 17). Texts \
                 stand in single quotes, numbers do not."
            ),
        ),
        (
            "serialNumber",
            "Expected a condition that is true or false, found a value of type 'Edm.String' (at \
             position 0). Compare it, as in \"serialNumber eq 'x'\"; after 'not', in parentheses.",
        ),
        (
            "not serialNumber eq 'x'",
            "Expected a condition that is true or false, found a value of type 'Edm.String' (at \
             position 4). Compare it, as in \"serialNumber eq 'x'\"; after 'not', in parentheses.",
        ),
        (
            "enrolled and 'x'",
            "Expected a condition that is true or false, found a value of type 'Edm.String' (at \
             position 13). Compare it, as in \"serialNumber eq 'x'\"; after 'not', in parentheses.",
        ),
    ]);
}

#[test]
fn arguments_that_functions_do_not_take() {
    are_refused(&[
        (
            "contains()",
            "The function 'contains' takes two arguments (at position 0).",
        ),
        (
            "contains(serialNumber)",
            "The function 'contains' takes two arguments (at position 0).",
        ),
        (
            "contains(serialNumber,'x','y')",
            "The function 'contains' takes two arguments (at position 26).",
        ),
        (
            "length(serialNumber,1) eq 1",
            "The function 'length' takes one argument (at position 20).",
        ),
        (
            "substring(serialNumber) eq 'x'",
            "The function 'substring' takes two or three arguments (at position 0).",
        ),
        (
            "contains(serialNumber 'x')",
            "Expected ',' or ')', found ''x'' (at position 22).",
        ),
        (
            "contains(id,'x')",
            "The function 'contains' takes a string here, found Edm.Guid (at position 9).",
        ),
        (
            "tolower(enrolled) eq 'x'",
            "The function 'tolower' takes a string here, found Edm.Boolean (at position 8).",
        ),
        (
            "substring(serialNumber,-1) eq 'x'",
            "The function 'substring' takes a number from 0 here, found a negative one (at position 23).",
        ),
        (
            "year(serialNumber) eq 1",
            "The function 'year' takes a date and time property here, found Edm.String (at position 5).",
        ),
        (
            "year(2024-01-01T00:00:00Z) eq 2024",
            "The function 'year' takes a date and time property here, found a literal (at position 5).",
        ),
    ]);
}

#[test]
fn dates_that_are_none() {
    let date = |text: &str, advice: &str| {
        format!("Unrecognized Edm.DateTimeOffset literal '{text}' (at position 17). {advice}")
    };
    let form = "Write it as 2024-12-31T23:59:59Z or 2024-12-31T23:59:59%2B01:00.";
    let dates = [
        ("2024-02-30", date("2024-02-30", "There is no such day.")),
        ("2024-01-01T24:00:00Z", date("2024-01-01T24:00:00Z", form)),
        ("2024-01-01T00:00:60Z", date("2024-01-01T00:00:60Z", form)),
        ("2024-01-01T00:00:00.Z", date("2024-01-01T00:00:00.Z", form)),
        (
            "2024-01-01T00:00:00+15:00",
            date("2024-01-01T00:00:00+15:00", form),
        ),
        (
            "2024-01-01T00:00:00",
            date(
                "2024-01-01T00:00:00",
                "Its zone is missing: write Z behind it for UTC.",
            ),
        ),
        (
            "2024-01-01T00:00:00 02:00",
            date(
                "2024-01-01T00:00:00",
                "A '+' stands for a blank in a URL: write '%2B'.",
            ),
        ),
        ("2024-01-01x", date("2024-01-01x", form)),
    ];
    for (written, message) in dates {
        assert_eq!(refusal(&format!("lastContacted eq {written}")), message);
    }
}

#[test]
fn literals_that_are_none() {
    are_refused(&[
        (
            "state/code eq 9223372036854775808",
            "Unrecognized number literal '9223372036854775808' (at position 14). Whole numbers have \
             at most 64 bits.",
        ),
        (
            "state/code eq 1.5",
            "Unrecognized number literal '1.5' (at position 14). Write a whole number in decimal \
             digits; texts and GUIDs that begin with a digit stand in single quotes.",
        ),
        (
            "serialNumber eq 5CG1234",
            "Unrecognized number literal '5CG1234' (at position 16). Write a whole number in decimal \
             digits; texts and GUIDs that begin with a digit stand in single quotes.",
        ),
        (
            "time(lastContacted) eq 25:00",
            "Unrecognized Edm.TimeOfDay literal '25:00' (at position 23). Write a time of day as \
             23:59:59.",
        ),
        ("id eq 'x'", "The string 'x' is not a GUID (at position 3)."),
        (
            "state/status eq 'Error'",
            "The string 'Error' is not a valid enumeration type constant of 'example.status' \
             (at position 13). Did you mean 'error'?",
        ),
        (
            "state/status eq '2'",
            "The string '2' is not a valid enumeration type constant of 'example.status' \
             (at position 13). Did you mean 'unknown'?",
        ),
        (
            "state/status eq other.status'error'",
            "The type 'other.status' is not known here (at position 16).",
        ),
        (
            "state/code in ()",
            "Expected a value, as a list holds values alone, found ')' (at position 15).",
        ),
        (
            "state/code in (1,state/code)",
            "Expected a value, as a list holds values alone, found 'state/code' (at position 17).",
        ),
        (
            "state/code in 1",
            "Expected '(' and a list of values, found '1' (at position 14).",
        ),
        (
            "id eq @p",
            "The parameter alias '@p' has no value (at position 6).",
        ),
        (
            "id eq @bad",
            "The value of the parameter alias '@bad' is not understood: Expected the end of the value, \
             found 'eq' (at position 6).",
        ),
        (
            "id eq @path",
            "The value of the parameter alias '@path' is not understood: Expected one value, found \
             'id' (at position 6).",
        ),
        (
            "id eq @odd",
            "The value of the parameter alias '@odd' is not understood: Unrecognized number literal \
             '12:' (at position 6). Write a whole number in decimal digits; texts and GUIDs that \
             begin with a digit stand in single quotes.",
        ),
    ]);
}

#[test]
fn a_message_repeats_little_of_what_was_sent() {
    let name = "x".repeat(8_000);
    let message = refusal(&format!("{name} eq 'x'"));
    assert!(message.len() < 200, "{message}");
    let message = refusal(&format!("id eq '{name}'"));
    assert!(message.len() < 200, "{message}");
}
