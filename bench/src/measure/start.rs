//! How soon after its start the server answers, as in production: without the local authority.

use std::{fs, path::PathBuf};

use super::Place;
use crate::{
    disk,
    server::Server,
    summary::{median, ms},
};

/// How many rows a full database has.
const ROWS: u32 = 1_000_000;

/// The median of some starts, each on an empty data directory, in milliseconds.
pub(crate) fn empty(place: &Place, starts: u32) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..starts {
        let directory = place.empty()?;
        let server = Server::production(&place.hangar, directory.path())?;
        times.push(ms(server.first_answer()?));
        server.stop()?;
    }
    Ok(median(times))
}

/// The median of some starts on a database with a million rows, in milliseconds.
pub(crate) fn million(place: &Place, starts: u32) -> anyhow::Result<f64> {
    let directory = million_rows(place)?;
    let mut times = Vec::new();
    // The first one is not counted: it may bring the schema up to date.
    for start in 0..=starts {
        let server = Server::production(&place.hangar, &directory)?;
        let time = ms(server.first_answer()?);
        if start > 0 {
            times.push(time);
        }
        server.stop()?;
    }
    Ok(median(times))
}

/// The database with the rows. Making it takes longer than all that is done with it, so it is kept.
fn million_rows(place: &Place) -> anyhow::Result<PathBuf> {
    let directory = place.directory.join("million-rows");
    if !directory.exists() {
        eprintln!("making a database of {ROWS} rows, once");
        let draft = place.empty()?;
        disk::fill(draft.path(), ROWS)?;
        // One that was left half-made never has the name.
        fs::rename(draft.keep(), &directory)?;
    }
    Ok(directory)
}
