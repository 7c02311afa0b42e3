//! What an answer means: use it, give up, try later, or nobody knows.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use serde::Deserialize;

use super::{Address, ClientError, Refusal, error::shown};

/// What came of one request.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done.
    Good(Bytes),
    /// It was done, and the server shows nothing of it: 204.
    Nothing,
    /// It was not done, and will not be.
    Refused(Refusal),
    /// It was not done, and may be later.
    Later {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// No connection came about: it was not done.
    NoConnection(String),
    /// It may have been done.
    Unknown {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// What the head of an answer says about its body.
pub(super) struct Head {
    content_type: String,
    retry_after: Option<Duration>,
    location: Option<String>,
}

/// Judges a whole answer. What can't come from Graph ends everything: the address is wrong.
pub(super) fn judge(
    address: &Address,
    status: StatusCode,
    head: &Head,
    body: Bytes,
) -> Result<Answer, ClientError> {
    let not_graph = |what: String| ClientError::NotGraph {
        address: address.to_string(),
        what,
    };
    let is_json = head.content_type.contains("json");
    if status == StatusCode::NO_CONTENT {
        return Ok(Answer::Nothing);
    }
    if status.is_success() {
        if is_json || head.content_type.starts_with("text/plain") || body.is_empty() {
            return Ok(Answer::Good(body));
        }
        return Err(not_graph(describe(status, head)));
    }
    if status.is_redirection() {
        let target = head.location.as_deref().map(shown).unwrap_or_default();
        return Err(not_graph(format!("{status}, a redirect to `{target}`")));
    }
    let refusal = read_refusal(status, &body);
    let reason = || match &refusal {
        Some(refusal) => format!("the server answered {refusal}"),
        None => format!("the server answered {}", describe(status, head)),
    };
    let retry_after = head.retry_after;
    Ok(match status {
        StatusCode::TOO_MANY_REQUESTS => Answer::Later {
            reason: reason(),
            retry_after,
        },
        StatusCode::REQUEST_TIMEOUT => Answer::Unknown {
            reason: reason(),
            retry_after,
        },
        status if status.is_server_error() => Answer::Unknown {
            reason: reason(),
            retry_after,
        },
        // Proxies speak for themselves here, and mean what Graph would.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE => {
            Answer::Refused(refusal.unwrap_or_else(|| Refusal {
                status: status.as_u16(),
                code: String::new(),
                message: describe(status, head),
            }))
        }
        _ => match refusal {
            Some(refusal) => Answer::Refused(refusal),
            None => return Err(not_graph(describe(status, head))),
        },
    })
}

fn describe(status: StatusCode, head: &Head) -> String {
    let kind = match head.content_type.as_str() {
        "" => "nothing that says what it is".to_owned(),
        html if html.starts_with("text/html") => "a web page".to_owned(),
        other => format!("`{}`", shown(other)),
    };
    format!("{status} with {kind}")
}

/// The error in a body, if it is one of Graph's.
fn read_refusal(status: StatusCode, body: &[u8]) -> Option<Refusal> {
    #[derive(Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
        #[serde(default)]
        message: String,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    Some(Refusal {
        status: status.as_u16(),
        code: body.error.code,
        message: plain(body.error.message),
    })
}

/// Intune's messages are JSON documents in a string; the sentence is inside.
fn plain(message: String) -> String {
    #[derive(Deserialize)]
    struct Nested {
        #[serde(rename = "Message")]
        message: String,
    }
    match serde_json::from_str::<Nested>(&message) {
        Ok(nested) => {
            let sentence = nested.message.split(" - Operation ID").next();
            sentence.unwrap_or_default().to_owned()
        }
        Err(_) => message,
    }
}

/// The parts of an answer, as they come over the wire.
pub(super) mod parts {
    use std::time::Duration;

    use bytes::{Bytes, BytesMut};
    use jiff::{Timestamp, fmt::rfc2822};
    use reqwest::{Response, header};

    use super::{Answer, Head};
    use crate::client::error::chain;

    /// A connection that failed.
    pub(in crate::client) fn transfer(error: &reqwest::Error) -> Answer {
        if error.is_connect() {
            return Answer::NoConnection(format!("no connection ({})", chain(error)));
        }
        let reason = if error.is_timeout() {
            "the server did not answer in time".to_owned()
        } else {
            format!("the connection failed ({})", chain(error))
        };
        Answer::Unknown {
            reason,
            retry_after: None,
        }
    }

    pub(in crate::client) fn head(response: &Response) -> Head {
        let text = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let date = text(header::DATE);
        let retry_after =
            text(header::RETRY_AFTER).and_then(|value| read_retry_after(&value, date.as_deref()));
        Head {
            content_type: text(header::CONTENT_TYPE)
                .unwrap_or_default()
                .to_ascii_lowercase(),
            retry_after,
            location: text(header::LOCATION),
        }
    }

    /// Seconds, or a date, which is measured by the server's own clock.
    pub(super) fn read_retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
        let value = value.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let instant =
            |text: &str| -> Option<Timestamp> { Some(rfc2822::parse(text).ok()?.timestamp()) };
        let wait = instant(value)?.duration_since(instant(date?)?);
        Some(wait.try_into().unwrap_or(Duration::ZERO))
    }

    pub(in crate::client) async fn body(
        mut response: Response,
        longest: usize,
    ) -> Result<Bytes, Answer> {
        let length = response.content_length().unwrap_or(0);
        let mut body = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0).min(longest));
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body.freeze()),
                Ok(Some(chunk)) if body.len() + chunk.len() <= longest => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(Answer::Unknown {
                        reason: "the answer has no end".to_owned(),
                        retry_after: None,
                    });
                }
                Err(error) => return Err(transfer(&error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::address::ClearText;

    fn judged(status: u16, content_type: &str, body: &str) -> Result<Answer, ClientError> {
        let address = Address::parse("https://h.example", ClearText::Refused).unwrap();
        let head = Head {
            content_type: content_type.to_owned(),
            retry_after: None,
            location: Some("https://login.example/".to_owned()),
        };
        let body = Bytes::copy_from_slice(body.as_bytes());
        judge(&address, StatusCode::from_u16(status).unwrap(), &head, body)
    }

    const ERROR: &str = r#"{"error":{"code":"C","message":"M."}}"#;

    #[test]
    fn what_is_not_graph_is_said_in_plain_words() {
        for (status, content_type, part) in [
            (200, "text/html; charset=utf-8", "200 OK with a web page"),
            (200, "application/xml", "`application/xml`"),
            (302, "text/html", "a redirect to `https://login.example/`"),
            (404, "text/html", "404 Not Found with a web page"),
            (405, "", "nothing that says what it is"),
        ] {
            let sentence = judged(status, content_type, "<p>").unwrap_err().to_string();
            assert!(
                sentence.contains(part) && sentence.contains("is not a Graph server"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn only_what_surely_was_not_done_is_tried_later() {
        let json = "application/json";
        assert!(matches!(judged(429, json, ERROR), Ok(Answer::Later { .. })));
        for status in [408, 500, 502, 503, 504] {
            let answer = judged(status, "text/html", "<p>");
            assert!(matches!(answer, Ok(Answer::Unknown { .. })), "{status}");
        }
        let refused = judged(400, json, ERROR).unwrap();
        let Answer::Refused(refusal) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refusal.to_string(), "M. (status 400, C)");
        // A proxy's word on a large body is as good as Graph's.
        let answer = judged(413, "text/html", "<p>").unwrap();
        assert!(matches!(answer, Answer::Refused(refusal) if refusal.status == 413));
    }

    #[test]
    fn nested_messages_are_unwrapped() {
        let nested = "{\r\n  \"_version\": 3,\r\n  \"Message\": \"It is gone. - Operation ID (for customer support): 0\"\r\n}";
        assert_eq!(plain(nested.to_owned()), "It is gone.");
        assert_eq!(plain("{odd".to_owned()), "{odd");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = parts::read_retry_after;
        let date = "Tue, 06 Jun 2023 07:25:18 GMT";
        let now = Some(date);
        assert_eq!(read("20", None), Some(Duration::from_secs(20)));
        let later = "Tue, 06 Jun 2023 07:25:48 GMT";
        assert_eq!(read(later, now), Some(Duration::from_secs(30)));
        assert_eq!(read(date, now), Some(Duration::ZERO));
        assert_eq!(read("soon", now), None);
        assert_eq!(read(later, None), None);
    }
}
