//! TLS to a database server, by rustls. The server's certificate is always verified.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Whose certificates are believed.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Nobody's: nothing is encrypted.
    pub(super) fn none() -> Result<Self, String> {
        Self::of(|config| Ok(config.with_root_certificates(RootCertStore::empty())))
    }

    /// Those that the authorities in this file have signed, or else the system's.
    pub(super) fn new(authorities: Option<&Path>) -> Result<Self, String> {
        let Some(path) = authorities else {
            return Self::of(|config| {
                config
                    .with_platform_verifier()
                    .map_err(|error| format!("has no system certificates to go by: {error}"))
            });
        };
        let unreadable = |error: String| {
            format!(
                "can't be believed: database.tls_ca, {}, {error}",
                path.display()
            )
        };
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path)
            .map_err(|error| unreadable(format!("can't be read: {error}")))?;
        for certificate in certificates {
            let certificate =
                certificate.map_err(|error| unreadable(format!("can't be read: {error}")))?;
            roots
                .add(certificate)
                .map_err(|error| unreadable(format!("holds no certificate to go by: {error}")))?;
        }
        if roots.is_empty() {
            return Err(unreadable("holds no certificate".to_owned()));
        }
        Self::of(|config| Ok(config.with_root_certificates(roots)))
    }

    fn of(
        trust: impl FnOnce(
            rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>,
        ) -> Result<
            rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>,
            String,
        >,
    ) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("can't be spoken to by TLS: {error}"))?;
        let config = trust(builder)?.with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Secured<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        Ok(Handshake {
            config: Arc::clone(&self.0),
            domain: domain.to_owned(),
        })
    }
}

/// The beginning of a connection.
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    domain: String,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Secured<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secured<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.domain).map_err(io::Error::other)?;
            let connector = TlsConnector::from(self.config);
            Ok(Secured(connector.connect(name, stream).await?))
        })
    }
}

/// A connection that nobody else reads.
pub(super) struct Secured<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Secured<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
