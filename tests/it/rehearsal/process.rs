//! A server that rehearses, and those that do not.

use serde_json::{Value, json};

use crate::process::{Server, client, hangar, run, serve, token};

/// The status and the body of an answer of the admin listener.
async fn ask(server: &Server, path: &str) -> (u16, Value) {
    let address = format!("{}{path}", server.admin_url);
    let answer = client().get(address).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

fn rehearse(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = hangar();
    command.args(["rehearse", "--json", "--admin-url", &server.admin_url]);
    let ended = run(command.args(arguments));
    (ended.code, ended.stdout + &ended.stderr)
}

#[tokio::test]
async fn without_the_flag_there_is_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::dev(&directory.path().join("data"));
    for path in ["/rehearsal", "/rehearsal/clock", "/rehearsal/openapi.json"] {
        assert_eq!(ask(&server, path).await.0, 404, "{path}");
        let address = format!("{}{path}", server.url);
        let answer = client().get(address).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(ask(&server, "/healthz").await.1, json!({"status": "ok"}));
    let (code, said) = rehearse(&server, &["clock", "show"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("start it with --rehearse"), "{said}");
}

#[tokio::test]
async fn a_rehearsal_keeps_its_clock_and_its_data_to_itself() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::rehearse(&data);
    let (code, said) = rehearse(&server, &["clock", "advance", "48h"]);
    assert_eq!(code, Some(0), "{said}");
    let (_, health) = ask(&server, "/healthz").await;
    let ahead = |health: &Value| {
        health["rehearsal"]["clock"]["offset_seconds"]
            .as_f64()
            .unwrap()
    };
    assert!((ahead(&health) - 172_800.0).abs() < 1.0, "{health}");
    // On the API's own listener there is none of it.
    let address = format!("{}/rehearsal/clock", server.url);
    assert_eq!(client().get(address).send().await.unwrap().status(), 404);
    drop(server);

    let again = Server::rehearse(&data);
    let (_, health) = ask(&again, "/healthz").await;
    assert!((ahead(&health) - 172_800.0).abs() < 1.0, "{health}");
    drop(again);

    let ended = run(hangar().args(serve(&data)).arg("--dev"));
    assert_eq!(ended.code, Some(2));
    let why = "was made by `hangar serve --rehearse` and does not open in `hangar serve --dev`";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
}

#[tokio::test]
async fn tokens_are_of_the_time_that_the_server_goes_by() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::rehearse(&data);
    let path = "beta/deviceManagement/windowsAutopilotDeviceIdentities";
    for arguments in [&["clock", "advance", "48h"][..], &["clock", "freeze"]] {
        let (code, said) = rehearse(&server, arguments);
        assert_eq!(code, Some(0), "{said}");
        let request = client().get(format!("{}/{path}", server.url));
        let answer = request.bearer_auth(token(&data, &[])).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{arguments:?}");
    }
}

#[test]
fn a_rehearsal_is_for_this_machine_and_for_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    for (flag, value, why) in [
        ("--admin-listen", "0.0.0.0:0", "listens on loopback only"),
        ("--listen", "0.0.0.0:0", "listens on loopback only"),
        (
            "--database-url",
            "postgres://hangar@localhost/hangar",
            "keeps everything in SQLite",
        ),
    ] {
        let mut command = hangar();
        command.args(["serve", "--rehearse", flag, value, "--data-dir"]);
        let ended = run(command.arg(directory.path()));
        assert_eq!(ended.code, Some(2), "{flag}");
        assert!(ended.stderr.contains(why), "{flag}: {}", ended.stderr);
    }
}
