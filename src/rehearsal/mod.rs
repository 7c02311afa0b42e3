//! A rehearsal: time, faults and worlds in the hands of whoever tests, with `serve --rehearse` only.
//!
//! It comes to requests by `http::rehearsed`, to imports by `registrar::gate`, and to people by the
//! routes under `/rehearsal` of the admin listener, which `control` gathers. None of those rooms knows
//! what is in here.

pub mod clock;
pub mod control;
pub mod journal;
pub mod rules;
pub mod worlds;

use std::sync::{Arc, OnceLock};

use axum::Router;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::{clock::RehearsalClock, journal::Journal, rules::Rules, worlds::Worlds};
use crate::{
    authority::Authority,
    domain::{
        clock::Clock as _,
        device::DeviceId,
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::rehearsed::{Cue, Director, Ended, Hidden, Home, Told},
    registrar::gate::{Gate, Judgement},
    store::operation::Settled,
};

/// Everything that a rehearsal is made of.
pub struct Rehearsal {
    /// The time that Autopilot's rules see.
    pub clock: Arc<RehearsalClock>,
    /// What is done to requests and imports.
    pub rules: Rules,
    /// Where tenants' rows are.
    pub worlds: Worlds,
    /// What happened.
    pub journal: Journal,
    /// Where its routes are listened for.
    address: OnceLock<String>,
}

impl Rehearsal {
    /// A rehearsal by this clock, in which nothing is done yet.
    pub fn new(clock: Arc<RehearsalClock>) -> Self {
        Self {
            clock,
            rules: Rules::default(),
            worlds: Worlds::default(),
            journal: Journal::default(),
            address: OnceLock::new(),
        }
    }

    /// Lets people name tenants as the authority does.
    pub fn know(&self, authority: Arc<Authority>) {
        self.rules.know_tenants(Arc::new(move |name| {
            let tenant = authority.directory().find_tenant(name)?;
            Some(tenant.id)
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
    fn home(&self, tenant: TenantId) -> BoxFuture<'_, Option<Home>> {
        self.worlds.home(tenant)
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

impl Gate for Rehearsal {
    fn judge(&self, import: &Import, now: Timestamp) -> Judgement {
        self.rules.judge(import, now)
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.rules.changed()
    }

    fn settling(&self, tenant: TenantId, id: ImportId, device: DeviceId) {
        self.rules.settling(tenant, id, device);
    }

    fn settled(&self, tenant: TenantId, id: ImportId, settled: &Settled) {
        self.rules.settled(tenant, id, settled);
    }
}
