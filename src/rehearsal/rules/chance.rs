//! What looks like chance and is none: the same seed, name and number always give the same draw. No
//! clock and no randomness of the machine goes into it.

/// A number from 0 up to 1, without 1.
pub(super) fn draw(seed: u64, name: &str, number: u64) -> f64 {
    let mixed = mix(mix(mix(seed) ^ digest(name.as_bytes())) ^ number);
    // As many bits as a float has: each of its values is as likely.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let bits = (mixed >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

/// A number of a text, the same on every machine.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    // FNV-1a, whose constants are published.
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// One step of `SplitMix64`, which spreads neighbours far apart.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_drawn_again_and_other_seeds_draw_otherwise() {
        let run = |seed, name| -> Vec<bool> {
            (1..=64)
                .map(|number| draw(seed, name, number) < 0.5)
                .collect()
        };
        assert_eq!(run(7, "flaky"), run(7, "flaky"));
        assert_ne!(run(7, "flaky"), run(8, "flaky"));
        assert_ne!(run(7, "flaky"), run(7, "other"));
    }

    #[test]
    fn draws_are_spread_evenly() {
        let drawn: Vec<_> = (1..=10_000).map(|number| draw(1, "r", number)).collect();
        assert!(drawn.iter().all(|draw| (0.0..1.0).contains(draw)));
        for share in [0.1, 0.5, 0.9] {
            let below = drawn.iter().filter(|draw| **draw < share).count();
            let expected = share * 10_000.0;
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let off = (below as f64 - expected).abs();
            assert!(off < 200.0, "{share}: {below}");
        }
    }
}
