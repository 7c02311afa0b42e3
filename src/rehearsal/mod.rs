//! A rehearsal: time, faults and worlds in the hands of whoever tests, with `serve --rehearse` only.
//!
//! It comes to requests by `http::rehearsed`, to imports by `registrar::gate`, and to people by the
//! routes under `/rehearsal` of the admin listener, which `control` gathers. None of those rooms knows
//! what is in here.

pub mod clock;
pub mod control;

use std::sync::Arc;

use axum::Router;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use self::clock::RehearsalClock;
use crate::{
    domain::{
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::rehearsed::{Cue, Director, Ended, Home, Told},
    registrar::gate::{Gate, Judgement},
    store::operation::Settled,
};

/// Everything that a rehearsal is made of.
pub struct Rehearsal {
    /// The time that Autopilot's rules see.
    pub clock: Arc<RehearsalClock>,
}

impl Rehearsal {
    /// A rehearsal by this clock.
    pub fn new(clock: Arc<RehearsalClock>) -> Self {
        Self { clock }
    }

    /// The routes under `/rehearsal`.
    pub fn router(self: &Arc<Self>) -> Router {
        control::router(self)
    }
}

impl Director for Rehearsal {
    fn home(&self, _tenant: TenantId) -> BoxFuture<'_, Option<Home>> {
        Box::pin(async { None })
    }

    fn direct<'a>(&'a self, _request: &'a Told) -> BoxFuture<'a, Cue> {
        Box::pin(async { Cue::default() })
    }

    fn hear(&self, _request: Told, _ended: Ended<'_>) {}
}

impl Gate for Rehearsal {
    fn judge(&self, _import: &Import, _now: Timestamp) -> Judgement {
        Judgement::Decide
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn settled(&self, _tenant: TenantId, _id: ImportId, _settled: &Settled) {}
}
