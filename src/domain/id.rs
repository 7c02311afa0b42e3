//! Makes ids: time-ordered GUIDs (version 7), so that new rows land side by side in an index.

use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// A fresh version 7 GUID for this instant. The twelve bits behind the milliseconds are a fraction
/// of one (RFC 9562, 6.2, method 3): a thousand rows of one millisecond lie in their order too.
pub fn time_ordered(now: Timestamp) -> Uuid {
    let nanoseconds = now.as_nanosecond().max(0).unsigned_abs();
    let milliseconds = u64::try_from(nanoseconds / NANOSECONDS).unwrap_or(0);
    let fraction = (nanoseconds % NANOSECONDS) * 4096 / NANOSECONDS;
    let [_, _, _, _, _, _, _, _, random @ ..] = Uuid::new_v4().into_bytes();
    let mut bits = [0; 10];
    let (first, last) = bits.split_at_mut(2);
    first.copy_from_slice(&u16::try_from(fraction).unwrap_or(0).to_be_bytes());
    last.copy_from_slice(&random);
    Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid()
}

/// In a millisecond.
const NANOSECONDS: u128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later() {
        let early = time_ordered(Timestamp::from_second(1_700_000_000).unwrap());
        let late = time_ordered(Timestamp::from_millisecond(1_700_000_000_001).unwrap());
        assert!(early < late);
        assert_eq!(late.get_version_num(), 7);
        let instants: Vec<_> = (0..1_000)
            .map(|microsecond| Timestamp::from_microsecond(1_700_000_000_000_000 + microsecond))
            .collect();
        let ids = instants.into_iter().map(|at| time_ordered(at.unwrap()));
        assert!(ids.is_sorted());
        assert_ne!(
            time_ordered(Timestamp::UNIX_EPOCH),
            time_ordered(Timestamp::UNIX_EPOCH)
        );
    }
}
