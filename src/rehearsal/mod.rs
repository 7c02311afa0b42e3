//! A rehearsal: time, faults and worlds in the hands of whoever tests, with `serve --rehearse` only.
//!
//! It comes to requests by `http::rehearsed`, to imports by `registrar::gate` (`worlds::gate`), and to
//! people by the routes under `/rehearsal` of the admin listener, which `control` gathers. None of
//! those rooms knows what is in here.

pub mod clock;
pub mod control;
pub mod journal;
pub mod rules;
pub mod worlds;

use std::sync::{Arc, OnceLock};

use axum::Router;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use self::{
    clock::RehearsalClock, control::Problem, journal::Journal, rules::Rules, worlds::Worlds,
};
use crate::{
    authority::Authority,
    domain::{clock::Clock as _, tenant::TenantId},
    http::rehearsed::{Cue, Director, Ended, Hidden, Home, NoHome, Told},
};

/// Everything that a rehearsal is made of.
pub struct Rehearsal {
    /// The time that Autopilot's rules see.
    pub clock: Arc<RehearsalClock>,
    /// What is done to requests and imports.
    pub rules: Arc<Rules>,
    /// Where tenants' rows are.
    pub worlds: Worlds,
    /// What happened.
    pub journal: Journal,
    /// Where its routes are listened for.
    address: OnceLock<String>,
}

impl Rehearsal {
    /// A rehearsal by this clock and in these worlds, in which nothing is done yet. From here on
    /// their registrars work.
    pub fn new(clock: Arc<RehearsalClock>, worlds: Worlds) -> Arc<Self> {
        let rehearsal = Arc::new(Self {
            clock,
            rules: Arc::default(),
            worlds,
            journal: Journal::default(),
            address: OnceLock::new(),
        });
        rehearsal.worlds.begin(&rehearsal.rules);
        rehearsal
    }

    /// Lets everything be as in a new rehearsal, but for the snapshots.
    pub async fn reset(&self) -> Result<(), Problem> {
        self.rules.reset();
        self.worlds.reset_all().await?;
        self.journal.reset();
        let clock = self.clock.reset();
        clock.map_err(|error| Problem::failed(error.to_string()))
    }

    /// Lets people name tenants as the authority does.
    pub fn know(&self, authority: Arc<Authority>) {
        self.rules.know_tenants(Arc::new(move |name| {
            let directory = authority.directory();
            Some(directory.find_tenant(name)?.id)
        }));
    }

    /// Says where its routes are listened for, once that is known.
    pub fn is_directed_at(&self, address: &str) {
        self.address.get_or_init(|| address.to_owned());
    }

    /// The routes under `/rehearsal`.
    pub fn router(self: &Arc<Self>) -> Router {
        control::router(self)
    }

    /// What `/healthz` says of it.
    pub fn health(&self) -> Value {
        json!({ "clock": control::told_of_clock(&self.clock) })
    }
}

impl Director for Rehearsal {
    fn home(&self, tenant: TenantId) -> BoxFuture<'_, Result<Home, NoHome>> {
        Box::pin(self.worlds.home(tenant))
    }

    fn direct<'a>(&'a self, request: &'a Told) -> BoxFuture<'a, Cue> {
        self.rules.direct(request)
    }

    fn hidden(&self, tenant: TenantId) -> Vec<Hidden> {
        self.rules.hidden(tenant, self.clock.now())
    }

    fn hear(&self, request: &Told, ended: &Ended<'_>) -> Option<String> {
        self.journal.hear(request, ended)
    }

    fn described(&self) -> Option<Map<String, Value>> {
        Some(control::describe_at(self.address.get()?))
    }
}
