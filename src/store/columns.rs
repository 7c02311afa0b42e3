//! Where the tables of both backends keep what queries ask for.

use std::{borrow::Cow, sync::LazyLock};

use jiff::Timestamp;
use odata::Value;

use super::filter_sql::{ByPlan, Column, Dialect, NEVER_MICROSECONDS, PlanColumns};
use crate::domain::{
    directory_error::DirectoryError,
    field::{DeviceField, ImportField, UploadField},
};

/// Where a device's property is kept. Absent texts are empty here; what no device has yet is what `graph`
/// shows for it.
pub(super) fn device(field: DeviceField) -> Column {
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
        DeviceField::PurchaseOrderIdentifier => "purchase_order_identifier",
        DeviceField::AddressableUserName => "addressable_user_name",
        DeviceField::ResourceName => "resource_name",
        DeviceField::DirectoryDeviceId => "directory_device_id",
        // A device that is not managed is shown with a GUID.
        DeviceField::ManagedDeviceId => {
            "(CASE managed_device_id WHEN '' THEN '00000000-0000-0000-0000-000000000000'
                ELSE managed_device_id END)"
        }
        DeviceField::DisplayName => "display_name",
        DeviceField::DeviceAccountUpn => "device_account_upn",
        DeviceField::DeviceFriendlyName => "device_friendly_name",
        DeviceField::UserlessEnrollmentStatus => "userless_enrollment",
        DeviceField::DeviceAccountPassword => {
            return Column::Constant(Value::Text(Cow::Borrowed("")));
        }
        DeviceField::ProfileAssignmentStatus => {
            return Column::Planned(ByPlan::Status, &PLAN_COLUMNS);
        }
        DeviceField::ProfileAssignedAt => {
            return Column::Planned(ByPlan::AssignedAt, &PLAN_COLUMNS);
        }
        DeviceField::EnrollmentState => return Column::Constant(Value::Enum(4)),
        DeviceField::RemediationState => return Column::Constant(Value::Enum(1)),
        DeviceField::ProfileAssignmentDetailedStatus => return Column::Constant(Value::Enum(0)),
        DeviceField::LastContactedAt | DeviceField::RemediationStateModifiedAt => {
            let never = Timestamp::from_microsecond(NEVER_MICROSECONDS).unwrap_or_default();
            return Column::Constant(Value::Instant(never));
        }
    })
}

/// What a device's plan is about.
const PLAN_COLUMNS: PlanColumns = PlanColumns {
    direct_profile: "direct_profile",
    targeted_at: "coalesce(targeted_at, registered_at)",
    group_tag: "group_tag",
};

/// Where an import's property is kept. Absent texts are null here.
pub(super) fn import(dialect: Dialect, field: ImportField) -> Column {
    match field {
        ImportField::Id => Column::required("id"),
        ImportField::GroupTag => Column::nullable("group_tag"),
        ImportField::SerialNumber => Column::nullable("serial_number"),
        ImportField::ProductKey => Column::nullable("product_key"),
        ImportField::ImportId => Column::nullable("import_id"),
        ImportField::AssignedUserPrincipalName => Column::nullable("assigned_user_principal_name"),
        // No query may compare it.
        ImportField::HardwareBlob => Column::Constant(Value::Null),
        // The numbers of the states are those of Graph's enumeration.
        ImportField::Status => Column::required("state"),
        ImportField::RegisteredDevice => Column::required(match dialect {
            Dialect::Sqlite => {
                "(CASE WHEN device IS NULL THEN '' ELSE lower(substr(hex(device), 1, 8) || '-' \
                 || substr(hex(device), 9, 4) || '-' || substr(hex(device), 13, 4) || '-' \
                 || substr(hex(device), 17, 4) || '-' || substr(hex(device), 21)) END)"
            }
            Dialect::Postgres => "(coalesce(device::text, '') COLLATE \"C\")",
        }),
        ImportField::ErrorCode => Column::required("coalesce(error_code, 0)"),
        ImportField::ErrorName => Column::Stored {
            sql: error_names(dialect).into(),
            nullable: false,
        },
    }
}

/// The name of an import's outcome, as clients read it.
fn error_names(dialect: Dialect) -> String {
    static NAMES: LazyLock<String> = LazyLock::new(|| {
        let name = |error: DirectoryError| format!("WHEN {} THEN '{}'", error.code(), error.name());
        format!(
            "CASE WHEN state = 3 THEN 'None' ELSE CASE error_code {} ELSE '' END END",
            DirectoryError::ALL.map(name).join(" ")
        )
    });
    match dialect {
        Dialect::Sqlite => format!("({})", *NAMES),
        Dialect::Postgres => format!("(({}) COLLATE \"C\")", *NAMES),
    }
}

/// Where an upload's property is kept. The status is what `UploadContents` says, by its number on the wire.
pub(super) fn upload(field: UploadField) -> Column {
    Column::required(match field {
        UploadField::Id => "id",
        UploadField::CreatedAt => "created_at",
        UploadField::Status => {
            "(CASE
                WHEN expired = 0 AND NOT EXISTS (SELECT 1 FROM import
                    WHERE import.tenant = upload.tenant AND import.upload = upload.id) THEN 0
                WHEN EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
                    AND import.upload = upload.id AND state = 0) THEN 1
                WHEN expired = 2 OR EXISTS (SELECT 1 FROM import
                    WHERE import.tenant = upload.tenant AND import.upload = upload.id
                    AND state = 4) THEN 3
                ELSE 2 END)"
        }
    })
}
