//! The answers to a batch's parts, each as it would be by itself, and their putting together.

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, StreamBody};
use hyper::body::Frame;
use metrics::counter;

use crate::{
    graph::{
        batch::{AnswerBody, close_answers, close_part, open_answers, open_part},
        metadata_level::MetadataLevel,
    },
    http::{
        api::{Api, Asked, Seen},
        error::ApiError,
        extract::body::HeldBody,
        layers::{
            access_log::{NONE, Parts, method_name},
            request_id::RequestContext,
            survive,
        },
        rehearsed::{self, BreakOff, Told},
    },
};

/// Bodies from this size on are passed on as they are, and not copied.
const LARGE_BYTES: usize = 32 * 1024;

/// A part's answer, read whole.
pub(super) struct PartAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: PartBody,
    /// How the batch's connection breaks, because this part's would.
    break_off: Option<BreakOff>,
}

/// A part's body.
enum PartBody {
    /// An answer to a write: not larger than what was sent, by and large.
    Small(Bytes),
    /// An answer to a read, which can be many times as large as its request. It has its share of
    /// the memory for bodies.
    Held(HeldBody),
}

impl PartAnswer {
    /// Whether what depends on this part is not done.
    pub(super) fn failed(&self) -> bool {
        self.status.is_client_error() || self.status.is_server_error()
    }

    fn bytes(&self) -> &Bytes {
        match &self.body {
            PartBody::Small(bytes) => bytes,
            PartBody::Held(held) => held.bytes(),
        }
    }
}

/// Does a part, and answers it.
pub(super) async fn answer_part(api: Arc<Api>, asked: Asked) -> PartAnswer {
    let context = Arc::clone(&asked.context);
    let is_read = asked.method == Method::GET;
    let method = method_name(&asked.method);
    let mut seen = Seen::default();
    if api.director.is_some() {
        let mut told = Told::of(
            &context,
            &asked.method,
            asked.query.as_deref(),
            &asked.headers,
        );
        told.batch = asked.batch.as_ref().map(|(batch, _)| *batch);
        told.caller = Some(Arc::clone(&asked.caller));
        seen.told = Some(Box::new(told));
    }
    let director = api.director.clone();
    let done = survive(Arc::clone(&api).perform(asked, &mut seen)).await;
    let mut response = match done.and_then(|done| done) {
        Ok(response) => response,
        Err(error) => error.render(&context, api.behavior),
    };
    if let (Some(director), Some(told)) = (director, seen.told.take()) {
        let report = rehearsed::report(&*director, *told, &context, response);
        response = Box::pin(report).await;
    }
    let mut answer = read_whole(response).await;
    if is_read {
        answer = match api.bodies.hold(answer.bytes().clone()) {
            Ok(held) => PartAnswer {
                body: PartBody::Held(held),
                ..answer
            },
            Err(error) => read_whole(error.render(&context, api.behavior)).await,
        };
    }
    finish(answer, &context, seen.route_name(), method)
}

/// Answers a part that is not done, because the one with this id failed.
pub(super) async fn dependency_failed(api: Arc<Api>, asked: Asked, parent: String) -> PartAnswer {
    let error = ApiError::failed_dependency(format!(
        "The request was not done: the one that it depends on, with the id '{parent}', failed."
    ));
    let answer = read_whole(error.render(&asked.context, api.behavior)).await;
    finish(answer, &asked.context, NONE, method_name(&asked.method))
}

async fn read_whole(response: Response) -> PartAnswer {
    let (parts, body) = response.into_parts();
    let break_off = parts.extensions.get().copied();
    // Our own bodies are in memory already: reading them does not fail.
    let body = body.collect().await.map(Collected::to_bytes);
    PartAnswer {
        status: parts.status,
        headers: parts.headers,
        body: PartBody::Small(body.unwrap_or_default()),
        break_off,
    }
}

fn finish(
    mut answer: PartAnswer,
    context: &RequestContext,
    route: &'static str,
    method: &'static str,
) -> PartAnswer {
    // What belongs to a connection or to the whole answer is not a part's.
    for name in [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::VARY,
    ] {
        answer.headers.remove(name);
    }
    context.identify(&mut answer.headers);
    counter!("hangar_batch_parts_total", "route" => route, "method" => method, "status" => answer.status.as_u16().to_string())
        .increment(1);
    answer
}

/// Puts the answers together. Large bodies are given away one by one as they are sent.
pub(super) fn whole_answer(level: MetadataLevel, answers: Vec<(String, PartAnswer)>) -> Response {
    let count = answers.len();
    let break_off = answers.iter().find_map(|(_, answer)| answer.break_off);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut text = Vec::new();
    open_answers(&mut text);
    for (place, (id, answer)) in answers.into_iter().enumerate() {
        let headers = answer.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        open_part(&mut text, place, &id, answer.status.as_u16(), headers);
        let content_type = answer.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        match AnswerBody::new(content_type, answer.bytes()) {
            AnswerBody::Json(json) if json.len() >= LARGE_BYTES => {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Part(answer.body));
            }
            body => body.write(&mut text),
        }
        close_part(&mut text);
    }
    close_answers(&mut text);
    let body = if pieces.is_empty() {
        Body::from(text)
    } else {
        pieces.push(Piece::Text(text));
        let frames = pieces.into_iter().map(|piece| {
            let bytes = piece.into_bytes();
            Ok::<_, Infallible>(Frame::data(bytes))
        });
        Body::new(StreamBody::new(stream::iter(frames)))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(level.content_type()),
    );
    response.extensions_mut().insert(Parts(count));
    if let Some(how) = break_off {
        response.extensions_mut().insert(how);
    }
    response
}

/// A piece of the whole answer.
enum Piece {
    Text(Vec<u8>),
    Part(PartBody),
}

impl Piece {
    fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Part(PartBody::Small(bytes)) => bytes,
            Self::Part(PartBody::Held(held)) => held.bytes().clone(),
        }
    }
}
