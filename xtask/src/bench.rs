//! Builds Hangar and its benchmark as they are released, and runs the latter, on the program for
//! servers where that is asked for. What it measures is the crate `hangar-bench`'s business.

use std::ffi::OsString;
use std::process::{Command, Stdio};

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
    let named = program.map(|program| [OsString::from("--hangar"), program.into()]);
    let status = hangar_bench()
        .args(named.into_iter().flatten())
        .args(options)
        .status()?;
    anyhow::ensure!(status.success(), "the benchmark ended with {status}");
    Ok(())
}

/// `hangar-bench run`, in the workspace's root, built where it is not.
pub(crate) fn hangar_bench() -> Command {
    let start = ["run", "--release", "--quiet", "-p", "hangar-bench", "--"];
    let mut command = cargo(&start);
    command
        .arg("run")
        .current_dir(workspace_root())
        .stdin(Stdio::null());
    command
}
