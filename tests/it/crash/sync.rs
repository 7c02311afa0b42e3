//! Under strace: every 201 is preceded by a finished sync of the disk after its request was read.

use std::{collections::HashSet, process::Command};

use serde_json::json;

use crate::process::{Server, client, serve_dev, token};

const REQUESTS: usize = 30;
const IMPORTS: &str = "beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_201_leaves_before_its_row_is_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let trace_file = directory.path().join("trace");
    let mut strace = Command::new("strace");
    strace
        .args([
            "--daemonize",
            "--follow-forks",
            "--string-limit=48",
            "--quiet=all",
        ])
        .arg("--trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg")
        .arg("--output")
        .arg(&trace_file)
        .arg(env!("CARGO_BIN_EXE_hangar"))
        .args(serve_dev(&data_dir))
        // The registrar writes nothing meanwhile, so that every sync is a request's own.
        .args(["--registration-delay", "1h"]);
    let server = Server::start(&mut strace);
    let token = token(&data_dir, &[]);
    let client = client();
    for number in 0..REQUESTS {
        let answer = client
            .post(format!("{}/{IMPORTS}", server.url))
            .bearer_auth(&token)
            .json(&json!({ "serialNumber": format!("SYNC-{number}") }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
    }
    // strace is not the signal's to meet: it traces from aside, and ends when the server has.
    assert_eq!(server.stop().code, Some(0));
    let trace = std::fs::read_to_string(&trace_file).unwrap();
    assert_eq!(synced_answers(&trace), Ok(REQUESTS));
}

/// How many 201s the trace shows, or the line of the first that left too early.
fn synced_answers(trace: &str) -> Result<usize, String> {
    // The threads whose sync began after the request was read.
    let mut syncing = HashSet::new();
    let mut synced = false;
    let mut answers = 0;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        if call.contains("\"POST /beta/") {
            (synced, syncing) = (false, HashSet::new());
        } else if call.contains("\"HTTP/1.1 201") {
            if !synced {
                return Err(line.to_owned());
            }
            answers += 1;
        } else if call.contains("sync") {
            let resumed = call.contains("sync resumed>");
            if !resumed {
                syncing.insert(thread);
            }
            synced |= call.ends_with("= 0") && syncing.contains(thread);
        }
    }
    Ok(answers)
}

#[test]
fn an_answer_before_its_sync_is_found() {
    let read = "7 recvfrom(9, \"POST /beta/deviceManagement/impor\"..., 8192, 0, NULL, NULL) = 600";
    let answer =
        "7 writev(9, [{iov_base=\"HTTP/1.1 201 Created\\r\\n\"..., iov_len=400}], 1) = 400";
    let whole = "8 fdatasync(5) = 0";
    let begun = "8 fdatasync(5 <unfinished ...>";
    let ended = "8 <... fdatasync resumed>) = 0";
    let failed = "8 fdatasync(5) = -1 EIO (Input/output error)";
    let trace = |lines: &[&str]| lines.join("\n");
    assert_eq!(synced_answers(&trace(&[read, whole, answer])), Ok(1));
    assert_eq!(synced_answers(&trace(&[read, begun, ended, answer])), Ok(1));
    let early: [&[&str]; 5] = [
        &[whole, read, answer],
        &[read, begun, answer, ended],
        &[begun, read, ended, answer],
        &[read, failed, answer],
        &[read, answer],
    ];
    for lines in early {
        assert!(synced_answers(&trace(lines)).is_err(), "{lines:?}");
    }
}
