//! The keys of hardware that was entered lately. They wait in memory until there are enough of
//! them to go into the key tables in those tables' own order.
//!
//! A digest falls anywhere in a table of digests, and a name in one of names: entered as it comes,
//! each key rewrites a page of its own, four for every device. In order and by the hundred thousand,
//! a page takes several at once.
//! Which hardware is fresh stands in `ledger_fresh`, from the transaction that enters it to the one
//! after its last key has moved, so that nothing depends on this memory: it is read again at a
//! start, and after a rollback of whatever had changed it.

mod generation;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{CachedStatement, Connection, Statement, params};

use self::generation::{Generation, Key};
use super::{KeyInserter, WORLD, key_filter::KeyFilter, names, unpack};
use crate::{
    domain::{
        identity::{Fingerprint, Fingerprints, LedgerEntryId},
        registration::NameKey,
    },
    store::{
        StoreError,
        sqlite::{fault::Fault, row},
    },
};

/// How many keys are gathered before they move: those of about 90,000 devices, in 60 MB or so, which
/// shrink while they move.
const GATHERED: usize = 400_000;

/// How many rows of `ledger_fresh` are removed at a time, once their keys have moved.
const ROWS_REMOVED: i64 = 4096;

/// How many keys move for each import that is settled: more than one device has, so that those
/// that are gathered meanwhile are fewer than those that moved.
const KEYS_MOVED: usize = 5;

/// How many keys are read for each, after a start, until it is known which are in no table.
const KEYS_READ: usize = 32;

/// The keys that the key tables lack.
pub(in crate::store::sqlite) struct FreshKeys {
    memory: Mutex<Memory>,
}

impl FreshKeys {
    /// An empty memory, which is filled when it is first read. So many keys are gathered before
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

    /// Moves keys on, in the group of the settling of so many imports that may add some. No import
    /// is to blame if that fails, and none needs it: the keys stay where they are found.
    pub(in crate::store::sqlite) fn keep_up(
        &self,
        connection: &Connection,
        settled: usize,
    ) -> Result<(), Fault> {
        let mut memory = self.read(connection)?;
        memory.read_on(connection, settled * KEYS_READ)?;
        memory.move_on(connection, settled * KEYS_MOVED)
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
impl FreshKeys {
    /// An operation has ended: its writes are part of its group, or were rolled back.
    pub(in crate::store::sqlite) fn operation_ended(&self, kept: bool) {
        let mut memory = self.lock();
        let changed = std::mem::take(&mut memory.changed_by_operation);
        if changed && !kept {
            memory.forget_all();
        } else {
            memory.changed_by_group |= changed;
        }
    }

    /// A group has ended: it is on disk, or was rolled back whole.
    pub(in crate::store::sqlite) fn group_ended(&self, kept: bool) {
        let mut memory = self.lock();
        if std::mem::take(&mut memory.changed_by_group) && !kept {
            memory.forget_all();
        }
    }
}

/// Tells an operator that keys did not move.
pub(in crate::store::sqlite) fn warn_if_unmoved(moved: Result<(), StoreError>) {
    if let Err(error) = moved {
        tracing::warn!(%error, "the ledger's fresh keys stay where they are");
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
    /// On its way into the key tables: what has come there is not here any more.
    moving: Option<Generation>,
    /// Of all keys, wherever they are.
    filter: KeyFilter,
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
        self.generations()
            .flat_map(move |generation| generation.holders(key))
    }

    /// The hardware with a name.
    pub(super) fn named<'a>(
        &'a self,
        name: &'a NameKey,
    ) -> impl Iterator<Item = LedgerEntryId> + 'a {
        self.generations()
            .flat_map(move |generation| generation.named(name))
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
        if let Some(moving) = &mut self.moving {
            moving.remove(entry, fingerprints, name.clone());
        }
        self.gathered.remove(entry, fingerprints, name);
    }

    /// Reads the key tables on, so many rows at most, until it is known which keys are in none.
    fn read_on(&mut self, connection: &Connection, count: usize) -> Result<(), Fault> {
        self.filter.read_on(connection, count)
    }

    /// Moves keys on into the key tables, about so many, if enough are gathered.
    fn move_on(&mut self, connection: &Connection, count: usize) -> Result<(), Fault> {
        if self.moving.is_none() && self.gathered.count() >= self.enough {
            self.moving = Some(std::mem::take(&mut self.gathered));
        }
        let Some(moving) = &mut self.moving else {
            return Ok(());
        };
        self.changed_by_operation = true;
        // It ends in the step that removes its last row: the number of a row that is gone may come
        // again.
        if !move_keys(connection, moving, count)? && !remove_rows(connection, moving)? {
            self.moving = None;
        }
        Ok(())
    }

    fn generations(&self) -> impl Iterator<Item = &Generation> {
        std::iter::once(&self.gathered).chain(&self.moving)
    }

    fn gather(
        &mut self,
        seq: i64,
        entry: LedgerEntryId,
        fingerprints: &Fingerprints,
        name: Option<NameKey>,
    ) {
        fingerprints.keys().for_each(|key| self.filter.add(key));
        self.gathered.add(entry, fingerprints, name);
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

/// Enters the next keys of a generation into their tables; says whether some are left.
fn move_keys(
    connection: &Connection,
    generation: &mut Generation,
    count: usize,
) -> Result<bool, Fault> {
    let mut inserter = KeyInserter::prepare(connection)?;
    for _ in 0..count {
        match generation.take_first() {
            Some(Key::Fingerprint(fingerprint, anchored, entry)) => {
                inserter.insert(fingerprint, anchored, entry)?;
            }
            Some(Key::Name(name, entry)) => names::insert(connection, &name, entry)?,
            None => break,
        }
    }
    Ok(generation.count() > 0)
}

/// Notes of some of a generation's hardware that it is not fresh any more; says whether some is
/// left.
fn remove_rows(connection: &Connection, generation: &Generation) -> rusqlite::Result<bool> {
    let last_seq = generation.last_seq;
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
                let in_table = super::super::unique_holder(&connection, key(byte)).unwrap();
                assert_eq!(memory.unique(key(byte)).or(in_table), Some(entry(byte)));
                let named = names::entries(&connection, &memory, &name(byte));
                assert_eq!(named.unwrap(), [entry(byte)]);
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
