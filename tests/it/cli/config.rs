//! `hangar config`: the example, what holds and why, and whether it will do.

use std::process::Command;

use crate::process::{hangar, run};

#[test]
fn the_example_is_a_settings_file_that_will_do() {
    let example = run(hangar().args(["config", "example"]));
    assert_eq!(example.code, Some(0), "{example:?}");
    for line in [
        "[server]",
        "#listen = \"127.0.0.1:8080\"",
        "[auth]",
        "[log]",
    ] {
        assert!(example.stdout.lines().any(|text| text == line), "{line}");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hangar.toml");
    std::fs::write(&file, &example.stdout).unwrap();
    let file = file.to_str().unwrap();
    let check = run(hangar().args(["config", "check", "--dev", "--config", file]));
    assert_eq!(check.code, Some(0), "{check:?}");
    assert_eq!(check.stdout, "The settings will do.");
}

#[test]
fn show_says_what_holds_and_where_it_was_given_but_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hangar.toml");
    let settings = "[server]\nlisten = '127.0.0.1:1111'\n[registration]\ndelay = '3s'\n";
    std::fs::write(&file, settings).unwrap();
    let file = file.to_str().unwrap();
    let shown = run(hangar()
        .args(["config", "show", "--config", file, "--log-level", "debug"])
        .env("HANGAR_SERVER__LISTEN", "127.0.0.1:2222")
        .env(
            "HANGAR_DATABASE__URL",
            "postgres://hangar:hush@db.example/hangar",
        ));
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let line = |start: &str| {
        let mut lines = shown.stdout.lines();
        lines
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
    };
    assert!(line("listen = ").contains("127.0.0.1:2222"));
    assert!(line("listen = ").contains("HANGAR_SERVER__LISTEN"));
    assert!(line("delay = ").contains("3s") && line("delay = ").contains(file));
    assert!(line("level = ").contains("--log-level"));
    assert!(line("admin_listen = ").contains("default"));
    assert!(line("# url is").contains("not shown"));
    assert!(!shown.stdout.contains("hush") && !shown.stderr.contains("hush"));
}

/// Checks that `config check` fails, with a line that holds all of these parts.
#[track_caller]
fn assert_named(command: &mut Command, problems: &[[&str; 3]]) {
    let check = run(command);
    assert_eq!(check.code, Some(2), "{check:?}");
    assert_eq!(check.stdout, "");
    for parts in problems {
        let mut lines = check.stderr.lines();
        let named = lines.any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(named, "{parts:?} is not in one line of\n{}", check.stderr);
    }
}

#[test]
fn check_names_every_problem_with_its_source() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hangar.toml");
    let file = file.to_str().unwrap();
    let check = ["config", "check", "--config", file];

    std::fs::write(file, "[server]\nlistn = 'x'\n").unwrap();
    assert_named(
        hangar().args(check).env("HANGAR_AUTH__TENANT", "x"),
        &[
            ["server.listn", file, "server.listen"],
            ["auth.tenant", "HANGAR_AUTH__TENANT", "HANGAR_AUTH__TENANTS"],
        ],
    );
    std::fs::write(file, "[server]\nlisten = 'x'\n").unwrap();
    assert_named(
        hangar()
            .args(check)
            .args(["--log-format", "xml"])
            .env("HANGAR_REGISTRATION__DELAY", "soon"),
        &[
            ["server.listen", file, "x"],
            ["registration.delay", "HANGAR_REGISTRATION__DELAY", "soon"],
            ["log.format", "--log-format", "xml"],
        ],
    );
}
