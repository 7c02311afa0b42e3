//! Refusals in the shape in which Entra writes them.

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode},
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{endpoints::answer, issue::MintError};

/// A refusal: OAuth's word, Entra's number and a sentence.
#[derive(Debug)]
pub(super) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    number: u32,
    description: String,
}

impl OAuthError {
    fn new(error: &'static str, number: u32, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            number,
            description: description.into(),
        }
    }

    pub(super) fn unknown_tenant(name: &str) -> Self {
        let text = format!("Tenant '{name}' not found.");
        Self::new("invalid_tenant", 90_002, text)
    }

    pub(super) fn tenant_needed() -> Self {
        let text = "No tenant-identifying information found in the request: name the tenant in the address.";
        Self::new("invalid_request", 50_059, text)
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new("invalid_request", 900_144, text)
    }

    pub(super) fn unreadable(what: &str) -> Self {
        Self::new("invalid_request", 90_014, what)
    }

    pub(super) fn too_long() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Self::unreadable("The request body is too long.")
        }
    }

    pub(super) fn unsupported_grant(name: &str) -> Self {
        let text = format!("The grant type '{name}' is not supported by this authority.");
        Self::new("unsupported_grant_type", 70_003, text)
    }

    pub(super) fn no_sign_in_page() -> Self {
        let text = "This development authority has no sign-in page. Use a device code, a password or a client secret.";
        Self::new("unsupported_response_type", 700_054, text)
    }

    pub(super) fn unknown_client(id: &str) -> Self {
        let text = format!("Application with identifier '{id}' was not found in the directory.");
        Self::new("unauthorized_client", 700_016, text)
    }

    pub(super) fn secret_needed() -> Self {
        let text = "The request body must contain the following parameter: 'client_secret'.";
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", 7_000_218, text)
        }
    }

    pub(super) fn wrong_secret() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new(
                "invalid_client",
                7_000_215,
                "Invalid client secret provided.",
            )
        }
    }

    pub(super) fn public_client() -> Self {
        let text = "The client is public: it has no secret and can't act for itself.";
        Self::new("unauthorized_client", 700_025, text)
    }

    pub(super) fn scope_needs_default(scope: &str) -> Self {
        let text = format!(
            "The provided value for scope '{scope}' is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
        );
        Self::new("invalid_scope", 1_002_012, text)
    }

    pub(super) fn wrong_password() -> Self {
        let text = "Error validating credentials due to invalid username or password.";
        Self::new("invalid_grant", 50_126, text)
    }

    pub(super) fn pending() -> Self {
        let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        Self::new("authorization_pending", 70_016, text)
    }

    pub(super) fn unknown_code() -> Self {
        let text = "The device code is unknown, or was used already.";
        Self::new("bad_verification_code", 70_018, text)
    }

    pub(super) fn expired_code() -> Self {
        let text = "The device code has expired.";
        Self::new("expired_token", 70_020, text)
    }

    /// The whole answer. A client's own request id is given back to it.
    pub(super) fn into_response(self, request: &HeaderMap, now: Timestamp) -> Response<Body> {
        let trace = Uuid::new_v4().to_string();
        let correlation = request
            .get("client-request-id")
            .and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok())
            .unwrap_or_else(Uuid::new_v4)
            .to_string();
        let time = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let Self {
            status,
            error,
            number,
            description,
        } = self;
        let body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
            ),
            "error_codes": [number],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        answer(status, &body)
    }
}

impl From<MintError> for OAuthError {
    fn from(error: MintError) -> Self {
        let text = error.to_string();
        match error {
            MintError::UnknownUser(_) => Self::new("invalid_grant", 50_034, text),
            MintError::UnknownClient(id) => Self::unknown_client(&id),
            MintError::PersonalTenant => Self::new("invalid_request", 9_002_331, text),
            MintError::NothingGranted(_) => Self::new("invalid_grant", 65_001, text),
            MintError::Lifetime | MintError::Key(_) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..Self::new("server_error", 90_033, text)
            },
        }
    }
}
