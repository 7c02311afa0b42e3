//! Parts of collections that take no queries, by the keyset of (tenant, id). Those that do are in
//! `collection`.

use tokio_postgres::Row;
use uuid::Uuid;

use super::{fault::Fault, row::bounded};
use crate::store::operation::{Page, Slice};

/// A part's bounds as a statement takes them: behind which id, how many rows and one more, and how
/// many are passed over.
pub(super) fn bounds(slice: Slice) -> (Uuid, i64, i64) {
    // No GUID but the zero one, which is never a key, sorts so early.
    let after = slice.after.unwrap_or_default();
    (
        after,
        bounded(slice.limit).saturating_add(1),
        bounded(slice.skip),
    )
}

/// Reads a part, and whether rows follow it.
pub(super) fn page<T>(
    found: &[Row],
    slice: Slice,
    read: impl Fn(&Row) -> Result<T, Fault>,
) -> Result<Page<T>, Fault> {
    let rows = found.iter().take(slice.limit).map(read);
    Ok(Page {
        rows: rows.collect::<Result<_, _>>()?,
        more: found.len() > slice.limit,
    })
}
