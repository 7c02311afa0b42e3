//! `$batch` of creates against single creates, over the same number of connections.

use std::time::Duration;

use anyhow::ensure;

use super::{Place, under_load};
use crate::{
    body::Content,
    client::Client,
    load::Load,
    requests::{Batches, Creates},
    results::{BatchRow, Series, Served},
    server::Server,
    summary::median,
};

/// How many creates a batch has: the most that Graph takes.
pub(crate) const PARTS: u32 = 20;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Connections, each with one batch or one create under way.
    pub(crate) connections: usize,
    /// How long each contender runs.
    pub(crate) time: Duration,
    pub(crate) repeats: u32,
}

/// Measures a row of the table.
pub(crate) fn row(place: &Place, case: Case) -> anyhow::Result<BatchRow> {
    let (mut batches, mut singles, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for repeat in 1..=case.repeats {
        eprintln!(
            "batches, {} connections: {repeat} of {}",
            case.connections, case.repeats
        );
        let batch = batched(place, case)?;
        let single = single(place, case)?;
        ratios.push(batch.per_second * f64::from(PARTS) / single.per_second);
        batches.push(batch);
        singles.push(single);
    }
    let batches = Series::of(batches);
    Ok(BatchRow {
        connections: case.connections,
        parts: PARTS,
        rows_per_second: batches.median.per_second * f64::from(PARTS),
        batches,
        singles: Series::of(singles),
        of_single: median(ratios),
    })
}

fn batched(place: &Place, case: Case) -> anyhow::Result<Served> {
    let directory = place.empty()?;
    let server = start(place, directory.path())?;
    let token = server.token()?;
    let load = Load::for_a_time(&server, token.clone(), case.connections, case.time);
    let (seen, loaded) = under_load(&server, &load, Batches::new(PARTS)?)?;
    // A batch is answered with 200 whatever became of its parts.
    let created = Client::connect(&server.address, &token)?.count_imports()?;
    let sent = loaded.requests * u64::from(PARTS);
    ensure!(created == sent, "{created} of {sent} imports were created");
    server.stop()?;
    Ok(seen)
}

fn single(place: &Place, case: Case) -> anyhow::Result<Served> {
    let directory = place.empty()?;
    let server = start(place, directory.path())?;
    let load = Load::for_a_time(&server, server.token()?, case.connections, case.time);
    let (seen, _) = under_load(&server, &load, Creates::new(Content::Padded, 1)?)?;
    server.stop()?;
    Ok(seen)
}

/// The registrar is paused, so that creating is measured alone.
fn start(place: &Place, directory: &std::path::Path) -> anyhow::Result<Server> {
    Server::hangar(&place.hangar, directory, &["--registration-delay", "1h"])
}
