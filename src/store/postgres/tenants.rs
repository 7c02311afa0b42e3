//! Tenants as a whole, for administrators: which there are, and deleting one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    audit, devices,
    fault::Fault,
    imports,
    pool::{Session, Transaction},
    row::{self, bounded, get},
};
use crate::{
    domain::{
        actor::Actor, device::DeviceId, import::ImportId, revision::Precondition, tenant::TenantId,
    },
    store::operation::{TenantDeletion, TenantSummary},
};

/// Every tenant that has anything.
pub(super) async fn list(session: &Session) -> Result<Vec<TenantSummary>, Fault> {
    type Counted = fn(&mut TenantSummary) -> &mut u64;
    let counts: [(&str, Counted); 7] = [
        (
            "SELECT tenant, count(*) FROM import GROUP BY tenant",
            |one| &mut one.imports,
        ),
        (
            "SELECT tenant, count(*) FROM import WHERE state = 0 GROUP BY tenant",
            |one| &mut one.waiting,
        ),
        (
            "SELECT tenant, count(*) FROM device GROUP BY tenant",
            |one| &mut one.devices,
        ),
        (
            "SELECT tenant, count(*) FROM device_tombstone GROUP BY tenant",
            |one| &mut one.tombstones,
        ),
        (
            "SELECT tenant, count(*) FROM upload GROUP BY tenant",
            |one| &mut one.uploads,
        ),
        // A tenant that was synced and has nothing else is one all the same.
        ("SELECT tenant, 0::bigint FROM tenant_sync", |one| {
            &mut one.profiles
        }),
        (
            "SELECT tenant, count(*) FROM profile GROUP BY tenant",
            |one| &mut one.profiles,
        ),
    ];
    let mut tenants = BTreeMap::new();
    for (sql, counted) in counts {
        for row in session.query(sql, &[]).await? {
            let tenant = TenantId(row.try_get(0)?);
            let summary = tenants.entry(tenant).or_insert(TenantSummary {
                tenant,
                imports: 0,
                waiting: 0,
                devices: 0,
                tombstones: 0,
                uploads: 0,
                profiles: 0,
            });
            *counted(summary) = u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0);
        }
    }
    Ok(tenants.into_values().collect())
}

/// Removes up to so many rows of a tenant.
pub(super) async fn delete_rows(
    transaction: &Transaction,
    tenant: TenantId,
    limit: usize,
    actor: &Actor,
    now: Timestamp,
) -> Result<TenantDeletion, Fault> {
    let imports = delete_imports(transaction, tenant, limit, actor, now).await?;
    let mut left = limit - imports;
    let sql = "SELECT id FROM device WHERE tenant = $1 LIMIT $2";
    let ids = transaction.query(sql, &[&tenant.0, &bounded(left)]).await?;
    let ids: Vec<DeviceId> = ids
        .iter()
        .map(|row| get(row, "id").map(DeviceId))
        .collect::<Result<_, _>>()?;
    let devices = devices::remove(transaction, tenant, &ids, actor, "device-deleted", now).await?;
    left -= devices;
    let tombstones = remove(transaction, tenant, "device_tombstone", "id", left).await?;
    left -= tombstones;
    let uploads = remove(transaction, tenant, "upload", "id", left).await?;
    left -= uploads;
    // The assignments first: none is left without its profile.
    let keys = "group_id, is_exclusion, profile";
    let assignments = remove(transaction, tenant, "profile_assignment", keys, left).await?;
    left -= assignments;
    let profiles = remove(transaction, tenant, "profile", "id", left).await?;
    left -= profiles;
    let synced = remove(transaction, tenant, "tenant_sync", "tenant", left).await?;
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let deletion = TenantDeletion {
        imports: count(imports),
        devices: count(devices),
        tombstones: count(tombstones),
        uploads: count(uploads),
        profiles: count(profiles),
        settings: count(assignments + synced),
    };
    if deletion.rows() > 0 {
        record(transaction, tenant, &deletion, actor, now).await?;
    }
    Ok(deletion)
}

async fn delete_imports(
    transaction: &Transaction,
    tenant: TenantId,
    limit: usize,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize, Fault> {
    let sql = "WITH chosen AS MATERIALIZED (
            SELECT id FROM import WHERE tenant = $1 ORDER BY id LIMIT $2 FOR UPDATE)
        DELETE FROM import WHERE tenant = $1 AND id IN (SELECT id FROM chosen)
        RETURNING id, state";
    let rows = transaction
        .query(sql, &[&tenant.0, &bounded(limit)])
        .await?;
    let (mut withdrawn, mut deleted) = (Vec::new(), Vec::new());
    for row in &rows {
        let id = ImportId(get(row, "id")?);
        match get(row, "state")? {
            row::WAITING => withdrawn.push(id),
            _ => deleted.push(id),
        }
    }
    let write = imports::Write {
        precondition: &Precondition::default(),
        actor,
        now,
    };
    for (mut ids, action) in [(withdrawn, "import-withdrawn"), (deleted, "import-deleted")] {
        ids.sort_unstable();
        imports::record(transaction, tenant, &ids, &write, action).await?;
    }
    Ok(rows.len())
}

/// Removes up to so many rows of a table (chosen once: joined, the choice would be made again for
/// every row) whose key is the tenant and these columns.
async fn remove(
    transaction: &Transaction,
    tenant: TenantId,
    table: &str,
    keys: &str,
    limit: usize,
) -> Result<usize, Fault> {
    let sql = format!(
        "WITH chosen AS MATERIALIZED (
            SELECT {keys} FROM {table} WHERE tenant = $1 ORDER BY {keys} LIMIT $2 FOR UPDATE)
         DELETE FROM {table} WHERE tenant = $1 AND ({keys}) IN (SELECT {keys} FROM chosen)"
    );
    let removed = transaction
        .execute(&sql, &[&tenant.0, &bounded(limit)])
        .await?;
    Ok(usize::try_from(removed).unwrap_or(limit).min(limit))
}

/// Says in the audit table that the lines before this one come of the tenant's deletion.
async fn record(
    transaction: &Transaction,
    tenant: TenantId,
    deletion: &TenantDeletion,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), Fault> {
    let TenantDeletion {
        imports,
        devices,
        tombstones,
        uploads,
        profiles,
        settings,
    } = deletion;
    let line = audit::Line {
        at,
        tenant,
        actor,
        action: "tenant-deleted",
        import: None,
        device: None,
        ledger_entry: None,
        detail: Some(format!(
            "imports {imports} devices {devices} tombstones {tombstones} uploads {uploads} \
             profiles {profiles} settings {settings}"
        )),
    };
    audit::record(transaction, &[line]).await
}
