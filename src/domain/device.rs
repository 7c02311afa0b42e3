//! A registered device and its properties.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{identity::LedgerEntryId, profile::ProfileId, tenant::TenantId};

/// The key of a device. Graph: `deviceRegistrationId` in an import's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub Uuid);

impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// What is known of a device. Absent strings are empty here, as Graph answers them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceProperties {
    /// Graph: `groupTag`.
    pub group_tag: String,
    /// Graph: `serialNumber`.
    pub serial_number: String,
    /// Graph: `productKey`.
    pub product_key: String,
    /// Graph: `manufacturer`.
    pub manufacturer: String,
    /// Graph: `model`.
    pub model: String,
    /// Graph: `skuNumber`.
    pub sku_number: String,
    /// Graph: `systemFamily`.
    pub system_family: String,
    /// Graph: `userPrincipalName`.
    pub user_principal_name: String,
}

/// Graph: windowsAutopilotDeviceIdentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The key, made by the registrar.
    pub id: DeviceId,
    /// What is known of it.
    pub properties: DeviceProperties,
    /// The hardware that it is.
    pub ledger_entry: LedgerEntryId,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// The deployment profile that was assigned to this very device.
    pub direct_profile: Option<ProfileId>,
    /// When that, or the group tag, last changed; when it was registered, if neither did.
    pub targeted_at: Timestamp,
}
