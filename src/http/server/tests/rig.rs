//! A server on a socket of its own, and the client that writes to it byte by byte.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::{Notify, oneshot},
    time::Instant,
};

use super::*;
use crate::{
    domain::clock::Clock,
    graph::behavior::Behavior,
    http::{
        error::{self, ApiError},
        extract::{
            base_url::BaseUrlPolicy,
            body::{self, BodyBudget},
        },
        layers::{
            Layers,
            access_log::Reached,
            request_id::{RequestContext, TransportSecurity},
        },
    },
};

pub(super) const SHORT: Duration = Duration::from_millis(100);
pub(super) const BODY_LIMIT_BYTES: usize = 64 * 1024;

pub(super) struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        "2023-06-06T07:25:18Z".parse().unwrap()
    }

    fn sleep_until(
        &self,
        _instant: Timestamp,
    ) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// A server whose handler reads bodies and answers with what it got.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) arrived: Arc<Notify>,
    pub(super) gate: Arc<Notify>,
    pub(super) answered: Arc<AtomicUsize>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinSet<Drained>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::start_on(Listener::plain, change).await
    }

    pub(super) async fn start_on(
        listener: impl FnOnce(TcpListener) -> Listener,
        change: impl FnOnce(&mut ServerOptions),
    ) -> Self {
        let mut options = ServerOptions::default();
        change(&mut options);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let listeners = vec![listener(tcp)];
        let (shutdown, stop) = oneshot::channel();
        let handler = Handler::default();
        let (arrived, gate, answered) = (
            Arc::clone(&handler.arrived),
            Arc::clone(&handler.gate),
            Arc::clone(&handler.answered),
        );
        let service = handler.in_layers();
        let stopped = async move { drop(stop.await) };
        let mut task = JoinSet::new();
        task.spawn(serve(listeners, service, options, stopped));
        Self {
            address,
            arrived,
            gate,
            answered,
            shutdown: Some(shutdown),
            task,
        }
    }

    pub(super) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends some bytes on a connection of their own and returns the answer.
    pub(super) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.answer().await.expect("an answer")
    }

    pub(super) fn shut_down(&mut self) {
        drop(self.shutdown.take());
    }

    pub(super) async fn ended(mut self) -> Drained {
        self.task.join_next().await.unwrap().unwrap()
    }
}

#[derive(Clone)]
pub(super) struct Handler {
    budget: BodyBudget,
    arrived: Arc<Notify>,
    gate: Arc<Notify>,
    answered: Arc<AtomicUsize>,
}

impl Default for Handler {
    fn default() -> Self {
        Self {
            budget: BodyBudget::new(1 << 20),
            arrived: Arc::default(),
            gate: Arc::default(),
            answered: Arc::default(),
        }
    }
}

impl Handler {
    /// The handler with every layer around it, as a server takes it.
    pub(super) fn in_layers(
        self,
    ) -> impl Fn(Request<Body>, PeerAddr) -> futures_util::future::BoxFuture<'static, Response>
    {
        let layers = Arc::new(Layers {
            clock: Arc::new(FixedClock),
            behavior: Behavior::Documented,
            base_url: BaseUrlPolicy {
                public_url: None,
                trusts_proxy: Arc::new(|_| false),
            },
            challenge: error::challenge("https://login.example").unwrap(),
            metrics: Arc::default(),
            transport_security: TransportSecurity::OneYear,
        });
        move |request, peer| {
            let layers = Arc::clone(&layers);
            let handler = self.clone();
            Box::pin(async move {
                layers
                    .around(request, peer, |request, context| {
                        handler.answer(request, context)
                    })
                    .await
            })
        }
    }

    pub(super) async fn answer(
        self,
        request: Request<Body>,
        context: Arc<RequestContext>,
    ) -> (Response, Reached) {
        let answer = self.attempt(request).await;
        self.answered.fetch_add(1, Ordering::SeqCst);
        let render = |error: ApiError| error.render(&context, Behavior::Documented);
        (answer.unwrap_or_else(render), Reached::default())
    }

    pub(super) async fn attempt(&self, request: Request<Body>) -> Result<Response, ApiError> {
        let (parts, body) = request.into_parts();
        match parts.uri.path() {
            "/forbidden" => return Err(ApiError::unauthenticated("Access token is empty.")),
            "/gate" => {
                self.arrived.notify_one();
                self.gate.notified().await;
            }
            "/panic" => panic!("on purpose"),
            "/large" => return Ok(Response::new(Body::from(vec![b'x'; 64 << 20]))),
            "/list" => return Ok(Response::new(Body::from("x".repeat(10_000)))),
            _ => {}
        }
        let deadline = Instant::now() + 2 * SHORT;
        let body = body::read(
            body,
            &parts.headers,
            BODY_LIMIT_BYTES,
            &self.budget,
            deadline,
        )
        .await?;
        let text = format!("{} {} {}", parts.method, parts.uri, body.len());
        Ok(Response::new(Body::from(text)))
    }
}

pub(super) struct Client<Io = TcpStream>(pub(super) Io);

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Checks that this is a whole answer in Graph's shape.
    #[track_caller]
    pub(super) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["date"], "Tue, 06 Jun 2023 07:25:18 GMT");
        assert_eq!(self.headers["odata-version"], "4.0");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let error = &body["error"];
        assert_eq!(error["code"], code);
        assert_ne!(error["message"], "");
        let inner = &error["innerError"];
        assert_eq!(inner["date"], "2023-06-06T07:25:18");
        assert_eq!(inner["request-id"], self.header("request-id"));
        assert_eq!(inner["client-request-id"], self.header("client-request-id"));
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn closes(&self) -> bool {
        self.headers.get("connection") == Some(&HeaderValue::from_static("close"))
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer on the connection, if there is one.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        let head = self.head().await?;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&head).unwrap();
        let status = StatusCode::from_u16(response.code.unwrap()).unwrap();
        let headers: http::HeaderMap = response
            .headers
            .iter()
            .map(|header| {
                (
                    header.name.parse::<http::HeaderName>().unwrap(),
                    HeaderValue::from_bytes(header.value).unwrap(),
                )
            })
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Some(Answer {
            status,
            headers,
            body: body.into(),
        })
    }

    pub(super) async fn head(&mut self) -> Option<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) if head.is_empty() => return None,
                Err(error) => panic!("{error} after {}", head.escape_ascii()),
            }
        }
        Some(head)
    }

    /// Waits until the server has closed the connection, and counts what still comes.
    pub(super) async fn closed(&mut self) -> usize {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.0.read_to_end(&mut rest).await;
        rest.len()
    }
}

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: hangar.example\r\n\r\n")
}

pub(super) fn post(headers: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: hangar.example\r\n{headers}\r\n\r\n")
}
