//! What holds for every device, every truncation, every flipped byte and any bytes at all.

use hardware_hash::fuzzing::fuzz;
use hardware_hash::{Builder, content_len, decode, inspect};
use proptest::collection::vec;
use proptest::prelude::*;

const NOW: i64 = 1_767_225_600;
const TRAILER_BYTES: usize = 36;

/// Any device that the builder can make.
fn builders() -> impl Strategy<Value = Builder> {
    let texts = (".{0,40}", ".{0,40}", ".{0,40}", ".{0,20}");
    let identity = (any::<u64>(), any::<u64>(), any::<[u8; 16]>(), any::<u32>());
    let switches = any::<[bool; 3]>();
    let format = (any::<i64>(), any::<u8>(), 0_usize..4000);
    let extras = vec((0_u16..48, vec(any::<u8>(), 0..64)), 0..6);
    let omitted = vec(0_u16..48, 0..6);
    (texts, identity, switches, format, extras, omitted).prop_map(
        |(texts, (seed, ek_seed, uuid, capture), switches, format, extras, omitted)| {
            let mut builder = Builder::new(seed)
                .manufacturer(&texts.0)
                .product_name(&texts.1)
                .serial_number(&texts.2)
                .product_key_id(&texts.3)
                .ek_seed(ek_seed)
                .uuid(uuid)
                .recaptured(capture)
                .generated_at(format.0)
                .tool_version(format.1)
                .total_size(format.2);
            if switches[0] {
                builder = builder.without_tpm();
            }
            if switches[1] {
                builder = builder.winpe();
            }
            if switches[2] {
                builder = builder.globally_administered_macs();
            }
            for (element_type, value) in extras {
                builder = builder.extra(element_type, &value);
            }
            omitted.into_iter().fold(builder, Builder::omit)
        },
    )
}

/// A builder that writes nothing but extra elements.
fn bare() -> Builder {
    (0..64).fold(Builder::new(1).total_size(0), Builder::omit)
}

/// The length of header, elements and trailer.
fn sealed_len(blob: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([blob[2], blob[3]])) + TRAILER_BYTES
}

/// A blob of as many of the smallest elements as asked for.
fn crowded(element_type: u16, count: usize) -> Vec<u8> {
    (0..count)
        .fold(bare(), |builder, _| builder.extra(element_type, b""))
        .build()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn decoding_undoes_building(builder in builders()) {
        let blob = builder.build();
        prop_assert_eq!(decode(&blob).unwrap(), builder.report());
        prop_assert_eq!(inspect(&blob, NOW).report, Some(builder.report()));
        prop_assert_eq!(blob, builder.clone().build());
    }

    #[test]
    fn built_blobs_keep_the_invariants(builder in builders()) {
        fuzz(&builder.build());
    }

    #[test]
    fn random_bytes_keep_the_invariants(bytes in vec(any::<u8>(), 0..4000)) {
        fuzz(&bytes);
    }

    #[test]
    fn changed_blobs_keep_the_invariants(
        builder in builders(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut blob = builder.build();
        let sealed = sealed_len(&blob);
        for (at, byte) in changes {
            blob[at.index(sealed)] = byte;
        }
        fuzz(&blob);
    }

    #[test]
    fn random_elements_keep_the_invariants(
        elements in vec((0_u16..40, vec(any::<u8>(), 0..300)), 0..60),
    ) {
        let builder = elements
            .iter()
            .fold(bare(), |builder, (element_type, value)| builder.extra(*element_type, value));
        fuzz(&builder.build());
        prop_assert_eq!(decode(&builder.build()).unwrap(), builder.report());
    }

    #[test]
    fn content_ends_where_only_zeros_follow(bytes in vec(0_u8..3, 0..64), zeros in 0_usize..64) {
        let mut padded = bytes.clone();
        padded.resize(bytes.len() + zeros, 0);
        let content = content_len(&padded);
        prop_assert_eq!(content, content_len(&bytes));
        prop_assert!(content == 0 || bytes[content - 1] != 0);
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn every_truncation_is_refused(builder in builders()) {
        let blob = builder.build();
        let sealed = sealed_len(&blob);
        for end in 0..sealed {
            prop_assert!(decode(&blob[..end]).is_err(), "cut at {}", end);
            prop_assert!(inspect(&blob[..end], NOW).is_refused(), "cut at {}", end);
        }
        prop_assert_eq!(decode(&blob[..sealed]).unwrap(), builder.report());
    }

    #[test]
    fn every_flipped_byte_is_refused(builder in builders(), mask in 1_u8..) {
        let mut blob = builder.build();
        for at in 0..sealed_len(&blob) {
            blob[at] ^= mask;
            prop_assert!(inspect(&blob, NOW).is_refused(), "flipped at {}", at);
            blob[at] ^= mask;
        }
    }
}

#[test]
fn every_flipped_bit_of_one_device_is_refused() {
    let mut blob = Builder::new(1).total_size(0).build();
    for at in 0..blob.len() {
        for bit in 0..8 {
            blob[at] ^= 1 << bit;
            assert!(inspect(&blob, NOW).is_refused(), "bit {bit} at {at}");
            blob[at] ^= 1 << bit;
        }
    }
}

#[test]
fn work_grows_with_length_only() {
    // The walk keeps each element once, and findings do not grow with their number.
    for count in [100, 1000, 10_000, 16_000] {
        let blob = crowded(99, count);
        assert_eq!(blob.len(), 40 + 4 * count);
        assert_eq!(decode(&blob).unwrap().unknown.len(), count);
        for element_type in [1, 8, 12, 14, 25] {
            let findings = inspect(&crowded(element_type, count), NOW).findings;
            assert!(findings.len() <= 8, "{findings:?}");
        }
    }
}
