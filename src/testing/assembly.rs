//! Puts an API together for tests, whether one asks it in this process or on a socket.

use std::{sync::Arc, time::Duration};

use super::api::{LocalAuthority, TestOptions, TestPeer};
use crate::{
    authority::{self, Authority},
    domain::{
        assignment::{AssignmentRules, GroupRule},
        clock::Clock,
        tag_pattern::TagPattern,
    },
    http::{
        api::{Api, Development},
        auth::{
            jwks::KeySet,
            key_source::KeySource,
            permission::Policy,
            token::{AuthSettings, TokenVerifier},
        },
        error::challenge,
        extract::{
            base_url::{BaseUrl, BaseUrlPolicy},
            body::BodyBudget,
        },
        layers::{
            Layers, host_guard::HostGuard, limits::BODY_BUDGET_BYTES,
            request_id::TransportSecurity, throttle::Throttle,
        },
        rehearsed::Director,
    },
    store::Store,
};

/// What an API is made of besides what a test may want otherwise.
pub(super) struct Parts<'a> {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) verifier: TokenVerifier,
    pub(super) authority: Arc<Authority>,
    pub(super) director: Option<Arc<dyn Director>>,
    /// Where it is reached by http, and by https.
    pub(super) url: &'a str,
    pub(super) secure_url: Option<&'a str>,
}

#[expect(clippy::expect_used, reason = "a test can't go on without its API")]
pub(super) fn assemble(options: &TestOptions, parts: Parts<'_>) -> Api {
    let peer = options.peer;
    let authority = |address: &str| {
        let authority = Arc::clone(&parts.authority);
        authority.router(address, Arc::clone(&parts.clock))
    };
    let public_url = options.public_url;
    Api {
        policy: Policy {
            application_permissions: options.application_permissions,
            configuration_scopes: options.configuration_scopes,
        },
        behavior: options.behavior,
        throttle: options.throttle.map(|(limits, retry_after)| {
            Throttle::new(limits, Duration::from_secs(20), retry_after)
        }),
        assignment: assignment_rules(options),
        sync: options.sync,
        max_import: 1000,
        bodies: BodyBudget::new(BODY_BUDGET_BYTES),
        body_timeout: options.body_timeout,
        layers: Layers {
            clock: Arc::clone(&parts.clock),
            behavior: options.behavior,
            base_url: BaseUrlPolicy {
                public_url: public_url.map(|url| BaseUrl::parse(url).expect("a sound address")),
                trusts_proxy: Arc::new(move |_| peer == TestPeer::TrustedProxy),
            },
            challenge: challenge(parts.url).expect("the address fits into a header"),
            metrics: Arc::default(),
            transport_security: TransportSecurity::OneYear,
        },
        development: match options.local_authority {
            LocalAuthority::Hidden => None,
            LocalAuthority::Served => Some(Development {
                guard: HostGuard::default(),
                authority: authority(parts.url),
                secure_authority: parts.secure_url.map(authority),
                is_authority_path: authority::serves,
            }),
        },
        store: parts.store,
        clock: parts.clock,
        verifier: Arc::new(parts.verifier),
        director: parts.director,
    }
}

fn assignment_rules(options: &TestOptions) -> AssignmentRules {
    let groups = options.group_rules.iter().map(|(group, tag)| GroupRule {
        group: *group,
        tag: TagPattern::new(tag),
    });
    AssignmentRules {
        delay: options.assignment_delay,
        groups: groups.collect(),
    }
}

/// Takes what the authority gives at these addresses.
#[expect(
    clippy::expect_used,
    reason = "a test can't go on without its verifier"
)]
pub(super) fn verifier_at(
    addresses: &[&str],
    authority: &Authority,
    clock: Arc<dyn Clock>,
) -> TokenVerifier {
    let issuers = addresses.iter().map(|url| Authority::issuer_template(url));
    let settings = AuthSettings {
        issuers: issuers.collect(),
        audiences: vec!["https://graph.microsoft.com".to_owned()],
        tenants: Vec::new(),
        jwks_refetch_interval: Duration::from_mins(5),
        jwks_max_stale: Duration::from_hours(24),
    };
    let keys = KeySet::parse(authority.jwks().to_string().as_bytes()).expect("the key is sound");
    let keys = Arc::new(keys);
    TokenVerifier::new(&settings, clock, |_| KeySource::Local(Arc::clone(&keys)))
        .expect("the issuer is sound")
}
