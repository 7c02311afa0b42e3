//! Devices: reading them, and deleting them so that their hardware is free.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    audit,
    fault::Fault,
    imports::{count_in, page, page_sql},
    ledger, row,
};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        identity::LedgerEntryId,
        tenant::TenantId,
    },
    store::operation::{DeviceDeletion, Page, Slice},
};

/// How long a deleted device is remembered as such.
const TOMBSTONE_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The device with this id.
pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
) -> Result<Option<Device>, Fault> {
    let sql = format!(
        "SELECT {} FROM device WHERE tenant = ?1 AND id = ?2",
        row::DEVICE_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?.map(row::device).transpose()
}

/// A page of devices in the order of their ids.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    slice: Slice,
) -> Result<Page<Device>, Fault> {
    let sql = page_sql("device", row::DEVICE_COLUMNS);
    page(connection, &sql, tenant, slice, row::device)
}

/// How many devices a tenant has.
pub(super) fn count(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    count_in(
        connection,
        "SELECT count(*) FROM device WHERE tenant = ?1",
        tenant,
    )
}

/// Adds a registered device.
pub(super) fn insert(connection: &Connection, device: &Device) -> rusqlite::Result<()> {
    let properties = &device.properties;
    connection
        .prepare_cached(
            "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                serial_number, product_key, manufacturer, model, sku_number, system_family,
                user_principal_name, version, purchase_order_identifier, addressable_user_name,
                resource_name, directory_device_id, managed_device_id, display_name,
                device_account_upn, device_friendly_name, userless_enrollment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22)",
        )?
        .execute(params![
            device.tenant.0.as_bytes(),
            device.id.0.as_bytes(),
            device.ledger_entry.0.as_bytes(),
            device.registered_at.as_microsecond(),
            properties.group_tag,
            properties.serial_number,
            properties.product_key,
            properties.manufacturer,
            properties.model,
            properties.sku_number,
            properties.system_family,
            properties.user_principal_name,
            device.version,
            properties.purchase_order_identifier,
            properties.addressable_user_name,
            properties.resource_name,
            properties.directory_device_id,
            properties.managed_device_id,
            properties.display_name,
            properties.device_account_upn,
            properties.device_friendly_name,
            properties.userless_enrollment.number(),
        ])
        .map(|_| ())
}

/// Deletes a device on behalf of its tenant.
pub(super) fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
    actor: &Actor,
    now: Timestamp,
) -> Result<DeviceDeletion, Fault> {
    forget_old_tombstones(connection, now)?;
    if remove(connection, tenant, id, actor, "device-deleted", now)? {
        return Ok(DeviceDeletion::Deleted);
    }
    let deleted_at: Option<i64> = connection
        .prepare_cached("SELECT deleted_at FROM device_tombstone WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant.0.as_bytes(), id.0.as_bytes()], |row| {
            row.get(0)
        })
        .optional()?;
    deleted_at.map_or(Ok(DeviceDeletion::Absent), |at| {
        row::timestamp(at).map(DeviceDeletion::DeletedBefore)
    })
}

/// Takes a device away from its tenant, frees its hardware and remembers that it was there; true
/// if there was one.
pub(super) fn remove(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
    actor: &Actor,
    action: &'static str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let entry: Option<[u8; 16]> = connection
        .prepare_cached("DELETE FROM device WHERE tenant = ?1 AND id = ?2 RETURNING ledger_entry")?
        .query_row(params![tenant.0.as_bytes(), id.0.as_bytes()], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(entry) = entry else { return Ok(false) };
    let entry = LedgerEntryId(uuid::Uuid::from_bytes(entry));
    ledger::free(connection, entry)?;
    connection
        .prepare_cached(
            "INSERT INTO device_tombstone (tenant, id, deleted_at) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            now.as_microsecond()
        ])?;
    audit::record(
        connection,
        &audit::Line {
            at: now,
            tenant,
            actor,
            action,
            import: None,
            device: Some(id),
            ledger_entry: Some(entry),
            detail: None,
        },
    )?;
    Ok(true)
}

fn forget_old_tombstones(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    let oldest = now.saturating_sub(TOMBSTONE_KEPT).unwrap_or(Timestamp::MIN);
    connection
        .prepare_cached("DELETE FROM device_tombstone WHERE deleted_at < ?1")?
        .execute(params![oldest.as_microsecond()])?;
    Ok(())
}
