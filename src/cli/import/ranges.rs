//! Sets of rows as ranges: what a journal's line holds, and what is remembered of all lines.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// A set of rows. It costs as much as it has gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// From the first row of a range to its last.
    ranges: BTreeMap<u32, u32>,
}

impl Rows {
    pub(super) fn insert(&mut self, row: u32) {
        self.insert_range(row, row);
    }

    fn insert_range(&mut self, mut first: u32, mut last: u32) {
        // What overlaps or touches the new range becomes part of it.
        while let Some((&start, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            first = first.min(start);
            last = last.max(end);
            self.ranges.remove(&start);
        }
        self.ranges.insert(first, last);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (&first, &last) in &other.ranges {
            self.insert_range(first, last);
        }
    }

    pub(super) fn contains(&self, row: u32) -> bool {
        let before = self.ranges.range(..=row).next_back();
        before.is_some_and(|(_, last)| *last >= row)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl FromIterator<u32> for Rows {
    fn from_iter<I: IntoIterator<Item = u32>>(rows: I) -> Self {
        let mut set = Self::default();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

/// Such as `0-499,501`.
impl fmt::Display for Rows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            if first == last {
                write!(formatter, "{comma}{first}")?;
            } else {
                write!(formatter, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Rows {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut rows = Self::default();
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u32>().map_err(|_| ());
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(());
            }
            rows.insert_range(first, last);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let rows: Rows = [5, 1, 2, 4, 9, 3].into_iter().collect();
        assert_eq!(rows.to_string(), "1-5,9");
        assert_eq!("1-5,9".parse(), Ok(rows));
        for odd in ["x", "5-1", "1-", "-1", "1-99999999999"] {
            assert_eq!(odd.parse::<Rows>(), Err(()), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn a_set_is_a_set(numbers in proptest::collection::vec(0_u32..60, 0..40)) {
            let rows: Rows = numbers.iter().copied().collect();
            for row in 0..61 {
                prop_assert_eq!(rows.contains(row), numbers.contains(&row));
            }
            prop_assert_eq!(rows.to_string().parse(), Ok(rows));
        }
    }
}
