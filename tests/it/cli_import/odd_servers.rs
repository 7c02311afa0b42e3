//! Servers that fail, throttle, cut connections, change ids or are no Graph servers at all: nothing
//! is sent twice.

use std::{
    fs::OpenOptions,
    io::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{http::header, response::IntoResponse as _};

use super::{
    proxy::{Act, Proxy, made_up},
    stage::{Stage, csv, import, ran},
};

const JSON: &str = "application/json";

#[tokio::test]
async fn what_is_not_graph_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("devices.csv");
    std::fs::write(&file, csv(0..1)).unwrap();
    for (status, kind, body, part) in [
        (
            200,
            "text/html",
            "<h1>Welcome</h1>",
            "200 OK with a web page",
        ),
        (
            404,
            "text/html",
            "<h1>No</h1>",
            "404 Not Found with a web page",
        ),
        (
            200,
            JSON,
            "{\"hello\":1}",
            "can't be read as a list of imports",
        ),
        (404, JSON, "{\"message\":\"no\"}", "404 Not Found"),
    ] {
        let proxy = Proxy::start("", move |_| made_up(status, kind, body)).await;
        let mut command = import(&file);
        command.args(["--url", &proxy.url, "--token", "t"]);
        ran(command)
            .await
            .expect(2, &["is not a Graph server", part, "--url"]);
        assert_eq!(proxy.imports(), 0);
    }
    let mut command = import(&file);
    command.args(["--url", "http://127.0.0.1:1", "--token", "t"]);
    ran(command).await.expect(2, &["can't be reached"]);
    assert!(!directory.path().join("devices.csv.hangar-journal").exists());
}

#[tokio::test]
async fn a_server_that_fails_for_a_while_is_waited_for() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..30));
    let proxy = Proxy::start(&stage.server.url, |seen| match seen.number {
        1 | 2 => made_up(500, "text/html", "<h1>Oops</h1>"),
        4 if seen.is_import => made_up(503, JSON, r#"{"error":{"code":"C","message":"M"}}"#),
        _ => Act::Pass,
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &["--chunk", "10"]).await;
    ran.expect(0, &["30 registered"]);
    stage.assert_each_once(30).await;
}

#[tokio::test]
async fn a_server_that_never_comes_round_is_given_up() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let proxy = Proxy::start(&stage.server.url, |seen| {
        if seen.is_import {
            made_up(500, "text/plain", "no")
        } else {
            Act::Pass
        }
    });
    let proxy = proxy.await;
    let ran = stage
        .import_at(&proxy.url, &file, &["--retry-for", "1s"])
        .await;
    ran.expect(
        2,
        &[
            "500 Internal Server Error",
            "gave up after",
            "Start the same command again",
        ],
    );
    assert!(proxy.imports() > 1, "it was tried again");
}

#[tokio::test]
async fn a_connection_cut_after_the_commit_sends_nothing_twice() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..50));
    let proxy = Proxy::start(&stage.server.url, |seen| match seen.number {
        1 | 3 | 4 if seen.is_import => Act::CutAfter,
        _ => Act::Pass,
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &["--chunk", "10"]).await;
    ran.expect(0, &["50 registered"]);
    stage.assert_each_once(50).await;
    assert_eq!(proxy.imports(), 5, "no chunk was sent again");
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..30));
    let times = Arc::new(Mutex::new(Vec::new()));
    let script = {
        let times = Arc::clone(&times);
        move |seen: &super::proxy::Seen<'_>| {
            if seen.is_import {
                times.lock().unwrap().push(Instant::now());
            }
            if !seen.is_import || seen.number != 1 {
                return Act::Pass;
            }
            let head = [(header::CONTENT_TYPE, JSON), (header::RETRY_AFTER, "1")];
            let body = r#"{"error":{"code":"TooManyRequests","message":"M"}}"#;
            let status = axum::http::StatusCode::TOO_MANY_REQUESTS;
            Act::Answer(Box::new((status, head, body).into_response()))
        }
    };
    let proxy = Proxy::start(&stage.server.url, script).await;
    let ran = stage.import_at(&proxy.url, &file, &["--chunk", "10"]).await;
    ran.expect(0, &["30 registered"]);
    stage.assert_each_once(30).await;
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_token_that_expires_half_way_is_asked_for_again() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..40));
    let real = stage.token.clone();
    // Each token is good for two calls.
    let script = move |seen: &super::proxy::Seen<'_>| {
        let token: u64 = seen.token.parse().unwrap_or(0);
        let is_over = seen.is_import && seen.number > token * 2;
        if is_over && token < 2 {
            let body = r#"{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired."}}"#;
            return made_up(401, JSON, body);
        }
        Act::PassAs(real.clone())
    };
    let proxy = Proxy::start(&stage.server.url, script).await;
    let given = stage
        .import_at(
            &proxy.url,
            &file,
            &["--chunk", "10", "--connections", "1", "--token", "1"],
        )
        .await;
    given.expect(
        2,
        &[
            "the token is expired",
            "--token-command",
            "Start the same command again",
        ],
    );
    let counter = stage.path("counter");
    let command = format!("echo x >> '{0}'; wc -l < '{0}'", counter.display());
    let resumed = stage
        .import_at(
            &proxy.url,
            &file,
            &["--chunk", "10", "--token-command", &command],
        )
        .await;
    resumed.expect(0, &["40 registered"]);
    stage.assert_each_once(40).await;
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "x\nx\n");
}

#[tokio::test]
async fn a_server_with_ids_of_its_own_is_reconciled_by_serial_number() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..50));
    let report = stage.path("report.csv");
    let proxy = Proxy::without_ids(&stage.server.url, |seen| match seen.number {
        1 | 3 if seen.is_import => Act::CutAfter,
        _ => Act::Pass,
    });
    let proxy = proxy.await;
    let options = ["--chunk", "10", "--report", report.to_str().unwrap()];
    let ran = stage.import_at(&proxy.url, &file, &options).await;
    ran.expect(
        0,
        &[
            "50 registered",
            "gives imports ids of its own",
            "serial numbers",
        ],
    );
    stage.assert_each_once(50).await;
    let imports = stage.all("importedWindowsAutopilotDeviceIdentities").await;
    let report = std::fs::read_to_string(report).unwrap();
    for import in imports {
        assert!(report.contains(import["id"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn a_row_that_the_server_rejects_does_not_cost_the_others() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..9));
    let proxy = Proxy::start(&stage.server.url, |seen| {
        let is_spoilt = seen.body.windows(8).any(|part| part == b"SN-00004");
        if seen.is_import && is_spoilt {
            let body = r#"{"error":{"code":"BadRequest","message":"That name will not do."}}"#;
            return made_up(400, JSON, body);
        }
        Act::Pass
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &[]).await;
    ran.expect(
        1,
        &[
            "8 registered",
            "1 not accepted by the server",
            "row 6",
            "That name will not do.",
        ],
    );
    let imports = stage.all("importedWindowsAutopilotDeviceIdentities").await;
    assert_eq!(imports.len(), 8);
}

#[tokio::test]
async fn a_file_that_grows_is_noticed_before_more_is_sent() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..30));
    let growing = file.clone();
    let proxy = Proxy::start(&stage.server.url, move |seen| {
        if seen.is_import && seen.number == 1 {
            let mut file = OpenOptions::new().append(true).open(&growing).unwrap();
            file.write_all(b"SN-9,,\n").unwrap();
        }
        Act::Pass
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &["--chunk", "10"]).await;
    ran.expect(2, &["was changed while it was being read"]);
    assert_eq!(proxy.imports(), 1);
}

#[tokio::test]
async fn a_server_that_knows_no_such_call_is_not_asked_row_by_row() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..20));
    let proxy = Proxy::start(&stage.server.url, |seen| {
        if seen.is_import {
            let body = r#"{"error":{"code":"No method match route template","message":"No."}}"#;
            return made_up(400, JSON, body);
        }
        Act::Pass
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &[]).await;
    ran.expect(2, &["the server refused: No. (status 400"]);
    assert_eq!(proxy.imports(), 1);
}

/// The path of one import ends in its id.
fn is_lookup(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|id| id.len() == 36)
}

#[tokio::test]
async fn who_waits_in_vain_can_go_on_waiting() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let proxy = Proxy::start(&stage.server.url, |seen| {
        if is_lookup(seen.path) {
            let id = seen.path.rsplit('/').next().unwrap();
            let body = format!(r#"{{"id":"{id}","state":{{"deviceImportStatus":"unknown"}}}}"#);
            return made_up(200, JSON, &body);
        }
        Act::Pass
    });
    let proxy = proxy.await;
    let options = ["--wait-timeout", "0s"];
    let ran = stage.import_at(&proxy.url, &file, &options).await;
    ran.expect(
        1,
        &[
            "3 accepted, not decided yet",
            "Start the same command again",
        ],
    );
    assert!(stage.path("devices.csv.hangar-journal").exists());
}

#[tokio::test]
async fn an_import_that_somebody_deleted_is_told() {
    let stage = Stage::new();
    let file = stage.file("devices.csv", csv(0..3));
    let proxy = Proxy::start(&stage.server.url, |seen| {
        if is_lookup(seen.path) {
            let body = r#"{"error":{"code":"ResourceNotFound","message":"It is not there."}}"#;
            return made_up(404, JSON, body);
        }
        Act::Pass
    });
    let proxy = proxy.await;
    let ran = stage.import_at(&proxy.url, &file, &[]).await;
    ran.expect(
        1,
        &[
            "3 deleted from the server before their outcome was read",
            "row 2",
            "gone",
        ],
    );
}
