//! That the table, the example, what is shown and the types agree.

use super::{load, shown, sources};
use crate::config::{
    Effective, Exposure, Kind, Mode, Preset, SETTINGS, Setting, Sources, example, setting,
};

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
            Kind::Count { .. } | Kind::Share | Kind::Switch => setting.example.join(""),
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
    // These are told apart from their defaults elsewhere: a secret's text is hidden, and a
    // certificate needs its key.
    let elsewhere = [
        "database.url",
        "database.url_file",
        "server.tls_cert",
        "server.tls_key",
    ];
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
}
