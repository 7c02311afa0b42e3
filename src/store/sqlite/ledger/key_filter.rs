//! Tells of most new hardware that the ledger knows nothing of it, without looking.
//!
//! A Bloom filter over the digests by which hardware is found: those that wait in memory, and those
//! in the key tables, which it takes in a part at a time. It says `maybe` until it has them all, and
//! may say so of any digest; what it says is absent, is.

use rusqlite::{Connection, params};

use super::WORLD;
use crate::{
    domain::identity::{Digest, Fingerprint, FingerprintKind},
    store::sqlite::fault::Fault,
};

/// How many keys the first layer holds, in a sixth of a megabyte.
const FIRST_LAYER_KEYS: usize = 1 << 17;

/// How many keys the largest layer holds, in 10 MB. From there on one is as large as the other.
const LARGEST_LAYER_KEYS: usize = 1 << 23;

/// How many bits a key has of a layer. Of twelve bits of its own a key sets six: about one absent
/// key of a hundred looks as if it were there.
const BITS_OF_A_KEY: usize = 12;
const BITS_SET: usize = 6;

/// The bits of a key lie side by side, so that one of them brings the others.
const BLOCK_WORDS: usize = 8;

/// A table of keys, and how it is read on behind a kind and a digest.
const TABLES: [&str; 2] = [
    "SELECT kind, digest FROM ledger_unique_key
     WHERE world = ?1 AND (kind, digest) > (?2, ?3) ORDER BY kind, digest LIMIT ?4",
    "SELECT kind, digest FROM ledger_shared_key
     WHERE world = ?1 AND (kind, digest) > (?2, ?3) ORDER BY kind, digest LIMIT ?4",
];

/// Which keys the ledger has, or may have.
#[derive(Default)]
pub(super) struct KeyFilter {
    layers: Vec<Layer>,
    /// Where reading the key tables has come to.
    read: Read,
}

/// How much of the key tables has been taken in.
#[derive(Default)]
struct Read {
    table: usize,
    kind: u8,
    /// Empty before the first.
    digest: Vec<u8>,
}

impl KeyFilter {
    /// Whether the ledger has nothing under this key.
    pub(super) fn lacks(&self, key: Fingerprint) -> bool {
        self.is_whole() && !self.layers.iter().any(|layer| layer.has(key))
    }

    /// Takes in a key that the ledger gets.
    pub(super) fn add(&mut self, key: Fingerprint) {
        // What seems to be there already needs no place of its own.
        if self.layers.iter().any(|layer| layer.has(key)) {
            return;
        }
        if self.layers.last().is_none_or(Layer::is_full) {
            let keys = self.layers.last().map_or(FIRST_LAYER_KEYS, |last| {
                (last.room * 2).min(LARGEST_LAYER_KEYS)
            });
            self.layers.push(Layer::new(keys));
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.add(key);
        }
    }

    /// Reads the key tables on, so many rows at most. No row ever leaves them, and one that comes
    /// behind the place that reading has come to was added by whoever wrote it.
    pub(super) fn read_on(&mut self, connection: &Connection, count: usize) -> Result<(), Fault> {
        let Some(sql) = TABLES.get(self.read.table) else {
            return Ok(());
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![
            WORLD,
            self.read.kind,
            self.read.digest.as_slice(),
            i64::try_from(count).unwrap_or(i64::MAX)
        ])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let (number, digest): (u8, Digest) = (row.get(0)?, row.get(1)?);
            if let Some(kind) = FingerprintKind::from_number(number) {
                self.add(Fingerprint { kind, digest });
            }
            self.read.kind = number;
            self.read.digest = digest.to_vec();
            found += 1;
        }
        if found < count {
            self.read = Read {
                table: self.read.table + 1,
                ..Read::default()
            };
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.read.table >= TABLES.len()
    }
}

/// A part of the filter, as large as it was made.
struct Layer {
    words: Box<[[u64; BLOCK_WORDS]]>,
    keys: usize,
    room: usize,
}

impl Layer {
    fn new(room: usize) -> Self {
        let blocks = (room * BITS_OF_A_KEY).div_ceil(64 * BLOCK_WORDS);
        Self {
            words: vec![[0; BLOCK_WORDS]; blocks].into_boxed_slice(),
            keys: 0,
            room,
        }
    }

    fn is_full(&self) -> bool {
        self.keys >= self.room
    }

    fn has(&self, key: Fingerprint) -> bool {
        let (block, bits) = self.place(key);
        let block = self.words.get(block);
        block.is_some_and(|block| {
            block
                .iter()
                .zip(bits)
                .all(|(word, bits)| word & bits == bits)
        })
    }

    fn add(&mut self, key: Fingerprint) {
        let (block, bits) = self.place(key);
        if let Some(block) = self.words.get_mut(block) {
            for (word, bits) in block.iter_mut().zip(bits) {
                *word |= bits;
            }
        }
        self.keys += 1;
    }

    /// Where the bits of a key are. A digest is as good as chance, and the kind turns it.
    fn place(&self, key: Fingerprint) -> (usize, [u64; BLOCK_WORDS]) {
        let (first, rest) = key.digest.split_at(8);
        let mut number = [0; 8];
        number.copy_from_slice(first);
        let number = u64::from_le_bytes(number).rotate_left(u32::from(key.kind.number()) * 8);
        let blocks = self.words.len().max(1) as u64;
        let block = usize::try_from(number % blocks).unwrap_or(0);
        let mut bits = [0; BLOCK_WORDS];
        for pair in rest.chunks_exact(2).take(BITS_SET) {
            if let [word, bit] = pair
                && let Some(word) = bits.get_mut(usize::from(*word) % BLOCK_WORDS)
            {
                *word |= 1 << (bit % 64);
            }
        }
        (block, bits)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::store::sqlite::open;

    fn key(kind: FingerprintKind, number: u32) -> Fingerprint {
        let digest = Sha256::digest(number.to_le_bytes()).into();
        Fingerprint { kind, digest }
    }

    #[test]
    fn what_was_added_is_never_lacking_and_little_else_is_there() {
        use FingerprintKind::{Ek, Tuple, Uuid};
        let mut filter = KeyFilter::default();
        filter.read.table = TABLES.len();
        let (all, others) = (FIRST_LAYER_KEYS * 3 + 7, 10_000);
        let all = u32::try_from(all).unwrap();
        for number in 0..all {
            filter.add(key(Uuid, number));
        }
        assert_eq!(
            filter.layers.len(),
            2,
            "one is full, the next twice as large"
        );
        assert!((0..all).all(|number| !filter.lacks(key(Uuid, number))));
        let there = |kind, first: u32| {
            let numbers = first..first + others;
            numbers
                .filter(|number| !filter.lacks(key(kind, *number)))
                .count()
        };
        for seen in [there(Uuid, all), there(Tuple, 0), there(Ek, 0)] {
            assert!(seen < 400, "{seen} of {others} seem to be there");
        }
    }

    #[test]
    fn it_tells_nothing_before_it_has_read_the_tables() {
        use FingerprintKind::{Ek, Opaque, Tuple, Uuid};
        let connection = Connection::open_in_memory().unwrap();
        open::make_schema(&connection).unwrap();
        let kept = [
            (Ek, 1),
            (Ek, 2),
            (Opaque, 3),
            (Uuid, 4),
            (Uuid, 5),
            (Tuple, 6),
        ];
        for (kind, number) in kept {
            let key = key(kind, number);
            let unique = "INSERT INTO ledger_unique_key VALUES ('main', ?1, ?2, zeroblob(16))";
            let shared = "INSERT INTO ledger_shared_key VALUES ('main', ?1, ?2, ?3, zeroblob(16))";
            // Clones share a UUID.
            for anchored in [0, 1] {
                let number = kind.number();
                match (kind.is_unique(), anchored) {
                    (true, 0) => connection.execute(unique, params![number, key.digest]),
                    (true, _) => Ok(0),
                    (false, _) => connection.execute(shared, params![number, key.digest, anchored]),
                }
                .unwrap();
            }
        }
        let mut filter = KeyFilter::default();
        let mut steps = 0;
        while !filter.lacks(key(Uuid, 7)) {
            assert!(!filter.lacks(key(Ek, 1)) && !filter.lacks(key(Ek, 9)));
            filter.read_on(&connection, 2).unwrap();
            steps += 1;
            assert!(steps < 9, "it comes to an end");
        }
        assert!(steps > 2, "two rows at a time");
        for (kind, number) in kept {
            assert!(!filter.lacks(key(kind, number)), "{kind:?} {number}");
        }
        assert!(filter.lacks(key(Ek, 4)), "another kind is another key");
        filter.read_on(&connection, 2).unwrap();
    }
}
