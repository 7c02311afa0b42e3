//! One HTTP/2 connection from its preface to its end: its streams run within its own task.
//!
//! The bounds are those of HTTP/1 where both have them; what HTTP/2 alone can do to a server is
//! bounded by `vigil`, by hyper's own limits on resets, and by the number of streams.

mod request;
mod sent_body;
mod streams;
mod vigil;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, response::Response};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use http::Request;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::sleep,
};

use self::{
    sent_body::SentBody,
    streams::Streams,
    vigil::{Phase, Verdict, Vigil},
};
use super::{PeerAddr, ServerOptions};
use crate::http::rehearsed::unless_severed;

/// How many bytes of bodies a peer may send before they are read, for one request and for all of a
/// connection. It is memory that no budget counts.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// How many bytes of an answer are set aside beyond what the peer takes.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How often in the shortest of its limits a connection is looked at.
const LOOKS: u32 = 4;

/// Why a connection is no longer served.
enum Ended {
    /// Either side ended it.
    Over(hyper::Result<()>),
    /// The peer asks only to take back.
    Abused,
}

/// Serves a connection's requests, many at a time, until either side ends it.
pub(super) async fn drive<Io, S, F>(
    io: Io,
    peer: PeerAddr,
    service: Arc<S>,
    options: &ServerOptions,
    mut stopped: watch::Receiver<bool>,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Body>, PeerAddr) -> F,
    F: Future<Output = Response> + Send + 'static,
{
    let vigil = Vigil::new();
    let streams = Streams::default();
    let limits = options.head;
    let watcher = Arc::clone(&vigil);
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let seen = watcher.begin();
        let mut request = request.map(Body::new);
        if let Err(fault) = request::shape(&mut request, &limits) {
            request.extensions_mut().insert(fault);
        }
        Box::pin(service(request, peer).map(move |answer| {
            let sending = seen.answered();
            unless_severed(answer).map(|answer| answer.map(|body| SentBody::new(body, sending)))
        }))
    });
    let connection = http2::Builder::new(streams.clone())
        .max_concurrent_streams(options.max_streams)
        .max_header_list_size(request::header_list_bytes(&limits))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .serve_connection(TokioIo::new(io), answer);
    let mut connection = pin!(connection);
    let mut running = FuturesUnordered::new();
    let mut phase = Phase::Open;
    loop {
        let nap = match phase {
            Phase::Open => look_interval(options),
            Phase::Ending => options.linger_timeout,
        };
        let step = poll_fn(|context| {
            poll_step(connection.as_mut(), &mut running, &streams, &vigil, context)
        });
        let verdict = tokio::select! {
            ended = step => return tell(ended),
            _ = stopped.wait_for(|stopped| *stopped), if phase == Phase::Open => Verdict::End,
            () = sleep(nap) => vigil.judge(options, phase),
        };
        match verdict {
            Verdict::Keep => {}
            Verdict::End => {
                phase = Phase::Ending;
                connection.as_mut().graceful_shutdown();
            }
            Verdict::Cut => return,
        }
    }
}

/// Goes on with the connection and with its streams, as far as they can.
fn poll_step(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    running: &mut FuturesUnordered<BoxFuture<'static, ()>>,
    streams: &Streams,
    vigil: &Vigil,
    context: &mut Context<'_>,
) -> Poll<Ended> {
    loop {
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            return Poll::Ready(Ended::Over(ended));
        }
        if vigil.is_abused() {
            return Poll::Ready(Ended::Abused);
        }
        running.extend(streams.take());
        // A stream that has ended may have left the connection something to send.
        if !matches!(running.poll_next_unpin(context), Poll::Ready(Some(()))) {
            return Poll::Pending;
        }
    }
}

fn look_interval(options: &ServerOptions) -> Duration {
    let limits = [
        options.head_timeout,
        options.idle_timeout,
        options.write_timeout,
    ];
    limits.into_iter().min().unwrap_or_default() / LOOKS
}

fn tell(ended: Ended) {
    match ended {
        Ended::Over(Ok(())) => {}
        Ended::Over(Err(error)) => tracing::debug!(%error, "connection broke off"),
        Ended::Abused => tracing::debug!("a connection whose requests are all taken back"),
    }
}
