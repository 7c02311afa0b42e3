//! The keys of hardware that was entered lately. They wait in memory until there are enough of
//! them to go into the key tables in those tables' own order.
//!
//! A digest falls anywhere in a table of digests, and a name in one of names: entered as it comes,
//! each key rewrites a page of its own, four for every device. In order and by the ten thousand, a page takes several at once.
//! Which hardware is fresh stands in `ledger_fresh`, from the transaction that enters it to the one
//! after its last key has moved, so that nothing depends on this memory: it is read again at a
//! start, and after a rollback of whatever had changed it.

use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{CachedStatement, Connection, Statement, params};
use uuid::Uuid;

use super::{KeyInserter, WORLD, is_anchored, key_filter::KeyFilter, names, unpack};
use crate::{
    domain::{
        identity::{Fingerprint, Fingerprints, LedgerEntryId},
        registration::NameKey,
    },
    store::sqlite::{fault::Fault, row, writer::Witness},
};

/// How many keys are gathered before they move: about 12 MB, and as much again while they do.
const GATHERED: usize = 100_000;

/// How many rows of `ledger_fresh` are removed at a time, once their keys have moved.
const ROWS_REMOVED: i64 = 4096;

/// What leads to a piece of hardware. Ordered as the key tables are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A fingerprint, and whether the hardware is anchored.
    Fingerprint(Fingerprint, bool, LedgerEntryId),
    /// Serial number and product key.
    Name(NameKey, LedgerEntryId),
}

const FIRST_ENTRY: LedgerEntryId = LedgerEntryId(Uuid::nil());
const LAST_ENTRY: LedgerEntryId = LedgerEntryId(Uuid::max());

/// The keys that the key tables lack.
pub(in crate::store::sqlite) struct FreshKeys {
    memory: Mutex<Memory>,
}

impl FreshKeys {
    /// An empty memory, which is filled when it is first needed. So many keys are gathered before
    /// they move.
    pub(in crate::store::sqlite) fn new(gathered: usize) -> Self {
        let memory = Memory {
            enough: gathered,
            ..Memory::default()
        };
        Self {
            memory: Mutex::new(memory),
        }
    }

    /// The memory, as the database has it.
    pub(in crate::store::sqlite) fn read(
        &self,
        connection: &Connection,
    ) -> Result<MutexGuard<'_, Memory>, Fault> {
        let mut memory = self.lock();
        if !memory.loaded {
            memory.load(connection)?;
        }
        Ok(memory)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FreshKeys {
    fn default() -> Self {
        Self::new(GATHERED)
    }
}

/// What was rolled back must not be remembered.
impl Witness for FreshKeys {
    fn operation_ended(&self, kept: bool) {
        let mut memory = self.lock();
        let changed = std::mem::take(&mut memory.changed_by_operation);
        if changed && !kept {
            memory.forget_all();
        } else {
            memory.changed_by_group |= changed;
        }
    }

    fn group_ended(&self, kept: bool) {
        let mut memory = self.lock();
        if std::mem::take(&mut memory.changed_by_group) && !kept {
            memory.forget_all();
        }
    }
}

/// The statement that notes new hardware, which `Memory::enter` runs.
pub(super) fn prepare_note(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("INSERT INTO ledger_fresh (entry) VALUES (?1)")
}

/// The fresh keys in memory.
#[derive(Default)]
pub(in crate::store::sqlite) struct Memory {
    enough: usize,
    loaded: bool,
    changed_by_operation: bool,
    changed_by_group: bool,
    gathered: Generation,
    moving: Option<Moving>,
    /// Of all keys, wherever they are.
    filter: KeyFilter,
}

/// Keys that move together.
#[derive(Default)]
struct Generation {
    keys: BTreeSet<Key>,
    /// The last row of `ledger_fresh` that they come from.
    last_seq: i64,
}

/// A generation on its way into the key tables. It can be found here until it is there whole.
struct Moving {
    generation: Generation,
    /// The last key that is in its table.
    moved: Option<Key>,
}

impl Memory {
    /// Whether no hardware has this key, neither here nor in the tables. Where it can't be told
    /// without looking, it says no.
    pub(super) fn lacks(&self, key: Fingerprint) -> bool {
        self.filter.lacks(key)
    }

    /// Takes note of a key that goes into its table by itself.
    pub(super) fn know(&mut self, key: Fingerprint) {
        self.filter.add(key);
    }

    /// The hardware with a key that one piece of hardware at most can have.
    pub(super) fn unique(&self, key: Fingerprint) -> Option<LedgerEntryId> {
        self.shared(key).next().map(|(_, entry)| entry)
    }

    /// The hardware with a key, and whether it is anchored.
    pub(super) fn shared(
        &self,
        key: Fingerprint,
    ) -> impl Iterator<Item = (bool, LedgerEntryId)> + '_ {
        let first = Key::Fingerprint(key, false, FIRST_ENTRY);
        let last = Key::Fingerprint(key, true, LAST_ENTRY);
        self.between(first, last).filter_map(|key| match key {
            Key::Fingerprint(_, anchored, entry) => Some((*anchored, *entry)),
            Key::Name(..) => None,
        })
    }

    /// The hardware with a name.
    pub(super) fn named(&self, name: &NameKey) -> impl Iterator<Item = LedgerEntryId> + '_ {
        let first = Key::Name(name.clone(), FIRST_ENTRY);
        let last = Key::Name(name.clone(), LAST_ENTRY);
        self.between(first, last).filter_map(|key| match key {
            Key::Name(_, entry) => Some(*entry),
            Key::Fingerprint(..) => None,
        })
    }

    /// Adds the keys of new hardware.
    pub(super) fn enter(
        &mut self,
        note: &mut Statement<'_>,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) -> rusqlite::Result<()> {
        self.changed_by_operation = true;
        let seq = note.insert(params![entry.0.as_bytes()])?;
        self.gather(seq, entry, fingerprints, name);
        Ok(())
    }

    /// Drops the keys of hardware that have just been entered into the key tables by themselves.
    pub(super) fn forget(
        &mut self,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) {
        self.changed_by_operation = true;
        for key in keys(entry, fingerprints, name) {
            self.gathered.keys.remove(&key);
            if let Some(moving) = &mut self.moving {
                moving.generation.keys.remove(&key);
            }
        }
    }

    /// Reads the key tables on, so many rows at most, until it is known which keys are in none.
    pub(in crate::store::sqlite) fn read_on(
        &mut self,
        connection: &Connection,
        count: usize,
    ) -> Result<(), Fault> {
        self.filter.read_on(connection, count)
    }

    /// Moves keys on into the key tables, about so many, if enough are gathered.
    pub(in crate::store::sqlite) fn move_on(
        &mut self,
        connection: &Connection,
        count: usize,
    ) -> Result<(), Fault> {
        if self.moving.is_none() && self.gathered.keys.len() >= self.enough {
            self.moving = Some(Moving {
                generation: std::mem::take(&mut self.gathered),
                moved: None,
            });
        }
        let Some(moving) = &mut self.moving else {
            return Ok(());
        };
        self.changed_by_operation = true;
        // It ends in the step that removes its last row: the number of a row that is gone may come
        // again.
        if !moving.move_keys(connection, count)? && !moving.remove_rows(connection)? {
            self.moving = None;
        }
        Ok(())
    }

    fn generations(&self) -> impl Iterator<Item = &Generation> {
        let moving = self.moving.as_ref().map(|moving| &moving.generation);
        std::iter::once(&self.gathered).chain(moving)
    }

    fn between(&self, first: Key, last: Key) -> impl Iterator<Item = &Key> {
        self.generations()
            .flat_map(move |generation| generation.keys.range(&first..=&last))
    }

    fn gather(
        &mut self,
        seq: i64,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) {
        fingerprints.keys().for_each(|key| self.filter.add(key));
        self.gathered.keys.extend(keys(entry, fingerprints, name));
        self.gathered.last_seq = seq;
    }

    fn load(&mut self, connection: &Connection) -> Result<(), Fault> {
        self.forget_all();
        let mut statement = connection.prepare_cached(
            "SELECT fresh.seq, fresh.entry, hardware.fingerprints, hardware.serial_number_folded,
                hardware.product_key_folded
             FROM ledger_fresh AS fresh JOIN ledger_entry AS hardware
                ON hardware.world = ?1 AND hardware.id = fresh.entry
             ORDER BY fresh.seq",
        )?;
        let mut rows = statement.query(params![WORLD])?;
        while let Some(row) = rows.next()? {
            let entry = LedgerEntryId(row::guid(row, 1)?);
            let fingerprints = unpack(row.get_ref(2)?.as_blob()?)?;
            let name = names::read(row, 3)?;
            self.gather(row.get(0)?, entry, &fingerprints, name);
        }
        self.loaded = true;
        Ok(())
    }

    fn forget_all(&mut self) {
        self.loaded = false;
        self.gathered = Generation::default();
        self.moving = None;
    }
}

/// All that leads to a piece of hardware.
fn keys(
    entry: LedgerEntryId,
    fingerprints: &Fingerprints,
    name: Option<NameKey>,
) -> impl Iterator<Item = Key> + '_ {
    let anchored = is_anchored(fingerprints);
    let name = name.map(|name| Key::Name(name, entry));
    fingerprints
        .keys()
        .map(move |key| Key::Fingerprint(key, anchored, entry))
        .chain(name)
}

impl Moving {
    /// Enters the next keys into their tables; says whether some are left.
    fn move_keys(&mut self, connection: &Connection, count: usize) -> Result<bool, Fault> {
        let after = self
            .moved
            .as_ref()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = self
            .generation
            .keys
            .range::<Key, _>((after, Bound::Unbounded));
        let mut last = None;
        let mut inserter = KeyInserter::prepare(connection)?;
        for key in left.by_ref().take(count) {
            match key {
                Key::Fingerprint(fingerprint, anchored, entry) => {
                    inserter.insert(*fingerprint, *anchored, *entry)?;
                }
                Key::Name(name, entry) => names::insert(connection, name, *entry)?,
            }
            last = Some(key);
        }
        let some_left = left.next().is_some();
        if let Some(last) = last {
            self.moved = Some(last.clone());
        }
        Ok(some_left)
    }

    /// Notes of some of the hardware that it is not fresh any more; says whether some is left.
    fn remove_rows(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let last_seq = self.generation.last_seq;
        connection
            .prepare_cached(
                "DELETE FROM ledger_fresh
                 WHERE seq <= min(?1, (SELECT min(seq) FROM ledger_fresh) + ?2)",
            )?
            .execute(params![last_seq, ROWS_REMOVED])?;
        connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM ledger_fresh WHERE seq <= ?1)")?
            .query_row(params![last_seq], |row| row.get(0))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::identity::FingerprintKind::{Ek, Tuple},
        store::sqlite::open,
    };

    /// A database with the schema, and a memory of its fresh keys.
    fn ledger(gathered: usize) -> (Connection, FreshKeys) {
        let connection = Connection::open_in_memory().unwrap();
        open::make_schema(&connection).unwrap();
        (connection, FreshKeys::new(gathered))
    }

    fn keys(byte: u8) -> Fingerprints {
        [Ek, Tuple]
            .map(|kind| Fingerprint {
                kind,
                digest: [byte; 32],
            })
            .into_iter()
            .collect()
    }

    fn key(byte: u8) -> Fingerprint {
        keys(byte).keys().next().unwrap()
    }

    fn name(byte: u8) -> NameKey {
        NameKey::new(&format!("S{byte}"), "p").unwrap()
    }

    fn entry(byte: u8) -> LedgerEntryId {
        LedgerEntryId(Uuid::from_bytes([byte; 16]))
    }

    fn enter(connection: &Connection, fresh: &FreshKeys, byte: u8) {
        let packed = super::super::pack(&keys(byte));
        connection
            .execute(
                "INSERT INTO ledger_entry (world, id, serial_number, product_key,
                    serial_number_folded, product_key_folded, fingerprints)
                 VALUES ('main', ?1, '', '', ?3, 'p', ?2)",
                params![entry(byte).0.as_bytes(), packed, name(byte).serial_number],
            )
            .unwrap();
        let mut memory = fresh.read(connection).unwrap();
        let (id, keys, name) = (entry(byte), keys(byte), name(byte));
        let mut note = prepare_note(connection).unwrap();
        memory.enter(&mut note, id, &keys, Some(name)).unwrap();
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_key_is_found_all_the_way() {
        let (connection, fresh) = ledger(9);
        for byte in 1..=3 {
            enter(&connection, &fresh, byte);
        }
        let move_on = |count| {
            let mut memory = fresh.read(&connection).unwrap();
            memory.move_on(&connection, count).unwrap();
        };
        for moved in 1..=9 {
            for byte in 1..=3 {
                let memory = fresh.read(&connection).unwrap();
                assert_eq!(memory.unique(key(byte)), Some(entry(byte)));
                assert!(memory.named(&name(byte)).eq([entry(byte)]));
            }
            move_on(1);
            let tables = ["ledger_unique_key", "ledger_shared_key", "ledger_name"];
            let in_tables: i64 = tables.map(|table| count(&connection, table)).iter().sum();
            assert_eq!(in_tables, moved, "one at a time");
        }
        assert_eq!(count(&connection, "ledger_fresh"), 0);
        move_on(0);
        enter(&connection, &fresh, 4);
        move_on(1);
        assert_eq!(
            count(&connection, "ledger_fresh"),
            1,
            "an old generation removes nothing of a new one"
        );
        let memory = fresh.read(&connection).unwrap();
        assert_eq!(memory.unique(key(1)), None, "the tables have it now");
        assert_eq!(memory.named(&name(1)).count(), 0);
    }

    #[test]
    fn what_is_rolled_back_is_not_remembered() {
        let (connection, fresh) = ledger(1);
        enter(&connection, &fresh, 1);
        fresh.operation_ended(true);
        fresh.group_ended(true);
        connection.execute_batch("SAVEPOINT one").unwrap();
        enter(&connection, &fresh, 2);
        fresh
            .read(&connection)
            .unwrap()
            .move_on(&connection, 9)
            .unwrap();
        connection
            .execute_batch("ROLLBACK TO one; RELEASE one")
            .unwrap();
        fresh.operation_ended(false);
        let found = |byte| fresh.read(&connection).unwrap().unique(key(byte));
        assert_eq!(found(2), None);
        assert_eq!(found(1), Some(entry(1)), "read again from the database");

        connection.execute_batch("BEGIN").unwrap();
        enter(&connection, &fresh, 3);
        fresh.operation_ended(true);
        fresh.operation_ended(false);
        assert_eq!(found(3), Some(entry(3)), "another operation failed");
        connection.execute_batch("ROLLBACK").unwrap();
        fresh.group_ended(false);
        assert_eq!(found(3), None);
        assert_eq!(found(1), Some(entry(1)));
    }

    #[test]
    fn hardware_that_moved_by_itself_is_forgotten() {
        let (connection, fresh) = ledger(9);
        enter(&connection, &fresh, 1);
        enter(&connection, &fresh, 2);
        let mut memory = fresh.read(&connection).unwrap();
        memory.forget(entry(1), &keys(1), Some(name(1)));
        assert_eq!(memory.unique(key(1)), None);
        assert_eq!(memory.named(&name(1)).count(), 0);
        assert_eq!(memory.named(&name(2)).count(), 1);
        assert_eq!(memory.unique(key(2)), Some(entry(2)));
        assert_eq!(memory.shared(key(2)).count(), 1);
    }
}
