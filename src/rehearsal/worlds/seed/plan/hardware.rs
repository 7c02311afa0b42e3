//! Which hardware the devices of a seed are: by a hash, given or invented, by what an export says of
//! it, or by its description.

use hardware_hash::Builder;

use super::{
    super::{SeedDevice, SeedUserless},
    Circumstances, Maker,
};
use crate::{
    domain::{
        device::{DeviceProperties, UserlessEnrollment},
        hardware_blob::HardwareBlob,
        identity::{Fingerprint, FingerprintKind, Fingerprints, fold},
        import::ImportProperties,
        registration::{Subject, describe, examine},
    },
    graph::edm::{MAX_BINARY_CHARACTERS, decode_base64},
};

impl Maker<'_> {
    /// Which hardware a device is, and what it will show.
    pub(super) fn subject(&mut self, place: &str, device: &SeedDevice) -> Option<Subject> {
        let sources = [
            device.hardware_hash.is_some(),
            device.hash_seed.is_some(),
            !device.fingerprints.is_empty(),
        ];
        if sources.iter().filter(|given| **given).count() > 1 {
            let told =
                "a device has a hardware_hash, a hash_seed or fingerprints, and one of them only";
            self.faults.add(place, told);
            return None;
        }
        if !device.fingerprints.is_empty() {
            let fingerprints = self.fingerprints(place, device)?;
            return Some(Subject::Hardware(fingerprints, properties(device)));
        }
        let blob = match (&device.hardware_hash, device.hash_seed) {
            (Some(text), _) => {
                let decoded = decode_base64(text).filter(|_| text.len() <= MAX_BINARY_CHARACTERS);
                let blob = decoded.and_then(HardwareBlob::new);
                if blob.is_none() {
                    let told =
                        format!("a hash is base64, of {MAX_BINARY_CHARACTERS} characters at most");
                    self.faults.add(format!("{place}.hardware_hash"), told);
                }
                Some(blob?)
            }
            (None, Some(seed)) => HardwareBlob::new(invented(seed, device)),
            (None, None) => None,
        };
        match blob {
            Some(blob) => self.subject_of_hash(place, device, blob),
            None => match describe(properties(device)) {
                Ok(subject) => Some(subject),
                Err(undescribed) => {
                    let property = match undescribed.property {
                        "serialNumber" => "serial_number",
                        other => other,
                    };
                    let told = format!(
                        "`{}` tells no device from another: say which it is by manufacturer, model and serial_number, or by a hardware_hash or hash_seed",
                        undescribed.value
                    );
                    self.faults.add(format!("{place}.{property}"), told);
                    None
                }
            },
        }
    }

    fn subject_of_hash(
        &mut self,
        place: &str,
        device: &SeedDevice,
        blob: HardwareBlob,
    ) -> Option<Subject> {
        let Circumstances {
            validation, now, ..
        } = self.circumstances;
        let asked = ImportProperties {
            serial_number: Some(device.serial_number.clone()),
            product_key: Some(device.product_key.clone()),
            hardware_blob: Some(blob),
            ..ImportProperties::default()
        };
        let examination = examine(&asked, *validation, *now);
        let (fingerprints, read) = match examination.subject {
            Subject::Hardware(fingerprints, read) => (fingerprints, read),
            Subject::Named(..) | Subject::Refused(_) => {
                let told = format!(
                    "the hash would be refused ({}): look at it with `hangar hash inspect`",
                    examination.notes.join(", ")
                );
                self.faults.add(format!("{place}.hardware_hash"), told);
                return None;
            }
        };
        // The hash wins wherever it says something; a file that says otherwise is mistaken.
        let mut shown = properties(device);
        for (name, said, read) in [
            (
                "serial_number",
                &mut shown.serial_number,
                read.serial_number,
            ),
            ("product_key", &mut shown.product_key, read.product_key),
            ("manufacturer", &mut shown.manufacturer, read.manufacturer),
            ("model", &mut shown.model, read.model),
            ("sku_number", &mut shown.sku_number, read.sku_number),
            (
                "system_family",
                &mut shown.system_family,
                read.system_family,
            ),
        ] {
            if read.is_empty() {
                continue;
            }
            if !said.is_empty() && fold(said) != fold(&read) {
                let told = format!("the hash says `{read}`");
                self.faults.add(format!("{place}.{name}"), told);
            }
            *said = read;
        }
        Some(Subject::Hardware(fingerprints, shown))
    }

    fn fingerprints(&mut self, place: &str, device: &SeedDevice) -> Option<Fingerprints> {
        let mut all = Vec::new();
        for (number, fingerprint) in device.fingerprints.iter().enumerate() {
            let place = format!("{place}.fingerprints[{number}]");
            let mut kinds = FingerprintKind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == fingerprint.kind);
            if kind.is_none() {
                let known = FingerprintKind::ALL.map(FingerprintKind::as_str).join(", ");
                let told = format!("a fingerprint is of one of {known}");
                self.faults.add(format!("{place}.kind"), told);
            }
            let digest = digest(&fingerprint.sha256);
            if digest.is_none() {
                let told = "a SHA-256 is 64 digits, 0 to 9 and a to f";
                self.faults.add(format!("{place}.sha256"), told);
            }
            all.push(Fingerprint {
                kind: kind?,
                digest: digest?,
            });
        }
        if !all.iter().any(|one| one.kind.is_key()) {
            let told = "a device is found by ek, uuid, tuple or opaque: one of them is needed";
            self.faults.add(format!("{place}.fingerprints"), told);
            return None;
        }
        Some(all.into_iter().collect())
    }
}

/// The hash of an invented device that is described so.
fn invented(seed: u64, device: &SeedDevice) -> Vec<u8> {
    let mut builder = Builder::new(seed);
    if !device.serial_number.is_empty() {
        builder = builder.serial_number(&device.serial_number);
    }
    if !device.manufacturer.is_empty() {
        builder = builder.manufacturer(&device.manufacturer);
    }
    if !device.model.is_empty() {
        builder = builder.product_name(&device.model);
    }
    if !device.product_key.is_empty() {
        builder = builder.product_key_id(&device.product_key);
    }
    builder.build()
}

fn properties(device: &SeedDevice) -> DeviceProperties {
    let device = device.clone();
    DeviceProperties {
        group_tag: device.group_tag,
        purchase_order_identifier: device.purchase_order,
        serial_number: device.serial_number,
        product_key: device.product_key,
        manufacturer: device.manufacturer,
        model: device.model,
        addressable_user_name: device.addressable_user_name,
        user_principal_name: device.user,
        resource_name: device.resource_name,
        sku_number: device.sku_number,
        system_family: device.system_family,
        directory_device_id: device.directory_device_id,
        managed_device_id: device.managed_device_id,
        display_name: device.display_name,
        device_account_upn: device.device_account_upn,
        device_friendly_name: device.device_friendly_name,
        userless_enrollment: match device.userless_enrollment {
            None => UserlessEnrollment::Unknown,
            Some(SeedUserless::Allowed) => UserlessEnrollment::Allowed,
            Some(SeedUserless::Blocked) => UserlessEnrollment::Blocked,
        },
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let is_plain = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
    if text.len() != 64 || !text.as_bytes().iter().all(is_plain) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}
