//! `hangar rehearse snapshot`: worlds that are saved under a name.

use clap::Subcommand;
use serde_json::json;

use super::director::Director;
use crate::cli::print;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Save a world under a name
    Save {
        /// The name: a to z, 0 to 9 and -
        name: String,
        /// The world [default: main]
        #[arg(long)]
        world: Option<String>,
        /// Replace a snapshot that has the name
        #[arg(long)]
        replace: bool,
    },
    /// List the snapshots
    List,
    /// Put a snapshot in the place of a world. Requests wait meanwhile
    Restore {
        /// The snapshot
        name: String,
        /// The world [default: the one that the snapshot is of]
        #[arg(long)]
        world: Option<String>,
    },
    /// Delete a snapshot
    Delete {
        /// The snapshot
        name: String,
    },
}

pub(super) async fn run(director: &Director, action: Action) -> anyhow::Result<()> {
    let answer = match action {
        Action::Save {
            name,
            world,
            replace,
        } => {
            let body = json!({ "name": name, "world": world, "replace": replace });
            director.post("/rehearsal/snapshots", &body).await?
        }
        Action::List => return list(director).await,
        Action::Restore { name, world } => {
            let path = path(&name) + "/restore";
            director.post(&path, &json!({ "world": world })).await?
        }
        Action::Delete { name } => director.delete(&path(&name)).await?,
    };
    director.show(&answer)
}

fn path(name: &str) -> String {
    format!("/rehearsal/snapshots/{}", super::worlds::in_a_path(name))
}

async fn list(director: &Director) -> anyhow::Result<()> {
    let answer = director.get("/rehearsal/snapshots").await?;
    if director.as_json() {
        return director.show(&answer);
    }
    let snapshots = answer["snapshots"].as_array();
    let lines = snapshots.into_iter().flatten().map(|snapshot| {
        let word = |name: &str| snapshot[name].as_str().unwrap_or_default().to_owned();
        format!(
            "{}: of {}, saved {}, {} devices, {} imports\n",
            word("name"),
            word("world"),
            word("saved_at"),
            snapshot["devices"],
            snapshot["imports"]
        )
    });
    Ok(print(&lines.collect::<String>())?)
}
