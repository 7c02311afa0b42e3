//! Pseudo-random bytes for the builder: the same for the same seed, on every machine and in every release.

use sha2::{Digest, Sha256};

use crate::report::EK_BYTES;

/// Invents bytes that seed and purpose determine: SHA-256 in counter mode.
pub(crate) fn invented<const N: usize>(seed: u64, purpose: &str) -> [u8; N] {
    let mut stream = (0_u64..).flat_map(|counter| {
        Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update(counter.to_le_bytes())
            .chain_update(purpose)
            .finalize()
    });
    std::array::from_fn(|_| stream.next().unwrap_or_default())
}

/// Invents a random-looking UUID (version 4).
pub(crate) fn invented_uuid(seed: u64) -> [u8; 16] {
    let bits = u128::from_be_bytes(invented(seed, "uuid"));
    let cleared = bits & !(0xF << 76) & !(0b11 << 62);
    (cleared | 0x4 << 76 | 0b10 << 62).to_be_bytes()
}

/// Invents what looks like an RSA-2048 modulus: highest and lowest bit set.
pub(crate) fn invented_modulus(seed: u64) -> [u8; EK_BYTES] {
    let mut modulus: [u8; EK_BYTES] = invented(seed, "endorsement key");
    let [first, .., last] = &mut modulus;
    *first |= 0x80;
    *last |= 1;
    modulus
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED: [u8; 8] = [0xBD, 0xBA, 0xBF, 0x1A, 0x04, 0x51, 0x74, 0x97];

    #[test]
    fn inventions_stay_as_they_are() {
        // Fixtures elsewhere hold built blobs, so the generator may not change.
        assert_eq!(invented(1, "pin"), PINNED);
        let long: [u8; 100] = invented(1, "pin");
        assert!(long.starts_with(&PINNED));
    }

    #[test]
    fn seeds_and_purposes_invent_apart() {
        let bytes: [u8; 8] = invented(1, "a");
        assert_ne!(bytes, invented(2, "a"));
        assert_ne!(bytes, invented(1, "b"));
    }

    #[test]
    fn a_modulus_looks_like_one() {
        for seed in 0..50 {
            let [first, .., last] = invented_modulus(seed);
            assert!(first >= 0x80 && last % 2 == 1);
        }
    }

    #[test]
    fn a_uuid_is_of_version_4() {
        for seed in 0..50 {
            let uuid = invented_uuid(seed);
            assert_eq!(uuid.get(6).map(|byte| byte >> 4), Some(4));
            assert_eq!(uuid.get(8).map(|byte| byte >> 6), Some(0b10));
        }
    }
}
