//! The tests of the whole API on PostgreSQL: a scratch cluster in a temporary directory, made and
//! served as an unprivileged user, as `initdb` refuses root. Tests make databases of their own in it.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::{cargo, programs, suites, workspace_root};

/// Who owns the cluster where root makes it: Debian's `nobody`.
const UNPRIVILEGED: u32 = 65_534;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// What says nothing of PostgreSQL. `architecture` reads sources and `cli_hash` files. `cli` is about
/// flags, logs, tokens and the data directory; its tests of the database look into SQLite's file, as
/// do those of `backup` and `check`, which are refused on PostgreSQL. `crash::sync` watches the
/// process's own disk, which PostgreSQL's server writes in its place. `supervisor` asks no store.
/// `rolling` and `migrate_data` bring databases of their own. That twenty actions of a batch are one
/// commit is the one writer's work; here they are twenty.
const LEFT_OUT: &str = "not (test(/^(architecture|cli|cli_hash|rolling)::/) or test(/^crash::sync::/) \
    or test(/^keeping::(backup|check|migrate_data|supervisor)::/) \
    or test(=batch::commits::twenty_actions_on_devices_are_one_commit))";

/// Runs the tests.
pub(crate) fn run() -> anyhow::Result<()> {
    ensure!(
        suites::has_nextest(),
        "cargo-nextest is needed to choose among the tests"
    );
    let directory = tempfile::Builder::new().prefix("hangar-pg-").tempdir()?;
    if programs::is_root() {
        chown(directory.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
    }
    let server = start(directory.path())?;
    let passed = cargo(&["nextest", "run", "--package", "hangar", "--test", "it"])
        .args(["--no-fail-fast", "-E", LEFT_OUT])
        .env("HANGAR_TEST_POSTGRES", directory.path())
        .current_dir(workspace_root())
        .status();
    stop(server)?;
    ensure!(passed?.success(), "the tests failed on PostgreSQL");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when a server is ready"
)]
fn start(directory: &Path) -> anyhow::Result<Child> {
    let data = directory.join("data");
    let made = command(directory, "initdb")?
        .arg("--pgdata")
        .arg(&data)
        .args([
            "--username=hangar",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
        ])
        // A locale that sorts and folds otherwise than queries do: nothing may depend on it.
        .args([
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
        ])
        .stdout(Stdio::null())
        .status()
        .context("cannot start initdb")?;
    ensure!(made.success(), "initdb failed");
    let server = command(directory, "postgres")?
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(directory)
        // Nothing here is to be kept.
        .args(["-c", "listen_addresses=", "-c", "fsync=off"])
        .args(["-c", "max_connections=500", "-c", "log_min_messages=fatal"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start postgres")?;
    let status = data.join("postmaster.pid");
    let began = Instant::now();
    while !std::fs::read_to_string(&status).is_ok_and(|text| text.contains("ready")) {
        ensure!(began.elapsed() < PATIENCE, "postgres does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}

/// One of PostgreSQL's programs, run by somebody without rights, which ends when this ends.
fn command(directory: &Path, name: &str) -> anyhow::Result<Command> {
    let program = programs::find(name).with_context(|| format!("{name} is not installed"))?;
    let mut command = Command::new("setpriv");
    if programs::is_root() {
        command.args([
            format!("--reuid={UNPRIVILEGED}"),
            format!("--regid={UNPRIVILEGED}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command
        .args(["--pdeathsig=KILL", "--"])
        .arg(program)
        .current_dir(directory)
        .stdin(Stdio::null());
    Ok(command)
}

fn stop(mut server: Child) -> anyhow::Result<()> {
    server.kill()?;
    server.wait()?;
    Ok(())
}
