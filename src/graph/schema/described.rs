//! The table's part for types that descriptions of the API need, and whose bodies are read and written
//! without walking it: `graph::assignment` does. A test holds the two together.

use super::{
    Content, EdmType, PROFILE_ASSIGNMENT, Property, Role, StructuredType, TARGET, Versions,
};
use crate::graph::enumeration::ASSIGNMENT_SOURCE;

/// Graph: entity, the abstract type of everything that has a key.
pub const ENTITY: StructuredType<()> = StructuredType {
    name: "microsoft.graph.entity",
    base: None,
    properties: &[row("id", Content::Value(EdmType::String, ()), false)],
};

/// Graph: deviceManagement, the singleton above all collections.
pub const DEVICE_MANAGEMENT: StructuredType<()> = StructuredType {
    name: "microsoft.graph.deviceManagement",
    base: Some(&ENTITY),
    properties: &[],
};

/// Graph: windowsAutopilotDeploymentProfileAssignment.
pub const ASSIGNMENT: StructuredType<()> = StructuredType {
    name: PROFILE_ASSIGNMENT,
    base: Some(&ENTITY),
    properties: &[
        row(
            "target",
            Content::Value(EdmType::Complex(TARGET.name), ()),
            true,
        ),
        row(
            "source",
            Content::Value(EdmType::Enum(ASSIGNMENT_SOURCE.name), ()),
            false,
        ),
        row("sourceId", Content::Value(EdmType::String, ()), true),
    ],
};

/// Graph: hasPayloadLinkResultItem.
pub const PAYLOAD_LINK: StructuredType<()> = StructuredType {
    name: "microsoft.graph.hasPayloadLinkResultItem",
    base: None,
    properties: &[
        row("payloadId", Content::Value(EdmType::String, ()), true),
        row("hasLink", Content::Value(EdmType::Boolean, ()), false),
        row("error", Content::Value(EdmType::String, ()), true),
        row(
            "sources",
            Content::Collection(EdmType::Enum(ASSIGNMENT_SOURCE.name), ()),
            false,
        ),
    ],
};

/// Graph: deviceManagementAutopilotEvent, of which there never is any here.
pub const EVENT: StructuredType<()> = StructuredType {
    name: "microsoft.graph.deviceManagementAutopilotEvent",
    base: Some(&ENTITY),
    properties: &[],
};

const fn row(name: &'static str, content: Content<()>, nullable: bool) -> Property<()> {
    Property {
        name,
        content,
        nullable,
        versions: Versions::Both,
        role: Role::Plain,
    }
}
