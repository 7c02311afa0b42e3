//! From rusqlite's errors to the store's.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

/// Why an operation failed inside its transaction.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(Error),
    Store(StoreError),
    /// It broke off between its writes. What it has written must be undone.
    Torn(StoreError),
}

impl Fault {
    /// The fault of an operation that has written something already.
    pub(super) fn torn(error: &Error) -> Self {
        Self::Torn(store_error(error))
    }
}

impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Store(StoreError::Corrupt(error.to_string()))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sqlite(error) => store_error(&error),
            Fault::Store(error) | Fault::Torn(error) => error,
        }
    }
}

/// Tells a database that can't be used now from one that is broken, and both from faults of ours.
pub(super) fn store_error(error: &Error) -> StoreError {
    let text = error.to_string();
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            // A damaged file is no single row's fault: no import may be refused for it.
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase => StoreError::Unavailable(text),
            // Only a query that takes too long is interrupted.
            ErrorCode::OperationInterrupted => StoreError::TooCostly,
            _ => StoreError::Backend(text),
        },
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..) => StoreError::Corrupt(text),
        _ => StoreError::Backend(text),
    }
}

/// Whether this is a violated uniqueness.
pub(super) fn is_taken(error: &Error) -> bool {
    matches!(
        error.sqlite_error(),
        Some(failure) if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            || failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        store_error(&Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
    }

    #[test]
    fn trouble_with_the_file_is_nobodys_fault() {
        use rusqlite::ffi;
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
        ] {
            assert!(matches!(of(code), StoreError::Unavailable(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_MISMATCH), StoreError::Backend(_)));
    }

    #[test]
    fn a_row_that_makes_no_sense_is_corrupt() {
        let error = Error::IntegralValueOutOfRange(3, 1 << 40);
        assert!(matches!(store_error(&error), StoreError::Corrupt(_)));
    }
}
