//! The measurements, a file each. Every one starts its servers and ends them, on empty data
//! directories but for reads; nothing is shared but the place.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod import;
pub(crate) mod lists;
pub(crate) mod lookups;
pub(crate) mod memory;
pub(crate) mod reads;
pub(crate) mod settled;
pub(crate) mod start;
pub(crate) mod tokens;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{
    load::{self, Load, Loaded},
    requests::Requests,
    results::Served,
    server::Server,
};

/// Where measurements are made, and of what.
pub(crate) struct Place {
    /// Hangar's program.
    pub(crate) hangar: PathBuf,
    /// An earlier one to compare it with, if any.
    pub(crate) before: Option<PathBuf>,
    /// Where data directories are made. A real disk: what syncs to memory measures nothing.
    pub(crate) directory: PathBuf,
}

impl Place {
    /// An empty directory, which goes with its value.
    pub(crate) fn empty(&self) -> anyhow::Result<TempDir> {
        let mut names = tempfile::Builder::new();
        Ok(names.prefix("run-").tempdir_in(&self.directory)?)
    }
}

/// Loads a server, and says what clients saw and what it cost the server.
fn under_load<R: Requests>(
    server: &Server,
    load: &Load,
    requests: R,
) -> anyhow::Result<(Served, Loaded)> {
    let before = server.cpu()?;
    let loaded = load::run(load, requests)?;
    let cpu = server.cpu()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let cpu_us = cpu.as_secs_f64() * 1e6 / loaded.requests as f64;
    Ok((Served::of(&loaded, cpu_us, server.memory_mib()?), loaded))
}
