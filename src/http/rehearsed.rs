//! The door through which a rehearsal comes to requests: it chooses whose rows they meet, says what is
//! done to them, and hears of each. Without a rehearsal nobody stands there.
//!
//! Which faults there are, and what is made of what is heard, is `rehearsal`'s.

use std::{
    any::Any,
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Collected};
use hyper::body::{Frame, SizeHint};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Sleep;
use uuid::Uuid;

use super::{auth::caller::Caller, layers::request_id::RequestContext, router::Operation};
use crate::{
    domain::{device::DeviceId, tenant::TenantId},
    graph::{
        behavior::Behavior,
        error_body::{self, ErrorBody},
    },
    store::Store,
};

/// Says which rule is behind an answer.
pub const EXPLAIN: HeaderName = HeaderName::from_static("x-hangar-explain");

/// How long the half of a body has to leave before its connection breaks.
const TIME_TO_LEAVE: Duration = Duration::from_millis(50);

/// Where a tenant's rows are.
#[derive(Clone)]
pub struct Home {
    /// The store that has them.
    pub store: Arc<dyn Store>,
    /// The tenant's id in that store.
    pub tenant: TenantId,
    /// As long as somebody has this, the store is not taken away.
    pub hold: Option<Arc<dyn Any + Send + Sync>>,
}

/// A tenant's place is gone for good, and its tokens are worth nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHome;

/// Who directs a rehearsal.
pub trait Director: Send + Sync {
    /// Where the rows of a tenant are.
    fn home(&self, tenant: TenantId) -> BoxFuture<'_, Result<Home, NoHome>>;

    /// What is done to a request that is about to be done.
    fn direct<'a>(&'a self, request: &'a Told) -> BoxFuture<'a, Cue>;

    /// Which devices of a tenant nobody finds yet, though they are registered.
    fn hidden(&self, _tenant: TenantId) -> Vec<Hidden> {
        Vec::new()
    }

    /// Hears how a request ended, a batch's parts each before their batch; and says which rule is
    /// behind the answer, where one is.
    fn hear(&self, request: &Told, ended: &Ended<'_>) -> Option<String>;

    /// The routes by which the rehearsal is directed, as paths of an `OpenAPI` document with the servers
    /// that have them; nothing where nobody listens for them.
    fn described(&self) -> Option<Map<String, Value>>;
}

/// A device that is registered and not to be found yet.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// Its id.
    pub device: DeviceId,
    /// Which rule wants it so.
    pub explanation: Arc<str>,
}

/// A request, as far as it got.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its name.
    pub request_id: Uuid,
    /// The batch that it is a part of.
    pub batch: Option<Uuid>,
    /// When it came, by the clock of Autopilot's rules.
    pub received_at: Timestamp,
    /// The method.
    pub method: Method,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The route's template, where it leads to one.
    pub route: Option<&'static str>,
    /// What it asks for, where it leads to a route.
    pub operation: Option<Operation>,
    /// The keys in the path, in its order.
    pub keys: Vec<String>,
    /// Who calls, where it is known.
    pub caller: Option<Arc<Caller>>,
    /// The body, decompressed; empty where there is none, or nobody read it.
    pub body: Bytes,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The answer's status, also of one that was never sent.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, before compression.
    pub body: &'a Bytes,
    /// How long it took.
    pub elapsed: Duration,
    /// How its connection breaks, if it does.
    pub break_off: Option<BreakOff>,
}

/// What is done to a request.
#[derive(Clone, Debug, Default)]
pub struct Cue {
    /// How long it waits first, by the machine's clock.
    pub wait: Option<Duration>,
    /// What is answered instead of doing it.
    pub instead: Option<Scripted>,
    /// How its connection breaks.
    pub break_off: Option<BreakOff>,
    /// Which rule wants it so.
    pub explanation: Option<String>,
}

/// An answer that a rule has made.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, but for what the body says of itself.
    pub headers: HeaderMap,
    /// Its body.
    pub body: ScriptedBody,
}

/// The body of an answer that a rule has made.
#[derive(Clone, Debug)]
pub enum ScriptedBody {
    /// It is this.
    Raw(Bytes),
    /// It is an error's, as Graph spells it.
    Error(ScriptedError),
}

/// An error that a rule has made.
#[derive(Clone, Debug)]
pub struct ScriptedError {
    /// Graph's word for the kind of error.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// When to try again, if it says so: in the header, and in what the observed service writes.
    pub retry_after_seconds: Option<u64>,
    /// In which Graph's words; absent, in the server's.
    pub behavior: Option<Behavior>,
}

/// How a connection breaks. In an answer's extensions: that its connection is to break so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakOff {
    /// The request is not done, and there is no answer.
    Before,
    /// The request is done and what it wrote is on disk, and there is no answer.
    After,
    /// The request is done, and half of the answer's body is sent.
    Within,
}

/// An answer is not to be sent, and its connection is to break.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Severed;

impl fmt::Display for Severed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a rehearsal breaks the connection")
    }
}

impl Error for Severed {}

impl Told {
    /// What is known of a request before it is routed.
    pub(super) fn of(
        context: &RequestContext,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            request_id: context.request_id,
            batch: None,
            received_at: context.received_at,
            method: method.clone(),
            path: context.path.clone(),
            query: query.map(str::to_owned),
            headers: headers.clone(),
            route: None,
            operation: None,
            keys: Vec::new(),
            caller: None,
            body: Bytes::new(),
        }
    }
}

impl Scripted {
    pub(super) fn into_response(self, context: &RequestContext, behavior: Behavior) -> Response {
        let mut headers = self.headers;
        let body = match self.body {
            ScriptedBody::Raw(body) => Body::from(body),
            ScriptedBody::Error(error) => {
                let json = HeaderValue::from_static("application/json");
                headers.insert(header::CONTENT_TYPE, json);
                if let Some(seconds) = error.retry_after_seconds {
                    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                Body::from(error.render(context, behavior))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

impl ScriptedError {
    fn render(&self, context: &RequestContext, behavior: Behavior) -> Vec<u8> {
        error_body::render(
            &ErrorBody {
                code: &self.code,
                message: &self.message,
                details: &[],
                phrase: None,
                date: context.received_at,
                request_id: &context.request_id.hyphenated().to_string(),
                client_request_id: &context.client_request_id,
                url: &context.url(),
                retry_after_seconds: self.retry_after_seconds,
            },
            self.behavior.unwrap_or(behavior),
        )
    }
}

/// The answer, or an error if it is not to be sent: the server then breaks the connection.
pub(in crate::http) fn unless_severed(response: Response) -> Result<Response, Severed> {
    match response.extensions().get::<BreakOff>() {
        Some(BreakOff::Before | BreakOff::After) => Err(Severed),
        Some(BreakOff::Within) | None => Ok(response),
    }
}

/// Says in a header which rule is behind an answer.
pub(super) fn explain(response: &mut Response, explanation: &str) {
    let plain: String = explanation
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() {
                letter
            } else {
                ' '
            }
        })
        .collect();
    if let Ok(value) = HeaderValue::try_from(plain) {
        response.headers_mut().entry(EXPLAIN).or_insert(value);
    }
}

/// Tells the director how a request ended, and passes the answer on, or what shall be sent of it.
pub(super) async fn report(
    director: &dyn Director,
    told: Told,
    context: &RequestContext,
    response: Response,
) -> Response {
    let (parts, body) = response.into_parts();
    // Our own bodies are in memory already: reading them does not fail.
    let read = body.collect().await.map(Collected::to_bytes);
    let read = read.unwrap_or_default();
    let break_off = parts.extensions.get().copied();
    let ended = Ended {
        status: parts.status,
        headers: &parts.headers,
        body: &read,
        elapsed: context.started.elapsed(),
        break_off,
    };
    let explanation = director.hear(&told, &ended);
    let body = match break_off {
        Some(BreakOff::Within) => Body::new(HalfBody {
            body: Body::from(read),
            pause: None,
        }),
        _ => Body::from(read),
    };
    let mut response = Response::from_parts(parts, body);
    if let Some(explanation) = explanation {
        explain(&mut response, &explanation);
    }
    response
}

/// A body that promises all of another one, and breaks half-way.
struct HalfBody {
    body: Body,
    /// Once half of it is given away: until when that has time to leave. An error would overtake it.
    pause: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for HalfBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            return Poll::Ready(Some(Err(axum::Error::new(Severed))));
        }
        self.pause = Some(Box::pin(tokio::time::sleep(TIME_TO_LEAVE)));
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let halved = frame.map(|frame| {
            frame.map(|frame| frame.map_data(|data: Bytes| data.slice(..data.len() / 2)))
        });
        Poll::Ready(halved)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
