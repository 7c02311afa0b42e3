//! The settings on paper: an example file to start from, and what holds in this process.

use toml::Value;

use super::{
    Effective, Exposure, Given, Kind, Origin, Preset, Raw,
    setting::{SETTINGS, Setting},
};

/// How wide the example file's prose runs.
const WIDTH: usize = 78;

/// A settings file with every setting in it, each explained and commented out. A line of prose
/// starts with `# `; without its `#`, a setting's line sets it.
pub fn example() -> String {
    let mut lines = prose(
        "The settings of Hangar. Each line that starts with # and no space is a setting: take the \
         # away to set it. Environment variables override this file, and flags override both: \
         server.listen is also HANGAR_SERVER__LISTEN and --server-listen.",
    );
    for (section, settings) in sections() {
        lines.extend([String::new(), format!("[{section}]")]);
        for (index, setting) in settings.iter().enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            lines.extend(example_of(setting));
        }
    }
    text_of(&lines)
}

fn example_of(setting: &Setting) -> Vec<String> {
    let (_, name) = setting.section_and_name();
    let mut lines = prose(&format!("{}. {}", setting.doc, setting.details));
    let values = match setting.default {
        Preset::Value(value) => vec![value],
        Preset::Derived(words) => {
            lines.extend(prose(&format!("Default: {words}")));
            setting.example.to_vec()
        }
        Preset::Unset => {
            lines.extend(prose("Not set by default."));
            setting.example.to_vec()
        }
    };
    lines.push(format!("#{name} = {}", literal(setting.kind, &values)));
    lines
}

/// Every setting with the value that holds and where it was given, as a settings file. Secrets are
/// named, never shown.
pub fn show(effective: &Effective) -> String {
    let mut lines = Vec::new();
    for (section, settings) in sections() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("[{section}]"));
        lines.extend(settings.iter().map(|setting| show_one(setting, effective)));
    }
    text_of(&lines)
}

fn show_one(setting: &Setting, effective: &Effective) -> String {
    let (_, name) = setting.section_and_name();
    let Some(given) = effective.get(setting.key) else {
        return format!("# {name} is not set");
    };
    let origin = &given.origin;
    if is_hidden(setting, given) {
        return format!("# {name} is set and not shown  # {origin}");
    }
    let values: Vec<_> = match &given.raw {
        Raw::One(value) => vec![value.as_str()],
        Raw::Many(values) => values.iter().map(String::as_str).collect(),
    };
    format!("{name} = {}  # {origin}", literal(setting.kind, &values))
}

/// A default holds no secret: everybody can read it in the example.
fn is_hidden(setting: &Setting, given: &Given) -> bool {
    setting.exposure == Exposure::Secret && given.origin != Origin::Default
}

/// The table's sections in its order, each with its settings.
fn sections() -> impl Iterator<Item = (&'static str, &'static [Setting])> {
    let groups =
        SETTINGS.chunk_by(|one, next| one.section_and_name().0 == next.section_and_name().0);
    groups.filter_map(|group| Some((group.first()?.section_and_name().0, group)))
}

/// A value as TOML writes it. A number or a switch that is written wrongly stands as text.
fn literal(kind: Kind, values: &[&str]) -> String {
    let value = match kind {
        Kind::List(&element) => {
            Value::Array(values.iter().map(|text| scalar(element, text)).collect())
        }
        kind => scalar(kind, values.first().copied().unwrap_or_default()),
    };
    value.to_string()
}

fn scalar(kind: Kind, text: &str) -> Value {
    let read = match kind {
        Kind::Count { .. } => text.parse().ok().map(Value::Integer),
        Kind::Share => text.parse().ok().map(Value::Float),
        Kind::Switch => text.parse().ok().map(Value::Boolean),
        _ => None,
    };
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Text as comment lines of about `WIDTH` characters, broken between words.
fn prose(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines
}

fn text_of(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
