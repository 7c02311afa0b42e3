//! Refusals in the shape in which Entra writes them.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    endpoints::answer,
    issue::MintError,
    kept::Absent,
    page::{Page, escape},
};

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

    pub(super) fn unsupported_response(name: &str) -> Self {
        let text = format!(
            "response_type '{name}' is not supported by this authority: it gives codes, by 'code'."
        );
        Self::new("unsupported_response_type", 700_054, text)
    }

    pub(super) fn unsupported_value(parameter: &str, value: &str) -> Self {
        let text = format!("'{value}' is not a supported value of the parameter '{parameter}'.");
        Self::new("invalid_request", 70_007, text)
    }

    pub(super) fn no_request_objects(parameter: &str) -> Self {
        let text = format!("The parameter '{parameter}' is not supported.");
        Self::new("request_not_supported", 90_101, text)
    }

    pub(super) fn scopes_too_long(longest_bytes: usize) -> Self {
        let text = format!("The scopes are longer than {longest_bytes} bytes.");
        Self::new("invalid_scope", 70_011, text)
    }

    pub(super) fn bad_challenge() -> Self {
        let text = "The code_challenge must have 43 to 128 letters, digits, '-', '.', '_' or '~', and the code_challenge_method must be 'S256' or 'plain'.";
        Self::new("invalid_request", 501_471, text)
    }

    pub(super) fn foreign_redirect(uri: &str, client_name: &str) -> Self {
        let text = format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client_name}'. An address of this machine is good at any port; any other must stand in the client's redirect_uris in the users file."
        );
        Self::new("invalid_request", 50_011, text)
    }

    pub(super) fn nobody_is_signed_in() -> Self {
        let text = "A silent sign-in request was sent but no user is signed in: this authority keeps nobody signed in.";
        Self::new("login_required", 50_058, text)
    }

    pub(super) fn cancelled() -> Self {
        let text = "User declined to consent to access the app.";
        Self::new("access_denied", 65_004, text)
    }

    pub(super) fn page_is_over() -> Self {
        let text = "This sign-in page was used already, or is too old. Go back to the program and start the sign-in again.";
        Self::new("invalid_request", 50_089, text)
    }

    pub(super) fn unknown_user_code() -> Self {
        let text = "That code is not known: it was mistyped, used already, or has expired. Codes are good for fifteen minutes.";
        Self::new("invalid_request", 70_018, text)
    }

    pub(super) fn foreign_tenant(name: &str) -> Self {
        let text = format!(
            "User account '{name}' does not exist in the tenant that the program asks for."
        );
        Self::new("invalid_grant", 50_020, text)
    }

    pub(super) fn authorization_code(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => {
                let text = "The provided value for the 'code' parameter is not valid.";
                Self::new("invalid_grant", 70_000, text)
            }
            Absent::Expired => {
                let text = "The provided authorization code has expired. Send a new interactive authorization request.";
                Self::new("invalid_grant", 70_008, text)
            }
        }
    }

    pub(super) fn spent_code() -> Self {
        let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code. The refresh tokens that came of it are void.";
        Self::new("invalid_grant", 54_005, text)
    }

    pub(super) fn foreign_grant(what: &str) -> Self {
        let text = format!("The {what} was issued to another application.");
        Self::new("invalid_grant", 700_005, text)
    }

    pub(super) fn other_redirect() -> Self {
        let text = "The reply address does not match the reply address provided when requesting the authorization code.";
        Self::new("invalid_grant", 500_112, text)
    }

    pub(super) fn wrong_verifier() -> Self {
        let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Self::new("invalid_grant", 501_481, text)
    }

    pub(super) fn refresh_token(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => {
                let text = "The refresh token is not known: it was used already, pushed out by newer ones, or given out before the server last started.";
                Self::new("invalid_grant", 70_000, text)
            }
            Absent::Expired => {
                let text = "The refresh token has expired due to inactivity.";
                Self::new("invalid_grant", 700_082, text)
            }
        }
    }

    pub(super) fn declined() -> Self {
        let text = "OAuth 2.0 device flow error. The user declined to sign in.";
        Self::new("authorization_declined", 70_021, text)
    }

    pub(super) fn bad_bearer() -> Self {
        let text = "Access token validation failure: this needs a user's token for the API, in the header Authorization.";
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_token", 50_027, text)
        }
    }

    pub(super) fn unknown_instance() -> Self {
        let text = "The authorization_endpoint is not one of this authority.";
        Self::new("invalid_instance", 50_049, text)
    }

    pub(super) fn unknown_address() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::new(
                "invalid_request",
                90_043,
                "This authority has nothing at this address.",
            )
        }
    }

    pub(super) fn wrong_method(method: &Method) -> Self {
        let text = format!("The endpoint does not accept {method} requests.");
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::new("invalid_request", 900_561, text)
        }
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

    pub(super) fn device_code(absent: Absent) -> Self {
        match absent {
            Absent::Unknown => {
                let text = "The device code is unknown, or was used already.";
                Self::new("bad_verification_code", 70_018, text)
            }
            Absent::Expired => Self::new("expired_token", 70_020, "The device code has expired."),
        }
    }

    /// What is wrong, without numbers, for the page on which it can be mended.
    pub(super) fn sentence(&self) -> &str {
        &self.description
    }

    /// The refusal with the names that it is found by. A client's own request id is given back to it.
    pub(super) fn named(self, request: &HeaderMap, now: Timestamp) -> NamedError {
        let correlation = request
            .get("client-request-id")
            .and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok())
            .unwrap_or_else(Uuid::new_v4);
        NamedError {
            error: self,
            trace: Uuid::new_v4().to_string(),
            correlation: correlation.to_string(),
            time: now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        }
    }

    /// The whole answer, in JSON.
    pub(super) fn into_response(self, request: &HeaderMap, now: Timestamp) -> Response<Body> {
        let named = self.named(request, now);
        let error = &named.error;
        let body = json!({
            "error": error.error,
            "error_description": named.description(),
            "error_codes": [error.number],
            "timestamp": named.time,
            "trace_id": named.trace,
            "correlation_id": named.correlation,
        });
        let mut response = answer(error.status, &body);
        if error.status == StatusCode::UNAUTHORIZED && error.error == "invalid_token" {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The whole answer, as a page for the user who stands before it.
    pub(super) fn into_page(self, request: &HeaderMap, now: Timestamp) -> Response<Body> {
        let named = self.named(request, now);
        let error = &named.error;
        let content = format!(
            "<p role=\"alert\">{}</p>\n<p><small>AADSTS{}. Trace ID: {}. Correlation ID: {}. \
             Timestamp: {}.</small></p>\n",
            escape(&error.description),
            error.number,
            named.trace,
            named.correlation,
            named.time
        );
        let page = Page {
            title: "Nobody can sign in here",
            content,
            form_target: None,
        };
        page.into_response(error.status)
    }
}

/// A refusal, and the names that it is found by.
pub(super) struct NamedError {
    error: OAuthError,
    trace: String,
    correlation: String,
    time: String,
}

impl NamedError {
    /// OAuth's word for it.
    pub(super) fn word(&self) -> &'static str {
        self.error.error
    }

    /// The sentence with its number and names, as Entra writes it.
    pub(super) fn description(&self) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.error.number, self.error.description, self.trace, self.correlation, self.time
        )
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
