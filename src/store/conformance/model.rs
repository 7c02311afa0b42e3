//! Who owns which hardware, told a second time: simple lists, and the rules as the description of
//! the hardware hash puts them. Nothing here calls `decide` or compares fingerprints.

use std::collections::BTreeSet;

use hardware_hash::Builder;

use crate::domain::{identity::LedgerEntryId, tenant::TenantId};

/// What firmware says that says nothing, as far as the histories use it.
pub(super) const NO_SERIAL: &str = "Default string";
pub(super) const NO_UUID: [u8; 16] = [0xFF; 16];

/// The adapters whose addresses belong to the device.
const LASTING_MEDIA: [u32; 3] = [14, 9, 1];

/// What a capture shows of its device.
#[derive(Clone, Debug)]
pub(super) struct Traits {
    key: Option<Vec<u8>>,
    uuid: Option<[u8; 16]>,
    tuple: Option<[String; 3]>,
    macs: BTreeSet<[u8; 6]>,
    disks: BTreeSet<String>,
    product_keys: BTreeSet<String>,
    name: (String, String),
    upload: Vec<u8>,
}

/// What an import asks for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Hardware(Box<Traits>),
    Name(String, String),
    BrokenHash,
}

/// What must become of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Registered as this piece of hardware, by its number in the model.
    Registered(usize),
    Refused(i32),
}

/// A piece of hardware and all that was ever seen of it.
#[derive(Debug, Default)]
pub(super) struct Hardware {
    /// What the store calls it, once that is known.
    pub(super) entry: Option<LedgerEntryId>,
    pub(super) owner: Option<(TenantId, usize)>,
    name: (String, String),
    /// Whether there ever was a capture of it: else all that is known is what somebody said.
    captured: bool,
    keys: BTreeSet<Vec<u8>>,
    uuids: BTreeSet<[u8; 16]>,
    tuples: BTreeSet<[String; 3]>,
    macs: BTreeSet<[u8; 6]>,
    disks: BTreeSet<String>,
    product_keys: BTreeSet<String>,
    uploads: BTreeSet<Vec<u8>>,
}

/// Every piece of hardware that was ever registered.
#[derive(Debug, Default)]
pub(super) struct Model(pub(super) Vec<Hardware>);

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Traits {
    pub(super) fn of(device: &Builder) -> Self {
        let report = device.report();
        let text = |text: &Option<String>| folded(text.as_deref().unwrap_or_default());
        let serial = text(&report.smbios_serial_number);
        let product_key = text(&report.product_key_id);
        let adapters = report.network_adapters.iter();
        let disks = report.disk_serials.iter();
        Self {
            key: report.ek_modulus.clone(),
            uuid: report.smbios_uuid.filter(|uuid| *uuid != NO_UUID),
            tuple: (serial != folded(NO_SERIAL)).then(|| {
                let maker = text(&report.smbios_manufacturer);
                [maker, text(&report.smbios_product_name), serial.clone()]
            }),
            macs: adapters
                .filter(|adapter| LASTING_MEDIA.contains(&adapter.medium))
                .map(|adapter| adapter.mac)
                .filter(|mac| mac[0] & 2 == 0)
                .collect(),
            disks: disks
                .chain(&report.kernel_disk_serials)
                .map(|disk| folded(&disk.serial))
                .collect(),
            product_keys: BTreeSet::from([product_key.clone()]),
            name: (serial, product_key),
            upload: device.build(),
        }
    }

    /// One side lacks the key: the same when UUID and tuple agree, or one of them and two of
    /// addresses, disks and product key.
    fn resembles(&self, known: &Hardware) -> bool {
        let uuid = self.uuid.is_some_and(|uuid| known.uuids.contains(&uuid));
        let tuple = self.tuple.as_ref();
        let tuple = tuple.is_some_and(|tuple| known.tuples.contains(tuple));
        if !known.captured {
            return tuple;
        }
        let support = [
            !self.macs.is_disjoint(&known.macs),
            !self.disks.is_disjoint(&known.disks),
            !self.product_keys.is_disjoint(&known.product_keys),
        ];
        let support = support.into_iter().filter(|agrees| *agrees).count();
        (uuid && tuple) || ((uuid || tuple) && support >= 2)
    }
}

impl Model {
    /// Decides an import, and gives the hardware away if it is registered.
    pub(super) fn decide(&mut self, tenant: TenantId, call: usize, asked: &Asked) -> Verdict {
        let found = match asked {
            Asked::BrokenHash => return Verdict::Refused(802),
            Asked::Name(serial, key) => self.find_named(&folded(serial), &folded(key)),
            Asked::Hardware(traits) => self.find_hardware(traits),
        };
        let number = match found {
            Err(code) => return Verdict::Refused(code),
            Ok(found) => self.known_or_new(found),
        };
        let hardware = &mut self.0[number];
        if let Some(refused) = hardware.give(tenant, call) {
            return refused;
        }
        match asked {
            Asked::Hardware(traits) => hardware.learn(traits),
            Asked::Name(serial, key) => hardware.name = (folded(serial), folded(key)),
            Asked::BrokenHash => {}
        }
        Verdict::Registered(number)
    }

    /// Decides on a device of which somebody says what this capture would show: manufacturer, model
    /// and serial number are all that counts.
    pub(super) fn describe(&mut self, tenant: TenantId, call: usize, said: &Traits) -> Verdict {
        let tuple = said.tuple.as_ref().unwrap();
        let known = (0..).zip(&self.0);
        let mut alike = known.filter(|(_, known)| known.tuples.contains(tuple));
        let found = match (alike.next(), alike.next()) {
            (found, None) => found.map(|(number, _)| number),
            _ => return Verdict::Refused(813),
        };
        let number = self.known_or_new(found);
        let hardware = &mut self.0[number];
        if let Some(refused) = hardware.give(tenant, call) {
            return refused;
        }
        hardware.tuples.insert(tuple.clone());
        hardware.product_keys.extend(said.product_keys.clone());
        hardware.name = said.name.clone();
        Verdict::Registered(number)
    }

    fn known_or_new(&mut self, found: Option<usize>) -> usize {
        found.unwrap_or_else(|| {
            self.0.push(Hardware::default());
            self.0.len() - 1
        })
    }

    fn find_hardware(&self, new: &Traits) -> Result<Option<usize>, i32> {
        if let Some(key) = &new.key {
            let known = self.0.iter().position(|known| known.keys.contains(key));
            if known.is_some() {
                return Ok(known);
            }
        } else {
            // A replay of the very same upload.
            let known = |known: &Hardware| known.uploads.contains(&new.upload);
            let known = self.0.iter().position(known);
            if known.is_some() {
                return Ok(known);
            }
        }
        let alike =
            |known: &Hardware| (new.key.is_none() || known.keys.is_empty()) && new.resembles(known);
        let mut alike = (0..).zip(&self.0).filter(|(_, known)| alike(known));
        match (alike.next(), alike.next()) {
            (None, _) => Ok(None),
            (Some((number, _)), None) => Ok(Some(number)),
            (Some(_), Some(_)) => Err(813),
        }
    }

    fn find_named(&self, serial: &str, key: &str) -> Result<Option<usize>, i32> {
        if serial.is_empty() && key.is_empty() {
            return Err(803);
        }
        if serial.is_empty() || key.is_empty() {
            return Err(812);
        }
        let named = |known: &Hardware| known.name.0 == serial && known.name.1 == key;
        let mut named = (0..).zip(&self.0).filter(|(_, known)| named(known));
        match (named.next(), named.next()) {
            (None, _) => Err(812),
            (Some((number, _)), None) => Ok(Some(number)),
            (Some(_), Some(_)) => Err(813),
        }
    }
}

impl Hardware {
    /// Gives it to a tenant, or says why not.
    fn give(&mut self, tenant: TenantId, call: usize) -> Option<Verdict> {
        match self.owner {
            Some((owner, _)) if owner != tenant => Some(Verdict::Refused(808)),
            Some((_, since)) if since == call => Some(Verdict::Refused(815)),
            Some(_) => Some(Verdict::Refused(806)),
            None => {
                self.owner = Some((tenant, call));
                None
            }
        }
    }

    fn learn(&mut self, traits: &Traits) {
        let traits = traits.clone();
        self.captured = true;
        if traits.key.is_none() {
            self.uploads.insert(traits.upload);
        }
        self.keys.extend(traits.key);
        self.uuids.extend(traits.uuid);
        self.tuples.extend(traits.tuple);
        self.macs.extend(traits.macs);
        self.disks.extend(traits.disks);
        self.product_keys.extend(traits.product_keys);
        self.name = traits.name;
    }
}
