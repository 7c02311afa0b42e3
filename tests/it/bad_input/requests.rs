//! Requests that are bad around the body: its type, coding and size, and their headers and paths.

use std::io::Write as _;

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use hangar::testing::{TestApi, TestOptions};
use http::{Method, Request, header};

use super::{IMPORTS, OPERATIONS, Operation, Stage, assert_graph_error, wrapped};

type Headers = &'static [(&'static str, &'static [u8])];

const ENTITY: &str = r#"{"serialNumber":"S-2"}"#;
const TYPE: (&str, &[u8]) = ("content-type", b"application/json");

async fn stage() -> (tempfile::TempDir, Stage) {
    let directory = tempfile::tempdir().unwrap();
    let api = TestApi::start(directory.path(), TestOptions::default());
    (directory, Stage::set(api).await)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn limit_bytes(operation: Operation) -> usize {
    match operation {
        Operation::Create | Operation::Update => 1 << 20,
        Operation::CreateMany => 16 << 20,
    }
}

/// A good body that is filled up with blanks to this length.
fn filled(operation: Operation, bytes: usize) -> String {
    let mut body = wrapped(operation, ENTITY);
    body.push_str(&" ".repeat(bytes - body.len()));
    body
}

#[tokio::test]
async fn headers_that_do_not_fit_the_body_are_refused() {
    let (_directory, stage) = stage().await;
    let bad = "BadRequest";
    let table: [(Headers, u16, &str); 18] = [
        (&[], 400, bad),
        (&[("content-type", b"")], 400, bad),
        (&[("content-type", b"text/plain")], 400, bad),
        (&[("content-type", b"text/json")], 400, bad),
        (
            &[("content-type", b"application/x-www-form-urlencoded")],
            400,
            bad,
        ),
        (
            &[("content-type", b"multipart/form-data; boundary=x")],
            400,
            bad,
        ),
        (&[("content-type", b"application/json\xff")], 400, bad),
        (
            &[("content-type", b"application/json;charset=utf-32")],
            400,
            bad,
        ),
        (
            &[("content-type", b"application/json;charset=utf-16")],
            400,
            bad,
        ),
        (&[TYPE, ("accept", b"text/html")], 406, "NotAcceptable"),
        (
            &[TYPE, ("accept", b"application/xml, text/*")],
            406,
            "NotAcceptable",
        ),
        (
            &[TYPE, ("accept", b"application/json;q=0")],
            406,
            "NotAcceptable",
        ),
        (
            &[TYPE, ("content-encoding", b"br")],
            415,
            "UnsupportedMediaType",
        ),
        (
            &[TYPE, ("content-encoding", b"deflate")],
            415,
            "UnsupportedMediaType",
        ),
        (
            &[TYPE, ("content-encoding", b"zstd")],
            415,
            "UnsupportedMediaType",
        ),
        (
            &[TYPE, ("content-encoding", b"gzip, gzip")],
            415,
            "UnsupportedMediaType",
        ),
        (
            &[TYPE, ("content-encoding", b"\xff")],
            415,
            "UnsupportedMediaType",
        ),
        (&[TYPE, ("content-encoding", b"gzip")], 400, bad),
    ];
    for operation in OPERATIONS {
        for (headers, status, code) in table {
            let case = format!("{headers:?} to {operation:?}");
            let answer = stage
                .send(operation, headers, wrapped(operation, ENTITY))
                .await;
            assert_graph_error(&answer, status, code, &case);
            stage.assert_untouched(&case).await;
        }
    }
}

#[tokio::test]
async fn gzip_is_read_when_it_is_whole_and_small_enough() {
    let (_directory, stage) = stage().await;
    let headers: [(&str, &[u8]); 2] = [TYPE, ("content-encoding", b"gzip")];
    for operation in OPERATIONS {
        let whole = gzip(wrapped(operation, ENTITY).as_bytes());
        let bomb = gzip(filled(operation, 64 << 20).as_bytes());
        assert!(bomb.len() < limit_bytes(operation));
        let cut = whole[..whole.len() - 4].to_vec();
        let behind = [&whole[..], b"more"].concat();
        for (body, status, code) in [
            (bomb, 413, "RequestEntityTooLarge"),
            (cut, 400, "BadRequest"),
            (behind, 400, "BadRequest"),
            (gzip(b""), 400, "BadRequest"),
            (gzip(&whole), 400, "BadRequest"),
        ] {
            let answer = stage.send(operation, &headers, body).await;
            assert_graph_error(&answer, status, code, &format!("{operation:?}"));
            stage.assert_untouched("gzip").await;
        }
    }
    for operation in OPERATIONS {
        let body = gzip(wrapped(operation, ENTITY).as_bytes());
        let answer = stage.send(operation, &headers, body).await;
        assert!(answer.status.is_success(), "{:?}", answer.json());
    }
}

#[tokio::test]
async fn a_body_may_have_its_limit_and_not_a_byte_more() {
    let (_directory, stage) = stage().await;
    for operation in OPERATIONS {
        let limit = limit_bytes(operation);
        let answer = stage
            .send(operation, &[TYPE], filled(operation, limit + 1))
            .await;
        assert_graph_error(
            &answer,
            413,
            "RequestEntityTooLarge",
            &format!("{operation:?}"),
        );
        stage.assert_untouched("a byte over the limit").await;
    }
    for operation in OPERATIONS {
        let body = filled(operation, limit_bytes(operation));
        let answer = stage.send(operation, &[TYPE], body).await;
        assert!(
            answer.status.is_success(),
            "{operation:?}: {:?}",
            answer.json()
        );
    }
}

#[tokio::test]
async fn paths_and_queries_that_lead_nowhere_are_refused() {
    let (_directory, stage) = stage().await;
    let base = "/beta/deviceManagement";
    let long = "x".repeat(8_000);
    let table = [
        (Method::GET, format!("{IMPORTS}/a%2Fb"), 404),
        (Method::GET, format!("{IMPORTS}/%2e%2e%2f%2e%2e"), 404),
        (Method::GET, format!("{IMPORTS}/{long}"), 404),
        (Method::GET, format!("{IMPORTS}/%00"), 404),
        (Method::DELETE, format!("{IMPORTS}('')"), 404),
        (Method::PATCH, format!("{IMPORTS}('{long}')"), 404),
        (
            Method::DELETE,
            format!("{base}/windowsAutopilotDeviceIdentities/%27%27"),
            404,
        ),
        (
            Method::POST,
            format!("{base}%2FimportedWindowsAutopilotDeviceIdentities"),
            400,
        ),
        (
            Method::POST,
            format!("{base}//importedWindowsAutopilotDeviceIdentities"),
            400,
        ),
        (
            Method::POST,
            format!("{base}/../deviceManagement/imported"),
            400,
        ),
        (Method::GET, format!("{IMPORTS}/%FF"), 400),
        (Method::GET, format!("{IMPORTS}/a/b/c"), 400),
        (Method::PUT, IMPORTS.to_owned(), 400),
        (Method::OPTIONS, IMPORTS.to_owned(), 400),
        (Method::GET, format!("{IMPORTS}/import"), 400),
        (Method::GET, format!("{IMPORTS}?$top=-1"), 400),
        (Method::GET, format!("{IMPORTS}?$top=%FF"), 400),
        (Method::GET, format!("{IMPORTS}?$top=1&$top=2"), 400),
        (Method::GET, format!("{IMPORTS}?$skiptoken={long}"), 400),
        (Method::GET, format!("{IMPORTS}?$search=%22x%22"), 400),
        (Method::POST, format!("{IMPORTS}?$top=1"), 400),
        (Method::POST, "/deviceManagement/x".to_owned(), 404),
        (Method::POST, "/v2.0/deviceManagement".to_owned(), 404),
        (Method::POST, "/".to_owned(), 404),
        (Method::GET, "//".to_owned(), 404),
    ];
    for (method, path, status) in table {
        let case = format!("{method} {path:.80}");
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header(header::AUTHORIZATION, format!("Bearer {}", stage.token))
            .header("content-type", "application/json")
            .body(Body::from(ENTITY))
            .unwrap();
        let answer = stage.api.send(request).await;
        let code = answer.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_graph_error(&answer, status, &code, &case);
        stage.assert_untouched(&case).await;
    }
}

#[tokio::test]
async fn odd_names_and_tokens_are_refused_and_not_repeated() {
    let (_directory, stage) = stage().await;
    let long = "x".repeat(20_000);
    for authorization in [
        "Bearer \u{e4}",
        "Bearer",
        "Basic eDp5",
        "Bearer a.b.c",
        &format!("Bearer {long}"),
    ] {
        let request = Request::post(IMPORTS)
            .header(header::AUTHORIZATION, authorization)
            .header("client-request-id", "not one\tword")
            .header("content-type", "application/json")
            .body(Body::from(ENTITY))
            .unwrap();
        let answer = stage.api.send(request).await;
        assert_graph_error(&answer, 401, "InvalidAuthenticationToken", authorization);
        assert_eq!(
            answer.header("client-request-id"),
            answer.header("request-id")
        );
        stage.assert_untouched(authorization).await;
    }
}
