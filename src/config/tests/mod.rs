//! The settings as a whole, subject by subject, and how the tests give them values.

mod contradictions;
mod layers;
mod messages;
mod secrets;
mod table;

use super::{ConfigFile, Effective, Flags, Mode, Settings, Sources, show};

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
