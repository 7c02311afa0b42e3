//! Which database is used, and how: what the settings say of it.

use std::{fmt, path::PathBuf, time::Duration};

/// How many connections one process holds to a database server at most, unless the settings say
/// otherwise.
pub const POOL_SIZE: usize = 10;

/// How long the database may take for one statement, unless the settings say otherwise.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// How connections to a database server are handed out, where something stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// One stays with us until we close it: there is no pooler, or it pools sessions.
    #[default]
    Session,
    /// A pooler gives us another for each transaction.
    Transaction,
}

/// A database and how it is used.
#[derive(Clone)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://…`, which may hold a password.
    pub url: String,
    /// How many connections to a server are held at most.
    pub pool_size: usize,
    /// How long a server may take for one statement.
    pub statement_timeout: Duration,
    /// What stands before the server.
    pub pooling: Pooling,
    /// The certificates of those who sign the server's certificate, as a PEM file.
    pub tls_ca: Option<PathBuf>,
}

impl Database {
    /// The database at this url, used as it is by default.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: POOL_SIZE,
            statement_timeout: STATEMENT_TIMEOUT,
            pooling: Pooling::default(),
            tls_ca: None,
        }
    }
}

impl From<&str> for Database {
    fn from(url: &str) -> Self {
        Self::at(url)
    }
}

impl From<&String> for Database {
    fn from(url: &String) -> Self {
        Self::at(url)
    }
}

/// Shows no password.
impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Database")
            .field("pool_size", &self.pool_size)
            .field("statement_timeout", &self.statement_timeout)
            .field("pooling", &self.pooling)
            .field("tls_ca", &self.tls_ca)
            .finish_non_exhaustive()
    }
}
