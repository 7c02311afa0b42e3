//! The API on a real socket, and a client that sends any bytes and never waits without an end.

use std::time::Duration;

use hangar::{
    http::server::{Drained, ServerOptions},
    testing::{TestApi, TestOptions, TestServer},
};
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::IMPORTS;

/// How long anything may take before it counts as a hang.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a socket, and its store.
pub(super) struct Site {
    _directory: tempfile::TempDir,
    api: TestApi,
    server: TestServer,
    token: String,
}

impl Site {
    pub(super) async fn open() -> Self {
        Self::open_with(TestOptions::default(), ServerOptions::default()).await
    }

    pub(super) async fn open_with(options: TestOptions, server: ServerOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let api = TestApi::start(directory.path(), options);
        Self {
            server: api.serve(server).await,
            token: api.user_token("contoso", "administrator"),
            api,
            _directory: directory,
        }
    }

    pub(super) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.server.address).await.unwrap())
    }

    /// Sends some bytes on a connection of their own and returns the answer.
    pub(super) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.answer().await.expect("an answer")
    }

    /// A POST of an import, up to the empty line, with these lines in its head.
    pub(super) fn post(&self, lines: &str) -> String {
        let token = &self.token;
        format!(
            "POST {IMPORTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{lines}\r\n\r\n"
        )
    }

    /// A whole good POST.
    pub(super) fn good_post(&self) -> String {
        let body = "{\"serialNumber\":\"S\"}";
        self.post(&format!("Content-Length: {}", body.len())) + body
    }

    /// How many imports are stored.
    pub(super) async fn stored(&self) -> usize {
        let path = format!("{IMPORTS}/$count");
        let answer = self
            .api
            .call(Method::GET, &path, Some(&self.token), None)
            .await;
        std::str::from_utf8(&answer.body).unwrap().parse().unwrap()
    }

    /// Checks that the server still serves and stored only so much, then ends it.
    pub(super) async fn assert_well(self, stored: usize) {
        assert_eq!(self.stored().await, stored);
        let answer = self.exchange(self.good_post()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(self.stored().await, stored + 1);
        let drained = timeout(PATIENCE, self.server.stop()).await;
        assert_eq!(drained.expect("it does not drain"), Drained::Completely);
    }
}

/// A connection.
pub(super) struct Client(pub(super) TcpStream);

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Client {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await;
        sent.expect("the server does not read").unwrap();
    }

    /// Sends nothing any more, and still listens.
    pub(super) async fn half_close(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// The next answer; nothing if the connection ends first.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        let head = self.head().await?;
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: HeaderMap = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| {
                let name: http::HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect();
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        let read = timeout(PATIENCE, self.0.read_exact(&mut body)).await;
        read.expect("the answer stops").unwrap();
        Some(Answer {
            status: status.parse().unwrap(),
            headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    /// The next head, of an answer or of a `100 Continue`.
    pub(super) async fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.0.read_u8()).await;
            match byte.expect("no answer and no end") {
                Ok(byte) => head.push(byte),
                Err(_) if head.is_empty() => return None,
                Err(error) => panic!("{error} after {}", head.escape_ascii()),
            }
        }
        Some(String::from_utf8(head).unwrap())
    }

    /// Everything that still comes until the server closes the connection.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let ended = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        let _ = ended.expect("the server does not close");
        rest
    }
}

impl Answer {
    /// Checks that this is a refusal as Graph writes it.
    #[track_caller]
    pub(super) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        let error = &self.body["error"];
        assert_eq!(error["code"], code, "{self:?}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(error["innerError"]["date"].is_string());
        for id in ["request-id", "client-request-id"] {
            assert_eq!(error["innerError"][id], self.headers[id].to_str().unwrap());
        }
    }

    pub(super) fn closes(&self) -> bool {
        self.headers
            .get("connection")
            .is_some_and(|value| value == "close")
    }
}
