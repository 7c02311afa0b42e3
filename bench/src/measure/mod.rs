//! The measurements, a file each. Every one starts its servers on empty data directories and ends
//! them; nothing is shared but the place.

pub(crate) mod create;
pub(crate) mod import;
pub(crate) mod memory;
pub(crate) mod settled;
pub(crate) mod start;
pub(crate) mod tokens;

use std::path::PathBuf;

use tempfile::TempDir;

/// Where measurements are made, and of what.
pub(crate) struct Place {
    /// Hangar's program.
    pub(crate) hangar: PathBuf,
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
