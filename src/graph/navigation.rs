//! The table of navigation properties: the ways from one entity to others, which paths follow and
//! `$expand` takes.

use super::{
    action::TypeReference,
    schema::{
        ASSIGNMENT, DEVICE, DEVICE_MANAGEMENT, DEVICE_NAVIGATION, EVENT, EntitySet, IMPORT,
        PROFILE, PROFILE_NAVIGATION, SETTINGS, SETTINGS_SINGLETON, UPLOAD, UPLOAD_IMPORTS,
        Versions,
    },
    version::Version,
};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Navigation {
    /// The qualified name of the type that it leads from.
    pub from: &'static str,
    /// The name, as a path spells it.
    pub name: &'static str,
    /// Where it leads.
    pub to: TypeReference,
    /// Whether what it leads to belongs to where it leads from.
    pub contained: bool,
    /// Where it is known.
    pub versions: Versions,
}

/// The profile's devices.
pub const ASSIGNED_DEVICES: &str = PROFILE_NAVIGATION[1];

/// The profile's assignments.
pub const ASSIGNMENTS: &str = PROFILE_NAVIGATION[0];

const TOP: &str = DEVICE_MANAGEMENT.name;
const DEPLOYMENT_PROFILE: &str = DEVICE_NAVIGATION[0];
const INTENDED_PROFILE: &str = DEVICE_NAVIGATION[1];

/// Every navigation property.
pub const NAVIGATION: &[Navigation] = &[
    contained(TOP, EntitySet::Imports.name(), many(IMPORT.name)),
    beta(contained(TOP, EntitySet::Uploads.name(), many(UPLOAD.name))),
    contained(TOP, EntitySet::Devices.name(), many(DEVICE.name)),
    beta(contained(
        TOP,
        EntitySet::Profiles.name(),
        many(PROFILE.name),
    )),
    beta(contained(TOP, SETTINGS_SINGLETON, one(SETTINGS.name))),
    beta(contained(TOP, EntitySet::Events.name(), many(EVENT.name))),
    beta(contained(UPLOAD.name, UPLOAD_IMPORTS, many(IMPORT.name))),
    beta(linked(DEVICE.name, DEPLOYMENT_PROFILE, one(PROFILE.name))),
    beta(linked(DEVICE.name, INTENDED_PROFILE, one(PROFILE.name))),
    beta(contained(PROFILE.name, ASSIGNED_DEVICES, many(DEVICE.name))),
    beta(contained(PROFILE.name, ASSIGNMENTS, many(ASSIGNMENT.name))),
];

/// The navigation properties of a type in a version.
pub fn navigation_from(
    type_name: &str,
    version: Version,
) -> impl Iterator<Item = &'static Navigation> {
    NAVIGATION
        .iter()
        .filter(move |way| way.from == type_name && way.versions.include(version))
}

const fn one(name: &'static str) -> TypeReference {
    TypeReference::one(name)
}

const fn many(name: &'static str) -> TypeReference {
    TypeReference::many(name)
}

const fn contained(from: &'static str, name: &'static str, to: TypeReference) -> Navigation {
    Navigation {
        from,
        name,
        to,
        contained: true,
        versions: Versions::Both,
    }
}

const fn linked(from: &'static str, name: &'static str, to: TypeReference) -> Navigation {
    Navigation {
        contained: false,
        ..contained(from, name, to)
    }
}

const fn beta(navigation: Navigation) -> Navigation {
    Navigation {
        versions: Versions::BetaOnly,
        ..navigation
    }
}
