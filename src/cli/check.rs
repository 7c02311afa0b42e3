//! `hangar check`: whether the database is whole and keeps Hangar's rules.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{EXIT_REFUSED, SettingsArguments, print};
use crate::{
    config::Settings,
    store::{
        self,
        soundness::{Depth, Finding, Soundness},
    },
};

#[derive(Args)]
pub(super) struct CheckArguments {
    /// Leave out whether indexes and tables agree, which takes most of the time
    #[arg(long)]
    quick: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// Looks the database over, also while a server runs on it, and says what it found.
pub(super) fn run(arguments: CheckArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::unjudged(&arguments.settings.sources()?)?;
    let depth = if arguments.quick {
        Depth::Quick
    } else {
        Depth::Whole
    };
    let seen = store::inspect(settings.database.url.expose_secret(), depth)?;
    print(&if arguments.json {
        format!("{:#}\n", as_json(&seen))
    } else {
        report(&seen)
    })?;
    Ok(if seen.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_REFUSED)
    })
}

fn report(seen: &Soundness) -> String {
    if seen.is_sound() {
        return format!(
            "The database is sound: {} imports, {} devices, {} pieces of hardware.\n",
            seen.imports, seen.devices, seen.hardware
        );
    }
    listing(&seen.findings)
}

/// A sentence a line.
pub(super) fn listing(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        for sentence in &finding.sentences {
            // Writing to a String can't fail. What a damaged file holds may be anything.
            let _ = writeln!(text, "{}", printable(sentence));
        }
        let shown = u64::try_from(finding.sentences.len()).unwrap_or(u64::MAX);
        let others = finding.count.saturating_sub(shown);
        if others > 0 {
            let _ = writeln!(
                text,
                "There are {others} more of this kind ({}).",
                finding.rule
            );
        }
    }
    text
}

fn printable(sentence: &str) -> String {
    let shown = |character: char| {
        if character.is_control() {
            '\u{fffd}'
        } else {
            character
        }
    };
    sentence.chars().map(shown).collect()
}

fn as_json(seen: &Soundness) -> serde_json::Value {
    let findings: Vec<_> = seen
        .findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule,
                "count": finding.count,
                "sentences": finding.sentences,
            })
        })
        .collect();
    json!({
        "sound": seen.is_sound(),
        "imports": seen.imports,
        "devices": seen.devices,
        "hardware": seen.hardware,
        "findings": findings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_sentences_and_counts_what_it_leaves_out() {
        let sound = Soundness {
            imports: 3,
            ..Soundness::default()
        };
        assert!(report(&sound).contains("sound: 3 imports"));
        assert_eq!(as_json(&sound)["sound"], true);
        let broken = Soundness {
            findings: vec![Finding {
                rule: "schema",
                count: 3,
                sentences: vec!["The table \u{1b}[2J is there.".to_owned()],
            }],
            ..Soundness::default()
        };
        let text = report(&broken);
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.ends_with("There are 2 more of this kind (schema).\n"));
        assert_eq!(as_json(&broken)["findings"][0]["count"], 3);
    }
}
