//! Makes ids: time-ordered GUIDs (version 7), so that new rows land side by side in an index.

use jiff::Timestamp;
use uuid::{NoContext, Uuid};

/// A fresh version 7 GUID for this instant.
pub fn time_ordered(now: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let nanoseconds = u32::try_from(milliseconds % 1_000 * 1_000_000).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(
        NoContext,
        milliseconds / 1_000,
        nanoseconds,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later() {
        let early = time_ordered(Timestamp::from_second(1_700_000_000).unwrap());
        let late = time_ordered(Timestamp::from_millisecond(1_700_000_000_001).unwrap());
        assert!(early < late);
        assert_ne!(
            time_ordered(Timestamp::UNIX_EPOCH),
            time_ordered(Timestamp::UNIX_EPOCH)
        );
    }
}
