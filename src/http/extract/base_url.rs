//! The scheme, host and port that the client used: what links in answers start with.
//!
//! Whether a host is one of ours is `layers::host_guard`'s question. Here it only has to be one.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, header};
use thiserror::Error;
use url::Url;

use crate::http::server::PeerAddr;

/// The way the client speaks to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as a URL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn named(text: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}

/// How long most base addresses are at most.
const MOST_BASE_URLS_BYTES: usize = 64;

/// An absolute address without a trailing slash, onto which a path is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Arc<str>);

/// A text that cannot be a base address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the public address must be http:// or https://, with a host, without user, query or fragment"
)]
pub struct BaseUrlError;

impl BaseUrl {
    /// Reads a configured address, such as `https://autopilot.example.com`; it may have a path.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if Scheme::named(url.scheme()).is_none() || !url.has_host() || !plain {
            return Err(BaseUrlError);
        }
        Ok(Self(url.as_str().trim_end_matches('/').into()))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Decides whether a peer is a proxy whose word about the client is taken.
pub type TrustsProxy = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Where base addresses come from.
#[derive(Clone)]
pub struct BaseUrlPolicy {
    /// Settles the matter if it is set.
    pub public_url: Option<BaseUrl>,
    /// The peers whose forwarded headers count.
    pub trusts_proxy: TrustsProxy,
}

impl BaseUrlPolicy {
    /// The address that the client used for a request with these headers.
    pub fn resolve(&self, headers: &HeaderMap, peer: &PeerAddr) -> BaseUrl {
        if let Some(public_url) = &self.public_url {
            return public_url.clone();
        }
        let forwarded = if (self.trusts_proxy)(peer.peer.ip()) {
            Forwarded::read(headers)
        } else {
            Forwarded::default()
        };
        let scheme = forwarded.scheme.unwrap_or(peer.scheme);
        let named = || only(headers, &header::HOST).and_then(Authority::read);
        let mut text = String::with_capacity(MOST_BASE_URLS_BYTES);
        text.push_str(scheme.as_str());
        text.push_str("://");
        // Writing into a text does not fail.
        let _ = match forwarded.host.or_else(named) {
            Some(authority) => authority.write_to(&mut text, forwarded.port, scheme),
            None => write!(text, "{}", peer.local),
        };
        BaseUrl(text.into())
    }
}

/// What a proxy says about the client's request.
#[derive(Default)]
struct Forwarded<'a> {
    scheme: Option<Scheme>,
    host: Option<Authority<'a>>,
    port: Option<u16>,
}

impl<'a> Forwarded<'a> {
    /// Reads `X-Forwarded-*`, or `Forwarded` if none of these is there: a proxy that writes the
    /// ones usually passes a client's own `Forwarded` on as it came.
    ///
    /// Of a list the last element counts, for that one the trusted peer itself has added.
    fn read(headers: &'a HeaderMap) -> Self {
        let last = |name| last_element(headers, &HeaderName::from_static(name));
        let proto = last("x-forwarded-proto");
        let host = last("x-forwarded-host");
        let port = last("x-forwarded-port");
        if proto.or(host).or(port).is_none() {
            return last_element(headers, &header::FORWARDED)
                .map(Self::read_standard)
                .unwrap_or_default();
        }
        Self {
            scheme: proto.and_then(Scheme::named),
            host: host.and_then(Authority::read),
            port: port.and_then(read_port),
        }
    }

    /// Reads an element of `Forwarded` (RFC 7239): `for=…;host=…;proto=…`.
    fn read_standard(element: &'a str) -> Self {
        let mut forwarded = Self::default();
        for pair in element.split(';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "proto" => forwarded.scheme = Scheme::named(value),
                "host" => forwarded.host = Authority::read(value),
                _ => {}
            }
        }
        forwarded
    }
}

/// A host with an optional port, as the client spelled it.
#[derive(Clone, Copy)]
struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads `host`, `host:port`, `[address]` or `[address]:port`. It is echoed into links, so
    /// nothing but a name or an address is taken.
    fn read(text: &'a str) -> Option<Self> {
        let (host, rest) = if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) = bracketed.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (text.get(..address.len() + 2)?, rest)
        } else {
            let end = text.find(':').unwrap_or(text.len());
            let (host, rest) = text.split_at_checked(end)?;
            (is_name(host).then_some(host)?, rest)
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(read_port(port)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Self { host, port })
    }

    /// Writes the authority with its own port, or with `port` if it has none and the scheme needs it
    /// said.
    fn write_to(self, text: &mut String, port: Option<u16>, scheme: Scheme) -> fmt::Result {
        let default = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        text.push_str(self.host);
        match self.port.or(port.filter(|port| *port != default)) {
            Some(port) => write!(text, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A DNS name or an IPv4 address. Underscores occur in the names of containers.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

fn read_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// The value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn last_element<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    const PROXY: [u8; 4] = [10, 0, 0, 1];
    const STRANGER: [u8; 4] = [192, 0, 2, 9];

    fn resolved(peer: [u8; 4], headers: &[(&'static str, &str)]) -> String {
        let policy = BaseUrlPolicy {
            public_url: None,
            trusts_proxy: Arc::new(|peer| peer == IpAddr::from(PROXY)),
        };
        let peer = PeerAddr {
            peer: SocketAddr::from((peer, 50_000)),
            local: SocketAddr::from(([127, 0, 0, 1], 8080)),
            scheme: Scheme::Http,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        policy.resolve(&map, &peer).to_string()
    }

    #[test]
    fn the_host_that_the_client_used_is_kept() {
        let cases = [
            ("Hangar.example", "http://Hangar.example"),
            ("hangar.example:8080", "http://hangar.example:8080"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("my_container", "http://my_container"),
        ];
        for (host, expected) in cases {
            assert_eq!(resolved(STRANGER, &[("host", host)]), expected);
        }
    }

    #[test]
    fn what_is_no_host_is_not_echoed() {
        let refused = [
            "", "a b", "a/b", "a@b", "a:0", "a:70000", "a:+1", "a:", "[::1", "[x]", "[::1]x",
            "a..b", "<script>", "a?b", "a#b", "a%20b", "::1",
        ];
        for host in refused {
            let base = resolved(STRANGER, &[("host", host)]);
            assert_eq!(base, "http://127.0.0.1:8080", "{host:?}");
        }
        assert_eq!(resolved(STRANGER, &[]), "http://127.0.0.1:8080");
        let two = [("host", "a"), ("host", "b")];
        assert_eq!(resolved(STRANGER, &two), "http://127.0.0.1:8080");
    }

    #[test]
    fn only_trusted_proxies_speak_for_the_client() {
        let headers = [
            ("host", "inner:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer.example"),
        ];
        assert_eq!(resolved(STRANGER, &headers), "http://inner:8080");
        assert_eq!(resolved(PROXY, &headers), "https://outer.example");
    }

    #[test]
    fn forwarded_headers_are_read_in_every_spelling() {
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[("x-forwarded-proto", "https")], "https://inner"),
            (
                &[("x-forwarded-proto", "https"), ("x-forwarded-port", "443")],
                "https://inner",
            ),
            (
                &[("x-forwarded-proto", "https"), ("x-forwarded-port", "8443")],
                "https://inner:8443",
            ),
            (
                &[("x-forwarded-host", "o:1"), ("x-forwarded-port", "2")],
                "http://o:1",
            ),
            (
                &[("x-forwarded-host", "forged.example, outer.example")],
                "http://outer.example",
            ),
            (
                &[("forwarded", "for=1.2.3.4;host=\"o:8443\";proto=https")],
                "https://o:8443",
            ),
            (
                &[("forwarded", "host=forged"), ("x-forwarded-proto", "https")],
                "https://inner",
            ),
            (&[("x-forwarded-host", "<x>")], "http://inner"),
        ];
        for (headers, expected) in cases {
            let all = [&[("host", "inner")], headers].concat();
            assert_eq!(resolved(PROXY, &all), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_public_address_settles_the_matter() {
        let base = BaseUrl::parse("https://autopilot.example.com/graph/").unwrap();
        assert_eq!(base.as_str(), "https://autopilot.example.com/graph");
        for refused in ["", "autopilot", "ftp://a", "https://u:p@a", "https://a/?b"] {
            assert!(BaseUrl::parse(refused).is_err(), "{refused}");
        }
    }
}
