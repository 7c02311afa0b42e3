//! How a server ends: drained by one signal, at once by two, and held up by nobody.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{IMPORTS, get};
use crate::process::{PATIENCE, Server, token};

const BODY: &str = r#"{"serialNumber":"IN-FLIGHT"}"#;

fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

/// A POST of which everything but the body is sent, and which the server has begun to answer.
async fn in_flight(server: &Server, token: &str) -> TcpStream {
    let host = host(&server.url);
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /{IMPORTS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    let read = timeout(PATIENCE, stream.read_exact(&mut asked)).await;
    read.expect("it does not ask for the body").unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    for signal in ["TERM", "INT"] {
        let mut server = Server::dev(&data);
        let token = token(&data, &[]);
        let mut stream = in_flight(&server, &token).await;
        server.process.signal(signal);
        let line = server.process.stderr.wait_for("shutting down");
        assert!(line.is_some_and(|line| line.contains(signal)));
        stream.write_all(BODY.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.expect("it does not close").unwrap();
        let answer = String::from_utf8(answer).unwrap();
        // The connection has ended behind it. Whether the answer announced that depends on who was
        // quicker, the signal or the body.
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        assert!(TcpStream::connect(host(&server.url)).await.is_err());
        assert_eq!(server.process.ended().code(), Some(0));
        assert!(
            server
                .process
                .stderr
                .text()
                .contains("every request was answered")
        );
    }
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    let url = format!("{}/{IMPORTS}/$count", server.url);
    let count = crate::process::client()
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(count.text().await.unwrap(), "2");
}

#[tokio::test]
async fn one_that_is_to_end_later_is_not_ready_and_works_on() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut command = crate::process::hangar();
    command.args(crate::process::serve_dev(&data));
    let mut server = Server::start(command.args(["--server-stop-delay", "1h"]));
    let token = token(&data, &[]);
    let client = crate::process::client();
    let readyz = format!("{}/readyz", server.admin_url);
    let ready = async || client.get(&readyz).send().await.unwrap();
    assert_eq!(ready().await.status(), 200);
    server.process.signal("TERM");
    assert!(server.process.stderr.wait_for("shutting down").is_some());
    let answer = ready().await;
    assert_eq!(answer.status(), 503);
    let text = answer.text().await.unwrap();
    assert!(text.contains("it was told to end"), "{text}");
    // Whoever has not noticed is served, also on a connection that it makes only now.
    let fresh = crate::process::client();
    let post = fresh.post(format!("{}/{IMPORTS}", server.url));
    let post = post.bearer_auth(&token).body(BODY);
    let answer = post.header("content-type", "application/json").send();
    assert_eq!(answer.await.unwrap().status(), 201);
    server.process.signal("TERM");
    assert_eq!(server.process.ended().code(), Some(130));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut server = Server::dev(&data);
    let token = token(&data, &[]);
    let _stuck = in_flight(&server, &token).await;
    server.process.signal("TERM");
    assert!(server.process.stderr.wait_for("shutting down").is_some());
    let asked = Instant::now();
    server.process.signal("TERM");
    assert_eq!(server.process.ended().code(), Some(130));
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "it went on draining"
    );
}

#[tokio::test]
async fn clients_that_only_stay_do_not_hold_it_up() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::dev(&data);
    let token = token(&data, &[]);
    assert_eq!(get(&server, &token).await, 200);
    let mut staying = Vec::new();
    for url in [&server.url, &server.admin_url] {
        // Nothing, a head that is not whole, and a request that was answered.
        for bytes in [
            "",
            "GET /healthz HTTP/1.1\r\nHost:",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(host(url)).await.unwrap();
            stream.write_all(bytes.as_bytes()).await.unwrap();
            if bytes.ends_with("\r\n\r\n") {
                let mut first = [0; 9];
                timeout(PATIENCE, stream.read_exact(&mut first))
                    .await
                    .unwrap()
                    .unwrap();
            }
            staying.push(stream);
        }
    }
    let asked = Instant::now();
    assert_eq!(server.stop().code, Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{:?}",
        asked.elapsed()
    );
}
