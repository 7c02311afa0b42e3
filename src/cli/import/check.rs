//! What can be said of a row before it is sent: will the server take it, and which device is it?

use std::{borrow::Cow, collections::HashMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hardware_hash::{HardwareReport, Severity};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{
    devices_csv::{Column, Row},
    domain::{
        hardware_blob::HardwareBlob,
        identity::{Digest, FingerprintKind, Fingerprints, fold},
        registration::HashValidation,
    },
    graph::edm::decode_base64,
};

/// The longest hash that Graph takes, in characters of base64.
const LONGEST_HASH: usize = 16_384;
/// The longest other text that Graph takes, in characters.
const LONGEST_TEXT: usize = 1_024;

/// Why a row is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// A word for programs; a hash's is its finding's.
    pub(super) name: &'static str,
    /// What is wrong, and what to do.
    pub(super) sentence: String,
}

/// What the check says of a row.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    /// The device, or why the row is not sent.
    pub(super) device: Result<DeviceKey, Refusal>,
    /// The hash as it is sent.
    pub(super) hash: Cow<'a, str>,
    /// What is odd about a row that is sent all the same.
    pub(super) notes: Vec<String>,
}

/// What tells a device from others of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DeviceKey([u8; 16]);

/// The devices met so far, each with the line it was first met on: about 40 bytes a device.
#[derive(Default)]
pub(super) struct Devices {
    first_lines: HashMap<DeviceKey, u32>,
}

impl Devices {
    /// Remembers a device; the line it was met on before, if it was.
    pub(super) fn meet(&mut self, device: DeviceKey, line: u64) -> Option<u32> {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match self.first_lines.entry(device) {
            std::collections::hash_map::Entry::Occupied(met) => Some(*met.get()),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(line);
                None
            }
        }
    }
}

/// Checks a row. `validation` is as strict as the server's setting of that name.
pub(super) fn check(row: &Row, validation: HashValidation, now: Timestamp) -> Checked<'_> {
    let mut notes = Vec::new();
    let mut hash = Cow::Borrowed(row.hardware_hash.as_str());
    let device = device(row, validation, now, &mut hash, &mut notes);
    Checked {
        device,
        hash,
        notes,
    }
}

fn device(
    row: &Row,
    validation: HashValidation,
    now: Timestamp,
    hash: &mut Cow<'_, str>,
    notes: &mut Vec<String>,
) -> Result<DeviceKey, Refusal> {
    for column in [
        Column::SerialNumber,
        Column::ProductKey,
        Column::GroupTag,
        Column::AssignedUser,
    ] {
        if row.get(column).chars().nth(LONGEST_TEXT).is_some() {
            return refuse(
                "text-too-long",
                format!(
                    "The column \"{column}\" holds more than {LONGEST_TEXT} characters. Shorten it."
                ),
            );
        }
    }
    if row.hardware_hash.is_empty() {
        return named(row);
    }
    if row.hardware_hash.len() > LONGEST_HASH {
        return refuse(
            "hash-too-long",
            format!(
                "The hardware hash is longer than {LONGEST_HASH} characters. Capture it again on the device."
            ),
        );
    }
    let bytes = decode(&row.hardware_hash, hash)?;
    let Some(blob) = HardwareBlob::new(bytes) else {
        return named(row);
    };
    // Without the padding, which may be two thirds of it, all of this is faster and says the same.
    let inspection = hardware_hash::inspect(&blob.to_bytes(), now.as_second());
    let is_strict = validation == HashValidation::Strict;
    for finding in inspection.findings {
        if is_strict && finding.severity == Severity::Refuse {
            return Err(Refusal {
                name: finding.code.as_str(),
                sentence: finding.message,
            });
        }
        notes.push(finding.message);
    }
    let Some(report) = inspection.report else {
        return Ok(key_of(&Fingerprints::of_opaque(&blob, &row.serial_number)));
    };
    if let Err(refusal) = compare_serial_numbers(row, &report, notes) {
        if is_strict {
            return Err(refusal);
        }
        notes.push(refusal.sentence);
    }
    if let Some(product_key) = report.product_key_id()
        && !row.product_key.is_empty()
        && fold(product_key) != fold(&row.product_key)
    {
        notes.push(format!(
            "The Windows Product ID {} is not the one in the hash, {}, which counts.",
            quoted(&row.product_key),
            quoted(product_key)
        ));
    }
    let serial = report.serial_number().unwrap_or(&row.serial_number);
    Ok(key_of(&Fingerprints::of_report(&report, &blob, serial)))
}

/// A row without a hash goes by its name.
fn named(row: &Row) -> Result<DeviceKey, Refusal> {
    if row.serial_number.is_empty() && row.product_key.is_empty() {
        return refuse(
            "names-no-device",
            "The row has neither a hardware hash nor a serial number or Windows Product ID. Add the hash."
                .to_owned(),
        );
    }
    let mut hasher = Sha256::new();
    hasher.update(b"name\0");
    hasher.update(fold(&row.serial_number));
    hasher.update([0]);
    hasher.update(fold(&row.product_key));
    Ok(shortened(&hasher.finalize().into()))
}

/// The hash's bytes. What is not quite base64 as servers want it is written anew.
fn decode(text: &str, sent: &mut Cow<'_, str>) -> Result<Vec<u8>, Refusal> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(bytes);
    }
    let joined: String = text.split_ascii_whitespace().collect();
    let bytes = decode_base64(&joined).ok_or_else(|| {
        let place = joined
            .chars()
            .position(|c| !(c.is_ascii_alphanumeric() || "+/-_=".contains(c)));
        let what = match place {
            Some(place) => format!("its character {} is none of base64's", place + 1),
            None => "it was cut off, or something was put into it".to_owned(),
        };
        Refusal {
            name: "hash-not-base64",
            sentence: format!("The hardware hash is not base64: {what}. Copy it again in full."),
        }
    })?;
    *sent = Cow::Owned(STANDARD.encode(&bytes));
    Ok(bytes)
}

/// The serial numbers in the file and in the hash should be one.
fn compare_serial_numbers(
    row: &Row,
    report: &HardwareReport,
    notes: &mut Vec<String>,
) -> Result<(), Refusal> {
    let Some(inside) = report.serial_number() else {
        return Ok(());
    };
    let (ours, theirs) = (fold(&row.serial_number), fold(inside));
    if ours.is_empty() || ours == theirs {
        return Ok(());
    }
    let (outside, inside) = (quoted(&row.serial_number), quoted(inside));
    if theirs.trim_start_matches('0') == ours.trim_start_matches('0') {
        notes.push(format!(
            "The serial number {outside} has lost the leading zeros of {inside}, as spreadsheets make it; the hash's counts."
        ));
        return Ok(());
    }
    refuse(
        "serial-differs",
        format!(
            "The serial number {outside} is not the one in the hardware hash, {inside}: the row mixes two devices, \
             or a spreadsheet changed the number. Correct the row."
        ),
    )
}

/// The digest that decides: the endorsement key's, or else those of UUID and names together.
fn key_of(fingerprints: &Fingerprints) -> DeviceKey {
    use FingerprintKind::{Ek, Opaque, Tuple, Uuid};
    let find = |kind| {
        let mut all = fingerprints.iter();
        all.find(|fingerprint| fingerprint.kind == kind)
            .map(|fingerprint| fingerprint.digest)
    };
    if let Some(digest) = find(Ek) {
        return shortened(&digest);
    }
    if let (Some(uuid), Some(tuple)) = (find(Uuid), find(Tuple)) {
        let mut hasher = Sha256::new();
        hasher.update(uuid);
        hasher.update(tuple);
        return shortened(&hasher.finalize().into());
    }
    shortened(&find(Opaque).unwrap_or_default())
}

fn shortened(digest: &Digest) -> DeviceKey {
    let mut key = [0; 16];
    key.iter_mut()
        .zip(digest)
        .for_each(|(ours, theirs)| *ours = *theirs);
    DeviceKey(key)
}

fn refuse<T>(name: &'static str, sentence: String) -> Result<T, Refusal> {
    Err(Refusal { name, sentence })
}

/// Text from a file, escaped and cut short.
pub(super) fn quoted(text: &str) -> String {
    const MOST_CHARACTERS: usize = 64;
    let shown: String = text
        .chars()
        .take(MOST_CHARACTERS)
        .flat_map(char::escape_debug)
        .collect();
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use hardware_hash::Builder;

    use super::*;

    fn row(serial_number: &str, blob: &[u8]) -> Row {
        Row {
            serial_number: serial_number.to_owned(),
            hardware_hash: STANDARD.encode(blob),
            ..Row::default()
        }
    }

    fn name(row: &Row, validation: HashValidation) -> Result<(), &'static str> {
        let checked = check(
            row,
            validation,
            Timestamp::from_second(1_767_225_600).unwrap(),
        );
        checked.device.map(drop).map_err(|refusal| refusal.name)
    }

    fn strict(row: &Row) -> Result<(), &'static str> {
        name(row, HashValidation::Strict)
    }

    #[test]
    fn each_fault_is_found_before_sending() {
        let blob = Builder::new(1).serial_number("SN-1").build();
        assert_eq!(strict(&row("sn-1", &blob)), Ok(()));
        assert_eq!(strict(&row("", &blob)), Ok(()));
        assert_eq!(strict(&row("SN-2", &blob)), Err("serial-differs"));
        let mut damaged = blob.clone();
        damaged[40] ^= 1;
        assert_eq!(strict(&row("", &damaged)), Err("digest-mismatch"));
        assert_eq!(strict(&row("", b"hardwareIdentifier")), Err("too-short"));
        let cut = Row {
            hardware_hash: "aGFzaA!".to_owned(),
            ..Row::default()
        };
        assert_eq!(strict(&cut), Err("hash-not-base64"));
        let long = Row {
            hardware_hash: "A".repeat(LONGEST_HASH + 4),
            ..Row::default()
        };
        assert_eq!(strict(&long), Err("hash-too-long"));
        assert_eq!(strict(&Row::default()), Err("names-no-device"));
        let tag = Row {
            group_tag: Some("ä".repeat(LONGEST_TEXT + 1)),
            ..row("", &blob)
        };
        assert_eq!(strict(&tag), Err("text-too-long"));
        for row in [row("SN-2", &blob), row("", &damaged)] {
            assert_eq!(name(&row, HashValidation::Lenient), Ok(()));
        }
    }

    #[test]
    fn lost_zeros_are_noted_and_sent() {
        let blob = Builder::new(1).serial_number("00123").build();
        let row = row("123", &blob);
        let checked = check(&row, HashValidation::Strict, Timestamp::UNIX_EPOCH);
        assert!(checked.device.is_ok());
        assert!(
            checked
                .notes
                .iter()
                .any(|note| note.contains("leading zeros"))
        );
    }

    #[test]
    fn base64_of_other_kinds_is_written_anew() {
        let blob = Builder::new(1).build();
        let plain = STANDARD.encode(&blob);
        for other in [
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&blob),
            format!("{} {}", &plain[..76], &plain[76..]),
        ] {
            let row = Row {
                hardware_hash: other,
                ..Row::default()
            };
            let checked = check(&row, HashValidation::Strict, Timestamp::UNIX_EPOCH);
            assert!(checked.device.is_ok(), "{:?}", checked.device);
            assert_eq!(checked.hash, plain);
        }
    }

    #[test]
    fn a_device_is_told_by_itself_and_not_by_its_text() {
        let key = |blob: &[u8], serial: &str| {
            let row = row(serial, blob);
            let checked = check(&row, HashValidation::Strict, Timestamp::UNIX_EPOCH);
            checked.device.unwrap()
        };
        let first = Builder::new(1).build();
        let again = Builder::new(1).recaptured(2).build();
        assert_ne!(first, again, "two captures differ in their text");
        assert_eq!(key(&first, ""), key(&again, ""));
        assert_ne!(key(&first, ""), key(&Builder::new(2).build(), ""));
        let bare = Builder::new(3).without_tpm();
        let recaptured = bare.clone().recaptured(2).build();
        assert_eq!(key(&bare.build(), ""), key(&recaptured, ""));

        let mut devices = Devices::default();
        assert_eq!(devices.meet(key(&first, ""), 2), None);
        assert_eq!(devices.meet(key(&again, ""), 9), Some(2));
    }
}
