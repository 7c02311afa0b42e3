//! The sockets that `hangar serve` listens on, and the certificate that it shows there.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use anyhow::Context as _;
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::{net::TcpListener, sync::watch};
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
    /// What has to be done before https is spoken.
    pub(super) preparation: Option<Preparation>,
}

/// Makes what a listener for https waits for. The first chance that the cryptographic library is
/// asked for takes it longer than all else takes a start, so the start does not wait for it.
pub(super) struct Preparation {
    make: Box<dyn FnOnce() -> anyhow::Result<Arc<ServerConfig>> + Send>,
    ready: watch::Sender<Option<Arc<ServerConfig>>>,
}

impl Preparation {
    /// Makes it. Blocks for some tens of milliseconds.
    pub(super) fn run(self) {
        match (self.make)() {
            Ok(config) => drop(self.ready.send(Some(config))),
            Err(error) => tracing::error!(error = format!("{error:#}"), "https can't be spoken"),
        }
    }
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
            preparation: None,
        };
        let first = listen(settings.listen, "server.listen").await?;
        match (mode, settings.tls_listen, served) {
            (Mode::Serve, None, Some(served)) => {
                listeners.add_secure(first, move || Ok(server_config(served)?))?;
            }
            (Mode::Serve, Some(address), Some(served)) => {
                listeners.add_plain(first)?;
                let second = listen(address, "server.tls_listen").await?;
                listeners.add_secure(second, move || Ok(server_config(served)?))?;
            }
            (Mode::Serve, _, None) => listeners.add_plain(first)?,
            (Mode::Dev | Mode::Rehearse, address, served) => {
                listeners.add_plain(first)?;
                if let Some(second) = listeners.listen_for_development(settings, address).await? {
                    match served {
                        Some(served) => {
                            listeners.add_secure(second, move || Ok(server_config(served)?))?;
                        }
                        None => listeners.add_development(second, data_dir, now)?,
                    }
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

    fn add_secure(
        &mut self,
        listener: TcpListener,
        make: impl FnOnce() -> anyhow::Result<Arc<ServerConfig>> + Send + 'static,
    ) -> io::Result<()> {
        self.secure = Some(listener.local_addr()?);
        let (ready, config) = watch::channel(None);
        self.sockets.push(Listener::tls(listener, config));
        let make = Box::new(make);
        self.preparation = Some(Preparation { make, ready });
        Ok(())
    }

    /// Adds a listener with a certificate of the development authority.
    fn add_development(
        &mut self,
        listener: TcpListener,
        data_dir: &Path,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let address = listener.local_addr()?.ip();
        // What may be wrong with its files is told at once.
        let authority = DevelopmentCa::open(data_dir, now)?;
        self.add_secure(listener, move || {
            let identity = authority.issue(address, now)?;
            Ok(server_config(Served::new(identity))?)
        })?;
        Ok(())
    }
}

/// Listens on an address, which a setting names.
pub(super) async fn listen(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{key} {address} can't be listened on"))
}
