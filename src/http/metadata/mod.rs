//! What the API says of itself, to everybody: the service document, `$metadata`, and the routes as
//! `OpenAPI`. The first two are made by `graph::metadata`, the last in `openapi` from the route table.

mod openapi;
mod options;
mod path;
mod schemas;

use std::sync::OnceLock;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    auth::permission::{ConfigurationScopes, Policy},
    call::{self, Call},
    error::ApiError,
    extract::{accept, base_url::BaseUrl, conditions},
    rehearsed::Director,
    router::Operation,
};
use crate::{
    domain::revision::{Revision, Revisions},
    graph::{
        metadata::{self as described, model::Model},
        query::read_no_options,
        version::Version,
    },
};

pub use options::{QueryOption, options};

const XML: &str = "application/xml";
const JSON: &str = "application/json";

/// A request that needs no caller.
pub struct Question<'a> {
    /// The version of Graph that was asked.
    pub version: Version,
    /// The server's address, as the client knows it.
    pub base_url: &'a BaseUrl,
    /// The query string, undecoded.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What callers of the other routes may do.
    pub policy: &'a Policy,
    /// Who directs the rehearsal, if there is one.
    pub director: Option<&'a dyn Director>,
}

/// What answers a question.
pub type Answer = fn(&Question<'_>) -> Result<Response, ApiError>;

/// What answers an operation that needs no caller.
pub fn answer_of(operation: Operation) -> Option<Answer> {
    match operation {
        Operation::ServiceDocument => Some(service_document),
        Operation::Metadata => Some(metadata),
        Operation::OpenApi => Some(openapi),
        _ => None,
    }
}

/// Answers the service document.
pub fn service_document(question: &Question<'_>) -> Result<Response, ApiError> {
    let level = accept::metadata_level(question.headers)?;
    question.take_no_options()?;
    conditions::refuse(question.headers)?;
    let base = question.base_url.as_str();
    let body = described::service_document(base, question.version, level);
    Ok(call::json(StatusCode::OK, level, body))
}

/// Answers `$metadata`, in XML unless JSON is asked for.
pub fn metadata(question: &Question<'_>) -> Result<Response, ApiError> {
    let media_type = accept::preferred(question.headers, &[XML, JSON])?;
    question.take_no_options()?;
    let text = match media_type {
        JSON => described::csdl_json(question.version),
        _ => described::csdl_xml(question.version),
    };
    let mut response = question.answer(Revision::of(&[text]), media_type, || {
        Bytes::from_static(text)
    })?;
    if media_type == JSON {
        // CSDL in JSON is a thing of OData 4.01.
        let version = HeaderValue::from_static("4.01");
        response.headers_mut().insert("OData-Version", version);
    }
    Ok(response)
}

/// Answers the description of a version's routes.
pub fn openapi(question: &Question<'_>) -> Result<Response, ApiError> {
    accept::preferred(question.headers, &[JSON])?;
    question.take_no_options()?;
    let document = Document::of(question.version, question.policy.configuration_scopes);
    let base = question.base_url.as_str();
    let address = || format!("{base}/{}", question.version.path_segment());
    let Some(further) = question.director.and_then(Director::described) else {
        let revision = Revision::of(&[document.revision.as_bytes(), base.as_bytes()]);
        return question.answer(revision, JSON, || openapi::at(&document.rest, &address()));
    };
    let rest = openapi::with(&document.rest, further);
    let revision = Revision::of(&[rest.as_bytes(), base.as_bytes()]);
    question.answer(revision, JSON, || openapi::at(&rest, &address()))
}

impl<'a> Question<'a> {
    /// The same question, asked by somebody who is known.
    pub fn of(call: &'a Call) -> Self {
        Self {
            version: call.version,
            base_url: &call.context.base_url,
            query: call.query.as_deref(),
            headers: &call.headers,
            policy: &call.api.policy,
            director: call.api.director.as_deref(),
        }
    }

    fn take_no_options(&self) -> Result<(), ApiError> {
        Ok(read_no_options(self.query, self.version)?)
    }

    /// Answers a description, unless the client has it already.
    fn answer(
        &self,
        revision: Revision,
        media_type: &'static str,
        body: impl FnOnce() -> Bytes,
    ) -> Result<Response, ApiError> {
        let precondition = conditions::precondition(self.headers)?;
        let named = |revisions: &Revisions| revisions.include(revision);
        if !precondition.one_of.as_ref().is_none_or(named) {
            return Err(ApiError::condition_not_met(
                "The description is another one than 'If-Match' demands: read it again.",
            ));
        }
        let mut response = if precondition.none_of.as_ref().is_some_and(named) {
            call::empty(StatusCode::NOT_MODIFIED)
        } else {
            let mut response = Response::new(Body::from(body()));
            let media_type = HeaderValue::from_static(media_type);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, media_type);
            response
        };
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Accept"));
        // Kept by whoever likes, and asked for anew: another release may say something else.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        call::with_etag(response, revision)
    }
}

/// A description of the routes, all but the server's address.
struct Document {
    rest: String,
    revision: Revision,
}

impl Document {
    /// The document of a version and of what is accepted, made once.
    fn of(version: Version, scopes: ConfigurationScopes) -> &'static Self {
        static DOCUMENTS: [OnceLock<Document>; 4] = [const { OnceLock::new() }; 4];
        let [beta, beta_wide, v1, v1_wide] = &DOCUMENTS;
        let document = match (version, scopes) {
            (Version::Beta, ConfigurationScopes::Ignored) => beta,
            (Version::Beta, ConfigurationScopes::Accepted) => beta_wide,
            (Version::V1, ConfigurationScopes::Ignored) => v1,
            (Version::V1, ConfigurationScopes::Accepted) => v1_wide,
        };
        document.get_or_init(|| {
            let rest = openapi::describe(Model::of(version), scopes);
            let revision = Revision::of(&[rest.as_bytes()]);
            Self { rest, revision }
        })
    }
}
