//! What settings must be to each other, and what each mode demands.

use super::{AUTH, load, problems, sources};
use crate::config::{Mode, Settings, Sources, Tenants};

#[test]
fn serving_needs_an_issuer_and_an_audience() {
    let nothing = problems(&Sources::default(), Mode::Serve);
    for hint in ["auth.issuers: ", "auth.audiences: ", "[auth]", "--dev"] {
        assert!(nothing.contains(hint), "{hint} is not in {nothing}");
    }
    let half = problems(&sources("auth.audiences = ['x']", &[], &[]), Mode::Serve);
    assert!(half.starts_with("auth.issuers: this is not set"), "{half}");
    let half = problems(
        &sources("auth.issuers = ['https://id.example.com']", &[], &[]),
        Mode::Serve,
    );
    assert!(
        half.starts_with("auth.audiences: this is not set"),
        "{half}"
    );
    Settings::load(&sources(AUTH, &[], &[]), Mode::Serve).unwrap();
}

#[test]
fn development_listens_on_loopback_only() {
    for key in ["server.listen", "server.admin_listen", "server.tls_listen"] {
        for address in ["0.0.0.0:0", "[::]:0", "192.168.0.1:0"] {
            let files = "server.tls_cert = 'c'\nserver.tls_key = 'k'\n";
            let sources = sources(&format!("{files}{AUTH}"), &[], &[(key, &[address])]);
            let found = problems(&sources, Mode::Dev);
            assert!(found.starts_with(&format!("{key} (flag --")), "{found}");
            assert!(found.contains("loopback only"), "{found}");
            Settings::load(&sources, Mode::Serve).unwrap();
        }
        load(&sources("", &[], &[(key, &["[::1]:0"])]));
    }
}

#[test]
fn listeners_need_an_address_each() {
    for (listen, admin, good) in [
        ("127.0.0.1:80", "127.0.0.1:80", false),
        ("0.0.0.0:80", "127.0.0.1:80", false),
        ("127.0.0.1:80", "[::]:80", false),
        ("127.0.0.1:80", "127.0.0.2:80", true),
        ("127.0.0.1:0", "127.0.0.1:0", true),
        ("0.0.0.0:80", "127.0.0.1:81", true),
    ] {
        let flags: [(&str, &[&str]); 2] = [
            ("server.listen", &[listen]),
            ("server.admin_listen", &[admin]),
        ];
        let loaded = Settings::load(&sources(AUTH, &[], &flags), Mode::Serve);
        assert_eq!(loaded.is_ok(), good, "{listen} and {admin}");
    }
}

#[test]
fn an_issuer_for_every_tenant_needs_tenants() {
    let template = "auth.issuers = ['https://id.example.com/{tenantid}']\nauth.audiences = ['a']\n";
    let tenant = "11111111-2222-3333-4444-555555555555";
    for mode in [Mode::Serve, Mode::Dev] {
        let found = problems(&sources(template, &[], &[]), mode);
        assert!(found.starts_with("auth.issuers (hangar.toml:1)"), "{found}");
    }
    let only = load(&sources(template, &[], &[("auth.tenants", &[tenant])]));
    assert_eq!(
        only.auth.tenants,
        Tenants::Only(vec![tenant.parse().unwrap()])
    );
    let any = load(&sources(template, &[], &[("auth.any_tenant", &["true"])]));
    assert_eq!(any.auth.tenants, Tenants::Any);
    let both = sources(
        template,
        &[("HANGAR_AUTH__ANY_TENANT", "true")],
        &[("auth.tenants", &[tenant])],
    );
    assert_eq!(
        problems(&both, Mode::Serve),
        "auth.tenants (flag --auth-tenants): auth.any_tenant is true as well (variable \
         HANGAR_AUTH__ANY_TENANT), and these two contradict each other; set one of them"
    );
}

#[test]
fn https_needs_a_certificate_and_its_key() {
    let files: [(&str, &[&str]); 3] = [
        ("server.tls_cert", &["cert.pem"]),
        ("server.tls_key", &["key.pem"]),
        ("server.tls_listen", &["127.0.0.1:8443"]),
    ];
    let both = Settings::load(&sources(AUTH, &[], &files), Mode::Serve).unwrap();
    assert_eq!(both.server.tls_cert, Some("cert.pem".into()));
    assert_eq!(both.server.tls_key, Some("key.pem".into()));
    Settings::load(&sources(AUTH, &[], &files[..2]), Mode::Serve).unwrap();
    for (flags, found) in [
        (&files[..1], "server.tls_cert (flag --server-tls-cert): "),
        (&files[1..2], "server.tls_key (flag --server-tls-key): "),
        (
            &files[2..],
            "server.tls_listen (flag --server-tls-listen): https needs a certificate",
        ),
    ] {
        let told = problems(&sources(AUTH, &[], flags), Mode::Serve);
        assert!(told.starts_with(found), "{told}");
    }
    // With --dev one is made.
    Settings::load(&sources("", &[], &files[2..]), Mode::Dev).unwrap();
}

#[test]
fn a_rehearsal_keeps_to_itself() {
    let postgres: (&str, &[&str]) = ("database.url", &["postgres://hangar@db.example.com/hangar"]);
    let everywhere: (&str, &[&str]) = ("server.admin_listen", &["0.0.0.0:8081"]);
    let told = problems(&sources("", &[], &[postgres, everywhere]), Mode::Rehearse);
    assert!(
        told.contains("with --rehearse, Hangar keeps everything in SQLite"),
        "{told}"
    );
    assert!(
        told.contains("with --rehearse, Hangar listens on loopback only"),
        "{told}"
    );
    Settings::load(&sources("", &[], &[]), Mode::Rehearse).unwrap();
    Settings::load(&sources("", &[], &[postgres]), Mode::Dev).unwrap();
}

#[test]
fn three_listeners_need_an_address_each() {
    for (tls, at_fault) in [
        ("127.0.0.1:8080", "server.tls_listen"),
        ("127.0.0.1:8081", "server.admin_listen"),
    ] {
        let sources = sources("", &[], &[("server.tls_listen", &[tls])]);
        let told = problems(&sources, Mode::Dev);
        assert!(told.starts_with(at_fault), "{told}");
        assert!(told.contains("leaves no room beside"), "{told}");
    }
}

#[test]
fn throttling_follows_the_behavior_unless_it_is_set() {
    for (behavior, set, enabled) in [
        ("documented", None, false),
        ("observed", None, true),
        ("documented", Some("true"), true),
        ("observed", Some("false"), false),
    ] {
        let file = format!("graph.behavior = '{behavior}'");
        let variable = set.map(|value| ("HANGAR_THROTTLE__ENABLED", value));
        let variables: Vec<_> = variable.into_iter().collect();
        let settings = load(&sources(&file, &variables, &[]));
        assert_eq!(settings.throttle.enabled, enabled, "{behavior} {set:?}");
    }
}

#[test]
fn a_process_has_its_share_of_a_limit() {
    for (share, of_hundred, of_one) in [("1", 100, 1), ("0.25", 25, 1), ("0.001", 1, 1)] {
        let settings = load(&sources("", &[], &[("throttle.share", &[share])]));
        assert_eq!(settings.throttle.share_of(100), of_hundred);
        assert_eq!(settings.throttle.share_of(1), of_one);
    }
    for share in ["0", "-1", "1.5", "NaN", "x", "inf"] {
        let told = problems(
            &sources("", &[], &[("throttle.share", &[share])]),
            Mode::Dev,
        );
        assert!(told.contains("is not a number above 0"), "{told}");
    }
    let quoted = problems(&sources("throttle.share = '1'", &[], &[]), Mode::Dev);
    assert!(quoted.contains("a number without quotes"), "{quoted}");
}
