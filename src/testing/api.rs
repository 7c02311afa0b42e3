//! The whole API in this process: the real router, store and registrar, over a clock that only
//! moves when told and an authority that leaves nothing behind.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Method, Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::{
    ManualClock, TestAnswer, TestServer,
    assembly::{Parts, assemble, verifier_at},
    postgres, secure_server,
};
use crate::{
    authority::{Authority, Scopes, Subject, TokenRequest, directory::Directory},
    domain::{
        assignment::{AssignmentRules, GroupId},
        clock::Clock,
        registration::HashValidation,
        settings::SyncRules,
        tenant::TenantId,
    },
    graph::behavior::Behavior,
    http::{
        api::Api,
        auth::{
            permission::{ApplicationPermissions, ConfigurationScopes},
            token::TokenVerifier,
        },
        extract::base_url::Scheme,
        layers::{
            limits::BODY_TIMEOUT,
            throttle::{Limits, RetryAfter},
        },
        server::{Listener, PeerAddr, ServerOptions},
    },
    registrar::{Registrar, RegistrarOptions, Round},
    rehearsal::{
        Rehearsal,
        clock::RehearsalClock,
        worlds::{self, By, Staff, Worlds},
    },
    store::{self, DatabaseKind, Opening, Store},
};

/// Where the API believes that it is reached.
pub const BASE_URL: &str = "http://127.0.0.1:8080";

/// What a test may want otherwise.
#[derive(Clone, Copy, Debug)]
pub struct TestOptions {
    /// Which Graph is spoken.
    pub behavior: Behavior,
    /// How strictly hashes are checked.
    pub validation: HashValidation,
    /// How long an import waits.
    pub delay: SignedDuration,
    /// Whether tokens without a user are accepted.
    pub application_permissions: ApplicationPermissions,
    /// Whether `DeviceManagementConfiguration.*` counts.
    pub configuration_scopes: ConfigurationScopes,
    /// The address that links start with, whatever the client used.
    pub public_url: Option<&'static str>,
    /// Whether the peer, who asks from this machine, is a proxy whose word counts.
    pub peer: TestPeer,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How often a caller may ask in twenty seconds.
    pub throttle: Option<(Limits, RetryAfter)>,
    /// How tenants are synced.
    pub sync: SyncRules,
    /// How long a device waits for its deployment profile.
    pub assignment_delay: SignedDuration,
    /// Which group tags stand for which groups.
    pub group_rules: &'static [(GroupId, &'static str)],
    /// Whether the local authority answers beside the API, as with `--dev`.
    pub local_authority: LocalAuthority,
    /// Whether it rehearses, as with `--rehearse`.
    pub rehearsing: Rehearsing,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestPeer {
    /// A client.
    Client,
    /// A proxy that is trusted.
    TrustedProxy,
}

/// Whether there is a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsing {
    /// There is none.
    No,
    /// There is one, on SQLite.
    Yes,
}

/// Whether the local authority can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalAuthority {
    /// It signs tokens and has no address.
    Hidden,
    /// It answers, and the guard of the loopback listener stands in front of everything.
    Served,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            behavior: Behavior::Documented,
            validation: HashValidation::Strict,
            delay: SignedDuration::ZERO,
            application_permissions: ApplicationPermissions::Deny,
            configuration_scopes: ConfigurationScopes::Ignored,
            public_url: None,
            peer: TestPeer::Client,
            body_timeout: BODY_TIMEOUT,
            throttle: None,
            sync: SyncRules::default(),
            assignment_delay: AssignmentRules::default().delay,
            group_rules: &[],
            local_authority: LocalAuthority::Hidden,
            rehearsing: Rehearsing::No,
        }
    }
}

/// The API, and what moves it.
pub struct TestApi {
    /// The clock of Autopilot's rules.
    pub clock: Arc<ManualClock>,
    /// The store behind it.
    pub store: Arc<dyn Store>,
    /// Whose tokens it accepts.
    pub authority: Arc<Authority>,
    /// The rehearsal, if there is one. The clock above is then its machine's.
    pub rehearsal: Option<Arc<Rehearsal>>,
    api: Arc<Api>,
    registrar: Registrar,
    /// What is behind the store, where that is a server. Dropped last.
    scratch: Option<postgres::Scratch>,
}

impl TestApi {
    /// Starts the API on a database in this directory.
    ///
    /// # Panics
    /// Where any part of it can't start.
    pub fn start(directory: &Path, options: TestOptions) -> Self {
        Self::start_with(directory, options, verifier)
    }

    /// Starts the API with a verifier of the test's own, made for the authority and the clock.
    ///
    /// # Panics
    /// Where any part of it can't start.
    #[expect(clippy::expect_used, reason = "a test can't go on without its API")]
    pub fn start_with(
        directory: &Path,
        options: TestOptions,
        verifier: impl FnOnce(&Authority, Arc<dyn Clock>) -> TokenVerifier,
    ) -> Self {
        let machine = Arc::new(ManualClock::new());
        let rehearsed = (options.rehearsing == Rehearsing::Yes)
            .then(|| Arc::new(RehearsalClock::in_memory(machine.clone())));
        let clock: Arc<dyn Clock> = match &rehearsed {
            Some(clock) => clock.clone(),
            None => machine.clone(),
        };
        let kind = match options.rehearsing {
            Rehearsing::No => DatabaseKind::Development,
            Rehearsing::Yes => DatabaseKind::Rehearsal,
        };
        // The whole suite runs on either backend. Only SQLite rehearses.
        let server = postgres::shared_server().filter(|_| rehearsed.is_none());
        let scratch = server.map(|server| postgres::Scratch::on(&server, kind));
        let url = match &scratch {
            Some(scratch) => scratch.url(),
            None => format!("sqlite://{}", directory.join("hangar.db").display()),
        };
        let store = store::open(&url, Opening::Serve(kind)).expect("the database opens");
        let people = Directory::ready_made().expect("the ready directory is sound");
        let authority = Arc::new(Authority::in_memory(people).expect("a key is made"));
        let registering = RegistrarOptions {
            validation: options.validation,
            delay: options.delay,
            back_off: Duration::ZERO,
            // So that a few hundred rows take more than one.
            batch: 256,
        };
        let registrar = Registrar::new(Arc::clone(&store), clock.clone(), registering);
        let rehearsal = rehearsed.map(|rehearsed| {
            let worlds = Worlds::open(worlds::Setting {
                database: directory.join("hangar.db"),
                store: Arc::clone(&store),
                directory: directory.join("rehearsal"),
                staff: Staff::new(registering, clock.clone(), By::Hand),
                authority: Arc::clone(&authority),
                issuer: Authority::issuer_template(BASE_URL),
            });
            let rehearsal = Rehearsal::new(rehearsed, worlds.expect("the worlds open"));
            rehearsal.know(Arc::clone(&authority));
            rehearsal
        });
        let verifier = verifier(&authority, clock.clone());
        let api = assemble(
            &options,
            Parts {
                store: Arc::clone(&store),
                clock,
                verifier,
                authority: Arc::clone(&authority),
                director: rehearsal.clone().map(|rehearsal| rehearsal as _),
                url: BASE_URL,
                secure_url: None,
            },
        );
        Self {
            clock: machine,
            store,
            authority,
            rehearsal,
            api: Arc::new(api),
            registrar,
            scratch,
        }
    }

    /// The database behind the store, where it is a server's.
    pub fn scratch(&self) -> Option<&postgres::Scratch> {
        self.scratch.as_ref()
    }

    /// A token for a user, by name, of a tenant, by name, with all the scopes that are granted.
    ///
    /// # Panics
    /// Where the ready directory knows no such tenant or user.
    #[expect(clippy::expect_used, reason = "a test can't go on without its token")]
    pub fn user_token(&self, tenant: &str, user: &str) -> String {
        let directory = self.authority.directory();
        let tenant = directory.find_tenant(tenant).expect("a known tenant").id;
        let user = directory
            .find_user(user, Some(tenant))
            .expect("a known user");
        let subject = Subject::User {
            principal_name: user.principal_name.clone(),
            client: directory.clients.first().expect("a client").id.clone(),
        };
        self.mint(tenant, subject)
    }

    /// A token for an application in a tenant.
    ///
    /// # Panics
    /// Where the ready directory knows no such tenant.
    #[expect(clippy::expect_used, reason = "a test can't go on without its token")]
    pub fn application_token(&self, tenant: &str) -> String {
        let directory = self.authority.directory();
        let tenant = directory.find_tenant(tenant).expect("a known tenant").id;
        let confidential = directory
            .clients
            .iter()
            .find(|client| !client.roles.is_empty());
        let client = confidential.expect("a client with roles").id.clone();
        self.mint(tenant, Subject::Application { client })
    }

    #[expect(clippy::expect_used, reason = "a test can't go on without its token")]
    fn mint(&self, tenant: TenantId, subject: Subject) -> String {
        let request = TokenRequest {
            issuer: Authority::issuer_template(BASE_URL),
            tenant,
            subject,
            scopes: Scopes::Granted,
            lifetime: SignedDuration::from_hours(1),
            issued_at: self.now(),
        };
        self.authority.mint(&request).expect("a token")
    }

    /// What the clock of Autopilot's rules shows.
    pub fn now(&self) -> Timestamp {
        match &self.rehearsal {
            Some(rehearsal) => rehearsal.clock.now(),
            None => self.clock.now(),
        }
    }

    /// Directs the rehearsal, with a JSON body where there is one.
    ///
    /// # Panics
    /// Where there is no rehearsal, or the path is none.
    #[expect(clippy::expect_used, reason = "a test can't go on without its request")]
    pub async fn direct(&self, method: Method, path: &str, body: Option<&Value>) -> TestAnswer {
        let rehearsal = self.rehearsal.as_ref().expect("a rehearsal");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(path).body(body);
        let answer = rehearsal
            .router()
            .oneshot(request.expect("a sound request"));
        match answer.await {
            Ok(response) => TestAnswer::read(response).await,
            Err(never) => match never {},
        }
    }

    /// Sends a request through the real router.
    pub async fn send(&self, request: Request<Body>) -> TestAnswer {
        let peer = PeerAddr {
            peer: SocketAddr::from(([127, 0, 0, 1], 50_000)),
            local: SocketAddr::from(([127, 0, 0, 1], 8080)),
            scheme: Scheme::Http,
        };
        // Boxed, so that tests do not carry all of it from call to call.
        let response = Box::pin(Arc::clone(&self.api).answer(request, peer)).await;
        TestAnswer::read(response).await
    }

    /// Calls a path below the base url, with a token and a JSON body where there is one.
    ///
    /// # Panics
    /// Where the path is none.
    #[expect(clippy::expect_used, reason = "a test can't go on without its request")]
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> TestAnswer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8080");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.expect("a sound request")).await
    }

    /// Serves the API on a free port of loopback.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn serve(&self, options: ServerOptions) -> TestServer {
        TestServer::start(Arc::clone(&self.api), options, Listener::plain).await
    }

    /// Serves the API over TLS, by HTTP/2 to those who offer it.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn serve_secure(&self, options: ServerOptions) -> TestServer {
        let listener = |tcp| Listener::tls(tcp, secure_server());
        TestServer::start(Arc::clone(&self.api), options, listener).await
    }

    /// Lets the registrar run beside a visitor, as it does in a server, until that is done.
    pub async fn run_beside<T>(&self, visitor: impl Future<Output = T>) -> T {
        let stop = Notify::new();
        let visit = async {
            let done = visitor.await;
            stop.notify_one();
            done
        };
        match &self.rehearsal {
            Some(rehearsal) => tokio::join!(rehearsal.worlds.work(stop.notified()), visit).1,
            None => tokio::join!(self.registrar.run(stop.notified()), visit).1,
        }
    }

    /// Lets the registrar work until nothing is due.
    pub async fn settle(&self) {
        while self.round().await {}
    }

    /// Lets the registrar work one batch; false if nothing was due.
    pub async fn round(&self) -> bool {
        if let Some(rehearsal) = &self.rehearsal {
            return rehearsal.worlds.round().await;
        }
        matches!(self.registrar.round().await, Round::Worked(_))
    }
}

fn verifier(authority: &Authority, clock: Arc<dyn Clock>) -> TokenVerifier {
    verifier_at(&[BASE_URL], authority, clock)
}
