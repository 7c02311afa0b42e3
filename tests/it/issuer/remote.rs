//! A token issuer on loopback, with an address for every tenant, that can change its keys and fail.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{any, get},
};
use hangar::authority::Authority;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// One of the issuer's signing keys.
pub(super) struct Key(Authority);

impl Key {
    /// A key of its own.
    pub(super) fn generate(directory: &Path) -> Self {
        Self(Authority::open(directory, None).unwrap())
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.0.sign(claims).unwrap()
    }

    fn jwk(&self) -> Value {
        self.0.jwks()["keys"][0].clone()
    }
}

/// What an issuer shows, and how often it was asked.
struct Shown {
    description: Value,
    /// Nothing while it is down.
    keys: Mutex<Option<Value>>,
    discoveries: AtomicUsize,
    key_fetches: AtomicUsize,
}

/// An issuer that runs until it is dropped.
pub(super) struct Issuer {
    /// As it is configured, with `{tenantid}` for the tenant.
    pub(super) template: String,
    shown: Arc<Shown>,
    _serving: JoinSet<()>,
}

impl Issuer {
    /// Starts one with these keys.
    pub(super) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let template = format!("{base}/{{tenantid}}/v2.0");
        let shown = Arc::new(Shown {
            description: json!({ "issuer": template, "jwks_uri": format!("{base}/keys") }),
            keys: Mutex::default(),
            discoveries: AtomicUsize::default(),
            key_fetches: AtomicUsize::default(),
        });
        let router = Router::new()
            .route(
                "/common/v2.0/.well-known/openid-configuration",
                get(describe),
            )
            .route("/keys", get(show_keys))
            .fallback(any(async || StatusCode::NOT_FOUND))
            .with_state(Arc::clone(&shown));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let issuer = Self {
            template,
            shown,
            _serving: serving,
        };
        issuer.publish(keys);
        issuer
    }

    pub(super) fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        *self.shown.keys.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    /// From now on it only fails.
    pub(super) fn go_down(&self) {
        *self.shown.keys.lock().unwrap() = None;
    }

    /// The issuer as a token of this tenant names it.
    pub(super) fn of(&self, tenant: &str) -> String {
        self.template.replace("{tenantid}", tenant)
    }

    /// How often it was asked for its description, and for its keys.
    pub(super) fn asked(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (
            count(&self.shown.discoveries),
            count(&self.shown.key_fetches),
        )
    }
}

async fn describe(State(shown): State<Arc<Shown>>) -> Result<String, StatusCode> {
    shown.discoveries.fetch_add(1, Ordering::SeqCst);
    match *shown.keys.lock().unwrap() {
        Some(_) => Ok(shown.description.to_string()),
        None => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn show_keys(State(shown): State<Arc<Shown>>) -> Result<String, StatusCode> {
    shown.key_fetches.fetch_add(1, Ordering::SeqCst);
    let keys = shown.keys.lock().unwrap();
    let keys = keys.as_ref().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(keys.to_string())
}
