//! How large a request may be, and the answers to one whose head is not acceptable.
//!
//! The connection (`server::guarded_io`) measures a head before there is a request. It passes a
//! bad one on as a stand-in request marked with its [`HeadFault`], so that the answer goes through
//! the same layers as every other. Bodies are measured where they are read: `extract::body`.

use std::time::Duration;

use http::Request;

use crate::http::error::ApiError;

/// The most bytes that an ordinary body may have, after decompression.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;
/// The most bytes that the body of an `import` call may have, after decompression.
pub const IMPORT_BODY_LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// The most bytes that the body of a `$batch` may have, after decompression.
pub const BATCH_BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_mins(1);
/// The most bytes that the bodies of all requests may hold together.
pub const BODY_BUDGET_BYTES: usize = 256 * 1024 * 1024;

/// The most header lines that a request may have: as many as hyper and Kestrel take unless they are
/// told otherwise. So many find room on the stack.
pub const HEADER_LIMIT: usize = 100;

/// The bounds on the bytes of a request's head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// The most bytes that the request's target may have.
    pub target_bytes: usize,
    /// The most bytes that all header lines may have together.
    pub headers_bytes: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            target_bytes: 16 * 1024,
            headers_bytes: 64 * 1024,
        }
    }
}

/// What is wrong with a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// It is not HTTP/1.1 or HTTP/1.0, or contradicts itself.
    Malformed,
    /// It came in the clear where TLS is spoken.
    NotTls,
    /// Its headers disagree about where the body ends.
    AmbiguousLength,
    /// Its target is over the limit.
    TargetTooLong,
    /// Its headers are over the limit, in bytes or in number.
    HeadersTooLarge,
    /// It began and did not end in time.
    TooSlow,
}

impl HeadFault {
    /// What the caller is told. Nothing after a bad head can be trusted, so the connection closes.
    pub fn into_error(self) -> ApiError {
        match self {
            Self::Malformed => ApiError::bad_request("The request is not valid HTTP."),
            Self::NotTls => ApiError::bad_request(
                "This port speaks TLS, and the request came in the clear: use https://.",
            ),
            Self::AmbiguousLength => {
                ApiError::bad_request("The length of the request body is ambiguous.")
            }
            Self::TargetTooLong => ApiError::target_too_long(),
            Self::HeadersTooLarge => ApiError::headers_too_large(),
            Self::TooSlow => ApiError::timeout(),
        }
        .closing()
    }
}

/// Refuses a stand-in request.
pub fn check<B>(request: &Request<B>) -> Result<(), ApiError> {
    match request.extensions().get::<HeadFault>() {
        Some(fault) => Err(fault.into_error()),
        None => Ok(()),
    }
}
