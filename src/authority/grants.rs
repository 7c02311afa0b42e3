//! What the token endpoint gives tokens for: a client's secret, a user's password, a device code.
//!
//! A device code is approved by itself for the user that the users file names. The first question
//! after it is answered with `authorization_pending`, so that clients go their usual way.

use std::{collections::HashMap, sync::PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    Authority,
    device_codes::{DeviceCode, LIFETIME},
    directory::{Client, User},
    endpoints::{Endpoints, Realm},
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

/// A form, each of its fields once.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a form as browsers send it.
    pub(super) fn read(body: &[u8]) -> Result<Self, OAuthError> {
        let mut fields = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if fields
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                let text = "A parameter stands in the request body more than once.";
                return Err(OAuthError::unreadable(text));
            }
        }
        Ok(Self(fields))
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.find(name).ok_or_else(|| OAuthError::missing(name))
    }

    fn scopes(&self) -> Result<Vec<String>, OAuthError> {
        let scopes = self.need("scope")?.split_ascii_whitespace();
        Ok(scopes.map(str::to_owned).collect())
    }
}

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
    let client = authenticated(endpoints, form, headers)?;
    let asked = match realm {
        Realm::Tenant(tenant) => Some(tenant),
        Realm::Common | Realm::Organizations => None,
    };
    let directory = endpoints.authority.directory();
    let user = directory
        .device_code_user(asked)
        .filter(|user| admits(realm, user.tenant))
        .ok_or_else(OAuthError::wrong_password)?;
    let code = DeviceCode {
        client: client.id.clone(),
        tenant: user.tenant,
        principal_name: user.principal_name.clone(),
        scopes: form.scopes()?,
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
    let client = authenticated(endpoints, form, headers)?;
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
    let client = authenticated(endpoints, form, headers)?;
    let (name, password) = (form.need("username")?, form.need("password")?);
    let scopes = form.scopes()?;
    let directory = endpoints.authority.directory();
    let user = directory
        .users
        .iter()
        .find(|user| user.principal_name.eq_ignore_ascii_case(name))
        .filter(|user| admits(realm, user.tenant) && matches(&user.password, password))
        .ok_or_else(OAuthError::wrong_password)?;
    issue(
        endpoints,
        user.tenant,
        signed_in(user, &client),
        Scopes::Named(scopes),
    )
}

fn device_code_taken(
    endpoints: &Endpoints,
    realm: Realm,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let client = authenticated(endpoints, form, headers)?;
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

fn signed_in(user: &User, client: &Client) -> Subject {
    Subject::User {
        principal_name: user.principal_name.clone(),
        client: client.id.clone(),
    }
}

/// The client that asks. One that has a secret must show it, in the form or in the header.
fn authenticated(
    endpoints: &Endpoints,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Client, OAuthError> {
    let basic = basic_credentials(headers);
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (form.need("client_id")?, form.find("client_secret")),
    };
    let directory = endpoints.authority.directory();
    let client = directory
        .find_client(id)
        .cloned()
        .ok_or_else(|| OAuthError::unknown_client(id))?;
    match (&client.secret, secret) {
        (None, _) => Ok(client),
        (Some(_), None) => Err(OAuthError::secret_needed()),
        (Some(own), Some(shown)) if matches(own, shown) => Ok(client),
        (Some(_), Some(_)) => Err(OAuthError::wrong_secret()),
    }
}

/// Id and secret in a header: each form-encoded, joined by a colon, in base64.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
        decoded.ok().map(std::borrow::Cow::into_owned)
    };
    Some((plain(id)?, plain(secret)?))
}

fn matches(own: &SecretString, shown: &str) -> bool {
    verify_slices_are_equal(own.expose_secret().as_bytes(), shown.as_bytes()).is_ok()
}

/// Tells whether an address is for the users of `tenant`.
fn admits(realm: Realm, tenant: TenantId) -> bool {
    match realm {
        Realm::Tenant(own) => own == tenant,
        Realm::Common => true,
        Realm::Organizations => tenant != PERSONAL_ACCOUNTS,
    }
}
