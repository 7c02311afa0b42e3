//! The body of an answer that is an error. Which error, and its status, is `http`'s to choose.

use jiff::Timestamp;

use super::{
    behavior::Behavior,
    json_writer::{ObjectWriter, write_quoted, write_text},
};

/// An error's public half.
#[derive(Clone, Copy, Debug)]
pub struct ErrorBody<'a> {
    /// Graph's word for the kind of error.
    pub code: &'a str,
    /// A sentence for a person.
    pub message: &'a str,
    /// What is wrong in particular, if there is more to say than the message.
    pub details: &'a [ErrorDetail],
    /// The observed service's word for the reason, such as `ZtdDeviceAlreadyDeleted`.
    pub phrase: Option<&'a str>,
    /// When the error happened.
    pub date: Timestamp,
    /// The request's id.
    pub request_id: &'a str,
    /// The client's id of the request: the request's id where the client sent none.
    pub client_request_id: &'a str,
    /// The request's absolute address.
    pub url: &'a str,
    /// When to try again, if that helps.
    pub retry_after_seconds: Option<u64>,
}

/// One of several things that are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Graph's word for the kind of error.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// The property or row at fault.
    pub target: String,
}

/// Writes an error's body.
pub fn render(error: &ErrorBody<'_>, behavior: Behavior) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut body = ObjectWriter::new(&mut out);
    let mut object = body.object("error");
    object.text("code", error.code);
    match behavior {
        Behavior::Documented => object.text("message", error.message),
        Behavior::Observed => object.text("message", &nested_message(error)),
    }
    if !error.details.is_empty() {
        write_details(object.key("details"), error.details);
    }
    // Graph spells it with a capital, OData without.
    let mut inner = object.object("innerError");
    // UTC, although nothing says so.
    write_quoted(inner.key("date"), error.date.strftime("%Y-%m-%dT%H:%M:%S"));
    inner.text("request-id", error.request_id);
    inner.text("client-request-id", error.client_request_id);
    inner.end();
    object.end();
    body.end();
    out
}

fn write_details(out: &mut Vec<u8>, details: &[ErrorDetail]) {
    out.push(b'[');
    for (index, detail) in details.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut object = ObjectWriter::new(out);
        object.text("code", &detail.code);
        object.text("message", &detail.message);
        object.text("target", &detail.target);
        object.end();
    }
    out.push(b']');
}

/// Intune's message is a JSON document in a string, lines, indents and all.
fn nested_message(error: &ErrorBody<'_>) -> String {
    let message = format!(
        "{} - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - \
         Activity ID: {} - Url: {}",
        error.message, error.request_id, error.url
    );
    let retry_after = error
        .retry_after_seconds
        .map_or("null".to_owned(), |seconds| seconds.to_string());
    let members = [
        ("_version", "3".to_owned()),
        ("Message", quoted(&message)),
        ("CustomApiErrorPhrase", quoted(error.phrase.unwrap_or(""))),
        ("RetryAfter", retry_after),
        ("ErrorSourceService", quoted("")),
        ("HttpHeaders", quoted("{}")),
    ];
    let lines = members.map(|(name, value)| format!("  \"{name}\": {value}"));
    format!("{{\r\n{}\r\n}}", lines.join(",\r\n"))
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_text(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(
        details: &[ErrorDetail],
        retry_after_seconds: Option<u64>,
        behavior: Behavior,
    ) -> String {
        let error = ErrorBody {
            code: "BadRequest",
            message: "The name 'a' is \"odd\".",
            details,
            phrase: (!details.is_empty()).then_some("ZtdDeviceAlreadyDeleted"),
            date: "2023-06-06T07:25:18.987Z".parse().unwrap(),
            request_id: "11111111-1111-1111-1111-111111111111",
            client_request_id: "mine\\1",
            url: "https://hangar.example/beta/deviceManagement/x",
            retry_after_seconds,
        };
        String::from_utf8(render(&error, behavior)).unwrap()
    }

    fn details() -> Vec<ErrorDetail> {
        ["a", "b"]
            .map(|target| ErrorDetail {
                code: "Conflict".into(),
                message: "The id is taken.".into(),
                target: target.into(),
            })
            .into()
    }

    #[test]
    fn documented_errors_are_plain_sentences() {
        insta::assert_snapshot!(rendered(&[], None, Behavior::Documented), @r#"{"error":{"code":"BadRequest","message":"The name 'a' is \"odd\".","innerError":{"date":"2023-06-06T07:25:18","request-id":"11111111-1111-1111-1111-111111111111","client-request-id":"mine\\1"}}}"#);
        insta::assert_snapshot!(rendered(&details(), Some(5), Behavior::Documented), @r#"{"error":{"code":"BadRequest","message":"The name 'a' is \"odd\".","details":[{"code":"Conflict","message":"The id is taken.","target":"a"},{"code":"Conflict","message":"The id is taken.","target":"b"}],"innerError":{"date":"2023-06-06T07:25:18","request-id":"11111111-1111-1111-1111-111111111111","client-request-id":"mine\\1"}}}"#);
    }

    #[test]
    fn observed_errors_hold_a_document() {
        insta::assert_snapshot!(rendered(&[], None, Behavior::Observed), @r#"{"error":{"code":"BadRequest","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"The name 'a' is \\\"odd\\\". - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 11111111-1111-1111-1111-111111111111 - Url: https://hangar.example/beta/deviceManagement/x\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","innerError":{"date":"2023-06-06T07:25:18","request-id":"11111111-1111-1111-1111-111111111111","client-request-id":"mine\\1"}}}"#);
        insta::assert_snapshot!(rendered(&details(), Some(5), Behavior::Observed), @r#"{"error":{"code":"BadRequest","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"The name 'a' is \\\"odd\\\". - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 11111111-1111-1111-1111-111111111111 - Url: https://hangar.example/beta/deviceManagement/x\",\r\n  \"CustomApiErrorPhrase\": \"ZtdDeviceAlreadyDeleted\",\r\n  \"RetryAfter\": 5,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","details":[{"code":"Conflict","message":"The id is taken.","target":"a"},{"code":"Conflict","message":"The id is taken.","target":"b"}],"innerError":{"date":"2023-06-06T07:25:18","request-id":"11111111-1111-1111-1111-111111111111","client-request-id":"mine\\1"}}}"#);
    }
}
