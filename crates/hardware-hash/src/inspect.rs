//! The validation ladder, rungs 1 to 4: structure, integrity, decodable, self-consistent.
//!
//! A rung is climbed only if the one before refused nothing. Base64 comes before (the transport's business);
//! agreement with the request and identity come after (the service's).

use sha2::{Digest, Sha256};

use crate::container::{self, Container};
use crate::element_type as code;
use crate::finding::{Finding, FindingCode, Severity, quote};
use crate::identity::{is_junk_uuid, is_one_byte, is_placeholder};
use crate::inventory::OfflineDeviceId;
use crate::report::{self, HardwareReport, Irregularities, Occurrences};
use crate::versions::OsType;

/// 2015-01-01T00:00:00Z: before Windows 10 there was no Autopilot.
const EARLIEST_UNIX_SECONDS: i64 = 1_420_070_400;
/// How far a device's clock may run ahead.
const DAY_SECONDS: i64 = 86_400;

/// What inspecting a blob brought to light.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The decoded report; `None` only if the structure does not hold. Present even when a later rung refuses.
    pub report: Option<HardwareReport>,
    /// What is wrong or odd, in the ladder's order.
    pub findings: Vec<Finding>,
}

impl Inspection {
    /// Tells whether strict mode refuses the blob.
    pub fn is_refused(&self) -> bool {
        is_refused(&self.findings)
    }
}

/// Judges a blob by the ladder's rungs 1 to 4. The caller tells the time.
///
/// A blob without findings is whole, not genuine: its checksum has no key, so anyone can make one.
pub fn inspect(blob: &[u8], now_unix_seconds: i64) -> Inspection {
    let container = match container::open(blob) {
        Ok(container) => container,
        Err(error) => {
            return Inspection {
                report: None,
                findings: vec![Finding::from_structure(&error)],
            };
        }
    };
    let (report, irregularities) = report::read(&container);
    let mut findings = Vec::new();
    check_integrity(&container, &mut findings);
    if !is_refused(&findings) {
        check_required(&report, &irregularities, &mut findings);
        check_layouts(&container, &report, &irregularities, &mut findings);
    }
    if !is_refused(&findings) {
        check_key(&report, &mut findings);
        check_time(&report, now_unix_seconds, &mut findings);
        check_placeholders(&report, &mut findings);
    }
    Inspection {
        report: Some(report),
        findings,
    }
}

fn is_refused(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Refuse)
}

/// Rung 2.
fn check_integrity(container: &Container<'_>, findings: &mut Vec<Finding>) {
    let covered = container.covered;
    if container.digest != <[u8; 32]>::from(Sha256::digest(covered)) {
        findings.push(Finding::refuse(
            FindingCode::DigestMismatch,
            format!(
                "The checksum at offset {} does not match the {} bytes before the trailer: the hash was damaged or \
                 edited on its way. Copy it again, or capture it again on the device.",
                container.digest_offset(),
                covered.len()
            ),
        ));
    }
    if let Some(at) = container.padding.iter().position(|byte| *byte != 0) {
        findings.push(Finding::note(
            FindingCode::PaddingNotZero,
            format!(
                "The padding after the hash is not all zero, first at offset {}. The hash itself is not affected; \
                 find out which tool appended data to it.",
                container.padding_offset() + at
            ),
        ));
    }
}

/// The codes and words for an element that every device must have.
struct Required {
    element_type: u16,
    what: &'static str,
    missing: FindingCode,
    blank: FindingCode,
    unreadable: FindingCode,
}

const REQUIRED_TEXTS: [Required; 2] = [
    Required {
        element_type: code::SMBIOS_SERIAL_NUMBER,
        what: "serial number",
        missing: FindingCode::SerialMissing,
        blank: FindingCode::SerialBlank,
        unreadable: FindingCode::SerialUnreadable,
    },
    Required {
        element_type: code::SMBIOS_MANUFACTURER,
        what: "manufacturer",
        missing: FindingCode::ManufacturerMissing,
        blank: FindingCode::ManufacturerBlank,
        unreadable: FindingCode::ManufacturerUnreadable,
    },
];

/// Rung 3: what must be there. An unreadable serial number or manufacturer is as good as none.
fn check_required(
    report: &HardwareReport,
    irregularities: &Irregularities,
    findings: &mut Vec<Finding>,
) {
    let unreadable = &irregularities.unexpected_layout;
    if report.versions.is_none() && !unreadable.contains_key(&code::VERSIONS) {
        findings.push(Finding::refuse(
            FindingCode::VersionsMissing,
            "The hash does not say when and by which tool it was made (element 1 is missing). Capture it again with \
             a current tool."
                .to_owned(),
        ));
    }
    let values = [report.serial_number(), report.manufacturer()];
    let fields = [&report.smbios_serial_number, &report.smbios_manufacturer];
    for ((required, value), field) in REQUIRED_TEXTS.iter().zip(values).zip(fields) {
        if value.is_some() {
            continue;
        }
        let Required {
            element_type, what, ..
        } = required;
        let (code, state) = if field.is_some() {
            (required.blank, "is blank".to_owned())
        } else if let Some(found) = unreadable.get(element_type) {
            let state = format!("at offset {} is not readable text", found.first_offset);
            (required.unreadable, state)
        } else {
            (required.missing, "is missing".to_owned())
        };
        findings.push(Finding::refuse(
            code,
            format!(
                "The hash names no {what} (element {element_type} {state}). Set the {what} in the device's firmware \
                 and capture the hash again."
            ),
        ));
    }
}

/// Rung 3: how the rest is laid out.
fn check_layouts(
    container: &Container<'_>,
    report: &HardwareReport,
    irregularities: &Irregularities,
    findings: &mut Vec<Finding>,
) {
    let first = container.elements.first();
    if let Some(first) = first.filter(|first| first.element_type != code::VERSIONS) {
        findings.push(Finding::note(
            FindingCode::VersionsNotFirst,
            format!(
                "The first element, at offset {}, has type {} instead of 1, so no known tool made this hash. Check \
                 where it comes from.",
                first.offset, first.element_type
            ),
        ));
    }
    for (element_type, found) in &irregularities.unexpected_layout {
        let Occurrences {
            first_offset,
            count,
        } = found;
        findings.push(Finding::note(
            FindingCode::UnexpectedLayout,
            format!(
                "Element {element_type} ({}) is not laid out as expected and was left unread, {count} time(s), first \
                 at offset {first_offset}. Nothing needs doing unless the device is not recognized later.",
                name(*element_type)
            ),
        ));
    }
    for (element_type, found) in &irregularities.repeated {
        let Occurrences {
            first_offset,
            count,
        } = found;
        findings.push(Finding::note(
            FindingCode::ElementRepeated,
            format!(
                "Element {element_type} ({}) should occur once and is repeated {count} time(s), first at offset \
                 {first_offset}. Only the first one counts; check where the hash comes from.",
                name(*element_type)
            ),
        ));
    }
    check_modulus(report, findings);
}

fn check_modulus(report: &HardwareReport, findings: &mut Vec<Finding>) {
    let Some(modulus) = report.ek_modulus.as_deref() else {
        return;
    };
    if report.usable_ek().is_none() {
        findings.push(Finding::note(
            FindingCode::EkAllZero,
            "The TPM's endorsement key (element 25) is all zero, so the device cannot be told by its TPM. Switch the \
             TPM on in the firmware and capture the hash again."
                .to_owned(),
        ));
        return;
    }
    let top = modulus.first().is_some_and(|byte| byte & 0x80 != 0);
    let odd = modulus.last().is_some_and(|byte| byte & 1 != 0);
    if !(top && odd) {
        findings.push(Finding::note(
            FindingCode::EkImplausible,
            "The TPM's endorsement key (element 25) is no RSA-2048 modulus, whose highest and lowest bits are set. \
             Check where the hash comes from."
                .to_owned(),
        ));
    }
}

/// Rung 4: the key and its identifier.
fn check_key(report: &HardwareReport, findings: &mut Vec<Finding>) {
    let Some(modulus) = report.usable_ek() else {
        return;
    };
    let Some(id) = report.offline_device_id else {
        return;
    };
    if id.kind == OfflineDeviceId::KIND_TPM_EK && id.id != <[u8; 32]>::from(Sha256::digest(modulus))
    {
        findings.push(Finding::refuse(
            FindingCode::EkIdMismatch,
            "The offline device ID (element 11) is not the SHA-256 of the TPM's endorsement key (element 25): the \
             hash was forged or put together from two devices. Capture it again on the device."
                .to_owned(),
        ));
    }
}

/// Rung 4: the time and the system.
fn check_time(report: &HardwareReport, now_unix_seconds: i64, findings: &mut Vec<Finding>) {
    let Some(versions) = &report.versions else {
        return;
    };
    let made = versions.generated_at_unix_seconds;
    let advice = "Set the device's clock before the next capture.";
    if made < EARLIEST_UNIX_SECONDS {
        findings.push(Finding::note(
            FindingCode::TimeTooEarly,
            format!(
                "The hash says it was made on {}, before 2015. {advice}",
                date(made)
            ),
        ));
    }
    if made > now_unix_seconds.saturating_add(DAY_SECONDS) {
        findings.push(Finding::note(
            FindingCode::TimeInFuture,
            format!(
                "The hash says it was made on {}, more than a day from now. {advice}",
                date(made)
            ),
        ));
    }
    if let OsType::Other(os_type) = versions.os_type {
        findings.push(Finding::note(
            FindingCode::UnknownOsType,
            format!(
                "The hash names the kind of system {os_type}; 1 (Windows PE) and 2 (full Windows) are known. Check \
                 where it comes from."
            ),
        ));
    }
}

/// Rung 4: values that say nothing about this device.
fn check_placeholders(report: &HardwareReport, findings: &mut Vec<Finding>) {
    let texts = [
        (
            FindingCode::PlaceholderSerial,
            "serial number",
            14,
            report.serial_number(),
        ),
        (
            FindingCode::PlaceholderManufacturer,
            "manufacturer",
            16,
            report.manufacturer(),
        ),
        (
            FindingCode::PlaceholderProduct,
            "product name",
            17,
            report.product_name(),
        ),
    ];
    for (code, what, element_type, text) in texts {
        let Some(text) = text.filter(|text| is_placeholder(text)) else {
            continue;
        };
        findings.push(Finding::note(
            code,
            format!(
                "The {what} {} (element {element_type}) is a placeholder that many devices share. Set it in the \
                 device's firmware and capture the hash again.",
                quote(text)
            ),
        ));
    }
    if let Some(uuid) = report.smbios_uuid.filter(|uuid| is_junk_uuid(*uuid)) {
        findings.push(Finding::note(
            FindingCode::PlaceholderUuid,
            format!(
                "The UUID {} (element 12) is a placeholder that many devices share. Set it in the device's firmware \
                 and capture the hash again.",
                uuid_text(u128::from_be_bytes(uuid))
            ),
        ));
    }
    let empty_macs = report
        .network_adapters
        .iter()
        .filter(|adapter| is_one_byte(&adapter.mac))
        .count();
    if empty_macs > 0 {
        findings.push(Finding::note(
            FindingCode::PlaceholderMac,
            format!(
                "{empty_macs} of {} network adapters (element 8) have one byte repeated for a MAC address. Update \
                 the adapter's driver if the device is not recognized later.",
                report.network_adapters.len()
            ),
        ));
    }
}

fn name(element_type: u16) -> &'static str {
    code::name(element_type).unwrap_or("unknown")
}

fn uuid_text(uuid: u128) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        uuid >> 96,
        uuid >> 80 & 0xFFFF,
        uuid >> 64 & 0xFFFF,
        uuid >> 48 & 0xFFFF,
        uuid & 0xFFFF_FFFF_FFFF
    )
}

/// Writes the day of a time as `2025-01-31`, in the calendar of years that start in March.
fn date(unix_seconds: i64) -> String {
    let days = unix_seconds.div_euclid(DAY_SECONDS) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_the_usual_calendar() {
        let cases = [
            (0, "1970-01-01"),
            (946_684_799, "1999-12-31"),
            (946_684_800, "2000-01-01"),
            (951_782_400, "2000-02-29"),
            (1_420_070_400, "2015-01-01"),
            (1_735_689_599, "2024-12-31"),
            (5_241_652_095, "2136-02-07"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn a_uuid_is_written_as_windows_prints_it() {
        assert_eq!(
            uuid_text(0x0300_0200_0400_0500_0006_0007_0008_0009),
            "03000200-0400-0500-0006-000700080009"
        );
    }
}
