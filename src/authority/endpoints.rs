//! The authority's addresses: discovery, keys, pages, codes and tokens.
//!
//! What the token endpoint gives for what is in `grants`, what stands on the pages in `sign_in_page` and
//! `device_page`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, Response, StatusCode, header, request::Parts},
    routing::{get, post},
};
use serde_json::Value;

use super::{
    Authority, device_page, discovery, form::Form, grants, oauth_error::OAuthError, page::not_kept,
    realm::Realm, sign_in_page, sign_out, userinfo,
};
use crate::domain::clock::Clock;

const LONGEST_FORM_BYTES: usize = 64 * 1024;

/// What people send from pages, and what is kept of what clients send there.
const LONGEST_PAGE_FORM_BYTES: usize = 16 * 1024;

type Shared = State<Arc<Endpoints>>;

/// What the handlers share.
pub(super) struct Endpoints {
    pub(super) authority: Arc<Authority>,
    pub(super) base_url: String,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) fn router(authority: Arc<Authority>, base_url: &str, clock: Arc<dyn Clock>) -> Router {
    let endpoints = Endpoints {
        authority,
        base_url: base_url.trim_end_matches('/').to_owned(),
        clock,
    };
    Router::new()
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/discovery/instance", get(instance))
        .route("/{tenant}/userrealm/{user}", get(user_realm))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize).post(authorize_by_form),
        )
        .route("/{tenant}/oauth2/v2.0/sign-in", post(sign_in))
        .route(
            "/{tenant}/oauth2/v2.0/deviceauth",
            get(ask_user_code).post(take_user_code),
        )
        .route(
            "/{tenant}/oauth2/v2.0/logout",
            get(log_out).post(log_out_by_form),
        )
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device_code))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/openid/userinfo", get(user_info).post(user_info))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .with_state(Arc::new(endpoints))
}

async fn configuration(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let realm = endpoints.realm(&tenant);
    let base_url = &endpoints.base_url;
    let outcome = realm.map(|realm| discovery::configuration(base_url, &tenant, realm));
    endpoints.answer(&headers, outcome)
}

async fn keys(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let outcome = endpoints.realm(&tenant).map(|_| endpoints.authority.jwks());
    endpoints.answer(&headers, outcome)
}

async fn instance(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let outcome = query(&parts).and_then(|form| discovery::instance(&endpoints, &form));
    endpoints.answer(&parts.headers, outcome)
}

async fn user_realm(
    State(endpoints): Shared,
    Path((tenant, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response<Body> {
    let realm = endpoints.realm(&tenant);
    let outcome = realm.map(|_| discovery::user_realm(&endpoints, &user));
    endpoints.answer(&headers, outcome)
}

async fn authorize(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    sign_in_page::authorize(&endpoints, &tenant, query, &parts.headers)
}

async fn authorize_by_form(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match Form::bytes(body, LONGEST_PAGE_FORM_BYTES).await {
        Ok(form) => sign_in_page::authorize(&endpoints, &tenant, &form, &parts.headers),
        Err(error) => endpoints.page(error, &parts.headers),
    }
}

async fn sign_in(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = Form::receive(body, LONGEST_PAGE_FORM_BYTES).await;
    let outcome = form.and_then(|form| sign_in_page::submit(&endpoints, &form, &parts.headers));
    outcome.unwrap_or_else(|error| endpoints.page(error, &parts.headers))
}

async fn ask_user_code(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    match query(&parts) {
        Ok(form) => device_page::ask(&form),
        Err(error) => endpoints.page(error, &parts.headers),
    }
}

async fn take_user_code(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = Form::receive(body, LONGEST_PAGE_FORM_BYTES).await;
    let outcome = form.and_then(|form| device_page::submit(&endpoints, &form));
    outcome.unwrap_or_else(|error| endpoints.page(error, &parts.headers))
}

async fn log_out(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    endpoints.log_out(query(&parts), &parts.headers)
}

async fn log_out_by_form(State(endpoints): Shared, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let form = Form::receive(body, LONGEST_PAGE_FORM_BYTES).await;
    endpoints.log_out(form, &parts.headers)
}

async fn device_code(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let outcome = Form::receive(body, LONGEST_FORM_BYTES)
        .await
        .and_then(|form| grants::device_code(&endpoints, &tenant, &form, &parts.headers));
    endpoints.answer(&parts.headers, outcome)
}

async fn token(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let outcome = Form::receive(body, LONGEST_FORM_BYTES)
        .await
        .and_then(|form| grants::token(&endpoints, &tenant, &form, &parts.headers));
    endpoints.answer(&parts.headers, outcome)
}

async fn user_info(
    State(endpoints): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let now = endpoints.clock.now();
    let realm = endpoints.realm(&tenant);
    let outcome =
        realm.and_then(|realm| userinfo::userinfo(&endpoints.authority, realm, &headers, now));
    endpoints.answer(&headers, outcome)
}

async fn nowhere(State(endpoints): Shared, headers: HeaderMap) -> Response<Body> {
    endpoints.answer(&headers, Err(OAuthError::unknown_address()))
}

async fn not_so(State(endpoints): Shared, method: Method, headers: HeaderMap) -> Response<Body> {
    endpoints.answer(&headers, Err(OAuthError::wrong_method(&method)))
}

fn query(parts: &Parts) -> Result<Form, OAuthError> {
    Form::read(parts.uri.query().unwrap_or_default().as_bytes())
}

impl Endpoints {
    /// What the tenant in an address stands for.
    pub(super) fn realm(&self, segment: &str) -> Result<Realm, OAuthError> {
        Realm::find(segment, &self.authority.directory())
    }

    /// A refusal as a page.
    pub(super) fn page(&self, error: OAuthError, headers: &HeaderMap) -> Response<Body> {
        error.into_page(headers, self.clock.now())
    }

    fn log_out(&self, form: Result<Form, OAuthError>, headers: &HeaderMap) -> Response<Body> {
        match form {
            Ok(form) => sign_out::sign_out(&self.authority.directory(), &form),
            Err(error) => self.page(error, headers),
        }
    }

    fn answer(&self, headers: &HeaderMap, outcome: Result<Value, OAuthError>) -> Response<Body> {
        match outcome {
            Ok(body) => answer(StatusCode::OK, &body),
            Err(error) => error.into_response(headers, self.clock.now()),
        }
    }
}

/// An answer in JSON.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    not_kept(response)
}

#[cfg(test)]
mod tests;
