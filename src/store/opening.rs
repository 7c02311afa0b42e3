//! How a database is opened, and why it was not: what the backends have in common.

use std::{io, path::PathBuf};

/// What made a database; a server opens only its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// `hangar serve`.
    Production,
    /// `hangar serve --dev`, whose tokens anybody can make.
    Development,
    /// `hangar serve --rehearse`, whose time, rows and answers are whatever a test wants.
    Rehearsal,
}

impl DatabaseKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
            Self::Rehearsal => "rehearsal",
        }
    }
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub enum Opening {
    /// For serving: made if there is none, and of this kind only.
    Serve(DatabaseKind),
    /// For an administrator: it must exist; either kind.
    Administer,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none, and none was to be made.
    #[error("there is no database at {0}; start `hangar serve` on this data directory first")]
    Absent(PathBuf),
    /// It was made by the other kind of server.
    #[error("the database at {path} was made by {made_by} and does not open in {opened_by}: use another data directory (--data-dir)", made_by = command(made_by), opened_by = command(opened_by))]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        made_by: String,
        /// What was to open it.
        opened_by: String,
    },
    /// A newer program has changed its schema.
    #[error(
        "the database at {path} has schema version {found}, newer than this program's {known}: use the program that wrote it, or a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older program made it, and this one has not served on it yet.
    #[error(
        "the database at {path} has schema version {found}, older than this program's {known}: start this program's `hangar serve` on it first, or use the program that wrote it"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It is somebody else's.
    #[error(
        "the file at {0} is a database, but not Hangar's: use another data directory (--data-dir)"
    )]
    NotOurs(PathBuf),
    /// Somebody else has it open, where one must have it alone.
    #[error(
        "the database at {0} is in use: stop the `hangar serve` that has it open, or wait for the command that reads it"
    )]
    InUse(PathBuf),
    /// A move into it has not ended.
    #[error(
        "the database {0} holds half of a move: start its `hangar migrate-data` again and let it end, or make the database anew"
    )]
    HalfMoved(String),
    /// The file system refuses.
    #[error("{path} can't be opened: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The database refuses.
    #[error("the database at {path} can't be opened: {error}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: String,
    },
    /// The settings name a database that this program can't use.
    #[error("database.url must be sqlite://PATH or postgres://USER@HOST/NAME, not {0}")]
    Scheme(String),
    /// A database server can't be used as it is.
    #[error("the database {place} {reason}")]
    Server {
        /// Which, without its password.
        place: String,
        /// Why, as the rest of a sentence.
        reason: String,
    },
}

fn command(kind: &str) -> &'static str {
    match kind {
        "development" => "`hangar serve --dev`",
        "rehearsal" => "`hangar serve --rehearse`",
        _ => "`hangar serve` without --dev",
    }
}
