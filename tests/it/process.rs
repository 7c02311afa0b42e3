//! Starts the built binary, reads what it says, and ends it with the test. Nothing here waits
//! without an end.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use hangar::testing::postgres;

/// How long a test waits for a process to say something or to end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, with none of the settings that the environment may hold.
pub(crate) fn hangar() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hangar"));
    command.env_clear().env("USER", "tester");
    command
}

/// The arguments of `serve` on free ports of loopback.
pub(crate) fn serve(data_dir: &Path) -> Vec<String> {
    let data_dir = data_dir.to_str().unwrap();
    let free = "127.0.0.1:0";
    [
        "serve",
        "--listen",
        free,
        "--admin-listen",
        free,
        "--data-dir",
        data_dir,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The arguments of `serve --dev` on free ports.
pub(crate) fn serve_dev(data_dir: &Path) -> Vec<String> {
    let mut arguments = serve(data_dir);
    let free = ["--dev", "--tls-listen", "127.0.0.1:0"];
    arguments.extend(free.map(str::to_owned));
    arguments
}

/// Where `Server::dev` keeps what is not kept in the data directory: the tests of the whole API are
/// run on PostgreSQL, too.
pub(crate) fn database(data_dir: &Path) -> Vec<String> {
    let Some(server) = postgres::shared_server() else {
        return Vec::new();
    };
    let url = postgres::database_of(&server, data_dir);
    vec!["--database-url".to_owned(), url]
}

/// The arguments of `serve` without `--dev`, with an issuer that nobody will find.
pub(crate) fn serve_for_real(data_dir: &Path) -> Vec<String> {
    let mut arguments = serve(data_dir);
    let auth = [
        "--auth-issuers",
        "http://127.0.0.1:1/issuer",
        "--auth-audiences",
        "api://hangar",
    ];
    arguments.extend(auth.map(str::to_owned));
    arguments
}

/// A client that goes by no proxy.
pub(crate) fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    client.build().unwrap()
}

/// What a process said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command that ends by itself.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ended {
    let mut process = Process::start(command);
    let code = process.ended().code();
    Ended {
        code,
        stdout: process.stdout.text(),
        stderr: process.stderr.text(),
    }
}

/// Prints a token by `hangar token` for the server on this data directory.
#[track_caller]
pub(crate) fn token(data_dir: &Path, arguments: &[&str]) -> String {
    let mut command = hangar();
    command.args(["token", "--data-dir"]).arg(data_dir);
    let ended = run(command.args(arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.trim().to_owned()
}

/// A process under way. It ends with the test at the latest.
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

impl Process {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Sends a signal to this process.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &id]);
        assert!(kill.status().unwrap().success());
    }

    /// Waits until the process has ended and everything that it said was read.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let whole = self.stdout.ended() && self.stderr.ended();
        assert!(whole, "it does not end; it said:\n{}", self.stderr.text());
        self.child.wait().unwrap()
    }

    /// Ends the process as the loss of power would: at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A failed test leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `hangar serve`.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Its address: scheme, host and port.
    pub(crate) url: String,
    /// The address of its health and metrics.
    pub(crate) admin_url: String,
}

impl Server {
    /// Starts `serve --dev` on a data directory and waits until it listens.
    #[track_caller]
    pub(crate) fn dev(data_dir: &Path) -> Self {
        let database = database(data_dir);
        Self::start(hangar().args(serve_dev(data_dir)).args(database))
    }

    /// Starts `serve --rehearse` on a data directory and waits until it listens.
    #[track_caller]
    pub(crate) fn rehearse(data_dir: &Path) -> Self {
        Self::start(hangar().args(serve_dev(data_dir)).arg("--rehearse"))
    }

    /// Starts a command that serves, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let process = Process::start(command);
        let line = process.stdout.wait_for("Hangar listens on ");
        let Some(line) = line else {
            panic!("it does not listen; it said:\n{}", process.stderr.text());
        };
        let mut urls = line
            .split(|character: char| character.is_whitespace() || character == ')')
            .filter(|word| word.starts_with("http://"));
        let mut next = || urls.next().unwrap().to_owned();
        Self {
            url: next(),
            admin_url: next(),
            process,
        }
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Ended {
        self.process.signal("TERM");
        let code = self.process.ended().code();
        Ended {
            code,
            stdout: self.process.stdout.text(),
            stderr: self.process.stderr.text(),
        }
    }
}

/// The lines of a stream, as they come.
#[derive(Clone)]
pub(crate) struct Lines(Arc<(Mutex<Said>, Condvar)>);

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self(Arc::default());
        let told = lines.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut bytes = Vec::new();
            while matches!(stream.read_until(b'\n', &mut bytes), Ok(1..)) {
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                told.change(|said| said.lines.push(line));
                bytes.clear();
            }
            told.change(|said| said.ended = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// The first line that holds this text, or nothing if the stream or the patience ends first.
    pub(crate) fn wait_for(&self, text: &str) -> Option<String> {
        let (said, changed) = &*self.0;
        let find = |said: &Said| said.lines.iter().find(|line| line.contains(text)).cloned();
        let waiting = |said: &mut Said| find(said).is_none() && !said.ended;
        let said = changed.wait_timeout_while(said.lock().unwrap(), PATIENCE, waiting);
        find(&said.unwrap().0)
    }

    fn ended(&self) -> bool {
        let (said, changed) = &*self.0;
        let said = changed.wait_timeout_while(said.lock().unwrap(), PATIENCE, |said| !said.ended);
        said.unwrap().0.ended
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }
}
