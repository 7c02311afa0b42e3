//! Where a server is: what a person types for it, and the addresses made of that.

use std::fmt;

use url::{Host, Url};

use super::ClientError;
use crate::graph::schema::EntitySet;

/// Whether a token may travel in the clear to another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearText {
    /// Only to this machine.
    Refused,
    /// Wherever the address leads.
    Allowed,
}

/// The address of a server, up to and with Graph's version.
#[derive(Clone, Debug)]
pub struct Address {
    url: Url,
    base: String,
}

impl Address {
    /// Reads an address; without a version at its end, `/beta` is meant.
    pub fn parse(text: &str, clear_text: ClearText) -> Result<Self, ClientError> {
        let bad = |what: &str| ClientError::BadAddress {
            text: text.to_owned(),
            what: what.to_owned(),
        };
        let url: Url = text
            .trim()
            .parse()
            .map_err(|_| bad("write it with its scheme, such as https://hangar.example"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(bad("it must begin with https:// or http:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it must not hold a name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it must not have a query or a fragment"));
        }
        let base = url.as_str().trim_end_matches('/');
        let last = base.rsplit('/').next().unwrap_or_default();
        let base = if ["beta", "v1.0"].contains(&last.to_ascii_lowercase().as_str()) {
            base.to_owned()
        } else {
            format!("{base}/beta")
        };
        let address = Self { url, base };
        if address.url.scheme() == "http"
            && !address.is_loopback()
            && clear_text == ClearText::Refused
        {
            return Err(bad(
                "the token would travel in the clear; use https, or say --allow-http if you trust the network",
            ));
        }
        Ok(address)
    }

    /// Whether this very machine is meant.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The address of a collection.
    pub fn of(&self, set: EntitySet) -> String {
        format!("{}/deviceManagement/{}", self.base, set.name())
    }

    /// Whether a link that the server gave leads back to it.
    pub(super) fn owns(&self, link: &str) -> bool {
        link.parse::<Url>()
            .is_ok_and(|link| link.origin() == self.url.origin())
    }
}

/// The address up to Graph's version.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        Address::parse(text, ClearText::Refused)
            .map(|address| address.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_version_is_added_where_none_is_named() {
        for (text, base) in [
            ("https://h.example", "https://h.example/beta"),
            ("https://h.example/", "https://h.example/beta"),
            ("https://h.example/v1.0/", "https://h.example/v1.0"),
            (
                "https://h.example/graph/Beta",
                "https://h.example/graph/Beta",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/beta"),
            ("http://localhost:1", "http://localhost:1/beta"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(base));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_a_sentence() {
        for (text, part) in [
            ("hangar.example", "with its scheme"),
            ("ftp://h.example", "must begin with"),
            ("https://me:secret@h.example", "a name or a password"),
            ("https://h.example/?a=b", "a query"),
            ("http://h.example", "in the clear"),
        ] {
            let sentence = parsed(text).unwrap_err();
            assert!(sentence.contains(part), "{text}: {sentence}");
        }
        assert!(Address::parse("http://h.example", ClearText::Allowed).is_ok());
    }

    #[test]
    fn links_elsewhere_are_not_its_own() {
        let address = Address::parse("https://h.example", ClearText::Refused).unwrap();
        assert!(address.owns("https://h.example:443/beta/x?$skiptoken=a"));
        assert!(!address.owns("https://other.example/beta/x"));
        assert!(!address.owns("http://h.example/beta/x"));
        assert!(!address.owns("not a link"));
    }
}
