//! Which value holds, and in which forms it may be written.

use secrecy::ExposeSecret;

use super::{load, sources};
use crate::config::{Sources, Tenants};

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = load(&Sources::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(
        settings.database.url.expose_secret(),
        "sqlite://./hangar-data/hangar.db"
    );
    assert_eq!(settings.auth.jwks_refetch_interval.as_secs(), 300);
    assert_eq!(settings.auth.jwks_max_stale.as_secs(), 86_400);
    assert_eq!(settings.auth.tenants, Tenants::OfIssuers);
    assert_eq!(settings.registration.max_import, 1000);
    assert_eq!(
        settings.auth.audiences,
        [
            "https://graph.microsoft.com",
            "00000003-0000-0000-c000-000000000000"
        ]
    );
}

#[test]
fn the_default_database_follows_the_data_directory() {
    let settings = load(&sources("", &[], &[("data.dir", &["/var/lib/hangar/"])]));
    assert_eq!(
        settings.database.url.expose_secret(),
        "sqlite:///var/lib/hangar/hangar.db"
    );
}

#[test]
fn flags_override_variables_which_override_the_file() {
    let file = "[server]\nlisten = '127.0.0.1:1'\n";
    let variable = [("HANGAR_SERVER__LISTEN", "127.0.0.1:2")];
    let flag: [(&str, &[&str]); 1] = [("server.listen", &["127.0.0.1:3"])];
    for (sources, port) in [
        (sources(file, &[], &[]), 1),
        (sources(file, &variable, &[]), 2),
        (sources(file, &variable, &flag), 3),
        (sources("", &variable, &flag), 3),
        (sources(file, &[], &flag), 3),
    ] {
        assert_eq!(load(&sources).server.listen.port(), port);
    }
}

#[test]
fn lists_have_three_forms() {
    for sources in [
        sources("[auth]\naudiences = ['a', 'b']\n", &[], &[]),
        sources("auth.audiences = ['a', 'b']", &[], &[]),
        sources("", &[("HANGAR_AUTH__AUDIENCES", "a, b,")], &[]),
        sources("", &[], &[("auth.audiences", &["a", "b"])]),
    ] {
        assert_eq!(load(&sources).auth.audiences, ["a", "b"]);
    }
}

#[test]
fn a_higher_layer_replaces_a_list_as_a_whole() {
    let file = "[server]\ntrusted_proxies = ['10.0.0.0/8']\n";
    let replaced = sources(file, &[("HANGAR_SERVER__TRUSTED_PROXIES", "::1")], &[]);
    assert_eq!(load(&replaced).server.trusted_proxies.len(), 1);
    let emptied = sources(file, &[], &[("server.trusted_proxies", &[""])]);
    assert!(load(&emptied).server.trusted_proxies.is_empty());
}

#[test]
fn variables_without_a_section_belong_to_others() {
    load(&sources(
        "",
        &[("HANGAR_TOKEN", "x"), ("PATH", "a__b")],
        &[],
    ));
}

#[test]
fn proxies_are_trusted_by_address_and_by_network() {
    let flags: [(&str, &[&str]); 1] = [("server.trusted_proxies", &["10.9.0.0/8", "fd00::1"])];
    let server = load(&sources("", &[], &flags)).server;
    for (peer, trusted) in [
        ("10.200.0.1", true),
        ("::ffff:10.1.1.1", true),
        ("fd00::1", true),
        ("fd00::2", false),
        ("11.0.0.1", false),
    ] {
        assert_eq!(server.trusts(peer.parse().unwrap()), trusted, "{peer}");
    }
}
