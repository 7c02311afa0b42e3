//! A token issuer as an operator writes it: exact, or for every tenant.

use std::fmt;

use url::{Host, Url};

use crate::domain::tenant::TenantId;

/// What stands in an issuer for the tenant's id.
const TENANT_PLACE: &str = "{tenantid}";

/// Who issues tokens. Its text is kept as it was written, because a token's `iss` is compared with
/// it character by character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer(String);

impl Issuer {
    /// Reads an issuer; the error completes the sentence "*the text* …".
    pub fn parse(text: &str) -> Result<Self, String> {
        // The id of no tenant stands in for every tenant's, to see whether an address results.
        let sample = text.replace(TENANT_PLACE, &TenantId(uuid::Uuid::nil()).to_string());
        let url = Url::parse(&sample)
            .map_err(|error| format!("is not an address such as https://login.microsoftonline.com/{TENANT_PLACE}/v2.0: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(
                    "is plain http, which is accepted on loopback only; use https".to_owned(),
                );
            }
            _ => return Err("is not an https address".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user name or a password, which an issuer never does".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a query or a fragment, which an issuer never has".to_owned());
        }
        if sample.contains(['{', '}']) {
            return Err(format!(
                "has braces; only {TENANT_PLACE}, in lower case, may stand in them"
            ));
        }
        let places = text.matches(TENANT_PLACE).count();
        let segments = text
            .split('/')
            .skip(3)
            .filter(|&segment| segment == TENANT_PLACE);
        if places > 1 || places != segments.count() {
            return Err(format!(
                "has {TENANT_PLACE} elsewhere than as one whole part of its path"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The issuer as it was written, with `{tenantid}` if it has that.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for every tenant.
    pub fn is_template(&self) -> bool {
        self.0.contains(TENANT_PLACE)
    }

    /// What a token of this tenant must have as its `iss`.
    pub fn for_tenant(&self, tenant: TenantId) -> String {
        self.0.replace(TENANT_PLACE, &tenant.to_string())
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_https_anywhere_and_http_on_loopback() {
        for text in [
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://sts.windows.net/{tenantid}/",
            "http://localhost:9000",
            "http://127.0.0.1/{tenantid}/v2.0",
            "http://127.8.8.8:1",
            "http://[::1]:9000/x",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_what_could_not_be_an_issuer() {
        for (text, reason) in [
            ("", "not an address"),
            ("login.microsoftonline.com", "not an address"),
            ("http://login.microsoftonline.com/", "loopback only"),
            ("http://localhost.example.com/", "loopback only"),
            ("http://10.0.0.1/", "loopback only"),
            ("ftp://example.com/", "not an https"),
            ("https://user:secret@example.com/", "password"),
            ("https://example.com/?a=b", "query"),
            ("https://example.com/#a", "fragment"),
            ("https://example.com/{tenantId}/", "lower case"),
            (
                "https://example.com/{tenantid}/{tenantid}/",
                "one whole part",
            ),
            ("https://example.com/x{tenantid}/", "one whole part"),
            ("https://{tenantid}/", "one whole part"),
        ] {
            let error = Issuer::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_template_takes_the_tenant_in() {
        let tenant = "11111111-2222-3333-4444-55555555555A".parse().unwrap();
        let issuer = Issuer::parse("https://sts.windows.net/{tenantid}/").unwrap();
        assert!(issuer.is_template());
        assert_eq!(
            issuer.for_tenant(tenant),
            "https://sts.windows.net/11111111-2222-3333-4444-55555555555a/"
        );
    }
}
