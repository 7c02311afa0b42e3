//! Accepts connections and drains them: how many, how long, and in what order they end.
//!
//! What happens on one connection is in `tls`, `connection` (HTTP/1) and `http2`; what happens to one
//! request, in `layers` and further in.

mod connection;
mod framing;
mod guarded_io;
mod head;
mod http2;
mod listener;
mod stall_guard;
#[cfg(test)]
mod tests;
mod tls;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use metrics::{counter, gauge};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

pub use self::listener::{Listener, TlsConfig};
use self::{
    listener::{Accepted, Acceptor},
    stall_guard::StallGuard,
    tls::Opened,
};
use super::{
    extract::base_url::Scheme,
    layers::limits::{HeadFault, HeadLimits},
};

/// How long accepting pauses after it failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Every limit and time-out of the server.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// The most connections at a time. One more is accepted, closed at once and counted, so that
    /// its client learns at once what a place in the backlog would hide from it.
    pub max_connections: usize,
    /// The bounds on a request's head.
    pub head: HeadLimits,
    /// The most requests at a time on a connection of HTTP/2.
    pub max_streams: u32,
    /// How long the opening of TLS may take.
    pub handshake_timeout: Duration,
    /// How long a head may take, from its first byte; also how long a new connection may be silent.
    pub head_timeout: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// How long a peer may take none of the bytes that are sent to it.
    pub write_timeout: Duration,
    /// How long a connection that ends within a request is still read, so that the peer, busy
    /// sending, gets to see the answer instead of a reset.
    pub linger_timeout: Duration,
    /// How long requests in flight may take after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            head: HeadLimits::default(),
            max_streams: 100,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            linger_timeout: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(25),
        }
    }
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddr {
    /// The client's, or its proxy's, end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// How they speak.
    pub scheme: Scheme,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request in flight was answered.
    Completely,
    /// The time was over; so many connections were dropped.
    Dropped(usize),
}

/// Serves the listeners' connections by `service` until `shutdown` completes, then drains them: no
/// connection is accepted any more, idle ones close at once, requests in flight are finished.
///
/// A request whose head is not complete by then is not in flight.
pub async fn serve<S, F>(
    listeners: Vec<Listener>,
    service: S,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> Drained
where
    S: Fn(Request<Body>, PeerAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let service = Arc::new(service);
    let (stop, stopped) = watch::channel(false);
    // The one place in `http` that starts tasks: one per connection, and none outlives `serve`.
    let mut connections = JoinSet::new();
    let mut acceptor = Acceptor::new(listeners);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = acceptor.accept() => accepted,
            // Finished tasks are taken away, or they would pile up.
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        let connection = match accepted.and_then(prepare) {
            Ok(connection) => connection,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        if connections.len() >= options.max_connections {
            counter!("hangar_refused_connections_total").increment(1);
            continue;
        }
        let service = Arc::clone(&service);
        let stopped = stopped.clone();
        connections.spawn(async move {
            let _counted = Counted::new();
            converse(connection, service, &options, stopped).await;
        });
    }
    drop(acceptor);
    stop.send_replace(true);
    drain(connections, options.drain_timeout).await
}

/// Speaks with a peer as its listener says, and as both agree.
async fn converse<S, F>(
    connection: Connection,
    service: Arc<S>,
    options: &ServerOptions,
    mut stopped: watch::Receiver<bool>,
) where
    S: Fn(Request<Body>, PeerAddr) -> F,
    F: Future<Output = Response> + Send + 'static,
{
    let Connection { stream, peer, tls } = connection;
    let Some(config) = tls else {
        let stream = StallGuard::new(stream, options.write_timeout);
        return connection::drive(stream, peer, service, options, stopped).await;
    };
    let opened = tokio::select! {
        opened = tls::open(stream, config, options) => opened,
        // Nothing was asked yet.
        _ = stopped.wait_for(|stopped| *stopped) => return,
    };
    match opened {
        Some(Opened::Http1(stream)) => {
            connection::drive(stream, peer, service, options, stopped).await;
        }
        Some(Opened::Http2(stream)) => {
            http2::drive(stream, peer, service, options, stopped).await;
        }
        Some(Opened::Plain(stream)) => {
            let scheme = Scheme::Http;
            let peer = PeerAddr { scheme, ..peer };
            let fault = HeadFault::NotTls;
            connection::refuse(stream, peer, service, options, stopped, fault).await;
        }
        None => {}
    }
}

async fn drain(mut connections: JoinSet<()>, limit: Duration) -> Drained {
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limit, all_ended).await.is_ok() {
        return Drained::Completely;
    }
    let left = connections.len();
    connections.shutdown().await;
    Drained::Dropped(left)
}

/// A connection, and what is known of it before a byte of it is read.
struct Connection {
    stream: TcpStream,
    peer: PeerAddr,
    tls: Option<TlsConfig>,
}

/// Learns a connection's ends. Answers are written whole, so they need not wait for each other.
fn prepare(accepted: Accepted) -> io::Result<Connection> {
    let Accepted { stream, peer, tls } = accepted;
    stream.set_nodelay(true)?;
    // An IPv4 client of a listener for both families is known by its IPv4 address.
    let canonical =
        |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let peer = PeerAddr {
        peer: canonical(peer),
        local: canonical(stream.local_addr()?),
        scheme: match &tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        },
    };
    Ok(Connection { stream, peer, tls })
}

/// A connection that its peer gave up while it waited is nobody's concern. Anything else is ours,
/// and trying again at once would only keep a core busy.
async fn pause_after(error: &io::Error) {
    let peers_doing = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
    );
    if !peers_doing {
        tracing::error!(%error, "cannot accept connections");
        sleep(ACCEPT_PAUSE).await;
    }
}

/// Counts a connection while it lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        gauge!("hangar_connections").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("hangar_connections").decrement(1);
    }
}
