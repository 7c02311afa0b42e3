//! What `hangar import` takes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::report::ReportFormat;
use crate::{
    cli::{new_file::beside, server::ServerArguments},
    domain::registration::HashValidation,
};

#[derive(Args)]
pub(in crate::cli) struct ImportArguments {
    /// The CSV file
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) server: ServerArguments,
    /// Check the rows and send nothing; no server is needed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not wait until the server has decided each row
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) no_wait: bool,
    /// How long to wait for the server's decisions
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub(super) wait_timeout: SignedDuration,
    /// Write what became of each row to this file
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// The report's form [default: what its name ends in, else csv]
    #[arg(long, value_enum, requires = "report")]
    pub(super) report_format: Option<ReportFormat>,
    /// Where to keep what was sent [default: beside the report, else beside the file]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Rows in a call
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) chunk: u16,
    /// Calls at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) connections: u16,
    /// How strictly hashes are checked before sending
    #[arg(long, value_enum, default_value_t = Strictness::Strict)]
    hash_validation: Strictness,
    /// Show no progress
    #[arg(long)]
    pub(super) quiet: bool,
}

/// As the service's setting `registration.hash_validation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Strictness {
    /// Rows that a strict service would refuse are not sent.
    Strict,
    /// Rows are sent with whatever hash they have.
    Lenient,
}

impl ImportArguments {
    /// Where the journal is.
    pub(super) fn journal_path(&self) -> PathBuf {
        match (&self.journal, &self.report) {
            (Some(path), _) => path.clone(),
            (None, Some(report)) if !is_special(report) => beside(report, ".journal"),
            (None, _) => beside(&self.file, ".hangar-journal"),
        }
    }

    /// How strictly hashes are checked.
    pub(super) fn validation(&self) -> HashValidation {
        match self.hash_validation {
            Strictness::Strict => HashValidation::Strict,
            Strictness::Lenient => HashValidation::Lenient,
        }
    }
}

/// Beside a device or a pipe is no place for a file.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file())
}
