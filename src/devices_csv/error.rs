//! What can be wrong with a device CSV, in sentences that say where.

use std::{fmt, io};

use super::{Column, MAX_FIELD_BYTES};

/// How many characters of a file's text a message quotes at most.
const QUOTED_CHARS: usize = 64;

/// Why a file can't be read as a device CSV at all.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// Nothing, or nothing but blank lines, stands in it.
    #[error(
        "the file is empty; its first row should name the columns: {}",
        names()
    )]
    Empty,
    /// The header names a column that no device CSV has.
    #[error(
        "row {row}, column {column}: {} is no column of a device CSV; known are {}",
        quoted(name),
        names()
    )]
    UnknownColumn {
        /// The header's row.
        row: u64,
        /// Which one, counted from 1.
        column: usize,
        /// Its name.
        name: String,
    },
    /// The header seems to hold all its names in one field.
    #[error(
        "row {row}: the columns are separated by {separator}; save the file with commas between them"
    )]
    OtherSeparator {
        /// The header's row.
        row: u64,
        /// What stands between the names, in words.
        separator: &'static str,
    },
    /// The header names a column twice.
    #[error("row {row}: the column \"{column}\" stands twice in the header; remove one")]
    RepeatedColumn {
        /// The header's row.
        row: u64,
        /// The column.
        column: Column,
    },
    /// No column says which device is meant.
    #[error(
        "row {row}: the header has neither \"{}\" nor \"{}\", so that no row can name a device",
        Column::SerialNumber,
        Column::HardwareHash
    )]
    NamesNoDevice {
        /// The header's row.
        row: u64,
    },
    /// The header could not be read.
    #[error(transparent)]
    Header(#[from] RowError),
}

impl CsvError {
    /// The same without text from the file: where a header is missing, a device's row stands there.
    #[must_use]
    pub fn redacted(self) -> Self {
        match self {
            Self::UnknownColumn { row, column, .. } => Self::UnknownColumn {
                row,
                column,
                name: "[hidden]".to_owned(),
            },
            other => other,
        }
    }
}

/// Why a row can't be read, and where it stands.
#[derive(Debug)]
pub struct RowError {
    /// The line on which the row begins; the header is line 1.
    pub row: u64,
    /// The column, where it is one column's fault: its header name, or its number where it has none.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: RowProblem,
}

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
pub enum RowProblem {
    /// The row has more or fewer fields than the header.
    #[error(
        "the header names {} and the row has {found}; look for a missing or surplus comma",
        columns(*.expected)
    )]
    ColumnCount {
        /// How many the header has.
        expected: usize,
        /// How many the row has.
        found: usize,
    },
    /// Something stands in a column that the header doesn't name.
    #[error("something stands in a column that the header does not name")]
    UnnamedColumn,
    /// A NUL character.
    #[error(
        "it holds a NUL character; if the file is UTF-16 without a byte order mark, save it as UTF-8"
    )]
    Nul,
    /// A field is longer than any can be.
    #[error(
        "the field is longer than {} KiB; look for a quotation mark that is never closed",
        MAX_FIELD_BYTES / 1024
    )]
    FieldTooLong,
    /// The bytes stop being of the encoding that the file began in.
    #[error(
        "here the file stops being {encoding}, which it is before; two files in different encodings \
         may have been joined: save them all as UTF-8"
    )]
    MixedEncodings {
        /// The encoding until here.
        encoding: &'static str,
    },
    /// A UTF-16 file ends in the middle of a character.
    #[error("the file is UTF-16 but ends in half a character; it was cut off: copy it again")]
    OddLength,
    /// Reading failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
}

impl RowError {
    /// Whether no row can be read after it. Only the row is lost otherwise.
    pub fn is_final(&self) -> bool {
        !matches!(
            self.problem,
            RowProblem::ColumnCount { .. } | RowProblem::UnnamedColumn | RowProblem::Nul
        )
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(formatter, ", column {column}")?;
        }
        write!(formatter, ": {}", self.problem)
    }
}

impl std::error::Error for RowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source()
    }
}

/// Quotes text from a file, escaped and cut short.
pub(super) fn quoted(text: &str) -> String {
    let cut_short = text.chars().nth(QUOTED_CHARS).is_some();
    let shown = text.chars().take(QUOTED_CHARS).flat_map(char::escape_debug);
    format!(
        "\"{}{}\"",
        shown.collect::<String>(),
        if cut_short { "…" } else { "" }
    )
}

fn names() -> String {
    Column::ALL.map(Column::name).join(", ")
}

fn columns(count: usize) -> String {
    match count {
        1 => "1 column".to_owned(),
        _ => format!("{count} columns"),
    }
}
