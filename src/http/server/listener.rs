//! The sockets that are listened on: one or several, which share the server and its limits.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A TLS configuration, which may be on its way still.
pub type TlsConfig = watch::Receiver<Option<Arc<ServerConfig>>>;

/// A socket that listens, and what is spoken on its connections.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    /// In the clear without it.
    tls: Option<TlsConfig>,
}

impl Listener {
    /// A listener for requests in the clear.
    pub fn plain(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }

    /// A listener for requests over TLS, by HTTP/2 or HTTP/1 as the configuration offers them.
    /// Connections wait for it, no longer than the opening of TLS may take.
    pub fn tls(tcp: TcpListener, config: TlsConfig) -> Self {
        Self {
            tcp,
            tls: Some(config),
        }
    }
}

/// A connection that was accepted.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) tls: Option<TlsConfig>,
}

/// Accepts from all listeners, each in its turn.
pub(super) struct Acceptor {
    listeners: Vec<Listener>,
    /// The one that is asked first.
    turn: usize,
}

impl Acceptor {
    pub(super) fn new(listeners: Vec<Listener>) -> Self {
        Self { listeners, turn: 0 }
    }

    /// The next connection.
    pub(super) async fn accept(&mut self) -> io::Result<Accepted> {
        std::future::poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let count = self.listeners.len();
        let in_turn = self.listeners.iter().enumerate().cycle();
        for (index, listener) in in_turn.skip(self.turn).take(count) {
            if let Poll::Ready(accepted) = listener.tcp.poll_accept(context) {
                // A busy listener must not keep the others waiting.
                self.turn = (index + 1) % count;
                return Poll::Ready(accepted.map(|(stream, peer)| Accepted {
                    stream,
                    peer,
                    tls: listener.tls.clone(),
                }));
            }
        }
        Poll::Pending
    }
}
