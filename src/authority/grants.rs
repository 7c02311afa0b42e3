//! What the token endpoint gives tokens for: a client's secret, a user's password, a device code.
//!
//! A device code is approved by itself for the user that the users file names. The first question
//! after it is answered with `authorization_pending`, so that clients go their usual way.

use std::sync::PoisonError;

use axum::http::HeaderMap;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Authority,
    client_proof::{matches, proven},
    device_codes::{DeviceCode, LIFETIME},
    directory::{Client, User},
    endpoints::{Endpoints, Realm},
    form::Form,
    issue::{MintError, Scopes, Subject, TokenRequest, random_text},
    oauth_error::OAuthError,
};
use crate::domain::tenant::{PERSONAL_ACCOUNTS, TenantId};

/// How long tokens are valid, as Entra's usually are.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// How often a client should ask after its code. Entra says 5; nobody has to wait here.
const POLL_SECONDS: u32 = 1;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The grants by their names on the wire.
pub(super) const SUPPORTED: [&str; 3] = ["client_credentials", "password", DEVICE_CODE];

/// The token endpoint.
pub(super) fn token(
    endpoints: &Endpoints,
    tenant: &str,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let realm = endpoints.realm(tenant)?;
    match form.need("grant_type")? {
        "client_credentials" => client_credentials(endpoints, realm, form, headers),
        "password" => password(endpoints, realm, form, headers),
        DEVICE_CODE => device_code_taken(endpoints, realm, form, headers),
        other => Err(OAuthError::unsupported_grant(other)),
    }
}

/// The device code endpoint.
pub(super) fn device_code(
    endpoints: &Endpoints,
    tenant: &str,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let realm = endpoints.realm(tenant)?;
    let client = proven(endpoints.authority.directory(), form, headers)?;
    let asked = match realm {
        Realm::Tenant(tenant) => Some(tenant),
        Realm::Common | Realm::Organizations => None,
    };
    let user = endpoints
        .authority
        .directory()
        .device_code_user(asked)
        .filter(|user| admits(realm, user.tenant))
        .ok_or_else(OAuthError::wrong_password)?;
    let code = DeviceCode {
        client: client.id.clone(),
        tenant: user.tenant,
        principal_name: user.principal_name.clone(),
        scopes: scopes(form)?,
    };
    let now = endpoints.clock.now();
    let mut codes = endpoints
        .device_codes
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let secret = codes.add(code, now).map_err(MintError::from)?;
    let user_code = random_text::<6>().map_err(MintError::from)?;
    Ok(json!({
        "user_code": user_code,
        "device_code": secret,
        "verification_uri": format!("{}/common/oauth2/deviceauth", endpoints.base_url),
        "expires_in": LIFETIME.as_secs(),
        "interval": POLL_SECONDS,
        "message": format!(
            "This development authority approves the code {user_code} by itself, for {}. There is nothing to enter.",
            user.principal_name
        ),
    }))
}

fn client_credentials(
    endpoints: &Endpoints,
    realm: Realm,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let Realm::Tenant(tenant) = realm else {
        return Err(OAuthError::tenant_needed());
    };
    let client = proven(endpoints.authority.directory(), form, headers)?;
    if client.secret.is_none() {
        return Err(OAuthError::public_client());
    }
    let scope = form.need("scope")?;
    if !scope.ends_with("/.default") {
        return Err(OAuthError::scope_needs_default(scope));
    }
    let subject = Subject::Application {
        client: client.id.clone(),
    };
    issue(endpoints, tenant, subject, Scopes::Granted)
}

fn password(
    endpoints: &Endpoints,
    realm: Realm,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let client = proven(endpoints.authority.directory(), form, headers)?;
    let (name, password) = (form.need("username")?, form.need("password")?);
    let scopes = scopes(form)?;
    let user = endpoints
        .authority
        .directory()
        .users
        .iter()
        .find(|user| user.principal_name.eq_ignore_ascii_case(name))
        .filter(|user| admits(realm, user.tenant) && matches(&user.password, password))
        .ok_or_else(OAuthError::wrong_password)?;
    issue(
        endpoints,
        user.tenant,
        signed_in(user, client),
        Scopes::Named(scopes),
    )
}

fn device_code_taken(
    endpoints: &Endpoints,
    realm: Realm,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let client = proven(endpoints.authority.directory(), form, headers)?;
    let secret = form.need("device_code")?;
    let now = endpoints.clock.now();
    let mut codes = endpoints
        .device_codes
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let code = codes.take(secret, &client.id, now)?;
    if !admits(realm, code.tenant) {
        return Err(OAuthError::unknown_code());
    }
    let subject = Subject::User {
        principal_name: code.principal_name,
        client: code.client,
    };
    issue(endpoints, code.tenant, subject, Scopes::Named(code.scopes))
}

fn issue(
    endpoints: &Endpoints,
    tenant: TenantId,
    subject: Subject,
    scopes: Scopes,
) -> Result<Value, OAuthError> {
    let delegated = matches!(subject, Subject::User { .. });
    let authority = &endpoints.authority;
    let issued = authority.issue(&TokenRequest {
        issuer: Authority::issuer_template(&endpoints.base_url),
        tenant,
        subject,
        scopes,
        lifetime: TOKEN_LIFETIME,
        issued_at: endpoints.clock.now(),
    })?;
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME.as_secs(),
        "ext_expires_in": TOKEN_LIFETIME.as_secs(),
        "access_token": issued.token,
    });
    if delegated {
        let service = authority.audience.trim_end_matches('/');
        let scopes: Vec<_> = issued
            .scopes
            .iter()
            .map(|scope| format!("{service}/{scope}"))
            .collect();
        body["scope"] = json!(scopes.join(" "));
    }
    Ok(body)
}

/// The scopes that a form asks for.
fn scopes(form: &Form) -> Result<Vec<String>, OAuthError> {
    let scopes = form.need("scope")?.split_ascii_whitespace();
    Ok(scopes.map(str::to_owned).collect())
}

fn signed_in(user: &User, client: &Client) -> Subject {
    Subject::User {
        principal_name: user.principal_name.clone(),
        client: client.id.clone(),
    }
}

/// Tells whether an address is for the users of `tenant`.
fn admits(realm: Realm, tenant: TenantId) -> bool {
    match realm {
        Realm::Tenant(own) => own == tenant,
        Realm::Common => true,
        Realm::Organizations => tenant != PERSONAL_ACCOUNTS,
    }
}
