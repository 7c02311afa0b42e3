//! How a batch is answered: each part's status, headers and body, in the order of the requests.

use crate::graph::{
    base64_engine::encode_into,
    json_writer::{ObjectWriter, write_number, write_text},
};

/// A part's body, by what its Content-Type says it is.
#[derive(Clone, Copy, Debug)]
pub enum AnswerBody<'a> {
    /// There is none.
    Nothing,
    /// JSON, which stands as it is.
    Json(&'a [u8]),
    /// Text, which stands as a JSON text.
    Text(&'a str),
    /// Anything else, which stands as base64.
    Bytes(&'a [u8]),
}

impl<'a> AnswerBody<'a> {
    /// The body that these bytes are, given their Content-Type.
    pub fn new(content_type: Option<&str>, bytes: &'a [u8]) -> Self {
        let media_type = content_type.unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let media_type = media_type.to_ascii_lowercase();
        let text = std::str::from_utf8(bytes).ok();
        match (media_type.as_str(), text) {
            _ if bytes.is_empty() => Self::Nothing,
            ("application/json", _) => Self::Json(bytes),
            (media_type, Some(text)) if media_type.starts_with("text/") => Self::Text(text),
            _ => Self::Bytes(bytes),
        }
    }

    /// Writes the body as a JSON value.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.extend_from_slice(b"null"),
            Self::Json(json) => out.extend_from_slice(json),
            Self::Text(text) => write_text(out, text),
            Self::Bytes(bytes) => {
                out.push(b'"');
                encode_into(out, bytes);
                out.push(b'"');
            }
        }
    }
}

/// Begins the answer to a batch.
pub fn open_answers(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"responses\":[");
}

/// Begins the answer of the part in this place: what follows is its body, as a JSON value.
pub fn open_part<'h>(
    out: &mut Vec<u8>,
    place: usize,
    id: &str,
    status: u16,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
) {
    if place > 0 {
        out.push(b',');
    }
    let mut part = ObjectWriter::new(out);
    part.text("id", id);
    write_number(part.key("status"), status);
    let mut object = part.object("headers");
    for (name, value) in headers {
        object.text(&spelled(name), value);
    }
    object.end();
    part.key("body");
}

/// Ends a part's answer.
pub fn close_part(out: &mut Vec<u8>) {
    out.push(b'}');
}

/// Ends the answer to a batch.
pub fn close_answers(out: &mut Vec<u8>) {
    out.extend_from_slice(b"]}");
}

/// A header's name as Graph spells it. In JSON the letter case matters to many who look for one.
fn spelled(name: &str) -> String {
    match name {
        "request-id" | "client-request-id" => name.to_owned(),
        "etag" => "ETag".to_owned(),
        "odata-version" => "OData-Version".to_owned(),
        "odata-entityid" => "OData-EntityId".to_owned(),
        _ => name
            .split('-')
            .map(|word| {
                let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                first.to_ascii_uppercase() + rest
            })
            .collect::<Vec<_>>()
            .join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_one_after_the_other() {
        let mut out = Vec::new();
        open_answers(&mut out);
        let json = "application/json;odata.metadata=minimal";
        let parts = [
            ("1", 200, Some(json), "{\"a\":1}"),
            ("\"2", 204, None, ""),
            ("3", 200, Some("text/plain"), "1\"7"),
            ("4", 200, Some("application/xml"), "<a/>"),
        ];
        for (place, (id, status, content_type, body)) in parts.into_iter().enumerate() {
            let headers = content_type.map(|value| ("content-type", value));
            open_part(&mut out, place, id, status, headers.into_iter());
            AnswerBody::new(content_type, body.as_bytes()).write(&mut out);
            close_part(&mut out);
        }
        close_answers(&mut out);
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"{"responses":[{"id":"1","status":200,"headers":{"Content-Type":"application/json;odata.metadata=minimal"},"body":{"a":1}},{"id":"\"2","status":204,"headers":{},"body":null},{"id":"3","status":200,"headers":{"Content-Type":"text/plain"},"body":"1\"7"},{"id":"4","status":200,"headers":{"Content-Type":"application/xml"},"body":"PGEvPg=="}]}"#);
    }

    #[test]
    fn headers_are_spelled_as_graph_spells_them() {
        let cases = [
            ("content-type", "Content-Type"),
            ("retry-after", "Retry-After"),
            ("location", "Location"),
            ("request-id", "request-id"),
            ("odata-entityid", "OData-EntityId"),
            ("x--y", "X--Y"),
        ];
        for (name, spelling) in cases {
            assert_eq!(spelled(name), spelling);
        }
    }
}
