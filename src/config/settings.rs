//! The settings as the rest of Hangar sees them: typed, checked, without a trace of where they
//! came from.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use super::{Effective, Issuer, Mode, Problems, Sources, reader, rules};
use crate::domain::{
    assignment::AssignmentRules, registration::HashValidation, settings::SyncRules,
    tenant::TenantId,
};

/// Every setting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where and as what the service listens.
    pub server: Server,
    /// Where data is kept.
    pub data: Data,
    /// Which database keeps it.
    pub database: Database,
    /// Whose tokens are accepted.
    pub auth: Auth,
    /// How Graph is imitated.
    pub graph: Graph,
    /// How imports become devices.
    pub registration: Registration,
    /// How deployment profiles are assigned.
    pub profiles: AssignmentRules,
    /// How tenants are synced.
    pub sync: SyncRules,
    /// How callers are slowed down.
    pub throttle: Throttle,
    /// What is logged.
    pub log: Log,
}

/// Where and as what the service listens.
#[derive(Clone, Debug)]
pub struct Server {
    /// The service's address; port 0 means a free one.
    pub listen: SocketAddr,
    /// The file of the certificate. It is there if its key is.
    pub tls_cert: Option<PathBuf>,
    /// The file of the certificate's key.
    pub tls_key: Option<PathBuf>,
    /// The address for https beside that for http; port 0 means a free one. Unset, a service with a
    /// certificate speaks https on `listen`.
    pub tls_listen: Option<SocketAddr>,
    /// The address of health, readiness and metrics; port 0 means a free one.
    pub admin_listen: SocketAddr,
    /// The address that clients use: scheme, host and port, its path `/`.
    pub public_url: Option<Url>,
    /// Proxies whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long requests are still taken once the process was asked to end.
    pub stop_delay: Duration,
    /// How many threads answer requests; unset, one for each processor.
    pub workers: Option<usize>,
}

impl Server {
    /// Whether forwarded headers from this peer are believed. An IPv4 address that came in over an
    /// IPv6 socket counts as IPv4.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|network| network.contains(&peer))
    }
}

/// Where data is kept.
#[derive(Clone, Debug)]
pub struct Data {
    /// The data directory.
    pub dir: PathBuf,
}

/// Which database keeps it.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite://PATH`, the path as it is, without percent-encoding; or `postgres://…`.
    pub url: SecretString,
    /// How many connections to PostgreSQL are held at most.
    pub pool_size: usize,
    /// How long PostgreSQL may take for one statement.
    pub statement_timeout: Duration,
    /// How a pooler before PostgreSQL hands connections out.
    pub pooling: DatabasePooling,
    /// Who signs PostgreSQL's certificate.
    pub tls_ca: Option<PathBuf>,
}

/// How connections to PostgreSQL are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabasePooling {
    /// For as long as they are open.
    Session,
    /// Another for each transaction.
    Transaction,
}

/// Whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Who may issue them. Beside these, `--dev` has its own.
    pub issuers: Vec<Issuer>,
    /// The `aud` they may have.
    pub audiences: Vec<String>,
    /// The tenants they may be of.
    pub tenants: Tenants,
    /// Whether tokens without a user are accepted.
    pub application_permissions: ApplicationPermissions,
    /// Whether `DeviceManagementConfiguration.*` counts too.
    pub accept_configuration_scopes: bool,
    /// How often at most keys are fetched again for an unknown one.
    pub jwks_refetch_interval: Duration,
    /// How long the last known keys are used while their issuer cannot be reached.
    pub jwks_max_stale: Duration,
}

/// Which tenants may use the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// Those that the issuers name. No issuer is a template.
    OfIssuers,
    /// These. Never empty.
    Only(Vec<TenantId>),
    /// All.
    Any,
}

/// Whether tokens without a user are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationPermissions {
    /// They are refused, as the documentation of 2018 says.
    Deny,
    /// They are accepted, as today's says.
    Allow,
}

/// How Graph is imitated.
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// Which of its two behaviours.
    pub behavior: GraphBehavior,
}

/// Which of Graph's behaviours to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphBehavior {
    /// What the documentation says.
    Documented,
    /// What the live service has been seen to do.
    Observed,
}

/// How imports become devices.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// How strictly a hardware hash is checked.
    pub hash_validation: HashValidation,
    /// How long an import waits before it is decided.
    pub delay: Duration,
    /// How many identities one `import` call may bring, 1 to 1,000.
    pub max_import: usize,
    /// How long an import is kept once it was decided; unset, for ever.
    pub keep_settled: Option<SignedDuration>,
}

/// How callers are slowed down.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    /// Whether they are.
    pub enabled: bool,
    /// How long a window is.
    pub window: Duration,
    /// How many requests of an application in a tenant it lets through.
    pub app_requests: usize,
    /// How many requests of a tenant.
    pub tenant_requests: usize,
    /// How many writes of an application in a tenant.
    pub app_writes: usize,
    /// How many writes of a tenant.
    pub tenant_writes: usize,
    /// The part of these that this process has, above 0 and at most 1.
    pub share: f64,
    /// Whether a refusal says when to come back.
    pub retry_after: RetryAfter,
}

impl Throttle {
    /// This process's share of a limit, at least 1.
    pub fn share_of(&self, limit: usize) -> u32 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a limit is at most a billion"
        )]
        let share = (limit as f64 * self.share).ceil() as u32;
        share.max(1)
    }
}

/// Whether a refusal says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// It does.
    Send,
    /// It does not.
    Omit,
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// A filter that `tracing_subscriber`'s `EnvFilter` has been seen to accept.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads and checks all settings. Every problem of the first kind that is met is reported:
    /// what cannot be read, then what cannot be understood, then what contradicts itself.
    pub fn load(sources: &Sources, mode: Mode) -> Result<Self, Problems> {
        Self::of(&Effective::gather(sources, mode)?, mode)
    }

    /// Reads every setting without asking what they must be to each other: for commands that
    /// serve nothing, and so need no issuer.
    pub fn unjudged(sources: &Sources) -> Result<Self, Problems> {
        reader::read(&Effective::gather(sources, Mode::Serve)?)
    }

    /// Reads and checks the values that hold.
    pub fn of(effective: &Effective, mode: Mode) -> Result<Self, Problems> {
        let settings = reader::read(effective)?;
        Problems::none_or(rules::broken(&settings, effective, mode), settings)
    }
}
