//! A device's fingerprints, and when two sets of them mean the same hardware.
//!
//! The blob's own digest is never a key of a device with a TPM: it changes at every capture.

use std::{collections::BTreeSet, fmt};

use hardware_hash::HardwareReport;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::hardware_blob::HardwareBlob;

/// A SHA-256.
pub type Digest = [u8; 32];

/// One piece of hardware in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerEntryId(pub Uuid);

impl fmt::Display for LedgerEntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// What a fingerprint is taken of. The first four are keys by which hardware is found; the others
/// only support a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FingerprintKind {
    /// The TPM's endorsement key.
    Ek,
    /// The SMBIOS UUID.
    Uuid,
    /// Manufacturer, product name and serial number.
    Tuple,
    /// The blob itself, where no endorsement key says more.
    Opaque,
    /// The address of a network adapter.
    Mac,
    /// The serial number of a disk.
    Disk,
    /// The Windows Product ID.
    ProductKey,
}

impl FingerprintKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Ek,
        Self::Uuid,
        Self::Tuple,
        Self::Opaque,
        Self::Mac,
        Self::Disk,
        Self::ProductKey,
    ];

    /// The word that people are shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ek => "ek",
            Self::Uuid => "uuid",
            Self::Tuple => "tuple",
            Self::Opaque => "opaque",
            Self::Mac => "mac",
            Self::Disk => "disk",
            Self::ProductKey => "product_key",
        }
    }

    /// The number that stores keep, one to seven in the order of `ALL`.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Whether hardware is found by it.
    pub fn is_key(self) -> bool {
        matches!(self, Self::Ek | Self::Uuid | Self::Tuple | Self::Opaque)
    }

    /// Whether one piece of hardware at most can have it.
    pub fn is_unique(self) -> bool {
        matches!(self, Self::Ek | Self::Opaque)
    }
}

/// One fingerprint. Ordered by kind and digest: the order in which a store locks keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// What it was taken of.
    pub kind: FingerprintKind,
    /// Its SHA-256.
    pub digest: Digest,
}

/// All the fingerprints of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprints(BTreeSet<Fingerprint>);

/// How two sets of fingerprints relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One endorsement key, or one and the same blob: that is the device, whatever else differs.
    Certain,
    /// Enough agrees to call it the same, unless another device agrees as well.
    Probable,
    /// Two endorsement keys, yet something else agrees: a board or a TPM was replaced, or a
    /// machine was cloned.
    HardwareChanged,
    /// Different devices.
    None,
}

impl Fingerprints {
    /// The fingerprints of a decoded blob. `serial_number` is the device's.
    pub fn of_report(report: &HardwareReport, blob: &HardwareBlob, serial_number: &str) -> Self {
        let mut all = Self::default();
        if let Some(digest) = report.ek_digest() {
            all.insert(FingerprintKind::Ek, digest);
        }
        if let Some(uuid) = report.identity_uuid() {
            all.insert(FingerprintKind::Uuid, digest_of(&[&uuid]));
        }
        if let Some(digest) = tuple_digest(
            report.manufacturer(),
            report.product_name(),
            report.serial_number(),
        ) {
            all.insert(FingerprintKind::Tuple, digest);
        }
        for mac in report.identity_macs() {
            all.insert(FingerprintKind::Mac, digest_of(&[&mac]));
        }
        for disk in report.identity_disks() {
            all.insert(FingerprintKind::Disk, digest_of_texts(&[fold(&disk)]));
        }
        if let Some(product_key) = known(report.product_key_id()) {
            all.insert(FingerprintKind::ProductKey, product_key_digest(product_key));
        }
        if !all.has(FingerprintKind::Ek) {
            all.insert(FingerprintKind::Opaque, opaque_digest(blob, serial_number));
        }
        all
    }

    /// The fingerprints of a device of which there is no blob: what somebody says of it. `None`
    /// where that tells it from no other.
    pub fn of_description(
        manufacturer: &str,
        model: &str,
        serial_number: &str,
        product_key: &str,
    ) -> Option<Self> {
        let mut all = Self::default();
        let tuple = tuple_digest(Some(manufacturer), Some(model), Some(serial_number))?;
        all.insert(FingerprintKind::Tuple, tuple);
        if let Some(product_key) = known(Some(product_key)) {
            all.insert(FingerprintKind::ProductKey, product_key_digest(product_key));
        }
        Some(all)
    }

    /// The one fingerprint of a blob that can't be decoded.
    pub fn of_opaque(blob: &HardwareBlob, serial_number: &str) -> Self {
        let mut all = Self::default();
        all.insert(FingerprintKind::Opaque, opaque_digest(blob, serial_number));
        all
    }

    /// Adds one.
    pub fn insert(&mut self, kind: FingerprintKind, digest: Digest) {
        self.0.insert(Fingerprint { kind, digest });
    }

    /// All of them, in lock order.
    pub fn iter(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.0.iter().copied()
    }

    /// Adds all of another set.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend(others.iter());
    }

    /// Those by which hardware is found, in lock order.
    pub fn keys(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.iter().filter(|fingerprint| fingerprint.kind.is_key())
    }

    /// Says whether these fingerprints are of the hardware that `known` describes.
    pub fn likeness(&self, known: &Self) -> Likeness {
        use FingerprintKind::{Disk, Ek, Mac, Opaque, ProductKey, Tuple, Uuid};
        if self.shares(known, Ek) || self.shares(known, Opaque) {
            return Likeness::Certain;
        }
        let uuid = self.shares(known, Uuid);
        let tuple = self.shares(known, Tuple);
        if self.is_description() || known.is_description() {
            // There is nothing else to go by.
            return if tuple {
                Likeness::Probable
            } else {
                Likeness::None
            };
        }
        if self.has(Ek) && known.has(Ek) {
            return if uuid || tuple {
                Likeness::HardwareChanged
            } else {
                Likeness::None
            };
        }
        let support = [Mac, Disk, ProductKey]
            .into_iter()
            .filter(|kind| self.shares(known, *kind))
            .count();
        if (uuid && tuple) || ((uuid || tuple) && support >= 2) {
            Likeness::Probable
        } else {
            Likeness::None
        }
    }

    /// Whether this is what somebody said of a device, and no capture of it: every capture has an
    /// endorsement key or is opaque.
    fn is_description(&self) -> bool {
        use FingerprintKind::{ProductKey, Tuple};
        self.has(Tuple)
            && self
                .0
                .iter()
                .all(|fingerprint| matches!(fingerprint.kind, Tuple | ProductKey))
    }

    fn has(&self, kind: FingerprintKind) -> bool {
        self.0.iter().any(|fingerprint| fingerprint.kind == kind)
    }

    fn shares(&self, other: &Self, kind: FingerprintKind) -> bool {
        self.0
            .iter()
            .any(|fingerprint| fingerprint.kind == kind && other.0.contains(fingerprint))
    }
}

impl FromIterator<Fingerprint> for Fingerprints {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(fingerprints: I) -> Self {
        Self(fingerprints.into_iter().collect())
    }
}

/// The form in which serial numbers and names are compared: trimmed, ASCII letters in lower case.
pub fn fold(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// The text, unless a firmware wrote it to say nothing.
fn known(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !hardware_hash::is_placeholder(text))
}

fn tuple_digest(
    manufacturer: Option<&str>,
    product: Option<&str>,
    serial: Option<&str>,
) -> Option<Digest> {
    let (manufacturer, product, serial) = (known(manufacturer)?, known(product)?, known(serial)?);
    let parts = [fold(manufacturer), fold(product), fold(serial)];
    Some(digest_of_texts(&parts))
}

fn product_key_digest(product_key: &str) -> Digest {
    digest_of_texts(&[fold(product_key)])
}

fn opaque_digest(blob: &HardwareBlob, serial_number: &str) -> Digest {
    digest_of(&[&blob.to_bytes(), &[0], fold(serial_number).as_bytes()])
}

fn digest_of(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Hashes texts so that no two lists of texts look alike: each is preceded by its length.
fn digest_of_texts(texts: &[String]) -> Digest {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    use FingerprintKind::{Disk, Ek, Mac, Opaque, ProductKey, Tuple, Uuid};

    fn of(parts: &[(FingerprintKind, u8)]) -> Fingerprints {
        parts
            .iter()
            .map(|(kind, byte)| Fingerprint {
                kind: *kind,
                digest: [*byte; 32],
            })
            .collect()
    }

    #[test]
    fn likeness_follows_the_identity_rules() {
        type Parts = &'static [(FingerprintKind, u8)];
        let cases: &[(&str, Parts, Parts, Likeness)] = &[
            (
                "equal EK decides alone",
                &[(Ek, 1), (Uuid, 1)],
                &[(Ek, 1), (Uuid, 2)],
                Likeness::Certain,
            ),
            (
                "equal blob",
                &[(Opaque, 1)],
                &[(Opaque, 1)],
                Likeness::Certain,
            ),
            (
                "another EK is another device",
                &[(Ek, 1), (Uuid, 1), (Tuple, 1)],
                &[(Ek, 2), (Uuid, 1), (Tuple, 1)],
                Likeness::HardwareChanged,
            ),
            (
                "nothing in common",
                &[(Ek, 1), (Uuid, 1)],
                &[(Ek, 2), (Uuid, 2)],
                Likeness::None,
            ),
            (
                "without an EK, UUID and tuple",
                &[(Uuid, 1), (Tuple, 1)],
                &[(Ek, 2), (Uuid, 1), (Tuple, 1)],
                Likeness::Probable,
            ),
            (
                "a tuple alone is never automatic",
                &[(Tuple, 1), (Opaque, 1)],
                &[(Tuple, 1), (Opaque, 2)],
                Likeness::None,
            ),
            (
                "unless there is nothing else to go by",
                &[(Tuple, 1)],
                &[(Ek, 1), (Uuid, 1), (Tuple, 1)],
                Likeness::Probable,
            ),
            (
                "whichever came first",
                &[(Ek, 1), (Tuple, 1)],
                &[(Tuple, 1), (ProductKey, 1)],
                Likeness::Probable,
            ),
            (
                "one description twice",
                &[(Tuple, 1)],
                &[(Tuple, 1)],
                Likeness::Probable,
            ),
            (
                "another description with the same product key",
                &[(Tuple, 1), (ProductKey, 1)],
                &[(Tuple, 2), (ProductKey, 1), (Ek, 1)],
                Likeness::None,
            ),
            (
                "a UUID alone neither",
                &[(Uuid, 1)],
                &[(Ek, 3), (Uuid, 1)],
                Likeness::None,
            ),
            (
                "one support is not enough",
                &[(Tuple, 1), (Mac, 1), (Mac, 2)],
                &[(Tuple, 1), (Mac, 1), (Mac, 2)],
                Likeness::None,
            ),
            (
                "two supports are",
                &[(Tuple, 1), (Mac, 1), (Disk, 1)],
                &[(Tuple, 1), (Mac, 1), (Disk, 1), (Disk, 2)],
                Likeness::Probable,
            ),
            (
                "product key supports too",
                &[(Uuid, 1), (ProductKey, 1), (Disk, 1)],
                &[(Uuid, 1), (ProductKey, 1), (Disk, 1)],
                Likeness::Probable,
            ),
            (
                "supports alone find nothing",
                &[(Mac, 1), (Disk, 1), (ProductKey, 1)],
                &[(Mac, 1), (Disk, 1), (ProductKey, 1)],
                Likeness::None,
            ),
        ];
        for (name, new, known, expected) in cases {
            assert_eq!(of(new).likeness(&of(known)), *expected, "{name}");
        }
    }

    #[test]
    fn numbers_lead_back_to_their_kinds() {
        for (kind, number) in FingerprintKind::ALL.into_iter().zip(1..) {
            assert_eq!(
                kind.number(),
                number,
                "a number that was written is for ever"
            );
            assert_eq!(FingerprintKind::from_number(number), Some(kind));
        }
        assert_eq!(FingerprintKind::from_number(0), None);
    }

    #[test]
    fn lists_of_texts_do_not_run_into_each_other() {
        assert_ne!(
            digest_of_texts(&["ab".into(), "c".into()]),
            digest_of_texts(&["a".into(), "bc".into()])
        );
    }
}
