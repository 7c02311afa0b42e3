//! `hangar rehearse run`: a server for the time that a command runs, and what the command made of it.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitCode, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use super::{director::Director, journal};
use crate::{authority::Authority, cli::token, config, lifecycle::SystemClock};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a server's log goes, in its data directory.
const LOG_FILE: &str = "server.log";

/// The variables of the first tenants: its id, and the token of its administrator.
const TENANTS: [(&str, &str); 2] = [
    ("HANGAR_TENANT", "HANGAR_TOKEN"),
    ("HANGAR_OTHER_TENANT", "HANGAR_OTHER_TOKEN"),
];

#[derive(Args)]
pub(super) struct RunArguments {
    /// The settings file of the server, in TOML
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What a server says once it listens.
#[derive(Deserialize)]
struct Ready {
    url: String,
    secure_url: Option<String>,
    admin_url: String,
    ca: Option<PathBuf>,
}

pub(super) async fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let directory = tempfile::Builder::new()
        .prefix("hangar-rehearsal-")
        .tempdir()?;
    let data_dir = directory.path().join("data");
    std::fs::create_dir(&data_dir)?;
    let (mut server, ready) = start(&data_dir, arguments.config.as_deref()).await?;
    let mut running = command(&arguments.command, &ready, &data_dir)?;
    let mut running = running.spawn().with_context(|| {
        let name = arguments.command.first().map(|name| name.display());
        format!(
            "{} can't be started",
            name.map(|name| name.to_string()).unwrap_or_default()
        )
    })?;
    let ended = wait(&mut running).await?;

    let director = Director::at(ready.admin_url.parse()?)?;
    let report = director.get("/rehearsal/report").await?;
    // The standard output is the command's.
    let text = format!("\nRehearsal: {}", journal::report_text(&report));
    io::stderr().lock().write_all(text.as_bytes())?;
    // It ends with its standard input. Nothing that it keeps is missed.
    drop(server.stdin.take());
    if timeout(PATIENCE, server.wait()).await.is_err() {
        server.kill().await?;
    }
    Ok(code(ended))
}

/// Starts a server on free ports that ends with this process, and waits until it listens.
async fn start(data_dir: &Path, config: Option<&Path>) -> anyhow::Result<(Child, Ready)> {
    let log_path = data_dir.join(LOG_FILE);
    let mut command = Command::new(config::program()?);
    command.args(["serve", "--rehearse", "--ready-json", "--end-with-stdin"]);
    for flag in ["--listen", "--tls-listen", "--admin-listen"] {
        command.args([flag, "127.0.0.1:0"]);
    }
    command.arg("--data-dir").arg(data_dir);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command
        // Ctrl-C is for the command; the server has something to say afterwards.
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log_path)?);
    let mut server = command.spawn().context("the server can't be started")?;
    let output = server.stdout.take().context("the server has no output")?;
    let mut lines = BufReader::new(output).lines();
    let Ok(Ok(Some(line))) = timeout(PATIENCE, lines.next_line()).await else {
        let said = std::fs::read_to_string(&log_path).unwrap_or_default();
        bail!("the server does not start: {}", said.trim());
    };
    let ready = serde_json::from_str(&line).context("the server says what it should not")?;
    Ok((server, ready))
}

fn command(words: &[OsString], ready: &Ready, data_dir: &Path) -> anyhow::Result<Command> {
    let (program, arguments) = words.split_first().context("there is no command")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env(
            "HANGAR_URL",
            ready.secure_url.as_ref().unwrap_or(&ready.url),
        )
        .env("HANGAR_HTTP_URL", &ready.url)
        .env("HANGAR_ADMIN_URL", &ready.admin_url);
    if let Some(ca) = &ready.ca {
        command.env("HANGAR_CA", ca);
    }
    let authority = Authority::open_existing(&data_dir.join("authority"), None)?;
    for (tenant, (id, token)) in authority.directory().tenants.iter().zip(TENANTS) {
        let given = token::of_administrator(data_dir, &tenant.name, &SystemClock)?;
        command.env(id, tenant.id.to_string()).env(token, given);
    }
    Ok(command)
}

/// Waits for the command's end. An interruption is the command's business, whom the terminal has told as
/// well; who ends us, ends it.
async fn wait(running: &mut Child) -> anyhow::Result<ExitStatus> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            ended = running.wait() => return Ok(ended?),
            _ = interrupted.recv() => {}
            _ = terminated.recv() => running.start_kill()?,
        }
    }
}

/// The command's exit code; of one that a signal ended, as shells have it.
fn code(ended: ExitStatus) -> ExitCode {
    let code = ended.code().or_else(|| Some(128 + ended.signal()?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}
