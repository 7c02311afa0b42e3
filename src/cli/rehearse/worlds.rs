//! `hangar rehearse fork`, `worlds` and `reset`: a world for each who wants one.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::director::Director;
use crate::cli::print;

#[derive(Args)]
pub(super) struct ForkArguments {
    /// The new world's name: a to z, 0 to 9 and -
    name: String,
    /// Of which world it is a copy [default: main]
    #[arg(long, conflicts_with = "snapshot")]
    world: Option<String>,
    /// Of which snapshot it is a copy
    #[arg(long)]
    snapshot: Option<String>,
}

#[derive(Args)]
pub(super) struct ResetArguments {
    /// The world [default: everything]
    world: Option<String>,
}

#[derive(Subcommand)]
pub(super) enum Action {
    /// List them
    List,
    /// Delete a fork. Its tokens are worth nothing from then on
    Delete {
        /// The fork
        name: String,
    },
}

pub(super) async fn fork(director: &Director, arguments: ForkArguments) -> anyhow::Result<()> {
    let ForkArguments {
        name,
        world,
        snapshot,
    } = arguments;
    let body = json!({ "name": name, "world": world, "snapshot": snapshot });
    let answer = director.post("/rehearsal/worlds", &body).await?;
    if director.as_json() {
        return director.show(&answer);
    }
    Ok(print(&exports(&answer))?)
}

pub(super) async fn run(director: &Director, action: Option<Action>) -> anyhow::Result<()> {
    if let Some(Action::Delete { name }) = action {
        let path = format!("/rehearsal/worlds/{}", in_a_path(&name));
        return director.show(&director.delete(&path).await?);
    }
    let answer = director.get("/rehearsal/worlds").await?;
    if director.as_json() {
        return director.show(&answer);
    }
    Ok(print(&listing(&answer))?)
}

pub(super) async fn reset(director: &Director, arguments: ResetArguments) -> anyhow::Result<()> {
    let body = json!({ "world": arguments.world });
    director.show(&director.post("/rehearsal/reset", &body).await?)
}

/// A name as a part of a path or of a query.
pub(super) fn in_a_path(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// A fork as lines for a shell. Nothing in them needs quotes: they are names, ids and tokens.
fn exports(fork: &Value) -> String {
    let mut text = String::new();
    let mut export = |variable: &str, value: &Value| {
        if let Some(value) = value.as_str() {
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "export HANGAR_{variable}='{}'",
                value.replace('\'', "")
            );
        }
    };
    export("WORLD", &fork["name"]);
    let tenants = fork["tenants"].as_array();
    for (number, tenant) in tenants.into_iter().flatten().enumerate() {
        let of = tenant["of"].as_str().unwrap_or_default();
        let suffix = format!("_{}", variable(of));
        let suffixes = [Some(String::new()).filter(|_| number == 0), Some(suffix)];
        for suffix in suffixes.into_iter().flatten() {
            export(&format!("TENANT{suffix}"), &tenant["id"]);
            export(&format!("TOKEN{suffix}"), &tenant["administrator"]["token"]);
            export(
                &format!("APP_TOKEN{suffix}"),
                &tenant["application"]["token"],
            );
        }
    }
    text
}

/// A name as a part of a variable's.
fn variable(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    name.chars().map(letter).collect()
}

fn listing(answer: &Value) -> String {
    let mut text = String::new();
    for world in answer["worlds"].as_array().into_iter().flatten() {
        let name = world["name"].as_str().unwrap_or_default();
        let _ = match world["source"].as_str() {
            Some(source) => writeln!(text, "{name} (of {source})"),
            None => writeln!(text, "{name}"),
        };
        for tenant in world["tenants"].as_array().into_iter().flatten() {
            let _ = writeln!(
                text,
                "  {} {}: {} devices, {} imports, {} of them wait",
                tenant["id"].as_str().unwrap_or_default(),
                tenant["name"]
                    .as_str()
                    .unwrap_or("(unknown to the authority)"),
                tenant["devices"],
                tenant["imports"],
                tenant["waiting"]
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_lines_for_a_shell() {
        let tenant = |of: &str, id: &str| {
            json!({
                "of": of, "id": id, "name": format!("{of}.x"),
                "administrator": {"token": "aaa.bbb"}, "application": null,
            })
        };
        let fork = json!({"name": "x", "tenants": [tenant("contoso", "1"), tenant("a-b.c", "2")]});
        let expected = "\
export HANGAR_WORLD='x'
export HANGAR_TENANT='1'
export HANGAR_TOKEN='aaa.bbb'
export HANGAR_TENANT_CONTOSO='1'
export HANGAR_TOKEN_CONTOSO='aaa.bbb'
export HANGAR_TENANT_A_B_C='2'
export HANGAR_TOKEN_A_B_C='aaa.bbb'
";
        assert_eq!(exports(&fork), expected);
    }

    #[test]
    fn worlds_are_listed_with_their_tenants() {
        let tenant = json!({"id": "1", "name": null, "devices": 2, "imports": 3, "waiting": 1});
        let answer = json!({"worlds": [
            {"name": "main", "source": null, "tenants": [tenant]},
            {"name": "x", "source": "world main", "tenants": []},
        ]});
        let expected = "\
main
  1 (unknown to the authority): 2 devices, 3 imports, 1 of them wait
x (of world main)
";
        assert_eq!(listing(&answer), expected);
    }
}
