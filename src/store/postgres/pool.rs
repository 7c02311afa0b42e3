//! Connections in use: borrowed from a bounded pool, with the statements that they have prepared.
//!
//! Nothing here waits for ever, but for a commit: how that ends is the database's word alone. A
//! connection whose answer nobody waits for any more is given up, so that the next one does not.

mod transaction;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts},
};
use tokio_postgres::{
    Row, Statement,
    types::{ToSql, Type},
};

pub(super) use self::transaction::Transaction;
use super::{
    connect::{Link, Target},
    fault::{self, Failed, Fault, committing, text_of},
    readiness::Readiness,
    schema::Described,
    tasks::Tasks,
};
use crate::store::{Pooling, StoreError};

/// How long an operation waits for a connection before it is told that too many do.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parameters of a statement.
pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The connections of this process.
#[derive(Clone)]
pub(super) struct Pool {
    connections: managed::Pool<Connector>,
    readiness: Arc<Readiness>,
    /// What begins a transaction.
    begin: Arc<str>,
}

impl Pool {
    pub(super) fn new(
        target: Target,
        readiness: Arc<Readiness>,
        size: usize,
        tasks: Tasks,
    ) -> Result<Self, String> {
        let timeouts = Timeouts {
            wait: Some(PATIENCE),
            // Connecting has time-outs of its own, a host each.
            create: Some(PATIENCE * 2),
            recycle: Some(PATIENCE),
        };
        let begin = target.begin().into();
        let connector = Connector {
            target,
            tasks,
            types: Arc::default(),
        };
        let pool = managed::Pool::builder(connector)
            .max_size(size)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            // The server's process that served last has all at hand that the next statement needs.
            .queue_mode(QueueMode::Lifo)
            .build();
        let connections = pool.map_err(|error| error.to_string())?;
        Ok(Self {
            connections,
            readiness,
            begin,
        })
    }

    /// What the database says of itself, once it is there.
    pub(super) async fn described(&self) -> Result<&Described, Fault> {
        self.readiness.described().await
    }

    /// A connection for one statement at a time, each of them a transaction.
    pub(super) async fn get(&self) -> Result<Session, Fault> {
        self.described().await?;
        match self.connections.get().await {
            Ok(connection) => Ok(Session(connection)),
            Err(PoolError::Timeout(managed::TimeoutType::Wait)) => Err(StoreError::Busy.into()),
            Err(PoolError::Closed) => Err(closed().into()),
            Err(PoolError::Timeout(_)) => {
                Err(StoreError::Unavailable("no connection in time".to_owned()).into())
            }
            Err(PoolError::Backend(error)) => {
                let text = text_of(&error);
                // A server that starts, ends or moves is worth another try; a wrong password isn't.
                if fault::from_connecting(&error) {
                    return Err(Fault::Again(text));
                }
                Err(StoreError::Unavailable(text).into())
            }
            Err(error) => Err(StoreError::Unavailable(error.to_string()).into()),
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<Transaction, Fault> {
        let session = self.get().await?;
        session.in_transaction.store(true, Ordering::Relaxed);
        // From here on the connection is in a state that nobody else may meet.
        let transaction = Transaction {
            session: Some(session),
        };
        transaction.batch(&self.begin).await?;
        Ok(transaction)
    }

    /// Whether one connection may be kept by whoever has it, and others still find one.
    pub(super) fn can_spare_one(&self) -> bool {
        self.connections.status().max_size > 1
    }

    pub(super) fn close(&self) {
        self.connections.close();
    }
}

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// Makes the pool's connections.
struct Connector {
    target: Target,
    tasks: Tasks,
    /// What is known of statements that no connection keeps.
    types: Statements,
}

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let link = self.target.connect(&self.tasks, None).await?;
        let statements = match link.pooling {
            Pooling::Session => Arc::default(),
            Pooling::Transaction => Arc::clone(&self.types),
        };
        Ok(Connection::new(link, statements, self.target.limit()))
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.is_over() {
            return Err(RecycleError::message("the connection is over"));
        }
        Ok(())
    }
}

/// A connection and what it has prepared.
pub(super) struct Connection {
    link: Link,
    statements: Statements,
    /// How long it may be silent where nothing is committed.
    limit: Duration,
    /// Whether nobody else may use it.
    is_over: AtomicBool,
    in_transaction: AtomicBool,
}

/// Statements by their text.
type Statements = Arc<Mutex<HashMap<Box<str>, Prepared>>>;

/// What is known of a statement.
#[derive(Clone)]
enum Prepared {
    /// The server has it, on this connection.
    Kept(Statement),
    /// The types of its parameters: behind a pooler that hands out connections by the transaction,
    /// no connection keeps anything.
    Typed(Arc<[Type]>),
}

impl Connection {
    fn new(link: Link, statements: Statements, limit: Duration) -> Self {
        Self {
            link,
            statements,
            limit,
            is_over: AtomicBool::new(false),
            in_transaction: AtomicBool::new(false),
        }
    }

    /// Whether nobody may use it any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.link.client.is_closed()
    }

    /// Runs a statement that is prepared once a connection.
    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Failed> {
        self.within(async {
            let statement = self.prepared(sql).await?;
            self.rows(&statement, sql, parameters).await
        })
        .await
    }

    /// Runs a statement that is hardly ever asked again, in one exchange.
    pub(super) async fn query_once(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failed> {
        self.within(self.link.client.query_typed(sql, parameters))
            .await
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) async fn execute(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Failed> {
        let client = &self.link.client;
        self.within(async {
            match self.prepared(sql).await? {
                Prepared::Kept(statement) => client.execute(&statement, parameters).await,
                Prepared::Typed(types) => {
                    client.execute_typed(sql, &typed(parameters, &types)).await
                }
            }
        })
        .await
    }

    /// Runs statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Failed> {
        self.within(self.link.client.batch_execute(sql)).await
    }

    async fn rows(
        &self,
        statement: &Prepared,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = &self.link.client;
        match statement {
            Prepared::Kept(statement) => client.query(statement, parameters).await,
            Prepared::Typed(types) => client.query_typed(sql, &typed(parameters, types)).await,
        }
    }

    async fn prepared(&self, sql: &str) -> Result<Prepared, tokio_postgres::Error> {
        let known = self.lock().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = match self.link.pooling {
            Pooling::Session => Prepared::Kept(self.link.client.prepare(sql).await?),
            Pooling::Transaction => Prepared::Typed(self.parameter_types(sql).await?),
        };
        self.lock().insert(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Has a statement prepared only to learn the types of its parameters. It is gone before the
    /// transaction ends, and the server's connection goes to others.
    async fn parameter_types(&self, sql: &str) -> Result<Arc<[Type]>, tokio_postgres::Error> {
        let client = &self.link.client;
        let stands_alone = !self.in_transaction.load(Ordering::Relaxed);
        if stands_alone {
            client.batch_execute("BEGIN").await?;
        }
        let statement = client.prepare(sql).await;
        let types = statement.map(|statement| statement.params().into());
        if stands_alone {
            client.batch_execute("ROLLBACK").await?;
        }
        types
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Prepared>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer where nothing is committed: no longer than the server may take, and a
    /// little.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failed> {
        match tokio::time::timeout(self.limit, self.attended(work)).await {
            Ok(result) => result.map_err(Failed::Told),
            Err(_) => Err(Failed::Silent(self.limit)),
        }
    }

    /// Waits for an answer. If nobody does so to its end, the connection is over.
    async fn attended<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, tokio_postgres::Error> {
        let mut attendance = Attendance(Some(self));
        let result = work.await;
        attendance.0 = None;
        self.noting(result)
    }

    fn noting<T>(
        &self,
        result: Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        if let Err(error) = &result
            && fault::ends_connection(error)
        {
            self.is_over.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Takes down a warning that came since the last time.
    fn take_warning(&self) -> bool {
        self.link.warned.swap(false, Ordering::AcqRel)
    }
}

fn typed<'a>(parameters: Parameters<'a>, types: &[Type]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let types = types.iter().cloned();
    parameters.iter().copied().zip(types).collect()
}

/// Somebody who waits for an answer.
struct Attendance<'a>(Option<&'a Connection>);

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            connection.is_over.store(true, Ordering::Relaxed);
            // It would stay open until the answer comes, if one comes.
            connection.link.driver.abort();
        }
    }
}

/// A borrowed connection.
pub(super) struct Session(Object<Connector>);

impl std::ops::Deref for Session {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Session {
    /// Runs a statement that writes and is a transaction of its own.
    pub(super) async fn write(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let statement = self.within(self.prepared(sql)).await?;
        self.take_warning();
        let rows = self
            .attended(self.rows(&statement, sql, parameters))
            .await
            .map_err(|error| committing(&error))?;
        self.confirmed()?;
        Ok(rows)
    }

    /// Fails where the database warned while it committed: it did, but a standby that was to have
    /// it too has not said so.
    fn confirmed(&self) -> Result<(), Fault> {
        if self.take_warning() {
            let why = "the database committed with a warning".to_owned();
            return Err(Fault::Unconfirmed(why));
        }
        Ok(())
    }
}
