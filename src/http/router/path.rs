//! Takes a path apart.
//!
//! Paths match without regard to letter case, a key may stand in a segment of its own or in
//! parentheses, and an action may carry its namespace: `/{set}/{id}`, `/{set}('{id}')`,
//! `/{set}/microsoft.graph.import`. Where the segments lead is in `router`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::OPENAPI;
use crate::{graph::version::Version, http::error::ApiError};

/// A piece of a path, decoded.
#[derive(Debug)]
pub enum Segment<'a> {
    /// What stands between slashes: a name, or a key where a key may stand.
    Plain(Cow<'a, str>),
    /// What stands in parentheses: a key, even one that reads like a name.
    Key(String),
}

impl<'a> Segment<'a> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Key(text) => text,
        }
    }

    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => text,
            Self::Key(text) => text.into(),
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        match self {
            Self::Plain(text) => strip_namespace(text).eq_ignore_ascii_case(name),
            Self::Key(_) => false,
        }
    }
}

/// Takes a path apart: the version's segment, and the segments after it.
pub fn split(path: &str) -> Result<(Cow<'_, str>, Vec<Segment<'_>>), ApiError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // A slash before the query is met in practice and means nothing.
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = Vec::new();
    for raw in path.split('/') {
        // Decoded once and after the split, so that an encoded slash never separates.
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| {
            ApiError::bad_request("The path holds bytes that are not UTF-8 once they are decoded.")
        })?;
        let with_key = key_in_parentheses(&decoded).map(|(name, key)| (name.len(), key));
        match with_key {
            Some((length, key)) => {
                let name = Segment::Plain(start(decoded, length));
                segments.extend([name, Segment::Key(key)]);
            }
            None => segments.push(Segment::Plain(decoded)),
        }
    }
    let version = segments.remove(0);
    if segments.is_empty() && version.is_named(OPENAPI) {
        // Without a version it is the one that has everything.
        return Ok((Version::Beta.path_segment().into(), vec![version]));
    }
    Ok((version.into_text(), segments))
}

/// So many of a text's first bytes.
fn start(text: Cow<'_, str>, length: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.get(..length).unwrap_or(text).into(),
        Cow::Owned(mut text) => {
            text.truncate(length);
            text.into()
        }
    }
}

/// Reads `set('key')` and `set(key)`. A quote inside a key is doubled.
fn key_in_parentheses(segment: &str) -> Option<(&str, String)> {
    let (name, key) = segment.strip_suffix(')')?.split_once('(')?;
    let unquoted = key
        .strip_prefix('\'')
        .and_then(|key| key.strip_suffix('\''))
        .map_or_else(|| key.to_owned(), |key| key.replace("''", "'"));
    (!name.is_empty()).then_some((name, unquoted))
}

fn strip_namespace(segment: &str) -> &str {
    const NAMESPACE: &str = "microsoft.graph.";
    match segment.split_at_checked(NAMESPACE.len()) {
        Some((namespace, name)) if namespace.eq_ignore_ascii_case(NAMESPACE) => name,
        _ => segment,
    }
}
