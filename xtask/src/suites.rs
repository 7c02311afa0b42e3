//! The test suites: what there is, what each needs, and running them one after the other.
//! A suite never skips: what it needs is there before anything runs, or nothing runs.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::echo::{self, LastWords};
use crate::programs::{self, Install, Program};
use crate::{cargo, server, workspace_root};

const CURL: Program = Program {
    name: "curl",
    package: "curl",
};
const SCRIPT: Program = Program {
    name: "script",
    package: "bsdutils",
};
const STRACE: Program = Program {
    name: "strace",
    package: "strace",
};
const STRIP: Program = Program {
    name: "strip",
    package: "binutils",
};
const SYSTEMD_ANALYZE: Program = Program {
    name: "systemd-analyze",
    package: "systemd",
};

const KILL: Program = Program {
    name: "kill",
    package: "procps",
};
const MOUNT: Program = Program {
    name: "mount",
    package: "mount",
};
const SETPRIV: Program = Program {
    name: "setpriv",
    package: "util-linux",
};
const INITDB: Program = Program {
    name: "initdb",
    package: "postgresql",
};
const PSQL: Program = Program {
    name: "psql",
    package: "postgresql-client",
};
const PGBOUNCER: Program = Program {
    name: "pgbouncer",
    package: "pgbouncer",
};
/// Debian has it in the server's package.
const PGBENCH: Program = Program {
    name: "pgbench",
    package: "postgresql",
};
const PATRONI: Program = Program {
    name: "patroni",
    package: "patroni",
};
/// How Patroni speaks with etcd.
const PATRONI_ETCD: Program = Program {
    name: "/usr/bin/python3 -c __import__('etcd')",
    package: "python3-etcd",
};
const ETCD: Program = Program {
    name: "etcd",
    package: "etcd-server",
};
const HAPROXY: Program = Program {
    name: "haproxy",
    package: "haproxy",
};
const PYTHON: Program = Program {
    name: "python3 -m ensurepip --version",
    package: "python3-venv",
};
const NODE: Program = Program {
    name: "node",
    package: "nodejs",
};
const NPM: Program = Program {
    name: "npm",
    package: "npm",
};

const CHROMIUM: Program = Program {
    name: "chromium",
    package: "chromium",
};

/// What the benchmark needs on both stores.
pub(crate) const BENCH_NEEDS: &[Program] = &[KILL, SETPRIV, INITDB, PGBENCH];

/// Every suite, in the order in which they run. A new suite is one more entry.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "unit+integration",
        about: "every test of the workspace, those that kill and trace a server included",
        needs: &[
            CURL, SCRIPT, STRACE, KILL, MOUNT, SETPRIV, INITDB, PSQL, PGBOUNCER,
        ],
        commands: tests,
    },
    Suite {
        name: "postgres",
        about: "the tests of the whole API once more, on PostgreSQL",
        needs: &[SETPRIV, INITDB, PSQL],
        commands: || {
            vec![cargo(&[
                "run",
                "--quiet",
                "--package",
                "xtask",
                "--",
                "postgres",
            ])]
        },
    },
    Suite {
        name: "packaging",
        about: "the Debian package in a scratch root, and the unit against what the server does",
        needs: &[CURL, STRACE, STRIP, SYSTEMD_ANALYZE],
        commands: || {
            // The build is the one of every suite that needs a release.
            let mut test = Command::new("bash");
            test.args(["packaging/test", "target/release/hangar"]);
            vec![cargo(&["build", "--release", "--bin", "hangar"]), test]
        },
    },
    Suite {
        name: "doc",
        about: "the examples in the documentation, which nextest does not run",
        needs: &[],
        commands: || vec![cargo(&["test", "--workspace", "--doc"])],
    },
    Suite {
        name: "fuzz",
        about: "the fuzz bodies, each for half a minute",
        needs: &[],
        commands: || vec![fuzzer()],
    },
    Suite {
        name: "first-run",
        about: "what the README promises, with the release build and the commands that it prints",
        needs: &[CURL, KILL],
        commands: || {
            vec![
                cargo(&["build", "--release", "--package", "hangar"]),
                cargo(&["run", "--quiet", "--package", "xtask", "--", "first-run"]),
            ]
        },
    },
    Suite {
        name: "client-python",
        about: "Microsoft's Python SDK against the release build",
        needs: &[PYTHON, KILL],
        commands: || client("python"),
    },
    Suite {
        name: "client-javascript",
        about: "Microsoft's JavaScript client against the release build",
        needs: &[NODE, NPM, KILL],
        commands: || client("javascript"),
    },
    Suite {
        name: "client-rust",
        about: "the graph-rs-sdk crate against the release build",
        needs: &[KILL],
        commands: || client("rust"),
    },
    Suite {
        name: "client-msal-python",
        about: "MSAL for Python and azure-identity get tokens of the release build's authority",
        needs: &[PYTHON, KILL],
        commands: || client("msal-python"),
    },
    Suite {
        name: "client-msal-node",
        about: "MSAL for Node gets tokens, and people sign in with a browser",
        needs: &[NODE, NPM, CHROMIUM, KILL],
        commands: || client("msal-node"),
    },
    Suite {
        name: "cluster",
        about: "three processes over PostgreSQL that fails over, with whatever can be killed killed",
        needs: &[SETPRIV, INITDB, PSQL, PATRONI, PATRONI_ETCD, ETCD, HAPROXY],
        commands: cluster,
    },
    Suite {
        name: "bench-smoke",
        about: "the benchmark in brief: that it works, not how fast anything is",
        needs: BENCH_NEEDS,
        commands: || {
            let bench = [
                "run",
                "--quiet",
                "--package",
                "xtask",
                "--",
                "bench",
                "--smoke",
            ];
            let mut on_postgres = cargo(&bench);
            on_postgres.arg("--postgres");
            vec![cargo(&bench), on_postgres]
        },
    },
];

/// A group of tests that is run, timed and reported as one.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    about: &'static str,
    needs: &'static [Program],
    /// Run in the workspace's root until one fails.
    commands: fn() -> Vec<Command>,
}

/// Runs the named suites, or all of them.
pub(crate) fn run(names: &[String], install: Install) -> anyhow::Result<()> {
    let chosen: Vec<_> = SUITES
        .iter()
        .filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name))
        .collect();
    let needed: Vec<_> = chosen
        .iter()
        .flat_map(|suite| suite.needs)
        .copied()
        .collect();
    programs::provide(&needed, install)?;

    let results: Vec<_> = chosen.into_iter().map(run_suite).collect();
    print!("{}", summary(&results));
    print!("{}", last_words(&results));
    let failed = results.iter().filter(|result| !result.passed).count();
    anyhow::ensure!(failed == 0, "{failed} of {} suites failed", results.len());
    Ok(())
}

/// Looks for what the suites need, and for the tools that are of use.
pub(crate) fn set_up(install: Install) -> anyhow::Result<()> {
    let needed: Vec<_> = SUITES
        .iter()
        .flat_map(|suite| suite.needs)
        .copied()
        .collect();
    programs::provide(&needed, install)?;
    println!("Every program that the suites need is here.");
    if !has_nextest() {
        println!("cargo-nextest is not; `cargo test` is used in its place.");
    }
    Ok(())
}

/// What became of a suite.
struct SuiteResult {
    name: &'static str,
    passed: bool,
    elapsed: Duration,
    last_words: Vec<String>,
}

fn run_suite(suite: &Suite) -> SuiteResult {
    println!("\n=== {}: {}", suite.name, suite.about);
    let started = Instant::now();
    let last_words = LastWords::default();
    let passed = (suite.commands)()
        .into_iter()
        .all(|command| succeeds(command, &last_words));
    let result = SuiteResult {
        name: suite.name,
        passed,
        elapsed: started.elapsed(),
        last_words: last_words.lines(),
    };
    println!(
        "=== {} {} after {}",
        result.name,
        result.verdict(),
        in_words(result.elapsed)
    );
    result
}

fn succeeds(mut command: Command, last_words: &LastWords) -> bool {
    command.current_dir(workspace_root()).stdin(Stdio::null());
    let outcome = echo::run(&mut command, last_words)
        .with_context(|| format!("cannot start {}", command.get_program().display()));
    match outcome {
        Ok(status) if status.success() => true,
        Ok(status) => {
            eprintln!("{}", complaint(&command, status));
            false
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            false
        }
    }
}

fn complaint(command: &Command, status: ExitStatus) -> String {
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect();
    format!(
        "{} {} ended with {status}",
        command.get_program().display(),
        arguments.join(" ")
    )
}

/// Leaves the documentation's examples to a suite of their own, whichever runner there is.
fn tests() -> Vec<Command> {
    if has_nextest() {
        return vec![cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])];
    }
    vec![cargo(&[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ])]
}

/// Builds what is driven, and drives it with this client.
fn client(name: &str) -> Vec<Command> {
    let drive = ["run", "--quiet", "--package", "xtask", "--", "client", name];
    vec![
        cargo(&["build", "--release", "--package", "hangar"]),
        cargo(&drive),
    ]
}

/// Tests the cluster's checks, builds what is to be broken, and breaks it.
fn cluster() -> Vec<Command> {
    let python = |arguments: &[&str]| {
        // A run that outlives this would go on breaking things for minutes: it ends in order at a TERM.
        let mut python = Command::new("setpriv");
        python
            .args(["--pdeathsig=TERM", "--", "/usr/bin/python3"])
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1");
        python
    };
    let mut run = python(&["tests/cluster", "--program"]);
    run.arg(server::program());
    vec![
        python(&[
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests/cluster",
        ]),
        cargo(&["build", "--release", "--bin", "hangar"]),
        run,
    ]
}

/// The fuzzer, without arguments.
pub(crate) fn fuzzer() -> Command {
    cargo(&["run", "--quiet", "--package", "hangar-fuzz", "--"])
}

pub(crate) fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

impl SuiteResult {
    fn verdict(&self) -> &'static str {
        if self.passed { "passed" } else { "FAILED" }
    }
}

fn summary(results: &[SuiteResult]) -> String {
    let line =
        |name: &str, verdict: &str, time: &str| format!("{name:<20} {verdict:<8} {time:>12}\n");
    let rows = results
        .iter()
        .map(|result| line(result.name, result.verdict(), &in_words(result.elapsed)));
    let heading = format!("\n{}", line("Suite", "Result", "Time"));
    std::iter::once(heading).chain(rows).collect()
}

/// What the suites that failed said at their end, once more where it is seen.
fn last_words(results: &[SuiteResult]) -> String {
    let failed = results.iter().filter(|result| !result.passed);
    let told = failed.map(|result| {
        let lines = result.last_words.join("\n");
        format!("\n=== the end of {}\n{lines}\n", result.name)
    });
    told.collect()
}

fn in_words(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", elapsed.as_secs_f64());
    }
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SUITES.len());
    }

    #[test]
    fn a_suite_fails_when_a_command_fails_or_does_not_start() {
        let run = |commands| {
            run_suite(&Suite {
                name: "trial",
                about: "a trial",
                needs: &[],
                commands,
            })
            .passed
        };
        assert!(run(|| vec![Command::new("true"), Command::new("true")]));
        assert!(!run(|| vec![Command::new("true"), Command::new("false")]));
        assert!(!run(|| vec![Command::new("no-such-program-anywhere")]));
    }

    #[test]
    fn the_summary_has_a_line_a_suite() {
        let results = [
            SuiteResult {
                name: "doc",
                passed: true,
                elapsed: Duration::from_millis(1200),
                last_words: vec!["all is well".to_owned()],
            },
            SuiteResult {
                name: "fuzz",
                passed: false,
                elapsed: Duration::from_secs(61),
                last_words: vec!["a body".to_owned(), "panicked".to_owned()],
            },
        ];
        let expected = "
Suite                Result           Time
doc                  passed          1.2 s
fuzz                 FAILED     1 min 01 s
";
        assert_eq!(summary(&results), expected);
        assert_eq!(
            last_words(&results),
            "\n=== the end of fuzz\na body\npanicked\n"
        );
    }
}
