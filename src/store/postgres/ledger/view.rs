//! What one transaction knows of the ledger: what it read of it, and what it has changed since.
//!
//! A batch of imports is decided one by one, each on what the ones before it left. So that this
//! takes a handful of statements for the whole batch, all that any of them may mean is read first,
//! and all that they changed is written at the end: that is in `writing`.

mod reading;
mod writing;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::is_anchored;
use crate::{
    domain::{
        device::{Device, DeviceId},
        identity::{Fingerprint, Fingerprints, LedgerEntryId, fold},
        import::CallId,
        registration::{Known, LedgerMatch, NameKey, Owner, Subject},
        tenant::TenantId,
    },
    store::postgres::fault::{Fault, corrupt},
};

/// How many entries that share a key with an import are read. Clones share a UUID by the
/// thousand; settling one import must not read them all.
const MATCHES_READ: usize = 64;

/// The part of the ledger that a transaction decides about.
#[derive(Default)]
pub(in crate::store::postgres) struct View {
    entries: HashMap<LedgerEntryId, Entry>,
    unique: HashMap<Fingerprint, LedgerEntryId>,
    /// The entries that share a key, and whether each is anchored; those first that are not.
    shared: HashMap<Fingerprint, Vec<(bool, LedgerEntryId)>>,
    named: HashMap<(String, String), HashSet<LedgerEntryId>>,
    /// What was changed, in the order of the ids: that in which rows are locked.
    changed: BTreeMap<LedgerEntryId, Change>,
}

/// A piece of hardware.
struct Entry {
    owner: Option<(TenantId, DeviceId, CallId)>,
    serial_number: String,
    product_key: String,
    fingerprints: Fingerprints,
}

impl Entry {
    /// The name that it goes by.
    fn name(&self) -> (String, String) {
        (fold(&self.serial_number), fold(&self.product_key))
    }
}

/// What the table does not know yet of an entry.
#[derive(Default)]
struct Change {
    is_new: bool,
    /// Keys that are not in their tables.
    keys: Vec<Fingerprint>,
    /// Keys that stand there as those of hardware without an endorsement key, which it has now.
    anchored_since: Vec<Fingerprint>,
}

impl View {
    /// What the ledger knows of what an import names.
    pub(in crate::store::postgres) fn known(&self, subject: &Subject) -> Result<Known, Fault> {
        let entries = match subject {
            Subject::Refused(_) => Vec::new(),
            Subject::Named(name, _) => self.entries_named(name),
            Subject::Hardware(fingerprints, _) => self.entries_sharing(fingerprints),
        };
        let crowded = entries.len() > MATCHES_READ;
        let matches = entries.into_iter().take(MATCHES_READ);
        Ok(Known {
            matches: matches
                .map(|entry| self.read_match(entry))
                .collect::<Result<_, _>>()?,
            crowded,
        })
    }

    fn entries_named(&self, name: &NameKey) -> Vec<LedgerEntryId> {
        let name = (name.serial_number.clone(), name.product_key.clone());
        let found = self.named.get(&name).into_iter().flatten();
        found.copied().take(2).collect()
    }

    /// The entries that share a key, those first that are certain. Against hardware that has an
    /// endorsement key of its own, other such hardware matters only to say that something changed.
    fn entries_sharing(&self, fingerprints: &Fingerprints) -> Vec<LedgerEntryId> {
        let anchored = is_anchored(fingerprints);
        // What is unique comes first, so that a certain match is never cut off.
        let (unique, shared): (Vec<_>, Vec<_>) =
            fingerprints.keys().partition(|key| key.kind.is_unique());
        let mut entries: Vec<LedgerEntryId> = Vec::new();
        entries.extend(unique.iter().filter_map(|key| self.unique.get(key)));
        for key in shared {
            for (other_is_anchored, entry) in self.shared.get(&key).into_iter().flatten() {
                if !entries.contains(entry) {
                    entries.push(*entry);
                }
                // Another anchored entry can't be the same: one shows that hardware changed.
                if anchored && *other_is_anchored {
                    break;
                }
            }
        }
        entries
    }

    fn read_match(&self, id: LedgerEntryId) -> Result<LedgerMatch, Fault> {
        let entry = self
            .entries
            .get(&id)
            .ok_or_else(|| corrupt("a ledger key without its entry"))?;
        Ok(LedgerMatch {
            entry: id,
            owner: entry.owner.map(|(tenant, _, call)| Owner { tenant, call }),
            fingerprints: entry.fingerprints.clone(),
        })
    }

    /// Gives the hardware of a device to its tenant: what the ledger knows, or else new hardware.
    pub(in crate::store::postgres) fn give(
        &mut self,
        device: &Device,
        call: CallId,
        known: Option<LedgerEntryId>,
        subject: &Subject,
    ) -> Result<(), Fault> {
        let fingerprints = match subject {
            Subject::Hardware(fingerprints, _) => Some(fingerprints),
            Subject::Named(..) | Subject::Refused(_) => None,
        };
        match (known, fingerprints) {
            (None, Some(fingerprints)) => self.enter(device, call, fingerprints),
            (Some(_), gained) => self.assign(device, call, gained)?,
            (None, None) => return Err(corrupt("a device that is known by nothing")),
        }
        Ok(())
    }

    /// Enters new hardware, with its owner.
    fn enter(&mut self, device: &Device, call: CallId, fingerprints: &Fingerprints) {
        let id = device.ledger_entry;
        let entry = Entry {
            owner: Some((device.tenant, device.id, call)),
            serial_number: device.properties.serial_number.clone(),
            product_key: device.properties.product_key.clone(),
            fingerprints: fingerprints.clone(),
        };
        self.named.entry(entry.name()).or_default().insert(id);
        self.entries.insert(id, entry);
        let change = self.changed.entry(id).or_default();
        change.is_new = true;
        change.keys = fingerprints.keys().collect();
        let anchored = is_anchored(fingerprints);
        for key in fingerprints.keys() {
            self.lead(key, anchored, id);
        }
    }

    /// Gives hardware that the ledger knows, and nobody owns, to a tenant. It keeps its fingerprints
    /// and gains the new ones, and keeps the product key where the tenant names none.
    fn assign(
        &mut self,
        device: &Device,
        call: CallId,
        gained: Option<&Fingerprints>,
    ) -> Result<(), Fault> {
        let id = device.ledger_entry;
        let entry = self
            .entries
            .get_mut(&id)
            .ok_or_else(|| corrupt("hardware that is not in the ledger"))?;
        if entry.owner.is_some() {
            return Err(corrupt("hardware that was free has an owner"));
        }
        let before = entry.fingerprints.clone();
        let old_name = entry.name();
        entry.owner = Some((device.tenant, device.id, call));
        entry
            .serial_number
            .clone_from(&device.properties.serial_number);
        if !fold(&device.properties.product_key).is_empty() {
            entry.product_key.clone_from(&device.properties.product_key);
        }
        if let Some(gained) = gained {
            entry.fingerprints.extend(gained);
        }
        let (name, all) = (entry.name(), entry.fingerprints.clone());
        if let Some(ids) = self.named.get_mut(&old_name) {
            ids.remove(&id);
        }
        self.named.entry(name).or_default().insert(id);
        let anchored = is_anchored(&all);
        let change = self.changed.entry(id).or_default();
        let new_keys = all
            .keys()
            .filter(|key| !before.keys().any(|old| old == *key));
        change.keys.extend(new_keys);
        if anchored && !is_anchored(&before) && !change.is_new {
            // Hardware that was known without an endorsement key gains one.
            change
                .anchored_since
                .extend(before.keys().filter(|key| !key.kind.is_unique()));
        }
        for key in all.keys() {
            self.lead(key, anchored, id);
        }
        Ok(())
    }

    /// Makes an entry found by a key.
    fn lead(&mut self, key: Fingerprint, anchored: bool, id: LedgerEntryId) {
        if key.kind.is_unique() {
            self.unique.insert(key, id);
            return;
        }
        let holders = self.shared.entry(key).or_default();
        holders.retain(|(_, holder)| *holder != id);
        holders.push((anchored, id));
        holders.sort_by_key(|(is_anchored, _)| *is_anchored);
    }
}
