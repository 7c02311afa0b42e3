//! `hangar serve`: starts every part of the service and ends them in order.

pub(super) mod listeners;
mod rehearsing;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinSet};

use self::listeners::{Addresses, Listeners, certificate, listen};
use super::{print, welcome};
use crate::{
    authority::{self, Authority},
    config::{self, GraphBehavior, Mode, Settings, Tenants},
    domain::clock::Clock,
    graph::behavior::Behavior,
    http::{
        admin::{self, Check, Readiness},
        api::{Api, Development},
        auth::{
            http_fetch::HttpFetcher,
            jwks::KeySet,
            key_source::KeySource,
            permission::{ApplicationPermissions, ConfigurationScopes, Policy},
            token::{AuthSettings, TokenVerifier},
        },
        error::challenge,
        extract::{
            base_url::{BaseUrl, BaseUrlPolicy},
            body::BodyBudget,
        },
        layers::{
            Layers,
            host_guard::HostGuard,
            limits::{BODY_BUDGET_BYTES, BODY_TIMEOUT},
            request_id::TransportSecurity,
            throttle::{Limits, RetryAfter, Throttle},
        },
        rehearsed::Director,
        server::{self, Drained, Listener, ServerOptions},
    },
    lifecycle::{DRAIN, Shutdown, SystemClock, data_directory::DataDirectory, supervisor},
    registrar::{self, Registrar, RegistrarOptions},
    rehearsal::{Rehearsal, clock::RehearsalClock},
    store::{self, DatabaseKind, OpenError, Opening, Store},
    telemetry::{logging, metrics},
    tls::Keeper,
};

/// How often the issuers' keys are looked at.
const KEY_REFRESH: Duration = Duration::from_hours(1);

/// How a server behaves towards whoever started it.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// It says where it listens in JSON, for programs.
    pub is_ready_in_json: bool,
    /// It ends when its standard input does.
    pub ends_with_stdin: bool,
    /// What a rehearsal begins with.
    pub seed: Option<PathBuf>,
}

/// Serves until the process is asked to end, on the database that the settings name.
pub(super) async fn run(settings: Settings, mode: Mode, manner: Manner) -> anyhow::Result<()> {
    let database = super::database(&settings.database);
    let kind = match mode {
        Mode::Dev => DatabaseKind::Development,
        Mode::Rehearse => DatabaseKind::Rehearsal,
        Mode::Serve => DatabaseKind::Production,
    };
    let open = || store::open(database, Opening::Serve(kind));
    run_on(settings, mode, manner, open).await
}

/// Serves on whatever store `open` gives, once the data directory is taken. The benchmark serves on
/// one that keeps nothing.
pub async fn run_on(
    settings: Settings,
    mode: Mode,
    manner: Manner,
    open: impl FnOnce() -> Result<Arc<dyn Store>, OpenError>,
) -> anyhow::Result<()> {
    logging::start(&settings.log)?;
    let recorded = metrics::install()?;
    let shutdown = Shutdown::on_signals()?;
    let machine: Arc<dyn Clock> = Arc::new(SystemClock);
    let keeper = certificate(&settings.server, machine.now())?;
    let directory = DataDirectory::take(&settings.data.dir)?;
    let seed = manner.seed.as_deref().map(rehearsing::seed).transpose()?;
    let (clock, rehearsed) = clocks(mode, &directory, &machine)?;
    let store = open()?;
    let served = keeper.as_ref().map(Keeper::served);
    let mut listeners = Listeners::bind(
        &settings.server,
        mode,
        served,
        directory.path(),
        machine.now(),
    )
    .await?;
    let admin_listener = listen(settings.server.admin_listen, "server.admin_listen").await?;
    let address = listeners.told();
    let admin_address = admin_listener.local_addr()?;

    let authority = mode
        .has_authority()
        .then(|| open_authority(&settings, &directory).map(Arc::new))
        .transpose()?;
    let addresses = listeners.addresses(settings.server.public_url.as_ref());
    let verifier = Arc::new(verifier(
        &settings,
        authority.as_deref(),
        &addresses,
        &clock,
    )?);
    let rehearsal = match (rehearsed, &authority) {
        (Some(clock), Some(authority)) => {
            let issuer = Authority::issuer_template(&addresses.usual);
            let ground = rehearsing::Ground::of(&settings, &directory, &store, authority, issuer);
            Some(rehearsing::begin(clock, ground, seed, manner.is_ready_in_json).await?)
        }
        _ => None,
    };
    let api = Arc::new(api(
        &settings,
        &store,
        &clock,
        &verifier,
        authority.clone(),
        &addresses,
        rehearsal.clone(),
    )?);

    let mut tasks = JoinSet::new();
    start_registering(
        &mut tasks,
        &settings,
        &store,
        &clock,
        rehearsal.clone(),
        &shutdown,
    );
    start_refreshing(&mut tasks, &verifier, &shutdown);
    if let Some(preparation) = listeners.preparation.take() {
        tasks.spawn_blocking(|| preparation.run());
    }
    if let Some(keeper) = keeper {
        start_until(&mut tasks, &shutdown, keeper.keep(Arc::clone(&machine)));
    }
    start_until(&mut tasks, &shutdown, metrics::keep_up(recorded.clone()));
    start_admin(
        &mut tasks,
        admin_listener,
        &settings,
        &store,
        recorded,
        rehearsal.clone(),
        &shutdown,
    );

    let greeting = greeting(
        &settings,
        mode,
        &manner,
        &listeners,
        admin_address,
        clock.now(),
    )?;
    print(&greeting)?;
    tracing::info!(%address, %admin_address, "listening");
    // Connections are taken from the moment of binding; nothing is left that could fail.
    supervisor::ready();
    start_farewell(&mut tasks, &shutdown);
    if manner.ends_with_stdin {
        end_with_stdin(shutdown.clone());
    }

    serve_to_the_end(listeners.sockets, api, &shutdown).await;
    // Nothing writes any more but what the registrar has begun.
    while tasks.join_next().await.is_some() {}
    if let Some(rehearsal) = rehearsal {
        rehearsal.worlds.close().await;
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What Autopilot's rules see of the time, and the same where its user sets it.
type Clocks = (Arc<dyn Clock>, Option<Arc<RehearsalClock>>);

fn clocks(
    mode: Mode,
    directory: &DataDirectory,
    machine: &Arc<dyn Clock>,
) -> anyhow::Result<Clocks> {
    if mode != Mode::Rehearse {
        return Ok((Arc::clone(machine), None));
    }
    let clock = rehearsing::clock(directory, machine)?;
    Ok((clock.clone(), Some(clock)))
}

/// What whoever started the server is told once it listens.
fn greeting(
    settings: &Settings,
    mode: Mode,
    manner: &Manner,
    listeners: &Listeners,
    admin_address: SocketAddr,
    now: Timestamp,
) -> anyhow::Result<String> {
    let addresses = listeners.addresses(settings.server.public_url.as_ref());
    let data_dir = &settings.data.dir;
    if let Some(note) = &listeners.note {
        tracing::warn!("{note}");
    }
    if manner.is_ready_in_json {
        return welcome::ready(&addresses, admin_address, data_dir);
    }
    let address = listeners.told();
    let mut text =
        format!("Hangar listens on {address} (health and metrics on http://{admin_address})\n");
    text.extend(listeners.note.iter().map(|note| format!("{note}\n")));
    if mode.has_authority() {
        text += &welcome::text(&addresses, data_dir, now)?;
    }
    Ok(text)
}

/// Answers until the process is asked to end, and then what is under way.
async fn serve_to_the_end(sockets: Vec<Listener>, api: Arc<Api>, shutdown: &Shutdown) {
    let answering = move |request, peer| Arc::clone(&api).answer(request, peer);
    let options = ServerOptions {
        drain_timeout: DRAIN,
        ..ServerOptions::default()
    };
    match server::serve(sockets, answering, options, shutdown.requested()).await {
        Drained::Completely => tracing::info!("every request was answered"),
        Drained::Dropped(connections) => {
            tracing::warn!(connections, "connections were dropped unanswered");
        }
    }
}

/// The local authority, whose tokens are for the first audience that is accepted.
fn open_authority(settings: &Settings, directory: &DataDirectory) -> anyhow::Result<Authority> {
    let authority = Authority::open(&directory.path().join("authority"), None)?;
    Ok(match settings.auth.audiences.first() {
        Some(audience) => authority.with_audience(audience),
        None => authority,
    })
}

fn verifier(
    settings: &Settings,
    authority: Option<&Authority>,
    addresses: &Addresses,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<TokenVerifier> {
    let auth = &settings.auth;
    let mut issuers: Vec<String> = auth
        .issuers
        .iter()
        .map(|issuer| issuer.as_str().to_owned())
        .collect();
    let mut local_issuers = Vec::new();
    let mut local_keys = None;
    if let Some(authority) = authority {
        let usual = Authority::issuer_template(&addresses.usual);
        authority.remember_issuer(&usual)?;
        let secure = addresses.secure.as_deref();
        local_issuers.push(usual);
        local_issuers.extend(secure.map(Authority::issuer_template));
        issuers.extend(local_issuers.iter().cloned());
        let keys = KeySet::parse(authority.jwks().to_string().as_bytes())?;
        local_keys = Some(Arc::new(keys));
    }
    let auth_settings = AuthSettings {
        issuers,
        audiences: auth.audiences.clone(),
        tenants: match &auth.tenants {
            Tenants::Only(tenants) => tenants.clone(),
            Tenants::OfIssuers | Tenants::Any => Vec::new(),
        },
        jwks_refetch_interval: auth.jwks_refetch_interval,
        jwks_max_stale: auth.jwks_max_stale,
    };
    let fetcher = Arc::new(HttpFetcher::default());
    let key_source = |issuer: &str| match &local_keys {
        Some(keys) if local_issuers.iter().any(|local| local == issuer) => {
            KeySource::Local(Arc::clone(keys))
        }
        _ => KeySource::Remote(fetcher.clone()),
    };
    Ok(TokenVerifier::new(
        &auth_settings,
        Arc::clone(clock),
        key_source,
    )?)
}

fn api(
    settings: &Settings,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    verifier: &Arc<TokenVerifier>,
    authority: Option<Arc<Authority>>,
    addresses: &Addresses,
    rehearsal: Option<Arc<Rehearsal>>,
) -> anyhow::Result<Api> {
    let behavior = match settings.graph.behavior {
        GraphBehavior::Documented => Behavior::Documented,
        GraphBehavior::Observed => Behavior::Observed,
    };
    let trusted = settings.server.clone();
    let public_url = settings.server.public_url.clone();
    let authority_address = match settings.auth.issuers.first() {
        Some(issuer) => authority_of(issuer.as_str()),
        None => addresses.usual.clone(),
    };
    Ok(Api {
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        verifier: Arc::clone(verifier),
        policy: Policy {
            application_permissions: match settings.auth.application_permissions {
                config::ApplicationPermissions::Deny => ApplicationPermissions::Deny,
                config::ApplicationPermissions::Allow => ApplicationPermissions::Allow,
            },
            configuration_scopes: if settings.auth.accept_configuration_scopes {
                ConfigurationScopes::Accepted
            } else {
                ConfigurationScopes::Ignored
            },
        },
        behavior,
        throttle: throttle(&settings.throttle),
        assignment: settings.profiles.clone(),
        sync: settings.sync,
        max_import: settings.registration.max_import,
        bodies: BodyBudget::new(BODY_BUDGET_BYTES),
        body_timeout: BODY_TIMEOUT,
        layers: Layers {
            clock: Arc::clone(clock),
            behavior,
            base_url: BaseUrlPolicy {
                public_url: public_url
                    .as_ref()
                    .map(|url| BaseUrl::parse(url.as_str()))
                    .transpose()?,
                trusts_proxy: Arc::new(move |peer: IpAddr| trusted.trusts(peer)),
            },
            challenge: challenge(&authority_address)
                .context("auth.issuers can't be named in a header")?,
            transport_security: match authority {
                None => TransportSecurity::OneYear,
                // A browser would keep to it for every other program on this machine.
                Some(_) => TransportSecurity::Withdrawn,
            },
        },
        development: authority.map(|authority| {
            let router = |address: &str| {
                let authority = Arc::clone(&authority);
                authority.router(address, Arc::clone(clock))
            };
            Development {
                guard: HostGuard::new(public_url),
                authority: router(&addresses.usual),
                secure_authority: addresses.secure.as_deref().map(router),
                is_authority_path: authority::serves,
            }
        }),
        director: rehearsal.map(|rehearsal| rehearsal as Arc<dyn Director>),
    })
}

fn throttle(settings: &config::Throttle) -> Option<Throttle> {
    let limits = Limits {
        app_requests: settings.share_of(settings.app_requests),
        tenant_requests: settings.share_of(settings.tenant_requests),
        app_writes: settings.share_of(settings.app_writes),
        tenant_writes: settings.share_of(settings.tenant_writes),
    };
    let retry_after = match settings.retry_after {
        config::RetryAfter::Send => RetryAfter::Sent,
        config::RetryAfter::Omit => RetryAfter::Omitted,
    };
    let throttle = Throttle::new(limits, settings.window, retry_after);
    settings.enabled.then_some(throttle)
}

/// Where an issuer gives tokens: scheme and host, as clients are told in `WWW-Authenticate`.
fn authority_of(issuer: &str) -> String {
    issuer.parse::<url::Url>().map_or_else(
        |_| issuer.to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

fn registrar_options(settings: &Settings) -> RegistrarOptions {
    RegistrarOptions {
        validation: settings.registration.hash_validation,
        delay: SignedDuration::try_from(settings.registration.delay).unwrap_or(SignedDuration::MAX),
        ..RegistrarOptions::default()
    }
}

/// Starts what settles imports, and what counts those that wait.
fn start_registering(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    rehearsal: Option<Arc<Rehearsal>>,
    shutdown: &Shutdown,
) {
    if let Some(rehearsal) = rehearsal {
        // Its worlds have registrars of their own.
        let reported = rehearsing::report_waiting(rehearsal);
        return start_until(tasks, shutdown, reported);
    }
    start_registrar(tasks, settings, store, clock, shutdown);
    let reported = registrar::report_waiting(Arc::clone(store));
    start_until(tasks, shutdown, reported);
}

fn start_registrar(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    shutdown: &Shutdown,
) {
    let options = registrar_options(settings);
    let registrar = Registrar::new(Arc::clone(store), Arc::clone(clock), options);
    let shutdown = shutdown.clone();
    tasks.spawn(async move { registrar.run(shutdown.requested()).await });
}

fn start_refreshing(tasks: &mut JoinSet<()>, verifier: &Arc<TokenVerifier>, shutdown: &Shutdown) {
    let verifier = Arc::clone(verifier);
    start_until(tasks, shutdown, async move {
        loop {
            verifier.refresh_due().await;
            tokio::time::sleep(KEY_REFRESH).await;
        }
    });
}

fn start_admin(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    settings: &Settings,
    store: &Arc<dyn Store>,
    recorded: PrometheusHandle,
    rehearsal: Option<Arc<Rehearsal>>,
    shutdown: &Shutdown,
) {
    let probed = (Arc::clone(store), rehearsal.clone());
    let probe: admin::Probe = Arc::new(move || {
        let (store, rehearsal) = probed.clone();
        Box::pin(async move {
            let checked = match rehearsal {
                // Another store may have taken the place of that one.
                Some(rehearsal) => rehearsal.worlds.check().await,
                None => store.check().await.map_err(|error| error.to_string()),
            };
            Readiness::of([match checked {
                Ok(()) => Check::passed("store"),
                Err(error) => Check::failed("store", error),
            }])
        })
    });
    let guard = HostGuard::new(settings.server.public_url.clone());
    let render: admin::RenderMetrics = Arc::new(move || recorded.render());
    let router = admin::router(guard, probe, render, rehearsal.map(rehearsing::on_admin));
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        let stop = async move { shutdown.requested().await };
        let served = admin::serve(listener, router, stop);
        if let Err(error) = served.await {
            tracing::error!(%error, "the admin listener ended");
        }
    });
}

/// Tells the supervisor that the service stops as soon as it is asked to: draining takes a while.
fn start_farewell(tasks: &mut JoinSet<()>, shutdown: &Shutdown) {
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        shutdown.requested().await;
        supervisor::stopping();
    });
}

/// Asks for the end once the standard input is over. The thread is not waited for.
fn end_with_stdin(shutdown: Shutdown) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        shutdown.request();
    });
}

/// Starts something that has nothing to finish: it ends where it stands.
fn start_until(
    tasks: &mut JoinSet<()>,
    shutdown: &Shutdown,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = task => {}
            () = shutdown.requested() => {}
        }
    });
}
