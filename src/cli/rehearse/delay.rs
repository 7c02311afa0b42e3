//! `hangar rehearse delay`: how long imports wait in a rehearsal.

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    director::{Director, path_to},
    fault::present,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Set one up
    Add(Addition),
    /// The delays that stand
    List,
    /// Take one away
    Delete {
        /// What it is called
        name: String,
    },
    /// Take all away
    Clear,
}

/// A delay: which imports it is for, and how long they wait.
#[derive(Args)]
pub(super) struct Addition {
    /// What it is called; absent, it is given a name
    name: Option<String>,
    /// Of this tenant, by id or name
    #[arg(long)]
    tenant: Option<String>,
    /// Of a serial number of this pattern, in which * stands for any characters
    #[arg(long, value_name = "PATTERN")]
    serial: Option<String>,
    /// So long, such as 15m
    #[arg(long, value_name = "DURATION")]
    fixed: Option<SignedDuration>,
    /// At least so long, each its own time
    #[arg(long, value_name = "DURATION", requires = "to")]
    from: Option<SignedDuration>,
    /// At most so long
    #[arg(long, value_name = "DURATION", requires = "from")]
    to: Option<SignedDuration>,
    /// What is drawn from: the same seed draws the same
    #[arg(long, requires = "from")]
    seed: Option<u64>,
    /// Until they were asked for so many times
    #[arg(long, value_name = "NUMBER")]
    after_polls: Option<u64>,
    /// For ever
    #[arg(long)]
    never: bool,
}

pub(super) async fn run(director: &Director, action: Action) -> anyhow::Result<()> {
    const DELAYS: &str = "/rehearsal/delays";
    match action {
        Action::Add(addition) => {
            let made = director.post(DELAYS, &addition.rule()).await?;
            director.show_rows(&made, &json!([made]), line)
        }
        Action::List => {
            let answer = director.get(DELAYS).await?;
            director.show_rows(&answer, &answer["delays"], line)
        }
        Action::Delete { name } => {
            let answer = director.delete(&path_to(DELAYS, &name)).await?;
            director.show(&answer)
        }
        Action::Clear => director.show(&director.delete(DELAYS).await?),
    }
}

impl Addition {
    /// The rule as the server reads it.
    fn rule(&self) -> Value {
        let when = present([
            ("tenant", json!(self.tenant)),
            ("serial", json!(self.serial)),
        ]);
        let range = self.from.map(|from| {
            present([
                ("from", json!(from)),
                ("to", json!(self.to)),
                ("seed", json!(self.seed)),
            ])
        });
        json!(present([
            ("name", json!(self.name)),
            ("when", json!(when)),
            ("fixed", json!(self.fixed)),
            ("range", json!(range)),
            ("after_polls", json!(self.after_polls)),
            ("never", json!(self.never.then_some(true))),
        ]))
    }
}

/// A delay in a line.
pub(super) fn line(delay: &Value) -> String {
    let name = delay["name"].as_str().unwrap_or_default();
    let mut rest = delay.clone();
    if let Some(members) = rest.as_object_mut() {
        members.remove("name");
    }
    format!("{name}: {rest}")
}
