//! What the authority says of itself and of names, to libraries that ask before they sign anybody in.

use serde_json::{Value, json};
use url::Url;

use super::{
    Authority, endpoints::Endpoints, form::Form, grants, oauth_error::OAuthError, pkce::Challenge,
    realm::Realm, redirect::ResponseMode, wish::SIGN_IN_SCOPES,
};

/// The configuration that a client starts from, under the address of this tenant.
pub(super) fn configuration(base_url: &str, segment: &str, realm: Realm) -> Value {
    let here = format!("{base_url}/{segment}");
    let template = Authority::issuer_template(base_url);
    let issuer = match realm.tenant() {
        Some(tenant) => template.replace("{tenantid}", &tenant.to_string()),
        None => template,
    };
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{here}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{here}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{here}/oauth2/v2.0/devicecode"),
        "end_session_endpoint": format!("{here}/oauth2/v2.0/logout"),
        "userinfo_endpoint": format!("{here}/openid/userinfo"),
        "jwks_uri": format!("{here}/discovery/v2.0/keys"),
        "grant_types_supported": grants::SUPPORTED,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::NAMES,
        "code_challenge_methods_supported": Challenge::METHODS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "request_uri_parameter_supported": false,
        "scopes_supported": SIGN_IN_SCOPES,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "name", "preferred_username", "oid",
            "tid", "ver", "email",
        ],
    })
}

/// Whether an authority is known, as libraries ask before they trust an address that is not
/// Microsoft's. This one knows itself alone.
pub(super) fn instance(endpoints: &Endpoints, form: &Form) -> Result<Value, OAuthError> {
    let asked = form.need("authorization_endpoint")?;
    let here = Url::parse(&endpoints.base_url).ok();
    let asked = Url::parse(asked).ok();
    let (Some(here), Some(asked)) = (here, asked) else {
        return Err(OAuthError::unknown_instance());
    };
    // MSAL for Python leaves the port out.
    if here.host() != asked.host() {
        return Err(OAuthError::unknown_instance());
    }
    let segment = asked.path().split('/').nth(1).unwrap_or_default();
    endpoints.realm(segment)?;
    let host = here.authority();
    Ok(json!({
        "tenant_discovery_endpoint": format!(
            "{}/{segment}/v2.0/.well-known/openid-configuration",
            endpoints.base_url
        ),
        "api-version": "1.1",
        "metadata": [{
            "preferred_network": host,
            "preferred_cache": host,
            "aliases": [host],
        }],
    }))
}

/// Where a user is at home, as libraries ask before they send a password: all of them are here.
pub(super) fn user_realm(endpoints: &Endpoints, name: &str) -> Value {
    let directory = endpoints.authority.directory();
    let mut users = directory.users.iter();
    let is_known = users.any(|user| user.principal_name.eq_ignore_ascii_case(name));
    json!({
        "ver": "1.0",
        "account_type": if is_known { "Managed" } else { "Unknown" },
        "domain_name": name.rsplit_once('@').map_or("", |(_, domain)| domain),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    })
}
