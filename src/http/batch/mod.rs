//! Graph: `$batch`. Each part takes the same way through the router as a request by itself, with
//! the caller of the batch, and is answered for itself.
//!
//! What a batch looks like is in `graph::batch`. Here nothing is started that outlives the request:
//! the parts are futures of its own task.

mod answer;
mod rendezvous;

use std::sync::Arc;

use axum::{body::Body, response::Response};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

pub use self::rendezvous::Rendezvous;
use self::{
    answer::{PartAnswer, answer_part, dependency_failed, whole_answer},
    rendezvous::run_together,
};
use super::{
    api::Asked,
    call::Call,
    error::ApiError,
    layers::{
        limits::BATCH_BODY_LIMIT_BYTES,
        request_id::{CLIENT_REQUEST_ID, RequestContext},
    },
    router::{self, Operation},
};
use crate::graph::{
    batch::{Part, read_batch, read_target},
    json as wire,
    version::Version,
};

/// Headers that belong to the way a request travels. Clients copy them from requests that they
/// would have sent by themselves; a part has no such way.
const OF_THE_WAY: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::EXPECT,
    header::ACCEPT_ENCODING,
];

/// A part on its way.
struct Step {
    id: String,
    /// The place of the part that must succeed first.
    parent: Option<usize>,
    /// How many parts are before it in its line.
    depth: usize,
    asked: Asked,
}

/// Does the parts of the batch in the body, those together that do not wait for each other.
///
/// Boxed, because the way to the parts leads through here again.
pub fn batch(call: Call) -> BoxFuture<'static, Result<Response, ApiError>> {
    answer(call).boxed()
}

async fn answer(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    // The body's share of the budget is kept until the end: it stands for the parts.
    let body = call.read_body(BATCH_BODY_LIMIT_BYTES).await?;
    let parts = read_batch(&wire::parse(&call.json_text(&body)?)?, call.behavior())?;
    let steps = steps(&call, parts)?;
    let answers = run(&call, steps).await;
    drop(body);
    Ok(whole_answer(level, answers))
}

/// Makes requests of the parts. A part that can't be one spoils the batch, of which nothing is
/// done then.
fn steps(call: &Call, parts: Vec<Part>) -> Result<Vec<Step>, ApiError> {
    let mut steps: Vec<Step> = Vec::with_capacity(parts.len());
    for part in parts {
        let depth = match part.parent.and_then(|parent| steps.get(parent)) {
            Some(parent) => parent.depth + 1,
            None => 0,
        };
        steps.push(Step {
            parent: part.parent,
            depth,
            asked: ask(call, &part)?,
            id: part.id,
        });
    }
    Ok(steps)
}

fn ask(call: &Call, part: &Part) -> Result<Asked, ApiError> {
    let method = Method::from_bytes(part.method.as_bytes())
        .map_err(|_| part.spoilt("The method is none."))?;
    let base = call.context.base_url.as_str();
    let target = read_target(&part.url, base, call.version)
        .map_err(|error| part.spoilt(error.to_string()))?;
    let (version, segments) = router::split(&target.path)
        .map_err(|_| part.spoilt("The path is not UTF-8 once it is decoded."))?;
    // The target begins with a version: its own, or the batch's.
    let version = Version::parse(&version).unwrap_or(call.version);
    if router::leads_to(Operation::Batch, version, &segments) {
        return Err(part.spoilt("A batch can't hold a batch.").into());
    }
    let headers = headers(call, part)?;
    let context = Arc::new(RequestContext::open(
        &headers,
        &target.path,
        call.context.base_url.clone(),
        call.context.received_at,
    ));
    Ok(Asked {
        caller: Arc::clone(&call.caller),
        version,
        context,
        resolved: router::resolve(&method, version, &segments),
        method,
        query: target.query,
        headers,
        body: part.body.clone().map_or_else(Body::empty, Body::from),
        meeting: None,
        batch: Some((call.context.request_id, call.home.clone())),
    })
}

/// A part's headers. The client's name for the batch is its parts' too, unless they have their own.
fn headers(call: &Call, part: &Part) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::with_capacity(part.headers.len() + 1);
    if let Some(id) = call.headers.get(CLIENT_REQUEST_ID) {
        headers.insert(CLIENT_REQUEST_ID, id.clone());
    }
    for (name, value) in &part.headers {
        let spoilt = || part.spoilt("A header has a name or a value that none can have.");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| spoilt())?;
        let value = HeaderValue::from_str(value).map_err(|_| spoilt())?;
        if name == header::AUTHORIZATION {
            // A part is the batch's caller's. One that says otherwise is not done in his name.
            if call.headers.get(header::AUTHORIZATION) != Some(&value) {
                let why = "Its Authorization is not the batch's. Leave it out: the batch's counts for every request in it.";
                return Err(part.spoilt(why).into());
            }
        } else if !OF_THE_WAY.contains(&name) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// Does the parts, and answers them in their order.
async fn run(call: &Call, steps: Vec<Step>) -> Vec<(String, PartAnswer)> {
    let count = steps.len();
    let deepest = steps.iter().map(|step| step.depth).max().unwrap_or(0);
    let mut waiting: Vec<_> = steps.into_iter().map(Some).collect();
    let mut answers: Vec<Option<(String, PartAnswer)>> = Vec::new();
    answers.resize_with(count, || None);
    for depth in 0..=deepest {
        let meeting = Rendezvous::default();
        let mut together = Vec::new();
        for (place, slot) in waiting.iter_mut().enumerate() {
            let Some(step) = slot.take_if(|step| step.depth == depth) else {
                continue;
            };
            let failed = step.parent.and_then(|parent| {
                let (id, answer) = answers.get(parent)?.as_ref()?;
                answer.failed().then(|| id.clone())
            });
            let api = Arc::clone(&call.api);
            let asked = Asked {
                meeting: Some(meeting.clone()),
                ..step.asked
            };
            together.push(
                async move {
                    let answer = match failed {
                        Some(parent) => dependency_failed(api, asked, parent).await,
                        None => answer_part(api, asked).await,
                    };
                    (place, step.id, answer)
                }
                .boxed(),
            );
        }
        for (place, id, answer) in run_together(call.store(), &meeting, together).await {
            if let Some(slot) = answers.get_mut(place) {
                *slot = Some((id, answer));
            }
        }
    }
    answers.into_iter().flatten().collect()
}
