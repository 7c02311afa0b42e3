//! How far the deletion of old imports has come, and what the audit table is told of it.

use jiff::Timestamp;

/// What one step of the deletion of old imports came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many imports are gone.
    pub imports: usize,
    /// Whether another step may find more.
    pub more: bool,
}

impl Expired {
    /// What the audit table is told of a tenant's imports among them.
    pub(in crate::store) fn detail(imports: usize, settled_until: Timestamp) -> String {
        format!("imports {imports} settled-until {settled_until}")
    }
}
