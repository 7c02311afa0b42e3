//! What raw sockets get, for every kind of bad input and for good input in odd shapes.

use std::{
    io::Write as _,
    sync::{Arc, atomic::Ordering},
};

use http::StatusCode;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

mod rig;
mod secure;

use rig::*;

use super::*;

#[tokio::test]
async fn every_answer_has_its_headers() {
    let server = Server::start().await;
    let answer = server
        .exchange("GET /x HTTP/1.1\r\nHost: a\r\nclient-request-id: mine\r\n\r\n")
        .await;
    assert_eq!(answer.text(), "GET /x 0");
    assert_eq!(answer.header("client-request-id"), "mine");
    let id: uuid::Uuid = answer.header("request-id").parse().unwrap();
    assert_eq!(id.get_version_num(), 4);
    assert!(answer.headers.contains_key("x-ms-ags-diagnostic"));
    assert!(!answer.closes());

    let answer = server.exchange(get("/forbidden")).await;
    answer.assert_error(401, "InvalidAuthenticationToken");
    assert!(
        answer
            .header("www-authenticate")
            .contains("authorization_uri=\"https://login.example/common/oauth2/authorize\"")
    );
}

#[tokio::test]
async fn malformed_requests_are_answered_and_end_the_connection() {
    let server = Server::start().await;
    let malformed = [
        "garbage\r\n\r\n".to_owned(),
        "GET / HTTP/3.0\r\n\r\n".to_owned(),
        "GET /a b HTTP/1.1\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned(),
        post("Content-Length: x"),
        post("Content-Length: 3\r\nContent-Length: 4"),
        post("Content-Length: 3\r\nTransfer-Encoding: chunked"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 3"),
        post("Transfer-Encoding: identity"),
        post("Host: other.example"),
        post("No colon"),
        post("Sm\u{0}uggled: x"),
    ];
    for request in malformed {
        let mut client = server.connect().await;
        client.send(&request).await;
        let answer = client.answer().await.expect("an answer");
        answer.assert_error(400, "BadRequest");
        assert!(answer.closes(), "{request}");
        client.0.shutdown().await.unwrap();
        assert_eq!(client.closed().await, 0, "{request}");
    }
    assert_eq!(server.answered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn heads_have_bounds() {
    let server = Server::start().await;
    let long = "x".repeat(16 * 1024);
    server
        .exchange(get(&format!("/{long}")))
        .await
        .assert_error(414, "UriTooLong");
    server
        .exchange(format!("GET /{long}{long}"))
        .await
        .assert_error(414, "UriTooLong");
    let line = format!("X: {long}\r\n");
    server
        .exchange(post(&line.repeat(4)))
        .await
        .assert_error(431, "RequestHeaderFieldsTooLarge");
    server
        .exchange(post(&["X: 1"; 101].join("\r\n")))
        .await
        .assert_error(431, "RequestHeaderFieldsTooLarge");
    let answer = server.exchange(get(&format!("/{}", &long[1..]))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = server.exchange(post(&["X: 1"; 99].join("\r\n"))).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn slow_heads_are_cut_and_silence_ends_without_a_word() {
    let server = Server::start_with(|options| {
        options.head_timeout = SHORT;
        options.idle_timeout = SHORT;
        options.linger_timeout = SHORT;
    })
    .await;
    let answer = server.exchange("GET / HTTP/1.1\r\nHost:").await;
    answer.assert_error(408, "RequestTimeout");
    assert!(answer.closes());

    let mut silent = server.connect().await;
    assert_eq!(silent.closed().await, 0);
    let mut idle = server.connect().await;
    idle.send(get("/x")).await;
    assert_eq!(idle.answer().await.unwrap().status, StatusCode::OK);
    assert_eq!(idle.closed().await, 0);
    // After a request, too, a head that begins is a slow head.
    let mut second = server.connect().await;
    second.send(get("/x") + "\r\nGET /").await;
    assert_eq!(second.answer().await.unwrap().status, StatusCode::OK);
    second
        .answer()
        .await
        .unwrap()
        .assert_error(408, "RequestTimeout");
}

#[tokio::test]
async fn slow_broken_and_senseless_bodies_are_refused() {
    let server = Server::start().await;
    let slow = post("Content-Length: 10") + "12345";
    server
        .exchange(&slow)
        .await
        .assert_error(408, "RequestTimeout");

    let mut broken = server.connect().await;
    broken.send(&slow).await;
    broken.0.shutdown().await.unwrap();
    broken
        .answer()
        .await
        .unwrap()
        .assert_error(400, "BadRequest");

    for chunks in ["x\r\n", "3\r\nabcd\r\n", "ffffffffffffffffff\r\n", "\r\n"] {
        let answer = server
            .exchange(post("Transfer-Encoding: chunked") + chunks)
            .await;
        answer.assert_error(400, "BadRequest");
        assert!(answer.closes());
    }
}

#[tokio::test]
async fn bodies_have_bounds() {
    let server = Server::start().await;
    let fits = post(&format!("Content-Length: {BODY_LIMIT_BYTES}")) + &"x".repeat(BODY_LIMIT_BYTES);
    let answer = server.exchange(fits).await;
    assert_eq!(answer.text(), format!("POST /x {BODY_LIMIT_BYTES}"));

    let over = BODY_LIMIT_BYTES + 1;
    let announced = post(&format!("Content-Length: {over}\r\nExpect: 100-continue"));
    server
        .exchange(announced)
        .await
        .assert_error(413, "RequestEntityTooLarge");
    let chunked = format!("{over:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(over));
    server
        .exchange(post("Transfer-Encoding: chunked") + &chunked)
        .await
        .assert_error(413, "RequestEntityTooLarge");

    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 32 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    let head = post(&format!(
        "Content-Encoding: gzip\r\nContent-Length: {}",
        bomb.len()
    ));
    server
        .exchange([head.into_bytes(), bomb].concat())
        .await
        .assert_error(413, "RequestEntityTooLarge");

    server
        .exchange(post("Content-Encoding: br\r\nContent-Length: 2") + "{}")
        .await
        .assert_error(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn a_client_that_sends_before_it_reads_still_sees_its_refusal() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let bytes = 16 << 20;
    client.send(post(&format!("Content-Length: {bytes}"))).await;
    client.send(vec![b'x'; bytes]).await;
    let answer = client.answer().await.unwrap();
    answer.assert_error(413, "RequestEntityTooLarge");
    assert!(answer.closes());
}

#[tokio::test]
async fn expectations_are_met() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send(post("Expect: 100-continue\r\nContent-Length: 3"))
        .await;
    let head = client.head().await.unwrap();
    assert_eq!(head, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert_eq!(client.answer().await.unwrap().text(), "POST /x 3");
}

#[tokio::test]
async fn requests_follow_each_other_on_a_connection() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let chunked =
        post("Transfer-Encoding: chunked") + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n";
    let sized = post("Content-Length: 2") + "{}";
    // All at once, and with a part in the middle of a head.
    let all = [get("/1"), chunked, sized, get("/2")].concat();
    let (first, second) = all.split_at(all.len() - 10);
    client.send(first).await;
    for text in ["GET /1 0", "POST /x 5", "POST /x 2"] {
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.text(), text);
        assert!(!answer.closes());
    }
    client.send(second).await;
    assert_eq!(client.answer().await.unwrap().text(), "GET /2 0");
    client.send("bad\r\n\r\n").await;
    client
        .answer()
        .await
        .unwrap()
        .assert_error(400, "BadRequest");
}

#[tokio::test]
async fn an_unread_body_ends_the_connection_aloud() {
    let server = Server::start().await;
    let request = "POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let answer = server.exchange(request).await;
    answer.assert_error(401, "InvalidAuthenticationToken");
    assert!(answer.closes());
    let answer = server.exchange(get("/forbidden")).await;
    assert!(!answer.closes());
}

#[tokio::test]
async fn a_half_closed_connection_gets_its_answer() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.send(get("/gate")).await;
    client.0.shutdown().await.unwrap();
    server.gate.notify_one();
    assert_eq!(client.answer().await.unwrap().text(), "GET /gate 0");
    assert_eq!(client.closed().await, 0);

    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost").await;
    client.0.shutdown().await.unwrap();
    client
        .answer()
        .await
        .unwrap()
        .assert_error(400, "BadRequest");
}

#[tokio::test]
async fn an_encoded_slash_reaches_the_handler_as_it_came() {
    let server = Server::start().await;
    let answer = server
        .exchange(get("/a%2Fb/%2e%2e?$filter=x%20eq%20'y'"))
        .await;
    assert_eq!(answer.text(), "GET /a%2Fb/%2e%2e?$filter=x%20eq%20'y' 0");
}

#[tokio::test]
async fn a_panic_is_an_answer_too() {
    let server = Server::start().await;
    server
        .exchange(get("/panic"))
        .await
        .assert_error(500, "InternalServerError");
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_take_it() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send("GET /list HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        .await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert!(client.closed().await < 1_000);
    let answer = server.exchange(get("/list")).await;
    assert_eq!(answer.body.len(), 10_000);
    assert_eq!(answer.header("vary"), "Accept-Encoding");
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let server = Server::start_with(|options| {
        options.write_timeout = SHORT;
        options.max_connections = 1;
    })
    .await;
    let mut client = server.connect().await;
    client.send(get("/large")).await;
    // The only place is free again when the server has dropped the connection.
    let mut other = loop {
        let mut other = server.connect().await;
        let sent = other.0.write_all(get("/x").as_bytes()).await;
        if sent.is_ok() && matches!(other.0.peek(&mut [0]).await, Ok(1)) {
            break other;
        }
    };
    assert_eq!(other.answer().await.unwrap().text(), "GET /x 0");
    assert!(client.closed().await < 64 << 20);
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let server = Server::start_with(|options| options.max_connections = 1).await;
    let mut first = server.connect().await;
    first.send(get("/x")).await;
    assert_eq!(first.answer().await.unwrap().text(), "GET /x 0");
    assert_eq!(server.connect().await.closed().await, 0);
    first.send(get("/x")).await;
    assert_eq!(first.answer().await.unwrap().text(), "GET /x 0");
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight() {
    let mut server = Server::start().await;
    let mut busy = server.connect().await;
    let mut idle = server.connect().await;
    idle.send(get("/x")).await;
    idle.answer().await.unwrap();
    busy.send(post("Expect: 100-continue\r\nContent-Length: 1").replace("/x", "/gate"))
        .await;
    // The gate's permit is kept for the request, should it not have come yet.
    server.gate.notify_one();
    assert!(busy.head().await.unwrap().starts_with(b"HTTP/1.1 100"));
    server.shut_down();
    assert_eq!(idle.closed().await, 0);
    busy.send("x").await;
    let answer = busy.answer().await.unwrap();
    assert_eq!(answer.text(), "POST /gate 1");
    assert!(answer.closes());
    assert_eq!(busy.closed().await, 0);
    assert!(TcpStream::connect(server.address).await.is_err());
    assert_eq!(server.ended().await, Drained::Completely);
}

#[tokio::test]
async fn draining_has_an_end() {
    let mut server = Server::start_with(|options| options.drain_timeout = SHORT).await;
    let mut stuck = server.connect().await;
    stuck.send(get("/gate")).await;
    server.arrived.notified().await;
    server.shut_down();
    assert_eq!(server.ended().await, Drained::Dropped(1));
    assert_eq!(stuck.closed().await, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is sent, every answer is ours: hyper finds nothing to refuse by itself.
    #[test]
    fn no_answer_is_hypers_own(
        method in "GET|POST|PATCH|get|G.T|[!-~]{0,8}",
        target in "/[!-~]{0,20}|\\*|http://a/b|a:80|[ -~]{0,8}|/\\PC{0,4}",
        version in "HTTP/1\\.[012]|HTTP/2|[ -~]{0,5}",
        lines in prop::collection::vec(
            "Content-Length: ?[0-9+, -]{0,22}|Transfer-Encoding: (chunked|gzip, chunked|x)|Host: [ -~]{0,9}|Expect: 100-continue|Connection: (close|keep-alive|upgrade)|Upgrade: x|[ -~]{0,12}:\\PC{0,5}| folded",
            0..5,
        ),
        rest in "[\\x00-\\x7f]{0,12}",
    ) {
        let request = format!("{method} {target} {version}\r\n{}\r\n\r\n{rest}", lines.join("\r\n"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answers = runtime.block_on(driven(request.as_bytes()));
        prop_assert!(!answers.is_empty(), "{}", request.escape_debug());
        for (at, _) in answers.match_indices("HTTP/1.") {
            let head = &answers[at..];
            let head = head.split("\r\n\r\n").next().unwrap();
            prop_assert!(
                head.contains("\r\nrequest-id: ") || head == "HTTP/1.1 100 Continue",
                "{} gets {}", request.escape_debug(), answers.escape_debug(),
            );
        }
    }
}

/// Everything that a connection answers to some bytes and their end.
async fn driven(bytes: &[u8]) -> String {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let peer = PeerAddr {
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
        local: SocketAddr::from(([127, 0, 0, 1], 2)),
        scheme: Scheme::Http,
    };
    let service = Arc::new(Handler::default().in_layers());
    let (_stop, stopped) = watch::channel(false);
    connection::drive(server, peer, service, &ServerOptions::default(), stopped).await;
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    answers
}
