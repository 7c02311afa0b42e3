//! The tasks of a store: those that drive its connections, gather and listen. They end with it.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::{AbortHandle, JoinSet};

/// Tasks that end together.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Starts a task on the caller's runtime.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of connections that were closed long since.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    /// Ends all tasks where they stand. Some hold what holds them, and would never end else.
    pub(super) fn end(&self) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(std::mem::take(&mut *tasks));
    }
}
