//! Who a token is of, for clients that ask instead of reading the identity token.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Authority, oauth_error::OAuthError, realm::Realm};

/// What the holder of a user's access token may know of the user.
pub(super) fn userinfo(
    authority: &Authority,
    realm: Realm,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Value, OAuthError> {
    let claims = bearer(headers)
        .and_then(|token| authority.key.claims(token))
        .filter(|claims| is_good(claims, authority.audience(), now))
        .ok_or_else(OAuthError::bad_bearer)?;
    let directory = authority.directory();
    let mut users = directory.users.iter();
    let user = users
        .find(|user| {
            let is_same = claims["oid"] == user.object_id.to_string();
            is_same && claims["tid"] == user.tenant.to_string() && realm.admits(user.tenant)
        })
        .ok_or_else(OAuthError::bad_bearer)?;
    Ok(json!({
        "sub": user.object_id.to_string(),
        "name": user.name,
        "preferred_username": user.principal_name,
        "email": user.principal_name,
    }))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An access token in its time. An identity token is for its client, and an application is nobody.
fn is_good(claims: &Value, audience: &str, now: Timestamp) -> bool {
    let now = now.as_second();
    let within = |name: &str| claims[name].as_i64();
    claims["aud"] == audience
        && claims["scp"].is_string()
        && within("nbf").is_some_and(|begin| begin <= now)
        && within("exp").is_some_and(|end| now < end)
}
