//! What other rooms' errors become for a caller.

use std::time::Duration;

use super::ApiError;
use crate::{
    graph::{batch::BatchError, json::JsonError, wire_error::WireError},
    http::{
        auth::error::{AuthError, AuthErrorKind},
        layers::host_guard::Refusal,
    },
    store::StoreError,
};

/// How long a caller is asked to wait when a queue is full: it empties in moments.
const QUEUE_EMPTIES: Duration = Duration::from_secs(1);

const TOO_COSTLY: &str = "The query takes too long here. Filter by 'id', by three or more characters of \
     'serialNumber' or by 'state/deviceImportStatus', or leave '$filter', '$orderby' and '$count' out.";

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::TooManyParts => Self::too_many_elements(error.to_string()),
            _ => Self::bad_request(error.to_string()),
        }
    }
}

impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> Self {
        WireError::from(error).into()
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error.kind() {
            AuthErrorKind::Unauthenticated => Self::unauthenticated(error.message()),
            AuthErrorKind::Forbidden => Self::forbidden(error.message()),
            AuthErrorKind::Unavailable => Self::unavailable(error),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ForeignHost => Self::misdirected_host(),
            Refusal::ForeignOrigin => Self::foreign_origin(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        metrics::counter!("hangar_store_errors_total", "kind" => error.kind()).increment(1);
        match error {
            StoreError::Busy => Self::busy(QUEUE_EMPTIES),
            // Whether an unknown outcome was a success must not be guessed; the client asks again.
            StoreError::Unavailable(_) | StoreError::Unknown(_) => Self::unavailable(error),
            // No fault of the moment, which would be a 503 that clients try again.
            StoreError::TooCostly => Self::bad_request(TOO_COSTLY),
            StoreError::Conflict(_) => Self::conflict(error.to_string(), Vec::new()),
            StoreError::Corrupt(_) | StoreError::Backend(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::import::ImportId, store::Unique};

    #[test]
    fn a_store_that_could_not_write_never_looks_like_success_or_the_callers_fault() {
        let text = || "why".to_owned();
        let taken = Unique::ImportIds(vec![ImportId(uuid::Uuid::from_u128(1))]);
        let cases = [
            (StoreError::Busy, 503),
            (StoreError::Unavailable(text()), 503),
            (StoreError::Unknown(text()), 503),
            (StoreError::Corrupt(text()), 500),
            (StoreError::Backend(text()), 500),
            (StoreError::TooCostly, 400),
            (StoreError::Conflict(taken), 409),
        ];
        for (error, status) in cases {
            let name = error.kind();
            assert_eq!(ApiError::from(error).status().as_u16(), status, "{name}");
        }
    }
}
