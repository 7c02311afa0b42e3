//! The rows of `[registration]`.

use super::{DAY, HOUR, Kind, PLAIN, Preset, Setting};

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

pub(super) const KEEP_SETTLED: Setting = Setting {
    key: "registration.keep_settled",
    kind: Kind::Duration {
        least: HOUR,
        most: 3650 * DAY,
    },
    doc: "How long an import is kept once it was decided",
    details: "Unset, for ever. Then it is deleted, as a client could delete it: its device stays. \
              At least an hour, as clients ask for the outcome every half minute and may be \
              away in between; 2160h are 90 days.",
    example: &["2160h"],
    ..PLAIN
};
