//! The one writer: a thread that commits in groups.
//!
//! It takes what is queued, runs each operation so that it can be undone alone, commits once and
//! answers all. So a hundred callers share one sync of the disk, and none is answered before it.

mod operation;
mod waiting;

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    fault::{Fault, store_error},
    open::Opener,
    search,
};
use crate::store::StoreError;
use operation::Ended;
pub(super) use operation::{Operation, Undo, operation};
use waiting::Waiting;

/// How many operations share a commit at most.
const GROUP_OPERATIONS: usize = 256;
/// How many bytes share a commit at most, so that one group never holds the disk for long.
const GROUP_KIB: u32 = 8 * 1024;
/// How much may wait: beyond it the answer is `Busy`, at once.
const QUEUE_KIB: u32 = 64 * 1024;
/// How long nothing is indexed after a failure.
const CATCH_UP_PAUSE: Duration = Duration::from_mins(1);
/// How often an operator is told that a broken connection can't be opened again.
const REOPEN_NOTICE_PAUSE: Duration = Duration::from_millis(200);

/// Goes along with every group.
pub(super) trait Companion: Send + Sync {
    /// The writer begins, perhaps before anybody needs it.
    fn writer_begins(&self, connection: &Connection);
    /// An operation has ended: its writes are part of its group, or were rolled back.
    fn operation_ended(&self, kept: bool);
    /// What is to be done besides in the transaction of the group that has run.
    fn last_operations(&self) -> Vec<(Undo, Box<dyn Operation>)>;
    /// A group has ended: it is on disk, or was rolled back whole.
    fn group_ended(&self, kept: bool);
}

struct Job {
    operation: Box<dyn Operation>,
    undo: Undo,
    weight_kib: u32,
    _room: OwnedSemaphorePermit,
}

/// The way to the writer thread. What is sent at once is received at once.
struct Queue {
    /// Nothing once the writer is closed.
    sender: Option<Sender<Vec<Job>>>,
    /// How many callers are gathering jobs just now.
    gathering: usize,
    /// What came while somebody gathered.
    gathered: Vec<Job>,
}

impl Queue {
    /// Sends what has been gathered.
    fn flush(&mut self) {
        let jobs = std::mem::take(&mut self.gathered);
        if let (Some(sender), false) = (&self.sender, jobs.is_empty()) {
            // A thread that is gone drops the jobs, whose callers then learn that it is.
            let _ = sender.send(jobs);
        }
    }
}

/// Hands operations to the writer thread.
pub(super) struct Writer {
    queue: Mutex<Queue>,
    room: Arc<Semaphore>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on a connection that is open already.
    pub(super) fn start(
        opener: Opener,
        connection: Connection,
        companion: Arc<dyn Companion>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || WriterThread::new(opener, connection, companion).run(receiver))?;
        Ok(Self {
            queue: Mutex::new(Queue {
                sender: Some(sender),
                gathering: 0,
                gathered: Vec::new(),
            }),
            room: Arc::new(Semaphore::new(QUEUE_KIB as usize)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs an operation in the next group and answers when its commit is on disk. `weight_kib`
    /// is about how much it holds in memory; a full queue answers `Busy` at once.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        weight_kib: u32,
        operation: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_undone_by(Undo::Savepoint, weight_kib, operation)
            .await
    }

    /// The same for an operation that may need less to be undone than a savepoint.
    pub(super) async fn run_undone_by<T: Send + 'static>(
        &self,
        undo: Undo,
        weight_kib: u32,
        operation: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let weight_kib = weight_kib.clamp(1, GROUP_KIB * 4);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(weight_kib)
            .map_err(|_| StoreError::Busy)?;
        let (caller, answer) = oneshot::channel();
        let job = Job {
            operation: self::operation(operation, move |result| {
                // The caller may have gone; the outcome stands all the same.
                let _ = caller.send(result);
            }),
            undo,
            weight_kib,
            _room: room,
        };
        self.enqueue(job)?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown("the writer has stopped".to_owned())))
    }

    /// Runs `begin`, and sends the operations that are begun in it to the thread in one piece, so
    /// that they share a commit as far as a group's bounds allow. Operations of others that come
    /// meanwhile go with them; they wait no longer than `begin` takes.
    pub(super) fn together(&self, begin: &mut dyn FnMut()) {
        /// Sends the jobs also where `begin` panics.
        struct Gathering<'a>(&'a Writer);
        impl Drop for Gathering<'_> {
            fn drop(&mut self) {
                let mut queue = lock(&self.0.queue);
                queue.gathering -= 1;
                // Whoever else gathers: what waits here must not wait for them.
                queue.flush();
            }
        }
        lock(&self.queue).gathering += 1;
        let gathering = Gathering(self);
        begin();
        drop(gathering);
    }

    /// Lets the thread finish what is queued, and waits for it.
    pub(super) fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.flush();
        queue.sender = None;
        drop(queue);
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let mut queue = lock(&self.queue);
        let sender = queue.sender.as_ref().ok_or_else(closed)?;
        if queue.gathering == 0 {
            sender.send(vec![job]).map_err(|_| closed())?;
        } else {
            queue.gathered.push(job);
        }
        drop(queue);
        metrics::gauge!("hangar_write_queue_depth").increment(1);
        Ok(())
    }
}

/// Takes a lock whose holder can't leave anything half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What the thread owns.
struct WriterThread {
    opener: Opener,
    connection: Option<Connection>,
    companion: Arc<dyn Companion>,
    /// When opening failed last, and whether an operator has been told.
    broken_since: Option<Instant>,
    /// When indexing failed last.
    behind_since: Option<Instant>,
}

impl WriterThread {
    fn new(opener: Opener, connection: Connection, companion: Arc<dyn Companion>) -> Self {
        Self {
            opener,
            connection: Some(connection),
            companion,
            broken_since: None,
            behind_since: None,
        }
    }

    fn run(mut self, queue: Receiver<Vec<Job>>) {
        let mut waiting = Waiting::new(queue);
        if let Some(connection) = &self.connection {
            self.companion.writer_begins(connection);
        }
        loop {
            self.catch_up(search::BUSY);
            if !waiting.fill(|| self.catch_up(search::IDLE)) {
                return;
            }
            let group = waiting.take_group();
            metrics::gauge!("hangar_write_queue_depth")
                .decrement(u32::try_from(group.len()).unwrap_or(u32::MAX));
            self.write(group);
        }
    }

    /// Works in a part of what is behind; says whether more is left. Nobody waits for it, and nothing
    /// is lost if it fails: what is behind is looked through.
    fn catch_up(&mut self, more_than: i64) -> bool {
        let pausing = self
            .behind_since
            .is_some_and(|since| since.elapsed() < CATCH_UP_PAUSE);
        let Some(connection) = self.connection.as_ref().filter(|_| !pausing) else {
            return false;
        };
        let caught_up = search::catch_up_alone(connection, more_than);
        self.behind_since = caught_up.is_err().then(Instant::now);
        caught_up.unwrap_or_else(|error| {
            tracing::warn!(%error, "serial numbers cannot be indexed now; searching for them takes longer");
            false
        })
    }

    fn write(&mut self, group: Vec<Job>) {
        let companion = Arc::clone(&self.companion);
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => {
                refuse(group, &error);
                return;
            }
        };
        metrics::histogram!("hangar_write_group_operations")
            .record(u32::try_from(group.len()).unwrap_or(u32::MAX));
        if let Err(fault) = write_group(connection, companion.as_ref(), group) {
            // After a failed commit or sync nobody knows what the disk holds: only a connection
            // that recovers from it does.
            self.connection = None;
            if self.broken_since.is_none() {
                tracing::error!(error = %fault, "the database can't be written; writes answer 503 until it can");
            }
            self.broken_since = Some(Instant::now());
        } else if self.broken_since.take().is_some() {
            tracing::info!("the database can be written again");
        }
    }

    /// The open connection, opened anew if the last one had to be given up.
    fn connection(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.opener.reopen().map_err(|error| {
                let unavailable = StoreError::Unavailable(error.to_string());
                if self
                    .broken_since
                    .is_none_or(|since| since.elapsed() > REOPEN_NOTICE_PAUSE)
                {
                    tracing::error!(%error, "the database can't be opened again");
                    self.broken_since = Some(Instant::now());
                }
                unavailable
            })?);
        }
        self.connection
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }
}

/// Runs a group in one transaction and answers each of it. The error says that the whole group
/// failed and the connection must not be used again.
fn write_group(
    connection: &Connection,
    companion: &dyn Companion,
    mut group: Vec<Job>,
) -> Result<(), StoreError> {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        let error = store_error(&error);
        refuse(group, &error);
        return Err(error);
    }
    let mut last = Vec::new();
    let ran = group
        .iter_mut()
        .try_for_each(|job| run_operation(connection, companion, &mut *job.operation, job.undo))
        .and_then(|()| {
            last = companion.last_operations();
            last.iter_mut().try_for_each(|(undo, operation)| {
                run_operation(connection, companion, &mut **operation, *undo)
            })
        });
    let outcome = match ran {
        Ok(()) => commit(connection),
        Err(error) => {
            let _ = execute(connection, "ROLLBACK");
            Err(error)
        }
    };
    // Before anybody is answered, who may come back at once.
    companion.group_ended(outcome.is_ok());
    for (_, operation) in last {
        operation.answer(outcome.clone());
    }
    for job in group {
        job.operation.answer(outcome.clone());
    }
    outcome
}

/// Runs one operation. The error means that the transaction is lost, and with it the group.
fn run_operation(
    connection: &Connection,
    companion: &dyn Companion,
    operation: &mut dyn Operation,
    undo: Undo,
) -> Result<(), StoreError> {
    let step = |sql| execute(connection, sql).map_err(|error| store_error(&error));
    let guarded = undo == Undo::Savepoint;
    if guarded {
        step("SAVEPOINT operation")?;
    }
    let ended = operation.run(connection);
    companion.operation_ended(ended == Ended::Well);
    // A full disk or an I/O error may have rolled everything back under our feet.
    if connection.is_autocommit() {
        return Err(StoreError::Unavailable(
            "the transaction was rolled back".to_owned(),
        ));
    }
    match ended {
        Ended::Well if guarded => step("RELEASE operation"),
        Ended::Failed | Ended::Torn if guarded => {
            step("ROLLBACK TO operation")?;
            step("RELEASE operation")
        }
        Ended::Torn => Err(StoreError::Unavailable(
            "an operation of the group broke off".to_owned(),
        )),
        Ended::Well | Ended::Failed => Ok(()),
    }
}

fn commit(connection: &Connection) -> Result<(), StoreError> {
    let started = Instant::now();
    let result = execute(connection, "COMMIT");
    metrics::histogram!("hangar_write_commit_seconds").record(started.elapsed());
    result.map_err(|error| {
        let _ = execute(connection, "ROLLBACK");
        StoreError::Unknown(error.to_string())
    })
}

fn refuse(group: Vec<Job>, error: &StoreError) {
    for job in group {
        job.operation.answer(Err(error.clone()));
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
