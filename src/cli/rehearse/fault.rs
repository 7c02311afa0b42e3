//! `hangar rehearse fault`: the faults of a rehearsal.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::director::{Director, path_to};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Set one up
    Add(Box<Addition>),
    /// The faults that stand, and how often each fired
    List,
    /// Take one away
    Delete {
        /// What it is called
        name: String,
    },
    /// Take all away
    Clear,
}

/// A fault. When it is met: by all that is given. What it then does: on requests or on imports.
#[derive(Args)]
pub(super) struct Addition {
    /// What it is called; absent, it is given a name
    name: Option<String>,
    /// Requests of this method
    #[arg(long)]
    method: Option<String>,
    /// Requests to paths of this pattern, in which * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    path: Option<String>,
    /// Of this tenant, by id or name
    #[arg(long)]
    tenant: Option<String>,
    /// About a serial number of this pattern
    #[arg(long, value_name = "PATTERN")]
    serial: Option<String>,
    /// The match with this number alone, counted from 1
    #[arg(long, value_name = "NUMBER")]
    nth: Option<u64>,
    /// Matches from this number on
    #[arg(long, value_name = "NUMBER")]
    from_nth: Option<u64>,
    /// A match fires as likely as this, from 0 to 1
    #[arg(long)]
    probability: Option<f64>,
    /// What is drawn from: the same seed draws the same
    #[arg(long)]
    seed: Option<u64>,
    /// It fires so often at most
    #[arg(long)]
    times: Option<u64>,
    /// Answer with this status, and do nothing
    #[arg(long)]
    status: Option<u16>,
    /// The error's code
    #[arg(long, requires = "status")]
    code: Option<String>,
    /// The error's sentence
    #[arg(long, requires = "status")]
    message: Option<String>,
    /// When the answer says to try again, such as 30s; absent, it does not say
    #[arg(long, value_name = "DURATION")]
    retry_after: Option<SignedDuration>,
    /// Spell the error as the documented or the observed service does
    #[arg(long, value_name = "documented|observed", requires = "status")]
    behavior: Option<String>,
    /// Answer with this body instead of an error's
    #[arg(long, requires = "status")]
    body: Option<String>,
    /// What kind of body, text/html unless told otherwise
    #[arg(long, requires = "body")]
    content_type: Option<String>,
    /// Let the request wait first, such as 2s, by the machine's clock
    #[arg(long, value_name = "DURATION")]
    wait: Option<SignedDuration>,
    /// Break the connection before the request is done, after it, or within the answer
    #[arg(long = "break", value_name = "before|after|within")]
    break_off: Option<String>,
    /// Answer 429 to whoever brings devices from this number on
    #[arg(long, value_name = "NUMBER")]
    throttle_from: Option<u64>,
    /// Count devices anew after so long
    #[arg(long, value_name = "DURATION", requires = "throttle_from")]
    throttle_per: Option<SignedDuration>,
    /// Settle imports with this directory error, by code or name
    #[arg(long, value_name = "ERROR")]
    refuse: Option<String>,
    /// Leave imports at unknown
    #[arg(long)]
    hold: bool,
    /// Let devices be found only so long after their imports are complete
    #[arg(long, value_name = "DURATION")]
    unseen: Option<SignedDuration>,
}

pub(super) async fn run(director: &Director, action: Action) -> anyhow::Result<()> {
    const FAULTS: &str = "/rehearsal/faults";
    match action {
        Action::Add(addition) => {
            let made = director.post(FAULTS, &addition.rule()?).await?;
            director.show_rows(&made, &json!([made]), line)
        }
        Action::List => {
            let answer = director.get(FAULTS).await?;
            director.show_rows(&answer, &answer["faults"], line)
        }
        Action::Delete { name } => {
            let answer = director.delete(&path_to(FAULTS, &name)).await?;
            director.show(&answer)
        }
        Action::Clear => director.show(&director.delete(FAULTS).await?),
    }
}

impl Addition {
    /// The rule as the server reads it.
    fn rule(&self) -> anyhow::Result<Value> {
        let when = present([
            ("method", json!(self.method)),
            ("path", json!(self.path)),
            ("tenant", json!(self.tenant)),
            ("serial", json!(self.serial)),
            ("nth", json!(self.nth)),
            ("from_nth", json!(self.from_nth)),
            ("probability", json!(self.probability)),
            ("seed", json!(self.seed)),
            ("times", json!(self.times)),
        ]);
        let is_throttle = self.throttle_from.is_some();
        let answer = self.status.map(|status| {
            present([
                ("status", json!(status)),
                ("code", json!(self.code)),
                ("message", json!(self.message)),
                (
                    "retry_after",
                    json!(self.retry_after.filter(|_| !is_throttle)),
                ),
                ("behavior", json!(self.behavior)),
                ("body", json!(self.body)),
                ("content_type", json!(self.content_type)),
            ])
        });
        let throttle = self.throttle_from.map(|from_device| {
            present([
                ("from_device", json!(from_device)),
                ("per", json!(self.throttle_per)),
                ("retry_after", json!(self.retry_after)),
            ])
        });
        (self.retry_after.is_none() || answer.is_some() || throttle.is_some())
            .then_some(())
            .context("--retry-after is said by an answer: give --status or --throttle-from")?;
        let then = present([
            ("answer", json!(answer)),
            ("wait", json!(self.wait)),
            ("break", json!(self.break_off)),
            ("throttle", json!(throttle)),
            ("refuse", json!(self.refuse)),
            ("hold", json!(self.hold.then_some(true))),
            ("unseen", json!(self.unseen)),
        ]);
        Ok(json!({ "name": self.name, "when": when, "then": then }))
    }
}

/// The members that are there.
pub(super) fn present<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A fault in a line.
pub(super) fn line(fault: &Value) -> String {
    let name = fault["name"].as_str().unwrap_or_default();
    let (fired, matched) = (&fault["fired"], &fault["matched"]);
    let (when, then) = (&fault["when"], &fault["then"]);
    format!("{name}: when {when} then {then}, fired {fired} of {matched}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        action: Action,
    }

    fn rule(arguments: &str) -> Result<Value, String> {
        let line = Line::try_parse_from(["fault", "add"].into_iter().chain(arguments.split(' ')));
        let line = line.map_err(|error| error.to_string())?;
        let Action::Add(addition) = line.action else {
            unreachable!("it is an addition");
        };
        addition.rule().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_typed_becomes_a_rule() {
        let made = rule("x --method POST --serial LAB-* --status 503 --retry-after 30s").unwrap();
        let expected = json!({
            "name": "x",
            "when": { "method": "POST", "serial": "LAB-*" },
            "then": { "answer": { "status": 503, "retry_after": "PT30S" } },
        });
        assert_eq!(made, expected);
        let made = rule("--throttle-from 61 --throttle-per 5m --wait 2s").unwrap();
        let then = json!({ "throttle": { "from_device": 61, "per": "PT5M" }, "wait": "PT2S" });
        assert_eq!(made["then"], then);
        assert_eq!(rule("--hold").unwrap()["then"], json!({ "hold": true }));
        for (arguments, why) in [
            ("--code x --hold", "--status"),
            ("--hold --retry-after 5s", "is said by an answer"),
            ("--wait forever", "--wait"),
        ] {
            let told = rule(arguments).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
