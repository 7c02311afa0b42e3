//! Connections to the server: where it is, how it is spoken to, and who listens to what it says
//! unasked.

mod tls;

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::poll_fn;
use tokio::{sync::oneshot, task::AbortHandle};
use tokio_postgres::{
    AsyncMessage, Client, Config,
    config::{Host, SslMode, TargetSessionAttrs},
    error::Severity,
};

use self::tls::Tls;
use super::tasks::Tasks;
use crate::store::{Database, OpenError, Pooling};

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a peer may leave what was sent to it unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// How much longer than a statement may take its answer is waited for.
const ANSWER_GRACE: Duration = Duration::from_secs(3);

/// What the server may do with a session of ours, in its own words.
#[derive(Clone, Copy)]
struct SessionRules {
    statement_timeout: Duration,
    pooling: Pooling,
}

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: Tls,
    place: String,
    rules: SessionRules,
}

/// A connection, and what the server has said on it besides its answers.
pub(super) struct Link {
    pub(super) client: Client,
    /// Whether what is left on it is there after a transaction.
    pub(super) pooling: Pooling,
    /// Drives it. To end that is to cut the connection.
    pub(super) driver: AbortHandle,
    /// Whether it has warned since this was last taken down.
    pub(super) warned: Arc<AtomicBool>,
    /// Completes when it has ended.
    pub(super) ended: oneshot::Receiver<()>,
}

/// What is done with what others notify.
pub(super) type Notified = Box<dyn Fn(&str) + Send>;

impl Target {
    /// Reads where a database is.
    pub(super) fn new(database: &Database) -> Result<Self, OpenError> {
        let (url, verify) = without_libpq_modes(&database.url);
        let mut config: Config = url.parse().map_err(|_| OpenError::Server {
            place: "that database.url names".to_owned(),
            reason: "can't be looked for: the address is not postgres://USER@HOST:PORT/NAME; \
                     characters of a password that mean something there are written as %40 and \
                     the like"
                .to_owned(),
        })?;
        let place = place_of(&config);
        let is_near = config.get_hosts().iter().all(is_near);
        let wanted = if verify {
            SslMode::Require
        } else {
            config.get_ssl_mode()
        };
        let mode = match wanted {
            // Whoever names who signs the certificate wants it looked at.
            _ if database.tls_ca.is_some() => SslMode::Require,
            SslMode::Prefer if is_near => SslMode::Disable,
            // A password is shown to nobody but the server that it is for.
            SslMode::Prefer => SslMode::Require,
            other => other,
        };
        let tls = match mode {
            SslMode::Disable => Tls::none(),
            _ => Tls::new(database.tls_ca.as_deref()),
        };
        let tls = tls.map_err(|reason| OpenError::Server {
            place: place.clone(),
            reason,
        })?;
        config.ssl_mode(mode);
        let rules = SessionRules {
            statement_timeout: database.statement_timeout,
            pooling: database.pooling,
        };
        rules.apply(&mut config);
        Ok(Self {
            config,
            tls,
            place,
            rules,
        })
    }

    /// How long an answer is waited for where nothing is committed.
    pub(super) fn limit(&self) -> Duration {
        self.rules.statement_timeout + ANSWER_GRACE
    }

    /// How sessions are handed out.
    pub(super) fn pooling(&self) -> Pooling {
        self.rules.pooling
    }

    /// What begins a transaction.
    pub(super) fn begin(&self) -> String {
        match self.rules.pooling {
            Pooling::Session => "BEGIN".to_owned(),
            Pooling::Transaction => self.rules.begin(),
        }
    }

    /// The same database for a command that has it to itself for hours, and what a server's sessions
    /// on it are called.
    pub(super) fn for_one_command(mut self, name: &str) -> (Self, String) {
        let servers = self.config.get_application_name().map(str::to_owned);
        self.config.application_name(name);
        (self, servers.unwrap_or_default())
    }

    /// The database in words, without its password.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Connects. `notified` learns what others notify.
    pub(super) async fn connect(
        &self,
        tasks: &Tasks,
        notified: Option<Notified>,
    ) -> Result<Link, tokio_postgres::Error> {
        // Boxed, as it is rare: whatever may need a connection would carry its 12 KB.
        let connecting = Box::pin(self.config.connect(self.tls.clone()));
        let (client, mut connection) = connecting.await?;
        let warned = Arc::new(AtomicBool::new(false));
        let warning = Arc::clone(&warned);
        let (ending, ended) = oneshot::channel::<()>();
        let driver = tasks.spawn(async move {
            let _ending = ending;
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        if notice.parsed_severity() == Some(Severity::Warning) {
                            tracing::warn!(warning = notice.message(), "the database warns");
                            // Before the answer that follows it is handed on.
                            warning.store(true, Ordering::Release);
                        }
                    }
                    Ok(AsyncMessage::Notification(said)) => {
                        if let Some(notified) = &notified {
                            notified(said.payload());
                        }
                    }
                    Ok(_) => {}
                    // Whoever waits for an answer on it learns that it is gone.
                    Err(_) => break,
                }
            }
        });
        Ok(Link {
            client,
            pooling: self.rules.pooling,
            driver,
            warned,
            ended,
        })
    }
}

impl SessionRules {
    fn apply(self, config: &mut Config) {
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(UNACKNOWLEDGED)
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("hangar");
        }
        if config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        // A pooler knows no options, and a session's settings would be other people's.
        if self.pooling == Pooling::Transaction {
            return;
        }
        let statement = self.statement_timeout.as_millis();
        let ours = format!(
            "-c statement_timeout={statement} -c lock_timeout={statement} \
             -c idle_in_transaction_session_timeout={statement} \
             -c default_transaction_isolation=read\\ committed -c timezone=UTC \
             -c standard_conforming_strings=on -c client_min_messages=warning"
        );
        // What the url says comes later, and wins.
        let options = match config.get_options() {
            Some(given) => format!("{ours} {given}"),
            None => ours,
        };
        config.options(options);
    }

    /// Begins a transaction under these rules.
    fn begin(self) -> String {
        let statement = self.statement_timeout.as_millis();
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {statement}; \
             SET LOCAL lock_timeout = {statement}; \
             SET LOCAL idle_in_transaction_session_timeout = {statement}; \
             SET LOCAL client_min_messages = warning"
        )
    }
}

/// Takes libpq's stricter ways to use TLS out of a url; says whether there was one. A certificate is
/// always verified here, host name included.
fn without_libpq_modes(url: &str) -> (String, bool) {
    for mode in ["sslmode=verify-full", "sslmode=verify-ca"] {
        if url.contains(mode) {
            return (url.replace(mode, "sslmode=require"), true);
        }
    }
    (url.to_owned(), false)
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn place_of(config: &Config) -> String {
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => socket(path, port),
            }
        })
        .collect();
    let name = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or_default();
    format!("{name:?} at {}", hosts.join(", "))
}

fn socket(directory: &Path, port: u16) -> String {
    format!("{}/.s.PGSQL.{port}", directory.display())
}
