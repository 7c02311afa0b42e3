//! Registered devices on the wire: `windowsAutopilotDeviceIdentity`, written. What clients say of
//! them is read in `device_change`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{
    assignment::{Assigned, AssignmentStatus},
    device::Device,
    field::DeviceField,
    profile::{Profile, ProfileId},
    revision::Revision,
};

use super::{
    assignment::AssignmentKey,
    collection::{Expanded, write_expanded},
    entity::{Head, NEVER, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    json_writer::ObjectWriter,
    list_query::Shown,
    navigation::ASSIGNED_DEVICES,
    profile::{Within, write_profile},
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
    pub expanded: &'a [ProfileExpanded],
}

/// A navigation property that is expanded, and what of its profile is shown.
#[derive(Clone, Debug)]
pub struct ProfileExpanded {
    /// The navigation property.
    pub name: &'static str,
    /// What of the profile is shown.
    pub shown: Shown,
    /// What each profile is shown with, where that is anything.
    pub within: BTreeMap<ProfileId, Within>,
}

/// The devices that a profile is shown with.
#[derive(Clone, Debug)]
pub struct DevicesShown {
    /// Those that are shown, and how far each has the profile.
    pub rows: Vec<(Device, Option<Assigned>)>,
    /// Where the others are.
    pub next_link: Option<String>,
    /// What of each is shown.
    pub shown: Shown,
    /// What is expanded within each.
    pub expanded: Vec<ProfileExpanded>,
}

impl ProfileShown<'_> {
    /// Names the state that the device is shown in, the profile's share of it included.
    pub fn revision(&self, device: &Device) -> Revision {
        let Some(assigned) = &self.assigned else {
            return device.revision();
        };
        let instant = |at: Timestamp| at.as_microsecond().to_le_bytes();
        // What is expanded changes by itself.
        let modified_at = self.profile.map(|profile| instant(profile.modified_at));
        let assignments = self.assignments(assigned.profile);
        device.revision().shown_with(&[
            assigned.profile.0.as_bytes(),
            &instant(assigned.since),
            &[u8::from(assigned.status == AssignmentStatus::InSync)],
            modified_at.as_ref().map_or(&[], |at| at.as_slice()),
            assignments.as_bytes(),
        ])
    }

    /// The keys of the assignments that the profile is shown with.
    fn assignments(&self, profile: ProfileId) -> String {
        let expanded = self.expanded.iter();
        let within = expanded.filter_map(|expanded| expanded.within.get(&profile));
        let shown = within.filter_map(|within| within.assignments.as_ref());
        let keys = shown.flat_map(|shown| &shown.rows).map(AssignmentKey);
        keys.map(|key| key.to_string()).collect()
    }
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
        revision: Some(&|| shown.revision(device)),
    };
    let mut object = begin_entity(out, &head, context, place);
    write_properties(&mut object, &DEVICE, context, "", &|field| {
        value(device, shown.assigned, field)
    });
    let [_, intended] = DEVICE_NAVIGATION;
    for ProfileExpanded {
        name,
        shown: of_profile,
        within,
    } in shown.expanded
    {
        let has_it = shown.assigned.is_some_and(|assigned| {
            *name == intended || assigned.status == AssignmentStatus::InSync
        });
        let out = object.key(name);
        match shown.profile.filter(|_| has_it) {
            Some(profile) => {
                let context = WriteContext {
                    shown: Some(of_profile),
                    ..*context
                };
                let within = within.get(&profile.id);
                write_profile(out, profile, within, &context, Place::Item);
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    object.end();
}

/// Writes a profile's devices within it.
pub(super) fn write_devices(
    object: &mut ObjectWriter<'_>,
    profile: &Profile,
    devices: &DevicesShown,
    context: &WriteContext<'_>,
) {
    let context = &WriteContext {
        shown: Some(&devices.shown),
        ..*context
    };
    let path = assigned_devices_path(profile.id);
    let expanded = Expanded {
        name: ASSIGNED_DEVICES,
        path: &path,
        count: None,
        next_link: devices.next_link.as_deref(),
    };
    let items = devices.rows.iter().map(|(device, assigned)| {
        let shown = ProfileShown {
            assigned: *assigned,
            profile: Some(profile),
            expanded: &devices.expanded,
        };
        move |out: &mut Vec<u8>| write_device(out, device, &shown, context, Place::Item)
    });
    write_expanded(object, &expanded, context, items);
}

/// Where a profile's devices stand, below `deviceManagement`.
fn assigned_devices_path(profile: ProfileId) -> String {
    let set = EntitySet::Profiles.name();
    format!("{set}('{profile}')/{ASSIGNED_DEVICES}")
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
        DeviceField::PurchaseOrderIdentifier => &properties.purchase_order_identifier,
        DeviceField::AddressableUserName => &properties.addressable_user_name,
        DeviceField::ResourceName => &properties.resource_name,
        DeviceField::DirectoryDeviceId => &properties.directory_device_id,
        // The live service writes a GUID here even for a device that is not managed.
        DeviceField::ManagedDeviceId if properties.managed_device_id.is_empty() => {
            return Value::Guid(Uuid::nil());
        }
        DeviceField::ManagedDeviceId => &properties.managed_device_id,
        DeviceField::DisplayName => &properties.display_name,
        DeviceField::DeviceAccountUpn => &properties.device_account_upn,
        // Never given back, nor kept.
        DeviceField::DeviceAccountPassword => return Value::Plain(""),
        DeviceField::DeviceFriendlyName => &properties.device_friendly_name,
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
        DeviceField::UserlessEnrollmentStatus => {
            return Value::Plain(properties.userless_enrollment.as_str());
        }
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

    use super::*;
    use crate::{
        domain::{
            device::{DeviceId, DeviceProperties, UserlessEnrollment},
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
            version: 0,
            direct_profile: None,
            targeted_at: Timestamp::UNIX_EPOCH,
        };
        let context = WriteContext {
            base: "https://hangar.example:8443",
            version,
            level,
            behavior,
            shown: None,
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
            ..DeviceProperties::default()
        }
    }

    #[test]
    fn every_property_is_shown_under_its_name_and_the_password_never() {
        let text = |name: &str| format!("a {name}");
        let properties = DeviceProperties {
            group_tag: text("groupTag"),
            purchase_order_identifier: text("purchaseOrderIdentifier"),
            serial_number: text("serialNumber"),
            product_key: text("productKey"),
            manufacturer: text("manufacturer"),
            model: text("model"),
            addressable_user_name: text("addressableUserName"),
            user_principal_name: text("userPrincipalName"),
            resource_name: text("resourceName"),
            sku_number: text("skuNumber"),
            system_family: text("systemFamily"),
            directory_device_id: text("azureActiveDirectoryDeviceId"),
            managed_device_id: text("managedDeviceId"),
            display_name: text("displayName"),
            device_account_upn: text("deviceAccountUpn"),
            device_friendly_name: text("deviceFriendlyName"),
            userless_enrollment: UserlessEnrollment::Allowed,
        };
        let body = written(
            properties,
            Version::Beta,
            MetadataLevel::None,
            Behavior::Documented,
        );
        let Json::Object(members) = parse(&body).unwrap() else {
            panic!("an object")
        };
        let mut shown = 0;
        for (name, value) in &members {
            let expected = match name.as_ref() {
                "azureAdDeviceId" => text("azureActiveDirectoryDeviceId"),
                "deviceAccountPassword" => String::new(),
                "userlessEnrollmentStatus" => "allowed".to_owned(),
                name => text(name),
            };
            if *value == Json::String(expected.into()) {
                shown += 1;
            }
        }
        assert_eq!(shown, 19, "{body}");
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
            @r##"{"@odata.context":"https://hangar.example:8443/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","@odata.etag":"W/\"GG1CeLRSBtD3fmSL0lnaPw\"","@odata.id":"deviceManagement/windowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","@odata.editLink":"deviceManagement/windowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","id":"00000000-0000-0000-0000-000000000abc","deploymentProfileAssignmentStatus@odata.type":"#microsoft.graph.windowsAutopilotProfileAssignmentStatus","deploymentProfileAssignmentStatus":"notAssigned","deploymentProfileAssignmentDetailedStatus@odata.type":"#microsoft.graph.windowsAutopilotProfileAssignmentDetailedStatus","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime@odata.type":"#DateTimeOffset","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","groupTag":"Sales","purchaseOrderIdentifier":"","serialNumber":"Default string","productKey":"3302800000001","manufacturer":"Contoso","model":"Book \"2\"","enrollmentState@odata.type":"#microsoft.graph.enrollmentState","enrollmentState":"notContacted","lastContactedDateTime@odata.type":"#DateTimeOffset","lastContactedDateTime":"0001-01-01T00:00:00Z","addressableUserName":"","userPrincipalName":"a@b.example","resourceName":"","skuNumber":"SKU","systemFamily":"Family","azureActiveDirectoryDeviceId":"","azureAdDeviceId":"","managedDeviceId":"00000000-0000-0000-0000-000000000000","displayName":"","deviceAccountUpn":"","deviceAccountPassword":"","deviceFriendlyName":"","remediationState@odata.type":"#microsoft.graph.windowsAutopilotDeviceRemediationState","remediationState":"noRemediationRequired","remediationStateLastModifiedDateTime@odata.type":"#DateTimeOffset","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus@odata.type":"#microsoft.graph.windowsAutopilotUserlessEnrollmentStatus","userlessEnrollmentStatus":"unknown"}"##
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
