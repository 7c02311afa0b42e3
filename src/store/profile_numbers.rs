//! The numbers under which both backends keep the members of a profile's enumerations.

use crate::domain::profile::{DeviceType, ProfileKind, UsageType, UserType};

/// How an enumeration is kept.
pub(super) type Numbers<T> = &'static [(i64, T)];

pub(super) const KINDS: Numbers<ProfileKind> =
    &[(1, ProfileKind::AzureAd), (2, ProfileKind::ActiveDirectory)];
pub(super) const DEVICE_TYPES: Numbers<DeviceType> = &[
    (0, DeviceType::WindowsPc),
    (1, DeviceType::HoloLens),
    (2, DeviceType::SurfaceHub2),
    (3, DeviceType::SurfaceHub2S),
    (4, DeviceType::VirtualMachine),
    (99, DeviceType::UnknownFutureValue),
];
pub(super) const USAGE_TYPES: Numbers<UsageType> = &[
    (0, UsageType::SingleUser),
    (1, UsageType::Shared),
    (99, UsageType::UnknownFutureValue),
];
pub(super) const USER_TYPES: Numbers<UserType> = &[
    (0, UserType::Administrator),
    (1, UserType::Standard),
    (99, UserType::UnknownFutureValue),
];

/// A member's number.
pub(super) fn number<T: Copy + PartialEq>(numbers: Numbers<T>, member: T) -> Option<i64> {
    numbers
        .iter()
        .find_map(|(number, one)| (*one == member).then_some(*number))
}

/// The member with this number.
pub(super) fn member<T: Copy>(numbers: Numbers<T>, found: i64) -> Option<T> {
    numbers
        .iter()
        .find_map(|(number, member)| (*number == found).then_some(*member))
}
