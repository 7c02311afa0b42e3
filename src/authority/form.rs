//! Fields as forms and queries carry them. What a field means is told where it is read.

use std::collections::HashMap;

use axum::body::{Body, Bytes, to_bytes};

use super::oauth_error::OAuthError;

/// Fields, each of them once.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// Reads a form as browsers send it, or a query.
    pub(super) fn read(text: &[u8]) -> Result<Self, OAuthError> {
        let mut fields = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if fields
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                let text = "A parameter stands in the request more than once.";
                return Err(OAuthError::unreadable(text));
            }
        }
        Ok(Self(fields))
    }

    /// Reads the form in a request's body, if it has at most `longest_bytes`.
    pub(super) async fn receive(body: Body, longest_bytes: usize) -> Result<Self, OAuthError> {
        Self::read(&Self::bytes(body, longest_bytes).await?)
    }

    /// A request's body, if it has at most `longest_bytes`.
    pub(super) async fn bytes(body: Body, longest_bytes: usize) -> Result<Bytes, OAuthError> {
        let read = to_bytes(body, longest_bytes).await;
        read.map_err(|_| OAuthError::too_long())
    }

    /// A field that is there and not empty.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.find(name).ok_or_else(|| OAuthError::missing(name))
    }
}
