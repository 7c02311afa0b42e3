//! Tenants as a whole, for administrators: which there are, and deleting one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{SqliteStore, audit, devices, fault::Fault, imports, row, uploads};
use crate::{
    domain::{
        actor::Actor, device::DeviceId, import::ImportId, revision::Precondition, tenant::TenantId,
        upload::UploadId,
    },
    store::{
        StoreError,
        operation::{TenantDeletion, TenantSummary},
    },
};

/// About how much memory a step of a deletion holds.
const WEIGHT_KIB: u32 = 64;

/// Every tenant that has anything. Each count reads an index, never the blobs.
pub(super) fn list(connection: &Connection) -> Result<Vec<TenantSummary>, Fault> {
    let mut tenants = BTreeMap::new();
    let mut add = |sql: &str, count_of: fn(&mut TenantSummary) -> &mut u64| -> Result<(), Fault> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let tenant = TenantId(row::guid(row, 0)?);
            let summary = tenants.entry(tenant).or_insert(TenantSummary {
                tenant,
                imports: 0,
                waiting: 0,
                devices: 0,
                tombstones: 0,
                uploads: 0,
                profiles: 0,
            });
            *count_of(summary) = row.get(1)?;
        }
        Ok(())
    };
    add(
        "SELECT tenant, count(*) FROM import GROUP BY tenant",
        |summary| &mut summary.imports,
    )?;
    add(
        "SELECT tenant, count(*) FROM import WHERE state = 0 GROUP BY tenant",
        |summary| &mut summary.waiting,
    )?;
    add(
        "SELECT tenant, count(*) FROM device GROUP BY tenant",
        |summary| &mut summary.devices,
    )?;
    add(
        "SELECT tenant, count(*) FROM device_tombstone GROUP BY tenant",
        |summary| &mut summary.tombstones,
    )?;
    add(
        "SELECT tenant, count(*) FROM upload GROUP BY tenant",
        |summary| &mut summary.uploads,
    )?;
    // A tenant that was synced and has nothing else is one all the same.
    add("SELECT tenant, 0 FROM tenant_sync", |summary| {
        &mut summary.profiles
    })?;
    add(
        "SELECT tenant, count(*) FROM profile GROUP BY tenant",
        |summary| &mut summary.profiles,
    )?;
    Ok(tenants.into_values().collect())
}

impl SqliteStore {
    /// Removes up to so many rows of a tenant.
    pub(super) async fn delete_rows_of(
        &self,
        tenant: TenantId,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Result<TenantDeletion, StoreError> {
        let (deletion, imports) = self
            .writer
            .run(WEIGHT_KIB, move |connection| {
                delete_rows(connection, tenant, limit, &actor, now)
            })
            .await?;
        // Their ids are free again; new imports under them must not wait for the old claims.
        let mut leases = self.lock_leases();
        for id in imports {
            leases.forget((tenant, id));
        }
        drop(leases);
        self.work.notify_one();
        Ok(deletion)
    }
}

/// Removes up to so many rows of a tenant, and says which imports were among them.
fn delete_rows(
    connection: &Connection,
    tenant: TenantId,
    limit: usize,
    actor: &Actor,
    now: Timestamp,
) -> Result<(TenantDeletion, Vec<ImportId>), Fault> {
    let ids = |table: &str, left: usize| -> Result<Vec<Uuid>, Fault> {
        let sql = format!("SELECT id FROM {table} WHERE tenant = ?1 LIMIT ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows =
            statement.query_map(params![tenant.0.as_bytes(), left], |row| row::guid(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let import_ids: Vec<_> = ids("import", limit)?.into_iter().map(ImportId).collect();
    let write = imports::Write {
        precondition: &Precondition::default(),
        actor,
        now,
    };
    for &id in &import_ids {
        imports::delete(connection, tenant, id, &write)?;
    }
    let left = limit - import_ids.len();
    let device_ids = ids("device", left)?;
    for &id in &device_ids {
        devices::remove(
            connection,
            tenant,
            DeviceId(id),
            actor,
            "device-deleted",
            now,
        )?;
    }
    let left = left - device_ids.len();
    let tombstone_ids = ids("device_tombstone", left)?;
    for id in &tombstone_ids {
        connection
            .prepare_cached("DELETE FROM device_tombstone WHERE tenant = ?1 AND id = ?2")?
            .execute(params![tenant.0.as_bytes(), id.as_bytes()])?;
    }
    let left = left - tombstone_ids.len();
    let upload_ids = ids("upload", left)?;
    for &id in &upload_ids {
        uploads::remove(connection, tenant, UploadId(id))?;
    }
    let left = left - upload_ids.len();
    let (profiles, settings) = delete_profiles(connection, tenant, left)?;
    let count = |ids: usize| u64::try_from(ids).unwrap_or(u64::MAX);
    let deletion = TenantDeletion {
        imports: count(import_ids.len()),
        devices: count(device_ids.len()),
        tombstones: count(tombstone_ids.len()),
        uploads: count(upload_ids.len()),
        profiles: count(profiles),
        settings: count(settings),
    };
    if deletion.rows() > 0 {
        record(connection, tenant, &deletion, actor, now)?;
    }
    Ok((deletion, import_ids))
}

/// Removes up to so many rows of a tenant's profiles and settings; how many of either.
fn delete_profiles(
    connection: &Connection,
    tenant: TenantId,
    limit: usize,
) -> rusqlite::Result<(usize, usize)> {
    let remove = |sql: &str, left: usize| {
        connection
            .prepare_cached(sql)?
            .execute(params![tenant.0.as_bytes(), left])
    };
    // The assignments first: none is left without its profile.
    let assignments = remove(
        "DELETE FROM profile_assignment WHERE tenant = ?1 AND (group_id, is_exclusion, profile) IN
            (SELECT group_id, is_exclusion, profile FROM profile_assignment
             WHERE tenant = ?1 LIMIT ?2)",
        limit,
    )?;
    let left = limit - assignments;
    let profiles = remove(
        "DELETE FROM profile WHERE tenant = ?1 AND id IN
            (SELECT id FROM profile WHERE tenant = ?1 LIMIT ?2)",
        left,
    )?;
    let sql = "DELETE FROM tenant_sync WHERE tenant = ?1 AND ?2 > 0";
    let synced = remove(sql, left - profiles)?;
    Ok((profiles, assignments + synced))
}

/// Says in the audit table that the lines before this one come of the tenant's deletion.
fn record(
    connection: &Connection,
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
    let detail = format!(
        "imports {imports} devices {devices} tombstones {tombstones} uploads {uploads} profiles {profiles} settings {settings}"
    );
    audit::record(
        connection,
        &audit::Line {
            at,
            tenant,
            actor,
            action: "tenant-deleted",
            import: None,
            device: None,
            ledger_entry: None,
            detail: Some(&detail),
        },
    )?;
    Ok(())
}
