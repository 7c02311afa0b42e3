//! Runs the examples that need other people's software, beside a server that each has for itself, as
//! `examples/*/README.md` says. The one of a shell script needs none, and is among the integration tests.

use std::path::Path;
use std::process::Command;

use crate::clients::{Client, succeed};
use crate::server::program;
use crate::{variable, workspace_root};

/// Runs the example for a client that is installed there, if there is one.
pub(crate) fn run(client: Client, installed: &Path) -> anyhow::Result<()> {
    let python = installed.join("bin/python").display().to_string();
    let (name, words) = if client == Client::Python {
        let nothing_kept = "no:cacheprovider";
        ("python", vec![&*python, "-m", "pytest", "-p", nothing_kept])
    } else if client == Client::Javascript {
        ("node", vec!["npm", "test"])
    } else {
        return Ok(());
    };
    println!("--- examples/{name}");
    let mut rehearsal = Command::new(program());
    rehearsal
        .args(["rehearse", "run", "--"])
        .args(words)
        .current_dir(workspace_root().join("examples").join(name))
        .env("HANGAR_REGISTRATION__DELAY", "15m")
        .env("PATH", with_hangar()?)
        .env("NODE_PATH", installed.join("node_modules"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    succeed(&mut rehearsal)
}

/// The programs that there are, and Hangar.
fn with_hangar() -> anyhow::Result<std::ffi::OsString> {
    let program = program();
    let hangar = program.parent().map(Path::to_path_buf);
    let others = variable("PATH").unwrap_or_default();
    let all = hangar.into_iter().chain(std::env::split_paths(&others));
    Ok(std::env::join_paths(all)?)
}
