//! The layers laid over each other: which value holds for each setting, and where it was given.
//! What a value means is read in `settings`.

use std::collections::BTreeMap;

use super::{
    Exposure, Mode, Origin, Preset, Problem, Problems, Setting, Sources, environment, file,
    setting::{self, SETTINGS},
};

/// A value as it was written.
#[derive(Clone, PartialEq, Eq)]
pub enum Raw {
    /// Of a setting that takes one value.
    One(String),
    /// Of a list, its elements.
    Many(Vec<String>),
}

/// A value and where it was given. It may be a secret, and so has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The value as it was written.
    pub raw: Raw,
    /// Where.
    pub origin: Origin,
}

/// The value that holds for each setting that has one.
pub struct Effective {
    given: BTreeMap<&'static str, Given>,
}

/// The audiences of Microsoft Graph, which the local authority of `--dev` can issue tokens for.
const GRAPH_AUDIENCES: [&str; 2] = [
    "https://graph.microsoft.com",
    "00000003-0000-0000-c000-000000000000",
];

impl Effective {
    /// Lays flags over variables over the file over the defaults.
    pub fn gather(sources: &Sources, mode: Mode) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut given = defaults(mode);
        if let Some(file) = &sources.file {
            given.extend(file::settings_in(file, &mut problems));
        }
        given.extend(environment::settings_in(&sources.variables, &mut problems));
        given.extend(sources.flags.settings());
        for setting in SETTINGS {
            if setting.exposure == Exposure::Secret {
                choose_secret(setting, &mut given, &mut problems);
            }
        }
        derive_database_url(&mut given);
        derive_throttling(&mut given);
        Problems::none_or(problems, Self { given })
    }

    /// What holds for this key, if anything does.
    pub fn get(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }
}

fn defaults(mode: Mode) -> BTreeMap<&'static str, Given> {
    let default = |raw| Given {
        raw,
        origin: Origin::Default,
    };
    let mut given: BTreeMap<_, _> = SETTINGS
        .iter()
        .filter_map(|setting| match setting.default {
            Preset::Value(text) => Some((setting.key, default(Raw::One(text.to_owned())))),
            Preset::Unset | Preset::Derived(_) => None,
        })
        .collect();
    if mode.has_authority() {
        let audiences = GRAPH_AUDIENCES.map(str::to_owned).to_vec();
        given.insert("auth.audiences", default(Raw::Many(audiences)));
    }
    given
}

/// Leaves one of a secret and the file that holds it: the one from the higher layer.
fn choose_secret(
    secret: &Setting,
    given: &mut BTreeMap<&'static str, Given>,
    problems: &mut Vec<Problem>,
) {
    let Some(file) = setting::find(&format!("{}_file", secret.key)) else {
        return;
    };
    let (Some(itself), Some(from_file)) = (given.get(secret.key), given.get(file.key)) else {
        return;
    };
    if itself.origin.is_level_with(&from_file.origin) {
        let message = format!(
            "{} is set as well ({}); set one of them",
            file.key, from_file.origin
        );
        problems.push(Problem::new(secret.key, &itself.origin, message));
        return;
    }
    let loser = if itself.origin > from_file.origin {
        file.key
    } else {
        secret.key
    };
    given.remove(loser);
}

/// The default database is in the data directory, wherever that is.
fn derive_database_url(given: &mut BTreeMap<&'static str, Given>) {
    if given.contains_key("database.url") || given.contains_key("database.url_file") {
        return;
    }
    let Some(Raw::One(directory)) = given.get("data.dir").map(|given| &given.raw) else {
        return;
    };
    let url = format!("sqlite://{}/hangar.db", directory.trim_end_matches('/'));
    given.insert(
        "database.url",
        Given {
            raw: Raw::One(url),
            origin: Origin::Default,
        },
    );
}

/// The live service throttles; its documentation's reader need not be kept waiting.
fn derive_throttling(given: &mut BTreeMap<&'static str, Given>) {
    let behavior = given.get("graph.behavior").map(|given| &given.raw);
    let is_observed = behavior == Some(&Raw::One("observed".to_owned()));
    given.entry("throttle.enabled").or_insert_with(|| Given {
        raw: Raw::One(is_observed.to_string()),
        origin: Origin::Default,
    });
}
