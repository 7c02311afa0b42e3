//! JSON whose names lack their quotes, as the most used PowerShell module writes the body of
//! `updateDeviceProperties`: `{ groupTag: "X" }`. Only that action's body is read so.

use std::borrow::Cow;

/// Puts quotes around the names that have none. What is JSON already comes back as it is, and what
/// is wrong otherwise stays wrong.
pub fn quote_names(text: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at = match byte {
            b'"' => end_of_string(text, at),
            b'{' | b',' => {
                let start = skip_blanks(text, at + 1);
                if let Some(end) = end_of_name(text, start) {
                    let (before, name) = (text.get(copied..start), text.get(start..end));
                    quoted.extend([before.unwrap_or_default(), "\""]);
                    quoted.extend([name.unwrap_or_default(), "\""]);
                    copied = end;
                    end
                } else {
                    at + 1
                }
            }
            _ => at + 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    quoted.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(quoted)
}

/// Where a string ends that begins here: behind its closing quote, or with the text.
fn end_of_string(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.as_bytes().get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    at
}

fn skip_blanks(text: &str, start: usize) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    start + rest.iter().take_while(is_blank).count()
}

/// Where a name without quotes ends that begins here, if one does: a colon follows it.
fn end_of_name(text: &str, start: usize) -> Option<usize> {
    let rest = text.as_bytes().get(start..)?;
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let length = rest.iter().take_while(is_name).count();
    if length == 0 || rest.first()?.is_ascii_digit() {
        return None;
    }
    let end = start + length;
    let follows = text.as_bytes().get(skip_blanks(text, end))?;
    (*follows == b':').then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::json::parse;

    #[test]
    fn names_get_their_quotes_and_nothing_else_changes() {
        let cases = [
            (
                r#"{ userPrincipalName: "a@b", groupTag: "X" }"#,
                r#"{ "userPrincipalName": "a@b", "groupTag": "X" }"#,
            ),
            (r#"{displayName:"a, b: c"}"#, r#"{"displayName":"a, b: c"}"#),
            (r#"{a:"x\", b: \"y"}"#, r#"{"a":"x\", b: \"y"}"#),
            (
                "{\r\n\ta :\n{b_1:[1,{c:2}]}}",
                "{\r\n\t\"a\" :\n{\"b_1\":[1,{\"c\":2}]}}",
            ),
            (r#"{"a":1,b:2}"#, r#"{"a":1,"b":2}"#),
            ("{true:true}", r#"{"true":true}"#),
        ];
        for (lenient, strict) in cases {
            assert_eq!(quote_names(lenient), strict);
            assert!(parse(strict).is_ok(), "{strict}");
        }
    }

    #[test]
    fn what_is_wrong_otherwise_stays_wrong() {
        for text in [
            "",
            "{",
            "{a}",
            "{a b:1}",
            "{1a:1}",
            "{a:b}",
            "{'a':1}",
            "{a:'b'}",
            "{a:1,}",
            "{a:1 b:2}",
            "{\u{e4}:1}",
            "{a-b:1}",
            "a:1",
            "[a:1]",
            "{a:\"",
            "{a:\"\\",
            "{\"a",
        ] {
            assert!(parse(&quote_names(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_comes_back_as_it_is(text in r#"[{}\[\]:,"a1 \\]{0,24}"#) {
            if parse(&text).is_ok() {
                prop_assert_eq!(quote_names(&text), text.as_str());
            }
        }
    }
}
