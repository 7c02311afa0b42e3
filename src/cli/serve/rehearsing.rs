//! What `serve --rehearse` starts besides: the rehearsal, and its place on the admin listener.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::{
    domain::clock::Clock,
    http::admin,
    lifecycle::data_directory::DataDirectory,
    rehearsal::{Rehearsal, clock::RehearsalClock},
};

/// Where the clock's course is kept, in the data directory.
const CLOCK_FILE: &str = "rehearsal-clock.json";

/// The rehearsal, whose own files are beside the database.
pub(super) fn open(
    directory: &DataDirectory,
    machine: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Rehearsal>> {
    let file = directory.path().join(CLOCK_FILE);
    let clock = RehearsalClock::open(Arc::clone(machine), &file)?;
    Ok(Arc::new(Rehearsal::new(Arc::new(clock))))
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
