//! The rows of `[throttle]`. What they do is `http::layers::throttle`'s.

use super::{DAY, Kind, PLAIN, Preset, Setting};

/// More in a window than any service lets through.
const MOST: u64 = 1_000_000_000;

pub(super) const ENABLED: Setting = Setting {
    key: "throttle.enabled",
    kind: Kind::Switch,
    default: Preset::Derived("true where graph.behavior is observed"),
    doc: "Whether callers that ask too often are answered 429, as Intune does",
    example: &["true"],
    ..PLAIN
};

pub(super) const WINDOW: Setting = Setting {
    key: "throttle.window",
    kind: Kind::Duration {
        least: 1,
        most: DAY,
    },
    default: Preset::Value("20s"),
    doc: "The time in which so many requests are let through",
    details: "It begins with the first request that it counts.",
    example: &["1m"],
    ..PLAIN
};

pub(super) const APP_REQUESTS: Setting = limit(
    "throttle.app_requests",
    "1000",
    "How many requests of an application in a tenant a window lets through",
);

pub(super) const TENANT_REQUESTS: Setting = limit(
    "throttle.tenant_requests",
    "2000",
    "How many requests of a tenant a window lets through",
);

pub(super) const APP_WRITES: Setting = limit(
    "throttle.app_writes",
    "100",
    "How many writes of an application in a tenant a window lets through",
);

pub(super) const TENANT_WRITES: Setting = limit(
    "throttle.tenant_writes",
    "200",
    "How many writes of a tenant a window lets through",
);

pub(super) const SHARE: Setting = Setting {
    key: "throttle.share",
    kind: Kind::Share,
    default: Preset::Value("1"),
    doc: "The part of the limits that this process has for itself",
    details: "Each process counts by itself: with four behind a balancer, 0.25 makes them keep the \
              limits together. Limits are rounded up.",
    example: &["0.25"],
    ..PLAIN
};

pub(super) const RETRY_AFTER: Setting = Setting {
    key: "throttle.retry_after",
    kind: Kind::Choice(&["send", "omit"]),
    default: Preset::Value("send"),
    doc: "Whether a 429 says when to come back",
    details: "The live service often leaves it out.",
    example: &["omit"],
    ..PLAIN
};

const fn limit(key: &'static str, default: &'static str, doc: &'static str) -> Setting {
    Setting {
        key,
        kind: Kind::Count {
            least: 1,
            most: MOST,
        },
        default: Preset::Value(default),
        doc,
        example: &["50"],
        ..PLAIN
    }
}
