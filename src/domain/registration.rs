//! The rules of registration: what an import says (`examine`), and what follows (`decide`).
//!
//! Both are pure. A store calls `decide` inside the transaction that settles, so that two imports
//! of one device can never both win.

use hardware_hash::Severity;
use jiff::Timestamp;

use super::{
    device::DeviceProperties,
    directory_error::DirectoryError,
    hardware_blob::HardwareBlob,
    identity::{Fingerprints, LedgerEntryId, Likeness, fold},
    import::{CallId, ImportProperties},
    tenant::TenantId,
};

/// How strictly a hardware hash is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashValidation {
    /// A hash that is damaged or lacks what Microsoft requires is refused.
    Strict,
    /// Any bytes will do, for test suites that send toy strings.
    Lenient,
}

/// What an import asks for, once its hash has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// What it names.
    pub subject: Subject,
    /// Codes of what is odd about it, for the audit table.
    pub notes: Vec<&'static str>,
}

/// What an import names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nothing that could be registered.
    Refused(DirectoryError),
    /// Hardware, by its fingerprints.
    Hardware(Fingerprints, DeviceProperties),
    /// A device that must be known already, by serial number and product key.
    Named(NameKey, DeviceProperties),
}

/// Serial number and product key, in the form in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameKey {
    /// The folded serial number.
    pub serial_number: String,
    /// The folded product key.
    pub product_key: String,
}

impl NameKey {
    /// The key of these two texts. Both are needed: a serial number alone names nothing.
    pub fn new(serial_number: &str, product_key: &str) -> Option<Self> {
        let key = Self {
            serial_number: fold(serial_number),
            product_key: fold(product_key),
        };
        (!key.serial_number.is_empty() && !key.product_key.is_empty()).then_some(key)
    }
}

/// A piece of hardware in the ledger that an import may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerMatch {
    /// The entry.
    pub entry: LedgerEntryId,
    /// Who owns it, if anybody.
    pub owner: Option<Owner>,
    /// All that is known of it.
    pub fingerprints: Fingerprints,
}

/// Who owns a piece of hardware, and by which request it got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The request whose import registered it.
    pub call: CallId,
}

/// What the ledger knows that an import may mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Every entry that shares a key fingerprint, or the name key, with the import.
    pub matches: Vec<LedgerMatch>,
    /// Whether more entries share one than were read. No device can be told from so many.
    pub crowded: bool,
}

/// What becomes of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is registered.
    Registered(Box<Registration>),
    /// It is refused.
    Refused(DirectoryError),
}

/// How an import is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The hardware, where the ledger remembers it; else it is new.
    pub entry: Option<LedgerEntryId>,
    /// What the device will show.
    pub device: DeviceProperties,
    /// Whether known hardware shares a name or a UUID, but has another endorsement key.
    pub hardware_changed: bool,
}

/// Reads what an import says, without looking at the ledger.
pub fn examine(
    properties: &ImportProperties,
    validation: HashValidation,
    now: Timestamp,
) -> Examination {
    match &properties.hardware_blob {
        Some(blob) => examine_blob(blob, properties, validation, now),
        None => Examination {
            subject: examine_name(properties),
            notes: Vec::new(),
        },
    }
}

/// Why a device without a hash can't be registered: its description tells it from no other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {property} tells no device from another")]
pub struct Undescribed {
    /// Graph's name of a property that says nothing.
    pub property: &'static str,
    /// What it says.
    pub value: String,
}

/// Reads what a client says of a device that it registers without a hash. Manufacturer, model and
/// serial number together tell which hardware it is.
pub fn describe(device: DeviceProperties) -> Result<Subject, Undescribed> {
    let fingerprints = Fingerprints::of_description(
        &device.manufacturer,
        &device.model,
        &device.serial_number,
        &device.product_key,
    );
    if let Some(fingerprints) = fingerprints {
        return Ok(Subject::Hardware(fingerprints, device));
    }
    let needed = [
        ("manufacturer", device.manufacturer),
        ("model", device.model),
        ("serialNumber", device.serial_number),
    ];
    let (property, value) = needed
        .into_iter()
        .find(|(_, text)| hardware_hash::is_placeholder(text))
        .unwrap_or_default();
    Err(Undescribed { property, value })
}

/// Decides an import on what it names and on the hardware that may be meant.
pub fn decide(subject: &Subject, tenant: TenantId, call: CallId, known: &Known) -> Decision {
    let (device, fingerprints) = match subject {
        Subject::Refused(error) => return Decision::Refused(*error),
        Subject::Named(_, device) => (device, None),
        Subject::Hardware(fingerprints, device) => (device, Some(fingerprints)),
    };
    let found = match fingerprints {
        Some(fingerprints) => find_hardware(fingerprints, known),
        None => find_named(&known.matches),
    };
    let hardware = match found {
        Ok(hardware) => hardware,
        Err(error) => return Decision::Refused(error),
    };
    match hardware.and_then(|hardware| hardware.owner) {
        Some(owner) if owner.tenant != tenant => {
            Decision::Refused(DirectoryError::ZtdDeviceAssignedToOtherTenant)
        }
        Some(owner) if owner.call == call => Decision::Refused(DirectoryError::ZtdDeviceDuplicated),
        Some(_) => Decision::Refused(DirectoryError::ZtdDeviceAlreadyAssigned),
        None => Decision::Registered(Box::new(Registration {
            entry: hardware.map(|hardware| hardware.entry),
            device: device.clone(),
            hardware_changed: fingerprints.is_some_and(|fingerprints| {
                known.matches.iter().any(|other| {
                    fingerprints.likeness(&other.fingerprints) == Likeness::HardwareChanged
                })
            }),
        })),
    }
}

/// The hardware with these fingerprints: none, one, or too many to say.
fn find_hardware<'a>(
    fingerprints: &Fingerprints,
    known: &'a Known,
) -> Result<Option<&'a LedgerMatch>, DirectoryError> {
    let alike = |wanted| {
        known
            .matches
            .iter()
            .filter(move |other| fingerprints.likeness(&other.fingerprints) == wanted)
    };
    if let Some(certain) = alike(Likeness::Certain).next() {
        return Ok(Some(certain));
    }
    let mut probable = alike(Likeness::Probable);
    match (probable.next(), probable.next()) {
        (one, None) if !known.crowded => Ok(one),
        _ => Err(DirectoryError::ZtdDeviceIsNotUnique),
    }
}

/// The one device that goes by a name.
fn find_named(matches: &[LedgerMatch]) -> Result<Option<&LedgerMatch>, DirectoryError> {
    match matches {
        [] => Err(DirectoryError::ZtdDeviceNotFound),
        [one] => Ok(Some(one)),
        _ => Err(DirectoryError::ZtdDeviceIsNotUnique),
    }
}

fn examine_blob(
    blob: &HardwareBlob,
    properties: &ImportProperties,
    validation: HashValidation,
    now: Timestamp,
) -> Examination {
    let inspection = hardware_hash::inspect(&blob.to_bytes(), now.as_second());
    let mut notes: Vec<&'static str> = inspection
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    let refused = inspection
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Refuse);
    if refused && validation == HashValidation::Strict {
        return Examination {
            subject: Subject::Refused(DirectoryError::InvalidZtdHardwareHash),
            notes,
        };
    }
    let mut device = requested(properties);
    let Some(report) = inspection.report else {
        let fingerprints = Fingerprints::of_opaque(blob, &device.serial_number);
        return Examination {
            subject: Subject::Hardware(fingerprints, device),
            notes,
        };
    };
    // The blob wins over the request, as Intune shows it: only the blob came from the firmware.
    if let Some(serial) = report.serial_number() {
        if !device.serial_number.trim().is_empty() && fold(&device.serial_number) != fold(serial) {
            notes.push("request-serial-differs");
        }
        serial.clone_into(&mut device.serial_number);
    }
    if let Some(product_key) = report.product_key_id() {
        if !device.product_key.trim().is_empty() && fold(&device.product_key) != fold(product_key) {
            notes.push("request-product-key-differs");
        }
        product_key.clone_into(&mut device.product_key);
    }
    let text = |text: Option<&str>| text.unwrap_or_default().trim().to_owned();
    device.manufacturer = text(report.manufacturer());
    device.model = text(report.product_name());
    device.sku_number = text(report.smbios_sku_number.as_deref());
    device.system_family = text(report.smbios_family.as_deref());
    let fingerprints = Fingerprints::of_report(&report, blob, &device.serial_number);
    Examination {
        subject: Subject::Hardware(fingerprints, device),
        notes,
    }
}

/// Without a hash the device must be known: both serial number and product key name it.
fn examine_name(properties: &ImportProperties) -> Subject {
    let device = requested(properties);
    let blank = |text: &str| text.trim().is_empty();
    if blank(&device.serial_number) && blank(&device.product_key) {
        return Subject::Refused(DirectoryError::MissingZtdSerialNumberAndProductKey);
    }
    match NameKey::new(&device.serial_number, &device.product_key) {
        Some(key) => Subject::Named(key, device),
        None => Subject::Refused(DirectoryError::ZtdDeviceNotFound),
    }
}

/// What the client itself says of the device.
fn requested(properties: &ImportProperties) -> DeviceProperties {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    DeviceProperties {
        group_tag: text(&properties.group_tag),
        serial_number: text(&properties.serial_number),
        product_key: text(&properties.product_key),
        user_principal_name: text(&properties.assigned_user_principal_name),
        ..DeviceProperties::default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::identity::FingerprintKind::{Disk, Ek, Mac, Opaque, Tuple, Uuid as Smbios};
    use crate::domain::identity::{Fingerprint, FingerprintKind};

    const US: TenantId = TenantId(Uuid::from_u128(1));
    const THEM: TenantId = TenantId(Uuid::from_u128(2));
    const NOW: CallId = CallId(Uuid::from_u128(10));
    const BEFORE: CallId = CallId(Uuid::from_u128(11));

    fn fingerprints(parts: &[(FingerprintKind, u8)]) -> Fingerprints {
        parts
            .iter()
            .map(|(kind, byte)| Fingerprint {
                kind: *kind,
                digest: [*byte; 32],
            })
            .collect()
    }

    fn entry(
        number: u128,
        owner: Option<(TenantId, CallId)>,
        parts: &[(FingerprintKind, u8)],
    ) -> LedgerMatch {
        LedgerMatch {
            entry: LedgerEntryId(Uuid::from_u128(number)),
            owner: owner.map(|(tenant, call)| Owner { tenant, call }),
            fingerprints: fingerprints(parts),
        }
    }

    fn outcome(
        parts: &[(FingerprintKind, u8)],
        matches: Vec<LedgerMatch>,
        crowded: bool,
    ) -> Result<Option<u128>, DirectoryError> {
        let subject = Subject::Hardware(fingerprints(parts), DeviceProperties::default());
        match decide(&subject, US, NOW, &Known { matches, crowded }) {
            Decision::Registered(registration) => {
                Ok(registration.entry.map(|entry| entry.0.as_u128()))
            }
            Decision::Refused(error) => Err(error),
        }
    }

    #[test]
    fn ownership_decides_what_a_match_means() {
        use DirectoryError::{
            ZtdDeviceAlreadyAssigned, ZtdDeviceAssignedToOtherTenant, ZtdDeviceDuplicated,
        };
        let new: &[_] = &[(Ek, 1)];
        let cases = [
            ("nobody's", None, Ok(Some(7))),
            ("ours", Some((US, BEFORE)), Err(ZtdDeviceAlreadyAssigned)),
            (
                "ours since this very call",
                Some((US, NOW)),
                Err(ZtdDeviceDuplicated),
            ),
            (
                "theirs",
                Some((THEM, BEFORE)),
                Err(ZtdDeviceAssignedToOtherTenant),
            ),
        ];
        for (name, owner, expected) in cases {
            assert_eq!(
                outcome(new, vec![entry(7, owner, &[(Ek, 1)])], false),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            outcome(new, vec![], false),
            Ok(None),
            "unknown hardware is new"
        );
    }

    #[test]
    fn several_probable_matches_are_not_unique() {
        let new: &[_] = &[(Smbios, 1), (Tuple, 1)];
        let twins = vec![entry(7, None, new), entry(8, None, new)];
        assert_eq!(
            outcome(new, twins, false),
            Err(DirectoryError::ZtdDeviceIsNotUnique)
        );
        assert_eq!(
            outcome(new, vec![entry(7, None, new)], true),
            Err(DirectoryError::ZtdDeviceIsNotUnique)
        );
        assert_eq!(outcome(new, vec![entry(7, None, new)], false), Ok(Some(7)));
    }

    #[test]
    fn a_certain_match_outranks_probable_ones() {
        let new: &[_] = &[(Smbios, 1), (Tuple, 1), (Opaque, 1), (Mac, 1), (Disk, 1)];
        let matches = vec![
            entry(7, Some((THEM, BEFORE)), &[(Smbios, 1), (Tuple, 1)]),
            entry(8, Some((THEM, BEFORE)), &[(Smbios, 1), (Tuple, 1)]),
            entry(9, None, &[(Opaque, 1)]),
        ];
        assert_eq!(outcome(new, matches, true), Ok(Some(9)));
    }

    #[test]
    fn another_endorsement_key_is_new_hardware_and_flagged() {
        let subject = Subject::Hardware(
            fingerprints(&[(Ek, 2), (Smbios, 1)]),
            DeviceProperties::default(),
        );
        let known = Known {
            matches: vec![entry(7, Some((THEM, BEFORE)), &[(Ek, 1), (Smbios, 1)])],
            crowded: false,
        };
        let Decision::Registered(registration) = decide(&subject, US, NOW, &known) else {
            panic!("refused");
        };
        assert_eq!(registration.entry, None);
        assert!(registration.hardware_changed);
    }

    #[test]
    fn without_a_hash_a_name_must_be_known() {
        let import = |serial: &str, product_key: &str| ImportProperties {
            serial_number: Some(serial.to_owned()),
            product_key: Some(product_key.to_owned()),
            ..ImportProperties::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        let subject = |properties| examine(&properties, HashValidation::Strict, now).subject;
        let missing = Subject::Refused(DirectoryError::MissingZtdSerialNumberAndProductKey);
        assert_eq!(subject(ImportProperties::default()), missing);
        assert_eq!(subject(import(" ", "")), missing);
        let not_found = Subject::Refused(DirectoryError::ZtdDeviceNotFound);
        assert_eq!(
            subject(import("S", "")),
            not_found,
            "a serial alone names nothing"
        );
        let named = subject(import(" s-1 ", "0001"));
        assert!(matches!(&named, Subject::Named(key, _) if key.serial_number == "s-1"));

        let decide_with = |matches: Vec<LedgerMatch>| {
            decide(
                &named,
                US,
                NOW,
                &Known {
                    matches,
                    crowded: false,
                },
            )
        };
        let refused = |error| Decision::Refused(error);
        assert_eq!(
            decide_with(vec![]),
            refused(DirectoryError::ZtdDeviceNotFound)
        );
        let theirs = entry(7, Some((THEM, BEFORE)), &[]);
        assert_eq!(
            decide_with(vec![theirs.clone()]),
            refused(DirectoryError::ZtdDeviceAssignedToOtherTenant)
        );
        assert_eq!(
            decide_with(vec![theirs.clone(), theirs]),
            refused(DirectoryError::ZtdDeviceIsNotUnique)
        );
        assert!(matches!(
            decide_with(vec![entry(7, None, &[])]),
            Decision::Registered(_)
        ));
    }
}
