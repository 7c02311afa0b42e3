//! Drives the release build with software that others wrote: each client is installed from its registry
//! into the target directory, and then run against a server of its own, once for each behaviour. What
//! it asks of the server stands in `tests/clients`, in its own language.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;

use crate::server::{self, Server};
use crate::{cargo, target_dir, workspace_root};

/// The browser that Debian has.
pub(crate) const BROWSER: &str = "/usr/bin/chromium";

/// Whose client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Microsoft's Python SDK.
    Python,
    /// Microsoft's JavaScript client.
    Javascript,
    /// The `graph-rs-sdk` crate.
    Rust,
    /// MSAL for Python and azure-identity, which get tokens.
    MsalPython,
    /// MSAL for Node, which gets tokens, and a browser that people sign in with.
    MsalNode,
}

/// Installs a client and runs its tests.
pub(crate) fn run(client: Client) -> anyhow::Result<()> {
    let home = Home::of(client);
    client.install(&home)?;
    for &(behavior, arguments) in client.runs() {
        println!("--- {behavior}");
        let directory = tempfile::tempdir()?;
        let server = Server::start(directory.path(), arguments)?;
        let [http, https] = addresses(&server.line()?)?;
        let mut tests = client.tests(&home)?;
        tests
            .env("SERVER_PROGRAM", server::program())
            .env("SERVER_DIRECTORY", directory.path())
            .env("SERVER_BEHAVIOR", behavior)
            .env("SERVER_HTTP", http)
            .env("SERVER_HTTPS", https)
            // The server is on this machine, whatever proxy there is.
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        if client != Client::Rust {
            // Read by Node and by Python themselves, not by the tests.
            let authority = authority(directory.path())?;
            tests
                .env("NODE_EXTRA_CA_CERTS", &authority)
                .env("REQUESTS_CA_BUNDLE", &authority)
                .env("SSL_CERT_FILE", &authority);
        }
        succeed(&mut tests)?;
        server.end()?;
    }
    Ok(())
}

/// Where a client's tests are, what says what it needs, and where that is installed.
struct Home {
    tests: PathBuf,
    needs: PathBuf,
    installed: PathBuf,
}

impl Home {
    fn of(client: Client) -> Self {
        // Microsoft's Python SDK brings MSAL and azure-identity along.
        let (name, environment) = match client {
            Client::Python => ("python", "python"),
            Client::Javascript => ("javascript", "javascript"),
            Client::Rust => ("rust", "rust"),
            Client::MsalPython => ("msal-python", "python"),
            Client::MsalNode => ("msal-node", "msal-node"),
        };
        let clients = workspace_root().join("tests/clients");
        Self {
            tests: clients.join(name),
            needs: clients.join(environment),
            installed: workspace_root()
                .join(target_dir())
                .join("clients")
                .join(environment),
        }
    }
}

/// The behaviour that is met, and what the server is told.
type Run = (&'static str, &'static [&'static str]);

impl Client {
    /// What is driven, one server after the other. How tokens are got is the same in both behaviours.
    fn runs(self) -> &'static [Run] {
        match self {
            Self::Python | Self::Javascript | Self::Rust => &[
                ("documented", &["--graph-behavior", "documented"]),
                ("observed", &["--graph-behavior", "observed"]),
            ],
            Self::MsalPython | Self::MsalNode => {
                &[("documented", &["--auth-application-permissions", "allow"])]
            }
        }
    }

    fn install(self, home: &Home) -> anyhow::Result<()> {
        match self {
            Self::Python | Self::MsalPython => install_python(home),
            Self::Javascript | Self::MsalNode => install_javascript(home),
            // Cargo does, when it builds the tests.
            Self::Rust => Ok(()),
        }
    }

    /// The command that runs the tests.
    fn tests(self, home: &Home) -> anyhow::Result<Command> {
        match self {
            Self::Python | Self::MsalPython => {
                let mut python = Command::new(home.installed.join("bin/python"));
                python
                    // What the SDK itself does in an old way is not for us to mend.
                    .args(["-W", "ignore::DeprecationWarning"])
                    .args(["-m", "unittest", "discover", "--start-directory"])
                    .arg(&home.tests)
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                Ok(python)
            }
            Self::Javascript | Self::MsalNode => {
                let mut node = Command::new("node");
                node.args(["--test", "--test-reporter", "spec"])
                    .args(javascript_tests(&home.tests)?)
                    .env("NODE_PATH", home.installed.join("node_modules"))
                    .env("SERVER_BROWSER", BROWSER);
                Ok(node)
            }
            Self::Rust => {
                let mut tests = cargo(&["test", "--locked", "--manifest-path"]);
                tests
                    .arg(home.tests.join("Cargo.toml"))
                    .arg("--target-dir")
                    .arg(&home.installed);
                Ok(tests)
            }
        }
    }
}

/// Makes a virtual environment, unless there is one with these very requirements.
fn install_python(home: &Home) -> anyhow::Result<()> {
    let requirements = home.needs.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let record = home.installed.join("installed.txt");
    if fs::read_to_string(&record).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    succeed(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&home.installed),
    )?;
    let pip = || {
        let mut pip = Command::new(home.installed.join("bin/pip"));
        pip.args(["--quiet", "--disable-pip-version-check"]);
        pip
    };
    succeed(
        pip()
            .args(["install", "--no-deps", "--no-compile", "--requirement"])
            .arg(&requirements),
    )?;
    succeed(pip().arg("check"))?;
    fs::write(record, wanted)?;
    Ok(())
}

/// Installs what the lock file names. The packages are few, so that this is done anew each time.
fn install_javascript(home: &Home) -> anyhow::Result<()> {
    fs::create_dir_all(&home.installed)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(home.needs.join(file), home.installed.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    succeed(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&home.installed),
    )
}

fn javascript_tests(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut tests = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.cjs") {
            tests.push(path);
        }
    }
    tests.sort();
    ensure!(!tests.is_empty(), "no tests in {}", directory.display());
    Ok(tests)
}

/// The addresses for http and for https in the line that says where a server listens.
fn addresses(line: &str) -> anyhow::Result<[String; 2]> {
    let find = |scheme: &str| {
        line.split(' ')
            .find(|word| word.starts_with(scheme))
            .map(str::to_owned)
            .with_context(|| format!("no {scheme} in: {line}"))
    };
    Ok([find("http://")?, find("https://")?])
}

/// The certificate of the authority behind the server's https.
fn authority(directory: &Path) -> anyhow::Result<String> {
    let output = Command::new(server::program())
        .args(["trust", "--ca"])
        .current_dir(directory)
        .output()?;
    ensure!(output.status.success(), "hangar trust failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().display().to_string();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_from_the_first_line() {
        let line = "Hangar listens on http://127.0.0.1:1 and https://127.0.0.1:2 (health and \
                    metrics on http://127.0.0.1:3)";
        let found = addresses(line).unwrap();
        assert_eq!(found, ["http://127.0.0.1:1", "https://127.0.0.1:2"]);
        addresses("Hangar listens on http://127.0.0.1:1").unwrap_err();
    }

    #[test]
    fn every_client_has_a_home() {
        for client in Client::value_variants() {
            let tests = Home::of(*client).tests;
            assert!(tests.is_dir(), "{}", tests.display());
        }
    }
}
