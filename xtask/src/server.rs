//! The release build, started with `--dev` in a directory of its own, for the chores that look at it
//! from outside. Building it is the suites' business.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::{target_dir, workspace_root};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The release build's program.
pub(crate) fn program() -> PathBuf {
    workspace_root().join(target_dir()).join("release/hangar")
}

/// A running server, whose lines come through a channel: it ends when its standard output does.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts `serve --dev` on free ports in this directory, with further arguments.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = program();
        let mut child = Command::new(&program)
            .args(["serve", "--dev"])
            .args(["--listen", "127.0.0.1:0"])
            .args(["--tls-listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines();
            lines
                .map_while(Result::ok)
                .all(|line| sender.send(line).is_ok())
        });
        Ok(Self { child, lines })
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> anyhow::Result<String> {
        Ok(self.lines.recv_timeout(PATIENCE)?)
    }

    /// Asks it to end, and checks how it does.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        let asked = Command::new("bash")
            .args(["-c", "kill -TERM \"$1\"", "bash", &id])
            .status()?;
        ensure!(asked.success(), "the server cannot be signalled");
        let deadline = Instant::now() + PATIENCE;
        let mut said = String::new();
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            said += &line;
            said.push('\n');
        }
        ensure!(
            Instant::now() < deadline,
            "the server does not end; it said:\n{said}"
        );
        let status = self.child.wait()?;
        ensure!(
            status.code() == Some(0),
            "the server ended with {status}; it said:\n{said}"
        );
        Ok(())
    }
}

/// A failed run leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
