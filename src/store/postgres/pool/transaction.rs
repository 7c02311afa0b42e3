//! A transaction on a connection of the pool.

use std::sync::atomic::Ordering;

use deadpool::managed::Object;
use tokio_postgres::Row;

use super::{
    super::fault::{self, Fault},
    Parameters, Session,
};
use crate::store::StoreError;

/// A transaction. One that is dropped is rolled back, and its connection closed.
pub(in crate::store::postgres) struct Transaction {
    pub(super) session: Option<Session>,
}

impl Transaction {
    /// Commits. Nothing limits how long that takes: whoever gives up waiting must not believe that
    /// it failed.
    pub(in crate::store::postgres) async fn commit(mut self) -> Result<(), Fault> {
        let session = self.session()?;
        session.take_warning();
        let committing = session.attended(session.link.client.batch_execute("COMMIT"));
        let committed = committing.await;
        committed.map_err(|error| fault::committing(&error))?;
        session.confirmed()?;
        self.release();
        Ok(())
    }

    /// Ends a transaction that has written nothing that is to stay.
    pub(in crate::store::postgres) async fn roll_back(mut self) -> Result<(), Fault> {
        self.batch("ROLLBACK").await?;
        self.release();
        Ok(())
    }

    /// Lets others have the connection.
    fn release(&mut self) {
        if let Some(session) = self.session.take() {
            session.in_transaction.store(false, Ordering::Relaxed);
        }
    }

    pub(in crate::store::postgres) async fn query(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        Ok(self.session()?.query(sql, parameters).await?)
    }

    /// The one row that is found, if any is.
    pub(in crate::store::postgres) async fn query_opt(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    pub(in crate::store::postgres) async fn execute(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, Fault> {
        Ok(self.session()?.execute(sql, parameters).await?)
    }

    /// Runs statements without parameters.
    pub(in crate::store::postgres) async fn batch(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.session()?.batch(sql).await?)
    }

    fn session(&self) -> Result<&Session, Fault> {
        self.session
            .as_ref()
            .ok_or_else(|| StoreError::Backend("a transaction that is over".to_owned()).into())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // Closing it is what undoes its writes, wherever it stands.
            drop(Object::take(session.0));
        }
    }
}
