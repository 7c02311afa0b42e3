//! Opens TLS on a connection, within its time. Which certificate is shown is the configuration's,
//! and comes from the room `tls`.

use std::{io, sync::Arc};

use metrics::counter;
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{ServerOptions, listener::TlsConfig, stall_guard::StallGuard};

/// What every TLS connection begins with: a record that holds a part of a handshake.
const HANDSHAKE_RECORD: u8 = 22;
/// How HTTP/2 is called when TLS asks what to speak.
const HTTP2: &[u8] = b"h2";

/// A connection whose beginning was seen.
pub(super) enum Opened {
    /// HTTP/1 was agreed on, or nothing was.
    Http1(TlsStream<StallGuard<TcpStream>>),
    /// HTTP/2 was agreed on.
    Http2(TlsStream<StallGuard<TcpStream>>),
    /// The peer does not speak TLS.
    Plain(StallGuard<TcpStream>),
}

/// Opens TLS, unless the peer speaks something else. Nothing comes of a peer that is too slow, goes
/// away, or can't agree with us.
pub(super) async fn open(
    stream: TcpStream,
    mut config: TlsConfig,
    options: &ServerOptions,
) -> Option<Opened> {
    let opening = async {
        let mut first = [0];
        // Peers that only look whether somebody listens are no failure.
        if stream.peek(&mut first).await? == 0 {
            return Ok(None);
        }
        let stream = StallGuard::new(stream, options.write_timeout);
        if first != [HANDSHAKE_RECORD] {
            return Ok(Some(Opened::Plain(stream)));
        }
        let config = config.wait_for(Option::is_some).await;
        let Some(config) = config.ok().and_then(|config| config.clone()) else {
            return Err(io::Error::other("there is no configuration"));
        };
        shake_hands(stream, config).await.map(Some)
    };
    let slow = || Err(io::ErrorKind::TimedOut.into());
    let opened = timeout(options.handshake_timeout, opening).await;
    opened.unwrap_or_else(|_| slow()).unwrap_or_else(|error| {
        counter!("hangar_tls_failures_total").increment(1);
        tracing::debug!(%error, "TLS was not agreed on");
        None
    })
}

async fn shake_hands(
    stream: StallGuard<TcpStream>,
    config: Arc<ServerConfig>,
) -> io::Result<Opened> {
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    Ok(if stream.get_ref().1.alpn_protocol() == Some(HTTP2) {
        Opened::Http2(stream)
    } else {
        Opened::Http1(stream)
    })
}
