//! What TLS clients get: both versions, both protocols, and the guards that others get.

use bytes::Bytes;
use h2::{Reason, client::SendRequest};
use http::Method;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::ServerName;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::testing::{secure_client, secure_server};

const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

impl Server {
    async fn secure(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::start_on(|tcp| Listener::tls(tcp, secure_server()), change).await
    }

    async fn open(&self, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let config = secure_client(&[&TLS13, &TLS12], protocols);
        let name = ServerName::try_from("localhost").unwrap();
        let tcp = TcpStream::connect(self.address).await?;
        TlsConnector::from(config).connect(name, tcp).await
    }

    /// A connection on which HTTP/1.1 is spoken over TLS.
    async fn http1(&self) -> Client<TlsStream<TcpStream>> {
        Client(self.open(&[HTTP1]).await.unwrap())
    }

    async fn http2(&self) -> Http2 {
        let stream = self.open(&[HTTP2]).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Http2 { sender, driver }
    }
}

/// A connection on which HTTP/2 is spoken.
struct Http2 {
    sender: SendRequest<Bytes>,
    driver: JoinSet<Result<(), h2::Error>>,
}

impl Http2 {
    /// Sends a request, whose answer can be waited for.
    async fn send(
        &mut self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Answer, h2::Error>> + use<> {
        let mut sender = self.sender.clone().ready().await.unwrap();
        let request = request.body(()).unwrap();
        let (answer, mut stream) = sender.send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            stream.send_data(body.into(), true).unwrap();
        }
        async move {
            let (parts, mut body) = answer.await?.into_parts();
            let mut bytes = Vec::new();
            while let Some(data) = body.data().await {
                let data = data?;
                body.flow_control().release_capacity(data.len())?;
                bytes.extend_from_slice(&data);
            }
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: bytes.into(),
            })
        }
    }

    async fn exchange(&mut self, request: http::request::Builder, body: &[u8]) -> Answer {
        self.send(request, body.to_vec()).await.await.unwrap()
    }

    /// Waits until the server has ended the connection.
    async fn ended(&mut self) {
        let _ = self.driver.join_next().await.unwrap().unwrap();
    }
}

fn get2(path: &str) -> http::request::Builder {
    Request::get(format!("https://hangar.example{path}"))
}

#[tokio::test]
async fn both_versions_and_both_protocols_are_spoken() {
    let server = Server::secure(|_| {}).await;
    for version in [&TLS12, &TLS13] {
        for (offered, agreed) in [
            (&[HTTP2, HTTP1][..], Some(HTTP2)),
            (&[HTTP1, HTTP2], Some(HTTP2)),
            (&[HTTP1], Some(HTTP1)),
            (&[], None),
        ] {
            let config = secure_client(&[version], offered);
            let tcp = TcpStream::connect(server.address).await.unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let connector = TlsConnector::from(config);
            let stream = connector.connect(name, tcp).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(session.alpn_protocol(), agreed);
            assert_eq!(session.protocol_version(), Some(version.version));
        }
    }
    assert!(server.open(&[b"smtp"]).await.is_err());

    let mut client = server.http1().await;
    for _ in 0..2 {
        client.send(get("/x")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.text(), "GET /x 0");
        let security = answer.header("strict-transport-security");
        assert_eq!(security, "max-age=31536000");
    }
    let mut client = server.http2().await;
    for _ in 0..2 {
        // The handler sees the target that a client of HTTP/1 would send.
        let answer = client.exchange(get2("/a%2Fb?$top=1"), b"").await;
        assert_eq!(answer.text(), "GET /a%2Fb?$top=1 0");
        let security = answer.header("strict-transport-security");
        assert_eq!(security, "max-age=31536000");
    }
    let post = Request::post("https://hangar.example/x");
    assert_eq!(client.exchange(post, b"abc").await.text(), "POST /x 3");
}

#[tokio::test]
async fn requests_in_the_clear_are_told_that_tls_is_spoken() {
    let server = Server::secure(|_| {}).await;
    let answer = server.exchange(get("/x")).await;
    answer.assert_error(400, "BadRequest");
    assert!(answer.text().contains("https://"), "{}", answer.text());
    assert!(answer.closes());
    assert!(!answer.headers.contains_key("strict-transport-security"));
    assert_eq!(server.answered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn tls_at_a_port_without_it_ends_at_once() {
    let server = Server::start().await;
    let error = server.open(&[HTTP1]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn opening_tls_has_its_time() {
    let server = Server::secure(|options| options.handshake_timeout = SHORT).await;
    for beginning in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut client = server.connect().await;
        client.send(beginning).await;
        assert_eq!(client.closed().await, 0);
    }
    // What is no handshake is answered by an alert.
    let mut client = server.connect().await;
    client.send(b"\x16\x03\x01\x00\x05hello").await;
    assert!(client.closed().await < 16);
    server.http1().await;
}

#[tokio::test]
async fn slowness_over_tls_is_cut() {
    let server = Server::secure(|options| {
        options.head_timeout = SHORT;
        options.idle_timeout = SHORT;
        options.write_timeout = SHORT;
        options.linger_timeout = SHORT;
    })
    .await;
    let mut client = server.http1().await;
    client.send("GET / HTTP/1.1\r\nHost:").await;
    let answer = client.answer().await.unwrap();
    answer.assert_error(408, "RequestTimeout");
    assert_eq!(server.http1().await.closed().await, 0);

    // HTTP/2: before its preface, before the first request, and between two.
    let silent = server.open(&[HTTP2]).await.unwrap();
    Client(silent).closed().await;
    server.http2().await.ended().await;
    let mut idle = server.http2().await;
    assert_eq!(idle.exchange(get2("/x"), b"").await.text(), "GET /x 0");
    idle.ended().await;

    let mut client = server.http2().await;
    let mut sender = client.sender.clone().ready().await.unwrap();
    let post = Request::post("https://hangar.example/x").body(()).unwrap();
    let (answer, _never_ended) = sender.send_request(post, false).unwrap();
    assert_eq!(answer.await.unwrap().status(), 408);
    assert_eq!(client.exchange(get2("/x"), b"").await.text(), "GET /x 0");
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_over_tls() {
    let server = Server::secure(|options| {
        options.write_timeout = SHORT;
        options.max_connections = 2;
    })
    .await;
    // The peer of HTTP/1 reads nothing from the socket, that of HTTP/2 gives no window.
    let mut first = server.http1().await;
    first.send(get("/large")).await;
    let mut second = server.http2().await;
    let mut sender = second.sender.clone().ready().await.unwrap();
    let request = get2("/large").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    let _body = answer.await.unwrap().into_body();
    second.ended().await;
    assert!(first.closed().await < 64 << 20);
    let answer = server.http2().await.exchange(get2("/x"), b"").await;
    assert_eq!(answer.text(), "GET /x 0");
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_arrives_whole() {
    let server = Server::secure(|options| options.write_timeout = 4 * SHORT).await;
    let mut client = server.http2().await;
    let answer = client.exchange(get2("/large"), b"").await;
    assert_eq!(answer.body.len(), 64 << 20);
}

#[tokio::test]
async fn heads_and_bodies_of_http_2_have_the_bounds_of_http_1() {
    let server = Server::secure(|_| {}).await;
    let mut client = server.http2().await;
    let long = "x".repeat(16 * 1024);
    let answer = client.exchange(get2(&format!("/{long}")), b"").await;
    answer.assert_error(414, "UriTooLong");
    let headers = (0..4).fold(get2("/x"), |request, _| request.header("x", &long));
    let answer = client.exchange(headers, b"").await;
    answer.assert_error(431, "RequestHeaderFieldsTooLarge");
    let headers = (0..101).fold(get2("/x"), |request, _| request.header("x", "1"));
    let answer = client.exchange(headers, b"").await;
    answer.assert_error(431, "RequestHeaderFieldsTooLarge");
    let other_host = get2("/x").header("host", "evil.example");
    let answer = client.exchange(other_host, b"").await;
    answer.assert_error(400, "BadRequest");
    // Far over the bounds it is not even read.
    let headers = (0..20).fold(get2("/x"), |request, _| request.header("x", &long));
    let answer = client.send(headers, Vec::new()).await.await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 431));

    let mut client = server.http2().await;
    let post = || Request::post("https://hangar.example/x");
    let fits = vec![b'x'; BODY_LIMIT_BYTES];
    let answer = client.exchange(post(), &fits).await;
    assert_eq!(answer.text(), format!("POST /x {BODY_LIMIT_BYTES}"));
    let over = vec![b'x'; BODY_LIMIT_BYTES + 1];
    let answer = client.exchange(post(), &over).await;
    answer.assert_error(413, "RequestEntityTooLarge");
    // The connection is none the worse for it.
    assert_eq!(client.exchange(get2("/x"), b"").await.text(), "GET /x 0");
}

#[tokio::test]
async fn requests_go_on_beside_each_other_up_to_a_number() {
    let server = Server::secure(|options| options.max_streams = 5).await;
    let mut client = server.http2().await;
    client.exchange(get2("/x"), b"").await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(client.send(get2("/gate"), Vec::new()).await);
    }
    let mut sixth = Box::pin(client.exchange(get2("/x"), b""));
    assert!(timeout(SHORT, &mut sixth).await.is_err());
    server.gate.notify_waiters();
    assert_eq!(sixth.await.text(), "GET /x 0");
    for answer in waiting {
        assert_eq!(answer.await.unwrap().text(), "GET /gate 0");
    }
}

#[tokio::test]
async fn requests_that_are_only_taken_back_end_the_connection() {
    let server = Server::secure(|_| {}).await;
    let mut client = server.http2().await;
    let mut taken_back = 0;
    while let Ok(mut sender) = client.sender.clone().ready().await {
        let request = get2("/gate").body(()).unwrap();
        let Ok((_, mut stream)) = sender.send_request(request, true) else {
            break;
        };
        stream.send_reset(Reason::CANCEL);
        taken_back += 1;
        assert!(taken_back < 100_000, "it goes on for ever");
        tokio::task::yield_now().await;
    }
    client.ended().await;
    let answer = server.http2().await.exchange(get2("/x"), b"").await;
    assert_eq!(answer.text(), "GET /x 0");
}

#[tokio::test]
async fn the_number_of_connections_is_bounded_over_tls() {
    let server = Server::secure(|options| options.max_connections = 1).await;
    let mut first = server.http2().await;
    assert_eq!(first.exchange(get2("/x"), b"").await.text(), "GET /x 0");
    assert!(server.open(&[HTTP2]).await.is_err());
    assert_eq!(first.exchange(get2("/x"), b"").await.text(), "GET /x 0");
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_over_http_2() {
    let mut server = Server::secure(|_| {}).await;
    let mut busy = server.http2().await;
    let mut idle = server.http2().await;
    idle.exchange(get2("/x"), b"").await;
    let mut opening = server.connect().await;
    let answer = busy.send(get2("/gate"), Vec::new()).await;
    server.arrived.notified().await;
    server.shut_down();
    idle.ended().await;
    assert_eq!(opening.closed().await, 0);
    server.gate.notify_one();
    assert_eq!(answer.await.unwrap().text(), "GET /gate 0");
    busy.ended().await;
    assert_eq!(server.ended().await, Drained::Completely);
}

#[tokio::test]
async fn a_method_that_makes_tunnels_makes_none() {
    let server = Server::secure(|_| {}).await;
    let mut client = server.http2().await;
    let tunnel = Request::builder()
        .method(Method::CONNECT)
        .uri("evil.example:80");
    let answer = client.exchange(tunnel, b"").await;
    answer.assert_error(400, "BadRequest");
    assert_eq!(client.exchange(get2("/x"), b"").await.text(), "GET /x 0");
}
