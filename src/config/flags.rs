//! Settings from the command line: one flag a row of the table, `--server-listen`.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use super::{
    Given, Kind, Origin, Preset, Raw,
    setting::{self, SETTINGS, Setting},
};

/// The settings that the command line gave. It may hold secrets, and so has no `Debug`.
#[derive(Clone, Default)]
pub struct Flags {
    given: Vec<(&'static str, Vec<String>)>,
}

impl Flags {
    /// Adds a flag as if it had been typed, for those who start Hangar without a command line.
    /// A key that is no setting is left out.
    #[must_use]
    pub fn with(mut self, key: &str, values: &[&str]) -> Self {
        if let Some(setting) = setting::find(key) {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            self.given.push((setting.key, values));
        }
        self
    }

    /// What was given, by key.
    pub(super) fn settings(&self) -> Vec<(&'static str, Given)> {
        let given = self.given.iter();
        given
            .filter_map(|(key, values)| Some((setting::find(key)?, values)))
            .map(|(setting, values)| {
                let raw = if setting.kind.is_list() {
                    // `--auth-tenants ""` empties a list that the file or a variable filled.
                    let values = values.iter().filter(|value| !value.is_empty());
                    Raw::Many(values.cloned().collect())
                } else {
                    Raw::One(values.last().cloned().unwrap_or_default())
                };
                let origin = Origin::Flag(setting.flag());
                (setting.key, Given { raw, origin })
            })
            .collect()
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = SETTINGS
            .iter()
            .filter(|setting| matches.value_source(setting.key) == Some(ValueSource::CommandLine));
        let given = typed.map(|setting| {
            let values = matches.get_many::<String>(setting.key);
            (setting.key, values.into_iter().flatten().cloned().collect())
        });
        Ok(Self {
            given: given.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(setting: &'static Setting) -> Arg {
    let default = match setting.default {
        Preset::Unset => String::new(),
        Preset::Value(text) | Preset::Derived(text) => format!(" [default: {text}]"),
    };
    let details = match setting.details {
        "" => String::new(),
        details => format!("\n\n{details}"),
    };
    let argument = Arg::new(setting.key)
        .long(setting.flag())
        .value_name(setting.kind.placeholder())
        .help(format!("{}{default}", setting.doc))
        .long_help(format!(
            "{}{default}{details}\n\nIn the file: {}. As a variable: {}.",
            setting.doc,
            setting.key,
            setting.variable()
        ))
        .help_heading(heading(setting))
        .action(if setting.kind.is_list() {
            ArgAction::Append
        } else {
            ArgAction::Set
        });
    let argument = match setting.short_flag {
        Some(name) => argument.visible_alias(name),
        None => argument,
    };
    match setting.kind {
        // The bare flag switches on.
        Kind::Switch => argument.num_args(0..=1).default_missing_value("true"),
        _ => argument,
    }
}

/// `Server settings`, for those of `[server]`.
fn heading(setting: &Setting) -> String {
    let (section, _) = setting.section_and_name();
    let (first, rest) = section.split_at(section.len().min(1));
    format!("{}{rest} settings", first.to_ascii_uppercase())
}
