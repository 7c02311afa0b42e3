//! The rows of `[registration]`.

use super::{DAY, Kind, PLAIN, Preset, Setting};

pub(super) const HASH_VALIDATION: Setting = Setting {
    key: "registration.hash_validation",
    kind: Kind::Choice(&["strict", "lenient"]),
    default: Preset::Value("strict"),
    doc: "How strictly a hardware hash is checked",
    details: "`lenient` takes any bytes, for test suites that send toy strings.",
    example: &["lenient"],
    ..PLAIN
};

pub(super) const DELAY: Setting = Setting {
    key: "registration.delay",
    kind: Kind::Duration {
        least: 0,
        most: 7 * DAY,
    },
    default: Preset::Value("0s"),
    doc: "How long an import waits before it is decided",
    example: &["30s"],
    ..PLAIN
};

pub(super) const MAX_IMPORT: Setting = Setting {
    key: "registration.max_import",
    kind: Kind::Count {
        least: 1,
        most: 1000,
    },
    default: Preset::Value("1000"),
    doc: "How many identities one `import` call may bring",
    example: &["500"],
    ..PLAIN
};
