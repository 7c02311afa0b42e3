//! Reads `If-Match` and `If-None-Match`: in which revision a caller wants an entity to be.
//!
//! Dates are no conditions here: no answer has a `Last-Modified`.

use http::{HeaderMap, HeaderName, header};

use crate::{
    domain::revision::{Precondition, Revisions},
    graph::etag::{Comparison, read_tags},
    http::error::ApiError,
};

/// What the caller demands of the entity in the path.
pub fn precondition(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    Ok(Precondition {
        one_of: tags(headers, &header::IF_MATCH, Comparison::Exact)?,
        none_of: tags(headers, &header::IF_NONE_MATCH, Comparison::Weak)?,
    })
}

/// Refuses conditions where there is no single entity that they could be about.
pub fn refuse(headers: &HeaderMap) -> Result<(), ApiError> {
    for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
        if headers.contains_key(&name) {
            let name = spelled(&name);
            return Err(ApiError::bad_request(format!(
                "The header '{name}' is not supported here: only single entities have ETags."
            )));
        }
    }
    Ok(())
}

fn tags(
    headers: &HeaderMap,
    name: &HeaderName,
    comparison: Comparison,
) -> Result<Option<Revisions>, ApiError> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut list = first.as_bytes().to_vec();
    for line in lines {
        list.push(b',');
        list.extend_from_slice(line.as_bytes());
    }
    match read_tags(&list, comparison) {
        Some(revisions) => Ok(Some(revisions)),
        None => Err(ApiError::bad_request(format!(
            "The header '{}' is neither '*' nor a list of ETags as they were given out, such as W/\"…\".",
            spelled(name)
        ))),
    }
}

/// The name as people write it.
fn spelled(name: &HeaderName) -> &'static str {
    if *name == header::IF_MATCH {
        "If-Match"
    } else {
        "If-None-Match"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::revision::Revision, graph::etag::spell};

    #[test]
    fn lines_of_one_header_are_one_list() {
        let [one, two] = [[1; 16], [2; 16]].map(Revision::from_bytes);
        let mut headers = HeaderMap::new();
        assert_eq!(precondition(&headers).unwrap(), Precondition::default());
        headers.append(header::IF_MATCH, spell(one).parse().unwrap());
        headers.append(header::IF_MATCH, spell(two).parse().unwrap());
        headers.append(header::IF_NONE_MATCH, "*".parse().unwrap());
        let read = precondition(&headers).unwrap();
        assert_eq!(read.one_of, Some(Revisions::OneOf(vec![one, two])));
        assert_eq!(read.none_of, Some(Revisions::Any));
        assert_eq!(refuse(&headers).unwrap_err().status(), 400);
        headers.append(header::IF_NONE_MATCH, "*".parse().unwrap());
        assert_eq!(precondition(&headers).unwrap_err().status(), 400);
    }
}
