//! `hangar config`: which settings hold, whether they will do, and what they could be.

use clap::Subcommand;

use super::{SettingsArguments, print, serve::listeners::certificate};
use crate::{
    config::{Effective, Settings, example, show},
    domain::clock::Clock as _,
    lifecycle::SystemClock,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Show each setting with the value that holds and where it was given; secrets are not shown.
    ///
    /// Values are shown as they were written, whether they will do or not: see `config check`.
    Show(SettingsArguments),
    /// Check the settings, and the certificate that they name, as `serve` would, without starting anything.
    Check(SettingsArguments),
    /// Print a settings file with every setting explained.
    Example,
}

pub(super) fn run(action: Action) -> anyhow::Result<()> {
    match action {
        Action::Show(arguments) => {
            let mode = arguments.mode();
            let effective = Effective::gather(&arguments.sources()?, mode)?;
            print(&show(&effective))?;
        }
        Action::Check(arguments) => {
            let mode = arguments.mode();
            let settings = Settings::load(&arguments.sources()?, mode)?;
            certificate(&settings.server, SystemClock.now())?;
            print("The settings will do.\n")?;
        }
        Action::Example => print(&example())?,
    }
    Ok(())
}
