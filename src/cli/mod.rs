//! What a person can type, a file a command. Settings and their flags are `config`'s; only this
//! room prints to the standard output.

mod backup;
mod check;
mod config;
mod export;
mod hash;
mod import;
mod ledger;
mod manual;
mod migrate_data;
mod new_file;
mod progress;
mod rehearse;
pub mod serve;
mod server;
mod tenant;
mod token;
mod trust;
mod welcome;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use secrecy::ExposeSecret as _;

use crate::{
    config::{DatabasePooling, Flags, Mode, Problems, Settings, Sources},
    lifecycle::SystemClock,
    store,
};

/// The exit code of a command that ran and has bad news: what it was given is refused, or what it
/// looked at is not sound.
const EXIT_REFUSED: u8 = 1;

/// The exit code of a command that could not run.
const EXIT_COULD_NOT_RUN: u8 = 2;

/// A self-hosted, Microsoft Graph compatible Windows Autopilot registration service.
#[derive(Parser)]
#[command(name = "hangar", version, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service.
    ///
    /// Settings come from the file given with --config, from environment variables, and from flags,
    /// in rising order. `hangar config example` explains them all.
    Serve(ServeArguments),
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        action: config::Action,
    },
    /// Print a token of the development authority.
    ///
    /// It is signed with the key in the data directory of `hangar serve --dev`; no server is asked.
    Token(token::TokenArgs),
    /// Say how clients come to trust the certificates of `serve --dev`.
    Trust(trust::TrustArguments),
    /// Register the devices of a CSV file, each exactly once, at any Graph server.
    ///
    /// Exits with 0 when all are registered, with 1 when some are not, with 2 when it could not run,
    /// and with 130 when Ctrl-C stopped it. An import that was stopped goes on when the same
    /// command is started again.
    Import(Box<import::ImportArguments>),
    /// Write the devices or the imports of any Graph server to a file.
    Export(export::ExportArguments),
    /// Direct a server that was started with --rehearse: its clock, its worlds, and what happened.
    Rehearse(rehearse::RehearseArguments),
    /// Look up who owns which hardware, and release it.
    Ledger {
        #[command(subcommand)]
        action: ledger::Action,
    },
    /// Look at hardware hashes: what one says, whether two are of one device; or make some.
    Hash {
        #[command(subcommand)]
        action: hash::Action,
    },
    /// List tenants, export what one has here, or delete one.
    Tenant {
        #[command(subcommand)]
        action: tenant::Action,
    },
    /// Copy the database, also while the server runs.
    ///
    /// The copy is one moment of the database and holds everything that was acknowledged before. It
    /// is looked over, synced to disk, and only then gets its name.
    Backup(backup::BackupArguments),
    /// Look the database over, also while the server runs.
    ///
    /// Looks at the file's own structure, at the schema, and at Hangar's rules: that every complete
    /// import has had its device, that no device has two owners, that the ledger and the devices
    /// agree. Ends with 0 if all is sound, with 1 if something was found, with 2 if it could not
    /// look.
    Check(check::CheckArguments),
    /// Move everything from SQLite to PostgreSQL, or back, into an empty database.
    ///
    /// Stop every `hangar serve` on both first. Rows are moved in steps, so that a move that was
    /// interrupted goes on where it was when the same command is started again; then both sides are
    /// read to their ends and compared, and only then can the target be served. Ends with 0 if all
    /// was moved and is the same, with 1 if the two differ, with 2 if it could not move.
    MigrateData(migrate_data::MigrateDataArguments),
    /// Write the manual pages to a directory.
    #[command(hide = true)]
    Man(manual::ManArguments),
    /// Print the completions of a shell.
    #[command(hide = true)]
    Completions(manual::CompletionsArguments),
}

/// What `hangar serve` takes.
#[derive(Args)]
struct ServeArguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// What a rehearsal begins with: tenants, users, profiles and devices, in YAML or JSON. Loaded
    /// into a new data directory only
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    seed: Option<PathBuf>,
    /// Say where it listens in one line of JSON, once it does, and nothing else
    #[arg(long)]
    ready_json: bool,
    /// End when the standard input does: whoever started it is gone then
    #[arg(long, hide = true)]
    end_with_stdin: bool,
}

/// Everything that has a say in the settings.
#[derive(Args)]
struct SettingsArguments {
    /// The settings file, in TOML
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// For development: brings a token authority of its own, and listens on loopback only
    #[arg(long)]
    dev: bool,
    /// For rehearsals: as --dev, with the clock, faults and snapshots under /rehearsal/ of the admin
    /// listener
    #[arg(long)]
    rehearse: bool,
    #[command(flatten)]
    flags: Flags,
}

impl SettingsArguments {
    fn mode(&self) -> Mode {
        match (self.rehearse, self.dev) {
            (true, _) => Mode::Rehearse,
            (false, true) => Mode::Dev,
            (false, false) => Mode::Serve,
        }
    }

    fn sources(self) -> Result<Sources, Problems> {
        Sources::of_process(self.config.as_deref(), self.flags)
    }
}

/// Runs the command that this process was started with.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a standard error stream the exit code must do.
            let _ = complain(&error);
            ExitCode::from(EXIT_COULD_NOT_RUN)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Serve(arguments) => serve(arguments).map(done),
        Command::Config { action } => config::run(action).map(done),
        Command::Token(arguments) => token::run(&arguments, Arc::new(SystemClock)).map(done),
        Command::Trust(arguments) => trust::run(&arguments).map(done),
        Command::Import(arguments) => on_runtime(import::run(*arguments)),
        Command::Export(arguments) => on_runtime(export::run(arguments)),
        Command::Rehearse(arguments) => on_runtime(rehearse::run(arguments)),
        Command::Ledger { action } => on_runtime(ledger::run(action)).map(done),
        Command::Hash { action } => hash::run(action, &SystemClock),
        Command::Tenant { action } => on_runtime(tenant::run(action)).map(done),
        Command::Backup(arguments) => backup::run(arguments).map(done),
        Command::Check(arguments) => check::run(arguments),
        Command::MigrateData(arguments) => on_runtime(migrate_data::run(arguments)),
        Command::Man(arguments) => manual::write_pages(Cli::command(), &arguments).map(done),
        Command::Completions(arguments) => {
            manual::print_completions(Cli::command(), &arguments).map(done)
        }
    }
}

fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    let mode = arguments.settings.mode();
    let manner = serve::Manner {
        is_ready_in_json: arguments.ready_json,
        ends_with_stdin: arguments.end_with_stdin,
        seed: arguments.seed,
    };
    let settings = Settings::load(&arguments.settings.sources()?, mode)?;
    let workers = settings.server.workers;
    on_threads(workers, serve::run(settings, mode, manner))
}

fn on_runtime<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    on_threads(None, command)
}

/// Runs a command on so many threads, or as many as there are processors.
fn on_threads<T>(
    workers: Option<usize>,
    command: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = workers {
        runtime.worker_threads(workers);
    }
    let runtime = runtime.enable_all().build()?;
    let outcome = runtime.block_on(command);
    // All that must be finished has been by now; what still blocks a thread is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

fn complain(error: &anyhow::Error) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match error.downcast_ref::<Problems>() {
        Some(problems) => problems
            .iter()
            .try_for_each(|problem| writeln!(stderr, "hangar: {problem}")),
        None => writeln!(stderr, "hangar: {error:#}"),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        let error = cause.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// The database that settings name, as the store takes it.
fn database(settings: &crate::config::Database) -> store::Database {
    store::Database {
        url: settings.url.expose_secret().to_owned(),
        pool_size: settings.pool_size,
        statement_timeout: settings.statement_timeout,
        pooling: match settings.pooling {
            DatabasePooling::Session => store::Pooling::Session,
            DatabasePooling::Transaction => store::Pooling::Transaction,
        },
        tls_ca: settings.tls_ca.clone(),
    }
}

/// Prints to the standard output.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::{Effective, Kind, Raw, SETTINGS};

    fn parsed(arguments: &[&str]) -> Result<SettingsArguments, clap::Error> {
        let line = ["hangar", "serve"].iter().chain(arguments);
        match Cli::try_parse_from(line)?.command {
            Command::Serve(arguments) => Ok(arguments.settings),
            _ => panic!("serve was typed"),
        }
    }

    /// What holds for `key` when these flags are typed.
    fn raw(arguments: &[&str], key: &str) -> Vec<String> {
        let sources = Sources {
            flags: parsed(arguments).unwrap().flags,
            ..Sources::default()
        };
        let effective = Effective::gather(&sources, Mode::Serve).unwrap();
        match effective.get(key).unwrap().raw.clone() {
            Raw::One(text) => vec![text],
            Raw::Many(texts) => texts,
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_setting_is_a_flag() {
        for setting in SETTINGS {
            let flag = format!("--{}", setting.flag());
            let typed: Vec<_> = setting
                .example
                .iter()
                .flat_map(|&value| [flag.as_str(), value])
                .collect();
            assert_eq!(raw(&typed, setting.key), setting.example, "{flag}");
        }
    }

    #[test]
    fn flags_have_short_names_and_switches_need_no_value() {
        assert_eq!(raw(&["--listen", "x"], "server.listen"), ["x"]);
        assert_eq!(raw(&["--admin-listen=y"], "server.admin_listen"), ["y"]);
        for setting in SETTINGS.iter().filter(|row| row.kind == Kind::Switch) {
            let flag = format!("--{}", setting.flag());
            assert_eq!(raw(&[&flag], setting.key), ["true"]);
            assert_eq!(raw(&[&flag, "--dev"], setting.key), ["true"]);
            assert_eq!(raw(&[&format!("{flag}=false")], setting.key), ["false"]);
        }
    }

    #[test]
    fn modes_are_flags() {
        assert_eq!(parsed(&[]).unwrap().mode(), Mode::Serve);
        assert_eq!(parsed(&["--dev"]).unwrap().mode(), Mode::Dev);
        assert_eq!(parsed(&["--rehearse"]).unwrap().mode(), Mode::Rehearse);
        let both = parsed(&["--dev", "--rehearse"]).unwrap();
        assert_eq!(both.mode(), Mode::Rehearse);
    }

    #[test]
    fn what_is_not_a_flag_is_refused() {
        for arguments in [
            &["--server-listn", "x"][..],
            &["--listen", "x", "--listen", "y"],
            &["extra"],
        ] {
            let error = parsed(arguments).err().unwrap();
            assert_eq!(error.exit_code(), i32::from(EXIT_COULD_NOT_RUN));
        }
    }

    #[test]
    fn a_service_has_the_threads_that_it_is_told() {
        let told = parsed(&["--dev", "--server-workers", "3"]).unwrap();
        let mode = told.mode();
        let settings = Settings::load(&told.sources().unwrap(), mode).unwrap();
        let counted = async { Ok(tokio::runtime::Handle::current().metrics().num_workers()) };
        assert_eq!(on_threads(settings.server.workers, counted).unwrap(), 3);
    }

    #[test]
    fn a_broken_pipe_is_seen_under_other_errors() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(
            &anyhow::Error::from(broken).context("printing")
        ));
        assert!(!is_broken_pipe(&anyhow::anyhow!("something else")));
    }
}
