//! What each of these tests stands on: a running server, files of synthetic devices, and the
//! command line.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hardware_hash::Builder;
use serde_json::Value;
use tokio::process::Command;

use crate::process::{self, Server};

pub(super) const HEADER: &str = "Device Serial Number,Windows Product ID,Hardware Hash\n";
const SETS: &str = "beta/deviceManagement";

/// A server, and a directory for files.
pub(super) struct Stage {
    pub(super) directory: tempfile::TempDir,
    pub(super) server: Server,
    pub(super) token: String,
}

impl Stage {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let server = Server::dev(&data_dir);
        let token = process::token(&data_dir, &[]);
        Self {
            directory,
            server,
            token,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn token_of(&self, tenant: &str) -> String {
        process::token(&self.path("data"), &["--tenant", tenant])
    }

    /// Imports a file at the server itself.
    pub(super) async fn import(&self, file: &Path, options: &[&str]) -> Ran {
        self.import_at(&self.server.url, file, options).await
    }

    /// Imports a file at another address.
    pub(super) async fn import_at(&self, url: &str, file: &Path, options: &[&str]) -> Ran {
        let mut command = import(file);
        command.args(["--url", url]).args(options);
        if !options.iter().any(|option| option.starts_with("--token")) {
            command.args(["--token", &self.token]);
        }
        ran(command).await
    }

    /// Everything in a collection of the server.
    pub(super) async fn all(&self, set: &str) -> Vec<Value> {
        let client = reqwest::Client::new();
        let mut items = Vec::new();
        let mut next = Some(format!("{}/{SETS}/{set}", self.server.url));
        while let Some(link) = next {
            let request = client.get(link).bearer_auth(&self.token);
            let answer = request.send().await.unwrap();
            let mut page: Value = answer.json().await.unwrap();
            items.append(page["value"].as_array_mut().unwrap());
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        items
    }

    /// Fails unless each of these devices was imported once and is registered.
    pub(super) async fn assert_each_once(&self, count: u64) {
        let imports = self.all("importedWindowsAutopilotDeviceIdentities").await;
        let devices = self.all("windowsAutopilotDeviceIdentities").await;
        let mut serials: Vec<_> = devices
            .iter()
            .map(|device| device["serialNumber"].as_str().unwrap())
            .collect();
        serials.sort_unstable();
        let expected: Vec<_> = (0..count).map(serial).collect();
        assert_eq!(serials, expected);
        assert_eq!(imports.len(), expected.len(), "a row was sent twice");
    }
}

pub(super) fn hangar() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hangar"));
    command.env_remove("HANGAR_URL").env_remove("HANGAR_TOKEN");
    command.kill_on_drop(true);
    command
}

pub(super) fn import(file: &Path) -> Command {
    let mut command = hangar();
    command.arg("import").arg(file);
    command
}

/// What a command did.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    pub(super) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Fails unless it ended with this code and said each of these.
    #[track_caller]
    pub(super) fn expect(&self, code: i32, parts: &[&str]) {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in:\n{said}");
        }
    }
}

pub(super) async fn ran(mut command: Command) -> Ran {
    Ran::new(&command.output().await.unwrap())
}

pub(super) fn serial(device: u64) -> String {
    format!("SN-{device:05}")
}

pub(super) fn hash(device: u64) -> String {
    let device = Builder::new(device).serial_number(&serial(device));
    BASE64_STANDARD.encode(device.total_size(0).build())
}

/// A file with these devices, a row each.
pub(super) fn csv(devices: std::ops::Range<u64>) -> String {
    let mut text = HEADER.to_owned();
    for device in devices {
        writeln!(text, "{},,{}", serial(device), hash(device)).unwrap();
    }
    text
}
