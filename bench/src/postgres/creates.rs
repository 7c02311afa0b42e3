//! Creates a second: Hangar in one process and in several, and its yardsticks, one after the other
//! in every repeat, each on an empty database of one server.

use std::{thread, time::Duration};

use anyhow::ensure;

use super::{
    cluster::Cluster,
    results::{Contender, Contest, Entry, Measured},
    yardsticks,
};
use crate::{
    body::Content,
    load::{self, Load, Target},
    measure::{
        Place,
        settled::{self, PATIENCE},
    },
    requests::Creates,
    server::Server,
    summary,
};

/// The database of whoever is measured.
const DATABASE: &str = "contender";

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) connections: usize,
    /// How long each contender runs.
    pub(crate) time: Duration,
    pub(crate) repeats: u32,
    /// Whether all contenders take part, or only those that every number of connections has.
    pub(crate) all: bool,
}

/// Measures what so many connections can do.
pub(crate) fn contest(place: &Place, cluster: &Cluster, case: Case) -> anyhow::Result<Contest> {
    let contenders = Contender::ALL.iter().copied();
    let contenders = contenders.filter(|contender| case.all || contender.is_everywhere());
    let mut entries: Vec<_> = contenders.map(Entry::new).collect();
    for repeat in 1..=case.repeats {
        let (connections, repeats) = (case.connections, case.repeats);
        eprintln!("{connections} connections: {repeat} of {repeats}");
        for entry in &mut entries {
            cluster.make(DATABASE)?;
            let measured = measure(place, cluster, case, entry.contender)?;
            cluster.remove(DATABASE)?;
            entry.repeats.push(measured);
        }
    }
    Ok(Contest {
        connections: case.connections,
        entries,
    })
}

fn measure(
    place: &Place,
    cluster: &Cluster,
    case: Case,
    contender: Contender,
) -> anyhow::Result<Measured> {
    match contender {
        Contender::Hangar(processes) => hangar(place, cluster, case, (processes, PAUSED)),
        Contender::Settled(processes) => {
            hangar(place, cluster, case, (processes, settled::AT_ONCE))
        }
        Contender::Peer => yardsticks::peer(cluster, DATABASE, case.connections, case.time),
        Contender::Disk => yardsticks::disk(cluster, DATABASE, case.time),
        Contender::Pool => yardsticks::pool(cluster, DATABASE, case.connections, case.time),
    }
}

/// The options of a server that decides nothing, so that creating is measured alone.
const PAUSED: &[&str] = &["--registration-delay", "1h"];

/// Starts Hangar over a database.
pub(crate) fn start(
    place: &Place,
    data_dir: &std::path::Path,
    url: &str,
    options: &[&str],
) -> anyhow::Result<Server> {
    let options = [&["--database-url", url], options].concat();
    Server::hangar(&place.hangar, data_dir, &options)
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn hangar(
    place: &Place,
    cluster: &Cluster,
    case: Case,
    (processes, options): (usize, &[&str]),
) -> anyhow::Result<Measured> {
    let url = cluster.url(DATABASE);
    // Several share the processors, as each would be told where they share a machine.
    let workers = thread::available_parallelism()?.get().div_ceil(processes);
    let workers = workers.to_string();
    let given = [options, &["--server-workers", &workers]].concat();
    let mut servers = Vec::new();
    for _ in 0..processes {
        // For its authority's keys.
        let directory = place.empty()?;
        servers.push((start(place, directory.path(), &url, &given)?, directory));
    }
    let mut targets = Vec::new();
    for (server, _) in &servers {
        targets.push(Target {
            address: server.address.clone(),
            tokens: vec![server.token()?],
        });
    }
    let load = Load {
        targets,
        connections: case.connections,
        time: case.time,
        requests: u64::MAX,
    };
    let own =
        || -> anyhow::Result<Duration> { servers.iter().map(|(server, _)| server.cpu()).sum() };
    let before = (cluster.cpu()?, own()?);
    let loaded = load::run(&load, Creates::new(Content::Padded, 1)?)?;
    let mut seconds = Duration::from_secs_f64(loaded.seconds);
    let mut backlog = None;
    if options == settled::AT_ONCE {
        let time = drain(cluster, loaded.requests)?;
        seconds += time;
        backlog = Some(time.as_secs_f64());
    }
    let database = cluster.cpu()?.saturating_sub(before.0);
    let all = database + own()?.saturating_sub(before.1);
    let made = cluster.ask(DATABASE, "SELECT count(*) FROM import")?;
    ensure!(
        made == [[loaded.requests.to_string()]],
        "{} creates were answered, and {made:?} rows are there",
        loaded.requests
    );
    for (server, _) in servers {
        server.stop()?;
    }
    Ok(Measured {
        per_second: summary::per_second(loaded.requests, seconds),
        p50_ms: Some(loaded.p50_ms),
        p99_ms: Some(loaded.p99_ms),
        slowest_ms: Some(loaded.slowest_ms),
        cpu_us: all.as_secs_f64() * 1e6 / loaded.requests as f64,
        database_cpu_us: database.as_secs_f64() * 1e6 / loaded.requests as f64,
        backlog_seconds: backlog,
    })
}

/// Waits until nothing waits to be decided; says how long that took. So many devices must be
/// registered then.
fn drain(cluster: &Cluster, devices: u64) -> anyhow::Result<Duration> {
    let began = std::time::Instant::now();
    let waiting = "SELECT 1 FROM import WHERE state = 0 LIMIT 1";
    while !cluster.ask(DATABASE, waiting)?.is_empty() {
        ensure!(
            began.elapsed() < PATIENCE,
            "imports still wait after {PATIENCE:?}"
        );
        cluster.pause();
    }
    let time = began.elapsed();
    let registered = cluster.ask(DATABASE, "SELECT count(*) FROM device")?;
    ensure!(
        registered == [[devices.to_string()]],
        "{devices} devices were sent and {registered:?} are registered"
    );
    Ok(time)
}
