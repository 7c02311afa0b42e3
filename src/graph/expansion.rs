//! Reads `$expand` where a single name can be expanded, and leaves the other query options.

use percent_encoding::percent_decode_str;

use super::{
    version::Version,
    wire_error::{Problem, WireError},
};

/// Takes `$expand` out of a query: whether `name` is to be expanded, and what is left. Another name,
/// or an option twice, is an error.
pub fn take_expand(
    query: Option<&str>,
    version: Version,
    name: &'static str,
) -> Result<(bool, Option<String>), WireError> {
    let mut expand = false;
    let mut left = Vec::new();
    for piece in query.unwrap_or_default().split('&') {
        let (written, value) = piece.split_once('=').unwrap_or((piece, ""));
        let decoded = decode(written);
        let is_expand = decoded.eq_ignore_ascii_case("$expand")
            || version == Version::Beta && decoded.eq_ignore_ascii_case("expand");
        if !is_expand {
            left.push(piece);
            continue;
        }
        if expand {
            return Err(WireError::new(Problem::OptionRepeated {
                option: "$expand".to_owned(),
            }));
        }
        let value = decode(value);
        if value.trim() != name {
            return Err(WireError::new(Problem::BadOptionValue {
                option: "$expand".to_owned(),
                value,
                expected: name,
            }));
        }
        expand = true;
    }
    Ok((expand, query.map(|_| left.join("&"))))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_expanded_and_the_rest_is_left() {
        let take = |query: Option<&str>, version| {
            take_expand(query, version, "rows").map_err(|error| error.to_string())
        };
        let left = |expand, rest: &str| Ok((expand, Some(rest.to_owned())));
        let beta = Version::Beta;
        assert_eq!(take(None, beta), Ok((false, None)));
        assert_eq!(take(Some(""), beta), left(false, ""));
        assert_eq!(
            take(Some("$top=1&$expand=rows&x"), beta),
            left(true, "$top=1&x")
        );
        assert_eq!(take(Some("%24EXPAND=%72ows"), beta), left(true, ""));
        assert_eq!(take(Some("expand=rows"), beta), left(true, ""));
        assert_eq!(
            take(Some("expand=rows"), Version::V1),
            left(false, "expand=rows")
        );
        assert_eq!(
            take(Some("$expand=rows&expand=rows"), beta),
            Err("The query option '$expand' stands more than once.".to_owned())
        );
        for value in ["", "Rows", "*", "rows,rows", "rows($top=1)"] {
            let told =
                format!("The query option '$expand' has the value '{value}', but takes rows.");
            let query = format!("$expand={value}");
            assert_eq!(take(Some(&query), beta), Err(told));
        }
    }
}
