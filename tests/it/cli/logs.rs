//! What a server logs: a line a request, in JSON where nobody watches, and nothing of a client's.

use reqwest::Method;
use serde_json::{Value, json};

use super::{CONTOSO, IMPORTS, device, settled};
use crate::process::{Server, client, hangar, serve_dev, token};

const MARKER: &str = "MARKER-5c1f";

/// Sends a marker in every place that a client has.
async fn send_markers(server: &Server, token: &str) {
    let mut import = device(3, MARKER);
    import["groupTag"] = json!(MARKER);
    import["serialNumber"] = json!(MARKER);
    import["assignedUserPrincipalName"] = json!(format!("{MARKER}@contoso.example"));
    settled(server, token, &import).await;
    settled(server, token, &import).await;

    let bodies = [
        json!({ MARKER: 1 }).to_string(),
        format!("{{\"hardwareIdentifier\":\"{MARKER}!\"}}"),
        format!("{{\"id\":\"{MARKER}\"}}"),
        format!("{MARKER} is no JSON"),
    ];
    let paths = [
        IMPORTS.to_owned(),
        format!("{IMPORTS}/import"),
        format!("{IMPORTS}/{MARKER}"),
        format!("{IMPORTS}?$filter={MARKER}&$skiptoken={MARKER}"),
        format!("{MARKER}/{MARKER}"),
        format!("{MARKER}/oauth2/v2.0/token"),
        format!("common/oauth2/v2.0/authorize?client_id={MARKER}&state={MARKER}"),
        format!("common/oauth2/v2.0/sign-in?flow={MARKER}"),
        format!("common/oauth2/v2.0/deviceauth?user_code={MARKER}"),
        format!("common/userrealm/{MARKER}"),
    ];
    let client = client();
    for path in &paths {
        for body in &bodies {
            for (method, authorization) in [
                (Method::POST, format!("Bearer {token}")),
                (Method::PATCH, format!("Bearer {token}")),
                (Method::GET, format!("Bearer {MARKER}")),
                (
                    Method::from_bytes(b"MARKER-5c1f").unwrap(),
                    format!("Basic {MARKER}"),
                ),
            ] {
                let answer = client
                    .request(method, format!("{}/{path}", server.url))
                    .header("authorization", authorization)
                    .header("content-type", "application/json")
                    .header("client-request-id", MARKER)
                    .header("user-agent", MARKER)
                    .header("x-anything", MARKER)
                    .header("accept", format!("application/json;x={MARKER}"))
                    .body(body.clone())
                    .send()
                    .await
                    .unwrap();
                assert!(
                    answer.status().as_u16() < 500,
                    "{path}: {}",
                    answer.status()
                );
            }
        }
    }
}

#[tokio::test]
async fn nothing_that_a_client_sent_is_logged() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    send_markers(&server, &token).await;
    let ended = server.stop();
    assert_eq!(ended.code, Some(0));
    let log = ended.stderr.to_lowercase();
    for secret in [MARKER, token.rsplit('.').next().unwrap()] {
        assert!(!log.contains(&secret.to_lowercase()), "{}", ended.stderr);
    }
    assert!(log.lines().count() > 90, "there was nothing to search");
}

#[tokio::test]
async fn no_token_is_logged_at_any_level() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut command = hangar();
    let server = Server::start(
        command
            .args(serve_dev(&data))
            .args(["--log-level", "trace"]),
    );
    let token = token(&data, &[]);
    send_markers(&server, &token).await;
    let log = server.stop().stderr;
    for part in token.split('.') {
        assert!(!log.contains(part), "a part of the token is in the log");
    }
    assert!(log.lines().count() > 90, "there was nothing to search");
}

#[tokio::test]
async fn a_request_is_a_line_of_json_that_can_be_found_by_its_id() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    let url = format!("{}/{IMPORTS}?$top=7", server.url);
    let answer = client().get(url).bearer_auth(&token).send().await.unwrap();
    let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
    let length = answer.bytes().await.unwrap().len();

    let line = server.process.stderr.wait_for(&id).expect("an access line");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "request");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["request_id"], id);
    assert_eq!(line["tenant"], CONTOSO);
    assert_eq!(
        line["route"],
        "deviceManagement/importedWindowsAutopilotDeviceIdentities"
    );
    assert_eq!(line["method"], "GET");
    assert_eq!(line["status"], 200);
    assert_eq!(line["sent_bytes"], length);
    assert!(line["time_ms"].is_u64());

    let ended = server.stop();
    for query in ["$top", "24top", "?"] {
        assert!(!ended.stderr.contains(query), "{}", ended.stderr);
    }
    for line in ended.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string());
    }
}
