//! Connections that only read. They see every commit that was answered, and never wait for it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::Fault;
use crate::store::StoreError;

/// How many reads may wait for a connection: beyond it the answer is `Busy`, at once.
const WAITING: usize = 1024;

/// A few read-only connections, each used by one operation at a time.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Readers {
    /// Takes connections that were opened for reading.
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            free: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Runs a read on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = |_| StoreError::Unavailable("the store is closed".to_owned());
        let waiting = self.waiting.try_acquire().map_err(|error| match error {
            tokio::sync::TryAcquireError::NoPermits => StoreError::Busy,
            tokio::sync::TryAcquireError::Closed => {
                StoreError::Unavailable("the store is closed".to_owned())
            }
        })?;
        metrics::gauge!("hangar_read_queue_depth").increment(1);
        let free = Arc::clone(&self.free).acquire_owned().await;
        metrics::gauge!("hangar_read_queue_depth").decrement(1);
        drop(waiting);
        let free = free.map_err(closed)?;
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(connection) = taken else {
                return Err(StoreError::Backend("no connection to read with".to_owned()));
            };
            // A panic is a fault of ours; the connection outlives it, or reading would end with the
            // last one.
            let result = panic::catch_unwind(AssertUnwindSafe(|| operation(&connection)))
                .map_or_else(
                    |_| Err(StoreError::Backend("a read panicked".to_owned())),
                    |result| result.map_err(StoreError::from),
                );
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            // The permit outlives the request: a caller who hangs up does not free a connection
            // that is still reading.
            drop(free);
            result
        });
        task.await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a read was not run".to_owned())))
    }

    /// Refuses further reads and closes what is idle.
    pub(super) fn close(&self) {
        self.waiting.close();
        self.free.close();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
