//! The table of actions: what each is bound to, what it takes and what it answers. Bodies of actions
//! are read by it, and descriptions of the API are made of it.

use super::{
    schema::{
        DELETED_DEVICE, DEVICE, EdmType, IMPORT, IMPORT_PARAMETER, PAYLOAD_LINK, PROFILE, SETTINGS,
        Versions,
    },
    version::Version,
};

/// The namespace of everything that is Graph's.
pub const NAMESPACE: &str = "microsoft.graph";

/// A row of the table.
#[derive(Debug)]
pub struct Action {
    /// The qualified name.
    pub name: &'static str,
    /// What it is called on.
    pub bound_to: TypeReference,
    /// What it takes, in the order in which readers hand the values over.
    pub parameters: &'static [Parameter],
    /// What it answers, if it answers anything.
    pub returns: Option<TypeReference>,
    /// Where it is known.
    pub versions: Versions,
}

/// What an action takes.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: TypeReference,
    /// Whether it may be null or left out.
    pub nullable: bool,
    /// Where it is known.
    pub versions: Versions,
}

/// A type, or a collection of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeReference {
    /// The type's qualified name.
    pub name: &'static str,
    /// Whether there are any number of them.
    pub many: bool,
}

impl TypeReference {
    /// One value of a type.
    pub const fn one(name: &'static str) -> Self {
        Self { name, many: false }
    }

    /// Any number of values of a type.
    pub const fn many(name: &'static str) -> Self {
        Self { name, many: true }
    }
}

impl Action {
    /// The name as a path has it.
    pub fn short_name(&self) -> &'static str {
        short_name(self.name)
    }

    /// The parameters that a version knows.
    pub fn parameters_in(&self, version: Version) -> impl Iterator<Item = &'static Parameter> {
        let parameters = self.parameters.iter();
        parameters.filter(move |parameter| parameter.versions.include(version))
    }
}

/// A qualified name without its namespace.
pub fn short_name(name: &'static str) -> &'static str {
    let short = name.strip_prefix(NAMESPACE);
    short
        .and_then(|short| short.strip_prefix('.'))
        .unwrap_or(name)
}

const TEXT: TypeReference = TypeReference::one(EdmType::String.name());
const TEXTS: TypeReference = TypeReference::many(EdmType::String.name());
const ONE_DEVICE: TypeReference = TypeReference::one(DEVICE.name);
const USER: Parameter = required("userPrincipalName", TEXT);
const GREETING: Parameter = optional("addressableUserName", TEXT);

/// The parameter of the action `assign`.
pub const DEVICE_IDS: &str = "deviceIds";

/// The parameter of the action `hasPayloadLinks`.
pub const PAYLOAD_IDS: &str = "payloadIds";

/// Every action.
pub const ACTIONS: &[&Action] = &[
    &IMPORT_MANY,
    &DELETE_DEVICES,
    &ASSIGN_USER,
    &UNASSIGN_USER,
    &UPDATE_DEVICE_PROPERTIES,
    &ASSIGN_RESOURCE_ACCOUNT,
    &UNASSIGN_RESOURCE_ACCOUNT,
    &ALLOW_NEXT_ENROLLMENT,
    &ASSIGN_DEVICES,
    &HAS_PAYLOAD_LINKS,
    &SYNC,
];

/// Graph: `import`.
pub const IMPORT_MANY: Action = Action {
    name: "microsoft.graph.import",
    bound_to: TypeReference::many(IMPORT.name),
    parameters: &[required(IMPORT_PARAMETER, TypeReference::many(IMPORT.name))],
    returns: Some(TypeReference::many(IMPORT.name)),
    versions: Versions::Both,
};

/// Graph: `deleteDevices`.
pub const DELETE_DEVICES: Action = Action {
    name: "microsoft.graph.deleteDevices",
    bound_to: TypeReference::many(DEVICE.name),
    parameters: &[required("serialNumbers", TEXTS)],
    returns: Some(TypeReference::many(DELETED_DEVICE.name)),
    versions: Versions::Both,
};

/// Graph: `assignUserToDevice`.
pub const ASSIGN_USER: Action = Action {
    name: "microsoft.graph.assignUserToDevice",
    bound_to: ONE_DEVICE,
    parameters: &[USER, GREETING],
    returns: None,
    versions: Versions::Both,
};

/// Graph: `unassignUserFromDevice`.
pub const UNASSIGN_USER: Action = Action {
    name: "microsoft.graph.unassignUserFromDevice",
    bound_to: ONE_DEVICE,
    parameters: &[],
    returns: None,
    versions: Versions::Both,
};

/// Graph: `updateDeviceProperties`.
pub const UPDATE_DEVICE_PROPERTIES: Action = Action {
    name: "microsoft.graph.updateDeviceProperties",
    bound_to: ONE_DEVICE,
    parameters: &[
        optional("userPrincipalName", TEXT),
        GREETING,
        optional("groupTag", TEXT),
        optional("displayName", TEXT),
        beta(optional("deviceAccountUpn", TEXT)),
        beta(optional("deviceAccountPassword", TEXT)),
        beta(optional("deviceFriendlyName", TEXT)),
    ],
    returns: None,
    versions: Versions::Both,
};

/// Graph: `assignResourceAccountToDevice`.
pub const ASSIGN_RESOURCE_ACCOUNT: Action = Action {
    name: "microsoft.graph.assignResourceAccountToDevice",
    bound_to: ONE_DEVICE,
    parameters: &[USER, GREETING, required("resourceAccountName", TEXT)],
    returns: None,
    versions: Versions::BetaOnly,
};

/// Graph: `unassignResourceAccountFromDevice`.
pub const UNASSIGN_RESOURCE_ACCOUNT: Action = Action {
    name: "microsoft.graph.unassignResourceAccountFromDevice",
    bound_to: ONE_DEVICE,
    parameters: &[],
    returns: None,
    versions: Versions::BetaOnly,
};

/// Graph: `allowNextEnrollment`.
pub const ALLOW_NEXT_ENROLLMENT: Action = Action {
    name: "microsoft.graph.allowNextEnrollment",
    bound_to: ONE_DEVICE,
    parameters: &[],
    returns: None,
    versions: Versions::BetaOnly,
};

/// Graph: `assign`, of a deployment profile.
pub const ASSIGN_DEVICES: Action = Action {
    name: "microsoft.graph.assign",
    bound_to: TypeReference::one(PROFILE.name),
    parameters: &[required(DEVICE_IDS, TEXTS)],
    returns: None,
    versions: Versions::BetaOnly,
};

/// Graph: `hasPayloadLinks`.
pub const HAS_PAYLOAD_LINKS: Action = Action {
    name: "microsoft.graph.hasPayloadLinks",
    bound_to: TypeReference::many(PROFILE.name),
    parameters: &[required(PAYLOAD_IDS, TEXTS)],
    returns: Some(TypeReference::many(PAYLOAD_LINK.name)),
    versions: Versions::BetaOnly,
};

/// Graph: `sync`.
pub const SYNC: Action = Action {
    name: "microsoft.graph.sync",
    bound_to: TypeReference::one(SETTINGS.name),
    parameters: &[],
    returns: None,
    versions: Versions::BetaOnly,
};

const fn required(name: &'static str, kind: TypeReference) -> Parameter {
    Parameter {
        name,
        kind,
        nullable: false,
        versions: Versions::Both,
    }
}

const fn optional(name: &'static str, kind: TypeReference) -> Parameter {
    Parameter {
        nullable: true,
        ..required(name, kind)
    }
}

const fn beta(parameter: Parameter) -> Parameter {
    Parameter {
        versions: Versions::BetaOnly,
        ..parameter
    }
}
