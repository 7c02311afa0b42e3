//! What `serve` refuses to start with: exit code 2, and a sentence that says what to do.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::process::{Ended, hangar, run, serve, serve_dev, serve_for_real};

/// Checks that a command is refused with these words.
#[track_caller]
fn assert_refused(command: &mut Command, words: &[&str]) {
    let ended: Ended = run(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stdout, "", "it said that it listens");
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "{word} is not in\n{}",
            ended.stderr
        );
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn serving_without_an_issuer_and_an_audience_says_how_to_give_them() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let words = [
        "auth.issuers",
        "auth.audiences",
        "[auth]",
        "--auth-issuers",
        "serve --dev",
    ];
    assert_refused(hangar().args(serve(&data)), &words);
    let issuer = ["--auth-issuers", "https://login.example/x"];
    assert_refused(
        hangar().args(serve(&data)).args(issuer),
        &["auth.audiences"],
    );
    let template = ["--auth-issuers", "https://login.example/{tenantid}/v2.0"];
    let audience = ["--auth-audiences", "api://hangar"];
    let words = ["auth.issuers", "auth.tenants", "auth.any_tenant"];
    assert_refused(
        hangar().args(serve(&data)).args(template).args(audience),
        &words,
    );
    assert!(
        !data.exists(),
        "a server that is refused leaves nothing behind"
    );
}

#[test]
fn an_unknown_setting_is_named_with_its_source() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("hangar.toml");
    fs::write(&file, "[registration]\ndelai = '1s'\n").unwrap();
    let file = file.to_str().unwrap();
    assert_refused(
        hangar().args(serve_dev(&data)).args(["--config", file]),
        &["registration.delai", file, "registration.delay"],
    );
    assert_refused(
        hangar()
            .args(serve_dev(&data))
            .env("HANGAR_GRAPH__BEHAVIOUR", "observed"),
        &[
            "graph.behaviour",
            "HANGAR_GRAPH__BEHAVIOUR",
            "HANGAR_GRAPH__BEHAVIOR",
        ],
    );
    assert_refused(
        hangar()
            .args(serve_dev(&data))
            .args(["--grap-behavior", "x"]),
        &["--grap-behavior"],
    );
    assert_refused(
        hangar()
            .args(serve_dev(&data))
            .args(["--config", "nowhere.toml"]),
        &["nowhere.toml"],
    );
}

#[test]
fn development_is_for_loopback_only() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let data_dir = data.to_str().unwrap();
    for (listen, admin, key) in [
        ("0.0.0.0:0", "127.0.0.1:0", "server.listen"),
        ("127.0.0.1:0", "[::]:0", "server.admin_listen"),
    ] {
        let mut command = hangar();
        command.args(["serve", "--dev", "--data-dir", data_dir, "--listen", listen]);
        command.args(["--admin-listen", admin]);
        assert_refused(&mut command, &[key, "loopback only"]);
    }
    assert!(!data.exists());
}

#[test]
fn an_address_that_is_taken_is_named_with_its_setting() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (flag, key) in [
        ("--listen", "server.listen"),
        ("--admin-listen", "server.admin_listen"),
    ] {
        let mut arguments = serve_dev(&data);
        let at = arguments
            .iter()
            .position(|argument| argument == flag)
            .unwrap();
        arguments[at + 1].clone_from(&taken);
        assert_refused(hangar().args(arguments), &[key, &taken]);
    }
}

/// A command for the binary by somebody whom permissions hold back, root by another name if need be.
fn as_nobody(directory: &Path) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() != b"0" {
        return hangar();
    }
    // The build's own directory may be closed to others.
    let program = directory.join("hangar");
    fs::copy(env!("CARGO_BIN_EXE_hangar"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program);
    command
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let open = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode));
    let mut refused = as_nobody(directory.path());
    let data = directory.path().join("data");
    open(0o555).unwrap();
    assert_refused(
        refused.args(serve_for_real(&data)),
        &[
            "the data directory",
            data.to_str().unwrap(),
            "can't be used",
            "ermission denied",
        ],
    );
    open(0o755).unwrap();

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(
        hangar().args(serve_for_real(&file)),
        &[
            "the data directory",
            file.to_str().unwrap(),
            "can't be used",
        ],
    );
}

#[test]
fn a_file_that_is_no_database_of_hangars_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("hangar.db");
    let foreign = b"not a database, but somebody's".repeat(100);
    fs::write(&file, &foreign).unwrap();
    assert_refused(
        hangar().args(serve_for_real(&data)),
        &[file.to_str().unwrap()],
    );
    assert_eq!(fs::read(&file).unwrap(), foreign);
}
