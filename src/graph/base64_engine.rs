//! Engines for base64, of which every create and its answer have thousands of characters. They use
//! the processor's vector instructions where there are any.

use std::sync::LazyLock;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurposeConfig, general_purpose::PAD},
};

use fastest::Fastest;

/// .NET, in which the live service and most clients are written, does not look at the bits that
/// the last character has left over, so neither do we.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Writes the standard alphabet, padded.
static STANDARD: LazyLock<Fastest> = LazyLock::new(|| fastest::standard(PAD));
/// Reads the standard alphabet as clients write it.
pub(super) static LENIENT_STANDARD: LazyLock<Fastest> =
    LazyLock::new(|| fastest::standard(LENIENT));
/// Reads the alphabet of addresses as clients write it.
pub(super) static LENIENT_URL_SAFE: LazyLock<Fastest> =
    LazyLock::new(|| fastest::url_safe(LENIENT));

/// Appends bytes in the standard alphabet, padded.
pub fn encode_into(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    if let Some(room) = out.get_mut(start..) {
        // The room is exactly as long as the text.
        let written = STANDARD.encode_slice(bytes, room);
        debug_assert!(written.is_ok());
    }
}

#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
))]
mod fastest {
    //! By vectors: the crate finds out when the program runs whether this processor can.

    use base64::engine::GeneralPurposeConfig;
    pub(in crate::graph) use base64::engine::Simd as Fastest;

    pub(super) fn standard(config: GeneralPurposeConfig) -> Fastest {
        Fastest::standard(config)
    }

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Fastest {
        Fastest::url_safe(config)
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
mod fastest {
    //! One by one: for other processors the crate has no vectors.

    pub(in crate::graph) use base64::engine::GeneralPurpose as Fastest;
    use base64::{alphabet, engine::GeneralPurposeConfig};

    pub(super) fn standard(config: GeneralPurposeConfig) -> Fastest {
        Fastest::new(&alphabet::STANDARD, config)
    }

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Fastest {
        Fastest::new(&alphabet::URL_SAFE, config)
    }
}

#[cfg(test)]
mod tests {
    use base64::{alphabet, engine::GeneralPurpose};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// By vectors or one by one: the same bytes, the same errors.
        #[test]
        fn what_is_read_does_not_depend_on_the_processor(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            spoilt in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let pairs = [
                (&LENIENT_STANDARD, GeneralPurpose::new(&alphabet::STANDARD, LENIENT)),
                (&LENIENT_URL_SAFE, GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)),
            ];
            for (fastest, plain) in pairs {
                let mut text = plain.encode(&bytes).into_bytes();
                if let Some((at, byte)) = spoilt && !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = byte;
                }
                prop_assert_eq!(fastest.decode(&text), plain.decode(&text));
            }
        }
    }
}
