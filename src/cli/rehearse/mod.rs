//! `hangar rehearse`: directs a rehearsal by the routes that its server has under `/rehearsal`. What
//! each does is told there; here is only what a person types.

mod clock;
mod director;
mod seed;
mod snapshot;
mod worlds;

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
    /// Save a world under a name, and put it back.
    Snapshot {
        #[command(subcommand)]
        action: snapshot::Action,
    },
    /// Make a world of one's own: a copy with new tenants, a ledger of its own, and tokens.
    ///
    /// Prints lines for a shell: `eval "$(hangar rehearse fork pr-17)"` sets HANGAR_WORLD,
    /// HANGAR_TENANT and HANGAR_TOKEN for the first tenant, and the same with _NAME for each, such as
    /// HANGAR_TOKEN_FABRIKAM; HANGAR_APP_TOKEN is an application's.
    Fork(worlds::ForkArguments),
    /// List the worlds and their tenants, or delete a fork.
    Worlds {
        #[command(subcommand)]
        action: Option<worlds::Action>,
    },
    /// Empty a world, or everything: the worlds, the rules, the journal and the clock. Snapshots stay.
    Reset(worlds::ResetArguments),
    /// Load a seed file into a world: all of it, or nothing.
    Seed(seed::SeedArguments),
    /// Print a world as a seed file.
    Export(seed::ExportArguments),
}

pub(super) async fn run(arguments: RehearseArguments) -> anyhow::Result<()> {
    let director = arguments.director.director()?;
    match arguments.action {
        Action::Clock { action } => clock::run(&director, action).await,
        Action::Snapshot { action } => snapshot::run(&director, action).await,
        Action::Fork(arguments) => worlds::fork(&director, arguments).await,
        Action::Worlds { action } => worlds::run(&director, action).await,
        Action::Reset(arguments) => worlds::reset(&director, arguments).await,
        Action::Seed(arguments) => seed::load(&director, arguments).await,
        Action::Export(arguments) => seed::export(&director, arguments).await,
    }
}
