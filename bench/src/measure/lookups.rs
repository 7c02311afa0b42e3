//! GET of an import by its id: how many a second, and how long one takes while others create.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::anyhow;

use super::{Place, under_load};
use crate::{
    body::{Content, in_lot},
    load::{self, Load},
    requests::{Creates, Lookups},
    results::{LookupRow, Series, Together, WhileCreating},
    rows::{Rows, UNUSED_LOT},
    server::Server,
    summary::median,
};

/// How many connections look imports up, where it is not said otherwise.
pub(crate) const CONNECTIONS: usize = 16;

/// How many create while one looks up.
const CREATING: usize = 64;

/// Looks imports up in a server over these rows.
pub(crate) fn measure(
    server: &Server,
    rows: Rows,
    connections: usize,
    time: Duration,
    repeats: u32,
) -> anyhow::Result<LookupRow> {
    let token = server.token()?;
    let load = Load::for_a_time(server, token, connections, time);
    let look_up = |repeat| Ok(under_load(server, &load, Lookups::new(rows, repeat))?.0);
    let repeats = (1..=u64::from(repeats)).map(look_up);
    Ok(LookupRow {
        rows: rows.large,
        connections,
        served: Series::of(repeats.collect::<anyhow::Result<_>>()?),
    })
}

/// Looks imports up on one connection while 64 create, on copies of the database in this directory.
pub(crate) fn while_creating(
    place: &Place,
    database: &Path,
    rows: Rows,
    time: Duration,
    repeats: u32,
) -> anyhow::Result<WhileCreating> {
    let mut rounds = Vec::new();
    for repeat in 1..=u64::from(repeats) {
        let directory = place.empty()?;
        fs::copy(
            database.join("hangar.db"),
            directory.path().join("hangar.db"),
        )?;
        let server = Server::hangar(&place.hangar, directory.path(), &[])?;
        rounds.push(together(&server, Lookups::new(rows, repeat), time)?);
        server.stop()?;
    }
    let middle = |number: fn(&Together) -> f64| median(rounds.iter().map(number));
    Ok(WhileCreating {
        rows: rows.large,
        lookups_per_second: middle(|one| one.lookups.per_second),
        p50_ms: middle(|one| one.lookups.p50_ms),
        p99_ms: middle(|one| one.lookups.p99_ms),
        slowest_ms: middle(|one| one.lookups.slowest_ms),
        creates_per_second: middle(|one| one.creates.per_second),
        repeats: rounds,
    })
}

fn together(server: &Server, lookups: Lookups, time: Duration) -> anyhow::Result<Together> {
    let token = server.token()?;
    let creates = Creates::new(Content::Padded, in_lot(UNUSED_LOT, 0))?;
    let creating = Load::for_a_time(server, token.clone(), CREATING, time);
    let looking_up = Load::for_a_time(server, token, 1, time);
    thread::scope(|scope| {
        // Two generators: one that was busy writing requests would delay the other's clock.
        let creates = scope.spawn(|| load::run(&creating, creates));
        let lookups = load::run(&looking_up, lookups)?;
        let creates = creates
            .join()
            .map_err(|_| anyhow!("the load ended badly"))??;
        Ok(Together { lookups, creates })
    })
}
