//! The routes under `/rehearsal` of the admin listener: one table, of which the router and their
//! description are made. What a route does is beside what it does it to: the clock's are in `clock`.
//!
//! They are plain JSON of our own; no Graph client asks here.

mod answer;
mod clock;
mod journal;
mod rules;
mod worlds;

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, Request, State},
    http::Method,
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use serde_json::{Map, Value, json};

pub use self::answer::Problem;
pub(super) use self::clock::told as told_of_clock;
use super::Rehearsal;

/// The most bytes that a route reads.
const LONGEST_BODY_BYTES: usize = 16 * 1024 * 1024;

/// One way to direct a rehearsal.
pub(super) struct Control {
    /// The method.
    pub(super) method: Method,
    /// The path; what stands in braces stands for a name.
    pub(super) path: &'static str,
    /// What it does, in a sentence.
    pub(super) summary: &'static str,
    /// The schema of its body, where it takes one.
    pub(super) body: Option<fn() -> Value>,
    /// Does it.
    pub(super) perform: Perform,
}

/// What a route does.
pub(super) type Perform = fn(Arc<Rehearsal>, Asked) -> Performing;

/// An answer on its way.
pub(super) type Performing = Pin<Box<dyn Future<Output = Result<Value, Problem>> + Send>>;

/// What is asked of a route.
pub(super) struct Asked {
    /// What stands in the path's braces, in its order.
    pub(super) names: Vec<String>,
    /// The query, undecoded.
    pub(super) query: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Every route.
fn controls() -> impl Iterator<Item = Control> {
    let of_itself = vec![Control {
        method: Method::GET,
        path: "/rehearsal/openapi.json",
        summary: "These routes, as OpenAPI.",
        body: None,
        perform: |_, asked| {
            Box::pin(async move {
                asked.take_no_body()?;
                Ok(json!({
                    "openapi": "3.1.0",
                    "info": { "title": "Hangar's rehearsals", "version": env!("CARGO_PKG_VERSION") },
                    "paths": describe(),
                }))
            })
        },
    }];
    let by_subject = [
        of_itself,
        clock::controls(),
        rules::controls(),
        worlds::controls(),
        journal::controls(),
    ];
    by_subject.into_iter().flatten()
}

/// The router of the routes.
pub(super) fn router(rehearsal: &Arc<Rehearsal>) -> Router {
    let router = controls().fold(Router::new(), |router, control| {
        let path = control.path;
        router.route(path, handler(control, Arc::clone(rehearsal)))
    });
    router.method_not_allowed_fallback(async || {
        let problem = Problem::bad(
            "this path does not take that method: /rehearsal/openapi.json has those that there are",
        );
        answer::render(Err(problem))
    })
}

/// The routes as the paths of an `OpenAPI` document.
pub fn describe() -> Map<String, Value> {
    let mut paths = Map::new();
    for control in controls() {
        let item = paths
            .entry(control.path.to_owned())
            .or_insert_with(|| json!({}));
        item[control.method.as_str().to_ascii_lowercase()] = describe_one(&control);
    }
    paths
}

/// The same, with the server that has them: they are not where Graph's are.
pub(super) fn describe_at(address: &str) -> Map<String, Value> {
    let mut paths = describe();
    for item in paths.values_mut() {
        item["servers"] = json!([{ "url": address }]);
    }
    paths
}

fn describe_one(control: &Control) -> Value {
    let mut operation = json!({
        "summary": control.summary,
        "tags": ["rehearsal"],
        "security": [],
        "responses": {
            "200": {
                "description": "Done.",
                "content": { "application/json": { "schema": { "type": "object" } } },
            },
            "400": {
                "description": "What was asked can't be; `error.field` says where.",
                "content": { "application/json": { "schema": answer::problem_schema() } },
            },
        },
    });
    let names: Vec<_> = control
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if !names.is_empty() {
        operation["parameters"] = Value::Array(names);
    }
    if let Some(schema) = control.body {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema() } },
        });
    }
    operation
}

fn handler(control: Control, rehearsal: Arc<Rehearsal>) -> MethodRouter {
    // Every method of the table is one that there is.
    let filter = MethodFilter::try_from(control.method.clone()).unwrap_or(MethodFilter::GET);
    on(filter, answer_to).with_state(Arc::new((control, rehearsal)))
}

async fn answer_to(
    State(served): State<Arc<(Control, Arc<Rehearsal>)>>,
    names: RawPathParams,
    request: Request,
) -> Result<Response<Body>, Infallible> {
    let (control, rehearsal) = &*served;
    let (parts, body) = request.into_parts();
    let performed = match axum::body::to_bytes(body, LONGEST_BODY_BYTES).await {
        Ok(body) => {
            let asked = Asked {
                names: names.iter().map(|(_, name)| name.to_owned()).collect(),
                query: parts.uri.query().map(str::to_owned),
                body: body.to_vec(),
            };
            (control.perform)(Arc::clone(rehearsal), asked).await
        }
        Err(_) => Err(Problem::bad("the body is over 16 MiB, or broke off")),
    };
    Ok(answer::render(performed))
}
