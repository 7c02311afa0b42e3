//! Who may hold an import back, or decide it otherwise than the rules would: a rehearsal. Without one
//! there is no gate.

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::{
    domain::{
        device::DeviceId,
        directory_error::DirectoryError,
        import::{Import, ImportId},
        tenant::TenantId,
    },
    store::operation::Settled,
};

/// What becomes of an import that is due by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is decided by the rules.
    Decide,
    /// It is refused, whatever the rules say.
    Refuse(DirectoryError),
    /// It waits until this instant of the clock of Autopilot's rules.
    Until(Timestamp),
    /// It waits until the gate has changed its mind.
    Hold,
}

/// Stands before the decision.
pub trait Gate: Send + Sync {
    /// What becomes of an import.
    fn judge(&self, import: &Import, now: Timestamp) -> Judgement;

    /// Completes when judgements may have changed since the last call.
    fn changed(&self) -> BoxFuture<'_, ()>;

    /// Hears that an import is about to be decided, and under which id its device would be
    /// registered: before anybody can find it.
    fn settling(&self, tenant: TenantId, id: ImportId, device: DeviceId);

    /// Hears what became of an import.
    fn settled(&self, tenant: TenantId, id: ImportId, settled: &Settled);
}
