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
    fault::Fault,
    online_index::{OnlineIndex, Provided, provide},
    pool::Transaction,
    row::{self, bounded, get},
};
use crate::{
    domain::{actor::Actor, tenant::TenantId},
    store::{StoreError, operation::Expired},
};

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
        let index = OnlineIndex {
            name: "import_settled",
            on: &format!("import (({SETTLED_AT})) WHERE state <> 0"),
            replaces: None,
        };
        let is_there = provide(target, &[index]).await? != Provided::ByAnother;
        self.is_there.store(is_there, Ordering::Relaxed);
        Ok(is_there)
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
