//! Devices: reading and changing them, registering those that have no hash, and deleting them so
//! that their hardware is free. Deleting many by name is in `by_serial`.

mod by_serial;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    audit,
    fault::Fault,
    ledger::{self, view::View},
    pool::{Session, Transaction},
    row::{self, get},
};
use crate::{
    domain::{
        actor::Actor,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        registration::{Decision, decide},
        revision::Precondition,
        tenant::TenantId,
    },
    store::operation::{DeviceCreation, DeviceDeletion, DeviceUpdated, DeviceWrite, NewDevice},
};
pub(super) use by_serial::delete_named;

/// How long a deleted device is remembered as such.
const TOMBSTONE_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The device with this id.
pub(super) async fn find(
    session: &Session,
    tenant: TenantId,
    id: DeviceId,
) -> Result<Option<Device>, Fault> {
    let sql = by_id("");
    let rows = session.query(&sql, &[&tenant.0, &id.0]).await?;
    rows.first().map(row::device).transpose()
}

/// The same, which nobody else changes meanwhile.
async fn lock(
    transaction: &Transaction,
    tenant: TenantId,
    id: DeviceId,
) -> Result<Option<Device>, Fault> {
    let sql = by_id(" FOR UPDATE");
    let found = transaction.query_opt(&sql, &[&tenant.0, &id.0]).await?;
    found.as_ref().map(row::device).transpose()
}

fn by_id(lock: &str) -> String {
    format!(
        "SELECT {} FROM device WHERE tenant = $1 AND id = $2{lock}",
        row::DEVICE_COLUMNS
    )
}

/// Adds registered devices.
pub(super) async fn insert(transaction: &Transaction, devices: &[Device]) -> Result<(), Fault> {
    if devices.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = all(devices, |device| device.tenant.0);
    let ids: Vec<Uuid> = all(devices, |device| device.id.0);
    let entries: Vec<Uuid> = all(devices, |device| device.ledger_entry.0);
    let instants: Vec<i64> = all(devices, |device| device.registered_at.as_microsecond());
    let versions: Vec<i64> = all(devices, |device| device.version);
    let enrollments: Vec<i64> = all(devices, |device| {
        device.properties.userless_enrollment.number().into()
    });
    let texts = all_texts(devices);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&tenants, &ids, &entries, &instants, &versions, &enrollments];
    parameters.extend(texts.iter().map(|texts| texts as &(dyn ToSql + Sync)));
    transaction
        .execute(
            "INSERT INTO device (tenant, id, ledger_entry, registered_at, version,
                userless_enrollment, group_tag, serial_number, product_key, manufacturer, model,
                sku_number, system_family, user_principal_name, purchase_order_identifier,
                addressable_user_name, resource_name, directory_device_id, managed_device_id,
                display_name, device_account_upn, device_friendly_name)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[],
                $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
                $18::text[], $19::text[], $20::text[], $21::text[], $22::text[])",
            &parameters,
        )
        .await?;
    Ok(())
}

fn all<'a, T>(devices: &'a [Device], of: impl Fn(&'a Device) -> T) -> Vec<T> {
    devices.iter().map(of).collect()
}

/// The texts of devices, a column each, in the order of the statement.
fn all_texts(devices: &[Device]) -> [Vec<&str>; 16] {
    let mut columns: [Vec<&str>; 16] = std::array::from_fn(|_| Vec::with_capacity(devices.len()));
    for device in devices {
        let properties = &device.properties;
        let texts = [
            &properties.group_tag,
            &properties.serial_number,
            &properties.product_key,
            &properties.manufacturer,
            &properties.model,
            &properties.sku_number,
            &properties.system_family,
            &properties.user_principal_name,
            &properties.purchase_order_identifier,
            &properties.addressable_user_name,
            &properties.resource_name,
            &properties.directory_device_id,
            &properties.managed_device_id,
            &properties.display_name,
            &properties.device_account_upn,
            &properties.device_friendly_name,
        ];
        for (column, text) in columns.iter_mut().zip(texts) {
            column.push(text);
        }
    }
    columns
}

/// Registers a device of which there is no hash.
pub(super) async fn create(
    transaction: &Transaction,
    tenant: TenantId,
    new: &NewDevice,
) -> Result<DeviceCreation, Fault> {
    let mut ledger = View::read(transaction, &[&new.subject]).await?;
    let known = ledger.known(&new.subject)?;
    let registration = match decide(&new.subject, tenant, new.call, &known) {
        Decision::Registered(registration) => *registration,
        Decision::Refused(error) => {
            // An attempt of the same request whose outcome its sender never learned.
            let before = match error {
                DirectoryError::ZtdDeviceDuplicated => lock(transaction, tenant, new.id).await?,
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
    ledger.give(&device, new.call, registration.entry, &new.subject)?;
    ledger.write(transaction).await?;
    insert(transaction, std::slice::from_ref(&device)).await?;
    let detail = is_known.then(|| "hardware-known".to_owned());
    let line = line(&device, &new.actor, "device-created", detail, new.now);
    audit::record(transaction, &[line]).await?;
    Ok(DeviceCreation::Registered(Box::new(device)))
}

/// Changes a device.
pub(super) async fn update(
    transaction: &Transaction,
    tenant: TenantId,
    id: DeviceId,
    write: DeviceWrite,
) -> Result<DeviceUpdated, Fault> {
    let Some(mut device) = lock(transaction, tenant, id).await? else {
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
    transaction
        .execute(
            "UPDATE device SET version = $3, group_tag = $4, user_principal_name = $5,
                purchase_order_identifier = $6, addressable_user_name = $7, resource_name = $8,
                directory_device_id = $9, managed_device_id = $10, display_name = $11,
                device_account_upn = $12, device_friendly_name = $13, userless_enrollment = $14,
                targeted_at = nullif($15, registered_at)
             WHERE tenant = $1 AND id = $2",
            &[
                &tenant.0,
                &id.0,
                &device.version,
                &properties.group_tag,
                &properties.user_principal_name,
                &properties.purchase_order_identifier,
                &properties.addressable_user_name,
                &properties.resource_name,
                &properties.directory_device_id,
                &properties.managed_device_id,
                &properties.display_name,
                &properties.device_account_upn,
                &properties.device_friendly_name,
                &i64::from(properties.userless_enrollment.number()),
                &device.targeted_at.as_microsecond(),
            ],
        )
        .await?;
    let line = line(&device, &write.actor, write.act.as_str(), None, write.now);
    audit::record(transaction, &[line]).await?;
    Ok(DeviceUpdated::Done(Box::new(device)))
}

/// Deletes a device on behalf of its tenant.
pub(super) async fn delete(
    transaction: &Transaction,
    tenant: TenantId,
    id: DeviceId,
    precondition: &Precondition,
    actor: &Actor,
    now: Timestamp,
) -> Result<DeviceDeletion, Fault> {
    forget_old_tombstones(transaction, tenant, now).await?;
    if *precondition != Precondition::default() {
        let found = lock(transaction, tenant, id).await?;
        if found.is_some_and(|device| !precondition.holds(device.revision())) {
            return Ok(DeviceDeletion::ConditionNotMet);
        }
    }
    let removed = remove(transaction, tenant, &[id], actor, "device-deleted", now).await?;
    if removed == 1 {
        return Ok(DeviceDeletion::Deleted);
    }
    let sql = "SELECT deleted_at FROM device_tombstone WHERE tenant = $1 AND id = $2";
    let found = transaction.query_opt(sql, &[&tenant.0, &id.0]).await?;
    found.map_or(Ok(DeviceDeletion::Absent), |row| {
        row::timestamp(get(&row, "deleted_at")?).map(DeviceDeletion::DeletedBefore)
    })
}

/// Takes devices away from their tenant, frees their hardware and remembers that they were there;
/// how many there were.
pub(super) async fn remove(
    transaction: &Transaction,
    tenant: TenantId,
    ids: &[DeviceId],
    actor: &Actor,
    action: &'static str,
    now: Timestamp,
) -> Result<usize, Fault> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // In one order, whoever deletes.
    let lock = "SELECT id FROM device WHERE tenant = $1 AND id = ANY($2) ORDER BY id FOR UPDATE";
    transaction.query(lock, &[&tenant.0, &ids]).await?;
    let sql = "DELETE FROM device WHERE tenant = $1 AND id = ANY($2) RETURNING id, ledger_entry";
    let rows = transaction.query(sql, &[&tenant.0, &ids]).await?;
    let mut removed = Vec::with_capacity(rows.len());
    for row in &rows {
        let device = DeviceId(get(row, "id")?);
        removed.push((device, LedgerEntryId(get(row, "ledger_entry")?)));
    }
    if removed.is_empty() {
        return Ok(0);
    }
    removed.sort_by_key(|(device, _)| ids.iter().position(|id| *id == device.0));
    let mut entries: Vec<_> = removed.iter().map(|(_, entry)| *entry).collect();
    entries.sort_unstable();
    ledger::free(transaction, &entries).await?;
    let gone: Vec<Uuid> = removed.iter().map(|(device, _)| device.0).collect();
    let sql = "INSERT INTO device_tombstone (tenant, id, deleted_at)
        SELECT $1, id, $3 FROM unnest($2::uuid[]) AS gone (id)";
    transaction
        .execute(sql, &[&tenant.0, &gone, &now.as_microsecond()])
        .await?;
    let line = |(device, entry): &(DeviceId, LedgerEntryId)| audit::Line {
        at: now,
        tenant,
        actor,
        action,
        import: None,
        device: Some(*device),
        ledger_entry: Some(*entry),
        detail: None,
    };
    let lines: Vec<_> = removed.iter().map(line).collect();
    audit::record(transaction, &lines).await?;
    Ok(removed.len())
}

async fn forget_old_tombstones(
    transaction: &Transaction,
    tenant: TenantId,
    now: Timestamp,
) -> Result<(), Fault> {
    let oldest = now.saturating_sub(TOMBSTONE_KEPT).unwrap_or(Timestamp::MIN);
    // Whoever else forgets them is not waited for.
    let sql = "DELETE FROM device_tombstone WHERE tenant = $1 AND id IN (
        SELECT id FROM device_tombstone WHERE tenant = $1 AND deleted_at < $2
        FOR UPDATE SKIP LOCKED)";
    transaction
        .execute(sql, &[&tenant.0, &oldest.as_microsecond()])
        .await?;
    Ok(())
}

fn line<'a>(
    device: &Device,
    actor: &'a Actor,
    action: &'static str,
    detail: Option<String>,
    at: Timestamp,
) -> audit::Line<'a> {
    audit::Line {
        at,
        tenant: device.tenant,
        actor,
        action,
        import: None,
        device: Some(device.id),
        ledger_entry: Some(device.ledger_entry),
        detail,
    }
}
