//! `hangar serve`: starts every part of the service and ends them in order.

mod assembly;
pub(super) mod listeners;
mod manner;
mod rehearsing;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinSet};

pub use self::manner::Manner;
use self::{
    assembly::{api, open_authority, verifier},
    listeners::{Listeners, certificate, listen},
    manner::end_with_stdin,
};
use super::{print, welcome};
use crate::{
    authority::Authority,
    config::{Mode, Settings},
    domain::clock::Clock,
    http::{
        admin::{self, Check, Readiness},
        api::Api,
        auth::token::TokenVerifier,
        layers::host_guard::HostGuard,
        server::{self, Drained, Listener, ServerOptions},
    },
    lifecycle::{DRAIN, Shutdown, SystemClock, data_directory::DataDirectory, supervisor},
    registrar::{Registrar, RegistrarOptions, expiry::Expiry, waiting},
    rehearsal::{Rehearsal, clock::RehearsalClock},
    store::{self, DatabaseKind, OpenError, Opening, Store},
    telemetry::{logging, metrics},
    tls::Keeper,
};

/// How often the issuers' keys are looked at.
const KEY_REFRESH: Duration = Duration::from_hours(1);

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
    let told = Shutdown::on_signals()?;
    let shutdown = Shutdown::default();
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

    let authority = open_authority(mode, &settings, &directory)?;
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
    start_leaving(&mut tasks, settings.server.stop_delay, &told, &shutdown);
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
        (told.clone(), shutdown.clone()),
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
    start_farewell(&mut tasks, &told);
    if manner.ends_with_stdin {
        end_with_stdin(told);
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
        let count = move || {
            let rehearsal = Arc::clone(&rehearsal);
            async move { Some(rehearsal.worlds.count_waiting().await) }
        };
        return start_until(tasks, shutdown, waiting::report(count));
    }
    start_registrar(tasks, settings, store, clock, shutdown);
    let store = Arc::clone(store);
    let count = move || {
        let store = Arc::clone(&store);
        async move { store.count_waiting().await.ok() }
    };
    start_until(tasks, shutdown, waiting::report(count));
}

/// Begins to end a while after the process was told to: until then it is not ready any more, and
/// works on for whoever has not noticed.
fn start_leaving(
    tasks: &mut JoinSet<()>,
    stop_delay: Duration,
    told: &Shutdown,
    shutdown: &Shutdown,
) {
    let (told, shutdown) = (told.clone(), shutdown.clone());
    tasks.spawn(async move {
        told.requested().await;
        tokio::time::sleep(stop_delay).await;
        shutdown.request();
    });
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
    if let Some(keep) = settings.registration.keep_settled {
        let expiry = Expiry::new(Arc::clone(store), Arc::clone(clock), keep);
        start_until(tasks, shutdown, async move { expiry.run().await });
    }
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
    (told, shutdown): (Shutdown, Shutdown),
) {
    let probed = (Arc::clone(store), rehearsal.clone());
    let probe: admin::Probe = Arc::new(move || {
        let (store, rehearsal) = probed.clone();
        let is_leaving = told.is_requested();
        Box::pin(async move {
            let checked = match rehearsal {
                // Another store may have taken the place of that one.
                Some(rehearsal) => rehearsal.worlds.check().await,
                None => store.check().await.map_err(|error| error.to_string()),
            };
            let mut checks = vec![match checked {
                Ok(()) => Check::passed("store"),
                Err(error) => Check::failed("store", error),
            }];
            if is_leaving {
                checks.push(Check::failed("process", "it was told to end"));
            }
            Readiness::of(checks)
        })
    });
    let guard = HostGuard::new(settings.server.public_url.clone());
    let render: admin::RenderMetrics = Arc::new(move || recorded.render());
    let router = admin::router(
        guard,
        probe,
        render,
        rehearsal.map(|rehearsal| rehearsing::on_admin(rehearsal, &listener)),
    );
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
