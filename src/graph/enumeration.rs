//! The enumerations of the property table: every member with its number, by which enumerations
//! compare and sort. Bodies, queries and descriptions take the names from here.

use odata::EnumType;

use super::version::Version;

/// Graph: importedWindowsAutopilotDeviceIdentityImportStatus.
pub const IMPORT_STATUS: EnumType = EnumType {
    name: "microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus",
    members: &[
        ("unknown", 0),
        ("pending", 1),
        ("partial", 2),
        ("complete", 3),
        ("error", 4),
    ],
};

/// Graph: importedWindowsAutopilotDeviceIdentityUploadStatus.
pub const UPLOAD_STATUS: EnumType = EnumType {
    name: "microsoft.graph.importedWindowsAutopilotDeviceIdentityUploadStatus",
    members: &[
        ("noUpload", 0),
        ("pending", 1),
        ("complete", 2),
        ("error", 3),
    ],
};

/// Graph: windowsAutopilotProfileAssignmentStatus.
pub const PROFILE_ASSIGNMENT_STATUS: EnumType = EnumType {
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
};

/// Graph: windowsAutopilotProfileAssignmentDetailedStatus.
pub const PROFILE_ASSIGNMENT_DETAILED_STATUS: EnumType = EnumType {
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
};

/// Graph: enrollmentState.
pub const ENROLLMENT_STATE: EnumType = EnumType {
    name: "microsoft.graph.enrollmentState",
    members: &[
        ("unknown", 0),
        ("enrolled", 1),
        ("pendingReset", 2),
        ("failed", 3),
        ("notContacted", 4),
        ("blocked", 5),
    ],
};

/// The same as the stable version knows it.
const STABLE_ENROLLMENT_STATE: EnumType = EnumType {
    name: ENROLLMENT_STATE.name,
    members: &[
        ("unknown", 0),
        ("enrolled", 1),
        ("pendingReset", 2),
        ("failed", 3),
        ("notContacted", 4),
    ],
};

/// Graph: windowsAutopilotDeviceRemediationState.
pub const REMEDIATION_STATE: EnumType = EnumType {
    name: "microsoft.graph.windowsAutopilotDeviceRemediationState",
    members: &[
        ("unknown", 0),
        ("noRemediationRequired", 1),
        ("automaticRemediationRequired", 2),
        ("manualRemediationRequired", 3),
        ("unknownFutureValue", 4),
    ],
};

/// Graph: windowsAutopilotUserlessEnrollmentStatus.
pub const USERLESS_ENROLLMENT_STATUS: EnumType = EnumType {
    name: "microsoft.graph.windowsAutopilotUserlessEnrollmentStatus",
    members: &[
        ("unknown", 0),
        ("allowed", 1),
        ("blocked", 2),
        ("unknownFutureValue", 3),
    ],
};

/// Graph: windowsAutopilotDeviceDeletionState.
pub const DELETION_STATE: EnumType = EnumType {
    name: "microsoft.graph.windowsAutopilotDeviceDeletionState",
    members: &[("unknown", 0), ("failed", 1), ("accepted", 2), ("error", 3)],
};

/// Graph: windowsAutopilotDeviceType.
pub const DEVICE_TYPE: EnumType = EnumType {
    name: "microsoft.graph.windowsAutopilotDeviceType",
    members: &[
        ("windowsPc", 0),
        ("holoLens", 1),
        ("surfaceHub2", 2),
        ("surfaceHub2S", 3),
        ("virtualMachine", 4),
        ("unknownFutureValue", 99),
    ],
};

/// Graph: windowsDeviceUsageType.
pub const USAGE_TYPE: EnumType = EnumType {
    name: "microsoft.graph.windowsDeviceUsageType",
    members: &[("singleUser", 0), ("shared", 1), ("unknownFutureValue", 2)],
};

/// Graph: windowsUserType.
pub const USER_TYPE: EnumType = EnumType {
    name: "microsoft.graph.windowsUserType",
    members: &[
        ("administrator", 0),
        ("standard", 1),
        ("unknownFutureValue", 2),
    ],
};

/// Graph: windowsAutopilotSyncStatus.
pub const SYNC_STATUS: EnumType = EnumType {
    name: "microsoft.graph.windowsAutopilotSyncStatus",
    members: &[
        ("unknown", 0),
        ("inProgress", 1),
        ("completed", 2),
        ("failed", 3),
    ],
};

/// Graph: deviceAndAppManagementAssignmentFilterType.
pub const ASSIGNMENT_FILTER_TYPE: EnumType = EnumType {
    name: "microsoft.graph.deviceAndAppManagementAssignmentFilterType",
    members: &[("none", 0), ("include", 1), ("exclude", 2)],
};

/// Graph: deviceAndAppManagementAssignmentSource.
pub const ASSIGNMENT_SOURCE: EnumType = EnumType {
    name: "microsoft.graph.deviceAndAppManagementAssignmentSource",
    members: &[("direct", 0), ("policySets", 1)],
};

/// Every enumeration that the property table names.
pub const ENUMERATIONS: &[&EnumType] = &[
    &IMPORT_STATUS,
    &UPLOAD_STATUS,
    &PROFILE_ASSIGNMENT_STATUS,
    &PROFILE_ASSIGNMENT_DETAILED_STATUS,
    &ENROLLMENT_STATE,
    &REMEDIATION_STATE,
    &USERLESS_ENROLLMENT_STATUS,
    &DELETION_STATE,
    &DEVICE_TYPE,
    &USAGE_TYPE,
    &USER_TYPE,
    &SYNC_STATUS,
    &ASSIGNMENT_FILTER_TYPE,
    &ASSIGNMENT_SOURCE,
];

/// Those of which the stable version knows less.
const STABLE_ENUMERATIONS: &[&EnumType] = &[&STABLE_ENROLLMENT_STATE];

/// The enumeration of this qualified name.
pub fn enumeration(name: &str) -> Option<&'static EnumType> {
    ENUMERATIONS.iter().find(|kind| kind.name == name).copied()
}

/// The same with the members that a version knows.
pub fn enumeration_in(name: &str, version: Version) -> Option<&'static EnumType> {
    let mut stable = STABLE_ENUMERATIONS.iter();
    let stable = stable.find(|kind| version == Version::V1 && kind.name == name);
    stable.copied().or_else(|| enumeration(name))
}

/// The members that a version knows, each with its number.
pub fn members_in(
    kind: &'static EnumType,
    version: Version,
) -> impl Iterator<Item = (&'static str, i32)> {
    let known = enumeration_in(kind.name, version).unwrap_or(kind);
    known.members.iter().copied()
}

/// The name of the member with this number; empty where there is none, which the tests of those who
/// ask rule out.
pub(super) fn word(kind: &'static EnumType, number: u8) -> &'static str {
    kind.member(i32::from(number)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::device::UserlessEnrollment, graph::import_state::ImportStatus};

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
        for (name, _) in IMPORT_STATUS.members {
            let status = ImportStatus::parse(name).unwrap();
            assert_eq!(status.name(), *name);
        }
    }

    #[test]
    fn the_domains_words_are_members() {
        for number in 0..3 {
            let status = UserlessEnrollment::from_number(number).unwrap();
            assert_eq!(word(&USERLESS_ENROLLMENT_STATUS, number), status.as_str());
        }
    }

    #[test]
    fn the_stable_version_knows_a_part_of_betas_members() {
        for stable in STABLE_ENUMERATIONS {
            let whole = enumeration(stable.name).unwrap();
            let missing = |member: &&(&str, i32)| !stable.members.contains(member);
            assert_eq!(whole.members.iter().filter(missing).count(), 1);
            assert!(members_in(whole, Version::V1).eq(stable.members.iter().copied()));
            assert!(members_in(whole, Version::Beta).eq(whole.members.iter().copied()));
        }
        assert!(!STABLE_ENROLLMENT_STATE.members.contains(&("blocked", 5)));
    }
}
