//! The table of settings, from which flags, variables, the example file and the check for unknown
//! keys are made. Adding a setting is one row here and one field in `settings`.

mod profiles;
mod registration;
mod server;
mod throttle;

/// One setting: what it is called, what it holds, and what a person should know about it.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file, with dots: `server.listen`.
    pub key: &'static str,
    /// What kind of value it takes.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub default: Preset,
    /// One line for the help.
    pub doc: &'static str,
    /// What else a person should know, for the long help and the example file. May be empty.
    pub details: &'static str,
    /// A value that it could have; a list's elements one by one.
    pub example: &'static [&'static str],
    /// A shorter name for its flag.
    pub short_flag: Option<&'static str>,
    /// Whether its value may be shown.
    pub exposure: Exposure,
}

/// Whether a setting's value may be shown to a person or written to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// It may.
    Shown,
    /// It may not, and a sibling setting `…_file` names a file to read it from.
    Secret,
}

/// What a setting holds when nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing; for a list, no elements.
    Unset,
    /// This value, as it would stand in a variable.
    Value(&'static str),
    /// A value that follows from other settings, described in words.
    Derived(&'static str),
}

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text but the empty one.
    Text,
    /// A path in the file system.
    Path,
    /// An IP address with a port.
    Address,
    /// An http or https address: scheme, host and port.
    Origin,
    /// A token issuer: an https address, perhaps with `{tenantid}` in it.
    Issuer,
    /// An Entra tenant's id.
    Tenant,
    /// A group's id, an equals sign, and the group tags that stand for the group.
    GroupRule,
    /// An IP address or a network in CIDR notation.
    Network,
    /// Where a database is.
    DatabaseUrl,
    /// What to log, in the syntax of `tracing_subscriber`'s `EnvFilter`.
    LogFilter,
    /// A span of time, with its bounds in seconds, both included.
    Duration {
        /// The shortest.
        least: u64,
        /// The longest.
        most: u64,
    },
    /// A whole number, with its bounds, both included.
    Count {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A part of a whole: a number above 0 and at most 1.
    Share,
    /// True or false.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any number of these.
    List(&'static Kind),
}

impl Kind {
    /// Whether the setting takes several values.
    pub fn is_list(self) -> bool {
        matches!(self, Self::List(_))
    }

    /// What stands for the value in a flag's help.
    pub fn placeholder(self) -> String {
        let word = match self {
            Self::Text => "TEXT",
            Self::Path => "PATH",
            Self::Address => "IP:PORT",
            Self::Origin | Self::Issuer | Self::DatabaseUrl => "URL",
            Self::Tenant => "ID",
            Self::GroupRule => "ID=TAG",
            Self::Network => "IP[/BITS]",
            Self::LogFilter => "FILTER",
            Self::Duration { .. } => "DURATION",
            Self::Count { .. } | Self::Share => "NUMBER",
            Self::Switch => "true|false",
            Self::Choice(words) => return words.join("|"),
            Self::List(element) => return element.placeholder(),
        };
        word.to_owned()
    }
}

impl Setting {
    /// The name of its flag, without the dashes in front: `server-listen`.
    pub fn flag(&self) -> String {
        self.key.replace(['.', '_'], "-")
    }

    /// The name of its environment variable: `HANGAR_SERVER__LISTEN`.
    pub fn variable(&self) -> String {
        format!(
            "{VARIABLE_PREFIX}{}",
            self.key.to_ascii_uppercase().replace('.', "__")
        )
    }

    /// The table it stands in, and its name there: `("server", "listen")`.
    pub fn section_and_name(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or(("", self.key))
    }
}

/// What the names of all environment variables start with.
pub(super) const VARIABLE_PREFIX: &str = "HANGAR_";

/// The setting of this key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// What every row is written over, so that a row says only what is particular to it.
const PLAIN: Setting = Setting {
    key: "",
    kind: Kind::Text,
    default: Preset::Unset,
    doc: "",
    details: "",
    example: &[],
    short_flag: None,
    exposure: Exposure::Shown,
};

/// Where data is kept unless a setting says otherwise.
pub const DEFAULT_DATA_DIR: &str = "./hangar-data";

/// Every setting there is, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    server::LISTEN,
    server::TLS_CERT,
    server::TLS_KEY,
    server::TLS_LISTEN,
    server::ADMIN_LISTEN,
    server::PUBLIC_URL,
    server::TRUSTED_PROXIES,
    server::STOP_DELAY,
    server::WORKERS,
    Setting {
        key: "data.dir",
        kind: Kind::Path,
        default: Preset::Value(DEFAULT_DATA_DIR),
        doc: "Where Hangar keeps its data",
        details: "A relative path starts at the directory in which Hangar is started.",
        example: &["/var/lib/hangar"],
        ..PLAIN
    },
    Setting {
        key: "database.url",
        kind: Kind::DatabaseUrl,
        default: Preset::Derived("sqlite://<data.dir>/hangar.db"),
        doc: "Which database to use: sqlite://PATH or postgres://USER@HOST/NAME",
        details: "It may hold a password, so it is never shown. Other users of this machine can \
                  read a flag, so prefer database.url_file or the variable.",
        example: &["postgres://hangar@db.example.com/hangar"],
        exposure: Exposure::Secret,
        ..PLAIN
    },
    Setting {
        key: "database.url_file",
        kind: Kind::Path,
        doc: "A file that holds database.url",
        details: "White space around the address is dropped.",
        example: &["/run/secrets/hangar-database-url"],
        ..PLAIN
    },
    Setting {
        key: "database.pool_size",
        kind: Kind::Count {
            least: 1,
            most: 1000,
        },
        default: Preset::Value("10"),
        doc: "How many connections to PostgreSQL are held at most",
        details: "One more listens for other processes' work. SQLite has no use for it.",
        example: &["20"],
        ..PLAIN
    },
    Setting {
        key: "database.statement_timeout",
        kind: Kind::Duration {
            least: 1,
            most: 3600,
        },
        default: Preset::Value("10s"),
        doc: "How long PostgreSQL may take for one statement",
        details: "Nothing limits how long a commit takes. SQLite has no use for it.",
        example: &["30s"],
        ..PLAIN
    },
    Setting {
        key: "database.pooling",
        kind: Kind::Choice(&["session", "transaction"]),
        default: Preset::Value("session"),
        doc: "Whether a pooler hands out PostgreSQL's connections by the session or transaction",
        details: "Say transaction where database.url names PgBouncer in that mode: then no \
                  connection is left anything that the next transaction may not find. Without a \
                  pooler it is session. SQLite has no use for it.",
        example: &["transaction"],
        ..PLAIN
    },
    Setting {
        key: "database.tls_ca",
        kind: Kind::Path,
        doc: "Who signs PostgreSQL's certificate, as a PEM file",
        details: "With it, TLS is required and the certificate verified. Without it a server \
                  elsewhere must have a certificate that this system trusts, unless database.url \
                  says sslmode=disable; one on this machine is spoken to in the clear.",
        example: &["/etc/hangar/database-ca.pem"],
        ..PLAIN
    },
    Setting {
        key: "auth.issuers",
        kind: Kind::List(&Kind::Issuer),
        doc: "Who issues the tokens that are accepted",
        details: "Compared with a token's `iss` character by character. An issuer with {tenantid} \
                  in its path stands for every tenant and needs auth.tenants or auth.any_tenant. \
                  Entra's older tokens come from https://sts.windows.net/{tenantid}/ instead. Plain \
                  http is accepted on loopback only. Needed to serve without --dev.",
        example: &["https://login.microsoftonline.com/{tenantid}/v2.0"],
        ..PLAIN
    },
    Setting {
        key: "auth.audiences",
        kind: Kind::List(&Kind::Text),
        doc: "Which `aud` a token may have",
        details: "Entra's tokens for Graph itself can be checked by nobody else, so register an \
                  application of your own. With --dev, Graph's two audiences are the default. \
                  Needed to serve without --dev.",
        example: &["api://hangar"],
        ..PLAIN
    },
    Setting {
        key: "auth.tenants",
        kind: Kind::List(&Kind::Tenant),
        doc: "Which tenants may use the service",
        details: "Unset, those that the issuers name.",
        example: &["11111111-2222-3333-4444-555555555555"],
        ..PLAIN
    },
    Setting {
        key: "auth.any_tenant",
        kind: Kind::Switch,
        default: Preset::Value("false"),
        doc: "Whether every tenant of an issuer with {tenantid} may use the service",
        example: &["true"],
        ..PLAIN
    },
    Setting {
        key: "auth.application_permissions",
        kind: Kind::Choice(&["deny", "allow"]),
        default: Preset::Value("deny"),
        doc: "Whether tokens without a user are accepted",
        details: "The documentation of 2018 says no, today's says yes.",
        example: &["allow"],
        ..PLAIN
    },
    Setting {
        key: "auth.accept_configuration_scopes",
        kind: Kind::Switch,
        default: Preset::Value("false"),
        doc: "Whether DeviceManagementConfiguration.* permissions count too",
        example: &["true"],
        ..PLAIN
    },
    Setting {
        key: "auth.jwks_refetch_interval",
        kind: Kind::Duration {
            least: 1,
            most: DAY,
        },
        default: Preset::Value("5m"),
        doc: "How often at most a token with an unknown key has the keys fetched again",
        example: &["1m"],
        ..PLAIN
    },
    Setting {
        key: "auth.jwks_max_stale",
        kind: Kind::Duration {
            least: 0,
            most: 30 * DAY,
        },
        default: Preset::Value("24h"),
        doc: "How long the last known keys are used while their issuer cannot be reached",
        example: &["2h"],
        ..PLAIN
    },
    Setting {
        key: "graph.behavior",
        kind: Kind::Choice(&["documented", "observed"]),
        default: Preset::Value("documented"),
        doc: "Whether to do what Graph's documentation says or what the live service was seen to do",
        example: &["observed"],
        ..PLAIN
    },
    registration::HASH_VALIDATION,
    registration::DELAY,
    registration::MAX_IMPORT,
    registration::KEEP_SETTLED,
    profiles::ASSIGNMENT_DELAY,
    profiles::GROUP_RULES,
    profiles::SYNC_DURATION,
    profiles::SYNC_INTERVAL,
    throttle::ENABLED,
    throttle::WINDOW,
    throttle::APP_REQUESTS,
    throttle::TENANT_REQUESTS,
    throttle::APP_WRITES,
    throttle::TENANT_WRITES,
    throttle::SHARE,
    throttle::RETRY_AFTER,
    Setting {
        key: "log.level",
        kind: Kind::LogFilter,
        default: Preset::Value("info"),
        doc: "What to log: off, error, warn, info, debug or trace",
        details: "Or a filter for parts of the program: `info,hangar::store=debug`. Nothing that a \
                  client sent is logged above debug.",
        example: &["info,hangar=debug"],
        ..PLAIN
    },
    Setting {
        key: "log.format",
        kind: Kind::Choice(&["auto", "pretty", "json"]),
        default: Preset::Value("auto"),
        doc: "How to log",
        details: "`auto` is pretty on a terminal and JSON elsewhere.",
        example: &["json"],
        ..PLAIN
    },
];
