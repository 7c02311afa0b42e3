//! PostgreSQL for tests: a server of their own in a temporary directory, and a database each.
//!
//! `initdb` and the server run as an unprivileged user, as they refuse root. Where the variable
//! names a server that runs already, its databases are used: `cargo xtask test` starts one for all.

mod databases;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use self::databases::{Scratch, Terminal, database_of};

/// Names the directory of a running server's socket. Tests of the whole API then use that server.
pub const SERVER_VARIABLE: &str = "HANGAR_TEST_POSTGRES";

/// Who owns the server where root starts it: Debian's `nobody`.
const UNPRIVILEGED: u32 = 65_534;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The directory of the server that tests of the whole API are to use, if they are to use any.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
pub fn shared_server() -> Option<PathBuf> {
    std::env::var_os(SERVER_VARIABLE).map(PathBuf::from)
}

/// Where a server is on its socket, unless it listens on loopback too.
const PORT: u16 = 5432;

/// A server of a test's own.
pub struct Server {
    directory: TempDir,
    port: u16,
    /// Absent while it is down.
    process: Option<Child>,
    /// Further settings, each `name=value`.
    settings: Vec<String>,
}

impl Server {
    /// Makes a cluster and starts its server with these settings.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start.
    pub fn start(settings: &[&str]) -> Self {
        let mut server = Self::new(PORT, settings);
        server.make_cluster();
        server.bring_up();
        server
    }

    /// As `start`, for a server that listens on a free port of loopback too.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start.
    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    pub fn start_on_loopback(settings: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it has an address").port();
        drop(listener);
        let mut server = Self::new(port, settings);
        let listening = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
        ];
        server.settings.extend(listening);
        server.make_cluster();
        server.bring_up();
        server
    }

    /// Starts a standby that follows this server, which has to be up.
    ///
    /// # Panics
    /// Where it can't be made or does not start.
    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    #[must_use]
    pub fn start_standby(&self) -> Self {
        let mut standby = Self::new(PORT, &[]);
        let copied = command(standby.directory(), "pg_basebackup")
            .args(["--checkpoint=fast", "--wal-method=stream", "--no-sync"])
            .args(["--write-recovery-conf", "--username=hangar", "--host"])
            .arg(self.directory())
            .arg("--pgdata")
            .arg(standby.directory().join("data"))
            .output()
            .expect("pg_basebackup starts");
        assert!(copied.status.success(), "pg_basebackup: {copied:?}");
        standby.bring_up();
        standby
    }

    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    fn new(port: u16, settings: &[&str]) -> Self {
        let directory = TempDir::with_prefix("hangar-pg-").expect("a directory");
        give_away(directory.path());
        Self {
            directory,
            port,
            process: None,
            settings: settings.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    #[expect(clippy::expect_used, reason = "a test can't go on without its server")]
    fn make_cluster(&self) {
        let directory = &self.directory;
        // A locale that sorts and folds otherwise than queries do: nothing may depend on it.
        let made = command(directory.path(), "initdb")
            .arg("--pgdata")
            .arg(directory.path().join("data"))
            .args([
                "--username=hangar",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .args([
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en-US",
            ])
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "initdb: {made:?}");
    }

    /// Where its socket is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// On which port of loopback it listens, if it was started so.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that is the server's own, and answers where.
    ///
    /// # Panics
    /// Where it can't be written.
    #[expect(clippy::expect_used, reason = "a test can't go on without its file")]
    pub fn keep_file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory().join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        give_away(&path);
        path
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn bring_up(&mut self) {
        let mut command = command(self.directory(), "postgres");
        command
            .arg("-D")
            .arg(self.directory().join("data"))
            .arg("-k")
            .arg(self.directory())
            .args(["-c", "listen_addresses=", "-c", "max_connections=200"])
            .args(["-c", "shared_buffers=32MB", "-c", "log_min_messages=fatal"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = self.directory().join("log");
        self.process = Some(start(command, &log));
        let status = self.directory().join("data/postmaster.pid");
        let began = Instant::now();
        let is_ready = || fs::read_to_string(&status).is_ok_and(|text| text.contains("ready"));
        while !is_ready() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(
                began.elapsed() < PATIENCE,
                "the server does not start: {said}"
            );
            pause();
        }
    }

    /// Kills the server and all that works for it, as the loss of power would.
    ///
    /// # Panics
    /// Where it is not up.
    #[expect(clippy::expect_used, reason = "a test can't go on otherwise")]
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it is up");
        let status = self.directory().join("data/postmaster.pid");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        // Its children end when they notice; until then they hold on to its memory.
        let began = Instant::now();
        while is_in_use(self.directory()) {
            assert!(began.elapsed() < PATIENCE, "its children go on");
            pause();
        }
        let _ = fs::remove_file(status);
    }

    /// Ends the server as an administrator does, and starts it again.
    ///
    /// # Panics
    /// Where it is not up, does not end or does not start.
    #[expect(clippy::expect_used, reason = "a test can't go on otherwise")]
    pub fn restart(&mut self) {
        let mut process = self.process.take().expect("it is up");
        let stopped = command(self.directory(), "pg_ctl")
            .args(["stop", "--mode=fast", "--no-wait", "--silent", "--pgdata"])
            .arg(self.directory().join("data"))
            .status();
        assert!(stopped.is_ok_and(|status| status.success()));
        process.wait().expect("it ends");
        self.bring_up();
    }

    /// Runs a statement in its own database and answers what it says.
    pub fn ask(&self, sql: &str) -> String {
        ask(self.directory(), self.port, "postgres", sql)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The server that the tests of this process share.
pub fn server() -> &'static Path {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    OWN.get_or_init(|| {
        shared_server().unwrap_or_else(|| {
            // Nothing that is lost with this process is missed. It ends with it.
            let server = Server::start(&["fsync=off"]);
            let directory = server.directory().to_owned();
            remove_after_us(&directory);
            std::mem::forget(server);
            directory
        })
    })
}

/// Has a directory removed once this process has ended, however it does: what is never dropped would
/// leave its files behind.
#[expect(clippy::expect_used, reason = "files that pile up fill the disk")]
fn remove_after_us(directory: &Path) {
    // The reader's end comes with ours. What the server's children still write is removed again.
    let script = "cat; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf \"$1\" && exit; sleep 0.2; done";
    // In a session of its own: what runs the tests ends all that stays in theirs.
    let reaper = Command::new("setsid")
        .args(["sh", "-c", script, "sh"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    std::mem::forget(reaper.expect("a shell starts"));
}

fn ask(server: &Path, port: u16, name: &str, sql: &str) -> String {
    let output = psql(server, name, sql)
        .env("PGPORT", port.to_string())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        other => panic!("psql: {sql}: {other:?}"),
    }
}

fn psql(server: &Path, name: &str, sql: &str) -> Command {
    let mut command = Command::new(program("psql"));
    command
        .args([
            "-X",
            "-q",
            "-t",
            "-A",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "hangar",
            "-h",
        ])
        .arg(server)
        .args(["-d", name, "-c", sql])
        .stdin(Stdio::null());
    command
}

/// One of PostgreSQL's programs, run by somebody without rights. The signal ends it with whoever
/// started it.
pub(crate) fn command(directory: &Path, name: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root(Path::new("/proc/self")) {
        let id = UNPRIVILEGED;
        command.args([
            format!("--reuid={id}"),
            format!("--regid={id}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command
        .args(["--pdeathsig=KILL", "--"])
        .arg(program(name))
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

/// Debian keeps the server's programs out of `PATH`, a directory a version.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max();
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// Gives a file to whoever the server runs as.
///
/// # Panics
/// Where root may not.
#[expect(clippy::expect_used, reason = "a test can't go on otherwise")]
pub(crate) fn give_away(path: &Path) {
    if is_root(Path::new("/proc/self")) {
        chown(path, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).expect("root may");
    }
}

fn is_root(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.uid() == 0)
}

/// Starts a process from a thread that stays: the signal that ends it comes when that thread does.
#[expect(clippy::expect_used, reason = "a test can't go on without its server")]
pub(crate) fn start(mut command: Command, log: &Path) -> Child {
    let (sender, receiver) = mpsc::channel();
    let log = fs::File::create(log).expect("a log");
    std::thread::spawn(move || {
        let errors = log.try_clone().expect("a log");
        let started = command.stdout(log).stderr(errors).spawn();
        let _ = sender.send(started);
        loop {
            std::thread::park();
        }
    });
    receiver.recv().expect("an answer").expect("it starts")
}

/// Whether any process still works in this directory.
fn is_in_use(directory: &Path) -> bool {
    let data = directory.join("data");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_link(process.path().join("cwd")).ok())
        .any(|place| place == data)
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when a server is ready"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}
