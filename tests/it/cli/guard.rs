//! `--dev` keeps web pages out, in Graph's shape, and never invites them.

use reqwest::{Method, Response};
use serde_json::Value;

use super::IMPORTS;
use crate::process::{Server, client, token};

async fn send(url: &str, method: Method, token: &str, header: (&str, &str)) -> Response {
    let request = client().request(method, url).bearer_auth(token);
    let answer = request.header(header.0, header.1).send().await.unwrap();
    let invites = |name: &str| name.starts_with("access-control-");
    assert!(!answer.headers().keys().any(|name| invites(name.as_str())));
    answer
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_as_graph_would() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    let foreign = [
        (("host", "evil.example"), 421, "MisdirectedRequest"),
        (
            ("host", "127.0.0.1.evil.example"),
            421,
            "MisdirectedRequest",
        ),
        (("origin", "https://evil.example"), 403, "Forbidden"),
        (("origin", "null"), 403, "Forbidden"),
        (("origin", "http://localhost:3000"), 403, "Forbidden"),
    ];
    let paths = [
        IMPORTS,
        "contoso/v2.0/.well-known/openid-configuration",
        "contoso/oauth2/v2.0/sign-in",
        "nothing",
    ];
    for path in paths {
        let url = format!("{}/{path}", server.url);
        for (header, status, code) in foreign {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let answer = send(&url, method, &token, header).await;
                assert_eq!(answer.status(), status, "{path} with {header:?}");
                assert_eq!(answer.headers()["content-type"], "application/json");
                let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
                let body: Value = answer.json().await.unwrap();
                assert_eq!(body["error"]["code"], code);
                assert_eq!(body["error"]["innerError"]["request-id"], id);
            }
        }
    }
    let url = format!("{}/{IMPORTS}", server.url);
    for header in [("host", "localhost"), ("origin", server.url.as_str())] {
        let answer = send(&url, Method::GET, &token, header).await;
        assert_eq!(answer.status(), 200, "{header:?}");
    }
}
