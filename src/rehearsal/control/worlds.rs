//! The routes of the worlds. What changes one is done to its end, also where whoever asked for it has
//! hung up.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, Control, Performing, Problem};
use crate::rehearsal::worlds::{MAIN, NewFork, Source, Taken, seed::Seed};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fork {
    name: String,
    world: Option<String>,
    snapshot: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    name: String,
    world: Option<String>,
    #[serde(default)]
    replace: bool,
}

/// What may be said of which world is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    world: Option<String>,
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn controls() -> Vec<Control> {
    vec![
        Control {
            method: Method::GET,
            path: "/rehearsal/worlds",
            summary: "The worlds and their tenants: the first, `main`, and the forks.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_nothing()?;
                    told(&json!({ "worlds": rehearsal.worlds.list().await? }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/worlds",
            summary: "Makes a fork of a world (`main` by default) or of a snapshot: a copy with tenants and a ledger of its own. The answer has a token of each tenant's administrator and of an application, valid for an hour of the rehearsal's clock.",
            body: Some(|| {
                object(
                    &json!({ "name": name(), "world": name(), "snapshot": name() }),
                    &["name"],
                )
            }),
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_no_query()?;
                    let new = new_fork(asked.read()?)?;
                    told(&rehearsal.worlds.fork(new).await?)
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/worlds/{world}",
            summary: "Deletes a fork. Its tokens are worth nothing from then on.",
            body: None,
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_nothing()?;
                    let name = asked.name()?;
                    rehearsal.worlds.delete(name).await?;
                    Ok(json!({ "deleted": name }))
                })
            },
        },
        Control {
            method: Method::GET,
            path: "/rehearsal/snapshots",
            summary: "The snapshots, in the order in which they were saved.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_nothing()?;
                    told(&json!({ "snapshots": rehearsal.worlds.snapshots() }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/snapshots",
            summary: "Saves a world (`main` by default) under a name. With `replace`, a snapshot that has the name gives way.",
            body: Some(|| {
                object(
                    &json!({ "name": name(), "world": name(), "replace": { "type": "boolean" } }),
                    &["name"],
                )
            }),
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_no_query()?;
                    let Save {
                        name,
                        world,
                        replace,
                    } = asked.read()?;
                    let world = world.as_deref().unwrap_or(MAIN);
                    let taken = if replace { Taken::Replace } else { Taken::Keep };
                    told(&rehearsal.worlds.save(world, &name, taken).await?)
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/snapshots/{snapshot}/restore",
            summary: "Puts a snapshot in the place of a world: of the one that it is of, or of `world`. Requests wait meanwhile.",
            body: Some(|| object(&json!({ "world": name() }), &[])),
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_no_query()?;
                    let Where { world } = asked.read_if_any()?;
                    let restored = rehearsal.worlds.restore(asked.name()?, world.as_deref());
                    told(&restored.await?)
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/snapshots/{snapshot}",
            summary: "Deletes a snapshot. The worlds that were made of it stay.",
            body: None,
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_nothing()?;
                    let name = asked.name()?;
                    rehearsal.worlds.delete_snapshot(name).await?;
                    Ok(json!({ "deleted": name }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/reset",
            summary: "Empties a world. Without `world` everything is as in a new rehearsal: the worlds, the rules, the journal and the clock; snapshots stay.",
            body: Some(|| object(&json!({ "world": name() }), &[])),
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    asked.take_no_query()?;
                    let Where { world } = asked.read_if_any()?;
                    match &world {
                        Some(world) => rehearsal.worlds.reset(world).await?,
                        None => rehearsal.reset().await?,
                    }
                    Ok(json!({ "reset": world.as_deref().unwrap_or("everything") }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/seed",
            summary: "Loads a seed file, in YAML or JSON, into a world (`?world=`, `main` by default): all of it, or nothing.",
            body: Some(|| json!({ "type": "object" })),
            perform: |rehearsal, asked| {
                to_its_end(async move {
                    let world = asked.parameter("world")?;
                    let seed = tokio::task::spawn_blocking(move || Seed::read(&asked.body));
                    let seed = seed
                        .await
                        .map_err(|error| Problem::failed(error.to_string()))??;
                    let world = world.as_deref().unwrap_or(MAIN);
                    told(&rehearsal.worlds.seed(world, seed).await?)
                })
            },
        },
        Control {
            method: Method::GET,
            path: "/rehearsal/export",
            summary: "A world (`?world=`, `main` by default) as a seed file of which an equal one comes.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    let world = asked.parameter("world")?;
                    let world = world.as_deref().unwrap_or(MAIN);
                    told(&rehearsal.worlds.export(world).await?)
                })
            },
        },
    ]
}

impl Asked {
    fn take_nothing(&self) -> Result<(), Problem> {
        self.take_no_body()?;
        self.take_no_query()
    }

    /// What the path names.
    fn name(&self) -> Result<&str, Problem> {
        let name = self.names.first().map(String::as_str);
        name.ok_or_else(|| Problem::bad("a name is missing"))
    }
}

fn new_fork(asked: Fork) -> Result<NewFork, Problem> {
    let source = match (asked.world, asked.snapshot) {
        (Some(_), Some(_)) => {
            let told = "a fork is made of a world or of a snapshot, not of both";
            return Err(Problem::bad(told).of("snapshot"));
        }
        (world, None) => Source::World(world.unwrap_or_else(|| MAIN.to_owned())),
        (None, Some(snapshot)) => Source::Snapshot(snapshot),
    };
    Ok(NewFork {
        name: asked.name,
        source,
    })
}

/// Does it on a thread of its own, which nobody ends by hanging up: a world that is being replaced is
/// never left in the middle.
fn to_its_end(work: impl Future<Output = Result<Value, Problem>> + Send + 'static) -> Performing {
    Box::pin(async move {
        let runtime = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || runtime.block_on(work));
        let done = done.await;
        done.unwrap_or_else(|error| Err(Problem::failed(error.to_string())))
    })
}

fn told(what: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(what).map_err(|error| Problem::failed(error.to_string()))
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
