//! Numbers made of many: medians and rates.

use std::time::Duration;

/// The middle of some values, or the mean of the two in the middle. Of none, 0.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(upper), 1) => *upper,
        (Some(upper), _) => f64::midpoint(values[middle - 1], *upper),
    }
}

/// What so many of a hundred values are at most. Of none, 0.
pub(crate) fn share(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(0.0)
}

/// How many a second.
#[expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below where doubles become coarse"
)]
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// A span in milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let table: [(&[f64], f64); 4] = [
            (&[], 0.0),
            (&[3.0], 3.0),
            (&[9.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 9.0, 2.0], 3.0),
        ];
        for (values, expected) in table {
            let found = median(values.iter().copied());
            assert!((found - expected).abs() < f64::EPSILON, "{values:?}");
        }
    }

    #[test]
    fn a_share_is_near_the_end() {
        let table = [(0, 0.0), (1, 1.0), (2, 2.0), (100, 100.0), (1000, 991.0)];
        for (count, expected) in table {
            let values = (1..=count).map(f64::from).rev().collect();
            let found = share(values, 99);
            assert!(
                (found - expected).abs() < f64::EPSILON,
                "{found} of {count}"
            );
        }
    }

    #[test]
    fn a_rate_is_by_the_second() {
        let rate = per_second(300, Duration::from_millis(1500));
        assert!((rate - 200.0).abs() < f64::EPSILON);
        assert!((ms(Duration::from_micros(2500)) - 2.5).abs() < f64::EPSILON);
    }
}
