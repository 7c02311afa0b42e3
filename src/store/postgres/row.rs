//! From columns to domain values. What can't be right is `StoreError::Corrupt`, never a panic.

use jiff::Timestamp;
use tokio_postgres::{Row, types::FromSql};
use uuid::Uuid;

use super::fault::{Fault, corrupt};
use crate::domain::{
    device::{Device, DeviceId, DeviceProperties, UserlessEnrollment},
    directory_error::DirectoryError,
    hardware_blob::HardwareBlob,
    identity::LedgerEntryId,
    import::{CallId, Import, ImportId, ImportProperties, ImportState},
    profile::ProfileId,
    tenant::TenantId,
};

/// The columns that `import` reads.
pub(super) const IMPORT_COLUMNS: &str = "tenant, id, call, accepted_at, state, device, error_code, \
     group_tag, serial_number, product_key, import_id, assigned_user_principal_name, \
     hardware_len_bytes, hardware_content, version";

/// The columns that `device` reads.
pub(super) const DEVICE_COLUMNS: &str = "tenant, id, ledger_entry, registered_at, group_tag, \
     serial_number, product_key, manufacturer, model, sku_number, system_family, \
     user_principal_name, version, purchase_order_identifier, addressable_user_name, \
     resource_name, directory_device_id, managed_device_id, display_name, device_account_upn, \
     device_friendly_name, userless_enrollment, direct_profile, targeted_at";

/// The numbers of an import's state, as the table keeps them.
pub(super) const WAITING: i64 = 0;
pub(super) const COMPLETE: i64 = 3;
pub(super) const REFUSED: i64 = 4;

/// Reads a column, by its name or number.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: &str) -> Result<T, Fault> {
    Ok(row.try_get(column)?)
}

/// Reads the one number of a statement that counts.
pub(super) fn count(rows: &[Row]) -> Result<u64, Fault> {
    let count: i64 = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => 0,
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Reads a row of `IMPORT_COLUMNS`.
pub(super) fn import(row: &Row) -> Result<Import, Fault> {
    let device: Option<Uuid> = get(row, "device")?;
    let error_code: Option<i64> = get(row, "error_code")?;
    let error = error_code.map(|code| i32::try_from(code).ok().and_then(DirectoryError::from_code));
    let state = match (get(row, "state")?, device, error) {
        (WAITING, None, None) => ImportState::Waiting,
        (COMPLETE, Some(device), None) => ImportState::Complete(DeviceId(device)),
        (REFUSED, None, Some(Some(error))) => ImportState::Refused(error),
        (number, ..) => return Err(corrupt(&format!("an import's state {number}"))),
    };
    let len_bytes: Option<i64> = get(row, "hardware_len_bytes")?;
    let hardware_blob = match (len_bytes, get(row, "hardware_content")?) {
        (None, None) => None,
        (Some(len_bytes), Some(content)) => Some(
            usize::try_from(len_bytes)
                .ok()
                .and_then(|len_bytes| HardwareBlob::from_parts(content, len_bytes))
                .ok_or_else(|| corrupt("a hardware hash longer than its length"))?,
        ),
        _ => return Err(corrupt("half a hardware hash")),
    };
    Ok(Import {
        tenant: TenantId(get(row, "tenant")?),
        id: ImportId(get(row, "id")?),
        call: CallId(get(row, "call")?),
        accepted_at: timestamp(get(row, "accepted_at")?)?,
        version: get(row, "version")?,
        state,
        properties: ImportProperties {
            group_tag: get(row, "group_tag")?,
            serial_number: get(row, "serial_number")?,
            product_key: get(row, "product_key")?,
            import_id: get(row, "import_id")?,
            assigned_user_principal_name: get(row, "assigned_user_principal_name")?,
            hardware_blob,
        },
    })
}

/// Reads a row of `DEVICE_COLUMNS`.
pub(super) fn device(row: &Row) -> Result<Device, Fault> {
    let registered_at = timestamp(get(row, "registered_at")?)?;
    let targeted_at: Option<i64> = get(row, "targeted_at")?;
    let enrollment: i64 = get(row, "userless_enrollment")?;
    Ok(Device {
        tenant: TenantId(get(row, "tenant")?),
        id: DeviceId(get(row, "id")?),
        ledger_entry: LedgerEntryId(get(row, "ledger_entry")?),
        registered_at,
        version: get(row, "version")?,
        direct_profile: get::<Option<Uuid>>(row, "direct_profile")?.map(ProfileId),
        targeted_at: targeted_at.map_or(Ok(registered_at), timestamp)?,
        properties: DeviceProperties {
            group_tag: get(row, "group_tag")?,
            serial_number: get(row, "serial_number")?,
            product_key: get(row, "product_key")?,
            manufacturer: get(row, "manufacturer")?,
            model: get(row, "model")?,
            sku_number: get(row, "sku_number")?,
            system_family: get(row, "system_family")?,
            user_principal_name: get(row, "user_principal_name")?,
            purchase_order_identifier: get(row, "purchase_order_identifier")?,
            addressable_user_name: get(row, "addressable_user_name")?,
            resource_name: get(row, "resource_name")?,
            directory_device_id: get(row, "directory_device_id")?,
            managed_device_id: get(row, "managed_device_id")?,
            display_name: get(row, "display_name")?,
            device_account_upn: get(row, "device_account_upn")?,
            device_friendly_name: get(row, "device_friendly_name")?,
            userless_enrollment: u8::try_from(enrollment)
                .ok()
                .and_then(UserlessEnrollment::from_number)
                .ok_or_else(|| corrupt("a device's userless enrolment"))?,
        },
    })
}

/// An instant from its microseconds.
pub(super) fn timestamp(microseconds: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|_| corrupt(&format!("the instant {microseconds}")))
}

/// A number that a statement takes.
pub(super) fn bounded(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
