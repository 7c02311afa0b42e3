//! What queries may name, made from the property table: a vocabulary a type and a version.

use std::sync::LazyLock;

use odata::{Kind, Multiplicity, Navigation, Property, Vocabulary};

use crate::domain::field::{DeviceField, ImportField, ProfileField, UploadField};

use super::{
    enumeration::enumeration_in,
    navigation::{ASSIGNED_DEVICES, ASSIGNMENTS},
    schema::{
        self, ACTIVE_DIRECTORY_PROFILE, ASSIGNMENT, Content, DEVICE, DEVICE_NAVIGATION, EVENT,
        EdmType, IMPORT, StructuredType, UPLOAD, UPLOAD_IMPORTS,
    },
    version::Version,
};

/// The vocabularies of a type, by version.
struct ByVersion<F> {
    beta: Vocabulary<F>,
    v1: Vocabulary<F>,
}

/// What a query of imports may name.
pub fn imports(version: Version) -> &'static Vocabulary<ImportField> {
    static IMPORTS: LazyLock<ByVersion<ImportField>> = LazyLock::new(|| ByVersion::of(&IMPORT));
    IMPORTS.get(version)
}

/// What a query of uploads may name.
pub fn uploads(version: Version) -> &'static Vocabulary<UploadField> {
    static UPLOADS: LazyLock<ByVersion<UploadField>> = LazyLock::new(|| {
        let mut uploads = ByVersion::of(&UPLOAD);
        uploads.beta = uploads.beta.navigation(Navigation {
            name: UPLOAD_IMPORTS,
            multiplicity: Multiplicity::Many,
            target: || imports(Version::Beta).shape(),
        });
        uploads
    });
    UPLOADS.get(version)
}

/// What a query of devices may name.
pub fn devices(version: Version) -> &'static Vocabulary<DeviceField> {
    static DEVICES: LazyLock<ByVersion<DeviceField>> = LazyLock::new(|| {
        let mut devices = ByVersion::of(&DEVICE);
        for name in DEVICE_NAVIGATION {
            devices.beta = devices.beta.navigation(Navigation {
                name,
                multiplicity: Multiplicity::One,
                target: || profiles().shape(),
            });
        }
        devices
    });
    DEVICES.get(version)
}

/// What a query of profiles may name, of whichever kind they are.
pub fn profiles() -> &'static Vocabulary<ProfileField> {
    static PROFILES: LazyLock<Vocabulary<ProfileField>> = LazyLock::new(|| {
        let kind = &ACTIVE_DIRECTORY_PROFILE;
        let profiles = describe(Vocabulary::new(kind.name), kind, Version::Beta, "");
        let many = |name, target| Navigation {
            name,
            multiplicity: Multiplicity::Many,
            target,
        };
        profiles
            .navigation(many(ASSIGNMENTS, || assignments().shape()))
            .navigation(many(ASSIGNED_DEVICES, || devices(Version::Beta).shape()))
    });
    &PROFILES
}

/// What a query of a profile's assignments may name. A value is called by its path, as these are
/// written without walking the table.
pub fn assignments() -> &'static Vocabulary<&'static str> {
    static ASSIGNMENTS: LazyLock<Vocabulary<&'static str>> = LazyLock::new(|| by_path(&ASSIGNMENT));
    &ASSIGNMENTS
}

/// What a query of events may name, of which there are none.
pub fn events() -> &'static Vocabulary<&'static str> {
    static EVENTS: LazyLock<Vocabulary<&'static str>> = LazyLock::new(|| by_path(&EVENT));
    &EVENTS
}

impl<F: Copy> ByVersion<F> {
    fn of(kind: &'static StructuredType<F>) -> Self {
        let of = |version| describe(Vocabulary::new(kind.name), kind, version, "");
        Self {
            beta: of(Version::Beta),
            v1: of(Version::V1),
        }
    }

    fn get(&self, version: Version) -> &Vocabulary<F> {
        match version {
            Version::Beta => &self.beta,
            Version::V1 => &self.v1,
        }
    }
}

/// Adds a type's properties to a vocabulary, their names behind this prefix.
fn describe<F: Copy>(
    mut vocabulary: Vocabulary<F>,
    kind: &'static StructuredType<F>,
    version: Version,
    prefix: &'static str,
) -> Vocabulary<F> {
    for property in kind.properties_in(version) {
        let path = path(prefix, property.name);
        vocabulary = match &property.content {
            Content::Value(edm, field) => {
                let described = Property {
                    nullable: property.nullable,
                    ..Property::new(path, *field, kind_of(*edm, property.role, version))
                };
                vocabulary.property(match property.role {
                    schema::Role::Secret => described.only_selectable(),
                    schema::Role::Key | schema::Role::Plain => described,
                })
            }
            Content::Collection(_, field) => {
                let described = Property::new(path, *field, Kind::Opaque);
                vocabulary.property(described.only_selectable())
            }
            Content::Complex(inner) | Content::Optional(inner, _) => {
                describe(vocabulary.complex(path, inner.name), inner, version, path)
            }
        };
    }
    vocabulary
}

/// A type without fields behind its properties.
fn by_path(kind: &'static StructuredType<()>) -> Vocabulary<&'static str> {
    let mut vocabulary = Vocabulary::new(kind.name);
    for property in kind.properties_in(Version::Beta) {
        let name = property.name;
        vocabulary = match property.content {
            Content::Value(EdmType::Complex(type_name), ()) => vocabulary.complex(name, type_name),
            Content::Value(edm, ()) => vocabulary.property(Property {
                nullable: property.nullable,
                ..Property::new(name, name, kind_of(edm, property.role, Version::Beta))
            }),
            Content::Collection(..) | Content::Complex(_) | Content::Optional(..) => vocabulary,
        };
    }
    vocabulary
}

/// The path of a property. A vocabulary is made once and stands as long as the process, and so may
/// its paths.
fn path(prefix: &'static str, name: &'static str) -> &'static str {
    match prefix {
        "" => name,
        _ => Box::leak(format!("{prefix}/{name}").into_boxed_str()),
    }
}

fn kind_of(edm: EdmType, role: schema::Role, version: Version) -> Kind {
    match edm {
        // A key is a string on the wire and a GUID in truth: it is found in any letter case.
        EdmType::String if role == schema::Role::Key => Kind::Guid,
        EdmType::String => Kind::String,
        EdmType::Binary | EdmType::Complex(_) => Kind::Opaque,
        EdmType::Int32 => Kind::Integer,
        EdmType::Boolean => Kind::Boolean,
        EdmType::DateTimeOffset => Kind::DateTimeOffset,
        // A test sees that the table names no other.
        EdmType::Enum(name) => enumeration_in(name, version).map_or(Kind::Opaque, Kind::Enum),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<F>(vocabulary: &Vocabulary<F>) -> Vec<&'static str> {
        let properties = vocabulary.properties().iter();
        properties.map(|property| property.path).collect()
    }

    #[test]
    fn every_property_has_its_path_and_kind() {
        let imports = imports(Version::V1);
        assert_eq!(
            paths(imports),
            [
                "id",
                "orderIdentifier",
                "groupTag",
                "serialNumber",
                "productKey",
                "importId",
                "hardwareIdentifier",
                "assignedUserPrincipalName",
                "state/deviceImportStatus",
                "state/deviceRegistrationId",
                "state/deviceErrorCode",
                "state/deviceErrorName",
            ]
        );
        let kind = |path: &str| imports.get(path).unwrap().kind;
        assert_eq!(kind("id"), Kind::Guid);
        assert_eq!(kind("serialNumber"), Kind::String);
        assert_eq!(kind("state/deviceErrorCode"), Kind::Integer);
        assert!(matches!(kind("state/deviceImportStatus"), Kind::Enum(_)));
        let opaque: Vec<_> = imports
            .properties()
            .iter()
            .filter(|property| !property.filterable || !property.sortable)
            .map(|property| property.path)
            .collect();
        assert_eq!(opaque, ["hardwareIdentifier"]);
    }

    #[test]
    fn every_enumeration_of_the_table_is_known() {
        for property in devices(Version::Beta).properties() {
            assert_eq!(
                property.filterable && property.sortable,
                property.path != "deviceAccountPassword",
                "{}",
                property.path
            );
        }
    }

    #[test]
    fn beta_expands_a_devices_profile() {
        use odata::parse_expand;
        let shape = devices(Version::Beta).shape();
        let text = "deploymentProfile($select=displayName),intendedDeploymentProfile";
        let expand = parse_expand(text, shape).unwrap();
        let names: Vec<_> = expand.items.iter().map(|item| item.name).collect();
        assert_eq!(names, ["deploymentProfile", "intendedDeploymentProfile"]);
        assert!(parse_expand("deploymentProfile", devices(Version::V1).shape()).is_err());
    }

    #[test]
    fn the_stable_version_has_its_own_properties_alone() {
        assert_eq!(paths(devices(Version::V1)).len(), 17);
        assert_eq!(paths(devices(Version::Beta)).len(), 27);
        assert!(devices(Version::V1).get("azureAdDeviceId").is_none());
        assert_eq!(
            devices(Version::Beta).get("azureAdDeviceId").unwrap().field,
            devices(Version::V1)
                .get("azureActiveDirectoryDeviceId")
                .unwrap()
                .field
        );
    }
}
