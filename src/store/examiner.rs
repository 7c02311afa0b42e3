//! Who reads what imports say, for a store that settles them as it accepts them.

use super::operation::{ClaimKey, Settled, Settlement};
use crate::domain::import::{CallId, ImportProperties};

/// Reads what imports say before anybody has claimed them.
pub trait Examiner: Send + Sync {
    /// What is to be decided of an import that is about to be accepted; nothing where it has to
    /// wait and be claimed.
    fn examine(
        &self,
        key: ClaimKey,
        call: CallId,
        properties: &ImportProperties,
    ) -> Option<Settlement>;

    /// What became of some that were accepted.
    fn settled(&self, settled: &[Settled]);
}
