//! How a client proves who it is: by nothing, where it is public, or by its secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use super::{
    directory::{Client, Directory},
    form::Form,
    oauth_error::OAuthError,
};

/// The client that asks. One that has a secret must show it, in the form or in the header.
pub(super) fn proven<'a>(
    directory: &'a Directory,
    form: &Form,
    headers: &HeaderMap,
) -> Result<&'a Client, OAuthError> {
    let basic = basic_credentials(headers);
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
        None => (form.need("client_id")?, form.find("client_secret")),
    };
    let client = directory
        .find_client(id)
        .ok_or_else(|| OAuthError::unknown_client(id))?;
    match (&client.secret, secret) {
        (None, _) => Ok(client),
        (Some(_), None) => Err(OAuthError::secret_needed()),
        (Some(own), Some(shown)) if matches(own, shown) => Ok(client),
        (Some(_), Some(_)) => Err(OAuthError::wrong_secret()),
    }
}

/// Compares in a time that tells nothing about the secret.
pub(super) fn matches(own: &SecretString, shown: &str) -> bool {
    verify_slices_are_equal(own.expose_secret().as_bytes(), shown.as_bytes()).is_ok()
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
