//! Reads, over databases of several sizes: what a page, a search and a lookup take, and how much
//! longer they take where there is more.

use std::time::Duration;

use anyhow::Context as _;

use super::{
    Place,
    lists::{self, Extent},
    lookups,
};
use crate::{
    results::Reads,
    rows::{Database, Rows},
    server::Server,
};

/// Whether databases outlive the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// They are kept for the next.
    Kept,
    /// They go.
    Fleeting,
}

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// How many imports the large tenant has, the fewest first.
    pub(crate) sizes: Vec<u64>,
    /// How many the small one has beside the most.
    pub(crate) small: u64,
    pub(crate) keeping: Keeping,
    /// How many lists are asked for.
    pub(crate) extent: Extent,
    /// How long lookups run.
    pub(crate) time: Duration,
    pub(crate) repeats: u32,
}

/// Measures all reads.
pub(crate) fn measure(place: &Place, case: &Case) -> anyhow::Result<Reads> {
    let (mut lists, mut lookups) = (Vec::new(), Vec::new());
    let mut while_creating = None;
    for large in &case.sizes {
        let most = case.sizes.last() == Some(large);
        let rows = Rows {
            large: *large,
            small: if most { case.small } else { 0 },
        };
        let database = match case.keeping {
            Keeping::Kept => Database::kept(place, rows)?,
            Keeping::Fleeting => Database::fleeting(place, rows)?,
        };
        eprintln!("reads, {large} rows");
        let server = Server::hangar(&place.hangar, database.path(), &[])?;
        lists.extend(lists::measure(&server, rows, case.extent)?);
        let (connections, time) = (lookups::CONNECTIONS, case.time);
        let found = lookups::measure(&server, rows, connections, time, case.repeats)?;
        lookups.push(found);
        server.stop()?;
        if while_creating.is_none() {
            eprintln!("reads while others create");
            let (path, time) = (database.path(), case.time);
            let found = lookups::while_creating(place, path, rows, time, case.repeats)?;
            while_creating = Some(found);
        }
    }
    Ok(Reads {
        sizes: case.sizes.clone(),
        small: case.small,
        page: case.extent.page,
        lists,
        lookups,
        while_creating: while_creating.context("no sizes")?,
    })
}
