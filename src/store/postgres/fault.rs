//! From the driver's errors to the store's: what is known of the outcome, and what may be tried
//! again.

use std::time::Duration;

use tokio_postgres::{
    Error,
    error::{DbError, Severity, SqlState},
};

use crate::store::StoreError;

/// Why an operation failed, before it is said whether it is tried again.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing was written, and the same may succeed at once.
    Again(String),
    /// Nothing was written, as somebody else wrote the same first. It may be seen now.
    Rival(String),
    /// It may have been written, or not.
    Doubtful(String),
    /// It was written, but the database could not promise that it stays.
    Unconfirmed(String),
    /// Anything else.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why a statement has no answer that is of use.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server or the driver says why.
    Told(Error),
    /// Nothing was said within this time.
    Silent(Duration),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// The fault of a statement inside a transaction that has not been committed.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        uncommitted(&error)
    }
}

/// The same, of one that may have been met with silence.
impl From<Failed> for Fault {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Told(error) => uncommitted(&error),
            // It would be as silent again.
            Failed::Silent(limit) => StoreError::Unavailable(silence(limit)).into(),
        }
    }
}

/// In words, that nothing was said within this time.
pub(super) fn silence(limit: Duration) -> String {
    format!("no answer within {} s", limit.as_secs_f32().ceil())
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again(why) => Self::Unavailable(why),
            Fault::Rival(why) => Self::Backend(why),
            Fault::Doubtful(why) | Fault::Unconfirmed(why) => Self::Unknown(why),
            Fault::Store(error) => error,
        }
    }
}

/// What an error means where nothing is committed yet.
fn uncommitted(error: &Error) -> Fault {
    let text = text_of(error);
    let Some(code) = error.code() else {
        return match kind_of(error) {
            Kind::Value => Fault::Store(StoreError::Corrupt(text)),
            Kind::Connection => Fault::Again(text),
        };
    };
    if is_severed(error) || is_transient(code) {
        return Fault::Again(text);
    }
    if *code == SqlState::UNIQUE_VIOLATION {
        return Fault::Rival(text);
    }
    Fault::Store(lasting(code, text))
}

/// What an error means where a commit was on its way.
pub(super) fn committing(error: &Error) -> Fault {
    // An error, unlike the end of the connection, means that all was rolled back.
    if error.code().is_some() && !is_severed(error) {
        return uncommitted(error);
    }
    match kind_of(error) {
        Kind::Value => uncommitted(error),
        Kind::Connection => Fault::Doubtful(text_of(error)),
    }
}

/// What stands in the way for longer than a moment.
fn lasting(code: &SqlState, text: String) -> StoreError {
    match code.code().get(..2) {
        // No room, no memory, no rights, read-only, not accepting connections, disk trouble.
        Some("53" | "58" | "28") => StoreError::Unavailable(text),
        _ if is_elsewhere(code) => StoreError::Unavailable(text),
        // A damaged page or index is no single row's fault: no import may be refused for it.
        _ if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::Unavailable(text)
        }
        _ => StoreError::Backend(text),
    }
}

/// The server can't write, or is not the one that may.
fn is_elsewhere(code: &SqlState) -> bool {
    *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::INSUFFICIENT_PRIVILEGE
        || *code == SqlState::INVALID_CATALOG_NAME
        // Somebody holds what this needs for too long.
        || *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::QUERY_CANCELED
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

fn is_transient(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::CANNOT_CONNECT_NOW
        || *code == SqlState::ADMIN_SHUTDOWN
        || *code == SqlState::CRASH_SHUTDOWN
        || code.code().starts_with("08")
}

/// Whether the server ended the connection with this error.
fn is_severed(error: &Error) -> bool {
    let severity = error.as_db_error().and_then(DbError::parsed_severity);
    matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

/// What the error of a search means: one that takes too long would do so again.
pub(super) fn of_search(failed: Failed) -> Fault {
    match failed {
        Failed::Told(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
            StoreError::TooCostly.into()
        }
        failed => failed.into(),
    }
}

/// Whether what an error says may be put right while a server waits: no room, no right, not the
/// server that may write.
pub(super) fn may_pass(error: &Error) -> bool {
    !matches!(
        uncommitted(error),
        Fault::Store(StoreError::Backend(_) | StoreError::Corrupt(_))
    )
}

/// Whether connecting failed because the server is not there just now.
pub(super) fn from_connecting(error: &Error) -> bool {
    error.code().is_none_or(is_transient)
}

/// Whether the connection that met this error is of any more use.
pub(super) fn ends_connection(error: &Error) -> bool {
    match error.code() {
        // A server that may not write any more may not be the right one any more.
        Some(code) => is_severed(error) || *code == SqlState::READ_ONLY_SQL_TRANSACTION,
        None => matches!(kind_of(error), Kind::Connection),
    }
}

enum Kind {
    /// A value could not be read or written.
    Value,
    /// Anything that is no answer of the server.
    Connection,
}

/// The driver names its kinds only in words.
fn kind_of(error: &Error) -> Kind {
    let text = error.to_string();
    let is_value = text.starts_with("error deserializing column")
        || text.starts_with("invalid column")
        || text.starts_with("error serializing parameter")
        || text.starts_with("query returned an unexpected number of rows");
    if is_value {
        Kind::Value
    } else {
        Kind::Connection
    }
}

/// The error in words without values: a constraint's detail names keys that a client sent.
pub(super) fn text_of(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Says that something read can't be right.
pub(super) fn corrupt(what: &str) -> Fault {
    Fault::Store(StoreError::Corrupt(what.to_owned()))
}
