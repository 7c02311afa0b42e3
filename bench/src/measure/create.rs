//! Creates a second: Hangar, the Hangar before if one is named, Hangar settling, the ceiling and the disk, one after the other in
//! every repeat, so that a machine that wanders does so for all of them.

use std::{path::Path, time::Duration};

use super::{Place, settled, under_load};
use crate::{
    body::Content,
    disk,
    load::{Load, Loaded},
    requests::Creates,
    results::{Before, CreateRow, Series, Served, Settling},
    server::Server,
    summary::median,
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) connections: usize,
    pub(crate) content: Content,
    /// How long each contender runs.
    pub(crate) time: Duration,
    pub(crate) repeats: u32,
    /// Whether to measure creating and settling too, and the program before.
    pub(crate) settling: bool,
}

/// One repeat.
struct Round {
    hangar: Served,
    before: Option<Served>,
    settling: Option<(Served, f64, Duration)>,
    ceiling: Served,
    disk: f64,
}

/// Measures a row of the table.
pub(crate) fn row(place: &Place, case: Case) -> anyhow::Result<CreateRow> {
    let mut rounds = Vec::new();
    for repeat in 1..=case.repeats {
        eprintln!(
            "{} connections, {:?} hashes: {repeat} of {}",
            case.connections, case.content, case.repeats
        );
        rounds.push(round(place, case)?);
    }
    let of_ceiling = ratios(&rounds, |round| {
        Some(round.hangar.per_second / round.ceiling.per_second)
    });
    let of_disk = ratios(&rounds, |round| Some(round.hangar.per_second / round.disk));
    let settled_of_ceiling = ratios(&rounds, |round| {
        Some(round.settling.as_ref()?.1 / round.ceiling.per_second)
    });
    let of_before = ratios(&rounds, |round| {
        Some(round.hangar.per_second / round.before.as_ref()?.per_second)
    });
    let disk_per_second = ratios(&rounds, |round| Some(round.disk));

    let (mut hangar, mut ceiling, mut settling) = (Vec::new(), Vec::new(), Vec::new());
    let (mut settled, mut backlogs, mut before) = (Vec::new(), Vec::new(), Vec::new());
    for round in rounds {
        hangar.push(round.hangar);
        ceiling.push(round.ceiling);
        before.extend(round.before);
        if let Some((served, per_second, backlog)) = round.settling {
            settling.push(served);
            settled.push(per_second);
            backlogs.push(backlog.as_secs_f64());
        }
    }
    Ok(CreateRow {
        connections: case.connections,
        hangar: Series::of(hangar),
        before: (!before.is_empty()).then(|| Before {
            served: Series::of(before),
            of_before,
        }),
        settling: case.settling.then(|| Settling {
            served: Series::of(settling),
            per_second: median(settled),
            of_ceiling: settled_of_ceiling,
            backlog_seconds: median(backlogs),
        }),
        ceiling: Series::of(ceiling),
        disk_per_second,
        of_ceiling,
        of_disk,
    })
}

fn ratios(rounds: &[Round], number: fn(&Round) -> Option<f64>) -> f64 {
    median(rounds.iter().filter_map(number))
}

fn round(place: &Place, case: Case) -> anyhow::Result<Round> {
    let hangar = paused(place, &place.hangar, case)?;
    let before = match &place.before {
        Some(before) if case.settling => Some(paused(place, before, case)?),
        _ => None,
    };

    let settling = if case.settling {
        let directory = place.empty()?;
        let server = Server::hangar(&place.hangar, directory.path(), settled::AT_ONCE)?;
        let (seen, loaded) = load(&server, case)?;
        let backlog = settled::drain(&server, loaded.requests)?;
        server.stop()?;
        let seconds = Duration::from_secs_f64(loaded.seconds) + backlog;
        let per_second = crate::summary::per_second(loaded.requests, seconds);
        Some((seen, per_second, backlog))
    } else {
        None
    };

    let directory = place.empty()?;
    let server = Server::ceiling(&place.hangar, directory.path())?;
    let (ceiling, _) = load(&server, case)?;
    server.stop()?;

    let directory = place.empty()?;
    let disk = disk::run(directory.path(), case.time, case.content)?;
    Ok(Round {
        hangar,
        before,
        settling,
        ceiling,
        disk,
    })
}

/// The registrar is paused, so that creating is measured alone.
fn paused(place: &Place, hangar: &Path, case: Case) -> anyhow::Result<Served> {
    let directory = place.empty()?;
    let options = ["--registration-delay", "1h"];
    let server = Server::hangar(hangar, directory.path(), &options)?;
    let (seen, _) = load(&server, case)?;
    server.stop()?;
    Ok(seen)
}

fn load(server: &Server, case: Case) -> anyhow::Result<(Served, Loaded)> {
    let load = Load::for_a_time(server, server.token()?, case.connections, case.time);
    under_load(server, &load, Creates::new(case.content, 1)?)
}
