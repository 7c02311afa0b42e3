//! Builds Hangar and its benchmark as they are released, and runs the latter. What it measures is
//! the crate `hangar-bench`'s business.

use std::process::Stdio;

use crate::{cargo, workspace_root};

/// Runs `hangar-bench run` with these options, in the workspace's root.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    // Together, so that both are made of the same library; the benchmark finds the server beside
    // itself.
    let build = ["build", "--release", "-p", "hangar", "-p", "hangar-bench"];
    let status = cargo(&build).current_dir(workspace_root()).status()?;
    anyhow::ensure!(status.success(), "the benchmark was not built");
    let start = ["run", "--release", "--quiet", "-p", "hangar-bench", "--"];
    let status = cargo(&start)
        .arg("run")
        .args(options)
        .current_dir(workspace_root())
        .stdin(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}
