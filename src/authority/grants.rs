//! What the token endpoint gives tokens for: a client's secret, a user's password, a device code, an
//! authorization code, a refresh token.
//!
//! What is in the answer for a user is in `delegated`.

use axum::http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Authority,
    client_proof::{matches, proven},
    delegated::{Ask, SignedIn, TOKEN_LIFETIME, bearer, tokens},
    device_codes::{Approval, DeviceCode, new_user_code},
    directory::{Client, User},
    endpoints::Endpoints,
    form::Form,
    issue::{MintError, Scopes, Subject, TokenRequest},
    kept::Absent,
    oauth_error::OAuthError,
    outstanding::{Code, Person},
    realm::Realm,
    wish::Wish,
};

/// How often a client should ask after its code. Entra says 5; nobody has to wait here.
const POLL_SECONDS: u32 = 1;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The grants by their names on the wire.
pub(super) const SUPPORTED: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "password",
    DEVICE_CODE,
];

/// The token endpoint.
pub(super) fn token(
    endpoints: &Endpoints,
    tenant: &str,
    form: &Form,
    headers: &HeaderMap,
) -> Result<Value, OAuthError> {
    let realm = endpoints.realm(tenant)?;
    let ask = Ask {
        endpoints,
        form,
        headers,
    };
    match form.need("grant_type")? {
        "authorization_code" => authorization_code(ask, realm),
        "refresh_token" => refresh_token(ask, realm),
        "client_credentials" => client_credentials(ask, realm),
        "password" => password(ask, realm),
        // MSAL for Node writes the short name, which Entra takes as well.
        DEVICE_CODE | "device_code" => device_code_taken(ask, realm),
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
    let directory = endpoints.authority.directory();
    let client = proven(&directory, form, headers)?;
    let by_itself = directory
        .device_code_user(realm.tenant())
        .filter(|user| realm.admits(user.tenant));
    let user_code = new_user_code().map_err(MintError::from)?;
    let code = DeviceCode {
        user_code: user_code.clone(),
        client: client.id.clone(),
        realm,
        wish: Wish::read(form.need("scope")?)?,
        approval: by_itself.map_or(Approval::Awaited, |user| Approval::ByItself(person(user))),
    };
    let mut outstanding = endpoints.authority.outstanding();
    let codes = &mut outstanding.device_codes;
    let secret = codes
        .add(code, endpoints.clock.now())
        .map_err(MintError::from)?;
    let page = format!("{}/common/oauth2/v2.0/deviceauth", endpoints.base_url);
    let message = match by_itself {
        Some(user) => format!(
            "This development authority approves the code {user_code} by itself, for {}. To sign in as \
             somebody else, enter it at once on the page {page}.",
            user.principal_name
        ),
        None => format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} to \
             authenticate."
        ),
    };
    Ok(json!({
        "user_code": user_code,
        "device_code": secret,
        "verification_uri": page,
        "expires_in": codes.lifetime().as_secs(),
        "interval": POLL_SECONDS,
        "message": message,
    }))
}

fn client_credentials(ask: Ask<'_>, realm: Realm) -> Result<Value, OAuthError> {
    let Realm::Tenant(tenant) = realm else {
        return Err(OAuthError::tenant_needed());
    };
    let client = client(ask)?;
    if client.secret.is_none() {
        return Err(OAuthError::public_client());
    }
    let scope = ask.form.need("scope")?;
    if !scope.ends_with("/.default") {
        return Err(OAuthError::scope_needs_default(scope));
    }
    let endpoints = ask.endpoints;
    let issued = endpoints.authority.issue(&TokenRequest {
        issuer: Authority::issuer_template(&endpoints.base_url),
        tenant,
        subject: Subject::Application {
            client: client.id.clone(),
        },
        scopes: Scopes::Granted,
        lifetime: TOKEN_LIFETIME,
        issued_at: endpoints.clock.now(),
    })?;
    Ok(bearer(&issued.token))
}

fn password(ask: Ask<'_>, realm: Realm) -> Result<Value, OAuthError> {
    let client = client(ask)?;
    let form = ask.form;
    let (name, password) = (form.need("username")?, form.need("password")?);
    let wish = Wish::read(form.need("scope")?)?;
    let user = user_by_password(ask.endpoints, name, password)
        .filter(|user| realm.admits(user.tenant))
        .ok_or_else(OAuthError::wrong_password)?;
    tokens(ask, first_tokens(&user, &client, wish))
}

fn device_code_taken(ask: Ask<'_>, realm: Realm) -> Result<Value, OAuthError> {
    let client = client(ask)?;
    let secret = ask.form.need("device_code")?;
    let now = ask.endpoints.clock.now();
    let (person, wish) = {
        let mut outstanding = ask.endpoints.authority.outstanding();
        let codes = &mut outstanding.device_codes;
        let code = codes.find(secret, now).map_err(OAuthError::device_code)?;
        if code.client != client.id {
            return Err(OAuthError::device_code(Absent::Unknown));
        }
        let person = code.approval.ask()?;
        if !realm.admits(person.tenant) {
            return Err(OAuthError::device_code(Absent::Unknown));
        }
        let code = codes.take(secret, now).map_err(OAuthError::device_code)?;
        (person, code.wish)
    };
    let user = user_of(ask.endpoints, &person)?;
    tokens(ask, first_tokens(&user, &client, wish))
}

fn authorization_code(ask: Ask<'_>, realm: Realm) -> Result<Value, OAuthError> {
    let client = client(ask)?;
    let form = ask.form;
    let secret = form.need("code")?;
    let redirect_uri = form.need("redirect_uri")?;
    let verifier = form.find("code_verifier");
    let now = ask.endpoints.clock.now();
    let code = {
        let mut outstanding = ask.endpoints.authority.outstanding();
        let code = outstanding.codes.find(secret, now);
        let code = code.map_err(OAuthError::authorization_code)?;
        if code.is_spent {
            // Somebody has a code that is not his: what came of it ends.
            let family = code.family;
            outstanding
                .refresh_tokens
                .retain(|token| token.family != family);
            return Err(OAuthError::spent_code());
        }
        check_binding(code, &client, redirect_uri, verifier)?;
        if !realm.admits(code.person.tenant) {
            return Err(OAuthError::authorization_code(Absent::Unknown));
        }
        code.is_spent = true;
        code.clone()
    };
    let user = user_of(ask.endpoints, &code.person)?;
    let signed_in = SignedIn {
        user: &user,
        client: &client,
        wish: code.wish,
        nonce: code.nonce,
        family: code.family,
    };
    tokens(ask, signed_in)
}

/// A code is good only for who asked for it, in the way in which he asked.
fn check_binding(
    code: &Code,
    client: &Client,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<(), OAuthError> {
    if code.client != client.id {
        return Err(OAuthError::foreign_grant("authorization code"));
    }
    if code.redirect_uri != redirect_uri {
        return Err(OAuthError::other_redirect());
    }
    match (&code.challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
        (Some(_), None) => Err(OAuthError::missing("code_verifier")),
        (_, Some(_)) => Err(OAuthError::wrong_verifier()),
    }
}

/// A refresh token is good once: the answer brings the next.
fn refresh_token(ask: Ask<'_>, realm: Realm) -> Result<Value, OAuthError> {
    let client = client(ask)?;
    let secret = ask.form.need("refresh_token")?;
    let now = ask.endpoints.clock.now();
    let found = {
        let mut outstanding = ask.endpoints.authority.outstanding();
        let found = outstanding.refresh_tokens.find(secret, now);
        found.map_err(OAuthError::refresh_token)?.clone()
    };
    if found.client != client.id {
        return Err(OAuthError::foreign_grant("refresh token"));
    }
    if !realm.admits(found.person.tenant) {
        return Err(OAuthError::refresh_token(Absent::Unknown));
    }
    let user = user_of(ask.endpoints, &found.person)?;
    let wish = match ask.form.find("scope") {
        Some(scopes) => Wish::read(scopes)?,
        None => found.wish,
    };
    // What is refused must not cost the token.
    ask.endpoints.authority.grantable(&user, &wish.scopes())?;
    let taken = {
        let mut outstanding = ask.endpoints.authority.outstanding();
        outstanding.refresh_tokens.take(secret, now)
    };
    taken.map_err(OAuthError::refresh_token)?;
    let signed_in = SignedIn {
        user: &user,
        client: &client,
        wish: wish.staying_offline(),
        nonce: None,
        family: found.family,
    };
    tokens(ask, signed_in)
}

/// The user whose name and password these are.
pub(super) fn user_by_password(endpoints: &Endpoints, name: &str, password: &str) -> Option<User> {
    let directory = endpoints.authority.directory();
    let mut users = directory.users.iter();
    users
        .find(|user| user.principal_name.eq_ignore_ascii_case(name))
        .filter(|user| matches(&user.password, password))
        .cloned()
}

/// Who signed in, as it is kept.
pub(super) fn person(user: &User) -> Person {
    Person {
        tenant: user.tenant,
        principal_name: user.principal_name.clone(),
    }
}

fn user_of(endpoints: &Endpoints, person: &Person) -> Result<User, OAuthError> {
    let directory = endpoints.authority.directory();
    let name = &person.principal_name;
    let found = directory.find_user(name, Some(person.tenant)).cloned();
    found.ok_or_else(|| MintError::UnknownUser(name.clone()).into())
}

fn client(ask: Ask<'_>) -> Result<Client, OAuthError> {
    let directory = ask.endpoints.authority.directory();
    proven(&directory, ask.form, ask.headers).cloned()
}

fn first_tokens<'a>(user: &'a User, client: &'a Client, wish: Wish) -> SignedIn<'a> {
    SignedIn {
        user,
        client,
        wish,
        nonce: None,
        family: Uuid::new_v4(),
    }
}
