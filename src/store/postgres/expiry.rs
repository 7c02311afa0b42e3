//! Settled imports that are kept no longer: whichever process looks deletes the oldest, past those
//! that others are at.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    audit,
    connect::Target,
    fault::{Fault, text_of},
    pool::Transaction,
    row::{self, bounded, get},
    tasks::Tasks,
};
use crate::{
    domain::{actor::Actor, tenant::TenantId},
    store::{Pooling, StoreError, operation::Expired},
};

/// Names the lock under which the index is built ("HNGR" and one).
const LOCK: i64 = 0x484e_4753;

/// Since when an import is settled. What a program of before this column settled, is as old as it
/// was when it was accepted.
const SETTLED_AT: &str = "coalesce(settled_at, accepted_at)";

/// The index of the settled by their age. It costs every settlement an entry, so that it is made
/// only where imports expire; and it is made while others write.
#[derive(Default)]
pub(super) struct AgeIndex {
    is_there: AtomicBool,
}

impl AgeIndex {
    /// Makes the index unless it is there; false while another process is about it.
    pub(super) async fn provide(&self, target: &Target) -> Result<bool, StoreError> {
        if self.is_there.load(Ordering::Relaxed) {
            return Ok(true);
        }
        if target.pooling() == Pooling::Transaction {
            // The lock would stay with whatever connection the pooler gave.
            tracing::warn!(
                "behind a pooler by transactions the index of settled imports is not built: see \
                 docs/scaling.md for the statement"
            );
            self.is_there.store(true, Ordering::Relaxed);
            return Ok(true);
        }
        let tasks = Tasks::default();
        let made = async {
            let link = target.connect(&tasks, None).await?;
            let client = &link.client;
            // The lock ends with the session at the latest.
            let sql = "SELECT pg_try_advisory_lock($1)";
            if !client.query_one(sql, &[&LOCK]).await?.get::<_, bool>(0) {
                return Ok(false);
            }
            let timeless = "SET statement_timeout = 0; SET lock_timeout = 0";
            client.batch_execute(timeless).await?;
            let sql = "SELECT indisvalid FROM pg_index
                WHERE indexrelid = to_regclass('import_settled')";
            let found = client.query_opt(sql, &[]).await?;
            let is_valid = found.map(|row| row.get::<_, bool>(0));
            if is_valid == Some(false) {
                // Left behind by a process that ended while it built it.
                let sql = "DROP INDEX CONCURRENTLY import_settled";
                client.batch_execute(sql).await?;
            }
            if is_valid != Some(true) {
                tracing::info!("the index of settled imports is built; this may take a while");
                let sql = format!(
                    "CREATE INDEX CONCURRENTLY import_settled ON import (({SETTLED_AT}))
                     WHERE state <> 0"
                );
                client.batch_execute(&sql).await?;
            }
            Ok(true)
        };
        let made = made.await.map_err(|error: tokio_postgres::Error| {
            StoreError::Unavailable(format!(
                "the index of settled imports can't be built: {}",
                text_of(&error)
            ))
        })?;
        self.is_there.store(made, Ordering::Relaxed);
        Ok(made)
    }
}

/// Deletes up to so many imports that were settled until then, the oldest first.
pub(super) async fn expire(
    transaction: &Transaction,
    settled_until: Timestamp,
    limit: usize,
    now: Timestamp,
) -> Result<Expired, Fault> {
    let sql = format!(
        "WITH chosen AS MATERIALIZED (
            SELECT tenant, id FROM import WHERE state <> 0 AND {SETTLED_AT} <= $1
            ORDER BY {SETTLED_AT} LIMIT $2 FOR UPDATE SKIP LOCKED)
         DELETE FROM import USING chosen
         WHERE import.tenant = chosen.tenant AND import.id = chosen.id
         RETURNING import.tenant, import.upload, import.state"
    );
    let until = settled_until.as_microsecond();
    let rows = transaction.query(&sql, &[&until, &bounded(limit)]).await?;
    let mut tenants: BTreeMap<TenantId, usize> = BTreeMap::new();
    let mut uploads: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for row in &rows {
        let tenant: Uuid = get(row, "tenant")?;
        *tenants.entry(TenantId(tenant)).or_default() += 1;
        if let Some(upload) = get(row, "upload")? {
            let of = 1 + i64::from(get::<i64>(row, "state")? == row::REFUSED);
            let most = uploads.entry((tenant, upload)).or_default();
            *most = (*most).max(of);
        }
    }
    remember(transaction, &uploads).await?;
    let actor = Actor::registrar();
    let lines: Vec<_> = tenants
        .iter()
        .map(|(&tenant, &imports)| audit::Line {
            at: now,
            tenant,
            actor: &actor,
            action: "imports-expired",
            import: None,
            device: None,
            ledger_entry: None,
            detail: Some(Expired::detail(imports, settled_until)),
        })
        .collect();
    audit::record(transaction, &lines).await?;
    Ok(Expired {
        imports: rows.len(),
        more: rows.len() == limit,
    })
}

/// Has uploads remember what they had, in the order of their keys.
async fn remember(
    transaction: &Transaction,
    uploads: &BTreeMap<(Uuid, Uuid), i64>,
) -> Result<(), Fault> {
    if uploads.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = uploads.keys().map(|(tenant, _)| *tenant).collect();
    let ids: Vec<Uuid> = uploads.keys().map(|(_, id)| *id).collect();
    let most: Vec<i64> = uploads.values().copied().collect();
    let sql = "UPDATE upload SET expired = gone.expired
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (tenant, id, expired)
        WHERE upload.tenant = gone.tenant AND upload.id = gone.id
            AND upload.expired < gone.expired";
    transaction.execute(sql, &[&tenants, &ids, &most]).await?;
    Ok(())
}
