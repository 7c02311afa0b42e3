//! Devices: reading and changing them, registering those that have no hash, and deleting them so
//! that their hardware is free.

mod by_serial;

use jiff::{SignedDuration, Timestamp};
use odata::{Comparison, Condition, Literal, Operand};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::{
    audit,
    collection::Collection,
    fault::Fault,
    ledger::{self, FreshKeys},
    row,
    search::{self, Candidates, Hint, Search},
};
pub(super) use by_serial::{delete_named, ids_named};

use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        field::DeviceField,
        identity::LedgerEntryId,
        registration::{Decision, decide},
        revision::Precondition,
        tenant::TenantId,
    },
    store::{
        columns,
        operation::{DeviceCreation, DeviceDeletion, DeviceUpdated, DeviceWrite, NewDevice},
    },
};

/// How devices are listed.
pub(super) const COLLECTION: Collection<DeviceField, Device> = Collection {
    table: "device",
    columns: row::DEVICE_COLUMNS,
    column_of: columns::device,
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
        hint,
    }),
};

/// Which devices a condition can be true of, if they are those of one directory object.
fn hint(condition: &Condition<DeviceField>) -> Option<Hint> {
    let Condition::Compare {
        operator: Comparison::Equal,
        left: Operand::Field(property),
        right: Operand::Literal(Literal::Text(id)),
    } = condition
    else {
        return None;
    };
    let tells = property.field == DeviceField::DirectoryDeviceId && !id.is_empty();
    tells.then_some(Hint::Partial {
        index: "device_by_directory_device",
        condition: "directory_device_id <> ''",
    })
}

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

/// Adds registered devices.
pub(super) struct Inserter<'a> {
    device: CachedStatement<'a>,
    note: search::DeviceNotes<'a>,
}

impl<'a> Inserter<'a> {
    /// Makes ready for many devices.
    pub(super) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        let device = connection.prepare_cached(
            "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                serial_number, product_key, manufacturer, model, sku_number, system_family,
                user_principal_name, version, purchase_order_identifier, addressable_user_name,
                resource_name, directory_device_id, managed_device_id, display_name,
                device_account_upn, device_friendly_name, userless_enrollment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22)",
        )?;
        let note = search::DeviceNotes::prepare(connection)?;
        Ok(Self { device, note })
    }

    /// Adds a registered device.
    pub(super) fn insert(&mut self, device: &Device) -> rusqlite::Result<()> {
        let properties = &device.properties;
        self.device.execute(params![
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
        ])?;
        self.note
            .note(device.tenant, device.id, &properties.serial_number)
    }
}

/// Registers a device of which there is no hash.
pub(super) fn create(
    connection: &Connection,
    fresh: &FreshKeys,
    tenant: TenantId,
    new: &NewDevice,
) -> Result<DeviceCreation, Fault> {
    let mut fresh = fresh.read(connection)?;
    let known = ledger::known(connection, &fresh, &new.subject)?;
    let registration = match decide(&new.subject, tenant, new.call, &known) {
        Decision::Registered(registration) => *registration,
        Decision::Refused(error) => {
            // An attempt of the same request whose outcome its sender never learned.
            let before = match error {
                DirectoryError::ZtdDeviceDuplicated => find(connection, tenant, new.id)?,
                _ => None,
            };
            return Ok(before.map_or(DeviceCreation::Refused(error), |device| {
                DeviceCreation::Registered(Box::new(device))
            }));
        }
    };
    let is_known = registration.entry.is_some();
    let device = Device {
        tenant,
        id: new.id,
        properties: registration.device,
        ledger_entry: registration.entry.unwrap_or(new.entry),
        registered_at: new.now,
        direct_profile: None,
        targeted_at: new.now,
        version: 0,
    };
    ledger::give(
        connection,
        &mut ledger::Inserter::prepare(connection)?,
        &mut fresh,
        &device,
        new.call,
        registration.entry,
        &new.subject,
    )?;
    Inserter::prepare(connection)?.insert(&device)?;
    let detail = is_known.then_some("hardware-known");
    record(
        connection,
        &device,
        &new.actor,
        "device-created",
        detail,
        new.now,
    )?;
    Ok(DeviceCreation::Registered(Box::new(device)))
}

/// Changes a device.
pub(super) fn update(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
    write: DeviceWrite,
) -> Result<DeviceUpdated, Fault> {
    let Some(mut device) = find(connection, tenant, id)? else {
        return Ok(DeviceUpdated::Absent);
    };
    if !write.precondition.holds(device.revision()) {
        return Ok(DeviceUpdated::ConditionNotMet);
    }
    if let Err(fixed) = device.apply(write.change, write.now) {
        return Ok(DeviceUpdated::Fixed(fixed));
    }
    let properties = &device.properties;
    // What tells which hardware the device is stays as it is.
    connection
        .prepare_cached(
            "UPDATE device SET version = ?3, group_tag = ?4, user_principal_name = ?5,
                purchase_order_identifier = ?6, addressable_user_name = ?7, resource_name = ?8,
                directory_device_id = ?9, managed_device_id = ?10, display_name = ?11,
                device_account_upn = ?12, device_friendly_name = ?13, userless_enrollment = ?14,
                targeted_at = nullif(?15, registered_at)
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            device.version,
            properties.group_tag,
            properties.user_principal_name,
            properties.purchase_order_identifier,
            properties.addressable_user_name,
            properties.resource_name,
            properties.directory_device_id,
            properties.managed_device_id,
            properties.display_name,
            properties.device_account_upn,
            properties.device_friendly_name,
            properties.userless_enrollment.number(),
            device.targeted_at.as_microsecond(),
        ])?;
    let action = write.act.as_str();
    record(connection, &device, &write.actor, action, None, write.now)?;
    Ok(DeviceUpdated::Done(Box::new(device)))
}

/// Deletes a device on behalf of its tenant.
pub(super) fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
    precondition: &Precondition,
    actor: &Actor,
    now: Timestamp,
) -> Result<DeviceDeletion, Fault> {
    forget_old_tombstones(connection, now)?;
    if *precondition != Precondition::default() {
        let found = find(connection, tenant, id)?;
        if found.is_some_and(|device| !precondition.holds(device.revision())) {
            return Ok(DeviceDeletion::ConditionNotMet);
        }
    }
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

fn record(
    connection: &Connection,
    device: &Device,
    actor: &Actor,
    action: &'static str,
    detail: Option<&str>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    audit::record(
        connection,
        &audit::Line {
            at,
            tenant: device.tenant,
            actor,
            action,
            import: None,
            device: Some(device.id),
            ledger_entry: Some(device.ledger_entry),
            detail,
        },
    )
}
