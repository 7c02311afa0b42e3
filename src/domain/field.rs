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
