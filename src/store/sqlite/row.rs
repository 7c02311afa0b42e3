//! From columns to domain values. What can't be right is `StoreError::Corrupt`, never a panic.

use jiff::Timestamp;
use rusqlite::Row;
use uuid::Uuid;

use super::fault::Fault;
use crate::{
    domain::{
        device::{Device, DeviceId, DeviceProperties, UserlessEnrollment},
        directory_error::DirectoryError,
        hardware_blob::HardwareBlob,
        identity::LedgerEntryId,
        import::{CallId, Import, ImportId, ImportProperties, ImportState},
        profile::ProfileId,
        tenant::TenantId,
    },
    store::StoreError,
};

/// The columns that `import` reads, in its order.
pub(super) const IMPORT_COLUMNS: &str = "tenant, id, call, accepted_at, state, device, error_code, \
     group_tag, serial_number, product_key, import_id, assigned_user_principal_name, \
     hardware_len_bytes, hardware_content, version";

/// Where the version is among `IMPORT_COLUMNS`, and what a statement adds to them.
pub(super) const VERSION: usize = 14;
pub(super) const SEQ: usize = 15;

/// The columns that `device` reads, in its order.
pub(super) const DEVICE_COLUMNS: &str = "tenant, id, ledger_entry, registered_at, group_tag, \
     serial_number, product_key, manufacturer, model, sku_number, system_family, \
     user_principal_name, version, purchase_order_identifier, addressable_user_name, \
     resource_name, directory_device_id, managed_device_id, display_name, device_account_upn, \
     device_friendly_name, userless_enrollment, direct_profile, targeted_at";

/// The numbers of an import's state, as the table keeps them.
pub(super) const WAITING: i64 = 0;
pub(super) const COMPLETE: i64 = 3;
pub(super) const REFUSED: i64 = 4;

/// Reads a row of `IMPORT_COLUMNS`.
pub(super) fn import(row: &Row<'_>) -> Result<Import, Fault> {
    let device: Option<[u8; 16]> = row.get(5)?;
    let error_code: Option<i32> = row.get(6)?;
    let state = match (
        row.get(4)?,
        device,
        error_code.map(DirectoryError::from_code),
    ) {
        (WAITING, None, None) => ImportState::Waiting,
        (COMPLETE, Some(device), None) => ImportState::Complete(DeviceId(Uuid::from_bytes(device))),
        (REFUSED, None, Some(Some(error))) => ImportState::Refused(error),
        (number, ..) => return Err(corrupt(&format!("an import's state {number}"))),
    };
    let hardware_blob = match (row.get::<_, Option<usize>>(12)?, row.get(13)?) {
        (None, None) => None,
        (Some(len_bytes), Some(content)) => Some(
            HardwareBlob::from_parts(content, len_bytes)
                .ok_or_else(|| corrupt("a hardware hash longer than its length"))?,
        ),
        _ => return Err(corrupt("half a hardware hash")),
    };
    Ok(Import {
        tenant: TenantId(guid(row, 0)?),
        id: ImportId(guid(row, 1)?),
        call: CallId(guid(row, 2)?),
        accepted_at: timestamp(row.get(3)?)?,
        version: row.get(VERSION)?,
        state,
        properties: ImportProperties {
            group_tag: row.get(7)?,
            serial_number: row.get(8)?,
            product_key: row.get(9)?,
            import_id: row.get(10)?,
            assigned_user_principal_name: row.get(11)?,
            hardware_blob,
        },
    })
}

/// Reads a row of `DEVICE_COLUMNS`.
pub(super) fn device(row: &Row<'_>) -> Result<Device, Fault> {
    let registered_at = timestamp(row.get(3)?)?;
    let direct_profile: Option<[u8; 16]> = row.get(22)?;
    let targeted_at: Option<i64> = row.get(23)?;
    Ok(Device {
        tenant: TenantId(guid(row, 0)?),
        id: DeviceId(guid(row, 1)?),
        ledger_entry: LedgerEntryId(guid(row, 2)?),
        registered_at,
        version: row.get(12)?,
        direct_profile: direct_profile.map(|id| ProfileId(Uuid::from_bytes(id))),
        targeted_at: targeted_at.map_or(Ok(registered_at), timestamp)?,
        properties: DeviceProperties {
            group_tag: row.get(4)?,
            serial_number: row.get(5)?,
            product_key: row.get(6)?,
            manufacturer: row.get(7)?,
            model: row.get(8)?,
            sku_number: row.get(9)?,
            system_family: row.get(10)?,
            user_principal_name: row.get(11)?,
            purchase_order_identifier: row.get(13)?,
            addressable_user_name: row.get(14)?,
            resource_name: row.get(15)?,
            directory_device_id: row.get(16)?,
            managed_device_id: row.get(17)?,
            display_name: row.get(18)?,
            device_account_upn: row.get(19)?,
            device_friendly_name: row.get(20)?,
            userless_enrollment: UserlessEnrollment::from_number(row.get(21)?)
                .ok_or_else(|| corrupt("a device's userless enrolment"))?,
        },
    })
}

/// Reads a GUID.
pub(super) fn guid(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    row.get(index).map(Uuid::from_bytes)
}

/// Reads a GUID that may be absent.
pub(super) fn optional_guid(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(index)?.map(Uuid::from_bytes))
}

/// An instant from its microseconds.
pub(super) fn timestamp(microseconds: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|_| corrupt(&format!("the instant {microseconds}")))
}

/// Says that something read can't be right.
pub(super) fn corrupt(what: &str) -> Fault {
    Fault::Store(StoreError::Corrupt(what.to_owned()))
}
