//! What is said about values and files that will not do: the key, the place, the reason.

use super::{problems, sources};
use crate::config::{Kind, Mode, setting};

/// A setting, a value that will not do, and what must be said about it.
const BAD_VALUES: &[(&str, &str, &str)] = &[
    (
        "server.listen",
        "localhost",
        "not an IP address with a port",
    ),
    (
        "server.listen",
        "127.0.0.1",
        "not an IP address with a port",
    ),
    ("server.listen", "", "not an IP address with a port"),
    (
        "server.listen",
        "127.0.0.1:65536",
        "not an IP address with a port",
    ),
    (
        "server.admin_listen",
        ":8081",
        "not an IP address with a port",
    ),
    ("server.public_url", "hangar.example.com", "not an address"),
    (
        "server.public_url",
        "ftp://example.com",
        "not an http or https",
    ),
    (
        "server.public_url",
        "https://example.com/path",
        "says more than",
    ),
    (
        "server.public_url",
        "https://example.com/?q",
        "says more than",
    ),
    (
        "server.trusted_proxies",
        "10.0.0.0/33",
        "neither an IP address",
    ),
    ("server.trusted_proxies", "proxy", "neither an IP address"),
    ("data.dir", "", "is empty"),
    ("database.url", "mysql://host/db", "neither sqlite://"),
    ("database.url", "sqlite://", "neither sqlite://"),
    ("database.url_file", "/nowhere/at-all", "cannot be read"),
    ("auth.issuers", "http://id.example.com", "loopback only"),
    (
        "auth.issuers",
        "https://id.example.com/{tenantId}",
        "lower case",
    ),
    (
        "auth.issuers",
        "https://id.example.com/{tenantid}",
        "auth.any_tenant",
    ),
    ("auth.audiences", " ", "is empty"),
    ("auth.tenants", "contoso.com", "not a tenant's id"),
    ("auth.any_tenant", "maybe", "neither true nor false"),
    (
        "auth.application_permissions",
        "Deny",
        "none of: deny, allow",
    ),
    (
        "auth.accept_configuration_scopes",
        "1",
        "neither true nor false",
    ),
    ("auth.jwks_refetch_interval", "0s", "not between 1s and 24h"),
    (
        "auth.jwks_refetch_interval",
        "25h",
        "not between 1s and 24h",
    ),
    ("auth.jwks_refetch_interval", "5", "not a span of time"),
    ("auth.jwks_max_stale", "-1h", "not between 0s and 720h"),
    ("graph.behavior", "live", "none of: documented, observed"),
    (
        "registration.hash_validation",
        "none",
        "none of: strict, lenient",
    ),
    ("registration.delay", "soon", "not a span of time"),
    ("registration.delay", "169h", "not between"),
    ("profiles.assignment_delay", "-1s", "not between"),
    ("profiles.group_rules", "Sales*", "not a group's id"),
    ("profiles.group_rules", "sales=Sales*", "not a group's id"),
    ("sync.duration", "2h", "not between"),
    ("sync.interval", "often", "not a span of time"),
    ("registration.keep_settled", "59m", "not between 3600s and"),
    ("registration.keep_settled", "0s", "not between"),
    ("registration.keep_settled", "forever", "not a span of time"),
    ("server.workers", "0", "not a whole number from 1 to 1024"),
    ("server.stop_delay", "-1s", "not between 0s and 1h"),
    ("registration.max_import", "0", "from 1 to 1000"),
    ("registration.max_import", "1001", "from 1 to 1000"),
    ("registration.max_import", "-1", "from 1 to 1000"),
    ("throttle.enabled", "yes", "neither true nor false"),
    ("throttle.window", "0s", "not between 1s and 24h"),
    ("throttle.app_writes", "0", "from 1 to"),
    ("throttle.share", "0", "not a number above 0"),
    ("throttle.retry_after", "maybe", "none of: send, omit"),
    ("server.tls_listen", "8443", "not an IP address with a port"),
    ("server.tls_cert", "", "is empty"),
    ("log.level", "inof", "has \"inof\" for a level"),
    ("log.level", "info,hangar=loud", "cannot be read"),
    ("log.format", "xml", "none of: auto, pretty, json"),
];

#[test]
fn each_bad_value_is_named_with_its_place() {
    for &(key, value, reason) in BAD_VALUES {
        let setting = setting::find(key).unwrap();
        let variable = setting.variable();
        let flag = format!("flag --{}", setting.flag());
        let literal = match setting.kind {
            Kind::Count { .. } | Kind::Share => value.to_owned(),
            Kind::Switch if value == "true" => value.to_owned(),
            // What is not true or false is refused for its type, in other words.
            Kind::Switch => String::new(),
            Kind::List(_) => format!("['{value}']"),
            _ => format!("'{value}'"),
        };
        let mut given = vec![
            (sources("", &[], &[(key, &[value])]), flag),
            (
                sources("", &[(&variable, value)], &[]),
                format!("variable {variable}"),
            ),
        ];
        if !literal.is_empty() {
            let file = format!("# first line\n\n{key} = {literal}\n");
            given.push((sources(&file, &[], &[]), "hangar.toml:3".to_owned()));
        }
        for (sources, place) in given {
            // A variable of blanks is an empty list, not a list with an empty element.
            if key == "auth.audiences" && place.starts_with("variable") {
                continue;
            }
            let message = problems(&sources, Mode::Dev);
            let start = format!("{key} ({place}): ");
            assert!(message.starts_with(&start), "{start}… is not {message}");
            assert!(message.contains(reason), "{reason} is not in {message}");
        }
    }
}

#[test]
fn each_badly_written_file_is_told_its_line() {
    for (file, message) in [
        (
            "[server]\nlisten = 8080",
            "server.listen (hangar.toml:2): this takes text in quotes, not a number",
        ),
        (
            "auth.any_tenant = 'true'",
            "auth.any_tenant (hangar.toml:1): this takes true or false without quotes, not text",
        ),
        (
            "registration.max_import = '5'",
            "registration.max_import (hangar.toml:1): this takes a whole number without quotes, not text",
        ),
        (
            "registration.max_import = 1.5",
            "registration.max_import (hangar.toml:1): this takes a whole number",
        ),
        (
            "auth.tenants = 'x'",
            "auth.tenants (hangar.toml:1): this takes a list, not text; write it in brackets",
        ),
        (
            "auth.tenants = [1]",
            "auth.tenants (hangar.toml:1): this takes text in quotes, not a number",
        ),
        (
            "data.dir = ['x']",
            "data.dir (hangar.toml:1): this takes text in quotes, not a list",
        ),
        ("server = 1", "server (hangar.toml:1): this is a section"),
        (
            "[server]\n[server.listen]\nx = 1",
            "server.listen (hangar.toml:2): this takes text in quotes, not a section",
        ),
        (
            "\n[sever]\nlisten = ''",
            "sever (hangar.toml:2): there is no such section; did you mean [server]?",
        ),
        (
            "[server]\nlisten_on = ''",
            "server.listen_on (hangar.toml:2): there is no such setting; did you mean server.listen?",
        ),
        (
            "listen = ''",
            "listen (hangar.toml:1): there is no such setting; did you mean server.listen?",
        ),
        (
            "'server.listen' = ''",
            "server.listen (hangar.toml:1): there is no such setting",
        ),
        (
            "zzzzzzzz = 1",
            "zzzzzzzz (hangar.toml:1): there is no such setting",
        ),
        ("[server]\nlisten = ", "hangar.toml:2: this is not TOML: "),
        (
            "[server]\nlisten = 'a'\nlisten = 'b'",
            "hangar.toml:3: this is not TOML: duplicate key",
        ),
    ] {
        let found = problems(&sources(file, &[], &[]), Mode::Dev);
        assert!(found.starts_with(message), "{message}… is not {found}");
    }
}

#[test]
fn an_unknown_variable_is_refused_with_a_suggestion() {
    assert_eq!(
        problems(
            &sources("", &[("HANGAR_SERVER__LISTN", "x")], &[]),
            Mode::Dev
        ),
        "server.listn (variable HANGAR_SERVER__LISTN): there is no such setting; \
         did you mean HANGAR_SERVER__LISTEN?"
    );
    assert_eq!(
        problems(
            &sources("", &[("HANGAR_AUTH_ISSUERS__", "x")], &[]),
            Mode::Dev
        ),
        "auth_issuers. (variable HANGAR_AUTH_ISSUERS__): there is no such setting; \
         did you mean HANGAR_AUTH__ISSUERS?"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems(
        &sources(
            "server.listen = 'x'\nlog.format = 'y'",
            &[("HANGAR_DATA__DIR", "")],
            &[("auth.tenants", &["a", "b"])],
        ),
        Mode::Serve,
    );
    assert_eq!(found.lines().count(), 5, "{found}");
}
