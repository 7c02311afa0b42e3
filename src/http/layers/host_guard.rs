//! Keeps web pages away from a listener that is meant for this machine.
//!
//! A page can make a browser send requests to loopback: directly, which its `Origin` tells, or by
//! pointing a name of its own at 127.0.0.1 (DNS rebinding), which the `Host` tells. How a refusal
//! looks is the listener's: the admin's is plain, the service's is Graph's.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use url::Url;

/// Why a request is kept away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It names no host, several, or one that is not ours.
    ForeignHost,
    /// It was sent for a web page that is not ours.
    ForeignOrigin,
}

/// Tells which hosts and origins are ours: those of loopback and of `server.public_url`.
#[derive(Clone, Debug, Default)]
pub struct HostGuard {
    public_url: Option<Url>,
}

impl HostGuard {
    /// A guard that also lets in what names the host of this address.
    pub fn new(public_url: Option<Url>) -> Self {
        Self { public_url }
    }

    /// Whether a request with this target and these headers may come in.
    pub fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = self.own_host(target, headers).ok_or(Refusal::ForeignHost)?;
        let mut origins = headers.get_all(ORIGIN).iter();
        if origins.all(|origin| {
            let origin = origin.to_str();
            origin.is_ok_and(|origin| self.is_own_origin(origin, &host))
        }) {
            Ok(())
        } else {
            Err(Refusal::ForeignOrigin)
        }
    }

    /// The host that the request names, if it is ours. One that names two different hosts, in its
    /// target and in its header, needs both to be.
    fn own_host(&self, target: &Uri, headers: &HeaderMap) -> Option<Authority> {
        let mut named = headers.get_all(HOST).iter();
        let header = match (named.next(), named.next()) {
            (None, _) => None,
            (Some(host), None) => Some(Authority::try_from(host.as_bytes()).ok()?),
            (Some(_), Some(_)) => return None,
        };
        let target = target.authority().cloned();
        let mut hosts = header.iter().chain(&target);
        if !hosts.all(|host| self.is_own(host)) {
            return None;
        }
        target.or(header)
    }

    /// The port is not compared: a listener may be reached through another one.
    fn is_own(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host();
        let public = self.public_url.as_ref().and_then(Url::host_str);
        is_loopback(host) || public.is_some_and(|public| public.eq_ignore_ascii_case(host))
    }

    /// A page of ours has the host and port that the request goes to, or those of the public
    /// address. Another port of loopback is another program's, and foreign.
    fn is_own_origin(&self, origin: &str, host: &Authority) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let is_web = matches!(scheme, "http" | "https");
        let is_public = self.public_url.as_ref().is_some_and(|public| {
            Url::parse(origin).is_ok_and(|origin| origin.origin() == public.origin())
        });
        is_web && (authority.eq_ignore_ascii_case(host.as_str()) || is_public)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Makes the answer to a request that is kept away.
pub type Render = fn(Refusal, &Request) -> Response;

/// A guard and how its refusals look: the state of `guard_host`.
#[derive(Clone, Debug)]
pub struct Gate {
    guard: Arc<HostGuard>,
    render: Render,
}

impl Gate {
    /// A gate that refuses in this way.
    pub fn new(guard: HostGuard, render: Render) -> Self {
        Self {
            guard: Arc::new(guard),
            render,
        }
    }
}

/// Middleware for `axum::middleware::from_fn_with_state(gate, guard_host)`: lets in what the guard
/// lets in.
pub async fn guard_host(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => (gate.render)(refusal, &request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        let request = headers
            .iter()
            .fold(http::Request::get(target), |request, &(name, value)| {
                request.header(name, value)
            });
        let request = request.body(()).unwrap();
        let public_url = Url::parse("https://hangar.example.com:8443").unwrap();
        HostGuard::new(Some(public_url)).check(request.uri(), request.headers())
    }

    #[test]
    fn hosts_of_loopback_and_of_the_public_address_are_ours() {
        for host in [
            "localhost",
            "LocalHost:8081",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]",
            "[::1]:8081",
            "[::ffff:127.0.0.1]:80",
            "hangar.example.com",
            "HANGAR.example.com:8081",
        ] {
            assert_eq!(check("/", &[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_foreign() {
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "evil.hangar.example.com",
            "127.1",
            "0.0.0.0:8081",
            "10.0.0.1",
            "[::]",
            "localhost@example.com",
            "example.com@localhost",
            "localhost, example.com",
        ] {
            let found = check("/", &[("host", host)]);
            assert_eq!(found, Err(Refusal::ForeignHost), "{host}");
        }
        assert_eq!(check("/", &[]), Err(Refusal::ForeignHost));
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check("/", &two), Err(Refusal::ForeignHost));
    }

    #[test]
    fn a_full_target_is_a_host_too() {
        let local = [("host", "localhost")];
        assert_eq!(check("http://localhost/", &[]), Ok(()));
        assert_eq!(check("http://127.0.0.1/", &local), Ok(()));
        assert_eq!(
            check("http://example.com/", &local),
            Err(Refusal::ForeignHost)
        );
        let foreign = [("host", "example.com")];
        assert_eq!(
            check("http://localhost/", &foreign),
            Err(Refusal::ForeignHost)
        );
    }

    #[test]
    fn pages_of_others_are_foreign() {
        for (origin, own) in [
            ("http://localhost:8080", true),
            ("https://localhost:8080", true),
            ("http://LOCALHOST:8080", true),
            ("https://hangar.example.com:8443", true),
            ("https://hangar.example.com", false),
            ("http://hangar.example.com:8443", false),
            ("http://localhost:3000", false),
            ("http://localhost", false),
            ("https://example.com", false),
            ("null", false),
            ("", false),
            ("chrome-extension://localhost:8080", false),
        ] {
            let headers = [("host", "localhost:8080"), ("origin", origin)];
            let expected = if own {
                Ok(())
            } else {
                Err(Refusal::ForeignOrigin)
            };
            assert_eq!(check("/", &headers), expected, "{origin}");
        }
    }

    #[test]
    fn without_a_public_address_loopback_is_all() {
        let guard = HostGuard::default();
        let request = http::Request::get("/").header("host", "hangar.example.com");
        let request = request.body(()).unwrap();
        let found = guard.check(request.uri(), request.headers());
        assert_eq!(found, Err(Refusal::ForeignHost));
    }
}
