//! Where a part of a batch goes: a path and a query of this server, from any of the forms in which
//! clients write it.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::graph::version::Version;

/// What a URL can't hold as it is. Clients write filters into batches with their blanks.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest target, as for a request by itself.
const MAX_BYTES: usize = 16 * 1024;

/// Where a part goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The path, with the version as its first segment.
    pub path: String,
    /// What stands behind the question mark, if there is one.
    pub query: Option<String>,
}

/// Why a part goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It goes to another server.
    #[error(
        "The url leads to another server. Write it relative to this one's version, as '/deviceManagement/…'."
    )]
    Elsewhere,
    /// It has a fragment, which no server ever sees.
    #[error("The url holds '#', which must be written as '%23'.")]
    Fragment,
    /// It is too long.
    #[error("The url is longer than {MAX_BYTES} bytes.")]
    TooLong,
}

/// Reads a part's url: relative to the batch's version, with or without a slash in front; with a
/// version in front, which then counts; or absolute, at this server, whose address is `base`.
pub fn read_target(url: &str, base: &str, version: Version) -> Result<Target, TargetError> {
    if url.len() > MAX_BYTES {
        return Err(TargetError::TooLong);
    }
    if url.contains('#') {
        return Err(TargetError::Fragment);
    }
    let relative = match split_absolute(url) {
        Some((authority, rest)) => below(base, authority, rest).ok_or(TargetError::Elsewhere)?,
        None => url,
    };
    let relative = relative.strip_prefix('/').unwrap_or(relative);
    let (path, query) = match relative.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (relative, None),
    };
    let first = path.split('/').next().unwrap_or_default();
    let path = utf8_percent_encode(path, UNSAFE);
    Ok(Target {
        path: match Version::parse(first) {
            Some(_) => format!("/{path}"),
            None => format!("/{}/{path}", version.path_segment()),
        },
        query: query.map(|query| utf8_percent_encode(query, UNSAFE).to_string()),
    })
}

/// The host with its port, and the rest, of an absolute address. A default port is left out.
fn split_absolute(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        // A path may hold these characters, too.
        _ if scheme.contains(['/', '?']) => return None,
        _ => "",
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    Some((
        authority.strip_suffix(default_port).unwrap_or(authority),
        rest,
    ))
}

/// What stands behind the server's own address, if this is below it. The scheme is not compared:
/// a server behind a proxy may not know its own.
fn below<'u>(base: &str, authority: &str, rest: &'u str) -> Option<&'u str> {
    let (own_authority, own_path) = split_absolute(base)?;
    let rest = rest.strip_prefix(own_path)?;
    let ends_there = rest.is_empty() || rest.starts_with(['/', '?']);
    (authority.eq_ignore_ascii_case(own_authority) && ends_there).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, base: &str) -> Result<String, TargetError> {
        read_target(url, base, Version::Beta).map(|target| match target.query {
            Some(query) => format!("{}?{query}", target.path),
            None => target.path,
        })
    }

    #[test]
    fn every_form_of_a_url_leads_to_its_path() {
        let cases = [
            ("/x/y", "/beta/x/y"),
            ("x/y", "/beta/x/y"),
            ("/", "/beta/"),
            ("", "/beta/"),
            ("?a=b", "/beta/?a=b"),
            ("/x?", "/beta/x?"),
            ("/beta/x", "/beta/x"),
            ("v1.0/x?a=b?c", "/v1.0/x?a=b?c"),
            ("/V1.0/x", "/V1.0/x"),
            ("/v2.0/x", "/beta/v2.0/x"),
            ("//x", "/beta//x"),
            ("http://h:8080/beta/x", "/beta/x"),
            ("HTTP://H:8080/v1.0/x?a", "/v1.0/x?a"),
            ("https://h:8080/x", "/beta/x"),
            ("http://h:8080", "/beta/"),
            ("http://h:8080?a", "/beta/?a"),
            (
                "/x?$filter=a eq 'é \"'",
                "/beta/x?$filter=a%20eq%20'%C3%A9%20%22'",
            ),
            (
                "/x?$filter=a%20eq%20'b+c'",
                "/beta/x?$filter=a%20eq%20'b+c'",
            ),
            ("/x?u=http://other/", "/beta/x?u=http://other/"),
            ("/x\r\n", "/beta/x%0D%0A"),
        ];
        for (url, path) in cases {
            assert_eq!(read(url, "http://h:8080").as_deref(), Ok(path), "{url}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for url in [
            "https://graph.microsoft.com/beta/x",
            "http://h/beta/x",
            "http://h:8081/beta/x",
            "http://h:8080.example/x",
            "http://a@h:8080/x",
            "http://h:8080@a/x",
            "http:///x",
            "ftp://h/x",
            "x://h:8080.example",
        ] {
            assert_eq!(
                read(url, "http://h:8080"),
                Err(TargetError::Elsewhere),
                "{url}"
            );
        }
        assert_eq!(read("/x#y", "http://h"), Err(TargetError::Fragment));
        let long = "x".repeat(MAX_BYTES + 1);
        assert_eq!(read(&long, "http://h"), Err(TargetError::TooLong));
    }

    #[test]
    fn default_ports_and_a_path_in_front_are_known() {
        let ok = Ok("/beta/x".to_owned());
        assert_eq!(read("https://h:443/x", "https://h"), ok);
        assert_eq!(read("https://h/x", "https://h:443"), ok);
        assert_eq!(read("https://h/x", "http://h"), ok);
        assert_eq!(read("https://h/graph/beta/x", "https://h/graph"), ok);
        for url in [
            "https://h/beta/x",
            "https://h/graphs/x",
            "https://h/Graph/x",
        ] {
            assert_eq!(read(url, "https://h/graph"), Err(TargetError::Elsewhere));
        }
    }
}
