//! What the writer runs: operations on their way from their callers and back.

use std::panic::{self, AssertUnwindSafe};

use rusqlite::Connection;

use crate::store::{StoreError, sqlite::fault::Fault};

/// What it takes to undo an operation that fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Undo {
    /// A savepoint, for which SQLite copies every page before it changes.
    Savepoint,
    /// Nothing: unless it is torn, it fails before it writes.
    Nothing,
}

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) enum Ended {
    Well,
    Failed,
    Torn,
}

/// An operation on its way: run inside its group, then answered after the commit.
pub(in crate::store::sqlite) trait Operation: Send {
    /// Runs it.
    fn run(&mut self, connection: &Connection) -> Ended;
    /// Answers the caller. An operation that never ran is answered with the group's failure.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

/// An operation, and whom its result is told once it is on disk.
pub(in crate::store::sqlite) fn operation<T: Send + 'static>(
    run: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    tell: impl FnOnce(Result<T, StoreError>) + Send + 'static,
) -> Box<dyn Operation> {
    Box::new(Pending {
        operation: Some(run),
        result: None,
        tell,
    })
}

struct Pending<T, F, A> {
    operation: Option<F>,
    result: Option<Result<T, Fault>>,
    tell: A,
}

impl<T, F, A> Operation for Pending<T, F, A>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
    A: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, connection: &Connection) -> Ended {
        let Some(operation) = self.operation.take() else {
            return Ended::Failed;
        };
        // A panic is a fault of ours that must not take every other caller's writes with it.
        let result = panic::catch_unwind(AssertUnwindSafe(|| operation(connection)))
            .unwrap_or_else(|_| {
                Err(Fault::Torn(StoreError::Backend(
                    "an operation panicked".to_owned(),
                )))
            });
        let ended = match &result {
            Ok(_) => Ended::Well,
            Err(Fault::Torn(_)) => Ended::Torn,
            Err(_) => Ended::Failed,
        };
        self.result = Some(result);
        ended
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) => result.map_err(StoreError::from),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(StoreError::Unavailable("it was not run".to_owned())),
        };
        (self.tell)(result);
    }
}
