//! What the settings make of the API and of those who stand before it: the local authority, who
//! verifies tokens, and the throttle.

use std::{net::IpAddr, sync::Arc};

use anyhow::Context as _;

use super::listeners::Addresses;
use crate::{
    authority::{self, Authority},
    config::{self, GraphBehavior, Mode, Settings, Tenants},
    domain::clock::Clock,
    graph::behavior::Behavior,
    http::{
        api::{Api, Development},
        auth::{
            http_fetch::HttpFetcher,
            jwks::KeySet,
            key_source::KeySource,
            permission::{ApplicationPermissions, ConfigurationScopes, Policy},
            token::{AuthSettings, TokenVerifier},
        },
        error::challenge,
        extract::{
            base_url::{BaseUrl, BaseUrlPolicy},
            body::BodyBudget,
        },
        layers::{
            Layers,
            host_guard::HostGuard,
            limits::{BODY_BUDGET_BYTES, BODY_TIMEOUT},
            request_id::TransportSecurity,
            throttle::{Limits, RetryAfter, Throttle},
        },
        rehearsed::Director,
    },
    lifecycle::data_directory::DataDirectory,
    rehearsal::Rehearsal,
    store::Store,
};

/// The local authority, whose tokens are for the first audience that is accepted.
pub(super) fn open_authority(
    mode: Mode,
    settings: &Settings,
    directory: &DataDirectory,
) -> anyhow::Result<Option<Arc<Authority>>> {
    if !mode.has_authority() {
        return Ok(None);
    }
    let authority = Authority::open(&directory.path().join("authority"), None)?;
    Ok(Some(Arc::new(match settings.auth.audiences.first() {
        Some(audience) => authority.with_audience(audience),
        None => authority,
    })))
}

pub(super) fn verifier(
    settings: &Settings,
    authority: Option<&Authority>,
    addresses: &Addresses,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<TokenVerifier> {
    let auth = &settings.auth;
    let mut issuers: Vec<String> = auth
        .issuers
        .iter()
        .map(|issuer| issuer.as_str().to_owned())
        .collect();
    let mut local_issuers = Vec::new();
    let mut local_keys = None;
    if let Some(authority) = authority {
        let usual = Authority::issuer_template(&addresses.usual);
        authority.remember_issuer(&usual)?;
        let secure = addresses.secure.as_deref();
        local_issuers.push(usual);
        local_issuers.extend(secure.map(Authority::issuer_template));
        issuers.extend(local_issuers.iter().cloned());
        let keys = KeySet::parse(authority.jwks().to_string().as_bytes())?;
        local_keys = Some(Arc::new(keys));
    }
    let auth_settings = AuthSettings {
        issuers,
        audiences: auth.audiences.clone(),
        tenants: match &auth.tenants {
            Tenants::Only(tenants) => tenants.clone(),
            Tenants::OfIssuers | Tenants::Any => Vec::new(),
        },
        jwks_refetch_interval: auth.jwks_refetch_interval,
        jwks_max_stale: auth.jwks_max_stale,
    };
    let fetcher = Arc::new(HttpFetcher::default());
    let key_source = |issuer: &str| match &local_keys {
        Some(keys) if local_issuers.iter().any(|local| local == issuer) => {
            KeySource::Local(Arc::clone(keys))
        }
        _ => KeySource::Remote(fetcher.clone()),
    };
    Ok(TokenVerifier::new(
        &auth_settings,
        Arc::clone(clock),
        key_source,
    )?)
}

pub(super) fn api(
    settings: &Settings,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    verifier: &Arc<TokenVerifier>,
    authority: Option<Arc<Authority>>,
    addresses: &Addresses,
    rehearsal: Option<Arc<Rehearsal>>,
) -> anyhow::Result<Api> {
    let behavior = match settings.graph.behavior {
        GraphBehavior::Documented => Behavior::Documented,
        GraphBehavior::Observed => Behavior::Observed,
    };
    let trusted = settings.server.clone();
    let public_url = settings.server.public_url.clone();
    let authority_address = match settings.auth.issuers.first() {
        Some(issuer) => authority_of(issuer.as_str()),
        None => addresses.usual.clone(),
    };
    Ok(Api {
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        verifier: Arc::clone(verifier),
        policy: Policy {
            application_permissions: match settings.auth.application_permissions {
                config::ApplicationPermissions::Deny => ApplicationPermissions::Deny,
                config::ApplicationPermissions::Allow => ApplicationPermissions::Allow,
            },
            configuration_scopes: if settings.auth.accept_configuration_scopes {
                ConfigurationScopes::Accepted
            } else {
                ConfigurationScopes::Ignored
            },
        },
        behavior,
        throttle: throttle(&settings.throttle),
        assignment: settings.profiles.clone(),
        sync: settings.sync,
        max_import: settings.registration.max_import,
        bodies: BodyBudget::new(BODY_BUDGET_BYTES),
        body_timeout: BODY_TIMEOUT,
        layers: Layers {
            clock: Arc::clone(clock),
            behavior,
            base_url: BaseUrlPolicy {
                public_url: public_url
                    .as_ref()
                    .map(|url| BaseUrl::parse(url.as_str()))
                    .transpose()?,
                trusts_proxy: Arc::new(move |peer: IpAddr| trusted.trusts(peer)),
            },
            challenge: challenge(&authority_address)
                .context("auth.issuers can't be named in a header")?,
            metrics: Arc::default(),
            transport_security: match authority {
                None => TransportSecurity::OneYear,
                // A browser would keep to it for every other program on this machine.
                Some(_) => TransportSecurity::Withdrawn,
            },
        },
        development: authority.map(|authority| {
            let router = |address: &str| {
                let authority = Arc::clone(&authority);
                authority.router(address, Arc::clone(clock))
            };
            Development {
                guard: HostGuard::new(public_url),
                authority: router(&addresses.usual),
                secure_authority: addresses.secure.as_deref().map(router),
                is_authority_path: authority::serves,
            }
        }),
        director: rehearsal.map(|rehearsal| rehearsal as Arc<dyn Director>),
    })
}

fn throttle(settings: &config::Throttle) -> Option<Throttle> {
    let limits = Limits {
        app_requests: settings.share_of(settings.app_requests),
        tenant_requests: settings.share_of(settings.tenant_requests),
        app_writes: settings.share_of(settings.app_writes),
        tenant_writes: settings.share_of(settings.tenant_writes),
    };
    let retry_after = match settings.retry_after {
        config::RetryAfter::Send => RetryAfter::Sent,
        config::RetryAfter::Omit => RetryAfter::Omitted,
    };
    let throttle = Throttle::new(limits, settings.window, retry_after);
    settings.enabled.then_some(throttle)
}

/// Where an issuer gives tokens: scheme and host, as clients are told in `WWW-Authenticate`.
fn authority_of(issuer: &str) -> String {
    issuer.parse::<url::Url>().map_or_else(
        |_| issuer.to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}
