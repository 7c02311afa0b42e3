//! The properties that can be asked for. How Graph spells each of them is in `graph::schema`, where
//! each is kept in `store`.

/// A property of an import, its state's members included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportField {
    /// The key.
    Id,
    /// The group tag.
    GroupTag,
    /// The serial number.
    SerialNumber,
    /// The Windows Product ID.
    ProductKey,
    /// The client's own id of the import.
    ImportId,
    /// The hardware hash.
    HardwareBlob,
    /// The assigned user.
    AssignedUserPrincipalName,
    /// Where the import stands.
    Status,
    /// The device that the import became.
    RegisteredDevice,
    /// The code of the refusal.
    ErrorCode,
    /// The name of the refusal.
    ErrorName,
}

/// A property of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UploadField {
    /// The key.
    Id,
    /// When it was made.
    CreatedAt,
    /// Where its imports stand.
    Status,
}

/// A property of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceField {
    /// The key.
    Id,
    /// Whether the device has its deployment profile.
    ProfileAssignmentStatus,
    /// Why the device cannot have its deployment profile.
    ProfileAssignmentDetailedStatus,
    /// When the device got its deployment profile.
    ProfileAssignedAt,
    /// The group tag.
    GroupTag,
    /// The purchase order.
    PurchaseOrderIdentifier,
    /// The serial number.
    SerialNumber,
    /// The Windows Product ID.
    ProductKey,
    /// The manufacturer.
    Manufacturer,
    /// The model.
    Model,
    /// Whether the device is enrolled.
    EnrollmentState,
    /// When the device was last heard of.
    LastContactedAt,
    /// How the user is greeted.
    AddressableUserName,
    /// The assigned user.
    UserPrincipalName,
    /// The resource account's name.
    ResourceName,
    /// The stock keeping unit.
    SkuNumber,
    /// The family of systems.
    SystemFamily,
    /// The device object in the directory.
    DirectoryDeviceId,
    /// The managed device.
    ManagedDeviceId,
    /// The name that the device is to have.
    DisplayName,
    /// The resource account.
    DeviceAccountUpn,
    /// The resource account's password.
    DeviceAccountPassword,
    /// The friendly name of a Surface Hub.
    DeviceFriendlyName,
    /// Whether changed hardware needs a remedy.
    RemediationState,
    /// When that was last decided.
    RemediationStateModifiedAt,
    /// Whether the device may enrol without a user.
    UserlessEnrollmentStatus,
}

impl DeviceField {
    /// Whether the property follows from a tenant's plan instead of being kept with the device.
    pub fn follows_from_plan(self) -> bool {
        matches!(
            self,
            Self::ProfileAssignmentStatus | Self::ProfileAssignedAt
        )
    }
}

/// A property of what `deleteDevices` answers for each serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeletedDeviceField {
    /// The serial number, as the client named it.
    SerialNumber,
    /// The device that it was.
    DeletedDevice,
    /// What became of it.
    DeletionState,
    /// Why it is still there.
    ErrorMessage,
}

/// A property of a deployment profile, those of its complex values included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileField {
    /// The key.
    Id,
    /// The name.
    DisplayName,
    /// What it is for.
    Description,
    /// The language and region.
    Locale,
    /// When it was made.
    CreatedAt,
    /// When it was last changed.
    ModifiedAt,
    /// How the device is used.
    UsageType,
    /// Who the user is on the device.
    UserType,
    /// Whether the link out of the setup is hidden.
    HideEscapeLink,
    /// Whether the licence is hidden.
    HideEula,
    /// Whether the privacy settings are hidden.
    HidePrivacySettings,
    /// Whether the keyboard's page is skipped.
    SkipKeyboardPage,
    /// The status screen as a whole.
    StatusScreen,
    /// Whether progress is hidden.
    HideProgress,
    /// Whether the device may be used before all is installed.
    AllowEarlyUse,
    /// Whether the user may not try again.
    BlockRetry,
    /// Whether logs are collected after a failure.
    AllowLogCollection,
    /// What the user is told after a failure.
    ErrorMessage,
    /// How long installing may take.
    TimeoutMinutes,
    /// Whether the device may be used after a failure.
    AllowUseOnFailure,
    /// Whether targeted devices are registered.
    ExtractHardwareHash,
    /// How devices are named.
    DeviceNameTemplate,
    /// What kind of device it is for.
    DeviceType,
    /// Whether a technician may prepare the device.
    AllowPreprovisioning,
    /// Who among the administrators sees it.
    RoleScopeTags,
    /// The management service.
    ManagementServiceAppId,
    /// Whether a domain controller need not be reached.
    SkipConnectivityCheck,
}

/// A property of an assignment's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetField {
    /// The group.
    Group,
    /// The filter.
    Filter,
    /// Whether the filter includes or excludes.
    FilterType,
}

/// A property of the tenant's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingsField {
    /// The key.
    Id,
    /// When the last sync was complete.
    SyncedAt,
    /// When the last sync was asked for.
    SyncStartedAt,
    /// How the last sync stands.
    SyncStatus,
}
