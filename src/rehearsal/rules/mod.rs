//! What is done to requests and to imports, by rule.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    domain::{
        import::{Import, ImportId},
        tenant::TenantId,
    },
    http::rehearsed::{Cue, Told},
    registrar::gate::Judgement,
    store::operation::Settled,
};

/// The rules that stand.
#[derive(Default)]
pub struct Rules {}

impl Rules {
    /// What `changed` waits for, where several registrars have to hear of it, each for itself.
    pub fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }

    /// Forgets all of them.
    pub fn reset(&self) {}

    /// What is done to a request.
    pub(super) fn direct<'a>(&'a self, _request: &'a Told) -> BoxFuture<'a, Cue> {
        Box::pin(async { Cue::default() })
    }

    /// What becomes of an import.
    pub(super) fn judge(&self, _import: &Import, _now: Timestamp) -> Judgement {
        Judgement::Decide
    }

    /// Completes when judgements may have changed since the last call.
    pub(super) fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Hears what became of an import.
    pub(super) fn settled(&self, _tenant: TenantId, _id: ImportId, _settled: &Settled) {}
}
