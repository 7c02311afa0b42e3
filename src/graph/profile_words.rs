//! Which member of a profile's enumerations is which of the domain's: both stand in one order.

use odata::EnumType;

use crate::domain::profile::{DeviceType, UsageType, UserType};

use super::enumeration::{DEVICE_TYPE, USAGE_TYPE, USER_TYPE};

/// The members of an enumeration.
#[derive(Clone, Copy)]
pub struct Words<T: 'static> {
    kind: &'static EnumType,
    members: &'static [T],
}

/// Graph: windowsAutopilotDeviceType.
pub const DEVICE_TYPES: Words<DeviceType> = Words {
    kind: &DEVICE_TYPE,
    members: &[
        DeviceType::WindowsPc,
        DeviceType::HoloLens,
        DeviceType::SurfaceHub2,
        DeviceType::SurfaceHub2S,
        DeviceType::VirtualMachine,
        DeviceType::UnknownFutureValue,
    ],
};

/// Graph: windowsDeviceUsageType.
pub const USAGE_TYPES: Words<UsageType> = Words {
    kind: &USAGE_TYPE,
    members: &[
        UsageType::SingleUser,
        UsageType::Shared,
        UsageType::UnknownFutureValue,
    ],
};

/// Graph: windowsUserType.
pub const USER_TYPES: Words<UserType> = Words {
    kind: &USER_TYPE,
    members: &[
        UserType::Administrator,
        UserType::Standard,
        UserType::UnknownFutureValue,
    ],
};

/// Reads a member by exactly its name.
pub(super) fn parse<T: Copy>(words: Words<T>) -> impl FnOnce(&str) -> Option<T> {
    move |name| {
        let mut pairs = words.kind.members.iter().zip(words.members);
        pairs.find_map(|((word, _), member)| (*word == name).then_some(*member))
    }
}

/// The name of a member.
pub(super) fn word<T: Copy + PartialEq>(words: Words<T>, member: T) -> &'static str {
    let mut pairs = words.kind.members.iter().zip(words.members);
    pairs
        .find_map(|((word, _), one)| (*one == member).then_some(*word))
        .unwrap_or_default()
}
