//! A server in front of the real one, which misbehaves as a test wants.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

/// What to do with a request.
pub(super) enum Act {
    /// Hand it on.
    Pass,
    /// Hand it on with another token.
    PassAs(String),
    /// Answer without handing it on.
    Answer(Box<Response>),
    /// Hand it on, and cut the connection in the middle of the answer.
    CutAfter,
    /// Hand it on, and never answer.
    HoldAfter,
}

/// A request, as a script sees it.
pub(super) struct Seen<'a> {
    /// Whether it is a call of `import`.
    pub(super) is_import: bool,
    /// Which of its kind it is, from 1.
    pub(super) number: u64,
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
    pub(super) token: &'a str,
}

type Script = Box<dyn Fn(&Seen<'_>) -> Act + Send + Sync>;

struct Shared {
    upstream: String,
    script: Script,
    keeps_ids: bool,
    imports: AtomicU64,
    others: AtomicU64,
    held: Mutex<Option<tokio::sync::oneshot::Sender<()>>>,
}

/// The proxy; it ends with the test.
pub(super) struct Proxy {
    pub(super) url: String,
    shared: Arc<Shared>,
    // Its end ends the server.
    _tasks: JoinSet<()>,
    held: Option<tokio::sync::oneshot::Receiver<()>>,
}

impl Proxy {
    pub(super) async fn start(
        upstream: &str,
        script: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(upstream, true, script).await
    }

    /// One behind which the client's ids are lost.
    pub(super) async fn without_ids(
        upstream: &str,
        script: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(upstream, false, script).await
    }

    async fn start_with(
        upstream: &str,
        keeps_ids: bool,
        script: impl Fn(&Seen<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            script: Box::new(script),
            keeps_ids,
            imports: AtomicU64::new(0),
            others: AtomicU64::new(0),
            held: Mutex::new(Some(sender)),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            shared,
            _tasks: tasks,
            held: Some(receiver),
        }
    }

    /// Completes when a request is held.
    pub(super) async fn holds(&mut self) {
        self.held.take().unwrap().await.unwrap();
    }

    /// How many calls of `import` came.
    pub(super) fn imports(&self) -> u64 {
        self.shared.imports.load(Ordering::SeqCst)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let is_import = parts.method == "POST" && parts.uri.path().ends_with("/import");
    let counter = if is_import {
        &shared.imports
    } else {
        &shared.others
    };
    let token = parts.headers.get(header::AUTHORIZATION);
    let token = token.and_then(|value| value.to_str().ok());
    let act = (shared.script)(&Seen {
        is_import,
        number: counter.fetch_add(1, Ordering::SeqCst) + 1,
        path: parts.uri.path(),
        body: &body,
        token: token
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default(),
    });
    let body = if is_import && !shared.keeps_ids {
        without_ids(&body)
    } else {
        body
    };
    let pass = |headers| pass(&shared.upstream, &parts.method, &target, headers, body);
    let mut headers = parts.headers.clone();
    match act {
        Act::Pass => pass(headers).await,
        Act::PassAs(token) => {
            let value = format!("Bearer {token}").parse().unwrap();
            headers.insert(header::AUTHORIZATION, value);
            pass(headers).await
        }
        Act::Answer(response) => *response,
        Act::CutAfter => {
            let (parts, _) = pass(headers).await.into_parts();
            let cut = futures_util::stream::iter([
                Ok(Bytes::from_static(b"{")),
                Err(std::io::Error::other("cut")),
            ]);
            Response::from_parts(parts, Body::from_stream(cut))
        }
        Act::HoldAfter => {
            let _answer = pass(headers).await;
            if let Some(held) = shared.held.lock().unwrap().take() {
                held.send(()).unwrap();
            }
            std::future::pending().await
        }
    }
}

async fn pass(
    upstream: &str,
    method: &axum::http::Method,
    target: &str,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    headers.remove(header::CONTENT_LENGTH);
    let client = reqwest::Client::new();
    let request = client.request(method.clone(), format!("{upstream}{target}"));
    let answer = request.headers(headers).body(body).send().await.unwrap();
    let status = answer.status();
    // An answer without a body has no type.
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let body = answer.bytes().await.unwrap();
    let mut passed = (status, body).into_response();
    passed.headers_mut().remove(header::CONTENT_TYPE);
    passed
        .headers_mut()
        .extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
    passed
}

fn without_ids(body: &Bytes) -> Bytes {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    let rows = &mut body["importedWindowsAutopilotDeviceIdentities"];
    for row in rows.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("id");
    }
    body.to_string().into()
}

/// An answer that is made up.
pub(super) fn made_up(status: u16, content_type: &str, body: &str) -> Act {
    let status = StatusCode::from_u16(status).unwrap();
    let head = [(header::CONTENT_TYPE, content_type.to_owned())];
    Act::Answer(Box::new((status, head, body.to_owned()).into_response()))
}
