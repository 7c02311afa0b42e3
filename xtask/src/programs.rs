//! The programs that suites need besides Rust, and how a Debian machine comes by them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::variable;

/// A program that is looked up in `PATH`, or a whole command that must succeed, and the Debian package
/// that brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

/// What to do about a missing program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Install {
    /// Install it, or fail.
    Missing,
    /// Say how it is installed, and fail.
    Nothing,
}

impl Install {
    /// Installs when asked to by the flag, or by CI in the environment.
    pub(crate) fn wanted(flag: bool) -> Self {
        let in_ci = variable("CI").is_some_and(|value| value == "1" || value == "true");
        if flag || in_ci {
            Self::Missing
        } else {
            Self::Nothing
        }
    }
}

/// Sees to it that every one of these programs is there, or fails with the line that brings them.
pub(crate) fn provide(needed: &[Program], install: Install) -> anyhow::Result<()> {
    let missing = missing(needed, is_present);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|program| program.name).collect();
    let complaint = format!(
        "missing: {}. Install with:\n\n    {}\n",
        names.join(", "),
        install_line(&missing)
    );
    if install == Install::Nothing {
        bail!(complaint);
    }
    ensure!(
        is_root() && is_debian(),
        "only root on Debian can install. {complaint}"
    );
    apt_get(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages(&missing));
    apt_get(&arguments)?;
    match self::missing(&missing, is_present).first() {
        None => Ok(()),
        Some(program) => bail!(
            "{} is still missing after installing {}",
            program.name,
            program.package
        ),
    }
}

/// The programs that are absent, each once, in the order in which they are needed.
fn missing(needed: &[Program], is_present: impl Fn(&str) -> bool) -> Vec<Program> {
    let mut missing = Vec::new();
    for program in needed {
        if !missing.contains(program) && !is_present(program.name) {
            missing.push(*program);
        }
    }
    missing
}

fn packages(programs: &[Program]) -> Vec<&'static str> {
    let mut packages: Vec<_> = programs.iter().map(|program| program.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn install_line(programs: &[Program]) -> String {
    format!(
        "apt-get install --no-install-recommends {}",
        packages(programs).join(" ")
    )
}

fn is_present(name: &str) -> bool {
    match name.split_once(' ') {
        None => is_in_path(name),
        Some((program, arguments)) => is_in_path(program) && succeeds(program, arguments),
    }
}

fn succeeds(program: &str, arguments: &str) -> bool {
    Command::new(program)
        .args(arguments.split(' '))
        .output()
        .is_ok_and(|output| output.status.success())
}

fn is_in_path(name: &str) -> bool {
    find(name).is_some()
}

/// Where a program is. Debian keeps those of PostgreSQL's server out of `PATH`, a directory a
/// version.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let versions = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let mut versions: Vec<_> = versions.collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Asks `id`, because the standard library cannot tell and `unsafe` is forbidden.
pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists()
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    println!("apt-get {}", arguments.join(" "));
    let status = without_services(Path::new("/usr/sbin/policy-rc.d"), "apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("cannot start apt-get")?;
    ensure!(status.success(), "apt-get {} failed", arguments.join(" "));
    Ok(())
}

/// A command during which Debian's packages start no services: what suites need of etcd and
/// PostgreSQL they start themselves. A machine that has a policy of its own keeps it. A shell takes ours
/// away again, also where the command is interrupted.
fn without_services(policy: &Path, program: &str) -> Command {
    const SCRIPT: &str = r#"
        if [[ ! -e $0 ]]; then
            trap 'rm -f "$0"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$0"
            chmod 755 "$0"
        fi
        "$@"
    "#;
    let mut command = Command::new("bash");
    command.args(["-c", SCRIPT]).arg(policy).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURL: Program = Program {
        name: "curl",
        package: "curl",
    };
    const INITDB: Program = Program {
        name: "initdb",
        package: "postgresql",
    };
    const PSQL: Program = Program {
        name: "psql",
        package: "postgresql",
    };

    #[test]
    fn names_each_missing_program_once() {
        let missing = missing(&[INITDB, CURL, INITDB], |name| name == "curl");
        assert_eq!(missing, [INITDB]);
    }

    #[test]
    fn names_every_package_in_one_line() {
        assert_eq!(
            install_line(&[PSQL, CURL, INITDB]),
            "apt-get install --no-install-recommends curl postgresql"
        );
    }

    #[test]
    fn without_install_a_missing_program_is_an_error_that_says_how() {
        let absent = Program {
            name: "no-such-program-anywhere",
            package: "no-such-package",
        };
        let error = provide(&[absent], Install::Nothing)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("apt-get install --no-install-recommends no-such-package"),
            "{error}"
        );
    }

    #[test]
    fn finds_what_is_in_the_path() {
        assert!(is_present("id"));
        assert!(!is_present("no-such-program-anywhere"));
    }

    #[test]
    fn a_command_must_succeed() {
        assert!(is_present("id -u"));
        assert!(!is_present("id --no-such-option"));
        assert!(!is_present("no-such-program-anywhere -u"));
    }

    #[test]
    fn a_policy_is_there_while_programs_are_installed() {
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy-rc.d");
        let refuses = |policy: &Path| {
            without_services(policy, "bash")
                .args(["-c", "\"$0\"; [[ $? == 101 ]]"])
                .arg(policy)
                .status()
                .unwrap()
                .success()
        };
        assert!(refuses(&policy));
        assert!(!policy.exists());
        std::fs::write(&policy, "the machine's own").unwrap();
        assert!(!refuses(&policy));
        let left = std::fs::read_to_string(&policy).unwrap();
        assert_eq!(left, "the machine's own");
    }

    #[test]
    fn what_fails_fails_without_services_too() {
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("policy-rc.d");
        let status = without_services(&policy, "false").status().unwrap();
        assert!(!status.success());
        assert!(!policy.exists());
    }
}
