//! Hangar on PostgreSQL against its yardsticks, in one run: `cargo xtask bench --postgres`.
//!
//! The servers that are loaded, the load and the rows are those of the other rooms; here are
//! PostgreSQL's server (`cluster`), what it does without Hangar (`yardsticks`) and the order of a run.

mod cluster;
mod creates;
mod reads;
mod results;
mod table;
mod yardsticks;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::{
    measure::{
        Place,
        reads::{Case as ReadCase, Keeping},
    },
    results::Machine,
    thresholds,
};
use cluster::Cluster;
pub(crate) use creates::Case;
pub(crate) use results::{Contender, Contest, Results, Side};
pub(crate) use table::render;

/// Measures creates, and reads if there are any to measure.
pub(crate) fn measure(
    place: &Place,
    creates: &[Case],
    reads: Option<&ReadCase>,
    keeping: Keeping,
) -> anyhow::Result<Results> {
    let machine = Machine::here();
    // What is only tried out needs no particular disk.
    let directory = match keeping {
        Keeping::Kept => place.empty()?,
        Keeping::Fleeting => TempDir::with_prefix("hangar-bench-")?,
    };
    let cluster = Cluster::start(directory.path())?;
    cluster.make("first")?;
    let schema = cluster.schema("first")?;
    let version = cluster.ask("first", "SHOW server_version")?;
    let contests = creates
        .iter()
        .map(|case| creates::contest(place, &cluster, *case))
        .collect::<anyhow::Result<_>>()?;
    drop(cluster);
    let reads = reads
        .map(|case| reads::measure(place, &schema, case))
        .transpose()?;
    let mut results = Results {
        smoke: keeping == Keeping::Fleeting,
        machine,
        version: version.into_iter().flatten().next().context("no version")?,
        settings: cluster::SETTINGS,
        creates: contests,
        reads,
        checks: Vec::new(),
    };
    if !results.smoke {
        results.checks = thresholds::check_postgres(&results);
    }
    Ok(results)
}
