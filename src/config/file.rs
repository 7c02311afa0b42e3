//! Settings from the TOML file, with the line each was given on.

use toml::de::{DeTable, DeValue};

use super::{
    ConfigFile, Given, Kind, Origin, Problem, Raw,
    setting::{self, SETTINGS, Setting},
    suggestion,
};

/// The settings in this file; what is not TOML, unknown or of the wrong type is a problem.
pub(super) fn settings_in(
    file: &ConfigFile,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static str, Given)> {
    let mut reading = Reading {
        file,
        problems,
        found: Vec::new(),
    };
    match DeTable::parse(&file.text) {
        Ok(table) => reading.table("", table.get_ref()),
        // Only the message: the library's full text quotes the line, which may hold a password.
        Err(error) => {
            let origin = reading.origin(error.span().map_or(0, |span| span.start));
            let message = format!("this is not TOML: {}", error.message());
            reading.problems.push(Problem::new("", &origin, message));
        }
    }
    reading.found
}

struct Reading<'a> {
    file: &'a ConfigFile,
    problems: &'a mut Vec<Problem>,
    found: Vec<(&'static str, Given)>,
}

impl Reading<'_> {
    /// Reads what stands under `prefix`, which is empty or ends in a dot.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let origin = self.origin(name.span().start);
            let name = name.get_ref();
            let key = format!("{prefix}{name}");
            // A quoted `"server.listen"` is one name with a dot in it, and no setting.
            let dotted = name.contains('.');
            match setting::find(&key).filter(|_| !dotted) {
                Some(setting) => self.setting(setting, value.get_ref(), origin),
                None if is_section(&key) && !dotted => match value.get_ref() {
                    DeValue::Table(table) => self.table(&format!("{key}."), table),
                    _ => self.problems.push(Problem::new(
                        &key,
                        &origin,
                        format!(
                            "this is a section and takes no value; write [{key}] above its settings"
                        ),
                    )),
                },
                None => {
                    let message = unknown(&key, value.get_ref());
                    self.problems.push(Problem::new(&key, &origin, message));
                }
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, value: &DeValue<'_>, origin: Origin) {
        match raw(setting.kind, value) {
            Ok(raw) => self.found.push((setting.key, Given { raw, origin })),
            Err(message) => {
                self.problems
                    .push(Problem::new(setting.key, &origin, message));
            }
        }
    }

    /// The place in the file that is this many bytes from its start.
    fn origin(&self, offset: usize) -> Origin {
        let before = self.file.text.bytes().take(offset);
        Origin::File {
            path: self.file.path.clone(),
            line: 1 + before.filter(|&byte| byte == b'\n').count(),
        }
    }
}

/// A value as text, if it is of the type that the kind is written in.
fn raw(kind: Kind, value: &DeValue<'_>) -> Result<Raw, String> {
    match (kind, value) {
        (Kind::List(&element), DeValue::Array(elements)) => elements
            .iter()
            .map(|value| scalar(element, value.get_ref()))
            .collect::<Result<_, _>>()
            .map(Raw::Many),
        (Kind::List(_), value) => Err(format!(
            "this takes a list, not {}; write it in brackets: [\"…\", \"…\"]",
            type_of(value)
        )),
        (kind, value) => scalar(kind, value).map(Raw::One),
    }
}

fn scalar(kind: Kind, value: &DeValue<'_>) -> Result<String, String> {
    match (kind, value) {
        (Kind::Count { .. } | Kind::Share, DeValue::Integer(number)) => Ok(number.to_string()),
        (Kind::Count { .. }, value) => Err(format!(
            "this takes a whole number without quotes, not {}",
            type_of(value)
        )),
        (Kind::Share, DeValue::Float(number)) => Ok(number.to_string()),
        (Kind::Share, value) => Err(format!(
            "this takes a number without quotes, not {}",
            type_of(value)
        )),
        (Kind::Switch, DeValue::Boolean(value)) => Ok(value.to_string()),
        (Kind::Switch, value) => Err(format!(
            "this takes true or false without quotes, not {}",
            type_of(value)
        )),
        (_, DeValue::String(text)) => Ok(text.clone().into_owned()),
        (_, value) => Err(format!("this takes text in quotes, not {}", type_of(value))),
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

fn is_section(key: &str) -> bool {
    sections().any(|section| section == key)
}

fn sections() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.section_and_name().0)
}

fn unknown(key: &str, value: &DeValue<'_>) -> String {
    if matches!(value, DeValue::Table(_)) {
        let hint = suggestion::nearest(key, sections()).map_or_else(String::new, |section| {
            format!("; did you mean [{section}]?")
        });
        return format!("there is no such section{hint}");
    }
    let hint = suggestion::for_setting(key).map_or_else(String::new, |setting| {
        format!("; did you mean {}?", setting.key)
    });
    format!("there is no such setting{hint}")
}
