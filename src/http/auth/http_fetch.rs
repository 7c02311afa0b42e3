//! Gets issuers' documents over HTTP, with limits on time, length and the way there.

use std::{sync::OnceLock, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};
use url::{Host, Url};

use super::key_source::{FetchError, FetchFuture, FetchKeys};

const TIME_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_DOCUMENT_BYTES: usize = 1 << 20;
const MOST_REDIRECTS: usize = 3;

/// Gets documents over HTTP. Its clients are made when they are first used: reading the machine's
/// trusted certificates takes longer than the rest of a start.
#[derive(Default)]
pub struct HttpFetcher {
    /// For issuers elsewhere, by way of a proxy if the system has one.
    remote: OnceLock<Client>,
    /// For issuers on this machine. What is in the clear must not leave it, not for a proxy either.
    local: OnceLock<Client>,
}

impl HttpFetcher {
    /// The client for an address; fails if this machine's trusted certificates can't be had.
    fn client(&self, address: &Url) -> Result<&Client, FetchError> {
        let (place, builder) = match address.scheme() {
            "https" => (&self.remote, limited()),
            _ => (&self.local, limited().no_proxy()),
        };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = builder.build().map_err(|error| transfer(&error))?;
        Ok(place.get_or_init(|| client))
    }

    async fn get(&self, address: &Url) -> Result<Vec<u8>, FetchError> {
        if !is_safe(address) {
            return Err(FetchError::Insecure(address.clone()));
        }
        let client = self.client(address)?;
        let request = client.get(address.clone());
        let request = request.header("accept", "application/json");
        let mut response = request.send().await.map_err(|error| transfer(&error))?;
        if !response.status().is_success() {
            return Err(FetchError::Status {
                address: address.clone(),
                status: response.status().as_u16(),
            });
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transfer(&error))? {
            if document.len() + chunk.len() > LONGEST_DOCUMENT_BYTES {
                return Err(FetchError::TooLong(address.clone()));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

impl FetchKeys for HttpFetcher {
    fn fetch<'a>(&'a self, address: &'a Url) -> FetchFuture<'a> {
        Box::pin(self.get(address))
    }
}

/// A client with limits.
fn limited() -> ClientBuilder {
    let redirects = redirect::Policy::custom(|attempt| {
        let same_scheme = attempt
            .previous()
            .last()
            .is_some_and(|previous| previous.scheme() == attempt.url().scheme());
        if same_scheme && is_safe(attempt.url()) && attempt.previous().len() <= MOST_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    Client::builder()
        .timeout(TIME_LIMIT)
        .connect_timeout(TIME_LIMIT)
        .redirect(redirects)
        .user_agent(concat!("hangar/", env!("CARGO_PKG_VERSION")))
}

/// Tells whether nobody on the way can have changed what comes from there.
fn is_safe(address: &Url) -> bool {
    match address.scheme() {
        "https" => true,
        "http" => match address.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        },
        _ => false,
    }
}

/// The error with all its causes: the outermost alone says only that something failed.
fn transfer(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::TimedOut;
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    FetchError::Transfer(text)
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, response::Redirect, routing::get};

    use super::*;

    /// What comes back from `path` of a server on this machine.
    async fn fetched(path: &str) -> Result<Vec<u8>, FetchError> {
        let router = Router::new()
            .route("/keys", get(|| async { "keys" }))
            .route("/moved", get(|| async { Redirect::temporary("/keys") }))
            .route(
                "/away",
                get(|| async { Redirect::temporary("http://keys.invalid/") }),
            )
            .route(
                "/up",
                get(|| async { Redirect::temporary("https://127.0.0.1:1/") }),
            )
            .route("/round", get(|| async { Redirect::temporary("/round") }))
            .route("/down", get(|| async { StatusCode::BAD_GATEWAY }))
            .route(
                "/long",
                get(|| async { vec![b' '; LONGEST_DOCUMENT_BYTES + 1] }),
            )
            .route(
                "/longest",
                get(|| async { vec![b' '; LONGEST_DOCUMENT_BYTES] }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}{path}", listener.local_addr().unwrap());
        let address = Url::parse(&address).unwrap();
        let fetcher = HttpFetcher::default();
        tokio::select! {
            _ = axum::serve(listener, router) => unreachable!("the server goes on"),
            outcome = fetcher.fetch(&address) => outcome,
        }
    }

    #[tokio::test]
    async fn documents_are_bounded_and_do_not_lead_astray() {
        assert_eq!(fetched("/keys").await.unwrap(), b"keys");
        assert_eq!(fetched("/moved").await.unwrap(), b"keys");
        assert_eq!(
            fetched("/longest").await.unwrap().len(),
            LONGEST_DOCUMENT_BYTES
        );
        assert!(matches!(
            fetched("/long").await,
            Err(FetchError::TooLong(_))
        ));
        let table = [
            ("/down", 502),
            ("/away", 307),
            ("/up", 307),
            ("/round", 307),
            ("/none", 404),
        ];
        for (path, expected) in table {
            let outcome = fetched(path).await;
            assert!(
                matches!(outcome, Err(FetchError::Status { status, .. }) if status == expected),
                "{path}: {outcome:?}"
            );
        }
        let insecure = Url::parse("http://keys.invalid/").unwrap();
        let outcome = HttpFetcher::default().fetch(&insecure).await;
        assert_eq!(outcome, Err(FetchError::Insecure(insecure)));
    }

    #[test]
    fn keys_come_by_a_safe_way_only() {
        let table = [
            ("https://login.example/keys", true),
            ("http://localhost:8080/keys", true),
            ("http://127.0.0.1/keys", true),
            ("http://127.9.9.9/keys", true),
            ("http://[::1]:80/keys", true),
            ("http://login.example/keys", false),
            ("http://localhost.example/keys", false),
            ("http://169.254.169.254/keys", false),
            ("file:///keys", false),
            ("ftp://localhost/keys", false),
        ];
        for (address, expected) in table {
            assert_eq!(
                is_safe(&Url::parse(address).unwrap()),
                expected,
                "{address}"
            );
        }
    }
}
