//! Bad input of every kind: an answer in Graph's shape, never a 5xx, never a hang, nothing stored.
//!
//! `bodies` and `requests` go through the router, `connections`, `slowness` and `noise` over real
//! sockets.

mod bodies;
mod client;
mod connections;
mod every_route;
mod noise;
mod requests;
mod slowness;

use axum::body::Body;
use hangar::testing::{TestAnswer, TestApi};
use http::{HeaderValue, Method, Request, header};
use serde_json::Value;

const IMPORTS: &str = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities";

/// The requests that bring a body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Create,
    CreateMany,
    Update,
}

const OPERATIONS: [Operation; 3] = [Operation::Create, Operation::CreateMany, Operation::Update];

/// An API with one import, which bad requests must leave as it is.
struct Stage {
    api: TestApi,
    token: String,
    import: String,
    before: Vec<u8>,
}

impl Stage {
    async fn set(api: TestApi) -> Self {
        let token = api.user_token("contoso", "administrator");
        let body = serde_json::json!({ "serialNumber": "S-1" });
        let answer = api
            .call(Method::POST, IMPORTS, Some(&token), Some(&body))
            .await;
        assert_eq!(answer.status, 201);
        let mut stage = Self {
            api,
            token,
            import: answer.json()["id"].as_str().unwrap().to_owned(),
            before: Vec::new(),
        };
        stage.before = stage.stored().await;
        stage
    }

    /// Everything that the tenant has.
    async fn stored(&self) -> Vec<u8> {
        let answer = self
            .api
            .call(Method::GET, IMPORTS, Some(&self.token), None)
            .await;
        assert_eq!(answer.status, 200);
        answer.body.to_vec()
    }

    async fn assert_untouched(&self, case: &str) {
        assert!(self.stored().await == self.before, "{case}: it was stored");
    }

    /// A request with this operation's method and address.
    fn request(&self, operation: Operation) -> http::request::Builder {
        let (method, path) = match operation {
            Operation::Create => (Method::POST, IMPORTS.to_owned()),
            Operation::CreateMany => (Method::POST, format!("{IMPORTS}/import")),
            Operation::Update => (Method::PATCH, format!("{IMPORTS}/{}", self.import)),
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    /// Sends a body with these headers instead of the usual Content-Type.
    async fn send(
        &self,
        operation: Operation,
        headers: &[(&'static str, &[u8])],
        body: impl Into<Body>,
    ) -> TestAnswer {
        let mut request = self.request(operation).body(body.into()).unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append(*name, value);
        }
        self.api.send(request).await
    }
}

/// The body that makes an operation of one import's JSON.
fn wrapped(operation: Operation, entity: &str) -> String {
    match operation {
        Operation::Create | Operation::Update => entity.to_owned(),
        Operation::CreateMany => {
            format!("{{\"importedWindowsAutopilotDeviceIdentities\":[{entity}]}}")
        }
    }
}

/// Checks that this is a refusal as Graph writes it, and gives back its message.
#[track_caller]
fn assert_graph_error(answer: &TestAnswer, status: u16, code: &str, case: &str) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{case}: {text}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    let names = |value: &Value| -> Vec<String> {
        let members = value
            .as_object()
            .unwrap_or_else(|| panic!("{case}: {text}"));
        members.keys().cloned().collect()
    };
    let error = &body["error"];
    assert_eq!(names(&body), ["error"], "{case}");
    assert_eq!(names(error), ["code", "innerError", "message"], "{case}");
    assert_eq!(error["code"], code, "{case}: {text}");
    let inner = &error["innerError"];
    let expected = ["client-request-id", "date", "request-id"];
    assert_eq!(names(inner), expected, "{case}");
    assert_eq!(inner["date"], "2026-01-01T00:00:00", "{case}");
    for id in ["request-id", "client-request-id"] {
        assert_eq!(inner[id].as_str(), answer.header(id), "{case}");
    }
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{case}: {text}");
    message.to_owned()
}
