//! `hangar tenant` beside a running server.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::client::Client;
use crate::process::{Ended, Server, database, hangar, run, token};

/// A tenant of the authority of `serve --dev`.
const CONTOSO: &str = "aaaaaaaa-0000-4000-8000-00000000000a";

fn tenant(data_dir: &Path, arguments: &[&str]) -> Ended {
    let mut command = hangar();
    command.arg("tenant").args(arguments);
    command.args(database(data_dir));
    run(command.arg("--data-dir").arg(data_dir))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_listed_exported_and_deleted_while_the_server_runs() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = Server::dev(&data_dir);
    let client = |name| Client::new(&server.url, token(&data_dir, &["--tenant", name]));
    let (contoso, fabrikam) = (client("contoso"), client("fabrikam"));
    contoso.post_many(0..600).await;
    assert_eq!(contoso.settled().await.len(), 600);
    let upload = contoso.upload().await;
    fabrikam.post(9_000).await;
    fabrikam.settled().await;

    let list = tenant(&data_dir, &["list"]);
    let line = list.stdout.lines().find(|line| line.starts_with(CONTOSO));
    let numbers: Vec<_> = line.unwrap().split_whitespace().skip(1).collect();
    assert_eq!(numbers, ["600", "0", "600", "0"], "{list:?}");

    let export = tenant(&data_dir, &["export", CONTOSO]);
    assert_eq!(export.code, Some(0), "{export:?}");
    let lines: Vec<Value> = export
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("import"), of("device"), of("audit")), (600, 600, 1_201));
    let uploads: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "upload")
        .collect();
    assert_eq!(uploads.len(), 1);
    assert_eq!(
        (&uploads[0]["id"], &uploads[0]["imports"]),
        (&upload, &json!([]))
    );
    assert!(lines[0]["hardwareIdentifier"].is_string() && lines[0]["state"] == "complete");
    let file = directory.path().join("export");
    let output = ["export", CONTOSO, "--output", file.to_str().unwrap()];
    assert_eq!(tenant(&data_dir, &output).code, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap().trim_end(), export.stdout);
    assert_eq!(
        tenant(&data_dir, &output).code,
        Some(2),
        "it is there already"
    );

    let unasked = tenant(&data_dir, &["delete", CONTOSO]);
    assert_eq!(unasked.code, Some(2));
    assert!(unasked.stderr.contains("no terminal to ask"), "{unasked:?}");
    assert_eq!(contoso.devices().await.len(), 600);

    // The other tenant's requests are answered all the while.
    let dir = data_dir.clone();
    let deletion = tokio::task::spawn_blocking(move || tenant(&dir, &["delete", CONTOSO, "--yes"]));
    let mut seed = 10_000;
    while !deletion.is_finished() {
        fabrikam.post(seed).await;
        seed += 1;
    }
    let deleted = deletion.await.unwrap();
    assert_eq!(deleted.code, Some(0), "{deleted:?}");
    assert!(
        deleted.stdout.contains("600 imports, and 600 devices"),
        "{deleted:?}"
    );
    assert!(seed > 10_001, "nothing was posted while it ran");
    assert!(contoso.imports().await.is_empty() && contoso.devices().await.is_empty());
    assert!(!tenant(&data_dir, &["list"]).stdout.contains(CONTOSO));
    let nothing = tenant(&data_dir, &["delete", CONTOSO, "--yes"]);
    assert!(nothing.stderr.contains("has nothing here"), "{nothing:?}");

    fabrikam.post_many(0..3).await;
    let complete = |import: &Value| import["state"]["deviceImportStatus"] == "complete";
    assert!(
        fabrikam.settled().await.iter().all(complete),
        "the hardware is free"
    );
    // A server's database is looked over by the server's own tools.
    if database(&data_dir).is_empty() {
        let check = run(hangar().args(["check", "--data-dir"]).arg(&data_dir));
        assert_eq!(check.code, Some(0), "{check:?}");
    }
    assert_eq!(server.stop().code, Some(0));
}

/// `script` lends its terminal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_at_a_terminal_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    let server = Server::dev(data_dir);
    let contoso = Client::new(&server.url, token(data_dir, &["--tenant", "contoso"]));
    contoso.post(1).await;
    contoso.settled().await;
    for (answer, devices) in [("y\n", 1), ("yes\n", 0)] {
        let said = delete_at_a_terminal(data_dir, answer);
        assert!(said.contains("This deletes 1 imports"), "{said}");
        assert_eq!(contoso.devices().await.len(), devices, "{said}");
    }
    assert_eq!(server.stop().code, Some(0));
}

fn delete_at_a_terminal(data_dir: &Path, answer: &str) -> String {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!(
            "'{}' tenant delete {CONTOSO} --data-dir '{}' {}",
            env!("CARGO_BIN_EXE_hangar"),
            data_dir.display(),
            database(data_dir).join(" "),
        ))
        .arg("/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(answer.as_bytes()).unwrap();
    // Standard input stays open until it has ended: its end would be an answer.
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
