//! The answer that a rule gives instead of doing a request: an error as Graph spells it, or any bytes.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    graph::behavior::Behavior,
    http::rehearsed::{Scripted, ScriptedBody, ScriptedError},
    rehearsal::control::Problem,
};

/// The longest that a client is told to wait.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(24);
/// The most bytes of a body.
const LONGEST_BODY_BYTES: usize = 64 * 1024;
/// The most characters of a code or a content type.
const LONGEST_WORD: usize = 128;
/// The most characters of a message.
const LONGEST_MESSAGE: usize = 1024;

/// An answer, as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Graph's word for the kind of error; absent, the status's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When to try again; absent, the answer does not say.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "jiff::fmt::serde::duration::friendly::compact::optional"
    )]
    pub retry_after: Option<SignedDuration>,
    /// In which Graph's words the error is; absent, in the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Words>,
    /// A body of any bytes instead of an error's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What kind of body; absent, HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// In which Graph's words an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// A plain sentence.
    Documented,
    /// A JSON document in a string.
    Observed,
}

impl Answer {
    /// Checks what is written. Problems name the field below this one.
    pub(super) fn read(&self, field: &str) -> Result<Scripted, Problem> {
        let bad = |member: &str, why: String| Problem::bad(why).of(format!("{field}.{member}"));
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or_else(|| bad("status", "a status is from 200 to 599".to_owned()))?;
        let retry_after_seconds =
            read_retry_after(self.retry_after).map_err(|why| bad("retry_after", why))?;
        let error_members = [
            ("code", self.code.is_some()),
            ("message", self.message.is_some()),
            ("behavior", self.behavior.is_some()),
        ];
        let error_member = error_members.iter().find(|(_, given)| *given);
        let is_error = status.is_client_error() || status.is_server_error();
        if let (Some((member, _)), false) = (error_member, is_error) {
            let why = format!("it contradicts the status: {status} is no error");
            return Err(bad(member, why));
        }
        if let (Some((member, _)), Some(_)) = (error_member, &self.body) {
            return Err(bad(
                member,
                "it contradicts body: give one of them".to_owned(),
            ));
        }
        for (member, text, most) in [
            ("code", &self.code, LONGEST_WORD),
            ("message", &self.message, LONGEST_MESSAGE),
            ("content_type", &self.content_type, LONGEST_WORD),
        ] {
            let long = text
                .as_ref()
                .is_some_and(|text| text.chars().count() > most);
            if long {
                return Err(bad(member, format!("it has at most {most} characters")));
            }
        }
        if self.content_type.is_some() && self.body.is_none() {
            let why = "there is no body that it could be of";
            return Err(bad("content_type", why.to_owned()));
        }
        let mut headers = HeaderMap::new();
        let body = match &self.body {
            None if is_error => ScriptedBody::Error(ScriptedError {
                code: self
                    .code
                    .clone()
                    .unwrap_or_else(|| usual_code(status).to_owned()),
                message: self
                    .message
                    .clone()
                    .unwrap_or_else(|| "A rehearsal wants this to fail.".to_owned()),
                retry_after_seconds,
                behavior: self.behavior.map(|words| match words {
                    Words::Documented => Behavior::Documented,
                    Words::Observed => Behavior::Observed,
                }),
            }),
            body => {
                let body = body.as_deref().unwrap_or_default();
                if body.len() > LONGEST_BODY_BYTES {
                    return Err(bad(
                        "body",
                        format!("it has at most {LONGEST_BODY_BYTES} bytes"),
                    ));
                }
                let without = [
                    StatusCode::NO_CONTENT,
                    StatusCode::RESET_CONTENT,
                    StatusCode::NOT_MODIFIED,
                ];
                if !body.is_empty() && without.contains(&status) {
                    return Err(bad("body", format!("an answer of {status} has none")));
                }
                if !body.is_empty() {
                    let kind = self.content_type.as_deref().unwrap_or("text/html");
                    let kind = HeaderValue::try_from(kind).map_err(|_| {
                        bad("content_type", "it does not fit into a header".to_owned())
                    })?;
                    headers.insert(header::CONTENT_TYPE, kind);
                }
                if let Some(seconds) = retry_after_seconds {
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                ScriptedBody::Raw(Bytes::from(body.to_owned()))
            }
        };
        Ok(Scripted {
            status,
            headers,
            body,
        })
    }
}

/// The refusal of a caller who asks too often.
pub(super) fn too_many(retry_after_seconds: Option<u64>) -> Scripted {
    Scripted {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: HeaderMap::new(),
        body: ScriptedBody::Error(ScriptedError {
            code: usual_code(StatusCode::TOO_MANY_REQUESTS).to_owned(),
            message: "Too many requests.".to_owned(),
            retry_after_seconds,
            behavior: None,
        }),
    }
}

/// Whole seconds, rounded up: who comes back too early is refused once more.
pub(super) fn read_retry_after(after: Option<SignedDuration>) -> Result<Option<u64>, String> {
    let Some(after) = after else {
        return Ok(None);
    };
    if after.is_negative() || after > LONGEST_RETRY {
        return Err("it is from 0s to 24h".to_owned());
    }
    let seconds = after.as_secs() + i64::from(after.subsec_nanos() > 0);
    Ok(u64::try_from(seconds).ok())
}

/// Graph's word for what a status says.
fn usual_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BadRequest",
        401 => "InvalidAuthenticationToken",
        403 => "Forbidden",
        404 => "ResourceNotFound",
        406 => "NotAcceptable",
        408 => "RequestTimeout",
        409 => "Conflict",
        412 => "ConditionNotMet",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        424 => "FailedDependency",
        429 => "TooManyRequests",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "UnknownError",
    }
}
