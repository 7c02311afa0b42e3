//! The admin listener of a running server: alive, ready, and measured without naming anybody.

use std::collections::BTreeSet;

use reqwest::header::HOST;
use serde_json::{Value, json};

use super::{CONTOSO, FABRIKAM, device, settled};
use crate::process::{Server, client, token};

async fn page(server: &Server, path: &str) -> (u16, String, String) {
    let answer = client()
        .get(format!("{}{path}", server.admin_url))
        .send()
        .await
        .unwrap();
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

/// The metrics that `docs/metrics.md` lists.
fn documented() -> BTreeSet<&'static str> {
    let rows = include_str!("../../../docs/metrics.md").lines();
    rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect()
}

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::dev(&directory.path().join("data"));
    let expected = [
        ("/healthz", json!({"status": "ok"})),
        (
            "/readyz",
            json!({"status": "ok", "checks": {"store": {"status": "ok"}}}),
        ),
    ];
    for (path, body) in expected {
        let (status, kind, text) = page(&server, path).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"));
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            body,
            "{path}"
        );
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request = client().get(format!("{}{path}", server.admin_url));
        let answer = request.header(HOST, "evil.example").send().await.unwrap();
        assert_eq!(answer.status(), 421, "{path}");
        // And the service's own listener has none of them.
        let answer = client()
            .get(format!("{}{path}", server.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_metrics_are_those_that_are_documented_and_name_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let serial = "MARKER-77";
    let batch =
        json!({ "requests": [{ "id": "MARKER-77", "method": "GET", "url": "/MARKER-77" }] });
    for tenant in ["contoso", "fabrikam"] {
        let token = token(&data, &["--tenant", tenant]);
        settled(&server, &token, &device(1, serial)).await;
        let ask = client().post(format!("{}/beta/$batch", server.url));
        let answer = ask.bearer_auth(token).json(&batch).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(super::get(&server, "not-a-token").await, 401);

    let (status, kind, text) = page(&server, "/metrics").await;
    assert_eq!(status, 200);
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (_, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    let documented = documented();
    assert!(documented.len() > 10);
    let unknown: Vec<_> = shown.difference(&documented).collect();
    assert!(unknown.is_empty(), "not documented: {unknown:?}");
    // Nothing failed, nobody was throttled, and SQLite looks up one at a time, so what counts these
    // has not begun.
    let missing: Vec<_> = documented.difference(&shown).collect();
    assert_eq!(
        missing,
        [
            &"hangar_lookup_group_operations",
            &"hangar_store_errors_total",
            &"hangar_throttled_requests_total"
        ]
    );

    for line in [
        "hangar_batch_parts_total{route=\"none\",method=\"GET\",status=\"400\"} 2",
        "hangar_registrations_total{outcome=\"registered\"} 1",
        "hangar_registrations_total{outcome=\"ZtdDeviceAssignedToOtherTenant\"} 1",
        "hangar_token_checks_total{outcome=\"malformed\"} 1",
    ] {
        assert!(
            text.lines().any(|shown| shown == line),
            "{line} is not in\n{text}"
        );
    }
    for name in [CONTOSO, FABRIKAM, serial, "contoso", "tenant="] {
        assert!(!text.contains(name), "{name}");
    }
}
