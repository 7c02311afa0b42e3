//! Keys of new hardware that move together: gathered as they come, handed out in the order of the
//! key tables.
//!
//! Digests fall anywhere, so they are told apart by their first bits and sorted when it is their
//! turn, a few hundred at a time: to keep all of them in order costs more.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::is_anchored;
use crate::domain::{
    identity::{Digest, Fingerprint, FingerprintKind, Fingerprints, LedgerEntryId},
    registration::NameKey,
};

/// What leads to a piece of hardware.
pub(super) enum Key {
    /// A fingerprint, and whether the hardware is anchored.
    Fingerprint(Fingerprint, bool, LedgerEntryId),
    /// Serial number and product key.
    Name(NameKey, LedgerEntryId),
}

/// How many of a digest's first bits tell the buckets of a kind apart: a few hundred keys share one.
const BUCKET_BITS: u32 = 9;

/// How many buckets there are.
const BUCKETS: usize = FingerprintKind::ALL.len() << BUCKET_BITS;

/// A fingerprint of a bucket. Ordered as the key tables are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    digest: Digest,
    anchored: bool,
    entry: LedgerEntryId,
}

/// A name. Ordered as its table is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    /// The first bytes of the serial number, which tell most from each other without a look elsewhere.
    first: u128,
    name: NameKey,
    entry: LedgerEntryId,
}

impl Named {
    fn new(name: NameKey, entry: LedgerEntryId) -> Self {
        let mut first = [0; 16];
        for (place, byte) in first.iter_mut().zip(name.serial_number.bytes()) {
            *place = byte;
        }
        let first = u128::from_be_bytes(first);
        Self { first, name, entry }
    }
}

const FIRST_ENTRY: LedgerEntryId = LedgerEntryId(Uuid::nil());
const LAST_ENTRY: LedgerEntryId = LedgerEntryId(Uuid::max());

/// Keys that move together.
#[derive(Default)]
pub(super) struct Generation {
    /// Those of a kind behind those of another, in the order of their first bits. None at first.
    buckets: Vec<Vec<Held>>,
    /// The bucket from which keys are handed out. It is sorted, its last key first.
    handed_out: usize,
    is_sorted: bool,
    names: BTreeSet<Named>,
    count: usize,
    /// The last row of `ledger_fresh` that they come from.
    pub(super) last_seq: i64,
}

impl Generation {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds all that leads to a piece of hardware.
    pub(super) fn add(
        &mut self,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) {
        let anchored = is_anchored(fingerprints);
        self.buckets.resize_with(BUCKETS, Vec::new);
        for key in fingerprints.keys() {
            if let Some(bucket) = self.buckets.get_mut(bucket(key)) {
                bucket.push(Held {
                    digest: key.digest,
                    anchored,
                    entry,
                });
                self.count += 1;
            }
        }
        if let Some(name) = name {
            self.count += usize::from(self.names.insert(Named::new(name, entry)));
        }
    }

    /// Drops all that leads to a piece of hardware.
    pub(super) fn remove(
        &mut self,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) {
        for key in fingerprints.keys() {
            if let Some(bucket) = self.buckets.get_mut(bucket(key)) {
                let before = bucket.len();
                bucket.retain(|held| held.digest != key.digest || held.entry != entry);
                self.count -= before - bucket.len();
            }
        }
        if let Some(name) = name {
            self.count -= usize::from(self.names.remove(&Named::new(name, entry)));
        }
    }

    /// The hardware with a key, and whether it is anchored.
    pub(super) fn holders(
        &self,
        key: Fingerprint,
    ) -> impl Iterator<Item = (bool, LedgerEntryId)> + '_ {
        let held = self.buckets.get(bucket(key)).into_iter().flatten();
        held.filter(move |held| held.digest == key.digest)
            .map(|held| (held.anchored, held.entry))
    }

    /// The hardware with a name.
    pub(super) fn named(&self, name: &NameKey) -> impl Iterator<Item = LedgerEntryId> + '_ {
        let first = Named::new(name.clone(), FIRST_ENTRY);
        let last = Named::new(name.clone(), LAST_ENTRY);
        self.names.range(first..=last).map(|named| named.entry)
    }

    /// Hands out the first key there is. Nothing is added any more once this has begun.
    pub(super) fn take_first(&mut self) -> Option<Key> {
        while let Some(bucket) = self.buckets.get_mut(self.handed_out) {
            if !self.is_sorted {
                bucket.sort_unstable_by(|one, other| other.cmp(one));
                self.is_sorted = true;
            }
            if let (Some(held), Some(kind)) = (bucket.pop(), kind(self.handed_out)) {
                self.count -= 1;
                let digest = held.digest;
                let fingerprint = Fingerprint { kind, digest };
                return Some(Key::Fingerprint(fingerprint, held.anchored, held.entry));
            }
            *bucket = Vec::new();
            self.handed_out += 1;
            self.is_sorted = false;
        }
        let named = self.names.pop_first()?;
        self.count -= 1;
        Some(Key::Name(named.name, named.entry))
    }
}

/// The number of the bucket that a key belongs to.
fn bucket(key: Fingerprint) -> usize {
    let [first, second, ..] = key.digest;
    let bits = u16::from_be_bytes([first, second]) >> (u16::BITS - BUCKET_BITS);
    (usize::from(key.kind.number() - 1) << BUCKET_BITS) + usize::from(bits)
}

/// The kind of the keys in a bucket.
fn kind(bucket: usize) -> Option<FingerprintKind> {
    FingerprintKind::ALL.get(bucket >> BUCKET_BITS).copied()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn entry(number: u16) -> LedgerEntryId {
        LedgerEntryId(Uuid::from_u128(number.into()))
    }

    fn hardware(number: u16) -> (LedgerEntryId, Fingerprints, Option<NameKey>) {
        let digest = Sha256::digest(number.to_le_bytes()).into();
        let kinds = [FingerprintKind::Ek, FingerprintKind::Tuple];
        let fingerprints = kinds.map(|kind| Fingerprint { kind, digest });
        let name = NameKey::new(&format!("s{}", number % 7), "p");
        (entry(number), fingerprints.into_iter().collect(), name)
    }

    fn order(key: Key) -> (u8, Option<Fingerprint>, Option<NameKey>, LedgerEntryId) {
        match key {
            Key::Fingerprint(fingerprint, _, entry) => (0, Some(fingerprint), None, entry),
            Key::Name(name, entry) => (1, None, Some(name), entry),
        }
    }

    #[test]
    fn keys_are_handed_out_in_the_order_of_the_tables() {
        let mut generation = Generation::default();
        for number in 0..5_000 {
            let (entry, fingerprints, name) = hardware(number);
            generation.add(entry, &fingerprints, name);
        }
        assert_eq!(generation.count(), 15_000);
        for number in 0..1_000 {
            let (entry, fingerprints, name) = hardware(number);
            generation.remove(entry, &fingerprints, name);
        }
        let keys: Vec<_> = std::iter::from_fn(|| generation.take_first())
            .map(order)
            .collect();
        assert_eq!(keys.len(), 12_000);
        assert!(keys.is_sorted());
        assert_eq!(generation.count(), 0);
    }
}
