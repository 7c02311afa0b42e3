//! Who may issue tokens, and for which tenant.
//!
//! An issuer is written in full, or as a template with `{tenantid}` that stands for every tenant.

use std::borrow::Cow;

use thiserror::Error;
use url::Url;
use uuid::Uuid;

use crate::domain::tenant::TenantId;

/// What stands for the tenant in a template.
const PLACEHOLDER: &str = "{tenantid}";

/// The address at which an issuer for every tenant describes itself.
const EVERY_TENANT: &str = "common";

/// An issuer that is trusted.
#[derive(Clone, Debug)]
pub struct Issuer {
    text: String,
    discovery: Url,
    /// The tenant that stands in the path of an issuer without a template, if one does.
    tenant: Option<TenantId>,
}

/// An issuer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidIssuer {
    /// It is not an absolute `http` or `https` address.
    #[error("the issuer `{0}` is not an absolute http or https address")]
    NotAnAddress(String),
    /// It has parts that no issuer has.
    #[error("the issuer `{0}` must not have credentials, a query or a fragment")]
    Decorated(String),
    /// The template's tenant is not one whole path segment.
    #[error("in the issuer `{0}`, `{{tenantid}}` must be one whole path segment, once")]
    Placeholder(String),
}

/// Tells whether an issuer stands for every tenant, so that a list of tenants (or the explicit wish
/// to serve any) must go with it.
pub fn needs_tenants(issuer: &str) -> bool {
    issuer.contains(PLACEHOLDER)
}

/// A template with the tenant put in, as the token spells it.
pub(super) fn fill<'a>(template: &'a str, tenant: &str) -> Cow<'a, str> {
    if needs_tenants(template) {
        Cow::Owned(template.replace(PLACEHOLDER, tenant))
    } else {
        Cow::Borrowed(template)
    }
}

/// Reads a tenant id as tokens spell it: a GUID with hyphens and nothing around it.
pub(super) fn tenant_id(text: &str) -> Option<TenantId> {
    const HYPHENATED_LENGTH: usize = 36;
    (text.len() == HYPHENATED_LENGTH)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
        .map(TenantId)
}

impl Issuer {
    /// Reads an issuer as it is configured.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        let not_an_address = || InvalidIssuer::NotAnAddress(text.to_owned());
        let concrete = fill(text, EVERY_TENANT);
        let address = Url::parse(&concrete).map_err(|_| not_an_address())?;
        if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
            return Err(not_an_address());
        }
        if !address.username().is_empty()
            || address.password().is_some()
            || address.query().is_some()
            || address.fragment().is_some()
        {
            return Err(InvalidIssuer::Decorated(text.to_owned()));
        }
        let whole_segment = text.split('/').skip(3).any(|part| part == PLACEHOLDER);
        if needs_tenants(text) && (text.matches(PLACEHOLDER).count() != 1 || !whole_segment) {
            return Err(InvalidIssuer::Placeholder(text.to_owned()));
        }
        let discovery = format!(
            "{}/.well-known/openid-configuration",
            concrete.trim_end_matches('/')
        );
        Ok(Self {
            text: text.to_owned(),
            discovery: Url::parse(&discovery).map_err(|_| not_an_address())?,
            tenant: address.path().split('/').find_map(tenant_id),
        })
    }

    /// The issuer as it is configured, template and all.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the issuer describes itself; for a template the one address for every tenant.
    pub fn discovery_address(&self) -> &Url {
        &self.discovery
    }

    /// Tells whether a token that names the issuer `named` and the tenant `tenant_text` (spelled so
    /// in the token, and read as `tenant`) comes from here.
    pub(super) fn issues(&self, named: &str, tenant_text: &str, tenant: TenantId) -> bool {
        fill(&self.text, tenant_text) == named && self.tenant.is_none_or(|own| own == tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
    const OTHER: &str = "bbbbbbbb-0000-4000-8000-00000000000b";

    fn issues(issuer: &str, named: &str, tenant: &str) -> bool {
        let issuer = Issuer::parse(issuer).unwrap();
        issuer.issues(named, tenant, tenant_id(tenant).unwrap())
    }

    #[test]
    fn a_template_takes_the_tenant_of_the_token() {
        let template = "https://login.example/{tenantid}/v2.0";
        let named = format!("https://login.example/{TENANT}/v2.0");
        assert!(issues(template, &named, TENANT));
        assert!(!issues(template, &named, OTHER));
        assert!(!issues(template, template, TENANT));
        assert!(!issues(
            template,
            "https://login.example/common/v2.0",
            TENANT
        ));
        assert!(!issues(template, &format!("{named}/"), TENANT));
    }

    #[test]
    fn a_full_issuer_serves_the_tenant_in_its_path() {
        let issuer = format!("https://sts.example/{TENANT}/");
        assert!(issues(&issuer, &issuer, TENANT));
        assert!(!issues(&issuer, &issuer, OTHER));
        assert!(issues(
            "https://idp.example/realm",
            "https://idp.example/realm",
            OTHER
        ));
    }

    #[test]
    fn a_template_is_discovered_at_its_common_address() {
        let table = [
            (
                "https://login.example/{tenantid}/v2.0",
                "https://login.example/common/v2.0/.well-known/openid-configuration",
            ),
            (
                "https://sts.example/{tenantid}/",
                "https://sts.example/common/.well-known/openid-configuration",
            ),
            (
                "https://idp.example/realm",
                "https://idp.example/realm/.well-known/openid-configuration",
            ),
        ];
        for (issuer, expected) in table {
            let parsed = Issuer::parse(issuer).unwrap();
            assert_eq!(parsed.discovery_address().as_str(), expected);
            assert_eq!(parsed.as_str(), issuer);
        }
    }

    #[test]
    fn what_is_no_issuer_is_refused() {
        for text in [
            "",
            "login.example",
            "file:///etc/passwd",
            "ftp://login.example/",
        ] {
            assert!(
                matches!(Issuer::parse(text), Err(InvalidIssuer::NotAnAddress(_))),
                "{text}"
            );
        }
        for text in [
            "https://user@login.example/",
            "https://login.example/?a=b",
            "https://login.example/#a",
        ] {
            assert!(
                matches!(Issuer::parse(text), Err(InvalidIssuer::Decorated(_))),
                "{text}"
            );
        }
        for text in [
            "https://{tenantid}.login.example/",
            "https://login.example/x{tenantid}/",
            "https://login.example/{tenantid}/{tenantid}/",
        ] {
            assert!(
                matches!(Issuer::parse(text), Err(InvalidIssuer::Placeholder(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn only_templates_need_a_list_of_tenants() {
        assert!(needs_tenants("https://login.example/{tenantid}/v2.0"));
        assert!(!needs_tenants("https://login.example/common/v2.0"));
    }

    #[test]
    fn a_tenant_id_is_a_plain_guid() {
        assert!(tenant_id(TENANT).is_some());
        assert!(tenant_id(&TENANT.to_uppercase()).is_some());
        for text in [
            "",
            "common",
            &TENANT.replace('-', ""),
            &format!("{{{TENANT}}}"),
            &format!("urn:uuid:{TENANT}"),
        ] {
            assert!(tenant_id(text).is_none(), "{text}");
        }
    }
}
