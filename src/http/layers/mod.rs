//! What happens around every request, whatever it asks for.
//!
//! [`Layers::around`] puts the layers on, outermost first: the request's names, the access line,
//! compression, the limits. Who may call, and how often, is decided further in.

pub mod access_log;
pub mod compression;
pub mod host_guard;
pub mod limits;
pub mod request_id;
pub mod request_metrics;
pub mod throttle;

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{body::Body, response::Response};
use futures_util::FutureExt;
use http::{HeaderValue, Request, header};

use self::{
    access_log::{AccessLine, Reached, Received},
    request_id::{RequestContext, TransportSecurity},
    request_metrics::RequestMetrics,
};
use super::{
    error::{self, ApiError},
    extract::base_url::{BaseUrlPolicy, Scheme},
    server::PeerAddr,
};
use crate::{domain::clock::Clock, graph::behavior::Behavior};

/// The layers, and what they need to know.
pub struct Layers {
    /// Dates answers and errors.
    pub clock: Arc<dyn Clock>,
    /// How errors are spelled.
    pub behavior: Behavior,
    /// How links are based.
    pub base_url: BaseUrlPolicy,
    /// The `WWW-Authenticate` of every 401: see [`error::challenge`].
    pub challenge: HeaderValue,
    /// What clients that come over TLS are told about it.
    pub transport_security: TransportSecurity,
    /// Where requests are counted.
    pub metrics: Arc<RequestMetrics>,
}

impl Layers {
    /// Answers a request by `next`, which also says how far the request got.
    pub async fn around<N, F>(&self, request: Request<Body>, peer: PeerAddr, next: N) -> Response
    where
        N: FnOnce(Request<Body>, Arc<RequestContext>) -> F,
        F: Future<Output = (Response, Reached)>,
    {
        let context = Arc::new(RequestContext::open(
            request.headers(),
            request.uri().path(),
            self.base_url.resolve(request.headers(), &peer),
            self.clock.now(),
        ));
        let received = Arc::new(Received::default());
        let line = AccessLine::open(
            Arc::clone(&self.metrics),
            &context,
            &request,
            Arc::clone(&received),
        );
        let takes_gzip = compression::takes_gzip(request.headers());
        let request = request.map(|body| access_log::measured(body, Arc::clone(&received)));

        let answered = match limits::check(&request) {
            Ok(()) => survive(next(request, Arc::clone(&context))).await,
            Err(error) => Err(error),
        };
        let (response, reached) = answered.unwrap_or_else(|error| {
            let response = error.render(&context, self.behavior);
            (response, Reached::default())
        });

        let mut response = compression::encode(response, takes_gzip);
        let status = response.status();
        let headers = response.headers_mut();
        let security = (peer.scheme == Scheme::Https).then_some(self.transport_security);
        context.sign(headers, self.clock.now(), security);
        if error::asks_for_token(status) {
            headers
                .entry(header::WWW_AUTHENTICATE)
                .or_insert_with(|| self.challenge.clone());
        }
        if !received.ended() {
            // What remains of the body stands between us and the next request, so the connection
            // ends here. Said aloud, lest the client send its next request into a closing socket.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        line.close_with(response, reached)
    }
}

/// Turns a panic into an error, so that the caller still gets an answer. The panic's own message is
/// not repeated, for it may quote what the client sent.
pub(in crate::http) fn survive<T>(
    answer: impl Future<Output = T>,
) -> impl Future<Output = Result<T, ApiError>> {
    AssertUnwindSafe(answer)
        .catch_unwind()
        .map(|answered| answered.map_err(|_| ApiError::internal("the handler panicked")))
}
