//! `hangar serve`: starts every part of the service and ends them in order.

use anyhow::bail;

use crate::{
    config::{Mode, Settings},
    telemetry::logging,
};

/// Serves until the process is asked to end.
#[expect(clippy::unused_async, reason = "the listeners are not wired yet")]
pub(super) async fn run(settings: Settings, _mode: Mode) -> anyhow::Result<()> {
    logging::start(&settings.log)?;
    bail!("serving is not wired yet")
}
