//! Writes JSON straight into a buffer, without a tree in between.

use std::io::Write as _;

use super::base64_engine::encode_into;
use crate::domain::hardware_blob::HardwareBlob;

/// Writes one object, member by member. The names are ours: they need no escaping.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Opens an object.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes a member's name. The value is the caller's to write into the buffer.
    pub fn key(&mut self, name: &str) -> &mut Vec<u8> {
        self.annotation(name, "")
    }

    /// Writes the name of a member's annotation, such as `x@odata.type`.
    pub fn annotation(&mut self, member: &str, annotation: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(member.as_bytes());
        self.out.extend_from_slice(annotation.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a text member.
    pub fn text(&mut self, name: &str, text: &str) {
        write_text(self.key(name), text);
    }

    /// Opens a member that is an object itself.
    pub fn object(&mut self, name: &str) -> ObjectWriter<'_> {
        ObjectWriter::new(self.key(name))
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes a text with its quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    write_texts(out, &[text]);
}

/// Writes one text from several pieces.
pub fn write_texts(out: &mut Vec<u8>, pieces: &[&str]) {
    out.push(b'"');
    for piece in pieces {
        write_escaped(out, piece);
    }
    out.push(b'"');
}

/// Writes anything that displays itself as plain ASCII without quotes or backslashes, in quotes:
/// GUIDs and the like.
pub fn write_quoted(out: &mut Vec<u8>, plain: impl std::fmt::Display) {
    out.push(b'"');
    write_number(out, plain);
    out.push(b'"');
}

/// Writes anything that displays itself as a JSON number.
pub fn write_number(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    // Writing into a `Vec` never fails.
    let _ = write!(out, "{number}");
}

/// Writes a blob as standard base64, padded, with its trailing zeros, which are never laid out as bytes.
pub fn write_base64(out: &mut Vec<u8>, blob: &HardwareBlob) {
    out.push(b'"');
    let (whole, rest) = blob.content().split_at(blob.content().len() / 3 * 3);
    encode_into(out, whole);
    let mut zeros = blob.len_bytes() - blob.content().len();
    if !rest.is_empty() {
        let mut group = rest.to_vec();
        let fill = zeros.min(3 - rest.len());
        group.resize(rest.len() + fill, 0);
        zeros -= fill;
        encode_into(out, &group);
    }
    out.resize(out.len() + zeros / 3 * 4, b'A');
    out.extend_from_slice(match zeros % 3 {
        0 => b"",
        1 => b"AA==",
        _ => b"AAA=",
    });
    out.push(b'"');
}

/// Escapes as `serde_json` does: what must be, in the short form where there is one.
fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        let (plain, odd) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        // What must be escaped is ASCII, so the character is one byte.
        let (odd, after) = odd.split_at(1);
        match odd.as_bytes().first().copied().unwrap_or_default() {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => write_number(out, format_args!("\\u{control:04x}")),
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_separated_and_nested() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.text("a", "x\"y");
        write_number(object.key("n"), 7);
        let mut inner = object.object("o");
        inner.annotation("p", "@q").extend_from_slice(b"null");
        inner.end();
        object.object("e").end();
        object.end();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":"x\"y","n":7,"o":{"p@q":null},"e":{}}"#
        );
    }

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(text in any::<String>(), controls in "[\\x00-\\x7f]*") {
            for text in [text, controls] {
                let mut out = Vec::new();
                write_text(&mut out, &text);
                prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
            }
        }

        #[test]
        fn blobs_are_written_as_base64_with_their_padding(
            mut bytes in proptest::collection::vec(any::<u8>(), 1..40),
            zeros in 0_usize..40,
        ) {
            bytes.resize(bytes.len() + zeros, 0);
            let mut out = Vec::new();
            write_base64(&mut out, &HardwareBlob::new(bytes.clone()).unwrap());
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("\"{}\"", STANDARD.encode(bytes)));
        }
    }
}
