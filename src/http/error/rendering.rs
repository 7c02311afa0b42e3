//! Makes an answer of an error, and logs its cause. How the body is spelled is in
//! `graph::error_body`.

use std::{error::Error, fmt};

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};

use super::{ApiError, Ending};
use crate::{
    graph::{
        behavior::Behavior,
        error_body::{self, ErrorBody},
    },
    http::layers::request_id::RequestContext,
};

impl ApiError {
    /// Makes the answer and logs the cause.
    pub fn render(self, context: &RequestContext, behavior: Behavior) -> Response {
        self.log(context);
        let body = self.body(context, behavior);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.ending == Ending::Close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn body(&self, context: &RequestContext, behavior: Behavior) -> Vec<u8> {
        error_body::render(
            &ErrorBody {
                code: self.0.code,
                message: &self.0.message,
                details: &self.0.details,
                phrase: self.0.phrase,
                date: context.received_at,
                request_id: &context.request_id.hyphenated().to_string(),
                client_request_id: &context.client_request_id,
                url: &context.url(),
                retry_after_seconds: self.0.retry_after_seconds,
            },
            behavior,
        )
    }

    /// A server's fault is loud; what a caller did wrong is only of interest while debugging, and
    /// its cause may hold what the caller sent.
    fn log(&self, context: &RequestContext) {
        let Some(cause) = &self.0.cause else { return };
        let request_id = context.request_id;
        if self.0.status.is_server_error() {
            tracing::error!(%request_id, code = self.0.code, cause = %Chain(cause.as_ref()), "request failed");
        } else {
            tracing::debug!(%request_id, code = self.0.code, cause = %Chain(cause.as_ref()), "request refused");
        }
    }
}

/// The `WWW-Authenticate` of every 401, which names the authority that gives tokens.
/// `None` if the authority's address does not fit into a header.
pub fn challenge(authority: &str) -> Option<HeaderValue> {
    let authority = authority.trim_end_matches('/');
    if authority.contains(['"', '\\']) {
        return None;
    }
    HeaderValue::try_from(format!(
        "Bearer realm=\"\", authorization_uri=\"{authority}/common/oauth2/authorize\", \
         client_id=\"00000003-0000-0000-c000-000000000000\""
    ))
    .ok()
}

/// An error with everything that led to it, on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::{graph::error_body::ErrorDetail, http::extract::base_url::BaseUrl};

    fn context() -> RequestContext {
        let base_url = BaseUrl::parse("https://hangar.example").unwrap();
        let headers = http::HeaderMap::new();
        RequestContext::open(&headers, "/beta/x", base_url, Timestamp::UNIX_EPOCH)
    }

    async fn rendered(error: ApiError) -> (Response, String) {
        let (parts, body) = error.render(&context(), Behavior::Documented).into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        (Response::from_parts(parts, Body::empty()), text)
    }

    #[tokio::test]
    async fn the_cause_is_never_shown() {
        let (_, body) = rendered(ApiError::internal("disk 7 is on fire")).await;
        assert!(!body.contains("disk"), "{body}");
        let error = ApiError::bad_request("m").because("private");
        assert!(!format!("{error:?}").contains("private"));
        assert!(!rendered(error).await.1.contains("private"));
    }

    #[tokio::test]
    async fn details_stand_between_the_message_and_the_inner_error() {
        let detail = ErrorDetail {
            code: "Conflict".to_owned(),
            message: "taken".to_owned(),
            target: "[3]".to_owned(),
        };
        // A message that looks like the place where details go.
        let message = r#"a,"innerError":{}"#;
        let (_, body) = rendered(ApiError::conflict(message, vec![detail])).await;
        let value: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["error"]["message"], message);
        assert_eq!(value["error"]["details"][0]["target"], "[3]");
        let position = |name: &str| body.find(&format!("\"{name}\":")).unwrap();
        assert!(position("message") < position("details"));
        assert!(position("details") < position("innerError"));
    }

    #[tokio::test]
    async fn headers_say_when_to_come_back_and_what_ends() {
        let late = ApiError::busy(Duration::from_millis(1_001));
        assert_eq!(rendered(late).await.0.headers()["retry-after"], "2");
        let soon = ApiError::throttled(Some(Duration::ZERO)).closing();
        let response = rendered(soon).await.0;
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["connection"], "close");
        let silent = rendered(ApiError::throttled(None)).await.0;
        assert!(!silent.headers().contains_key("retry-after"));
    }

    #[test]
    fn a_challenge_cannot_be_broken_out_of() {
        let value = challenge("https://login.example/").unwrap();
        assert_eq!(
            value,
            "Bearer realm=\"\", authorization_uri=\"https://login.example/common/oauth2/authorize\", \
             client_id=\"00000003-0000-0000-c000-000000000000\""
        );
        assert!(challenge("https://a\", x=\"").is_none());
    }
}
