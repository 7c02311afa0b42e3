//! THE property table: every property on the wire with its type, and the domain's field behind it.
//!
//! Bodies are read and written by walking it. A new property is a row here and a field in
//! `domain::field`; the compiler then asks for its value.

mod described;
mod profile;

pub use self::{described::*, profile::*};

use crate::domain::field::{DeletedDeviceField, DeviceField, ImportField, UploadField};

use super::version::Version;

/// A type with named properties: an entity, or a complex value within one.
#[derive(Debug)]
pub struct StructuredType<F: 'static> {
    /// The qualified name.
    pub name: &'static str,
    /// The type that it is derived from, whose properties come first.
    pub base: Option<&'static StructuredType<F>>,
    /// Its own properties, in the order in which they are written.
    pub properties: &'static [Property<F>],
}

/// A row of the table.
#[derive(Debug)]
pub struct Property<F: 'static> {
    /// The name on the wire.
    pub name: &'static str,
    /// What the property holds.
    pub content: Content<F>,
    /// Whether it may be null in an answer.
    pub nullable: bool,
    /// Where it is known.
    pub versions: Versions,
    /// What it is to queries.
    pub role: Role,
}

/// What a property is to queries: plain ones that can be compared may be filtered and sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The key.
    Key,
    /// Any other.
    Plain,
    /// What may be selected, and nothing found out about by filters.
    Secret,
}

/// What a property holds.
#[derive(Debug)]
pub enum Content<F: 'static> {
    /// A single value, behind which stands a field.
    Value(EdmType, F),
    /// An object of a complex type.
    Complex(&'static StructuredType<F>),
    /// An object of a complex type that may be absent, which the field tells.
    Optional(&'static StructuredType<F>, F),
    /// Any number of values, behind which stands a field.
    Collection(EdmType, F),
}

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdmType {
    /// `Edm.String`.
    String,
    /// `Edm.Binary`: base64.
    Binary,
    /// `Edm.Int32`.
    Int32,
    /// `Edm.Boolean`.
    Boolean,
    /// `Edm.DateTimeOffset`.
    DateTimeOffset,
    /// An enumeration, by its qualified name.
    Enum(&'static str),
    /// A complex type, by its qualified name. Only its absence is a single value.
    Complex(&'static str),
}

impl EdmType {
    /// The qualified name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "Edm.String",
            Self::Binary => "Edm.Binary",
            Self::Int32 => "Edm.Int32",
            Self::Boolean => "Edm.Boolean",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Enum(name) | Self::Complex(name) => name,
        }
    }
}

/// The versions of Graph that know a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Both.
    Both,
    /// Only beta.
    BetaOnly,
}

impl Versions {
    /// Whether this version is one of them.
    pub fn include(self, version: Version) -> bool {
        self == Self::Both || version == Version::Beta
    }
}

impl<F> StructuredType<F> {
    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&'static Property<F>> {
        let inherited = self.base.and_then(|base| base.property(name));
        inherited.or_else(|| {
            self.properties
                .iter()
                .find(|property| property.name == name)
        })
    }

    /// The properties that a version knows, those of the base first.
    pub fn properties_in(&self, version: Version) -> impl Iterator<Item = &'static Property<F>> {
        // One base is all that any type here has.
        let inherited = self.base.map_or(&[][..], |base| base.properties);
        inherited
            .iter()
            .chain(self.properties)
            .filter(move |property| property.versions.include(version))
    }
}

/// The collections under `deviceManagement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntitySet {
    /// Requests to register a device.
    Imports,
    /// Registered devices.
    Devices,
    /// The baskets in which imports came in 2018.
    Uploads,
    /// Deployment profiles.
    Profiles,
    /// What happened while devices were set up.
    Events,
}

impl EntitySet {
    /// The name, as a path spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imports => "importedWindowsAutopilotDeviceIdentities",
            Self::Devices => "windowsAutopilotDeviceIdentities",
            Self::Uploads => "importedWindowsAutopilotDeviceIdentityUploads",
            Self::Profiles => "windowsAutopilotDeploymentProfiles",
            Self::Events => "autopilotEvents",
        }
    }

    /// What may be expanded in a version.
    pub fn expandable(self, version: Version) -> &'static [&'static str] {
        match (self, version) {
            (Self::Devices, Version::Beta) => &DEVICE_NAVIGATION,
            (Self::Uploads, Version::Beta) => &UPLOAD_NAVIGATION,
            (Self::Profiles, Version::Beta) => &PROFILE_NAVIGATION,
            _ => &[],
        }
    }
}

/// The device's profile once it has it, and the one that it is to have.
pub const DEVICE_NAVIGATION: [&str; 2] = ["deploymentProfile", "intendedDeploymentProfile"];

/// The upload's imports.
pub const UPLOAD_NAVIGATION: [&str; 1] = [UPLOAD_IMPORTS];

/// The profile's assignments, and its devices.
pub const PROFILE_NAVIGATION: [&str; 2] = ["assignments", "assignedDevices"];

/// The parameter of the action `import`.
pub const IMPORT_PARAMETER: &str = "importedWindowsAutopilotDeviceIdentities";

/// Graph: importedWindowsAutopilotDeviceIdentity.
pub const IMPORT: StructuredType<ImportField> = StructuredType {
    name: "microsoft.graph.importedWindowsAutopilotDeviceIdentity",
    base: None,
    properties: &[
        key(ImportField::Id),
        // The name of 2018 and today's name of one value.
        optional("orderIdentifier", EdmType::String, ImportField::GroupTag),
        optional("groupTag", EdmType::String, ImportField::GroupTag),
        optional("serialNumber", EdmType::String, ImportField::SerialNumber),
        optional("productKey", EdmType::String, ImportField::ProductKey),
        optional("importId", EdmType::String, ImportField::ImportId),
        optional(
            "hardwareIdentifier",
            EdmType::Binary,
            ImportField::HardwareBlob,
        ),
        optional(
            "assignedUserPrincipalName",
            EdmType::String,
            ImportField::AssignedUserPrincipalName,
        ),
        Property {
            name: "state",
            content: Content::Complex(&IMPORT_STATE),
            nullable: true,
            versions: Versions::Both,
            role: Role::Plain,
        },
    ],
};

/// Graph: importedWindowsAutopilotDeviceIdentityState.
pub const IMPORT_STATE: StructuredType<ImportField> = StructuredType {
    name: "microsoft.graph.importedWindowsAutopilotDeviceIdentityState",
    base: None,
    properties: &[
        required("deviceImportStatus", IMPORT_STATUS, ImportField::Status),
        optional(
            "deviceRegistrationId",
            EdmType::String,
            ImportField::RegisteredDevice,
        ),
        required("deviceErrorCode", EdmType::Int32, ImportField::ErrorCode),
        optional("deviceErrorName", EdmType::String, ImportField::ErrorName),
    ],
};

/// Graph: importedWindowsAutopilotDeviceIdentityImportStatus.
pub const IMPORT_STATUS: EdmType =
    EdmType::Enum("microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus");

/// The imports in an upload, by which one navigates from it.
pub const UPLOAD_IMPORTS: &str = "deviceIdentities";

/// Graph: importedWindowsAutopilotDeviceIdentityUpload.
pub const UPLOAD: StructuredType<UploadField> = StructuredType {
    name: "microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload",
    base: None,
    properties: &[
        key(UploadField::Id),
        required(
            "createdDateTimeUtc",
            EdmType::DateTimeOffset,
            UploadField::CreatedAt,
        ),
        required(
            "status",
            EdmType::Enum("microsoft.graph.importedWindowsAutopilotDeviceIdentityUploadStatus"),
            UploadField::Status,
        ),
    ],
};

/// Graph: windowsAutopilotDeviceIdentity.
pub const DEVICE: StructuredType<DeviceField> = StructuredType {
    name: "microsoft.graph.windowsAutopilotDeviceIdentity",
    base: None,
    properties: &[
        key(DeviceField::Id),
        beta(required(
            "deploymentProfileAssignmentStatus",
            EdmType::Enum("microsoft.graph.windowsAutopilotProfileAssignmentStatus"),
            DeviceField::ProfileAssignmentStatus,
        )),
        beta(required(
            "deploymentProfileAssignmentDetailedStatus",
            EdmType::Enum("microsoft.graph.windowsAutopilotProfileAssignmentDetailedStatus"),
            DeviceField::ProfileAssignmentDetailedStatus,
        )),
        beta(required(
            "deploymentProfileAssignedDateTime",
            EdmType::DateTimeOffset,
            DeviceField::ProfileAssignedAt,
        )),
        optional("groupTag", EdmType::String, DeviceField::GroupTag),
        optional(
            "purchaseOrderIdentifier",
            EdmType::String,
            DeviceField::PurchaseOrderIdentifier,
        ),
        optional("serialNumber", EdmType::String, DeviceField::SerialNumber),
        optional("productKey", EdmType::String, DeviceField::ProductKey),
        optional("manufacturer", EdmType::String, DeviceField::Manufacturer),
        optional("model", EdmType::String, DeviceField::Model),
        required(
            "enrollmentState",
            EdmType::Enum("microsoft.graph.enrollmentState"),
            DeviceField::EnrollmentState,
        ),
        required(
            "lastContactedDateTime",
            EdmType::DateTimeOffset,
            DeviceField::LastContactedAt,
        ),
        optional(
            "addressableUserName",
            EdmType::String,
            DeviceField::AddressableUserName,
        ),
        optional(
            "userPrincipalName",
            EdmType::String,
            DeviceField::UserPrincipalName,
        ),
        optional("resourceName", EdmType::String, DeviceField::ResourceName),
        optional("skuNumber", EdmType::String, DeviceField::SkuNumber),
        optional("systemFamily", EdmType::String, DeviceField::SystemFamily),
        // Two names of one value again, the shorter one in beta alone.
        optional(
            "azureActiveDirectoryDeviceId",
            EdmType::String,
            DeviceField::DirectoryDeviceId,
        ),
        beta(optional(
            "azureAdDeviceId",
            EdmType::String,
            DeviceField::DirectoryDeviceId,
        )),
        optional(
            "managedDeviceId",
            EdmType::String,
            DeviceField::ManagedDeviceId,
        ),
        optional("displayName", EdmType::String, DeviceField::DisplayName),
        beta(optional(
            "deviceAccountUpn",
            EdmType::String,
            DeviceField::DeviceAccountUpn,
        )),
        beta(secret(optional(
            "deviceAccountPassword",
            EdmType::String,
            DeviceField::DeviceAccountPassword,
        ))),
        beta(optional(
            "deviceFriendlyName",
            EdmType::String,
            DeviceField::DeviceFriendlyName,
        )),
        beta(required(
            "remediationState",
            EdmType::Enum("microsoft.graph.windowsAutopilotDeviceRemediationState"),
            DeviceField::RemediationState,
        )),
        beta(required(
            "remediationStateLastModifiedDateTime",
            EdmType::DateTimeOffset,
            DeviceField::RemediationStateModifiedAt,
        )),
        beta(required(
            "userlessEnrollmentStatus",
            EdmType::Enum("microsoft.graph.windowsAutopilotUserlessEnrollmentStatus"),
            DeviceField::UserlessEnrollmentStatus,
        )),
    ],
};

/// Graph: deletedWindowsAutopilotDeviceState.
pub const DELETED_DEVICE: StructuredType<DeletedDeviceField> = StructuredType {
    name: "microsoft.graph.deletedWindowsAutopilotDeviceState",
    base: None,
    properties: &[
        optional(
            "serialNumber",
            EdmType::String,
            DeletedDeviceField::SerialNumber,
        ),
        optional(
            "deviceRegistrationId",
            EdmType::String,
            DeletedDeviceField::DeletedDevice,
        ),
        required(
            "deletionState",
            EdmType::Enum("microsoft.graph.windowsAutopilotDeviceDeletionState"),
            DeletedDeviceField::DeletionState,
        ),
        optional(
            "errorMessage",
            EdmType::String,
            DeletedDeviceField::ErrorMessage,
        ),
    ],
};

const fn required<F: Copy>(name: &'static str, edm: EdmType, field: F) -> Property<F> {
    Property {
        name,
        content: Content::Value(edm, field),
        nullable: false,
        versions: Versions::Both,
        role: Role::Plain,
    }
}

const fn optional<F: Copy>(name: &'static str, edm: EdmType, field: F) -> Property<F> {
    Property {
        nullable: true,
        ..required(name, edm, field)
    }
}

const fn key<F: Copy>(field: F) -> Property<F> {
    Property {
        role: Role::Key,
        ..required("id", EdmType::String, field)
    }
}

const fn secret<F: Copy>(property: Property<F>) -> Property<F> {
    Property {
        role: Role::Secret,
        ..property
    }
}

const fn beta<F: Copy>(property: Property<F>) -> Property<F> {
    Property {
        versions: Versions::BetaOnly,
        ..property
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<F>(kind: &StructuredType<F>, version: Version) -> Vec<&'static str> {
        kind.properties_in(version)
            .map(|property| property.name)
            .collect()
    }

    #[test]
    fn no_two_names_differ_only_in_letter_case() {
        let types = [
            names(&IMPORT, Version::Beta),
            names(&IMPORT_STATE, Version::Beta),
            names(&DEVICE, Version::Beta),
            names(&UPLOAD, Version::Beta),
        ];
        for names in types {
            let mut folded: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
            folded.sort_unstable();
            folded.dedup();
            assert_eq!(folded.len(), names.len());
        }
    }

    #[test]
    fn the_seeds_properties_stand_in_its_order() {
        let seed = [
            "id",
            "orderIdentifier",
            "serialNumber",
            "productKey",
            "hardwareIdentifier",
            "state",
        ];
        let mut ours = names(&IMPORT, Version::V1);
        ours.retain(|name| seed.contains(name));
        assert_eq!(ours, seed);
        assert_eq!(
            names(&IMPORT_STATE, Version::V1),
            [
                "deviceImportStatus",
                "deviceRegistrationId",
                "deviceErrorCode",
                "deviceErrorName"
            ]
        );
    }

    #[test]
    fn the_stable_version_knows_only_its_own_properties() {
        assert_eq!(
            names(&DEVICE, Version::V1),
            [
                "id",
                "groupTag",
                "purchaseOrderIdentifier",
                "serialNumber",
                "productKey",
                "manufacturer",
                "model",
                "enrollmentState",
                "lastContactedDateTime",
                "addressableUserName",
                "userPrincipalName",
                "resourceName",
                "skuNumber",
                "systemFamily",
                "azureActiveDirectoryDeviceId",
                "managedDeviceId",
                "displayName"
            ]
        );
        assert_eq!(names(&DEVICE, Version::Beta).len(), 27);
        assert_eq!(names(&IMPORT, Version::Beta), names(&IMPORT, Version::V1));
    }
}
