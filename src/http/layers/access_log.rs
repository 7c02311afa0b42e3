//! One line in the log and one count in the metrics for every request.
//!
//! A line holds nothing that the client sent: the route's name instead of the path, a known
//! method's name or `other`, and never a query.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{Method, Request};
use hyper::body::{Body as _, Frame, SizeHint};
use uuid::Uuid;

use super::{
    limits::HeadFault,
    request_id::RequestContext,
    request_metrics::{Labels, RequestMetrics},
};
use crate::domain::tenant::TenantId;

/// What stands for a method or a route that there is not.
pub(in crate::http) const NONE: &str = "none";

/// How far a request got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    /// Whose request it was.
    pub tenant: Option<TenantId>,
    /// Which route answered, by its pattern.
    pub route: Option<&'static str>,
}

/// How many parts a batch had. Its handler puts it into the answer's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Parts(pub usize);

/// The access line of a request, written when it is dropped: with the answer's last byte, or when
/// the request is given up.
pub struct AccessLine {
    metrics: Arc<RequestMetrics>,
    request_id: Uuid,
    started: Instant,
    method: &'static str,
    tenant: Option<TenantId>,
    route: &'static str,
    /// 0 until there is an answer.
    status: u16,
    /// Of a batch alone.
    parts: Option<usize>,
    received: Arc<Received>,
    sent_bytes: u64,
}

/// How much of a request's body has been read.
#[derive(Debug, Default)]
pub struct Received {
    bytes: AtomicU64,
    ended: AtomicBool,
}

impl Received {
    /// True if the body has been read to its end, or there is none.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl AccessLine {
    /// Starts the line of a request whose body is measured by `received`, and that is counted in
    /// `metrics`.
    pub fn open(
        metrics: Arc<RequestMetrics>,
        context: &RequestContext,
        request: &Request<Body>,
        received: Arc<Received>,
    ) -> Self {
        let stands_in = request.extensions().get::<HeadFault>().is_some();
        let method = if stands_in {
            NONE
        } else {
            method_name(request.method())
        };
        Self {
            metrics,
            request_id: context.request_id,
            started: context.started,
            method,
            tenant: None,
            route: NONE,
            status: 0,
            parts: None,
            received,
            sent_bytes: 0,
        }
    }

    /// Takes over what the answer says, and ends with its body.
    pub fn close_with(mut self, response: Response, reached: Reached) -> Response {
        self.status = response.status().as_u16();
        self.tenant = reached.tenant;
        self.route = reached.route.unwrap_or(NONE);
        self.parts = response.extensions().get().map(|Parts(parts)| *parts);
        response.map(|inner| Body::new(SentBody { inner, line: self }))
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let labels = Labels {
            route: self.route,
            method: self.method,
            status: self.status,
        };
        self.metrics.count(labels, elapsed);
        tracing::info!(
            request_id = %self.request_id,
            tenant = self.tenant.map(tracing::field::display),
            route = self.route,
            method = self.method,
            status = self.status,
            parts = self.parts,
            time_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            received_bytes = self.received.bytes.load(Ordering::Relaxed),
            sent_bytes = self.sent_bytes,
            "request"
        );
    }
}

/// Measures a request's body while somebody reads it.
pub fn measured(body: Body, received: Arc<Received>) -> Body {
    received
        .ended
        .store(body.is_end_stream(), Ordering::Relaxed);
    Body::new(ReceivedBody {
        inner: body,
        received,
    })
}

/// Method tokens are the client's to invent; only the known ones are named.
pub(in crate::http) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

struct ReceivedBody {
    inner: Body,
    received: Arc<Received>,
}

impl hyper::body::Body for ReceivedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(data) = data_of(frame.as_ref()) {
            self.received
                .bytes
                .fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        if frame.is_none() || self.inner.is_end_stream() {
            self.received.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

struct SentBody {
    inner: Body,
    line: AccessLine,
}

impl hyper::body::Body for SentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(data) = data_of(frame.as_ref()) {
            self.line.sent_bytes += data.len() as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn data_of(frame: Option<&Result<Frame<Bytes>, axum::Error>>) -> Option<&Bytes> {
    frame?.as_ref().ok()?.data_ref()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use jiff::Timestamp;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::{
        http::extract::base_url::BaseUrl,
        telemetry::{captured::Captured, json_lines::JsonLines},
    };

    /// What the log and the metrics say of a POST with a body of 3 bytes, answered by `answer`.
    fn observed(answer: impl FnOnce() -> Option<(Response, Reached)>) -> (Value, String) {
        let lines = Captured::default();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonLines)
            .with_writer(lines.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let request = Request::post("http://a/secret?$filter=secret")
            .body(Body::from("abc"))
            .unwrap();
        let base_url = BaseUrl::parse("https://hangar.example").unwrap();
        let context = RequestContext::open(
            request.headers(),
            request.uri().path(),
            base_url,
            Timestamp::UNIX_EPOCH,
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || {
            tracing::subscriber::with_default(subscriber, || {
                let received = Arc::new(Received::default());
                let line =
                    AccessLine::open(Arc::default(), &context, &request, Arc::clone(&received));
                let body = measured(request.into_body(), Arc::clone(&received));
                runtime.block_on(body.collect()).unwrap();
                assert!(received.ended());
                if let Some((response, reached)) = answer() {
                    let response = line.close_with(response, reached);
                    runtime.block_on(response.into_body().collect()).unwrap();
                }
            });
        });
        let lines = lines.text();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(!lines.contains("secret"), "{lines}");
        (serde_json::from_str(&lines).unwrap(), handle.render())
    }

    #[test]
    fn a_request_is_one_line_and_one_count() {
        let tenant = TenantId(Uuid::from_u128(7));
        let (line, metrics) = observed(|| {
            let reached = Reached {
                tenant: Some(tenant),
                route: Some("/{version}/x"),
            };
            Some((Response::new(Body::from("four")), reached))
        });
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["tenant"], tenant.to_string());
        assert_eq!(line["route"], "/{version}/x");
        assert_eq!(line["method"], "POST");
        assert_eq!(line["status"], 200);
        assert_eq!(line["received_bytes"], 3);
        assert_eq!(line["sent_bytes"], 4);
        assert!(line["time_ms"].is_u64());
        assert!(
            metrics.contains(
                r#"hangar_requests_total{route="/{version}/x",method="POST",status="200"} 1"#
            ),
            "{metrics}"
        );
        assert!(metrics.contains("hangar_request_seconds"), "{metrics}");
    }

    #[test]
    fn a_request_that_is_given_up_is_a_line_too() {
        let (line, _) = observed(|| None);
        assert_eq!(line["status"], 0);
        assert_eq!(line["route"], "none");
        assert!(line.get("tenant").is_none());
    }

    #[test]
    fn an_invented_method_is_not_repeated() {
        assert_eq!(method_name(&Method::PATCH), "PATCH");
        assert_eq!(method_name(&"SECRET".parse().unwrap()), "other");
    }
}
