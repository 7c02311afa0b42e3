//! The rows of `[profiles]` and `[sync]`. What they do is `domain::assignment`'s and
//! `domain::settings`'.

use super::{DAY, HOUR, Kind, PLAIN, Preset, Setting};

pub(super) const ASSIGNMENT_DELAY: Setting = Setting {
    key: "profiles.assignment_delay",
    kind: Kind::Duration {
        least: 0,
        most: DAY,
    },
    default: Preset::Value("2s"),
    doc: "How long a device waits for the deployment profile that is assigned to it",
    details: "A sync that is started meanwhile and becomes complete ends the waiting.",
    example: &["15m"],
    ..PLAIN
};

pub(super) const GROUP_RULES: Setting = Setting {
    key: "profiles.group_rules",
    kind: Kind::List(&Kind::GroupRule),
    doc: "Which group tags stand for which groups of the directory",
    details: "Hangar knows no directory: a device is in a group if its group tag is of the \
              rule's pattern, in which * stands for any characters and letter case does not \
              matter. Nothing after the equals sign means devices without a tag. A group \
              without a rule has no devices.",
    example: &["22222222-3333-4444-5555-666666666666=Sales*"],
    ..PLAIN
};

pub(super) const SYNC_DURATION: Setting = Setting {
    key: "sync.duration",
    kind: Kind::Duration {
        least: 0,
        most: HOUR,
    },
    default: Preset::Value("5s"),
    doc: "How long a sync of the Autopilot service runs",
    example: &["30s"],
    ..PLAIN
};

pub(super) const SYNC_INTERVAL: Setting = Setting {
    key: "sync.interval",
    kind: Kind::Duration {
        least: 0,
        most: DAY,
    },
    default: Preset::Value("10m"),
    doc: "How long after the start of a sync another may be started",
    details: "Never while one runs.",
    example: &["1m"],
    ..PLAIN
};
