//! `hangar migrate-data`: everything from one database into another.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Args;

use super::{
    EXIT_REFUSED, print,
    progress::{Progress, Shown},
};
use crate::{
    lifecycle::data_directory::DataDirectory,
    store::{
        self, Database,
        moving::{MoveError, Moved, ROWS_IN_A_STEP, Step},
    },
};

#[expect(clippy::doc_markdown, reason = "a person reads it as it stands")]
#[derive(Args)]
pub(super) struct MigrateDataArguments {
    /// Where everything is: sqlite://FILE or postgres://USER@HOST/NAME
    #[arg(long, value_name = "URL", required_unless_present = "from_file")]
    from: Option<String>,
    /// A file that holds --from, which other users of this machine could read
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    from_file: Option<PathBuf>,
    /// Where it goes: the other of the two. It is made if there is none; a server's database has to
    /// be there
    #[arg(long, value_name = "URL", required_unless_present = "to_file")]
    to: Option<String>,
    /// A file that holds --to
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
    /// Who signs PostgreSQL's certificate, as a PEM file; see database.tls_ca
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Rows in a step
    #[arg(long, value_name = "ROWS", default_value_t = ROWS_IN_A_STEP as u32,
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    step: u32,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

/// Moves, compares, and says what was moved.
pub(super) async fn run(arguments: MigrateDataArguments) -> Result<ExitCode> {
    let from = arguments.database(arguments.from.as_ref(), arguments.from_file.as_deref())?;
    let to = arguments.database(arguments.to.as_ref(), arguments.to_file.as_deref())?;
    let _kept_out = (keep_servers_out(&from)?, keep_servers_out(&to)?);
    let shown = if arguments.quiet {
        Shown::No
    } else {
        Shown::Yes
    };
    let progress = Progress::new(shown);
    let rows_in_a_step = usize::try_from(arguments.step).unwrap_or(ROWS_IN_A_STEP);
    let notice = |step: Step<'_>| match step {
        Step::Told(sentence) => progress.tell(sentence),
        Step::Begun(what) => progress.begin(what),
        Step::Built { done, whole } => progress.show_steps(done, whole),
        Step::Rows {
            done,
            whole,
            of_this_run,
        } => progress.show(done, whole, usize::try_from(of_this_run).unwrap_or(0)),
    };
    let moved = store::move_data(&from, &to, rows_in_a_step, &notice).await;
    progress.end();
    match moved {
        Ok(moved) => {
            print(&report(&moved))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(MoveError::Differs(sentences)) => {
            let mut stderr = io::stderr().lock();
            // Without a standard error stream the exit code must do.
            let _ = sentences
                .iter()
                .try_for_each(|sentence| writeln!(stderr, "hangar: {sentence}"));
            Ok(ExitCode::from(EXIT_REFUSED))
        }
        Err(error) => Err(error.into()),
    }
}

impl MigrateDataArguments {
    fn database(&self, url: Option<&String>, file: Option<&Path>) -> Result<Database> {
        let url = match (url, file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => {
                let read = fs::read_to_string(file);
                let read = read.with_context(|| format!("{} can't be read", file.display()))?;
                read.trim().to_owned()
            }
            (None, None) => String::new(),
        };
        Ok(Database {
            tls_ca: self.tls_ca.clone(),
            ..Database::at(url)
        })
    }
}

/// Keeps servers from the data directory in which a file is, if it is in one.
fn keep_servers_out(database: &Database) -> Result<Option<DataDirectory>> {
    let directory = store::file_of(&database.url).and_then(Path::parent);
    let Some(directory) = directory else {
        return Ok(None);
    };
    Ok(DataDirectory::keep_servers_out(directory)?)
}

fn report(moved: &Moved) -> String {
    let rows: u64 = moved.tables.iter().map(|table| table.rows).sum();
    let mut text = if moved.was_over {
        format!("All {rows} rows had been moved already, and are the same on both sides:\n")
    } else {
        format!("All {rows} rows are moved, and are the same on both sides:\n")
    };
    for table in &moved.tables {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "{:>12} {:18} SHA-256 {}",
            table.rows, table.table, table.digest
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::moving::Verified;

    #[test]
    fn the_report_counts_and_digests() {
        let moved = |was_over| Moved {
            tables: vec![Verified {
                table: "import",
                rows: 3,
                digest: "ab".to_owned(),
            }],
            was_over,
        };
        assert_eq!(
            report(&moved(false)),
            "All 3 rows are moved, and are the same on both sides:\n           3 import             SHA-256 ab\n"
        );
        assert!(report(&moved(true)).contains("already"));
    }
}
