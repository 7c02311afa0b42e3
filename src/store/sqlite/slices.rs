//! Parts of collections that take no queries, by the keyset of (tenant, id). Those that do are in
//! `collection`.

use rusqlite::{Row, Rows};

use super::fault::Fault;
use crate::store::operation::{Page, Slice};

/// A part's bounds as a statement takes them: behind which id, how many rows and one more, and how
/// many are passed over.
pub(super) fn bounds(slice: Slice) -> ([u8; 16], i64, i64) {
    // Every GUID but the zero one, which is never a key, sorts after sixteen zeros.
    let after = slice.after.unwrap_or_default().into_bytes();
    let limit = i64::try_from(slice.limit).unwrap_or(i64::MAX - 1);
    (
        after,
        limit + 1,
        i64::try_from(slice.skip).unwrap_or(i64::MAX),
    )
}

/// Reads a part, and whether rows follow it.
pub(super) fn page<T>(
    mut found: Rows<'_>,
    slice: Slice,
    read: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Page<T>, Fault> {
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        if rows.len() == slice.limit {
            return Ok(Page { rows, more: true });
        }
        rows.push(read(row)?);
    }
    Ok(Page { rows, more: false })
}
