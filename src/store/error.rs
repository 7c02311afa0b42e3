//! What may go wrong while keeping things, without a driver's types.

use crate::domain::{import::ImportId, upload::UploadId};

/// Why an operation did not happen, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Something that must be unique is there already. Nothing was written.
    #[error("{0}")]
    Conflict(Unique),
    /// Too much is queued. Nothing was written; trying again in a moment may work.
    #[error("too many operations are queued")]
    Busy,
    /// The database can't be reached or written. Nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The write may or may not have happened.
    #[error("the outcome is not known: {0}")]
    Unknown(String),
    /// What was read makes no sense.
    #[error("the database holds something that can't be right: {0}")]
    Corrupt(String),
    /// Answering would take too long. Asking again would take as long.
    #[error("the query takes too long")]
    TooCostly,
    /// Anything else, which is a fault of ours.
    #[error("the database refused an operation: {0}")]
    Backend(String),
}

impl StoreError {
    /// The word under which metrics count it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
            Self::Corrupt(_) => "corrupt",
            Self::TooCostly => "too-costly",
            Self::Backend(_) => "backend",
        }
    }
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unique {
    /// These import ids, within the tenant.
    #[error("{} import ids are taken", .0.len())]
    ImportIds(Vec<ImportId>),
    /// This upload's id, within the tenant.
    #[error("an upload's id is taken")]
    UploadId(UploadId),
}
