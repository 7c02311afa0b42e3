//! What `serve --rehearse` starts besides: the rehearsal, its worlds, and its place on the admin
//! listener.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use tokio::net::TcpListener;

use crate::{
    authority::Authority,
    cli::print,
    config::Settings,
    domain::clock::Clock,
    http::admin,
    lifecycle::data_directory::DataDirectory,
    registrar::RegistrarOptions,
    rehearsal::{
        Rehearsal,
        clock::{self, RehearsalClock},
        worlds::{By, MAIN, Setting, Staff, Worlds, seed::Seed},
    },
    store::Store,
};

/// Where forks and snapshots are kept, in the data directory.
const WORLDS_DIRECTORY: &str = "rehearsal";

/// The rehearsal's clock, whose own file is beside the database.
pub(super) fn clock(
    directory: &DataDirectory,
    machine: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<RehearsalClock>> {
    let file = directory.path().join(clock::FILE);
    let clock = RehearsalClock::open(Arc::clone(machine), &file)?;
    Ok(Arc::new(clock))
}

/// What a rehearsal stands on.
pub(super) struct Ground<'a> {
    database_url: &'a str,
    registrar: RegistrarOptions,
    keep_settled: Option<SignedDuration>,
    directory: &'a DataDirectory,
    store: &'a Arc<dyn Store>,
    authority: &'a Arc<Authority>,
    issuer: String,
}

impl<'a> Ground<'a> {
    pub(super) fn of(
        settings: &'a Settings,
        directory: &'a DataDirectory,
        store: &'a Arc<dyn Store>,
        authority: &'a Arc<Authority>,
        issuer: String,
    ) -> Self {
        Self {
            database_url: settings.database.url.expose_secret(),
            registrar: super::registrar_options(settings),
            keep_settled: settings.registration.keep_settled,
            directory,
            store,
            authority,
            issuer,
        }
    }
}

/// The rehearsal, with what a seed brings. From here on its registrars work.
pub(super) async fn begin(
    clock: Arc<RehearsalClock>,
    ground: Ground<'_>,
    seed: Option<Seed>,
    is_quiet: bool,
) -> anyhow::Result<Arc<Rehearsal>> {
    let rehearsal = open(clock, ground)?;
    if let Some(seed) = seed {
        let told = load(&rehearsal, seed).await?;
        // A program that reads one line of JSON is told nothing else.
        if is_quiet {
            tracing::info!("{told}");
        } else {
            print(&format!("{told}\n"))?;
        }
    }
    Ok(rehearsal)
}

fn open(clock: Arc<RehearsalClock>, ground: Ground<'_>) -> anyhow::Result<Arc<Rehearsal>> {
    let Some(("sqlite", database)) = ground.database_url.split_once("://") else {
        bail!("a rehearsal keeps everything in SQLite");
    };
    let worlds = Worlds::open(Setting {
        database: database.into(),
        store: Arc::clone(ground.store),
        directory: ground.directory.path().join(WORLDS_DIRECTORY),
        staff: Staff::new(ground.registrar, clock.clone(), By::Task).keeping(ground.keep_settled),
        authority: Arc::clone(ground.authority),
        issuer: ground.issuer,
    })?;
    let rehearsal = Rehearsal::new(clock, worlds);
    rehearsal.know(Arc::clone(ground.authority));
    Ok(rehearsal)
}

/// Reads the seed file that a server is to start with.
pub(super) fn seed(file: &Path) -> anyhow::Result<Seed> {
    let name = file.display();
    let text = fs::read(file).with_context(|| format!("the seed {name} can't be read"))?;
    Seed::read(&text).with_context(|| format!("the seed {name}"))
}

/// Loads a seed into a world that has nothing yet, and says what it has brought.
async fn load(rehearsal: &Rehearsal, seed: Seed) -> anyhow::Result<String> {
    if !rehearsal.worlds.is_empty(MAIN).await? {
        return Ok("The seed is not loaded: the data directory has a world already. `hangar rehearse reset` empties it.".to_owned());
    }
    let seeded = rehearsal.worlds.seed(MAIN, seed).await;
    Ok(format!(
        "The seed has brought {}.",
        seeded.context("the seed")?
    ))
}

/// What the rehearsal adds to the admin listener.
pub(super) fn on_admin(rehearsal: Arc<Rehearsal>, listener: &TcpListener) -> admin::Rehearsed {
    if let Ok(address) = listener.local_addr() {
        rehearsal.is_directed_at(&format!("http://{address}"));
    }
    admin::Rehearsed {
        router: rehearsal.router(),
        health: Arc::new(move || rehearsal.health()),
    }
}
