//! Builds Hangar and its benchmark as they are released, and runs the latter, on the program for
//! servers where that is asked for. What it measures is the crate `hangar-bench`'s business.

use std::ffi::OsString;
use std::process::Stdio;

use crate::programs::Install;
use crate::{cargo, pgo, workspace_root};

/// Runs `hangar-bench run` with these options, in the workspace's root.
pub(crate) fn run(by_profile: bool, options: &[String]) -> anyhow::Result<()> {
    let program = by_profile
        .then(|| pgo::run(Install::wanted(false)))
        .transpose()?;
    // Together, so that both are made of the same library; the benchmark finds the server beside
    // itself.
    let build = ["build", "--release", "-p", "hangar", "-p", "hangar-bench"];
    let status = cargo(&build).current_dir(workspace_root()).status()?;
    anyhow::ensure!(status.success(), "the benchmark was not built");
    let start = ["run", "--release", "--quiet", "-p", "hangar-bench", "--"];
    let named = program.map(|program| [OsString::from("--hangar"), program.into()]);
    let status = cargo(&start)
        .arg("run")
        .args(named.into_iter().flatten())
        .args(options)
        .current_dir(workspace_root())
        .stdin(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}
