//! From the values that hold, as text, to `Settings`. Each value is read by itself here; what they
//! must be to each other is in `rules`.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::{
    ApplicationPermissions, Auth, Data, Database, DatabasePooling, Effective, Exposure, Given,
    Graph, GraphBehavior, Kind, Log, LogFormat, Origin, Problem, Problems, Raw, Registration,
    RetryAfter, Server, Settings, Tenants, Throttle, parse, setting,
};
use crate::{
    config::Issuer,
    domain::{
        assignment::AssignmentRules, registration::HashValidation, settings::SyncRules,
        tenant::TenantId,
    },
};

/// Reads every value; all that cannot be understood is told at once.
pub(super) fn read(effective: &Effective) -> Result<Settings, Problems> {
    let mut reader = Reader {
        effective,
        problems: Vec::new(),
    };
    let settings = reader.settings();
    settings.map_err(|Reported| Problems::all(reader.problems))
}

struct Reader<'a> {
    effective: &'a Effective,
    problems: Vec<Problem>,
}

/// Shows that there is a problem in the list, and so no value. Only `Reader::report` makes one.
struct Reported;

impl Reader<'_> {
    // In each of these, first all values are read, and only then must all be there: so every
    // problem is noted, not only the first.

    fn settings(&mut self) -> Result<Settings, Reported> {
        let server = self.server();
        let dir = self.one("data.dir", parse::path);
        let database = self.database();
        let auth = self.auth();
        let behavior = self.choice(
            "graph.behavior",
            &[
                ("documented", GraphBehavior::Documented),
                ("observed", GraphBehavior::Observed),
            ],
        );
        let registration = self.registration();
        let profiles = self.profiles();
        let sync = self.sync();
        let throttle = self.throttle();
        let log = self.log();
        Ok(Settings {
            server: server?,
            data: Data { dir: dir? },
            database: database?,
            auth: auth?,
            graph: Graph {
                behavior: behavior?,
            },
            registration: registration?,
            profiles: profiles?,
            sync: sync?,
            throttle: throttle?,
            log: log?,
        })
    }

    fn server(&mut self) -> Result<Server, Reported> {
        let listen = self.one("server.listen", parse::address);
        let tls_cert = self.optional("server.tls_cert", parse::path);
        let tls_key = self.optional("server.tls_key", parse::path);
        let tls_listen = self.optional("server.tls_listen", parse::address);
        let admin_listen = self.one("server.admin_listen", parse::address);
        let public_url = self.optional("server.public_url", parse::origin);
        let trusted_proxies = self.list("server.trusted_proxies", parse::network);
        let stop_delay = self.duration("server.stop_delay");
        let workers = self.optional_count("server.workers");
        Ok(Server {
            listen: listen?,
            tls_cert: tls_cert?,
            tls_key: tls_key?,
            tls_listen: tls_listen?,
            admin_listen: admin_listen?,
            public_url: public_url?,
            trusted_proxies: trusted_proxies?,
            stop_delay: stop_delay?,
            workers: workers?,
        })
    }

    fn auth(&mut self) -> Result<Auth, Reported> {
        let issuers = self.list("auth.issuers", Issuer::parse);
        let audiences = self.list("auth.audiences", parse::text);
        let tenants = self.tenants();
        let application_permissions = self.choice(
            "auth.application_permissions",
            &[
                ("deny", ApplicationPermissions::Deny),
                ("allow", ApplicationPermissions::Allow),
            ],
        );
        let accept_configuration_scopes =
            self.one("auth.accept_configuration_scopes", parse::switch);
        let jwks_refetch_interval = self.duration("auth.jwks_refetch_interval");
        let jwks_max_stale = self.duration("auth.jwks_max_stale");
        Ok(Auth {
            issuers: issuers?,
            audiences: audiences?,
            tenants: tenants?,
            application_permissions: application_permissions?,
            accept_configuration_scopes: accept_configuration_scopes?,
            jwks_refetch_interval: jwks_refetch_interval?,
            jwks_max_stale: jwks_max_stale?,
        })
    }

    /// Two settings that exclude each other make one value, so that their contradiction must be
    /// met here, before `rules`.
    fn tenants(&mut self) -> Result<Tenants, Reported> {
        let tenants: Result<Vec<TenantId>, _> = self.list("auth.tenants", parse::tenant);
        let any = self.one("auth.any_tenant", parse::switch);
        match (tenants?, any?) {
            (tenants, false) if tenants.is_empty() => Ok(Tenants::OfIssuers),
            (tenants, false) => Ok(Tenants::Only(tenants)),
            (tenants, true) if tenants.is_empty() => Ok(Tenants::Any),
            (_, true) => {
                let any_origin = self.origin("auth.any_tenant");
                Err(self.report(
                    "auth.tenants",
                    format!(
                        "auth.any_tenant is true as well ({any_origin}), and these two contradict \
                         each other; set one of them"
                    ),
                ))
            }
        }
    }

    fn registration(&mut self) -> Result<Registration, Reported> {
        let hash_validation = self.choice(
            "registration.hash_validation",
            &[
                ("strict", HashValidation::Strict),
                ("lenient", HashValidation::Lenient),
            ],
        );
        let delay = self.duration("registration.delay");
        let max_import = self.count("registration.max_import");
        let keep_settled = self.optional_duration("registration.keep_settled");
        Ok(Registration {
            hash_validation: hash_validation?,
            delay: delay?,
            max_import: max_import?,
            keep_settled: keep_settled?,
        })
    }

    fn throttle(&mut self) -> Result<Throttle, Reported> {
        let enabled = self.one("throttle.enabled", parse::switch);
        let window = self.duration("throttle.window");
        let app_requests = self.count("throttle.app_requests");
        let tenant_requests = self.count("throttle.tenant_requests");
        let app_writes = self.count("throttle.app_writes");
        let tenant_writes = self.count("throttle.tenant_writes");
        let share = self.one("throttle.share", parse::share);
        let retry_after = self.choice(
            "throttle.retry_after",
            &[("send", RetryAfter::Send), ("omit", RetryAfter::Omit)],
        );
        Ok(Throttle {
            enabled: enabled?,
            window: window?,
            app_requests: app_requests?,
            tenant_requests: tenant_requests?,
            app_writes: app_writes?,
            tenant_writes: tenant_writes?,
            share: share?,
            retry_after: retry_after?,
        })
    }

    fn profiles(&mut self) -> Result<AssignmentRules, Reported> {
        let delay = self.signed_duration("profiles.assignment_delay");
        let groups = self.list("profiles.group_rules", parse::group_rule);
        Ok(AssignmentRules {
            delay: delay?,
            groups: groups?,
        })
    }

    fn sync(&mut self) -> Result<SyncRules, Reported> {
        let duration = self.signed_duration("sync.duration");
        let interval = self.signed_duration("sync.interval");
        Ok(SyncRules {
            duration: duration?,
            interval: interval?,
        })
    }

    fn log(&mut self) -> Result<Log, Reported> {
        let level = self.one("log.level", parse::log_filter);
        let format = self.choice(
            "log.format",
            &[
                ("auto", LogFormat::Auto),
                ("pretty", LogFormat::Pretty),
                ("json", LogFormat::Json),
            ],
        );
        Ok(Log {
            level: level?,
            format: format?,
        })
    }

    fn database(&mut self) -> Result<Database, Reported> {
        let url = self.database_url();
        let pool_size = self.count("database.pool_size");
        let statement_timeout = self.duration("database.statement_timeout");
        let pooling = self.choice(
            "database.pooling",
            &[
                ("session", DatabasePooling::Session),
                ("transaction", DatabasePooling::Transaction),
            ],
        );
        let tls_ca = self.optional("database.tls_ca", parse::path);
        Ok(Database {
            url: url?,
            pool_size: pool_size?,
            statement_timeout: statement_timeout?,
            pooling: pooling?,
            tls_ca: tls_ca?,
        })
    }

    fn database_url(&mut self) -> Result<SecretString, Reported> {
        let Some(path) = self.optional("database.url_file", parse::path)? else {
            return self.one("database.url", parse::database_url);
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => parse::database_url(text.trim()).map_err(|message| {
                let message = format!("what {} holds {message}", path.display());
                self.report("database.url_file", message)
            }),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                Err(self.report("database.url_file", message))
            }
        }
    }

    /// The value of a setting that always has one.
    fn one<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Reported> {
        match self.optional(key, parse)? {
            Some(value) => Ok(value),
            None => Err(self.report(key, "this is not set")),
        }
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Reported> {
        match self.effective.get(key).map(|given| &given.raw) {
            Some(Raw::One(text)) => self.parsed(key, text, parse).map(Some),
            Some(Raw::Many(_)) => Err(self.report(key, "this takes one value, not a list")),
            None => Ok(None),
        }
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Reported> {
        let texts = match self.effective.get(key).map(|given| &given.raw) {
            Some(Raw::Many(texts)) => texts.as_slice(),
            Some(Raw::One(text)) => std::slice::from_ref(text),
            None => &[],
        };
        let values: Vec<_> = texts
            .iter()
            .map(|text| self.parsed(key, text, &parse))
            .collect();
        values.into_iter().collect()
    }

    fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Result<T, Reported> {
        self.one(key, |text| parse::choice(text, words))
    }

    fn duration(&mut self, key: &'static str) -> Result<Duration, Reported> {
        let (least, most) = bounds(key);
        self.one(key, |text| parse::duration(text, least, most))
    }

    fn optional_duration(&mut self, key: &'static str) -> Result<Option<SignedDuration>, Reported> {
        let (least, most) = bounds(key);
        let duration = self.optional(key, |text| parse::duration(text, least, most))?;
        Ok(duration.map(|span| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)))
    }

    fn signed_duration(&mut self, key: &'static str) -> Result<SignedDuration, Reported> {
        let duration = self.duration(key)?;
        Ok(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
    }

    fn count(&mut self, key: &'static str) -> Result<usize, Reported> {
        let (least, most) = bounds(key);
        self.one(key, |text| parse::count(text, least, most))
    }

    fn optional_count(&mut self, key: &'static str) -> Result<Option<usize>, Reported> {
        let (least, most) = bounds(key);
        self.optional(key, |text| parse::count(text, least, most))
    }

    fn parsed<T>(
        &mut self,
        key: &'static str,
        text: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Reported> {
        parse(text).map_err(|message| {
            let shown = match setting::find(key).map(|setting| setting.exposure) {
                Some(Exposure::Shown) => format!("{text:?}"),
                Some(Exposure::Secret) | None => "the value, which is not shown,".to_owned(),
            };
            self.report(key, format!("{shown} {message}"))
        })
    }

    fn origin(&self, key: &str) -> Origin {
        let given = self.effective.get(key);
        given.map_or(Origin::Default, |Given { origin, .. }| origin.clone())
    }

    fn report(&mut self, key: &'static str, message: impl Into<String>) -> Reported {
        let origin = self.origin(key);
        self.problems.push(Problem::new(key, &origin, message));
        Reported
    }
}

/// The bounds that the table gives for a number or a span of time.
fn bounds(key: &str) -> (u64, u64) {
    match setting::find(key).map(|setting| setting.kind) {
        Some(Kind::Count { least, most } | Kind::Duration { least, most }) => (least, most),
        _ => (0, u64::MAX),
    }
}
