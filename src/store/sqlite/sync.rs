//! When a tenant was synced: a row, taken by one conditional write.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{audit, fault::Fault, row};
use crate::domain::{
    actor::Actor,
    settings::{SyncRules, SyncStart, SyncState},
    tenant::TenantId,
};

/// When the tenant was synced.
pub(super) fn state(connection: &Connection, tenant: TenantId) -> Result<SyncState, Fault> {
    let found: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT started_at, before FROM tenant_sync WHERE tenant = ?1")?
        .query_row(params![tenant.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((started_at, before)) = found else {
        return Ok(SyncState::default());
    };
    Ok(SyncState {
        started_at: Some(row::timestamp(started_at)?),
        before: before.map(row::timestamp).transpose()?,
    })
}

/// Starts a sync, unless the last one was started too short a while ago.
pub(super) fn start(
    connection: &Connection,
    tenant: TenantId,
    rules: &SyncRules,
    actor: &Actor,
    now: Timestamp,
) -> Result<SyncStart, Fault> {
    let latest = rules.latest_start_before_another(now);
    let started = connection
        .prepare_cached(
            "INSERT INTO tenant_sync (tenant, started_at) VALUES (?1, ?2)
             ON CONFLICT (tenant) DO UPDATE SET before = started_at, started_at = ?2
                WHERE started_at <= ?3",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            now.as_microsecond(),
            latest.as_microsecond()
        ])?;
    if started == 0 {
        let last = state(connection, tenant)?.started_at.unwrap_or(now);
        return Ok(rules.refusal(last, now));
    }
    audit::record(
        connection,
        &audit::Line {
            at: now,
            tenant,
            actor,
            action: "sync-started",
            import: None,
            device: None,
            ledger_entry: None,
            detail: None,
        },
    )?;
    Ok(SyncStart::Started)
}
