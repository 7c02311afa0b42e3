//! A server that rehearses, in the process of whoever tests a client of Graph's: on sockets, so that
//! any client reaches it, and on a thread of its own, so that it asks for no runtime.
//!
//! What can be done with a rehearsal is `rehearsal`'s; `hangar rehearse run` is the same for tests that
//! are not in Rust.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    api::{LocalAuthority, TestOptions},
    assembly::{Parts, assemble, verifier_at},
    secure::{ca_pem, secure_server},
};
use crate::{
    authority::{
        Authority, MintError, Scopes, Subject, TokenRequest,
        directory::{Directory, Tenant},
    },
    domain::clock::Clock as _,
    graph::behavior::Behavior,
    http::{
        admin::{self, Check, Readiness},
        api::Api,
        auth::permission::ApplicationPermissions,
        layers::{host_guard::HostGuard, request_id::TransportSecurity},
        server::{self, Listener, ServerOptions},
    },
    lifecycle::{Shutdown, SystemClock},
    registrar::RegistrarOptions,
    rehearsal::{
        Rehearsal,
        clock::{ClockError, RehearsalClock},
        journal::Report,
        worlds::{By, Setting, Staff, Worlds},
    },
    store::{self, DatabaseKind, Opening, Store},
};

/// How long requests may take that are under way when the server ends.
const DRAIN: Duration = Duration::from_secs(1);

/// How long a token is good for, by the rehearsal's clock.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// A whole server that rehearses, on free ports of this machine's loopback, with a database that goes
/// when it does. Any number of them can be in one process; each ends when it is dropped.
///
/// It knows the tenants and users of the local authority: `contoso` with the users `administrator` and
/// `reader`, and `fabrikam` with an `administrator`. Throttling is off.
///
/// ```
/// use std::time::Duration;
///
/// use base64::{Engine as _, prelude::BASE64_STANDARD};
/// use hangar::testing::{Server, ServerSettings};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // An import takes a quarter of an hour, as it may for real.
/// let server = Server::start_with(ServerSettings {
///     registration_delay: Duration::from_mins(15),
///     ..ServerSettings::default()
/// });
/// let token = server.token("contoso", "administrator")?;
/// let client = reqwest::Client::builder()
///     .no_proxy()
///     .tls_certs_merge([reqwest::Certificate::from_pem(server.ca_pem().as_bytes())?])
///     .build()?;
/// let imports = format!(
///     "{}/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities",
///     server.secure_url()
/// );
///
/// let hash = BASE64_STANDARD.encode(hardware_hash::Builder::new(1).build());
/// let device = json!({ "groupTag": "Kiosk", "hardwareIdentifier": hash });
/// let sent = client.post(&imports).bearer_auth(&token).json(&device);
/// let accepted: Value = sent.send().await?.error_for_status()?.json().await?;
///
/// let import = format!("{imports}/{}", accepted["id"].as_str().unwrap_or_default());
/// let status = async || -> reqwest::Result<Value> {
///     let answer = client.get(&import).bearer_auth(&token).send().await?;
///     let import: Value = answer.error_for_status()?.json().await?;
///     Ok(import["state"]["deviceImportStatus"].clone())
/// };
/// assert_eq!(status().await?, "unknown");
/// server.advance(Duration::from_mins(15))?;
/// while status().await? == "unknown" {}
/// assert_eq!(status().await?, "complete");
/// println!("{:#?}", server.report().findings);
/// # Ok(())
/// # }
/// ```
pub struct Server {
    url: String,
    secure_url: String,
    admin_url: String,
    authority: Arc<Authority>,
    rehearsal: Arc<Rehearsal>,
    shutdown: Shutdown,
    serving: Option<JoinHandle<()>>,
    /// Where the database is. Goes last.
    _directory: TempDir,
}

/// What may be otherwise.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// Which Graph is spoken: the documented one, unless the live one is asked for.
    pub behavior: Behavior,
    /// Whether tokens without a user are accepted: not, unless it is asked for.
    pub application_permissions: ApplicationPermissions,
    /// How long an import waits for its registration, by the rehearsal's clock: not at all.
    pub registration_delay: Duration,
    /// Whether the rehearsal's clock runs by itself: as the machine's does.
    pub time: Time,
}

/// Whether a clock runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As the machine's does.
    Runs,
    /// It moves only when told.
    Stands,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no such tenant.
    #[error("there is no tenant `{0}`; there are {1}")]
    Tenant(String, String),
    /// There is no such user in the tenant.
    #[error("the tenant `{0}` has no user `{1}`")]
    User(String, String),
    /// There is no client that could ask.
    #[error("there is no such client")]
    Client,
    /// It could not be made.
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            behavior: Behavior::Documented,
            application_permissions: ApplicationPermissions::Deny,
            registration_delay: Duration::ZERO,
            time: Time::Runs,
        }
    }
}

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    /// Where it can't start.
    pub fn start() -> Self {
        Self::start_with(ServerSettings::default())
    }

    /// Starts a server with settings.
    ///
    /// # Panics
    /// Where it can't start.
    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    pub fn start_with(settings: ServerSettings) -> Self {
        Self::try_start(settings).expect("the server starts")
    }

    fn try_start(settings: ServerSettings) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("hangar-").tempdir()?;
        let sockets = Sockets::bind()?;
        let url = format!("http://{}", sockets.plain.local_addr()?);
        let secure_url = format!("https://{}", sockets.secure.local_addr()?);
        let admin_url = format!("http://{}", sockets.admin.local_addr()?);
        let clock = Arc::new(RehearsalClock::in_memory(Arc::new(SystemClock)));
        if settings.time == Time::Stands {
            clock.run_at(0.0)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let file = directory.path().join("hangar.db");
        let database = format!("sqlite://{}", file.display());
        let store = store::open(&database, Opening::Serve(DatabaseKind::Rehearsal))?;
        let authority = Arc::new(Authority::in_memory(Directory::ready_made()?)?);
        let registration = RegistrarOptions {
            delay: SignedDuration::try_from(settings.registration_delay)?,
            ..RegistrarOptions::default()
        };
        let worlds = Worlds::open(Setting {
            database: file,
            store: Arc::clone(&store),
            directory: directory.path().join("rehearsal"),
            staff: Staff::new(registration, clock.clone(), By::Task),
            authority: Arc::clone(&authority),
            issuer: Authority::issuer_template(&url),
        })?;
        let rehearsal = {
            // The worlds' registrars work there.
            let _inside = runtime.enter();
            Rehearsal::new(clock.clone(), worlds)
        };
        rehearsal.know(Arc::clone(&authority));
        rehearsal.is_directed_at(&admin_url);
        let options = TestOptions {
            behavior: settings.behavior,
            application_permissions: settings.application_permissions,
            local_authority: LocalAuthority::Served,
            ..TestOptions::default()
        };
        let parts = Parts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            verifier: verifier_at(&[&url, &secure_url], &authority, clock),
            authority: Arc::clone(&authority),
            director: Some(rehearsal.clone()),
            url: &url,
            secure_url: Some(&secure_url),
        };
        let mut api = assemble(&options, parts);
        api.layers.transport_security = TransportSecurity::Withdrawn;
        let work = Work {
            api: Arc::new(api),
            admin: admin_router(&rehearsal),
            rehearsal: Arc::clone(&rehearsal),
            store,
        };
        let shutdown = Shutdown::default();
        let ending = shutdown.clone();
        let thread = thread::Builder::new().name("hangar".to_owned());
        let serving = thread.spawn(move || work.run(&runtime, sockets, &ending))?;
        Ok(Self {
            url,
            secure_url,
            admin_url,
            authority,
            rehearsal,
            shutdown,
            serving: Some(serving),
            _directory: directory,
        })
    }

    /// Where http is spoken, such as `http://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where https is spoken.
    pub fn secure_url(&self) -> &str {
        &self.secure_url
    }

    /// Where the control routes are, under `/rehearsal`, beside `/healthz`.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The certificate that clients have to trust, in PEM. All servers of a process have the same.
    pub fn ca_pem(&self) -> String {
        ca_pem()
    }

    /// A token of a user, by name, of a tenant, by name or id: with all that the user may do, for an
    /// hour of the rehearsal's clock.
    pub fn token(&self, tenant: &str, user: &str) -> Result<String, TokenError> {
        let directory = self.authority.directory();
        let tenant = self.tenant(tenant)?;
        let unknown = || TokenError::User(tenant.name.clone(), user.to_owned());
        let user = directory.find_user(user, Some(tenant.id));
        let client = directory.clients.first().ok_or(TokenError::Client)?;
        let subject = Subject::User {
            principal_name: user.ok_or_else(unknown)?.principal_name.clone(),
            client: client.id.clone(),
        };
        self.mint(&tenant, subject)
    }

    /// A token of an application in a tenant, which is accepted where the settings say so.
    pub fn application_token(&self, tenant: &str) -> Result<String, TokenError> {
        let tenant = self.tenant(tenant)?;
        let directory = self.authority.directory();
        let mut clients = directory.clients.iter();
        let client = clients.find(|client| !client.roles.is_empty());
        let client = client.ok_or(TokenError::Client)?.id.clone();
        self.mint(&tenant, Subject::Application { client })
    }

    /// Moves the rehearsal's clock forward. What is due then is done at once, but not before this
    /// returns.
    pub fn advance(&self, by: Duration) -> Result<(), ClockError> {
        let by = SignedDuration::try_from(by).map_err(|_| ClockError::TooFar)?;
        self.rehearsal.clock.advance(by)
    }

    /// What the callers could do better.
    pub fn report(&self) -> Report {
        self.rehearsal.journal.report()
    }

    fn tenant(&self, name: &str) -> Result<Tenant, TokenError> {
        let directory = self.authority.directory();
        directory.find_tenant(name).cloned().ok_or_else(|| {
            let known: Vec<_> = directory.tenants.iter().map(|one| &*one.name).collect();
            TokenError::Tenant(name.to_owned(), known.join(", "))
        })
    }

    fn mint(&self, tenant: &Tenant, subject: Subject) -> Result<String, TokenError> {
        Ok(self.authority.mint(&TokenRequest {
            issuer: Authority::issuer_template(&self.url),
            tenant: tenant.id,
            subject,
            scopes: Scopes::Granted,
            lifetime: TOKEN_LIFETIME,
            issued_at: self.rehearsal.clock.now(),
        })?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.request();
        if let Some(serving) = self.serving.take() {
            // A panic in there has been printed, and failed the requests that met it.
            let _ = serving.join();
        }
    }
}

/// What is listened on. Connections wait from here on.
struct Sockets {
    plain: TcpListener,
    secure: TcpListener,
    admin: TcpListener,
}

impl Sockets {
    fn bind() -> io::Result<Self> {
        let bind = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            io::Result::Ok(listener)
        };
        Ok(Self {
            plain: bind()?,
            secure: bind()?,
            admin: bind()?,
        })
    }
}

/// What the thread does.
struct Work {
    api: Arc<Api>,
    admin: axum::Router,
    rehearsal: Arc<Rehearsal>,
    store: Arc<dyn Store>,
}

impl Work {
    fn run(self, runtime: &Runtime, sockets: Sockets, ending: &Shutdown) {
        if let Err(error) = runtime.block_on(self.serve(sockets, ending)) {
            tracing::error!(%error, "the server ended");
        }
    }

    async fn serve(self, sockets: Sockets, ending: &Shutdown) -> io::Result<()> {
        let listen = tokio::net::TcpListener::from_std;
        let listeners = vec![
            Listener::plain(listen(sockets.plain)?),
            Listener::tls(listen(sockets.secure)?, secure_server()),
        ];
        let admin_listener = listen(sockets.admin)?;
        let mut tasks = JoinSet::new();
        let (admin, stop) = (self.admin, ending.clone());
        tasks.spawn(async move {
            let stop = async move { stop.requested().await };
            if let Err(error) = admin::serve(admin_listener, admin, stop).await {
                tracing::error!(%error, "the admin listener ended");
            }
        });
        let api = self.api;
        let answering = move |request, peer| Arc::clone(&api).answer(request, peer);
        let options = ServerOptions {
            drain_timeout: DRAIN,
            ..ServerOptions::default()
        };
        server::serve(listeners, answering, options, ending.requested()).await;
        while tasks.join_next().await.is_some() {}
        self.rehearsal.worlds.close().await;
        self.store.close().await;
        Ok(())
    }
}

/// The admin listener's routes. The metrics are the process's, and not shown.
fn admin_router(rehearsal: &Arc<Rehearsal>) -> axum::Router {
    let probed = Arc::clone(rehearsal);
    let probe: admin::Probe = Arc::new(move || {
        let rehearsal = Arc::clone(&probed);
        Box::pin(async move {
            Readiness::of([match rehearsal.worlds.check().await {
                Ok(()) => Check::passed("store"),
                Err(error) => Check::failed("store", error),
            }])
        })
    });
    let shown = Arc::clone(rehearsal);
    let rehearsed = admin::Rehearsed {
        router: rehearsal.router(),
        health: Arc::new(move || shown.health()),
    };
    let no_metrics: admin::RenderMetrics = Arc::new(String::new);
    admin::router(HostGuard::default(), probe, no_metrics, Some(rehearsed))
}
