//! What routes do, by Graph's names. Which route does what is in `router`, how it is done in the folder of
//! each collection.

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Graph: the service document.
    ServiceDocument,
    /// Graph: `$metadata`.
    Metadata,
    /// The description of the routes.
    OpenApi,
    /// Graph: `$batch`.
    Batch,
    /// Graph: List importedWindowsAutopilotDeviceIdentities.
    ListImports,
    /// Graph: `/$count` of the imports.
    CountImports,
    /// Graph: Create importedWindowsAutopilotDeviceIdentity.
    CreateImport,
    /// Graph: the `import` action.
    CreateImports,
    /// Graph: Get importedWindowsAutopilotDeviceIdentity.
    GetImport,
    /// Graph: Update importedWindowsAutopilotDeviceIdentity.
    UpdateImport,
    /// Graph: Delete importedWindowsAutopilotDeviceIdentity.
    DeleteImport,
    /// Graph: List importedWindowsAutopilotDeviceIdentityUploads.
    ListUploads,
    /// Graph: `/$count` of the uploads.
    CountUploads,
    /// Graph: Create importedWindowsAutopilotDeviceIdentityUpload.
    CreateUpload,
    /// Graph: Get importedWindowsAutopilotDeviceIdentityUpload.
    GetUpload,
    /// Graph: Update importedWindowsAutopilotDeviceIdentityUpload.
    UpdateUpload,
    /// Graph: Delete importedWindowsAutopilotDeviceIdentityUpload.
    DeleteUpload,
    /// Graph: List importedWindowsAutopilotDeviceIdentities, of an upload.
    ListUploadImports,
    /// Graph: `/$count` of an upload's imports.
    CountUploadImports,
    /// Graph: Create importedWindowsAutopilotDeviceIdentity, in an upload.
    CreateUploadImport,
    /// Graph: the `import` action, on the imports in an upload.
    CreateUploadImports,
    /// Graph: Get importedWindowsAutopilotDeviceIdentity, of an upload.
    GetUploadImport,
    /// Graph: Update importedWindowsAutopilotDeviceIdentity, of an upload.
    UpdateUploadImport,
    /// Graph: Delete importedWindowsAutopilotDeviceIdentity, of an upload.
    DeleteUploadImport,
    /// Graph: List windowsAutopilotDeviceIdentities.
    ListDevices,
    /// Graph: `/$count` of the devices.
    CountDevices,
    /// Graph: Get windowsAutopilotDeviceIdentity.
    GetDevice,
    /// Graph: Create windowsAutopilotDeviceIdentity.
    CreateDevice,
    /// Graph: Update windowsAutopilotDeviceIdentity.
    UpdateDevice,
    /// Graph: Delete windowsAutopilotDeviceIdentity.
    DeleteDevice,
    /// Graph: the `deleteDevices` action.
    DeleteDevices,
    /// Graph: the `assignUserToDevice` action.
    AssignUser,
    /// Graph: the `unassignUserFromDevice` action.
    UnassignUser,
    /// Graph: the `updateDeviceProperties` action.
    UpdateDeviceProperties,
    /// Graph: the `assignResourceAccountToDevice` action.
    AssignResourceAccount,
    /// Graph: the `unassignResourceAccountFromDevice` action.
    UnassignResourceAccount,
    /// Graph: the `allowNextEnrollment` action.
    AllowNextEnrollment,
    /// Graph: List windowsAutopilotDeploymentProfiles.
    ListProfiles,
    /// Graph: Create windowsAutopilotDeploymentProfile.
    CreateProfile,
    /// Graph: the `hasPayloadLinks` action.
    HasPayloadLinks,
    /// Graph: Get windowsAutopilotDeploymentProfile.
    GetProfile,
    /// Graph: Update windowsAutopilotDeploymentProfile.
    UpdateProfile,
    /// Graph: Delete windowsAutopilotDeploymentProfile.
    DeleteProfile,
    /// Graph: the `assign` action.
    AssignProfile,
    /// Graph: the `assignedDevices` of a profile.
    ListAssignedDevices,
    /// Graph: List windowsAutopilotDeploymentProfileAssignments.
    ListAssignments,
    /// Graph: Create windowsAutopilotDeploymentProfileAssignment.
    CreateAssignment,
    /// Graph: Get windowsAutopilotDeploymentProfileAssignment.
    GetAssignment,
    /// Graph: Update windowsAutopilotDeploymentProfileAssignment.
    UpdateAssignment,
    /// Graph: Delete windowsAutopilotDeploymentProfileAssignment.
    DeleteAssignment,
    /// Graph: Get windowsAutopilotSettings.
    GetSettings,
    /// Graph: Update windowsAutopilotSettings.
    UpdateSettings,
    /// Graph: the `sync` action.
    Sync,
    /// Graph: List autopilotEvents.
    ListEvents,
}
