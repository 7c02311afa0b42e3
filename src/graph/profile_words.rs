//! How the members of a profile's enumerations are spelled on the wire.

use crate::domain::profile::{DeviceType, UsageType, UserType};

/// The members of an enumeration.
pub(super) type Words<T> = &'static [(&'static str, T)];

/// Graph: windowsAutopilotDeviceType.
pub const DEVICE_TYPES: Words<DeviceType> = &[
    ("windowsPc", DeviceType::WindowsPc),
    ("holoLens", DeviceType::HoloLens),
    ("surfaceHub2", DeviceType::SurfaceHub2),
    ("surfaceHub2S", DeviceType::SurfaceHub2S),
    ("virtualMachine", DeviceType::VirtualMachine),
    ("unknownFutureValue", DeviceType::UnknownFutureValue),
];

/// Graph: windowsDeviceUsageType.
pub const USAGE_TYPES: Words<UsageType> = &[
    ("singleUser", UsageType::SingleUser),
    ("shared", UsageType::Shared),
    ("unknownFutureValue", UsageType::UnknownFutureValue),
];

/// Graph: windowsUserType.
pub const USER_TYPES: Words<UserType> = &[
    ("administrator", UserType::Administrator),
    ("standard", UserType::Standard),
    ("unknownFutureValue", UserType::UnknownFutureValue),
];

/// Reads a member by exactly its name.
pub(super) fn parse<T: Copy>(words: Words<T>) -> impl FnOnce(&str) -> Option<T> {
    move |name| {
        words
            .iter()
            .find_map(|(word, member)| (*word == name).then_some(*member))
    }
}

/// The name of a member.
pub(super) fn word<T: Copy + PartialEq>(words: Words<T>, member: T) -> &'static str {
    words
        .iter()
        .find_map(|(word, one)| (*one == member).then_some(*word))
        .unwrap_or_default()
}
