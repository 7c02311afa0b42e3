//! Devices: reading them, and deleting them so that their hardware is free.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use odata::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    audit,
    collection::Collection,
    fault::Fault,
    ledger, row,
    search::{Candidates, Search},
};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        field::DeviceField,
        identity::LedgerEntryId,
        tenant::TenantId,
    },
    store::{filter_sql::Column, operation::DeviceDeletion},
};

/// How devices are listed.
pub(super) const COLLECTION: Collection<DeviceField, Device> = Collection {
    table: "device",
    columns: row::DEVICE_COLUMNS,
    column_of,
    read: row::device,
    search: Some(Search {
        is_serial: |field| field == DeviceField::SerialNumber,
        by_serial: "device_by_serial",
        reads_late: false,
        trigrams: Candidates {
            keys: "SELECT document.id AS candidate
                FROM device_serial CROSS JOIN device_document AS document
                    ON document.document = device_serial.rowid
                WHERE device_serial MATCH :match
                    AND device_serial.rowid >= (SELECT number << 40 FROM search_tenant
                        WHERE tenant = :tenant)
                    AND device_serial.rowid < (SELECT (number + 1) << 40 FROM search_tenant
                        WHERE tenant = :tenant)
                UNION SELECT device FROM search_change
                    WHERE device IS NOT NULL AND added = 1 AND tenant = :tenant",
            probe: "SELECT 1 FROM device_serial
                WHERE device_serial MATCH :match
                    AND rowid >= (SELECT number << 40 FROM search_tenant WHERE tenant = :tenant)
                    AND rowid < (SELECT (number + 1) << 40 FROM search_tenant
                        WHERE tenant = :tenant)",
            join: "device.tenant = :tenant AND device.id = candidate",
        },
        hint: |_| None,
    }),
};

/// Where a property is kept. Absent texts are empty here; what no device has yet is what `graph`
/// shows for it.
fn column_of(field: DeviceField) -> Column {
    const NOTHING: Column = Column::Constant(Value::Text(Cow::Borrowed("")));

    Column::required(match field {
        DeviceField::Id => "id",
        DeviceField::GroupTag => "group_tag",
        DeviceField::SerialNumber => "serial_number",
        DeviceField::ProductKey => "product_key",
        DeviceField::Manufacturer => "manufacturer",
        DeviceField::Model => "model",
        DeviceField::UserPrincipalName => "user_principal_name",
        DeviceField::SkuNumber => "sku_number",
        DeviceField::SystemFamily => "system_family",
        DeviceField::ManagedDeviceId => {
            return Column::Constant(Value::Text(Cow::Borrowed(
                "00000000-0000-0000-0000-000000000000",
            )));
        }
        DeviceField::PurchaseOrderIdentifier
        | DeviceField::AddressableUserName
        | DeviceField::ResourceName
        | DeviceField::DirectoryDeviceId
        | DeviceField::DisplayName
        | DeviceField::DeviceAccountUpn
        | DeviceField::DeviceAccountPassword
        | DeviceField::DeviceFriendlyName => return NOTHING,
        DeviceField::ProfileAssignmentStatus | DeviceField::EnrollmentState => {
            return Column::Constant(Value::Enum(4));
        }
        DeviceField::RemediationState => return Column::Constant(Value::Enum(1)),
        DeviceField::ProfileAssignmentDetailedStatus | DeviceField::UserlessEnrollmentStatus => {
            return Column::Constant(Value::Enum(0));
        }
        DeviceField::ProfileAssignedAt
        | DeviceField::LastContactedAt
        | DeviceField::RemediationStateModifiedAt => {
            let never = Timestamp::from_microsecond(NEVER_MICROSECONDS).unwrap_or_default();
            return Column::Constant(Value::Instant(never));
        }
    })
}

/// The first instant of the year 1, which is Graph's way to say never.
const NEVER_MICROSECONDS: i64 = -62_135_596_800_000_000;

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

/// Adds a registered device.
pub(super) fn insert(connection: &Connection, device: &Device) -> rusqlite::Result<()> {
    let properties = &device.properties;
    connection
        .prepare_cached(
            "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                serial_number, product_key, manufacturer, model, sku_number, system_family,
                user_principal_name)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
