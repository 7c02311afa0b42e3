//! The synthetic blobs that the ladder must tell apart, one thing varied at a time.

use hardware_hash::{Builder, Inspection, Severity, decode, inspect};

const NOW: i64 = 1_767_225_600;

/// Yields the codes, refusing ones marked with an exclamation mark.
fn codes(inspection: &Inspection) -> String {
    let codes: Vec<_> = inspection
        .findings
        .iter()
        .map(|finding| match finding.severity {
            Severity::Refuse => format!("{}!", finding.code),
            Severity::Note => finding.code.to_string(),
        })
        .collect();
    codes.join(" ")
}

/// Inspects what a builder makes and checks that the report is the expected one besides.
fn check(name: &str, builder: &Builder, expected: &str) {
    let blob = builder.build();
    let inspection = inspect(&blob, NOW);
    assert_eq!(codes(&inspection), expected, "{name}");
    let refused = expected.contains('!');
    assert_eq!(inspection.is_refused(), refused, "{name}");
    assert_eq!(inspection.report, Some(builder.report()), "{name}");
    assert_eq!(decode(&blob).ok(), Some(builder.report()), "{name}");
}

fn device() -> Builder {
    Builder::new(1)
}

/// The device's blob with one byte changed.
fn patched(offset: usize, byte: u8) -> Vec<u8> {
    let mut blob = device().build();
    blob[offset] = byte;
    blob
}

/// Where the device's trailer starts.
fn trailer_offset() -> usize {
    let blob = device().build();
    usize::from(u16::from_le_bytes([blob[2], blob[3]]))
}

/// The value of an element 11.
fn offline_id(kind: u8, byte: u8) -> Vec<u8> {
    let mut value = vec![0, 0, 0, 0, kind, 0, 32, 0, 0, 0];
    value.extend([byte; 32]);
    value
}

#[test]
fn whole_blobs_have_no_findings() {
    let uuid = device().report().smbios_uuid.unwrap();
    let cases = [
        ("full Windows", device()),
        ("Windows PE", device().winpe()),
        ("no TPM", device().without_tpm()),
        ("version 3", device().tool_version(3).total_size(1035)),
        ("version 8", device().tool_version(8)),
        ("no padding", device().total_size(0)),
        ("unknown type", device().extra(99, b"anything")),
        ("unknown wide type", device().extra(0x0E01, b"")),
        ("recaptured", device().recaptured(3)),
        ("another key", device().ek_seed(2)),
        ("cloned UUID", Builder::new(2).uuid(uuid)),
        ("global MACs", device().globally_administered_macs()),
        ("no UUID", device().omit(12)),
        ("no product", device().omit(17)),
        ("blank product", device().product_name(" ")),
        ("key without identifier", device().omit(11)),
        ("identifier without key", device().omit(25)),
        ("other kind", device().omit(11).extra(11, &offline_id(2, 7))),
        ("second disk", device().extra(7, b"S2||")),
    ];
    for (name, builder) in cases {
        check(name, &builder, "");
    }
}

#[test]
fn a_broken_structure_is_refused() {
    let trailer = trailer_offset();
    let blob = device().build();
    let inside_an_element = blob[2] - 2;
    let cases = [
        ("empty", Vec::new(), "too-short!"),
        ("39 bytes", blob[..39].to_vec(), "too-short!"),
        ("toy string", b"fake".repeat(20), "bad-magic!"),
        ("bad magic", patched(1, b'B'), "bad-magic!"),
        ("L too large", patched(3, 0xFF), "trailer-out-of-range!"),
        (
            "truncated",
            blob[..trailer + 35].to_vec(),
            "trailer-out-of-range!",
        ),
        (
            "L inside an element",
            patched(2, inside_an_element),
            "bad-element-length!",
        ),
        ("length 0", patched(6, 0), "bad-element-length!"),
        ("length 1", patched(6, 1), "bad-element-length!"),
        ("length 2", patched(6, 2), "bad-element-length!"),
        ("length 3", patched(6, 3), "bad-element-length!"),
        ("too long", patched(7, 0xFF), "bad-element-length!"),
        ("no CS", patched(trailer, b'D'), "bad-trailer!"),
        ("not 36", patched(trailer + 2, 37), "bad-trailer!"),
    ];
    for (name, blob, expected) in cases {
        let inspection = inspect(&blob, NOW);
        assert_eq!(codes(&inspection), expected, "{name}");
        assert_eq!(inspection.report, None, "{name}");
        assert!(decode(&blob).is_err(), "{name}");
    }
}

#[test]
fn a_wrong_digest_is_refused_and_dirty_padding_noted() {
    let trailer = trailer_offset();
    let mut both = patched(trailer + 4, 0);
    both[2999] = 1;
    let cases = [
        ("digest", patched(trailer + 4, 0), "digest-mismatch!"),
        ("value", patched(24, 0xFF), "digest-mismatch!"),
        ("padding", patched(trailer + 36, 1), "padding-not-zero"),
        ("last byte", patched(2999, 1), "padding-not-zero"),
        ("both", both, "digest-mismatch! padding-not-zero"),
    ];
    for (name, blob, expected) in cases {
        let inspection = inspect(&blob, NOW);
        assert_eq!(codes(&inspection), expected, "{name}");
        assert!(inspection.report.is_some(), "{name}");
    }
}

#[test]
fn a_missing_serial_number_or_manufacturer_is_refused() {
    let serial = |value: &[u8]| device().omit(14).extra(14, value);
    let maker = |value: &[u8]| device().omit(16).extra(16, value);
    let unreadable_serial = "serial-unreadable! unexpected-layout";
    let unreadable_maker = "manufacturer-unreadable! unexpected-layout";
    let neither = device().omit(14).omit(16);
    let cases = [
        ("14 missing", device().omit(14), "serial-missing!"),
        ("14 blank", device().serial_number("  "), "serial-blank!"),
        ("14 empty", device().serial_number(""), "serial-blank!"),
        ("14 not UTF-8", serial(b"\xFF\0"), unreadable_serial),
        ("14 too long", serial(&[b'x'; 9000]), unreadable_serial),
        ("14 is two", serial(b"A\0B\0"), unreadable_serial),
        ("16 missing", device().omit(16), "manufacturer-missing!"),
        (
            "16 blank",
            device().manufacturer("\t"),
            "manufacturer-blank!",
        ),
        ("16 not UTF-8", maker(b"\xC3("), unreadable_maker),
        ("both", neither, "serial-missing! manufacturer-missing!"),
    ];
    for (name, builder, expected) in cases {
        check(name, &builder, expected);
    }
}

#[test]
fn odd_elements_are_noted() {
    let instead =
        |element_type, value: &[u8]| device().omit(element_type).extra(element_type, value);
    let no_key = device().omit(11).omit(25);
    let twice = device().extra(14, b"a\0").extra(14, b"b\0");
    let cases = [
        (
            "1 missing",
            device().omit(1),
            "versions-missing! versions-not-first",
        ),
        (
            "1 is short",
            instead(1, &[0; 23]),
            "versions-not-first unexpected-layout",
        ),
        ("12 is short", instead(12, &[1; 15]), "unexpected-layout"),
        ("25 is short", instead(25, &[1; 255]), "unexpected-layout"),
        ("25 is zero", instead(25, &[0; 256]), "ek-all-zero"),
        (
            "25 is even",
            no_key.extra(25, &[0x80; 256]),
            "ek-implausible",
        ),
        ("11 is short", instead(11, &[0; 41]), "unexpected-layout"),
        (
            "8 is odd twice",
            device().extra(8, b"odd").extra(8, b"too"),
            "unexpected-layout",
        ),
        ("14 three times", twice.clone(), "element-repeated"),
        (
            "1 twice, 14 three times",
            twice.extra(1, &[0; 24]),
            "element-repeated element-repeated",
        ),
    ];
    for (name, builder, expected) in cases {
        check(name, &builder, expected);
    }
}

#[test]
fn a_key_and_an_identifier_of_two_devices_are_refused() {
    let other_key = Builder::new(2).report().ek_modulus.unwrap();
    for builder in [
        device().omit(11).extra(11, &offline_id(1, 7)),
        device().omit(25).extra(25, &other_key),
    ] {
        check("spliced", &builder, "ek-id-mismatch!");
    }
}

#[test]
fn odd_times_and_systems_are_noted() {
    let mut versions = vec![0; 24];
    versions[16..24].copy_from_slice(&[0, 0, 0, 0x2F, 0, 3, 9, 9]);
    let odd_system = device().omit(1).extra(1, &versions);
    check(
        "system 3",
        &odd_system,
        "versions-not-first unknown-os-type",
    );
    let cases = [
        (0, "time-too-early"),
        (1_420_070_399, "time-too-early"),
        (1_420_070_400, ""),
        (NOW + 86_400, ""),
        (NOW + 86_401, "time-in-future"),
    ];
    for (at, expected) in cases {
        check(&at.to_string(), &device().generated_at(at), expected);
    }
    let blob = device().build();
    assert_eq!(codes(&inspect(&blob, i64::MAX)), "");
    assert_eq!(codes(&inspect(&blob, i64::MIN)), "time-in-future");
}

#[test]
fn placeholders_are_noted() {
    let mac = |byte| [vec![0; 4], vec![byte; 6], vec![0; 4]].concat();
    let cases = [
        (
            device().serial_number("Default string"),
            "placeholder-serial",
        ),
        (
            device().manufacturer("System manufacturer"),
            "placeholder-manufacturer",
        ),
        (
            device().product_name("To be filled by O.E.M."),
            "placeholder-product",
        ),
        (device().uuid([0; 16]), "placeholder-uuid"),
        (device().uuid([0xFF; 16]), "placeholder-uuid"),
        (device().extra(8, &mac(0)), "placeholder-mac"),
        (device().extra(8, &mac(0xFF)), "placeholder-mac"),
    ];
    for (builder, expected) in cases {
        check(expected, &builder, expected);
    }
}

#[test]
fn a_refusing_rung_ends_the_climb() {
    let builder = device().omit(14).manufacturer("None").generated_at(0);
    check("rung 3", &builder, "serial-missing!");
    let mut blob = device().omit(14).build();
    blob[24] ^= 1;
    assert_eq!(codes(&inspect(&blob, NOW)), "digest-mismatch!");
}

#[test]
fn messages_say_what_is_wrong_and_where() {
    let cases = [
        (
            patched(0, b'X'),
            "This is not a whole hardware hash: it starts with the bytes 58 41 at offset 0 instead of 4F 41 (\"OA\"). \
             Copy it again in full, or capture it again on the device.",
        ),
        (
            device().serial_number("- n/a\u{7}\u{202e} -").build(),
            "The serial number \"- n/a\\u{7}\\u{202e} -\" (element 14) is a placeholder that many devices share. Set \
             it in the device's firmware and capture the hash again.",
        ),
        (
            device().generated_at(0).build(),
            "The hash says it was made on 2000-01-01, before 2015. Set the device's clock before the next capture.",
        ),
        (
            device().omit(14).build(),
            "The hash names no serial number (element 14 is missing). Set the serial number in the device's firmware \
             and capture the hash again.",
        ),
    ];
    for (blob, expected) in cases {
        let inspection = inspect(&blob, NOW);
        assert_eq!(inspection.findings[0].message, expected);
    }
}

#[test]
fn the_same_device_is_recognized_by_its_key() {
    let first = device().report();
    for builder in [
        device().recaptured(1),
        device().winpe(),
        device().omit(25),
        device().omit(11),
    ] {
        let report = decode(&builder.build()).unwrap();
        assert_eq!(report.ek_digest(), first.ek_digest());
    }
    assert_eq!(device().without_tpm().report().ek_digest(), None);
    assert_ne!(device().ek_seed(2).report().ek_digest(), first.ek_digest());
}
