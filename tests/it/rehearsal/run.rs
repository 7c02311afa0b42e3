//! `hangar rehearse run`: a command finds a server of its own, which goes when it does.

use std::{path::Path, time::Instant};

use serde_json::Value;

use crate::process::{Ended, PATIENCE, Process, hangar, run, serve_dev};

/// Runs a shell's script beside a server.
fn rehearse(script: &str) -> Ended {
    let mut command = hangar();
    // The shell finds its programs.
    command.env("PATH", "/usr/bin:/bin");
    command.args(["rehearse", "run", "--", "sh", "-c", script]);
    run(&mut command)
}

#[test]
fn a_command_finds_its_server_and_its_exit_code_is_kept() {
    let ended = rehearse(
        r#"set -e
        list=beta/deviceManagement/windowsAutopilotDeviceIdentities
        curl -sS --fail --cacert "$HANGAR_CA" -H "Authorization: Bearer $HANGAR_TOKEN" "$HANGAR_URL/$list"
        echo
        curl -sS --fail -H "Authorization: Bearer $HANGAR_OTHER_TOKEN" "$HANGAR_HTTP_URL/$list" >&2
        curl -sS --fail "$HANGAR_ADMIN_URL/rehearsal/requests?tenant=$HANGAR_TENANT"
        exit 7"#,
    );
    assert_eq!(ended.code, Some(7), "{ended:?}");
    let mut lines = ended.stdout.lines();
    let mut next = || serde_json::from_str::<Value>(lines.next().unwrap()).unwrap();
    assert_eq!(next()["value"], serde_json::json!([]));
    let requests = next();
    assert_eq!(
        requests["requests"].as_array().unwrap().len(),
        1,
        "{requests}"
    );
    assert_eq!(lines.next(), None, "the output is the command's alone");
    for told in ["Rehearsal: 2 requests were made.", "wide-permissions"] {
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[test]
fn what_cannot_be_run_is_told() {
    let ended = run(hangar().args(["rehearse", "run", "--", "/no/such/program"]));
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("/no/such/program can't be started"),
        "{ended:?}"
    );
    let ended = run(hangar().args(["rehearse", "run"]));
    assert_eq!(ended.code, Some(2));
    let mut command = hangar();
    command.env("HANGAR_GRAPH__BEHAVIOR", "imagined");
    let ended = run(command.args(["rehearse", "run", "--", "true"]));
    assert_eq!(ended.code, Some(2));
    let told = "the server does not start: hangar: graph.behavior";
    assert!(ended.stderr.contains(told), "{ended:?}");
    let ended = rehearse("kill -KILL $$");
    assert_eq!(ended.code, Some(137), "{ended:?}");
}

#[test]
fn the_server_goes_with_whoever_started_it() {
    let mut command = hangar();
    command.env("PATH", "/usr/bin:/bin");
    let script = "echo $HANGAR_CA; exec sleep 600";
    let process = Process::start(command.args(["rehearse", "run", "--", "sh", "-c", script]));
    let line = process.stdout.wait_for("/ca.pem").unwrap();
    let ca = Path::new(line.trim());
    let data = ca.parent().unwrap().parent().unwrap();
    let lock = std::fs::read_to_string(data.join("hangar.lock")).unwrap();
    process.kill();
    let began = Instant::now();
    let server = format!("/proc/{}/cmdline", lock.trim());
    let lives = || {
        std::fs::read(&server).is_ok_and(|line| line.windows(10).any(|part| part == b"--rehearse"))
    };
    while lives() {
        assert!(began.elapsed() < PATIENCE, "the server goes on: {lock}");
        std::thread::yield_now();
    }
    std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
}

#[test]
fn a_server_says_in_one_line_of_json_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = hangar();
    command.args(serve_dev(directory.path()));
    let process = Process::start(command.args(["--rehearse", "--ready-json"]));
    let line = process.stdout.wait_for("admin_url").unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    for (name, beginning) in [
        ("url", "http://127.0.0.1:"),
        ("secure_url", "https://127.0.0.1:"),
        ("admin_url", "http://127.0.0.1:"),
        ("ca", "/"),
        ("data_dir", "/"),
    ] {
        let value = ready[name].as_str().unwrap();
        assert!(value.starts_with(beginning), "{name}: {value}");
    }
    assert!(Path::new(ready["ca"].as_str().unwrap()).exists());
    assert!(ready["process"].is_u64());
}
