//! `hangar rehearse seed` and `export`: worlds as files.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::{director::Director, worlds::in_a_path};
use crate::cli::print;

#[derive(Args)]
pub(super) struct SeedArguments {
    /// The file, in YAML or JSON; - for the standard input
    file: PathBuf,
    /// The world [default: main]
    #[arg(long)]
    world: Option<String>,
}

#[derive(Args)]
pub(super) struct ExportArguments {
    /// The world [default: main]
    #[arg(long)]
    world: Option<String>,
}

pub(super) async fn load(director: &Director, arguments: SeedArguments) -> anyhow::Result<()> {
    let content = read(&arguments.file)?;
    let path = at("/rehearsal/seed", arguments.world);
    director.show(&director.post_file(&path, content).await?)
}

pub(super) async fn export(director: &Director, arguments: ExportArguments) -> anyhow::Result<()> {
    let path = at("/rehearsal/export", arguments.world);
    let seed: Value = director.get(&path).await?;
    Ok(print(&(serde_json::to_string_pretty(&seed)? + "\n"))?)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut content = Vec::new();
        io::stdin().read_to_end(&mut content)?;
        return Ok(content);
    }
    fs::read(file).with_context(|| format!("{} can't be read", file.display()))
}

fn at(path: &str, world: Option<String>) -> String {
    match world {
        Some(world) => format!("{path}?world={}", in_a_path(&world)),
        None => path.to_owned(),
    }
}
