//! Numbers that look random and are the same in every run, so that no request meets only what the
//! one before it has warmed.

/// A source of such numbers: a xorshift.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// One of its own for every seed.
    pub(crate) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { state }
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // The upper bits are the better ones.
        (self.state >> 16) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_and_repeatable() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            (0..10_000)
                .map(move |_| random.below(100))
                .collect::<Vec<_>>()
        };
        let ones = numbers(1);
        assert_eq!(ones, numbers(1));
        assert_ne!(ones, numbers(2));
        for number in 0..100 {
            let count = ones.iter().filter(|one| **one == number).count();
            assert!((50..200).contains(&count), "{number}: {count}");
        }
    }
}
