//! `hangar rehearse`: directs a rehearsal by the routes that its server has under `/rehearsal`. What
//! each does is told there; here is only what a person types.

mod clock;
mod delay;
mod director;
mod fault;
mod recipe;

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
    /// Let requests and imports go wrong, by rule.
    Fault {
        #[command(subcommand)]
        action: fault::Action,
    },
    /// Say how long imports wait.
    Delay {
        #[command(subcommand)]
        action: delay::Action,
    },
    /// Set up what people report of the live service.
    Recipe(recipe::RecipeArguments),
}

pub(super) async fn run(arguments: RehearseArguments) -> anyhow::Result<()> {
    let director = arguments.director.director()?;
    match arguments.action {
        Action::Clock { action } => clock::run(&director, action).await,
        Action::Fault { action } => fault::run(&director, action).await,
        Action::Delay { action } => delay::run(&director, action).await,
        Action::Recipe(arguments) => recipe::run(&director, arguments).await,
    }
}
