//! The gauge of imports that wait, over all tenants.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// How often they are counted, where that takes no time to speak of.
const COUNTED_EVERY: Duration = Duration::from_secs(5);

/// How often at least, however long it takes.
const COUNTED_AT_LEAST_EVERY: Duration = Duration::from_mins(10);

/// The part of the time that counting takes at most: where a million wait, a database counts for the
/// better part of a second, for each process that asks.
const COUNTING_TAKES_ONE_IN: u32 = 100;

/// Keeps the gauge up to date, for ever. Nothing is reported where nobody can count just now.
pub async fn report<Count>(count: impl Fn() -> Count)
where
    Count: Future<Output = Option<u64>>,
{
    loop {
        let began = Instant::now();
        if let Some(waiting) = count().await {
            let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            metrics::gauge!("hangar_waiting_imports").set(waiting);
        }
        tokio::time::sleep(until_next_count(began.elapsed())).await;
    }
}

/// How long they are left alone after a count that took so long.
fn until_next_count(took: Duration) -> Duration {
    took.saturating_mul(COUNTING_TAKES_ONE_IN)
        .clamp(COUNTED_EVERY, COUNTED_AT_LEAST_EVERY)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_counts_for_long_counts_seldom() {
        let began = Instant::now();
        let counted_at = RefCell::new(Vec::new());
        let slow = || async {
            counted_at.borrow_mut().push(began.elapsed().as_secs());
            let turn = counted_at.borrow().len();
            // The third count finds a million, and the fifth a database that does not answer.
            match turn {
                3 => tokio::time::sleep(Duration::from_millis(800)).await,
                5 => tokio::time::sleep(Duration::from_secs(10)).await,
                _ => {}
            }
            (turn != 5).then_some(7)
        };
        let reported = report(slow);
        let ended = tokio::time::timeout(Duration::from_secs(712), reported).await;
        assert!(ended.is_err(), "it is for ever");
        assert_eq!(*counted_at.borrow(), [0, 5, 10, 90, 95, 705, 710]);
    }
}
