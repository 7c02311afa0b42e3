//! The table's part for deployment profiles, their assignments and the tenant's settings.

use crate::domain::field::{ProfileField, SettingsField, TargetField};

use super::{Content, EdmType, Property, StructuredType, beta, optional, required};

/// Graph: windowsAutopilotDeploymentProfile, which is abstract.
pub const PROFILE: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.windowsAutopilotDeploymentProfile",
    base: None,
    properties: &[
        beta(required("id", EdmType::String, ProfileField::Id)),
        beta(optional(
            "displayName",
            EdmType::String,
            ProfileField::DisplayName,
        )),
        beta(optional(
            "description",
            EdmType::String,
            ProfileField::Description,
        )),
        // The older name of a value always stands before the newer one.
        beta(optional("language", EdmType::String, ProfileField::Locale)),
        beta(optional("locale", EdmType::String, ProfileField::Locale)),
        beta(required(
            "createdDateTime",
            EdmType::DateTimeOffset,
            ProfileField::CreatedAt,
        )),
        beta(required(
            "lastModifiedDateTime",
            EdmType::DateTimeOffset,
            ProfileField::ModifiedAt,
        )),
        object(
            "outOfBoxExperienceSettings",
            Content::Complex(&OUT_OF_BOX_OLD),
        ),
        object("outOfBoxExperienceSetting", Content::Complex(&OUT_OF_BOX)),
        object(
            "enrollmentStatusScreenSettings",
            Content::Optional(&STATUS_SCREEN, ProfileField::StatusScreen),
        ),
        beta(optional(
            "extractHardwareHash",
            EdmType::Boolean,
            ProfileField::ExtractHardwareHash,
        )),
        beta(optional(
            "hardwareHashExtractionEnabled",
            EdmType::Boolean,
            ProfileField::ExtractHardwareHash,
        )),
        beta(optional(
            "deviceNameTemplate",
            EdmType::String,
            ProfileField::DeviceNameTemplate,
        )),
        beta(required(
            "deviceType",
            EdmType::Enum("microsoft.graph.windowsAutopilotDeviceType"),
            ProfileField::DeviceType,
        )),
        beta(optional(
            "enableWhiteGlove",
            EdmType::Boolean,
            ProfileField::AllowPreprovisioning,
        )),
        beta(optional(
            "preprovisioningAllowed",
            EdmType::Boolean,
            ProfileField::AllowPreprovisioning,
        )),
        object(
            "roleScopeTagIds",
            Content::Collection(EdmType::String, ProfileField::RoleScopeTags),
        ),
        beta(optional(
            "managementServiceAppId",
            EdmType::String,
            ProfileField::ManagementServiceAppId,
        )),
    ],
};

/// Graph: azureADWindowsAutopilotDeploymentProfile.
pub const AZURE_AD_PROFILE: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.azureADWindowsAutopilotDeploymentProfile",
    base: Some(&PROFILE),
    properties: &[],
};

/// Graph: activeDirectoryWindowsAutopilotDeploymentProfile.
pub const ACTIVE_DIRECTORY_PROFILE: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile",
    base: Some(&PROFILE),
    properties: &[beta(required(
        "hybridAzureADJoinSkipConnectivityCheck",
        EdmType::Boolean,
        ProfileField::SkipConnectivityCheck,
    ))],
};

const USAGE_TYPE: EdmType = EdmType::Enum("microsoft.graph.windowsDeviceUsageType");
const USER_TYPE: EdmType = EdmType::Enum("microsoft.graph.windowsUserType");

/// Graph: outOfBoxExperienceSettings, the older of two types for the same values.
pub const OUT_OF_BOX_OLD: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.outOfBoxExperienceSettings",
    base: None,
    properties: &[
        switch("hidePrivacySettings", ProfileField::HidePrivacySettings),
        switch("hideEULA", ProfileField::HideEula),
        beta(required("userType", USER_TYPE, ProfileField::UserType)),
        beta(required(
            "deviceUsageType",
            USAGE_TYPE,
            ProfileField::UsageType,
        )),
        switch("skipKeyboardSelectionPage", ProfileField::SkipKeyboardPage),
        switch("hideEscapeLink", ProfileField::HideEscapeLink),
    ],
};

/// Graph: outOfBoxExperienceSetting.
pub const OUT_OF_BOX: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.outOfBoxExperienceSetting",
    base: None,
    properties: &[
        switch("privacySettingsHidden", ProfileField::HidePrivacySettings),
        switch("eulaHidden", ProfileField::HideEula),
        beta(required("userType", USER_TYPE, ProfileField::UserType)),
        beta(required(
            "deviceUsageType",
            USAGE_TYPE,
            ProfileField::UsageType,
        )),
        switch(
            "keyboardSelectionPageSkipped",
            ProfileField::SkipKeyboardPage,
        ),
        switch("escapeLinkHidden", ProfileField::HideEscapeLink),
    ],
};

/// Graph: windowsEnrollmentStatusScreenSettings.
pub const STATUS_SCREEN: StructuredType<ProfileField> = StructuredType {
    name: "microsoft.graph.windowsEnrollmentStatusScreenSettings",
    base: None,
    properties: &[
        switch("hideInstallationProgress", ProfileField::HideProgress),
        switch(
            "allowDeviceUseBeforeProfileAndAppInstallComplete",
            ProfileField::AllowEarlyUse,
        ),
        switch("blockDeviceSetupRetryByUser", ProfileField::BlockRetry),
        switch(
            "allowLogCollectionOnInstallFailure",
            ProfileField::AllowLogCollection,
        ),
        beta(optional(
            "customErrorMessage",
            EdmType::String,
            ProfileField::ErrorMessage,
        )),
        beta(required(
            "installProgressTimeoutInMinutes",
            EdmType::Int32,
            ProfileField::TimeoutMinutes,
        )),
        switch(
            "allowDeviceUseOnInstallFailure",
            ProfileField::AllowUseOnFailure,
        ),
    ],
};

/// Graph: windowsAutopilotDeploymentProfileAssignment. Its values are texts and a target, which is
/// of one of several types: `graph::assignment` reads and writes it.
pub const PROFILE_ASSIGNMENT: &str = "microsoft.graph.windowsAutopilotDeploymentProfileAssignment";

/// Graph: deviceAndAppManagementAssignmentTarget, which is abstract.
pub const TARGET: StructuredType<TargetField> = StructuredType {
    name: "microsoft.graph.deviceAndAppManagementAssignmentTarget",
    base: None,
    properties: TARGET_PROPERTIES,
};

/// Graph: allDevicesAssignmentTarget.
pub const ALL_DEVICES_TARGET: StructuredType<TargetField> = StructuredType {
    name: "microsoft.graph.allDevicesAssignmentTarget",
    base: Some(&TARGET),
    properties: &[],
};

/// Graph: groupAssignmentTarget.
pub const GROUP_TARGET: StructuredType<TargetField> = StructuredType {
    name: "microsoft.graph.groupAssignmentTarget",
    base: Some(&TARGET),
    properties: &[GROUP_ID],
};

/// Graph: exclusionGroupAssignmentTarget.
pub const EXCLUSION_TARGET: StructuredType<TargetField> = StructuredType {
    name: "microsoft.graph.exclusionGroupAssignmentTarget",
    // In Graph the base is the group's type, whose base this is.
    base: Some(&TARGET),
    properties: &[GROUP_ID],
};

const TARGET_PROPERTIES: &[Property<TargetField>] = &[
    beta(optional(
        "deviceAndAppManagementAssignmentFilterId",
        EdmType::String,
        TargetField::Filter,
    )),
    beta(required(
        "deviceAndAppManagementAssignmentFilterType",
        EdmType::Enum("microsoft.graph.deviceAndAppManagementAssignmentFilterType"),
        TargetField::FilterType,
    )),
];

const GROUP_ID: Property<TargetField> =
    beta(optional("groupId", EdmType::String, TargetField::Group));

/// Graph: windowsAutopilotSettings.
pub const SETTINGS: StructuredType<SettingsField> = StructuredType {
    name: "microsoft.graph.windowsAutopilotSettings",
    base: None,
    properties: &[
        beta(required("id", EdmType::String, SettingsField::Id)),
        beta(required(
            "lastSyncDateTime",
            EdmType::DateTimeOffset,
            SettingsField::SyncedAt,
        )),
        beta(required(
            "lastManualSyncTriggerDateTime",
            EdmType::DateTimeOffset,
            SettingsField::SyncStartedAt,
        )),
        beta(required(
            "syncStatus",
            EdmType::Enum("microsoft.graph.windowsAutopilotSyncStatus"),
            SettingsField::SyncStatus,
        )),
    ],
};

/// The name of the settings in a path: there is one of them.
pub const SETTINGS_SINGLETON: &str = "windowsAutopilotSettings";

const fn object<F: Copy>(name: &'static str, content: Content<F>) -> Property<F> {
    Property {
        name,
        content,
        nullable: true,
        versions: super::Versions::BetaOnly,
        role: super::Role::Plain,
    }
}

const fn switch(name: &'static str, field: ProfileField) -> Property<ProfileField> {
    beta(required(name, EdmType::Boolean, field))
}
