//! Connections that only read. They see every commit that was answered, and never wait for it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use super::fault::Fault;
use crate::store::StoreError;

/// How many reads may wait for a connection: beyond it the answer is `Busy`, at once.
const WAITING: usize = 1024;

/// How many connections may search at once. The others are for reads that take no time.
const SEARCHING: usize = 2;

/// How long a search may take.
const SEARCH_LIMIT: Duration = Duration::from_secs(10);

/// After how many of the database's steps it is looked whether a search takes too long: about a
/// millisecond's worth.
const STEPS: i32 = 10_000;

/// A few read-only connections, each used by one operation at a time.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    searching: Arc<Semaphore>,
    search_limit: Duration,
}

impl Readers {
    /// Takes connections that were opened for reading.
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self {
            free: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            searching: Arc::new(Semaphore::new(SEARCHING)),
            search_limit: SEARCH_LIMIT,
        }
    }

    /// Runs a read that may go through all rows: only so many at once, and none for too long.
    pub(super) async fn search<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waiting = self.line_up()?;
        let searching = Arc::clone(&self.searching).acquire_owned().await;
        let searching = searching.map_err(|_| closed())?;
        drop(waiting);
        let limit = self.search_limit;
        self.run_on(move |connection| {
            let began = Instant::now();
            let is_over = move || began.elapsed() > limit;
            connection.progress_handler(STEPS, Some(is_over))?;
            // A panic must not leave the limit behind for whoever reads next.
            let result = panic::catch_unwind(AssertUnwindSafe(|| operation(&*connection)));
            connection.progress_handler(0, None::<fn() -> bool>)?;
            // Held until here: a caller who hangs up does not end what is still running.
            drop(searching);
            result.unwrap_or_else(|panic| panic::resume_unwind(panic))
        })
        .await
    }

    /// Runs a read on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_on(|connection| operation(connection)).await
    }

    async fn run_on<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let waiting = self.line_up()?;
        metrics::gauge!("hangar_read_queue_depth").increment(1);
        let free = Arc::clone(&self.free).acquire_owned().await;
        metrics::gauge!("hangar_read_queue_depth").decrement(1);
        drop(waiting);
        let free = free.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = taken else {
                return Err(StoreError::Backend("no connection to read with".to_owned()));
            };
            // A panic is a fault of ours; the connection outlives it, or reading would end with the
            // last one.
            let result = panic::catch_unwind(AssertUnwindSafe(|| operation(&mut connection)))
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

    /// Takes a place among those who wait for a connection.
    fn line_up(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.waiting.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => StoreError::Busy,
            TryAcquireError::Closed => closed(),
        })
    }

    /// Refuses further reads and closes what is idle.
    pub(super) fn close(&self) {
        self.waiting.close();
        self.searching.close();
        self.free.close();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
         SELECT count(*) FROM n";

    fn readers(count: usize, search_limit: Duration) -> Readers {
        let open = |_| Connection::open_in_memory().unwrap();
        Readers {
            search_limit,
            ..Readers::new((0..count).map(open).collect())
        }
    }

    fn number(connection: &Connection, sql: &str) -> Result<i64, Fault> {
        Ok(connection.query_row(sql, [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_search_that_takes_too_long_is_ended_and_leaves_no_trace() {
        let readers = readers(1, Duration::from_millis(20));
        let endless = readers.search(|connection| number(connection, ENDLESS));
        assert_eq!(endless.await, Err(StoreError::TooCostly));
        // The limit was that search's: the connection reads on without one.
        let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000)
             SELECT count(*) FROM n";
        let many = readers.run(|connection| number(connection, many));
        assert_eq!(many.await, Ok(1_000_000));
    }

    #[tokio::test]
    async fn searches_leave_connections_for_others() {
        let readers = Arc::new(readers(SEARCHING + 1, Duration::from_millis(200)));
        let mut searches = JoinSet::new();
        for _ in 0..2 * SEARCHING {
            let readers = Arc::clone(&readers);
            searches.spawn(async move {
                let search = readers.search(|connection| number(connection, ENDLESS));
                search.await
            });
        }
        while readers.searching.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let one = readers.run(|connection| number(connection, "SELECT 1"));
        assert_eq!(one.await, Ok(1));
        assert!(searches.try_join_next().is_none(), "the searches go on");
        while let Some(search) = searches.join_next().await {
            assert_eq!(search.unwrap(), Err(StoreError::TooCostly));
        }
    }
}
