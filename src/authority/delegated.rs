//! What the token endpoint gives for somebody who signed in: an access token, and with the scopes for
//! them an identity token and a refresh token.

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Authority,
    directory::{Client, User},
    endpoints::Endpoints,
    form::Form,
    issue::{IdToken, MintError, Subject, TokenRequest},
    oauth_error::OAuthError,
    outstanding::{Person, Refresh},
    wish::Wish,
};

/// How long tokens are valid, as Entra's usually are.
pub(super) const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Somebody who signed in with a client.
pub(super) struct SignedIn<'a> {
    pub(super) user: &'a User,
    pub(super) client: &'a Client,
    pub(super) wish: Wish,
    /// What the identity token must repeat.
    pub(super) nonce: Option<String>,
    /// What came of the same sign-in before.
    pub(super) family: Uuid,
}

/// A request to the token endpoint.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) endpoints: &'a Endpoints,
    pub(super) form: &'a Form,
    pub(super) headers: &'a HeaderMap,
}

/// The tokens.
pub(super) fn tokens(ask: Ask<'_>, signed_in: SignedIn<'_>) -> Result<Value, OAuthError> {
    let Ask {
        endpoints, form, ..
    } = ask;
    let SignedIn {
        user,
        client,
        wish,
        nonce,
        family,
    } = signed_in;
    let authority = &endpoints.authority;
    let now = endpoints.clock.now();
    let template = Authority::issuer_template(&endpoints.base_url);
    let issued = authority.issue(&TokenRequest {
        issuer: template.clone(),
        tenant: user.tenant,
        subject: Subject::User {
            principal_name: user.principal_name.clone(),
            client: client.id.clone(),
        },
        scopes: wish.scopes(),
        lifetime: TOKEN_LIFETIME,
        issued_at: now,
    })?;
    let mut body = bearer(&issued.token);
    body["scope"] = json!(wish.spelled(&issued.scopes, authority.audience()));
    if wish.names("openid") {
        body["id_token"] = json!(authority.id_token(&IdToken {
            issuer: &template,
            user,
            client,
            nonce: nonce.as_deref(),
            with_email: wish.names("email"),
            lifetime: TOKEN_LIFETIME,
            issued_at: now,
        })?);
    }
    // Microsoft's libraries keep their accounts by it.
    if form.find("client_info") == Some("1") {
        let info = json!({
            "uid": user.object_id.to_string(),
            "utid": user.tenant.to_string(),
        });
        body["client_info"] = json!(URL_SAFE_NO_PAD.encode(info.to_string()));
    }
    if wish.is_offline() {
        let refresh = Refresh {
            client: client.id.clone(),
            wish,
            person: Person {
                tenant: user.tenant,
                principal_name: user.principal_name.clone(),
            },
            family,
        };
        let mut outstanding = authority.outstanding();
        let added = outstanding.refresh_tokens.add(refresh, now);
        body["refresh_token"] = json!(added.map_err(MintError::from)?);
    }
    Ok(body)
}

/// An answer with an access token.
pub(super) fn bearer(token: &str) -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME.as_secs(),
        "ext_expires_in": TOKEN_LIFETIME.as_secs(),
        "access_token": token,
    })
}
