//! Connections that break, as clients meet it on a socket: by HTTP/1 and by HTTP/2, in batches too.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use hangar::{
    http::server::ServerOptions,
    testing::{TestServer, secure_client},
};
use http::{Method, Request};
use rustls::version::TLS13;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::harness::{House, IMPORTS, device, text};

/// How long anything may take before it counts as a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of a request: the status, if there was one, and whether the body came whole.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Nothing,
    Part(u16),
    Whole(u16),
}

/// Posts by HTTP/1.1 on a connection of its own.
async fn http1(address: SocketAddr, token: &str, path: &str, body: &Value) -> Came {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    // A reset is an end as well.
    while let Ok(read @ 1..) = timeout(PATIENCE, stream.read(&mut piece)).await.unwrap() {
        answer.extend_from_slice(&piece[..read]);
    }
    let answer = String::from_utf8(answer).unwrap();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        assert_eq!(answer, "", "half a head");
        return Came::Nothing;
    };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let is_whole = match head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    }) {
        Some(length) => length.parse() == Ok(body.len()),
        None => body.ends_with("0\r\n\r\n"),
    };
    if is_whole {
        Came::Whole(status)
    } else {
        Came::Part(status)
    }
}

/// Posts by HTTP/2 on a connection of its own.
async fn http2(address: SocketAddr, token: &str, path: &str, body: &Value) -> Came {
    let tcp = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(secure_client(&[&TLS13], &[b"h2"]));
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, tcp).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("https://localhost{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let mut sender = sender.ready().await.unwrap();
    let (answer, mut stream) = sender
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    stream
        .send_data(Bytes::from(body.to_string()), true)
        .unwrap();
    let Ok(answer) = timeout(PATIENCE, answer).await.unwrap() else {
        return Came::Nothing;
    };
    let (parts, mut body) = answer.into_parts();
    let status = parts.status.as_u16();
    while let Some(data) = timeout(PATIENCE, body.data()).await.unwrap() {
        let Ok(data) = data else {
            return Came::Part(status);
        };
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    Came::Whole(status)
}

/// A house that rehearses, on a socket in the clear and on one over TLS.
struct Site {
    house: House,
    clear: TestServer,
    secure: TestServer,
}

impl Site {
    async fn open() -> Self {
        let house = House::rehearsing();
        Self {
            clear: house.api.serve(ServerOptions::default()).await,
            secure: house.api.serve_secure(ServerOptions::default()).await,
            house,
        }
    }

    async fn break_at(&self, place: &str) {
        self.house.undirect("faults").await.unwrap();
        let when =
            json!({ "path": "*/importedWindowsAutopilotDeviceIdentities", "method": "POST" });
        let fault = json!({ "when": when, "then": { "break": place } });
        self.house.direct("faults", &fault).await.unwrap();
    }

    /// Posts by both protocols.
    async fn post(&self, path: &str, bodies: [Value; 2]) -> [Came; 2] {
        let token = &self.house.contoso;
        [
            http1(self.clear.address, token, path, &bodies[0]).await,
            http2(self.secure.address, token, path, &bodies[1]).await,
        ]
    }

    async fn stored(&self) -> String {
        text(&self.house.get(&format!("{IMPORTS}/$count")).await)
    }
}

fn batch(seed: u64) -> Value {
    let part = |id: u64| {
        json!({
            "id": id.to_string(),
            "method": "POST",
            "url": IMPORTS.trim_start_matches("/beta"),
            "headers": { "Content-Type": "application/json" },
            "body": device(seed * 10 + id),
        })
    };
    json!({ "requests": [part(1), part(2)] })
}

#[tokio::test]
async fn before_it_is_done_there_is_no_answer_and_nothing_is_written() {
    let site = Site::open().await;
    site.break_at("before").await;
    let came = site.post(IMPORTS, [device(1), device(2)]).await;
    assert_eq!(came, [Came::Nothing, Came::Nothing]);
    let came = site.post("/beta/$batch", [batch(3), batch(4)]).await;
    assert_eq!(came, [Came::Nothing, Came::Nothing]);
    assert_eq!(site.stored().await, "0");
}

#[tokio::test]
async fn after_it_is_done_there_is_no_answer_and_all_is_written() {
    let site = Site::open().await;
    site.break_at("after").await;
    let came = site.post(IMPORTS, [device(1), device(2)]).await;
    assert_eq!(came, [Came::Nothing, Came::Nothing]);
    assert_eq!(site.stored().await, "2");
    let came = site.post("/beta/$batch", [batch(3), batch(4)]).await;
    assert_eq!(came, [Came::Nothing, Came::Nothing]);
    assert_eq!(site.stored().await, "6");
}

#[tokio::test]
async fn within_the_answer_half_of_it_comes() {
    let site = Site::open().await;
    site.break_at("within").await;
    let came = site.post(IMPORTS, [device(1), device(2)]).await;
    assert_eq!(came, [Came::Part(201), Came::Part(201)]);
    let came = site.post("/beta/$batch", [batch(3), batch(4)]).await;
    assert_eq!(came, [Came::Part(200), Came::Part(200)]);
    assert_eq!(site.stored().await, "6");
    // An error's page can break off, too.
    site.house.undirect("faults").await.unwrap();
    let page = json!({ "status": 502, "body": "<html>Bad gateway</html>" });
    let fault = json!({ "then": { "answer": page, "break": "within" } });
    site.house.direct("faults", &fault).await.unwrap();
    let came = site.post(IMPORTS, [device(5), device(6)]).await;
    assert_eq!(came, [Came::Part(502), Came::Part(502)]);
    assert_eq!(site.house.undirect("faults").await.unwrap()["deleted"], 1);
    let came = site.post(IMPORTS, [device(5), device(6)]).await;
    assert_eq!(came, [Came::Whole(201), Came::Whole(201)]);
}

#[tokio::test]
async fn a_lost_answer_is_met_again() {
    let site = Site::open().await;
    site.house
        .direct("recipes/lost-answer", &json!({}))
        .await
        .unwrap();
    let mut body = device(1);
    body["id"] = "00000000-0000-4000-8000-000000000001".into();
    let other = device(2);
    let came = site.post(IMPORTS, [body.clone(), other]).await;
    assert_eq!(came, [Came::Nothing, Came::Whole(201)]);
    let came = http1(site.clear.address, &site.house.contoso, IMPORTS, &body).await;
    assert_eq!(came, Came::Whole(409), "it is there");
    assert_eq!(site.stored().await, "2");
}
