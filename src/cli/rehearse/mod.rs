//! `hangar rehearse`: directs a rehearsal by the routes that its server has under `/rehearsal`. What
//! each does is told there; here is only what a person types.

mod clock;
mod delay;
mod director;
mod fault;
mod journal;
mod recipe;
mod run;
mod seed;
mod snapshot;
mod worlds;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use uuid::Uuid;

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
    /// Run a command beside a server of its own, and say what the command could do better
    ///
    /// The server is on free ports and keeps a database that goes with it. The command finds it by
    /// the variables `HANGAR_URL` (https), `HANGAR_HTTP_URL`, `HANGAR_CA`, `HANGAR_ADMIN_URL`,
    /// `HANGAR_TENANT` and `HANGAR_TOKEN`, the token of the tenant's administrator; another tenant
    /// and its token are in `HANGAR_OTHER_TENANT` and `HANGAR_OTHER_TOKEN`. Settings are taken from
    /// the environment, as by `hangar serve`. Exits as the command does.
    Run(run::RunArguments),
    /// List the requests that were made, or forget them
    Requests(journal::RequestsArguments),
    /// Hold something to be true of the requests that were made; exits with 1 where it is not
    Assert(journal::AssertArguments),
    /// Say what the callers could do better
    Report,
    /// Say which rule was behind an answer, by its request-id header
    Explain {
        /// What the header says
        request_id: Uuid,
    },
    /// Save a world under a name, and put it back.
    Snapshot {
        #[command(subcommand)]
        action: snapshot::Action,
    },
    /// Make a world of one's own: a copy with new tenants, a ledger of its own, and tokens.
    ///
    /// Prints lines for a shell: `eval "$(hangar rehearse fork pr-17)"` sets `HANGAR_WORLD`,
    /// `HANGAR_TENANT` and `HANGAR_TOKEN` for the first tenant, and the same with a name behind it for
    /// each, such as `HANGAR_TOKEN_FABRIKAM`; `HANGAR_APP_TOKEN` is an application's.
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

pub(super) async fn run(arguments: RehearseArguments) -> anyhow::Result<ExitCode> {
    let director = arguments.director.director()?;
    match arguments.action {
        Action::Run(arguments) => return run::run(arguments).await,
        Action::Clock { action } => clock::run(&director, action).await?,
        Action::Requests(arguments) => journal::requests(&director, arguments).await?,
        Action::Assert(arguments) => return journal::assert(&director, arguments).await,
        Action::Report => journal::report(&director).await?,
        Action::Explain { request_id } => journal::explain(&director, request_id).await?,
        Action::Fault { action } => fault::run(&director, action).await?,
        Action::Delay { action } => delay::run(&director, action).await?,
        Action::Recipe(arguments) => recipe::run(&director, arguments).await?,
        Action::Snapshot { action } => snapshot::run(&director, action).await?,
        Action::Fork(arguments) => worlds::fork(&director, arguments).await?,
        Action::Worlds { action } => worlds::run(&director, action).await?,
        Action::Reset(arguments) => worlds::reset(&director, arguments).await?,
        Action::Seed(arguments) => seed::load(&director, arguments).await?,
        Action::Export(arguments) => seed::export(&director, arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}
