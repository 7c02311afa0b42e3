//! Starts the built binary with `--dev` on free ports and ends it with the test.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A running `hangar serve --dev`.
pub(super) struct Server {
    child: Child,
    /// Its address: scheme, host and port.
    pub(super) url: String,
    // Kept open, so that the server can go on writing.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on a data directory and waits until it listens.
    pub(super) fn start(data_dir: &Path) -> Self {
        Self::start_with(Command::new(env!("CARGO_BIN_EXE_hangar")), data_dir)
    }

    /// Starts it by another command, which gets the arguments of `serve`.
    pub(super) fn start_with(mut command: Command, data_dir: &Path) -> Self {
        let mut child = command
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .args(["--log-level", "warn"])
            .arg("--data-dir")
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("Hangar listens on ") {
            line.clear();
            let read = stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the server ended before it listened");
        }
        let url = line.split_whitespace().nth(3).unwrap().to_owned();
        Self {
            child,
            url,
            _stdout: stdout,
        }
    }

    /// The process, by its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the loss of power would: at once.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> std::process::ExitStatus {
        let id = self.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }

    /// A token for a user of the ready default, or of the kind that the arguments say.
    pub(super) fn token(data_dir: &Path, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_hangar"))
            .args(["token", "--data-dir"])
            .arg(data_dir)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A failed test leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
