//! The settings as a whole: layers, messages, and that the table, the file and the types agree.

use std::net::SocketAddr;

use secrecy::ExposeSecret;

use super::*;

/// Settings from this file text, these variables and these flags.
fn sources(file: &str, variables: &[(&str, &str)], flags: &[(&str, &[&str])]) -> Sources {
    Sources {
        file: (!file.is_empty()).then(|| ConfigFile {
            path: "hangar.toml".into(),
            text: file.to_owned(),
        }),
        variables: variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        flags: flags.iter().fold(Flags::default(), |flags, (key, values)| {
            flags.with(key, values)
        }),
    }
}

fn load(sources: &Sources) -> Settings {
    Settings::load(sources, Mode::Dev).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(sources: &Sources, mode: Mode) -> String {
    let loaded = Settings::load(sources, mode);
    loaded.expect_err("something is wrong").to_string()
}

fn shown(sources: &Sources) -> String {
    show(&Effective::gather(sources, Mode::Serve).unwrap_or_else(|problems| panic!("{problems}")))
}

/// What a service needs before it starts for real.
const AUTH: &str = "[auth]\nissuers = ['https://id.example.com']\naudiences = ['api://hangar']\n";

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
    ("auth.jwks_max_stale", "-1h", "not between 0ns and 720h"),
    ("graph.behavior", "live", "none of: documented, observed"),
    (
        "registration.hash_validation",
        "none",
        "none of: strict, lenient",
    ),
    ("registration.delay", "soon", "not a span of time"),
    ("registration.delay", "169h", "not between"),
    ("registration.max_import", "0", "from 1 to 1000"),
    ("registration.max_import", "1001", "from 1 to 1000"),
    ("registration.max_import", "-1", "from 1 to 1000"),
    ("throttle.enabled", "true", "only false is accepted"),
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
            Kind::Count { .. } => value.to_owned(),
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
    for key in ["server.listen", "server.admin_listen"] {
        for address in ["0.0.0.0:0", "[::]:0", "192.168.0.1:0"] {
            let sources = sources(AUTH, &[], &[(key, &[address])]);
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
fn a_secret_is_read_from_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("url");
    let flag = path.to_str().unwrap().to_owned();
    std::fs::write(&path, "postgres://me:hunter2@db/hangar\n").unwrap();

    let from_file = sources("", &[], &[("database.url_file", &[&flag])]);
    let url = load(&from_file).database.url;
    assert_eq!(url.expose_secret(), "postgres://me:hunter2@db/hangar");

    // Of the two, the one from the higher layer holds.
    let mut overridden = from_file.clone();
    overridden.flags = Flags::default().with("database.url", &["sqlite://x"]);
    overridden.variables = vec![("HANGAR_DATABASE__URL_FILE".to_owned(), flag.clone())];
    assert_eq!(load(&overridden).database.url.expose_secret(), "sqlite://x");

    let mut both = from_file;
    both.flags = both.flags.with("database.url", &["sqlite://x"]);
    let found = problems(&both, Mode::Dev);
    assert!(found.contains("set one of them"), "{found}");

    std::fs::write(&path, "hunter2").unwrap();
    let found = problems(
        &sources("", &[], &[("database.url_file", &[&flag])]),
        Mode::Dev,
    );
    assert!(found.contains("neither sqlite://"), "{found}");
    assert!(!found.contains("hunter2"), "{found}");
}

#[test]
fn secrets_are_never_shown() {
    let url = "postgres://me:hunter2@db/hangar";
    let good = [
        sources(&format!("database.url = '{url}'"), &[], &[]),
        sources("", &[("HANGAR_DATABASE__URL", url)], &[]),
        sources("", &[], &[("database.url", &[url])]),
    ];
    for sources in good {
        let text = shown(&sources);
        assert!(text.contains("# url is set and not shown  # "), "{text}");
        let settings = format!("{:?}", load(&sources));
        assert!(!text.contains("hunter2") && !settings.contains("hunter2"));
    }
    for file in [
        "database.url = 'hunter2'",
        "database.url = 'postgres://me:hunter2",
        "database.url = ['hunter2']",
        "database.ulr = 'hunter2'",
        "database.url = 'hunter2' hunter2",
        "database.url = 'x'\ndatabase.url = 'hunter2'",
    ] {
        let found = problems(&sources(file, &[], &[]), Mode::Dev);
        assert!(!found.contains("hunter2"), "{found}");
    }
}

#[test]
fn what_is_shown_says_where_it_was_given() {
    let text = shown(&sources(
        "[auth]\nany_tenant = true\n",
        &[("HANGAR_REGISTRATION__MAX_IMPORT", "5")],
        &[("auth.audiences", &["a", "b\"c"])],
    ));
    for line in [
        "listen = \"127.0.0.1:8080\"  # default",
        "url = \"sqlite://./hangar-data/hangar.db\"  # default",
        "# url_file is not set",
        "any_tenant = true  # hangar.toml:2",
        "max_import = 5  # variable HANGAR_REGISTRATION__MAX_IMPORT",
        "audiences = [\"a\", 'b\"c']  # flag --auth-audiences",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    // It is a settings file again.
    let again = shown(&sources(&text, &[], &[]));
    assert_eq!(again.lines().count(), text.lines().count());
}

#[test]
fn the_example_sets_nothing_and_names_the_defaults() {
    let text = example();
    let by_default = format!("{:?}", load(&Sources::default()));
    assert_eq!(format!("{:?}", load(&sources(&text, &[], &[]))), by_default);

    // With the defaults' lines uncommented it still sets what holds anyway; with all of them, every
    // line is a good one.
    let is_default = |line: &str| {
        SETTINGS.iter().any(|setting| {
            let (_, name) = setting.section_and_name();
            let starts = line.starts_with(&format!("#{name} = "));
            starts && matches!(setting.default, Preset::Value(_))
        })
    };
    let uncommented = |which: &dyn Fn(&str) -> bool| -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && which(line) => setting,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let defaults = uncommented(&is_default);
    assert!(defaults.contains("\nlisten = "), "{defaults}");
    assert_eq!(
        format!("{:?}", load(&sources(&defaults, &[], &[]))),
        by_default
    );

    let all = uncommented(&|line| !line.starts_with("#url_file"));
    load(&sources(&all, &[], &[]));
    for setting in SETTINGS {
        let (_, name) = setting.section_and_name();
        assert!(text.contains(&format!("\n#{name} = ")), "{name}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn every_setting_can_be_set_in_each_layer() {
    for setting in SETTINGS {
        let expected = Effective::gather(
            &sources("", &[], &[(setting.key, setting.example)]),
            Mode::Serve,
        );
        let expected = expected.unwrap().get(setting.key).unwrap().raw.clone();

        let variable = (setting.variable(), setting.example.join(","));
        let from_variable = sources("", &[(&variable.0, &variable.1)], &[]);
        let quoted: Vec<_> = setting
            .example
            .iter()
            .map(|text| format!("'{text}'"))
            .collect();
        let literal = match setting.kind {
            Kind::List(_) => format!("[{}]", quoted.join(",")),
            Kind::Count { .. } | Kind::Switch => setting.example.join(""),
            _ => quoted.join(""),
        };
        let from_file = sources(&format!("{} = {literal}", setting.key), &[], &[]);
        for sources in [from_variable, from_file] {
            let effective = Effective::gather(&sources, Mode::Serve);
            let effective = effective.unwrap_or_else(|problems| panic!("{problems}"));
            assert!(
                effective.get(setting.key).unwrap().raw == expected,
                "{}",
                setting.key
            );
        }
    }
}

#[test]
fn every_setting_reaches_the_types() {
    // Two settings are told apart from their defaults elsewhere: a secret's text is hidden, and of
    // throttling only the default is accepted.
    let elsewhere = ["database.url", "database.url_file", "throttle.enabled"];
    let by_default = format!("{:?}", load(&Sources::default()));
    for setting in SETTINGS {
        if elsewhere.contains(&setting.key) {
            continue;
        }
        let example = match setting.key {
            "server.listen" => &["127.0.0.1:1"],
            "auth.issuers" => &["https://id.example.com"],
            _ => setting.example,
        };
        let settings = load(&sources("", &[], &[(setting.key, example)]));
        assert_ne!(format!("{settings:?}"), by_default, "{}", setting.key);
    }
}

#[test]
fn every_word_of_a_choice_is_understood() {
    for setting in SETTINGS {
        if let Kind::Choice(words) = setting.kind {
            for word in words {
                load(&sources("", &[], &[(setting.key, &[word])]));
            }
        }
    }
}

#[test]
fn the_table_is_sound() {
    let mut flags: Vec<String> = SETTINGS.iter().map(Setting::flag).collect();
    let short = SETTINGS.iter().filter_map(|setting| setting.short_flag);
    flags.extend(short.map(str::to_owned));
    let count = flags.len();
    flags.sort();
    flags.dedup();
    assert_eq!(flags.len(), count, "two settings share a flag");
    for setting in SETTINGS {
        assert_eq!(setting.key.matches('.').count(), 1, "{}", setting.key);
        assert!(!setting.key.contains("__"), "{}", setting.key);
        assert!(!setting.example.is_empty(), "{}", setting.key);
        assert!(!setting.doc.is_empty() && !setting.doc.ends_with('.'));
        assert!(setting.details.is_empty() || setting.details.ends_with(['.', '…']));
        if setting.exposure == Exposure::Secret {
            assert!(setting::find(&format!("{}_file", setting.key)).is_some());
        }
    }
    let default: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    assert_eq!(load(&Sources::default()).server.listen, default);
}
