//! The device directory's codes: why a registration was refused.

/// A device directory error, by the name and number that Graph shows in an import's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum DirectoryError {
    /// A fault of ours; retrying later may help.
    StorageError = 640,
    /// The hash is invalid, or the manufacturer or the serial number is missing inside it.
    InvalidZtdHardwareHash = 802,
    /// No hash, and neither serial number nor product key.
    MissingZtdSerialNumberAndProductKey = 803,
    /// The hardware is registered in this tenant already.
    ZtdDeviceAlreadyAssigned = 806,
    /// The hardware is registered by another tenant.
    ZtdDeviceAssignedToOtherTenant = 808,
    /// No hash, and serial number and product key name no known device.
    ZtdDeviceNotFound = 812,
    /// More than one known device matches.
    ZtdDeviceIsNotUnique = 813,
    /// The same device stands earlier in the same `import` call. Its number is not published:
    /// 815 is our choice.
    ZtdDeviceDuplicated = 815,
}

impl DirectoryError {
    /// Every code that Hangar gives.
    pub const ALL: [Self; 8] = [
        Self::StorageError,
        Self::InvalidZtdHardwareHash,
        Self::MissingZtdSerialNumberAndProductKey,
        Self::ZtdDeviceAlreadyAssigned,
        Self::ZtdDeviceAssignedToOtherTenant,
        Self::ZtdDeviceNotFound,
        Self::ZtdDeviceIsNotUnique,
        Self::ZtdDeviceDuplicated,
    ];

    /// Graph: `deviceErrorCode`.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The error with this code.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// Graph: `deviceErrorName`.
    pub fn name(self) -> &'static str {
        match self {
            Self::StorageError => "StorageError",
            Self::InvalidZtdHardwareHash => "InvalidZtdHardwareHash",
            Self::MissingZtdSerialNumberAndProductKey => "MissingZtdSerialNumberAndProductKey",
            Self::ZtdDeviceAlreadyAssigned => "ZtdDeviceAlreadyAssigned",
            Self::ZtdDeviceAssignedToOtherTenant => "ZtdDeviceAssignedToOtherTenant",
            Self::ZtdDeviceNotFound => "ZtdDeviceNotFound",
            Self::ZtdDeviceIsNotUnique => "ZtdDeviceIsNotUnique",
            Self::ZtdDeviceDuplicated => "ZtdDeviceDuplicated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_errors() {
        for error in DirectoryError::ALL {
            assert_eq!(DirectoryError::from_code(error.code()), Some(error));
        }
        assert_eq!(DirectoryError::from_code(0), None);
    }
}
