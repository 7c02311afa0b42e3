//! Reads `Prefer`: whether the caller wants to see what it has changed.

use http::{HeaderMap, HeaderName};

/// Graph: the header in which a client states preferences (RFC 7240).
pub const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnPreference {
    /// 204 without a body.
    Minimal,
    /// The whole entity.
    Representation,
}

/// The caller's `return` preference, if it states one that is known. The first one counts.
pub fn return_preference(headers: &HeaderMap) -> Option<ReturnPreference> {
    let stated = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(return_value)?;
    match stated.to_ascii_lowercase().as_str() {
        "minimal" => Some(ReturnPreference::Minimal),
        "representation" => Some(ReturnPreference::Representation),
        _ => None,
    }
}

/// The value of an element that is named `return`; its parameters are ignored.
fn return_value(element: &str) -> Option<&str> {
    let preference = element.split(';').next()?;
    let (name, value) = preference.split_once('=')?;
    name.trim()
        .eq_ignore_ascii_case("return")
        .then(|| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_return_preference_counts() {
        let cases = [
            ("return=minimal", Some(ReturnPreference::Minimal)),
            (
                "Return = \"Representation\"",
                Some(ReturnPreference::Representation),
            ),
            (
                "odata.maxpagesize=5, respond-async, return=minimal; x=1",
                Some(ReturnPreference::Minimal),
            ),
            (
                "return=representation, return=minimal",
                Some(ReturnPreference::Representation),
            ),
            ("return=everything", None),
            ("returns=minimal", None),
            ("", None),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(PREFER, value.parse().unwrap());
            assert_eq!(return_preference(&headers), expected, "{value:?}");
        }
        assert_eq!(return_preference(&HeaderMap::new()), None);
    }
}
