//! One hash at the doctor's: what it says, and everything that is wrong with it, also beside the
//! row it came in.

use hardware_hash::{HardwareReport, Severity};
use jiff::Timestamp;
use serde::Serialize;

use super::{input::Hash, table::quoted};
use crate::{
    devices_csv::Row,
    domain::{hardware_blob::HardwareBlob, identity::fold},
    graph::edm::{MAX_BINARY_CHARACTERS, decode_base64},
};

/// The codes of the doctor's own findings; those of `hardware_hash` come besides.
#[cfg(test)]
pub(super) const OWN_CODES: [&str; 5] = [
    NO_HASH,
    NOT_BASE64,
    HASH_TOO_LONG,
    SERIAL_DIFFERS,
    PRODUCT_KEY_DIFFERS,
];
const NO_HASH: &str = "no-hash";
const NOT_BASE64: &str = "not-base64";
const HASH_TOO_LONG: &str = "hash-too-long";
// The service's audit table spells these two likewise.
const SERIAL_DIFFERS: &str = "request-serial-differs";
const PRODUCT_KEY_DIFFERS: &str = "request-product-key-differs";

/// What was found out about a hash.
pub(super) struct Checkup {
    /// The blob, where there is one.
    pub(super) blob: Option<HardwareBlob>,
    /// What it says, where it can be read.
    pub(super) report: Option<HardwareReport>,
    pub(super) findings: Vec<Finding>,
}

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    /// Whether the service refuses the device for it.
    pub(super) refused: bool,
    pub(super) message: String,
}

impl Finding {
    fn refuse(code: &'static str, message: String) -> Self {
        Self {
            code,
            refused: true,
            message,
        }
    }

    fn note(code: &'static str, message: String) -> Self {
        Self {
            code,
            refused: false,
            message,
        }
    }
}

impl Checkup {
    pub(super) fn of_hash(hash: Hash, now: Timestamp) -> Self {
        match hash {
            Hash::Bytes(bytes) => Self::of_bytes(bytes, now),
            Hash::Text(text) => Self::of_text(&text, now),
        }
    }

    pub(super) fn of_row(row: &Row, now: Timestamp) -> Self {
        if row.hardware_hash.is_empty() {
            return Self::without_blob(no_hash(row));
        }
        let mut checkup = Self::of_text(&row.hardware_hash, now);
        if let Some(report) = &checkup.report {
            let beside_row = [
                differs(
                    SERIAL_DIFFERS,
                    "serial number",
                    &row.serial_number,
                    report.serial_number(),
                ),
                differs(
                    PRODUCT_KEY_DIFFERS,
                    "product key",
                    &row.product_key,
                    report.product_key_id(),
                ),
            ];
            checkup.findings.extend(beside_row.into_iter().flatten());
        }
        checkup
    }

    /// Whether the service would refuse the device.
    pub(super) fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.refused)
    }

    fn of_text(text: &str, now: Timestamp) -> Self {
        if text.chars().nth(MAX_BINARY_CHARACTERS).is_some() {
            let message = format!(
                "The hash has more than {MAX_BINARY_CHARACTERS} characters, where 4000 are usual and the service \
                 takes no more. Copy it again; two hashes may have run into each other."
            );
            return Self::without_blob(Finding::refuse(HASH_TOO_LONG, message));
        }
        match decode_base64(text) {
            Some(bytes) => Self::of_bytes(bytes, now),
            None => Self::without_blob(Finding::refuse(NOT_BASE64, not_base64(text))),
        }
    }

    fn of_bytes(bytes: Vec<u8>, now: Timestamp) -> Self {
        let inspection = hardware_hash::inspect(&bytes, now.as_second());
        let findings = inspection.findings.into_iter().map(|finding| Finding {
            code: finding.code.as_str(),
            refused: finding.severity == Severity::Refuse,
            message: finding.message,
        });
        Self {
            blob: HardwareBlob::new(bytes),
            report: inspection.report,
            findings: findings.collect(),
        }
    }

    fn without_blob(finding: Finding) -> Self {
        Self {
            blob: None,
            report: None,
            findings: vec![finding],
        }
    }
}

fn no_hash(row: &Row) -> Finding {
    if row.serial_number.is_empty() || row.product_key.is_empty() {
        let message = "The row has neither a hash nor both serial number and product key, so it names no device. \
                       Capture the hash on the device."
            .to_owned();
        return Finding::refuse(NO_HASH, message);
    }
    let message = "The row has no hash. By serial number and product key only a device can be registered that the \
                   service knows from before; capture the hash on the device otherwise."
        .to_owned();
    Finding::note(NO_HASH, message)
}

fn not_base64(text: &str) -> String {
    let is_foreign =
        |character: &char| !character.is_ascii_alphanumeric() && !"+/=-_".contains(*character);
    let foreign = text
        .chars()
        .enumerate()
        .find(|(_, character)| is_foreign(character));
    let what = match foreign {
        Some((index, character)) => format!(
            "the character {} at position {} is none of its own",
            quoted(&character.to_string()),
            index + 1
        ),
        None => format!("it breaks off after {} characters", text.chars().count()),
    };
    format!("The hash is not base64: {what}. Copy it again in full.")
}

/// Where the row contradicts the hash. The hash comes from the firmware, so it wins.
fn differs(code: &'static str, what: &str, in_row: &str, in_hash: Option<&str>) -> Option<Finding> {
    let in_hash = in_hash?;
    if in_row.trim().is_empty() || fold(in_row) == fold(in_hash) {
        return None;
    }
    let without_zeros = |text: &str| fold(text).trim_start_matches('0').to_owned();
    let is_rounded = in_row.parse::<f64>().is_ok() && in_row.contains(['E', 'e', '.']);
    let advice = if without_zeros(in_row) == without_zeros(in_hash) {
        "A spreadsheet took the leading zeros away: format the column as text before saving."
    } else if is_rounded {
        "A spreadsheet took it for a number: format the column as text before saving."
    } else {
        "Check that the row has its own device's hash."
    };
    let message = format!(
        "The file gives the {what} {} and the hash {}, which counts. {advice}",
        quoted(in_row),
        quoted(in_hash)
    );
    Some(Finding::note(code, message))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use hardware_hash::Builder;

    use super::*;

    fn row(serial_number: &str, product_key: &str, hardware_hash: String) -> Row {
        Row {
            serial_number: serial_number.to_owned(),
            product_key: product_key.to_owned(),
            hardware_hash,
            ..Row::default()
        }
    }

    fn only(row: &Row) -> (&'static str, bool, String) {
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let mut findings = Checkup::of_row(row, now).findings;
        let finding = findings.pop().unwrap();
        assert_eq!(findings, []);
        (finding.code, finding.refused, finding.message)
    }

    #[test]
    fn a_row_is_held_against_its_hash() {
        let blob = Builder::new(1)
            .serial_number("0012345678901")
            .product_key_id("0000000000042")
            .build();
        let hash = BASE64_STANDARD.encode(blob);
        let cases = [
            ("12345678901", "", SERIAL_DIFFERS, "leading zeros"),
            ("1.23457E+11", "", SERIAL_DIFFERS, "for a number"),
            ("Other", "", SERIAL_DIFFERS, "its own device's"),
            ("", "42", PRODUCT_KEY_DIFFERS, "leading zeros"),
        ];
        for (serial_number, product_key, code, advice) in cases {
            let found = only(&row(serial_number, product_key, hash.clone()));
            assert_eq!((found.0, found.1), (code, false));
            assert!(found.2.contains(advice), "{}", found.2);
        }
        let agreeing = row(" 0012345678901", "0000000000042", hash);
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        assert_eq!(Checkup::of_row(&agreeing, now).findings, []);
    }

    #[test]
    fn a_row_without_a_readable_hash_says_why() {
        for (row, code, refused, message) in [
            (
                row("S", "P", String::new()),
                NO_HASH,
                false,
                "knows from before",
            ),
            (
                row("S", "", String::new()),
                NO_HASH,
                true,
                "names no device",
            ),
            (
                row("", "", "T0EA!".to_owned()),
                NOT_BASE64,
                true,
                "character \"!\" at position 5",
            ),
            (
                row("", "", "T0EAA".to_owned()),
                NOT_BASE64,
                true,
                "breaks off after 5",
            ),
            (
                row("", "", "A".repeat(MAX_BINARY_CHARACTERS + 1)),
                HASH_TOO_LONG,
                true,
                "more than 16384",
            ),
            (
                row("", "", "ZmFrZQ==".to_owned()),
                "too-short",
                true,
                "not a whole",
            ),
        ] {
            let found = only(&row);
            assert_eq!((found.0, found.1), (code, refused));
            assert!(found.2.contains(message), "{}", found.2);
        }
    }
}
