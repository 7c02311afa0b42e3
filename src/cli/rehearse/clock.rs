//! `hangar rehearse clock`: the time of a rehearsal.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::director::Director;

#[derive(Subcommand)]
pub(super) enum Action {
    /// What it shows, how far it is ahead, and how fast it runs
    Show,
    /// Move it forward
    Advance {
        /// By how much, such as 15m or 1h30m
        by: SignedDuration,
    },
    /// Move it forward to an instant
    Set {
        /// Such as 2027-01-31T12:00:00Z
        to: Timestamp,
    },
    /// Let it run at a rate: 1 as the machine's, 60 a minute a second
    Run {
        /// How fast
        #[arg(default_value_t = 1.0)]
        rate: f64,
    },
    /// Let it stand
    Freeze,
    /// Let it show the machine's time again
    Reset,
}

pub(super) async fn run(director: &Director, action: Action) -> anyhow::Result<()> {
    let answer = match action {
        Action::Show => director.get("/rehearsal/clock").await?,
        Action::Advance { by } => {
            let body = json!({ "by": by });
            director.post("/rehearsal/clock/advance", &body).await?
        }
        Action::Set { to } => {
            let body = json!({ "to": to });
            director.post("/rehearsal/clock/set", &body).await?
        }
        Action::Run { rate } => {
            let body = json!({ "rate": rate });
            director.post("/rehearsal/clock/run", &body).await?
        }
        Action::Freeze => director.post("/rehearsal/clock/freeze", &json!({})).await?,
        Action::Reset => director.post("/rehearsal/clock/reset", &json!({})).await?,
    };
    director.show(&answer)
}
