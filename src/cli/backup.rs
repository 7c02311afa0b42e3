//! `hangar backup`: a copy of the database, while a server may write to it.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use secrecy::ExposeSecret as _;

use super::{SettingsArguments, check, print};
use crate::{
    config::Settings,
    lifecycle::whole_file::{Existing, WholeFile},
    store,
};

#[derive(Args)]
pub(super) struct BackupArguments {
    /// Where the copy goes. To restore it, start a server on it: put it into an empty data
    /// directory as hangar.db, or name it with --database-url
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    settings: SettingsArguments,
}

/// Copies, looks the copy over, and gives it its name only if it is sound.
pub(super) fn run(arguments: BackupArguments) -> anyhow::Result<()> {
    let settings = Settings::unjudged(&arguments.settings.sources()?)?;
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    let copy = WholeFile::begin(&arguments.file, existing)?;
    let url = settings.database.url.expose_secret();
    let seen = store::back_up(url, copy.temporary_path())?;
    let file = arguments.file.display();
    if !seen.is_sound() {
        bail!(
            "the copy is not sound, so {file} was not written:\n{}Look at the database itself with `hangar check`.",
            check::listing(&seen.findings)
        );
    }
    copy.finish()?;
    print(&format!(
        "{file} holds {} imports and {} devices, and is sound.\n",
        seen.imports, seen.devices
    ))?;
    Ok(())
}
