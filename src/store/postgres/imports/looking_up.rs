//! Looking imports up by their ids. One at a time goes by itself; those that are asked for meanwhile
//! share a statement for each tenant: it costs the server and this process more than the rows that it
//! finds, and imports that wait are asked for over and over.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio_postgres::Row;
use uuid::Uuid;

use super::by_id;
use crate::{
    domain::{
        import::{Import, ImportId},
        tenant::TenantId,
    },
    store::{
        StoreError,
        postgres::{
            again::reading,
            fault::Fault,
            gathering::{Departures, Gathered, Gatherer, Job},
            pool::{Pool, Session},
            row::{self, get},
            tasks::Tasks,
        },
    },
};

/// How many ids the server is told of at least. The planner takes a longer list for dearer, and
/// would plan every shorter one anew rather than keep one plan for all.
const LEAST_IDS: usize = 16;

/// The ways to an import.
pub(in crate::store::postgres) struct Lookups {
    pool: Pool,
    /// For who goes by himself.
    alone: Semaphore,
    together: Gatherer<Lookup>,
}

impl Lookups {
    pub(in crate::store::postgres) fn start(pool: Pool, tasks: &Tasks) -> Self {
        Self {
            together: Gatherer::start(pool.clone(), tasks),
            alone: Semaphore::new(1),
            pool,
        }
    }

    /// The import that is meant, if there is one.
    pub(in crate::store::postgres) async fn find(
        &self,
        lookup: Lookup,
    ) -> Result<Option<Import>, StoreError> {
        let Ok(_turn) = self.alone.try_acquire() else {
            return self.together.ask(lookup).await;
        };
        reading!(self.pool, session => find_one(&session, lookup).await)
    }

    /// Takes nothing more that goes with others, and completes when all of that is answered.
    pub(in crate::store::postgres) async fn close(&self) {
        self.together.close().await;
    }
}

/// An import that is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store::postgres) struct Lookup {
    pub(in crate::store::postgres) tenant: TenantId,
    pub(in crate::store::postgres) id: ImportId,
}

impl Gathered for Lookup {
    type Answer = Option<Import>;

    const DEPARTURES: Departures = Departures {
        // Where the server is far away, or slow, one batch need not wait for another.
        at_once: 4,
        full: 64,
        worthwhile: 1,
        for_others: Duration::ZERO,
        for_the_one_before: Duration::from_millis(2),
        metric: "hangar_lookup_group_operations",
    };

    fn weight_kib(&self) -> u32 {
        1
    }

    fn broken_off(why: String) -> StoreError {
        StoreError::Unavailable(why)
    }

    async fn attempt(
        pool: &Pool,
        _kept: &mut Option<Session>,
        batch: &[Job<Self>],
        _in_doubt: bool,
    ) -> Result<Vec<Result<Option<Import>, StoreError>>, Fault> {
        let session = pool.get().await?;
        let mut ids: HashMap<TenantId, Vec<Uuid>> = HashMap::new();
        for Job { work, .. } in batch {
            ids.entry(work.tenant).or_default().push(work.id.0);
        }
        // One behind the other on one connection, without waiting for an answer between them.
        let of_tenants = ids.into_iter().map(async |(tenant, ids)| {
            let rows = find_some(&session, tenant, ids).await;
            (tenant, rows)
        });
        let mut found = HashMap::with_capacity(batch.len());
        let mut failed = HashMap::new();
        for (tenant, rows) in join_all(of_tenants).await {
            match rows {
                Ok(rows) => found.extend(rows),
                // What can't be read of one tenant is nothing to the others.
                Err(Fault::Store(error)) => {
                    failed.insert(tenant, error);
                }
                Err(fault) => return Err(fault),
            }
        }
        let read = |row: &Row| row::import(row).map_err(StoreError::from);
        let answer = |job: &Job<Self>| match failed.get(&job.work.tenant) {
            Some(error) => Err(error.clone()),
            None => found.get(&job.work).map(read).transpose(),
        };
        Ok(batch.iter().map(answer).collect())
    }
}

async fn find_one(session: &Session, lookup: Lookup) -> Result<Option<Import>, Fault> {
    let sql = by_id(row::IMPORT_COLUMNS, "");
    let Lookup { tenant, id } = lookup;
    let rows = session.query(&sql, &[&tenant.0, &id.0]).await?;
    rows.first().map(row::import).transpose()
}

/// The rows of a tenant that have these ids.
async fn find_some(
    session: &Session,
    tenant: TenantId,
    mut ids: Vec<Uuid>,
) -> Result<Vec<(Lookup, Row)>, Fault> {
    if let Some(&last) = ids.last() {
        ids.resize(ids.len().max(LEAST_IDS), last);
    }
    let columns = row::IMPORT_COLUMNS;
    let sql = format!("SELECT {columns} FROM import WHERE tenant = $1 AND id = ANY($2)");
    let rows = session.query(&sql, &[&tenant.0, &ids]).await?;
    let keyed = rows.into_iter().map(|row| {
        let id = ImportId(get(&row, "id")?);
        Ok((Lookup { tenant, id }, row))
    });
    keyed.collect()
}
