//! Invariants that hold for any bytes, for fuzzers and property tests to call.
//!
//! The fuzzer itself, with its corpus and its time limit, is the caller's.

use crate::element_type;
use crate::finding::{FindingCode, Severity};
use crate::{content_len, decode, inspect, is_placeholder};

/// Some fixed now; invariants hold at any time.
const NOW_UNIX_SECONDS: i64 = 1_767_225_600;
/// More than any message needs, as blob text in it is cut short.
const LONGEST_MESSAGE: usize = 1200;

/// Decodes and inspects arbitrary bytes and asserts what must hold whatever they are.
///
/// # Panics
///
/// Panics if an invariant does not hold, which is a bug of this crate.
pub fn fuzz(bytes: &[u8]) {
    let decoded = decode(bytes);
    let inspection = inspect(bytes, NOW_UNIX_SECONDS);
    assert_eq!(decoded.as_ref().ok(), inspection.report.as_ref());
    assert!(decoded.is_ok() || inspection.is_refused());

    let refuses = inspection
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Refuse);
    assert_eq!(refuses, inspection.is_refused());
    // One finding per code at most, but for two codes that occur once per known type.
    let known_types = (0..=64)
        .filter(|code| element_type::name(*code).is_some())
        .count();
    assert!(inspection.findings.len() <= FindingCode::ALL.len() + 2 * known_types);
    for finding in &inspection.findings {
        assert!(finding.message.len() <= LONGEST_MESSAGE);
        assert!(!finding.message.chars().any(char::is_control));
    }

    let content = content_len(bytes);
    assert!(content <= bytes.len());
    assert!(bytes.iter().skip(content).all(|byte| *byte == 0));

    let Ok(report) = decoded else { return };
    assert!(report.unknown.len() * 4 <= bytes.len());
    assert!(report.identity_macs().is_sorted_by(|a, b| a < b));
    let disks = report.identity_disks();
    assert!(disks.is_sorted_by(|a, b| a < b));
    assert!(!disks.iter().any(|serial| is_placeholder(serial)));
    assert!(report.serial_number().is_none_or(|text| !text.is_empty()));
    if report.identity_uuid().is_some() {
        assert_eq!(report.identity_uuid(), report.smbios_uuid);
    }
    if report.ek_digest().is_some() {
        assert!(report.ek_modulus.is_some() || report.offline_device_id.is_some());
    }
}
