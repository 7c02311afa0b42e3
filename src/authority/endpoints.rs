//! The authority's addresses: discovery, keys, device codes and tokens.
//!
//! What the token endpoint gives for what is in `grants`.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{Response, StatusCode, header},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Authority, device_codes::DeviceCodes, form::Form, grants, oauth_error::OAuthError};
use crate::domain::{
    clock::Clock,
    tenant::{PERSONAL_ACCOUNTS, TenantId},
};

const LONGEST_FORM_BYTES: usize = 64 * 1024;

/// What the handlers share.
pub(super) struct Endpoints {
    pub(super) authority: Arc<Authority>,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) device_codes: Mutex<DeviceCodes>,
}

/// Which tenants an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    /// One tenant; the personal accounts' too, as `consumers`.
    Tenant(TenantId),
    /// Every tenant.
    Common,
    /// Every tenant but the personal accounts'.
    Organizations,
}

pub(super) fn router(authority: Arc<Authority>, base_url: &str, clock: Arc<dyn Clock>) -> Router {
    let endpoints = Endpoints {
        authority,
        base_url: base_url.trim_end_matches('/').to_owned(),
        clock,
        device_codes: Mutex::default(),
    };
    Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device_code))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .with_state(Arc::new(endpoints))
}

async fn discovery(
    State(endpoints): State<Arc<Endpoints>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let outcome = endpoints
        .realm(&tenant)
        .map(|realm| endpoints.description(&tenant, realm));
    endpoints.answer(&request.into_parts().0, outcome)
}

async fn keys(
    State(endpoints): State<Arc<Endpoints>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let outcome = endpoints.realm(&tenant).map(|_| endpoints.authority.jwks());
    endpoints.answer(&request.into_parts().0, outcome)
}

/// Discovery must name this address, so it says why it is of no use.
async fn authorize(State(endpoints): State<Arc<Endpoints>>, request: Request) -> Response<Body> {
    endpoints.answer(&request.into_parts().0, Err(OAuthError::no_sign_in_page()))
}

async fn device_code(
    State(endpoints): State<Arc<Endpoints>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let outcome = match Form::receive(body, LONGEST_FORM_BYTES).await {
        Ok(form) => grants::device_code(&endpoints, &tenant, &form, &parts.headers),
        Err(error) => Err(error),
    };
    endpoints.answer(&parts, outcome)
}

async fn token(
    State(endpoints): State<Arc<Endpoints>>,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let outcome = match Form::receive(body, LONGEST_FORM_BYTES).await {
        Ok(form) => grants::token(&endpoints, &tenant, &form, &parts.headers),
        Err(error) => Err(error),
    };
    endpoints.answer(&parts, outcome)
}

impl Endpoints {
    /// What the tenant in an address stands for.
    pub(super) fn realm(&self, segment: &str) -> Result<Realm, OAuthError> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Realm::Common),
            "organizations" => Ok(Realm::Organizations),
            "consumers" => Ok(Realm::Tenant(PERSONAL_ACCOUNTS)),
            name => match self.authority.directory().find_tenant(name) {
                Some(tenant) => Ok(Realm::Tenant(tenant.id)),
                None => Err(OAuthError::unknown_tenant(segment)),
            },
        }
    }

    fn description(&self, segment: &str, realm: Realm) -> Value {
        let here = format!("{}/{segment}", self.base_url);
        let template = Authority::issuer_template(&self.base_url);
        let issuer = match realm {
            Realm::Tenant(tenant) => template.replace("{tenantid}", &tenant.to_string()),
            Realm::Common | Realm::Organizations => template,
        };
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{here}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{here}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{here}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{here}/discovery/v2.0/keys"),
            "grant_types_supported": grants::SUPPORTED,
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
        })
    }

    fn answer(
        &self,
        request: &axum::http::request::Parts,
        outcome: Result<Value, OAuthError>,
    ) -> Response<Body> {
        match outcome {
            Ok(body) => answer(StatusCode::OK, &body),
            Err(error) => error.into_response(&request.headers, self.clock.now()),
        }
    }
}

/// An answer in JSON. Tokens must not be kept on the way, and nothing else here is worth it.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    headers.insert(header::PRAGMA, header::HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests;
