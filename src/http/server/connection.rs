//! One HTTP/1 connection from its first byte to its last: hyper speaks over a guarded socket.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use futures_util::FutureExt as _;
use http::Request;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

use super::{
    PeerAddr, ServerOptions,
    guarded_io::{FaultSlot, GuardedIo},
};
use crate::http::{layers::limits::HeadFault, rehearsed::unless_severed};

/// Serves a connection's requests one after the other, until either side ends it.
pub(super) async fn drive<Io, S, F>(
    io: Io,
    peer: PeerAddr,
    service: Arc<S>,
    options: &ServerOptions,
    stopped: watch::Receiver<bool>,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Body>, PeerAddr) -> F,
    F: Future<Output = Response>,
{
    let fault = FaultSlot::default();
    let io = GuardedIo::new(io, options, fault.clone());
    run(io, fault, peer, service, options, stopped).await;
}

/// Answers a connection with what is wrong with it, whatever it says.
pub(super) async fn refuse<Io, S, F>(
    io: Io,
    peer: PeerAddr,
    service: Arc<S>,
    options: &ServerOptions,
    stopped: watch::Receiver<bool>,
    wrong: HeadFault,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Body>, PeerAddr) -> F,
    F: Future<Output = Response>,
{
    let fault = FaultSlot::default();
    let mut io = GuardedIo::new(io, options, fault.clone());
    io.refuse(wrong);
    run(io, fault, peer, service, options, stopped).await;
}

async fn run<Io, S, F>(
    io: GuardedIo<Io>,
    fault: FaultSlot,
    peer: PeerAddr,
    service: Arc<S>,
    options: &ServerOptions,
    mut stopped: watch::Receiver<bool>,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Body>, PeerAddr) -> F,
    F: Future<Output = Response>,
{
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(fault) = fault.take() {
            request.extensions_mut().insert(fault);
        }
        Box::pin(service(request, peer).map(unless_severed))
    });
    let mut connection = http1::Builder::new()
        // A client that has said everything may still want to hear the answer.
        .half_close(true)
        // The guarded socket keeps the time and measures heads; hyper's bounds are its own or lie
        // beyond them.
        .header_read_timeout(None)
        .max_buf_size(super::head::buffer_bytes(&options.head))
        .serve_connection(TokioIo::new(io), answer);

    let mut draining = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            _ = stopped.wait_for(|stopped| *stopped), if !draining => {
                draining = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection broke off");
    }
    let io = connection.into_parts().io.into_inner();
    io.close(options.linger_timeout).await;
}
