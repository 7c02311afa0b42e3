//! The ids that we choose: one run's are a sequence, so that an id leads back to its row.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::id;

/// How many low bits of an id are the row's place in the file.
const PLACE_BITS: u32 = 32;

/// The ids of one run: version 7 GUIDs of its instant, told from those of other runs by 42 random
/// bits, and among themselves by the row's place. They lie side by side in a server's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowIds {
    base: u128,
}

impl RowIds {
    /// Ids that nobody else has.
    pub(super) fn fresh(now: Timestamp) -> Self {
        Self::of(id::time_ordered(now))
    }

    /// The ids of the run that has this one.
    pub(super) fn of(any: Uuid) -> Self {
        Self {
            base: any.as_u128() >> PLACE_BITS << PLACE_BITS,
        }
    }

    /// The id of a row.
    pub(super) fn id(self, row: u32) -> Uuid {
        Uuid::from_u128(self.base | u128::from(row))
    }

    /// The row with this id, if it is one of ours.
    pub(super) fn row(self, id: &str) -> Option<u32> {
        let id = Uuid::try_parse(id).ok()?.as_u128();
        let is_ours = id >> PLACE_BITS == self.base >> PLACE_BITS;
        is_ours.then(|| u32::try_from(id & u128::from(u32::MAX)).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_sequence_that_leads_back() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let ids = RowIds::fresh(now);
        assert!(ids.id(0) < ids.id(1) && ids.id(1) < ids.id(u32::MAX));
        assert_eq!(ids.id(7).get_version_num(), 7);
        for row in [0, 1, 500, u32::MAX] {
            assert_eq!(ids.row(&ids.id(row).to_string()), Some(row));
        }
        assert_eq!(RowIds::of(ids.id(9)), ids);
        let others = RowIds::fresh(now);
        assert_eq!(others.row(&ids.id(3).to_string()), None);
        assert_eq!(ids.row("odd"), None);
    }
}
