//! Starts what is measured in a process of its own, and reads what it costs from /proc.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

/// A running server. It ends with this value.
pub(crate) struct Server {
    child: Child,
    data_dir: PathBuf,
    hangar: PathBuf,
    /// Host and port.
    pub(crate) address: String,
    started: Instant,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `hangar serve --dev` on a data directory.
    pub(crate) fn hangar(hangar: &Path, data_dir: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(hangar);
        command.args(["serve", "--dev"]).args(options);
        Self::start(command, hangar, data_dir)
    }

    /// Starts `hangar serve` as in production, for an issuer that nobody reaches.
    pub(crate) fn production(hangar: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(hangar);
        command.arg("serve").args([
            "--auth-issuers",
            "https://issuer.invalid/11111111-2222-3333-4444-555555555555/v2.0",
            "--auth-audiences",
            "api://hangar",
        ]);
        Self::start(command, hangar, data_dir)
    }

    /// Starts the ceiling: the same server over a store that keeps nothing.
    pub(crate) fn ceiling(hangar: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["ceiling", "--dev"]);
        Self::start(command, hangar, data_dir)
    }

    fn start(mut command: Command, hangar: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            // Access lines cost what they cost: they are written, to nowhere.
            .args(["--log-format", "json"])
            .arg("--data-dir")
            .arg(data_dir)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child =
            child.with_context(|| format!("{} could not be started", hangar.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Self {
            child,
            data_dir: data_dir.to_owned(),
            hangar: hangar.to_owned(),
            address: String::new(),
            started,
            stdout: BufReader::new(stdout),
        };
        server.address = server.read_address()?;
        Ok(server)
    }

    fn read_address(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        while !line.starts_with("Hangar listens on http://") {
            line.clear();
            ensure!(
                self.stdout.read_line(&mut line)? > 0,
                "the server ended before it listened"
            );
        }
        let url = line.split_whitespace().nth(3).context("no address")?;
        Ok(url.trim_start_matches("http://").to_owned())
    }

    /// Asks without a token, and says how long after its start the server answered. Worth something
    /// only as the first question.
    pub(crate) fn first_answer(&self) -> anyhow::Result<Duration> {
        let mut stream = TcpStream::connect(&self.address)?;
        let path = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes())?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        let elapsed = self.started.elapsed();
        ensure!(&status == b"HTTP/1.1 401", "an answer other than 401");
        Ok(elapsed)
    }

    /// The database that it keeps.
    pub(crate) fn database(&self) -> PathBuf {
        self.data_dir.join("hangar.db")
    }

    /// A token for its administrator.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        self.mint(&[])
    }

    /// A token for the administrator of a tenant.
    pub(crate) fn token_of(&self, tenant: &str) -> anyhow::Result<String> {
        self.mint(&["--tenant", tenant])
    }

    fn mint(&self, options: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.hangar)
            .args(["token", "--lifetime", "24h", "--data-dir"])
            .arg(&self.data_dir)
            .args(options)
            .output()?;
        ensure!(output.status.success(), "hangar token failed");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Its share of memory, in MiB.
    pub(crate) fn memory_mib(&self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let rollup = std::fs::read_to_string(path)?;
        let line = rollup
            .lines()
            .find_map(|line| line.strip_prefix("Pss:"))
            .context("no Pss")?;
        let kib: u32 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        ensure!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()?
                .success()
        );
        ensure!(self.child.wait()?.success(), "the server did not end well");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time that a process has used.
pub(crate) fn cpu_of(id: u32) -> anyhow::Result<Duration> {
    times(id, 11)
}

/// The processor time that those of its children have used that ended.
pub(crate) fn cpu_of_reaped(id: u32) -> anyhow::Result<Duration> {
    times(id, 13)
}

/// A user and a system time of a process, behind so many fields.
fn times(id: u32, behind: usize) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // Behind the name in parentheses; its own times are the 14th and 15th fields of all, in ticks of
    // which Linux counts a hundred a second for everybody.
    let fields = stat.rsplit(") ").next().context("no fields")?;
    let mut ticks = fields
        .split_whitespace()
        .skip(behind)
        .take(2)
        .map(str::parse::<u64>);
    let user = ticks.next().context("no user time")??;
    let system = ticks.next().context("no system time")??;
    Ok(Duration::from_millis((user + system) * 10))
}
