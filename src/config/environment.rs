//! Settings from environment variables: `HANGAR_SERVER__LISTEN`. The only place in Hangar that
//! reads the environment.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Given, Origin, Problem, Problems, Raw,
    setting::{SETTINGS, VARIABLE_PREFIX},
    suggestion,
};

/// What tells a setting from the variables of other commands, such as `HANGAR_TOKEN`.
const SECTION_MARK: &str = "__";

/// The process's variables that start with `HANGAR_`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn variables() -> Result<Vec<(String, String)>, Problems> {
    let mut variables = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name
            .to_str()
            .filter(|name| name.starts_with(VARIABLE_PREFIX))
        else {
            continue;
        };
        match value.into_string() {
            Ok(value) => variables.push((name.to_owned(), value)),
            Err(_) => problems.push(Problem::new(
                name,
                &Origin::Variable(name.to_owned()),
                "the value is not valid Unicode",
            )),
        }
    }
    Problems::none_or(problems, variables)
}

/// Who works at this terminal, for the audit table. It is what the session says, no proof.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn account_name() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// This program, as somebody in the present directory would call it.
pub fn program() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let here = std::env::current_dir()?;
    Ok(program
        .strip_prefix(here)
        .map_or_else(|_| program.clone(), |below| Path::new(".").join(below)))
}

/// The settings among these variables; a variable that looks like a setting and is none is a
/// problem, because a misspelt setting would otherwise be passed over in silence.
pub(super) fn settings_in(
    variables: &[(String, String)],
    problems: &mut Vec<Problem>,
) -> Vec<(&'static str, Given)> {
    let mut found = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else {
            continue;
        };
        if !rest.contains(SECTION_MARK) {
            continue;
        }
        let origin = Origin::Variable(name.clone());
        let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == *name) else {
            let key = rest.to_ascii_lowercase().replace(SECTION_MARK, ".");
            let hint = suggestion::for_setting(&key).map_or_else(String::new, |setting| {
                format!("; did you mean {}?", setting.variable())
            });
            problems.push(Problem::new(
                key,
                &origin,
                format!("there is no such setting{hint}"),
            ));
            continue;
        };
        let raw = if setting.kind.is_list() {
            Raw::Many(
                value
                    .split(',')
                    .map(str::trim)
                    .filter(|element| !element.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )
        } else {
            Raw::One(value.clone())
        };
        found.push((setting.key, Given { raw, origin }));
    }
    found
}
