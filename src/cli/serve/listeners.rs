//! The sockets that `hangar serve` listens on, and the certificate that it shows there.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    config::{Mode, Server},
    http::server::Listener,
    tls::{CertificateFiles, DevelopmentCa, Keeper, Served, server_config},
};

/// The port for https beside http, with `--dev`.
const DEVELOPMENT_PORT: u16 = 8443;

/// What is listened on, and how clients reach it.
pub(super) struct Listeners {
    /// The sockets.
    pub(super) sockets: Vec<Listener>,
    /// Where http is spoken.
    pub(super) plain: Option<SocketAddr>,
    /// Where https is spoken.
    pub(super) secure: Option<SocketAddr>,
    /// What a person should know about it.
    pub(super) note: Option<String>,
}

/// How clients reach the service: scheme, host and port.
pub(in crate::cli) struct Addresses {
    /// The address that is shown to them.
    pub(in crate::cli) usual: String,
    /// The address of the listener for https.
    pub(in crate::cli) secure: Option<String>,
}

/// Reads the certificate that the settings name, if they name one.
pub(in crate::cli) fn certificate(
    server: &Server,
    now: Timestamp,
) -> anyhow::Result<Option<Keeper>> {
    let (Some(certificate), Some(key)) = (&server.tls_cert, &server.tls_key) else {
        return Ok(None);
    };
    let files = CertificateFiles {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    Ok(Some(Keeper::open(files, now)?))
}

impl Listeners {
    /// Binds them. `served` is the certificate of the settings; with `--dev` one is made where they
    /// name none.
    pub(super) async fn bind(
        settings: &Server,
        mode: Mode,
        served: Option<Arc<Served>>,
        data_dir: &Path,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let mut listeners = Self {
            sockets: Vec::new(),
            plain: None,
            secure: None,
            note: None,
        };
        let first = listen(settings.listen, "server.listen").await?;
        match (mode, settings.tls_listen, served) {
            (Mode::Serve, None, Some(served)) => listeners.add_secure(first, served)?,
            (Mode::Serve, Some(address), Some(served)) => {
                listeners.add_plain(first)?;
                let second = listen(address, "server.tls_listen").await?;
                listeners.add_secure(second, served)?;
            }
            (Mode::Serve, _, None) => listeners.add_plain(first)?,
            (Mode::Dev, address, served) => {
                listeners.add_plain(first)?;
                if let Some(second) = listeners.listen_for_development(settings, address).await? {
                    let served = match served {
                        Some(served) => served,
                        None => made(data_dir, second.local_addr()?, now)?,
                    };
                    listeners.add_secure(second, served)?;
                }
            }
        }
        Ok(listeners)
    }

    /// The addresses in the words of a person.
    pub(super) fn told(&self) -> String {
        let plain = self.plain.map(|address| format!("http://{address}"));
        let secure = self.secure.map(|address| format!("https://{address}"));
        let both: Vec<_> = plain.into_iter().chain(secure).collect();
        both.join(" and ")
    }

    /// How clients reach the service, at its public address if it has one.
    pub(super) fn addresses(&self, public_url: Option<&Url>) -> Addresses {
        let plain = self.plain.map(|address| format!("http://{address}"));
        let secure = self.secure.map(|address| format!("https://{address}"));
        let public = public_url.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let usual = public.or(plain).or_else(|| secure.clone());
        Addresses {
            usual: usual.unwrap_or_default(),
            secure,
        }
    }

    /// A socket for https beside http. Who asked for no port in particular can do without it, if
    /// another program has the usual one.
    async fn listen_for_development(
        &mut self,
        settings: &Server,
        address: Option<SocketAddr>,
    ) -> anyhow::Result<Option<TcpListener>> {
        if let Some(address) = address {
            return listen(address, "server.tls_listen").await.map(Some);
        }
        let address = SocketAddr::new(settings.listen.ip(), DEVELOPMENT_PORT);
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Some(listener)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                self.note = Some(format!(
                    "https is not served: {address} is in use already. --tls-listen names another port."
                ));
                Ok(None)
            }
            Err(error) => {
                self.note = Some(format!("https is not served: {address}: {error}"));
                Ok(None)
            }
        }
    }

    fn add_plain(&mut self, listener: TcpListener) -> io::Result<()> {
        self.plain = Some(listener.local_addr()?);
        self.sockets.push(Listener::plain(listener));
        Ok(())
    }

    fn add_secure(&mut self, listener: TcpListener, served: Arc<Served>) -> anyhow::Result<()> {
        self.secure = Some(listener.local_addr()?);
        let config = server_config(served)?;
        self.sockets.push(Listener::tls(listener, config));
        Ok(())
    }
}

/// A certificate of the development authority.
fn made(data_dir: &Path, address: SocketAddr, now: Timestamp) -> anyhow::Result<Arc<Served>> {
    let authority = DevelopmentCa::open(data_dir, now)?;
    Ok(Served::new(authority.issue(address.ip(), now)?))
}

/// Listens on an address, which a setting names.
pub(super) async fn listen(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{key} {address} can't be listened on"))
}
