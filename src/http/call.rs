//! One request on its way through a handler: what every operation needs of it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use odata::{Condition, Shape, Vocabulary};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    api::Api,
    auth::caller::Caller,
    batch::Rendezvous,
    error::ApiError,
    extract::{
        accept,
        body::{self, HeldBody},
        conditions,
        prefer::{self, ReturnPreference},
    },
    layers::{limits::IMPORT_BODY_LIMIT_BYTES, request_id::RequestContext},
    rehearsed::{Hidden, Home},
};
use crate::{
    domain::{
        revision::{Precondition, Revision, Revisions},
        tenant::TenantId,
    },
    graph::{
        behavior::Behavior,
        entity::WriteContext,
        etag,
        list_query::{Shown, read_count_query, read_entity_query},
        metadata_level::MetadataLevel,
        query,
        schema::{EntitySet, SETTINGS_SINGLETON},
        text,
        version::Version,
    },
    store::Store,
};

/// A request whose caller and route are known and allowed.
pub struct Call {
    /// Everything that answering needs.
    pub api: Arc<Api>,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Where the caller's rows are.
    pub home: Home,
    /// The version of Graph that was asked.
    pub version: Version,
    /// The request's names and address.
    pub context: Arc<RequestContext>,
    /// The keys in the path, in its order.
    pub keys: Vec<String>,
    /// The query string, undecoded.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unread. Nobody locks the mutex: it lets a call be borrowed across a wait, which a
    /// bare body does not.
    pub body: Mutex<Body>,
    /// The body, where a director has read it ahead.
    pub(super) ahead: Bytes,
    /// Where it meets the other parts of its batch, if it is one.
    pub meeting: Option<Rendezvous>,
    /// The devices that a rehearsal does not let it find.
    pub(super) hidden: Vec<Hidden>,
}

/// How a created or changed entity is answered.
pub enum Written {
    /// With this status and the entity.
    Whole(StatusCode),
    /// With nothing but its address: the client prefers it so.
    Minimal,
}

impl Call {
    /// The caller's tenant, which is the only one whose rows this request can meet.
    pub fn tenant(&self) -> TenantId {
        self.home.tenant
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.home.store.as_ref()
    }

    /// Which Graph is spoken.
    pub fn behavior(&self) -> Behavior {
        self.api.behavior
    }

    /// How much control information the client wants.
    pub fn metadata_level(&self) -> Result<MetadataLevel, ApiError> {
        accept::metadata_level(&self.headers)
    }

    /// What all entities of the answer have in common.
    pub fn write_context(&self, level: MetadataLevel) -> WriteContext<'_> {
        WriteContext {
            base: self.context.base_url.as_str(),
            version: self.version,
            level,
            behavior: self.behavior(),
            shown: None,
        }
    }

    /// Refuses query options: this operation takes none.
    pub fn take_no_options(&self) -> Result<(), ApiError> {
        Ok(query::read_no_options(self.query.as_deref(), self.version)?)
    }

    /// The first key in the path as a GUID. A text that is none can't be the key of anything.
    pub fn guid(&self) -> Option<Uuid> {
        let key = self.key(0);
        (key.len() == 36)
            .then(|| Uuid::try_parse(key).ok())
            .flatten()
    }

    /// The key in this place of the path, counted from 0; empty where the route has none.
    pub fn key(&self, place: usize) -> &str {
        self.keys.get(place).map_or("", String::as_str)
    }

    /// The error for a first key that leads to nothing of this tenant's.
    pub fn absent(&self) -> ApiError {
        self.absent_at(0)
    }

    /// The error for the key in this place of the path.
    pub fn absent_at(&self, place: usize) -> ApiError {
        let key = self.key(place);
        ApiError::not_found(format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        ))
    }

    /// In which revision the caller wants the entity in the path to be.
    pub fn precondition(&self) -> Result<Precondition, ApiError> {
        conditions::precondition(&self.headers)
    }

    /// What is answered to a read instead of the entity, where the caller has it already, or wants
    /// it in another revision.
    pub fn instead_of(&self, current: Revision) -> Result<Option<Response>, ApiError> {
        let precondition = self.precondition()?;
        let named = |revisions: &Revisions| revisions.include(current);
        if !precondition.one_of.as_ref().is_none_or(named) {
            return Err(self.condition_not_met());
        }
        if precondition.none_of.as_ref().is_some_and(named) {
            let response = empty(StatusCode::NOT_MODIFIED);
            return with_etag(response, current).map(Some);
        }
        Ok(None)
    }

    /// The error for an entity that is in another revision than the caller wants.
    pub fn condition_not_met(&self) -> ApiError {
        // The only entity without a key.
        let key = self.keys.last().map_or(SETTINGS_SINGLETON, String::as_str);
        ApiError::condition_not_met(format!(
            "Resource '{key}' is not in the state that 'If-Match' or 'If-None-Match' demands: read it again."
        ))
    }

    /// Reads the body before it is known how much of it the operation takes, for a director who wants
    /// to see it. The operation finds it as it came, decompressed.
    pub(super) async fn read_ahead(&mut self) -> Result<(), ApiError> {
        let read = self.read_body(IMPORT_BODY_LIMIT_BYTES).await?;
        let bytes = read.bytes().clone();
        self.headers.remove(header::CONTENT_ENCODING);
        self.ahead = bytes.clone();
        self.body = Mutex::new(Body::from(bytes));
        Ok(())
    }

    /// Reads the body whole.
    pub async fn read_body(&mut self, limit_bytes: usize) -> Result<HeldBody, ApiError> {
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        let body = std::mem::take(body);
        let deadline = Instant::now() + self.api.body_timeout;
        body::read(body, &self.headers, limit_bytes, &self.api.bodies, deadline).await
    }

    /// Waits for the other parts of the batch, if there is one, so that all write together. For
    /// operations that have read all that they need, and write next.
    pub async fn meet(&self) {
        if let Some(meeting) = &self.meeting {
            meeting.meet().await;
        }
    }

    /// The text of a JSON body.
    pub fn json_text<'a>(&self, body: &'a [u8]) -> Result<std::borrow::Cow<'a, str>, ApiError> {
        let content_type = self
            .headers
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or_default());
        Ok(text::decode_body(body, content_type, self.behavior())?)
    }

    /// How the client wants a written entity answered.
    pub fn written(&self, status: StatusCode) -> Written {
        match prefer::return_preference(&self.headers) {
            Some(ReturnPreference::Minimal) => Written::Minimal,
            Some(ReturnPreference::Representation) | None => Written::Whole(status),
        }
    }

    /// The address of an entity.
    pub fn location(&self, set: EntitySet, id: Uuid) -> String {
        format!(
            "{}/{}/deviceManagement/{}('{id}')",
            self.context.base_url,
            self.version.path_segment(),
            set.name(),
        )
    }

    /// Which rows the answer to `/$count` counts.
    pub fn count_filter<F: Copy>(
        &self,
        vocabulary: &Vocabulary<F>,
    ) -> Result<Option<Condition<F>>, ApiError> {
        let query = self.query.as_deref();
        Ok(read_count_query(query, self.version, vocabulary)?)
    }

    /// What is to be shown of a single entity.
    pub fn shown(&self, shape: &Shape) -> Result<Shown, ApiError> {
        let query = self.query.as_deref();
        Ok(read_entity_query(query, self.version, shape)?)
    }

    /// The present instant, as precisely as the store keeps it, so that what is written is answered
    /// as it is read later.
    pub fn kept_now(&self) -> Timestamp {
        let now = self.api.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// How many headers most answers have.
const HEADERS: usize = 12;

/// A JSON answer.
pub fn json(status: StatusCode, level: MetadataLevel, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Room for all that the layers add, or the map would be made anew for them.
    headers.reserve(HEADERS);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(level.content_type()),
    );
    response
}

/// The same answer with the entity's tag.
pub fn with_etag(mut response: Response, revision: Revision) -> Result<Response, ApiError> {
    let tag = HeaderValue::try_from(etag::spell(revision)).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// The answer to `/$count`: a number as plain text.
pub fn plain_number(number: u64) -> Response {
    let mut response = Response::new(Body::from(number.to_string()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The answer to a write that the client wants without the entity.
pub fn minimal(location: &str) -> Result<Response, ApiError> {
    let mut response = minimal_of_many();
    let location = address(location)?;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location.clone());
    headers.insert("OData-EntityId", location);
    Ok(response)
}

/// The same where many entities were written, which have no one address.
pub fn minimal_of_many() -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let applied = HeaderValue::from_static("return=minimal");
    response.headers_mut().insert("Preference-Applied", applied);
    response
}

/// An address as a header. The client's host is in it, which was checked when it was read.
pub fn address(location: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(location).map_err(ApiError::internal)
}
