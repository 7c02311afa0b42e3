//! `hangar rehearse`: directs a rehearsal by the routes that its server has under `/rehearsal`. What
//! each does is told there; here is only what a person types.

mod clock;
mod director;

use clap::{Args, Subcommand};

use self::director::DirectorArguments;

#[derive(Args)]
pub(super) struct RehearseArguments {
    #[command(flatten)]
    director: DirectorArguments,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Look at the server's clock, or move it.
    Clock {
        #[command(subcommand)]
        action: clock::Action,
    },
}

pub(super) async fn run(arguments: RehearseArguments) -> anyhow::Result<()> {
    let director = arguments.director.director()?;
    match arguments.action {
        Action::Clock { action } => clock::run(&director, action).await,
    }
}
