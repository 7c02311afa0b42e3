//! Where imports are read: what each says, before it is decided.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use crate::{
    domain::{
        clock::Clock,
        device::DeviceId,
        id,
        identity::LedgerEntryId,
        import::{CallId, ImportProperties},
        registration::{Examination, HashValidation, examine},
    },
    store::{
        examiner::Examiner,
        operation::{ClaimKey, Settled, Settlement},
    },
};

/// Reads imports, by a clock and as strictly as it was told.
pub(super) struct Desk {
    clock: Arc<dyn Clock>,
    validation: HashValidation,
}

impl Desk {
    pub(super) fn new(clock: Arc<dyn Clock>, validation: HashValidation) -> Self {
        Self { clock, validation }
    }

    /// What is to be decided of an import that says this.
    pub(super) fn settlement(
        &self,
        key: ClaimKey,
        call: CallId,
        examination: Examination,
    ) -> Settlement {
        let now = self.clock.now();
        Settlement {
            key,
            call,
            examination,
            device: DeviceId(id::time_ordered(now)),
            entry: LedgerEntryId(id::time_ordered(now)),
        }
    }
}

impl Examiner for Desk {
    fn examine(
        &self,
        key: ClaimKey,
        call: CallId,
        properties: &ImportProperties,
    ) -> Option<Settlement> {
        let read = || examine(properties, self.validation, self.clock.now());
        // A decoder that panics is a fault of ours; it must not stop everybody else's devices.
        let examination = panic::catch_unwind(AssertUnwindSafe(read)).ok()?;
        Some(self.settlement(key, call, examination))
    }

    fn settled(&self, settled: &[Settled]) {
        settled.iter().copied().for_each(count_outcome);
    }
}

/// Counts what became of an import.
pub(super) fn count_outcome(settled: Settled) {
    let outcome = match settled {
        Settled::Registered(_) => "registered",
        Settled::Refused(error) => error.name(),
        Settled::Superseded => "superseded",
        Settled::Retried => "retried",
    };
    metrics::counter!("hangar_registrations_total", "outcome" => outcome).increment(1);
}
