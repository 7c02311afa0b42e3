//! When a tenant was synced: a row, taken by one conditional write.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{
    audit,
    fault::Fault,
    pool::{Session, Transaction},
    row::{self, get},
};
use crate::domain::{
    actor::Actor,
    settings::{SyncRules, SyncStart, SyncState},
    tenant::TenantId,
};

const STATE: &str = "SELECT started_at, before FROM tenant_sync WHERE tenant = $1";

/// When the tenant was synced.
pub(super) async fn state(session: &Session, tenant: TenantId) -> Result<SyncState, Fault> {
    read(session.query(STATE, &[&tenant.0]).await?.first())
}

fn read(found: Option<&Row>) -> Result<SyncState, Fault> {
    let Some(row) = found else {
        return Ok(SyncState::default());
    };
    let before: Option<i64> = get(row, "before")?;
    Ok(SyncState {
        started_at: Some(row::timestamp(get(row, "started_at")?)?),
        before: before.map(row::timestamp).transpose()?,
    })
}

/// Starts a sync, unless the last one was started too short a while ago.
pub(super) async fn start(
    transaction: &Transaction,
    tenant: TenantId,
    rules: &SyncRules,
    actor: &Actor,
    now: Timestamp,
) -> Result<SyncStart, Fault> {
    let latest = rules.latest_start_before_another(now);
    let sql = "INSERT INTO tenant_sync AS last (tenant, started_at) VALUES ($1, $2)
        ON CONFLICT (tenant) DO UPDATE SET before = last.started_at, started_at = $2
            WHERE last.started_at <= $3";
    let started = transaction
        .execute(
            sql,
            &[&tenant.0, &now.as_microsecond(), &latest.as_microsecond()],
        )
        .await?;
    if started == 0 {
        let found = transaction.query_opt(STATE, &[&tenant.0]).await?;
        let last = read(found.as_ref())?.started_at.unwrap_or(now);
        return Ok(rules.refusal(last, now));
    }
    let line = audit::Line {
        at: now,
        tenant,
        actor,
        action: "sync-started",
        import: None,
        device: None,
        ledger_entry: None,
        detail: None,
    };
    audit::record(transaction, &[line]).await?;
    Ok(SyncStart::Started)
}
