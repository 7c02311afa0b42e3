//! From a request's bytes to its text: what Content-Type says, and what the bytes are.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::{
    behavior::Behavior,
    wire_error::{Problem, WireError},
};

/// The media type of JSON.
const JSON: &str = "application/json";

/// Decodes a JSON body. `content_type` is the header's value, if there is one.
pub fn decode_body<'a>(
    bytes: &'a [u8],
    content_type: Option<&str>,
    behavior: Behavior,
) -> Result<Cow<'a, str>, WireError> {
    let parameters = content_type
        .and_then(json_parameters)
        .ok_or(WireError::new(Problem::UnreadableBody))?;
    let text = match find_charset(&parameters) {
        Some(charset) => decode_named(bytes, charset)?,
        None => decode_unnamed(bytes, behavior)?,
    };
    if text.starts_with('\u{feff}') {
        return Err(WireError::new(Problem::ByteOrderMark));
    }
    Ok(text)
}

/// The parameters of a Content-Type, if it is `application/json`.
fn json_parameters(content_type: &str) -> Option<Vec<String>> {
    // Most say no more.
    if content_type.eq_ignore_ascii_case(JSON) {
        return Some(Vec::new());
    }
    let mut parts = split_parameters(content_type);
    let media_type = parts.first()?.trim();
    if !media_type.eq_ignore_ascii_case(JSON) {
        return None;
    }
    parts.remove(0);
    Some(parts)
}

fn find_charset(parameters: &[String]) -> Option<&str> {
    parameters.iter().find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim())
    })
}

/// Takes a header value apart at its semicolons, and the quotes off what is quoted.
fn split_parameters(header: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut characters = header.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => part.extend(characters.next()),
            ';' if !quoted => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    parts
}

fn decode_unnamed(bytes: &[u8], behavior: Behavior) -> Result<Cow<'_, str>, WireError> {
    match (std::str::from_utf8(bytes), behavior) {
        (Ok(text), _) => Ok(Cow::Borrowed(text)),
        (Err(_), Behavior::Documented) => Err(WireError::new(Problem::NotUtf8)),
        // The live service takes what PowerShell 5.1 sends unasked for what it is: ISO-8859-1.
        (Err(_), Behavior::Observed) => Ok(encoding_rs::mem::decode_latin1(bytes)),
    }
}

fn decode_named<'a>(bytes: &'a [u8], charset: &str) -> Result<Cow<'a, str>, WireError> {
    let undecodable = || {
        WireError::new(Problem::Undecodable {
            charset: charset.to_owned(),
        })
    };
    // The web reads these names as windows-1252. A client that names them means them.
    let named = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(charset));
    if named(&["us-ascii", "ascii"]) && !bytes.is_ascii() {
        return Err(undecodable());
    }
    if named(&["iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1"]) {
        return Ok(encoding_rs::mem::decode_latin1(bytes));
    }
    let unknown = || {
        WireError::new(Problem::UnknownCharset {
            charset: charset.to_owned(),
        })
    };
    let mut encoding =
        Encoding::for_label_no_replacement(charset.as_bytes()).ok_or_else(unknown)?;
    let mut bytes = bytes;
    // Plain UTF-16 says its byte order by its mark, which is then no part of the text.
    if named(&["utf-16"])
        && let Some((found, len)) = Encoding::for_bom(bytes)
        && (found == UTF_16LE || found == UTF_16BE)
    {
        encoding = found;
        bytes = bytes.get(len..).unwrap_or_default();
    }
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(undecodable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Result<Cow<'a, str>, String> {
        decode_body(bytes, Some(content_type), Behavior::Documented)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_json_is_read() {
        let good = [
            "application/json",
            "Application/JSON",
            " application/json ; x",
            "application/json;odata.metadata=minimal;IEEE754Compatible=false;charset=utf-8",
            "application/json; Charset=\"UTF-8\"",
            "application/json; x=\"a;charset=utf-16\"",
            "application/json;",
        ];
        for content_type in good {
            assert_eq!(
                decode(b"{}", content_type).as_deref(),
                Ok("{}"),
                "{content_type}"
            );
        }
        let unreadable = WireError::new(Problem::UnreadableBody);
        for content_type in [
            "",
            "text/json",
            "application/jsonx",
            "application/json, x",
            "*/*",
        ] {
            assert_eq!(decode(b"{}", content_type), Err(unreadable.to_string()));
        }
        assert_eq!(
            decode_body(b"{}", None, Behavior::Observed),
            Err(unreadable)
        );
    }

    #[test]
    fn a_named_charset_is_honoured() {
        let cases: [(&str, &[u8], &str); 11] = [
            ("utf-8", b"\xc3\xa4", "ä"),
            ("iso-8859-1", b"\xe4\x80", "ä\u{80}"),
            ("LATIN1", b"\xe4", "ä"),
            ("windows-1252", b"\xe4\x80", "ä€"),
            ("us-ascii", b"a", "a"),
            ("shift_jis", b"\x83\x65", "テ"),
            ("utf-16le", b"\xe4\x00", "ä"),
            ("utf-16be", b"\x00\xe4", "ä"),
            ("utf-16", b"\xe4\x00", "ä"),
            ("utf-16", b"\xff\xfe\xe4\x00", "ä"),
            ("utf-16", b"\xfe\xff\x00\xe4", "ä"),
        ];
        for (charset, bytes, text) in cases {
            let content_type = format!("application/json;charset={charset}");
            assert_eq!(
                decode(bytes, &content_type).as_deref(),
                Ok(text),
                "{charset}"
            );
        }
    }

    #[test]
    fn what_is_not_the_charset_is_refused_in_plain_words() {
        let cases: [(&str, &[u8], &str); 8] = [
            (
                "",
                b"\xe4",
                "The request body is not UTF-8: send UTF-8 or name the charset in Content-Type.",
            ),
            (
                ";charset=utf-8",
                b"\xe4",
                "The request body is not text in the charset 'utf-8' that Content-Type names.",
            ),
            (
                ";charset=us-ascii",
                b"\xe4",
                "The request body is not text in the charset 'us-ascii' that Content-Type names.",
            ),
            (
                ";charset=utf-16le",
                b"\x00\xd8",
                "The request body is not text in the charset 'utf-16le' that Content-Type names.",
            ),
            (
                ";charset=utf-32",
                b"{}",
                "The charset 'utf-32' in Content-Type is not known: send UTF-8.",
            ),
            (
                ";charset=",
                b"{}",
                "The charset '' in Content-Type is not known: send UTF-8.",
            ),
            (
                "",
                b"\xef\xbb\xbf{}",
                "The request body begins with a byte order mark: send the JSON text without it.",
            ),
            (
                ";charset=utf-8",
                b"\xef\xbb\xbf{}",
                "The request body begins with a byte order mark: send the JSON text without it.",
            ),
        ];
        for (parameters, bytes, message) in cases {
            let content_type = format!("application/json{parameters}");
            assert_eq!(decode(bytes, &content_type), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_live_service_reads_other_bytes_as_latin1() {
        let observed = |bytes| {
            decode_body(bytes, Some("application/json"), Behavior::Observed).map(Cow::into_owned)
        };
        assert_eq!(
            observed(b"\"M\xfcller\x80\"").as_deref(),
            Ok("\"Müller\u{80}\"")
        );
        assert_eq!(observed("\"ä\"".as_bytes()).as_deref(), Ok("\"ä\""));
        assert_eq!(
            observed(b"\xef\xbb\xbf{}"),
            Err(WireError::new(Problem::ByteOrderMark))
        );
    }
}
