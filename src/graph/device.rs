//! Registered devices on the wire: `windowsAutopilotDeviceIdentity`, written.

use uuid::Uuid;

use crate::domain::{
    assignment::{Assigned, AssignmentStatus},
    device::Device,
    field::DeviceField,
    profile::Profile,
};

use super::{
    entity::{Head, NEVER, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    profile::write_profile,
    schema::{DEVICE, DEVICE_NAVIGATION, EntitySet},
};

/// What of a device's deployment profile is shown with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileShown<'a> {
    /// Which profile it is, and whether the device has it yet.
    pub assigned: Option<Assigned>,
    /// The profile itself, where an expansion needs it.
    pub profile: Option<&'a Profile>,
    /// What is expanded.
    pub expanded: &'a [&'static str],
}

/// Writes one device.
pub fn write_device(
    out: &mut Vec<u8>,
    device: &Device,
    shown: &ProfileShown<'_>,
    context: &WriteContext<'_>,
    place: Place,
) {
    let head = Head {
        set: EntitySet::Devices.name(),
        type_name: DEVICE.name,
        typing: Typing::ByContext,
        key: &device.id,
    };
    let mut object = begin_entity(out, &head, context, place);
    write_properties(&mut object, &DEVICE, context, &|field| {
        value(device, shown.assigned, field)
    });
    let [_, intended] = DEVICE_NAVIGATION;
    for name in shown.expanded {
        let has_it = shown.assigned.is_some_and(|assigned| {
            *name == intended || assigned.status == AssignmentStatus::InSync
        });
        let out = object.key(name);
        match shown.profile.filter(|_| has_it) {
            Some(profile) => write_profile(out, profile, None, context, Place::Item),
            None => out.extend_from_slice(b"null"),
        }
    }
    object.end();
}

/// A field's value. Scripts read statuses and dates without looking: none is ever null. Those of
/// things that never happened are what the live service shows for them.
fn value(device: &Device, assigned: Option<Assigned>, field: DeviceField) -> Value<'_> {
    let properties = &device.properties;
    Value::Text(match field {
        DeviceField::Id => return Value::Guid(device.id.0),
        DeviceField::GroupTag => &properties.group_tag,
        DeviceField::SerialNumber => &properties.serial_number,
        DeviceField::ProductKey => &properties.product_key,
        DeviceField::Manufacturer => &properties.manufacturer,
        DeviceField::Model => &properties.model,
        DeviceField::UserPrincipalName => &properties.user_principal_name,
        DeviceField::SkuNumber => &properties.sku_number,
        DeviceField::SystemFamily => &properties.system_family,
        // The live service writes a GUID here even for a device that is not managed.
        DeviceField::ManagedDeviceId => return Value::Guid(Uuid::nil()),
        DeviceField::PurchaseOrderIdentifier
        | DeviceField::AddressableUserName
        | DeviceField::ResourceName
        | DeviceField::DirectoryDeviceId
        | DeviceField::DisplayName
        | DeviceField::DeviceAccountUpn
        | DeviceField::DeviceAccountPassword
        | DeviceField::DeviceFriendlyName => return Value::Plain(""),
        DeviceField::ProfileAssignmentStatus => {
            return Value::Plain(match assigned.map(|assigned| assigned.status) {
                None => "notAssigned",
                Some(AssignmentStatus::Pending) => "pending",
                Some(AssignmentStatus::InSync) => "assignedInSync",
            });
        }
        DeviceField::ProfileAssignmentDetailedStatus => return Value::Plain("none"),
        DeviceField::EnrollmentState => return Value::Plain("notContacted"),
        DeviceField::RemediationState => return Value::Plain("noRemediationRequired"),
        DeviceField::UserlessEnrollmentStatus => return Value::Plain("unknown"),
        DeviceField::ProfileAssignedAt => {
            return match assigned {
                Some(assigned) if assigned.status == AssignmentStatus::InSync => {
                    Value::Instant(assigned.since)
                }
                _ => Value::Plain(NEVER),
            };
        }
        DeviceField::LastContactedAt | DeviceField::RemediationStateModifiedAt => {
            return Value::Plain(NEVER);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{
            device::{DeviceId, DeviceProperties},
            identity::LedgerEntryId,
            tenant::TenantId,
        },
        graph::{
            behavior::Behavior,
            json::{Json, parse},
            metadata_level::MetadataLevel,
            version::Version,
        },
    };

    fn written(
        properties: DeviceProperties,
        version: Version,
        level: MetadataLevel,
        behavior: Behavior,
    ) -> String {
        let device = Device {
            tenant: TenantId(Uuid::from_u128(1)),
            id: DeviceId(Uuid::from_u128(0xabc)),
            properties,
            ledger_entry: LedgerEntryId(Uuid::from_u128(2)),
            registered_at: Timestamp::UNIX_EPOCH,
            direct_profile: None,
            targeted_at: Timestamp::UNIX_EPOCH,
        };
        let context = WriteContext {
            base: "https://hangar.example:8443",
            version,
            level,
            behavior,
        };
        let mut out = Vec::new();
        let shown = ProfileShown::default();
        write_device(&mut out, &device, &shown, &context, Place::Entity);
        String::from_utf8(out).unwrap()
    }

    fn laptop() -> DeviceProperties {
        DeviceProperties {
            group_tag: "Sales".into(),
            serial_number: "Default string".into(),
            product_key: "3302800000001".into(),
            manufacturer: "Contoso".into(),
            model: "Book \"2\"".into(),
            sku_number: "SKU".into(),
            system_family: "Family".into(),
            user_principal_name: "a@b.example".into(),
        }
    }

    #[test]
    fn the_stable_version_minimal() {
        insta::assert_snapshot!(
            written(laptop(), Version::V1, MetadataLevel::Minimal, Behavior::Documented),
            @r##"{"@odata.context":"https://hangar.example:8443/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"00000000-0000-0000-0000-000000000abc","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default string","productKey":"3302800000001","manufacturer":"Contoso","model":"Book \"2\"","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@b.example","resourceName":"","skuNumber":"SKU","systemFamily":"Family","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"##
        );
    }

    #[test]
    fn beta_minimal() {
        insta::assert_snapshot!(
            written(laptop(), Version::Beta, MetadataLevel::Minimal, Behavior::Documented),
            @r##"{"@odata.context":"https://hangar.example:8443/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","id":"00000000-0000-0000-0000-000000000abc","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default string","productKey":"3302800000001","manufacturer":"Contoso","model":"Book \"2\"","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@b.example","resourceName":"","skuNumber":"SKU","systemFamily":"Family","azureActiveDirectoryDeviceId":"","azureAdDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"","deviceAccountPassword":"","deviceFriendlyName":"","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus":"unknown"}"##
        );
    }

    #[test]
    fn beta_full() {
        insta::assert_snapshot!(
            written(laptop(), Version::Beta, MetadataLevel::Full, Behavior::Documented),
            @r##"{"@odata.context":"https://hangar.example:8443/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","@odata.id":"deviceManagement/windowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","@odata.editLink":"deviceManagement/windowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","id":"00000000-0000-0000-0000-000000000abc","deploymentProfileAssignmentStatus@odata.type":"#microsoft.graph.windowsAutopilotProfileAssignmentStatus","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus@odata.type":"#microsoft.graph.windowsAutopilotProfileAssignmentDetailedStatus","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime@odata.type":"#DateTimeOffset","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default string","productKey":"3302800000001","manufacturer":"Contoso","model":"Book \"2\"","enrollmentState@odata.type":"#microsoft.graph.enrollmentState","enrollmentState":"notContacted","lastContactedDateTime@odata.type":"#DateTimeOffset","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@b.example","resourceName":"","skuNumber":"SKU","systemFamily":"Family","azureActiveDirectoryDeviceId":"","azureAdDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"","deviceAccountPassword":"","deviceFriendlyName":"","remediationState@odata.type":"#microsoft.graph.windowsAutopilotDeviceRemediationState","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime@odata.type":"#DateTimeOffset","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus@odata.type":"#microsoft.graph.windowsAutopilotUserlessEnrollmentStatus","userlessEnrollmentStatus":"unknown"}"##
        );
    }

    #[test]
    fn the_stable_version_none() {
        insta::assert_snapshot!(
            written(DeviceProperties::default(), Version::V1, MetadataLevel::None, Behavior::Observed),
            @r#"{"id":"00000000-0000-0000-0000-000000000abc","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"","productKey":"","manufacturer":"","model":"","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"","systemFamily":"","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"#
        );
    }

    #[test]
    fn the_stable_version_minimal_observed() {
        insta::assert_snapshot!(
            written(DeviceProperties::default(), Version::V1, MetadataLevel::Minimal, Behavior::Observed),
            @r#"{"@odata.context":"https://hangar.example:8443/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","id":"00000000-0000-0000-0000-000000000abc","groupTag":"","purchaseOrderIdentifier":"","serialNumber":"","productKey":"","manufacturer":"","model":"","enrollmentState":"notContacted","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"","resourceName":"","skuNumber":"","systemFamily":"","azureActiveDirectoryDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":""}"#
        );
    }

    #[test]
    fn nothing_is_null_and_no_two_keys_differ_only_in_letter_case() {
        for version in [Version::Beta, Version::V1] {
            for level in [
                MetadataLevel::None,
                MetadataLevel::Minimal,
                MetadataLevel::Full,
            ] {
                let body = written(
                    DeviceProperties::default(),
                    version,
                    level,
                    Behavior::Documented,
                );
                let Json::Object(members) = parse(&body).unwrap() else {
                    panic!("an object")
                };
                let folded: HashSet<_> = members
                    .iter()
                    .map(|(name, _)| name.to_lowercase())
                    .collect();
                assert_eq!(folded.len(), members.len());
                assert!(members.iter().all(|(_, value)| *value != Json::Null));
            }
        }
    }
}
