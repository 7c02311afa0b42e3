//! TLS for tests: a development authority of this process, and clients that trust it.

use std::{
    net::Ipv4Addr,
    sync::{Arc, LazyLock},
};

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::aws_lc_rs};
use tokio::sync::watch;

use crate::{
    domain::clock::Clock as _,
    http::server::TlsConfig,
    lifecycle::SystemClock,
    tls::{DevelopmentCa, Served, server_config},
};

#[expect(
    clippy::expect_used,
    reason = "a test can't go on without its authority"
)]
static AUTHORITY: LazyLock<DevelopmentCa> = LazyLock::new(|| {
    let home = tempfile::tempdir().expect("a directory");
    DevelopmentCa::open(home.path(), SystemClock.now()).expect("an authority")
});

/// TLS as `serve --dev` speaks it.
///
/// # Panics
/// Where it can't be spoken.
#[expect(clippy::expect_used, reason = "a test can't go on without its server")]
pub fn secure_server() -> TlsConfig {
    let address = Ipv4Addr::LOCALHOST.into();
    let identity = AUTHORITY.issue(address, SystemClock.now());
    let config = server_config(Served::new(identity.expect("a certificate")));
    watch::channel(Some(config.expect("a configuration"))).1
}

/// The certificate that clients of these servers trust, in PEM.
pub fn ca_pem() -> String {
    AUTHORITY.pem()
}

/// A client that trusts these servers, and offers these protocols.
///
/// # Panics
/// Where there can't be one.
#[expect(clippy::expect_used, reason = "a test can't go on without its client")]
pub fn secure_client(
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = AUTHORITY.certificate().clone();
    roots.add(root).expect("a sound certificate");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("a known version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}
