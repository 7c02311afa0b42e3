//! How soon what was accepted is decided: after a load, and on an idle server.

use std::time::{Duration, Instant};

use anyhow::ensure;
use rusqlite::{Connection, OpenFlags};

use super::Place;
use crate::{
    body::{Bodies, Content},
    client::Client,
    server::Server,
    summary::{median, ms},
};

/// The options of a server that decides at once.
pub(crate) const AT_ONCE: &[&str] = &["--registration-delay", "0s"];

/// More than this means that the registrar is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// Waits until nothing waits to be decided; says how long that took. So many devices must be
/// registered then.
pub(crate) fn drain(server: &Server, devices: u64) -> anyhow::Result<Duration> {
    let started = Instant::now();
    // The database itself is asked: a page of the list would cost the server more than a lookup.
    let connection = Connection::open_with_flags(
        server.database(),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let mut waiting = connection.prepare("SELECT EXISTS (SELECT 1 FROM import WHERE state = 0)")?;
    while waiting.query_row([], |row| row.get::<_, bool>(0))? {
        ensure!(
            started.elapsed() < PATIENCE,
            "imports still wait after {PATIENCE:?}"
        );
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
    }
    let backlog = started.elapsed();
    let registered: u64 =
        connection.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
    ensure!(
        registered == devices,
        "{devices} devices were sent and {registered} are registered"
    );
    Ok(backlog)
}

/// The median of the milliseconds from a 201 until a GET shows the outcome. One connection, which
/// asks again and again, on a server that has nothing else to do.
pub(crate) fn idle(place: &Place, samples: u32) -> anyhow::Result<f64> {
    let directory = place.empty()?;
    let server = Server::hangar(&place.hangar, directory.path(), AT_ONCE)?;
    let mut client = Client::connect(&server.address, &server.token()?)?;
    let mut bodies = Bodies::new(Content::Padded, 1)?;
    let mut times = Vec::new();
    for _ in 0..samples {
        let mut body = Vec::new();
        bodies.write_next(&mut body);
        let id = client.create(&body)?;
        let created = Instant::now();
        let status = loop {
            let status = client.status(&id)?;
            if status != "unknown" {
                break status;
            }
            ensure!(created.elapsed() < PATIENCE, "{id} is not decided");
        };
        times.push(ms(created.elapsed()));
        ensure!(status == "complete", "{id} ended as {status}");
    }
    server.stop()?;
    Ok(median(times))
}
