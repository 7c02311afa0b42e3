//! A registered device, its properties, and which of them can change.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{identity::LedgerEntryId, profile::ProfileId, revision::Revision, tenant::TenantId};

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
    /// Graph: `purchaseOrderIdentifier`, which only clients set.
    pub purchase_order_identifier: String,
    /// Graph: `serialNumber`.
    pub serial_number: String,
    /// Graph: `productKey`.
    pub product_key: String,
    /// Graph: `manufacturer`.
    pub manufacturer: String,
    /// Graph: `model`.
    pub model: String,
    /// Graph: `addressableUserName`.
    pub addressable_user_name: String,
    /// Graph: `userPrincipalName`.
    pub user_principal_name: String,
    /// Graph: `resourceName`.
    pub resource_name: String,
    /// Graph: `skuNumber`.
    pub sku_number: String,
    /// Graph: `systemFamily`.
    pub system_family: String,
    /// Graph: `azureActiveDirectoryDeviceId`, in beta `azureAdDeviceId` too.
    pub directory_device_id: String,
    /// Graph: `managedDeviceId`.
    pub managed_device_id: String,
    /// Graph: `displayName`.
    pub display_name: String,
    /// Graph: `deviceAccountUpn`.
    pub device_account_upn: String,
    /// Graph: `deviceFriendlyName`.
    pub device_friendly_name: String,
    /// Graph: `userlessEnrollmentStatus`.
    pub userless_enrollment: UserlessEnrollment,
}

/// Whether a device may enrol without a user. Graph: windowsAutopilotUserlessEnrollmentStatus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserlessEnrollment {
    /// Nobody has said.
    #[default]
    Unknown,
    /// The next one is allowed.
    Allowed,
    /// It has had its one, and another must be allowed.
    Blocked,
}

impl UserlessEnrollment {
    const ALL: [Self; 3] = [Self::Unknown, Self::Allowed, Self::Blocked];

    /// The word that clients and administrators are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
        }
    }

    /// The number that stores keep.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
    }
}

/// Graph: windowsAutopilotDeviceIdentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The key, which is never the client's to choose.
    pub id: DeviceId,
    /// What is known of it.
    pub properties: DeviceProperties,
    /// The hardware that it is.
    pub ledger_entry: LedgerEntryId,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// How often it was written to. Whatever changes what a reader is shown raises it.
    pub version: i64,
    /// The deployment profile that was assigned to this very device.
    pub direct_profile: Option<ProfileId>,
    /// When that, or the group tag, last changed; when it was registered, if neither did.
    pub targeted_at: Timestamp,
}

/// What a client says of a device: of each property nothing, or a value. Absent is empty here too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// The group tag, if named.
    pub group_tag: Option<String>,
    /// The purchase order, if named.
    pub purchase_order_identifier: Option<String>,
    /// The serial number, if named. One of a device never changes; nor do the five after it.
    pub serial_number: Option<String>,
    /// The product key, if named.
    pub product_key: Option<String>,
    /// The manufacturer, if named.
    pub manufacturer: Option<String>,
    /// The model, if named.
    pub model: Option<String>,
    /// The stock keeping unit, if named.
    pub sku_number: Option<String>,
    /// The family of systems, if named.
    pub system_family: Option<String>,
    /// How the user is greeted, if named.
    pub addressable_user_name: Option<String>,
    /// The assigned user, if named.
    pub user_principal_name: Option<String>,
    /// The resource account's name, if named.
    pub resource_name: Option<String>,
    /// The device object in the directory, if named.
    pub directory_device_id: Option<String>,
    /// The managed device, if named.
    pub managed_device_id: Option<String>,
    /// The name that the device is to have, if named.
    pub display_name: Option<String>,
    /// The resource account, if named.
    pub device_account_upn: Option<String>,
    /// The friendly name, if named.
    pub device_friendly_name: Option<String>,
    /// Whether it may enrol without a user, if that is to change.
    pub userless_enrollment: Option<UserlessEnrollment>,
}

/// A change of a property that tells which hardware a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {property} of a device never changes")]
pub struct FixedProperty {
    /// Graph's name of the property.
    pub property: &'static str,
}

impl Device {
    /// Names the state that the device is in.
    pub fn revision(&self) -> Revision {
        Revision::of(&[self.id.0.as_bytes(), &self.version.to_le_bytes()])
    }

    /// Applies a change, all of it or nothing. What tells which hardware the device is keeps its
    /// value; naming the value that it has is no change, so that a client may send back what it
    /// read. A device is targeted anew by a change of its group tag.
    pub fn apply(&mut self, change: DeviceChange, now: Timestamp) -> Result<(), FixedProperty> {
        let known = &self.properties;
        let fixed = [
            ("serialNumber", &known.serial_number, &change.serial_number),
            ("productKey", &known.product_key, &change.product_key),
            ("manufacturer", &known.manufacturer, &change.manufacturer),
            ("model", &known.model, &change.model),
            ("skuNumber", &known.sku_number, &change.sku_number),
            ("systemFamily", &known.system_family, &change.system_family),
        ];
        for (property, known, named) in fixed {
            if named.as_ref().is_some_and(|named| named != known) {
                return Err(FixedProperty { property });
            }
        }
        let tag = &change.group_tag;
        if tag.as_ref().is_some_and(|tag| *tag != known.group_tag) {
            self.targeted_at = now;
        }
        self.properties.set(change);
        self.version += 1;
        Ok(())
    }
}

impl DeviceProperties {
    /// What a client says of a device that is not registered yet.
    pub fn of(change: DeviceChange) -> Self {
        let mut properties = Self::default();
        properties.set(change);
        properties
    }

    fn set(&mut self, change: DeviceChange) {
        let texts = [
            (&mut self.group_tag, change.group_tag),
            (
                &mut self.purchase_order_identifier,
                change.purchase_order_identifier,
            ),
            (&mut self.serial_number, change.serial_number),
            (&mut self.product_key, change.product_key),
            (&mut self.manufacturer, change.manufacturer),
            (&mut self.model, change.model),
            (
                &mut self.addressable_user_name,
                change.addressable_user_name,
            ),
            (&mut self.user_principal_name, change.user_principal_name),
            (&mut self.resource_name, change.resource_name),
            (&mut self.sku_number, change.sku_number),
            (&mut self.system_family, change.system_family),
            (&mut self.directory_device_id, change.directory_device_id),
            (&mut self.managed_device_id, change.managed_device_id),
            (&mut self.display_name, change.display_name),
            (&mut self.device_account_upn, change.device_account_upn),
            (&mut self.device_friendly_name, change.device_friendly_name),
        ];
        for (slot, named) in texts {
            if let Some(named) = named {
                *slot = named;
            }
        }
        if let Some(status) = change.userless_enrollment {
            self.userless_enrollment = status;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Timestamp = Timestamp::MAX;

    fn device() -> Device {
        Device {
            tenant: TenantId(Uuid::from_u128(1)),
            id: DeviceId(Uuid::from_u128(2)),
            properties: DeviceProperties {
                serial_number: "S".into(),
                group_tag: "T".into(),
                ..DeviceProperties::default()
            },
            ledger_entry: LedgerEntryId(Uuid::from_u128(3)),
            registered_at: Timestamp::UNIX_EPOCH,
            direct_profile: None,
            targeted_at: Timestamp::UNIX_EPOCH,
            version: 0,
        }
    }

    #[test]
    fn a_change_sets_what_it_names_and_makes_a_new_revision() {
        let mut device = device();
        let before = device.revision();
        let change = DeviceChange {
            display_name: Some("PC".into()),
            group_tag: Some(String::new()),
            serial_number: Some("S".into()),
            model: Some(String::new()),
            ..DeviceChange::default()
        };
        device.apply(change, LATER).unwrap();
        assert_eq!(device.targeted_at, LATER);
        assert_eq!(device.properties.display_name, "PC");
        assert_eq!(device.properties.group_tag, "");
        assert_ne!(device.revision(), before);
        let before = device.revision();
        let same_tag = DeviceChange {
            group_tag: Some(String::new()),
            ..DeviceChange::default()
        };
        device.apply(same_tag, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(device.targeted_at, LATER, "the tag is what it was");
        assert_ne!(device.revision(), before, "a write is a write");
    }

    #[test]
    fn what_tells_the_hardware_never_changes() {
        let other = || Some("other".to_owned());
        let named = || DeviceChange {
            group_tag: other(),
            ..DeviceChange::default()
        };
        let cases = [
            (
                "serialNumber",
                DeviceChange {
                    serial_number: other(),
                    ..named()
                },
            ),
            (
                "productKey",
                DeviceChange {
                    product_key: other(),
                    ..named()
                },
            ),
            (
                "manufacturer",
                DeviceChange {
                    manufacturer: other(),
                    ..named()
                },
            ),
            (
                "model",
                DeviceChange {
                    model: other(),
                    ..named()
                },
            ),
            (
                "skuNumber",
                DeviceChange {
                    sku_number: other(),
                    ..named()
                },
            ),
            (
                "systemFamily",
                DeviceChange {
                    system_family: other(),
                    ..named()
                },
            ),
            (
                "serialNumber",
                DeviceChange {
                    serial_number: Some(String::new()),
                    ..named()
                },
            ),
        ];
        for (property, change) in cases {
            let mut changed = device();
            assert_eq!(
                changed.apply(change, LATER),
                Err(FixedProperty { property })
            );
            assert_eq!(changed, device(), "a refused change leaves nothing behind");
        }
    }

    #[test]
    fn numbers_lead_back_to_their_statuses() {
        for (status, number) in UserlessEnrollment::ALL.into_iter().zip(0..) {
            assert_eq!(status.number(), number);
            assert_eq!(UserlessEnrollment::from_number(number), Some(status));
        }
        assert_eq!(UserlessEnrollment::from_number(3), None);
    }
}
