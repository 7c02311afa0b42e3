//! What a caller is told when a request fails: the only place where an error's status is chosen.
//!
//! An error has a public half (status, code, message) and a private half (the cause). The cause is
//! logged once, with the request id, when the answer is made, and never shown. How the answer is
//! made is in `rendering`.

mod from;
mod rendering;

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::StatusCode;

pub use self::rendering::challenge;

use crate::graph::error_body::ErrorDetail;

/// How long a caller is asked to wait when nobody knows better.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// An error's private half: what went wrong inside.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A failed request: what the caller is told, and what only the log learns.
///
/// Boxed, because it is the rare half of every handler's `Result`.
pub struct ApiError(Box<Parts>);

struct Parts {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    details: Vec<ErrorDetail>,
    phrase: Option<&'static str>,
    retry_after_seconds: Option<u64>,
    ending: Ending,
    cause: Option<Cause>,
}

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Keep,
    Close,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            phrase: None,
            retry_after_seconds: None,
            ending: Ending::Keep,
            cause: None,
        }))
    }

    /// The request cannot be understood, for the reason that `message` gives.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// No such path under a known version. Graph answers 400 here, not 404.
    pub fn unknown_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// The path exists, the method is not offered there. Graph answers 400, not 405.
    pub fn no_method() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "No method match route template",
            "No method match route template",
        )
    }

    /// The body is not JSON, or is not said to be. Graph answers 400 to the latter, not 415.
    pub fn unreadable_json() -> Self {
        Self::bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )
    }

    /// More elements than a call may have.
    pub fn too_many_elements(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MaximumValueExceeded", message)
    }

    /// There is no token, or it does not hold.
    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
    }

    /// The caller is known and may not do this.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// A browser asks from another site's page.
    pub fn foreign_origin() -> Self {
        Self::forbidden("Requests from this origin are not allowed.")
    }

    /// There is no such entity, or it belongs to somebody else: both look the same.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// The path does not start with a version that is served.
    pub fn invalid_version(segment: &str) -> Self {
        Self::not_found(format!("Invalid version: {segment}"))
    }

    /// None of the media types that the caller accepts is offered.
    pub fn not_acceptable() -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptable",
            "None of the media types in the Accept header can be produced.",
        )
    }

    /// The request came too slowly. Closes the connection, for the rest of it may still come.
    pub fn timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeout",
            "The request was not received in time.",
        )
        .closing()
    }

    /// The state of things forbids it; `details` may say why one by one.
    pub fn conflict(message: impl Into<Cow<'static, str>>, details: Vec<ErrorDetail>) -> Self {
        let mut error = Self::new(StatusCode::CONFLICT, "Conflict", message);
        error.0.details = details;
        error
    }

    /// The entity is not in the version that `If-Match` names.
    pub fn condition_not_met(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "ConditionNotMet", message)
    }

    /// The body is over its limit. Closes the connection, for the rest is not read.
    pub fn too_large(limit_bytes: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("The request body is larger than {limit_bytes} bytes."),
        )
        .closing()
    }

    /// The request's target is over its limit.
    pub fn target_too_long() -> Self {
        Self::new(
            StatusCode::URI_TOO_LONG,
            "UriTooLong",
            "The request URL is too long.",
        )
    }

    /// The request's headers are over their limit, in bytes or in number.
    pub fn headers_too_large() -> Self {
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "RequestHeaderFieldsTooLarge",
            "The request headers are too large.",
        )
    }

    /// The body is encoded in a way that is not read.
    pub fn unsupported_encoding() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "The Content-Encoding of the request is not supported. Use gzip, or none.",
        )
    }

    /// The `Host` is none that this server answers for.
    pub fn misdirected_host() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "MisdirectedRequest",
            "This server does not answer for the host in the request.",
        )
    }

    /// A batch part was not tried, because one that it depends on failed.
    pub fn failed_dependency(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message)
    }

    /// The caller asks too often. Live Intune often leaves out when to come back.
    pub fn throttled(retry_after: Option<Duration>) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Too many requests.",
        );
        error.0.retry_after_seconds = retry_after.map(whole_seconds);
        error
    }

    /// There is no room for this request now. Nothing of it was done.
    pub fn busy(retry_after: Duration) -> Self {
        let mut error = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The service is busy. Try again later.",
        );
        error.0.retry_after_seconds = Some(whole_seconds(retry_after));
        error
    }

    /// Something that the request needs does not work now.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        let mut error = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The service is temporarily unavailable. Try again later.",
        );
        error.0.retry_after_seconds = Some(whole_seconds(RETRY_UNAVAILABLE));
        error.0.cause = Some(cause.into());
        error
    }

    /// A fault of ours.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "An unexpected error occurred.",
        );
        error.0.cause = Some(cause.into());
        error
    }

    /// Adds Intune's own name for the error, which only observed behaviour shows.
    #[must_use]
    pub fn with_phrase(mut self, phrase: &'static str) -> Self {
        self.0.phrase = Some(phrase);
        self
    }

    /// Adds what went wrong inside, for the log alone.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Closes the connection after the answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.0.ending = Ending::Close;
        self
    }

    /// The status that the caller will see.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Graph's name for the error.
    pub fn code(&self) -> &'static str {
        self.0.code
    }
}

// The private half stays private here too: an `ApiError` in a `{:?}` shows what the caller sees.
impl fmt::Debug for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

/// True of the answers that must say how to authenticate.
pub fn asks_for_token(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED
}

/// Rounded up: a caller that comes back too early is refused once more.
fn whole_seconds(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + rest).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_graphs_status_and_code() {
        let second = Duration::from_secs(1);
        let cases = [
            (ApiError::bad_request("m"), 400, "BadRequest"),
            (ApiError::unknown_segment("x"), 400, "BadRequest"),
            (ApiError::no_method(), 400, "No method match route template"),
            (ApiError::unreadable_json(), 400, "BadRequest"),
            (
                ApiError::too_many_elements("m"),
                400,
                "MaximumValueExceeded",
            ),
            (
                ApiError::unauthenticated("m"),
                401,
                "InvalidAuthenticationToken",
            ),
            (ApiError::forbidden("m"), 403, "Forbidden"),
            (ApiError::foreign_origin(), 403, "Forbidden"),
            (ApiError::not_found("m"), 404, "ResourceNotFound"),
            (ApiError::invalid_version("v3"), 404, "ResourceNotFound"),
            (ApiError::not_acceptable(), 406, "NotAcceptable"),
            (ApiError::timeout(), 408, "RequestTimeout"),
            (ApiError::conflict("m", vec![]), 409, "Conflict"),
            (ApiError::condition_not_met("m"), 412, "ConditionNotMet"),
            (ApiError::too_large(1), 413, "RequestEntityTooLarge"),
            (ApiError::target_too_long(), 414, "UriTooLong"),
            (
                ApiError::unsupported_encoding(),
                415,
                "UnsupportedMediaType",
            ),
            (ApiError::misdirected_host(), 421, "MisdirectedRequest"),
            (ApiError::failed_dependency("m"), 424, "FailedDependency"),
            (ApiError::throttled(None), 429, "TooManyRequests"),
            (
                ApiError::headers_too_large(),
                431,
                "RequestHeaderFieldsTooLarge",
            ),
            (ApiError::internal("c"), 500, "InternalServerError"),
            (ApiError::busy(second), 503, "ServiceUnavailable"),
            (ApiError::unavailable("c"), 503, "ServiceUnavailable"),
        ];
        for (error, status, code) in cases {
            assert_eq!((error.status().as_u16(), error.code()), (status, code));
        }
    }
}
