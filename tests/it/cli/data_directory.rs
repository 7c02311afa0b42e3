//! One server to a data directory, of one kind, and nobody else reads it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::json;

use super::{get, post};
use crate::process::{Server, hangar, run, serve_dev, serve_for_real, token};

#[tokio::test]
async fn a_second_server_is_refused_by_name_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let first = Server::dev(&data);
    let second = run(hangar().args(serve_dev(&data)));
    assert_eq!(second.code, Some(2), "{second:?}");
    for words in [
        data.to_str().unwrap(),
        "in use by another `hangar serve`",
        "--data-dir",
    ] {
        assert!(second.stderr.contains(words), "{words}: {}", second.stderr);
    }
    let token = token(&data, &[]);
    assert_eq!(post(&first, &token, &json!({})).await.0, 201);
    // What is free again can be taken again, even after the power went.
    first.process.kill();
    let third = Server::dev(&data);
    assert_eq!(get(&third, &crate::process::token(&data, &[])).await, 200);
    assert_eq!(third.stop().code, Some(0));
}

#[test]
fn development_and_production_do_not_share_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let development = directory.path().join("development");
    assert_eq!(Server::dev(&development).stop().code, Some(0));
    let production = directory.path().join("production");
    let server = Server::start(hangar().args(serve_for_real(&production)));
    assert_eq!(server.stop().code, Some(0));
    for (arguments, made_by) in [
        (serve_for_real(&development), "made by `hangar serve --dev`"),
        (
            serve_dev(&production),
            "made by `hangar serve` without --dev",
        ),
    ] {
        let refused = run(hangar().args(arguments));
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(made_by), "{}", refused.stderr);
        assert!(refused.stderr.contains("--data-dir"), "{}", refused.stderr);
    }
    // Neither was harmed.
    assert_eq!(Server::dev(&development).stop().code, Some(0));
}

#[tokio::test]
async fn port_zero_picks_ports_and_says_which() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::dev(&directory.path().join("data"));
    assert_ne!(server.url, server.admin_url);
    for (url, status) in [(&server.url, 404), (&server.admin_url, 404)] {
        assert!(!url.ends_with(":0"), "{url}");
        let answer = crate::process::client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), status, "{url}");
    }
    // What is pasted from the screen goes to the same port.
    let printed = server.process.stdout.wait_for("curl -sS \"");
    assert!(printed.is_some_and(|line| line.contains(&server.url)));
}

#[tokio::test]
async fn nobody_else_reads_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    assert_eq!(post(&server, &token, &json!({})).await.0, 201);
    let mut files = Vec::new();
    check_modes(&data, &mut files);
    for name in [
        "hangar.db",
        "hangar.db-wal",
        "hangar.db-shm",
        "hangar.lock",
        "users.toml",
    ] {
        assert!(
            files.iter().any(|file| file == name),
            "{name} is not in {files:?}"
        );
    }
    server.stop();
    check_modes(&data, &mut files);
}

/// Checks that a directory and everything in it is its owner's alone.
fn check_modes(directory: &Path, files: &mut Vec<String>) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(directory), 0o700, "{}", directory.display());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_modes(&path, files);
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
}
