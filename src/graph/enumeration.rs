//! The enumerations of the property table: every member with its number, by which enumerations
//! compare and sort.

use odata::EnumType;

/// Every enumeration that the property table names.
const ENUMERATIONS: &[&EnumType] = &[
    &EnumType {
        name: "microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus",
        members: &[
            ("unknown", 0),
            ("pending", 1),
            ("partial", 2),
            ("complete", 3),
            ("error", 4),
        ],
    },
    &EnumType {
        name: "microsoft.graph.windowsAutopilotProfileAssignmentStatus",
        members: &[
            ("unknown", 0),
            ("assignedInSync", 1),
            ("assignedOutOfSync", 2),
            // Graph's own spelling.
            ("assignedUnkownSyncState", 3),
            ("notAssigned", 4),
            ("pending", 5),
            ("failed", 6),
        ],
    },
    &EnumType {
        name: "microsoft.graph.windowsAutopilotProfileAssignmentDetailedStatus",
        members: &[
            ("none", 0),
            ("hardwareRequirementsNotMet", 1),
            ("surfaceHubProfileNotSupported", 2),
            ("holoLensProfileNotSupported", 3),
            ("windowsPcProfileNotSupported", 4),
            ("surfaceHub2SProfileNotSupported", 5),
            ("unknownFutureValue", 6),
        ],
    },
    &EnumType {
        name: "microsoft.graph.enrollmentState",
        members: &[
            ("unknown", 0),
            ("enrolled", 1),
            ("pendingReset", 2),
            ("failed", 3),
            ("notContacted", 4),
            ("blocked", 5),
        ],
    },
    &EnumType {
        name: "microsoft.graph.windowsAutopilotDeviceRemediationState",
        members: &[
            ("unknown", 0),
            ("noRemediationRequired", 1),
            ("automaticRemediationRequired", 2),
            ("manualRemediationRequired", 3),
            ("unknownFutureValue", 4),
        ],
    },
    &EnumType {
        name: "microsoft.graph.windowsAutopilotUserlessEnrollmentStatus",
        members: &[
            ("unknown", 0),
            ("allowed", 1),
            ("blocked", 2),
            ("unknownFutureValue", 3),
        ],
    },
];

/// The enumeration of this qualified name.
pub fn enumeration(name: &str) -> Option<&'static EnumType> {
    ENUMERATIONS.iter().find(|kind| kind.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::import_state::ImportStatus;

    #[test]
    fn no_member_and_no_number_stands_twice() {
        for kind in ENUMERATIONS {
            for (index, (name, number)) in kind.members.iter().enumerate() {
                let later = &kind.members[index + 1..];
                assert!(
                    later
                        .iter()
                        .all(|other| other.0 != *name && other.1 != *number),
                    "{name} of {}",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn a_status_of_an_import_is_a_member() {
        let kind =
            enumeration("microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus");
        for (name, _) in kind.unwrap().members {
            assert!(ImportStatus::parse(name).is_some(), "{name}");
        }
    }
}
