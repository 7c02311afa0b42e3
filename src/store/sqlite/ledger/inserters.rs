//! Statements that add to the ledger, prepared once for many: to look one up costs a part of running
//! it. What is added is decided in the room above.

use rusqlite::{CachedStatement, Connection, params};

use super::{WORLD, fresh_keys, pack, unique_holder};
use crate::{
    domain::{
        device::Device,
        identity::{Fingerprint, Fingerprints, LedgerEntryId, fold},
        import::CallId,
        registration::NameKey,
    },
    store::sqlite::{fault::Fault, row},
};

/// Enters new hardware.
pub(in crate::store::sqlite) struct Inserter<'a> {
    entry: CachedStatement<'a>,
    fresh: CachedStatement<'a>,
}

impl<'a> Inserter<'a> {
    /// Makes ready for many pieces of hardware.
    pub(in crate::store::sqlite) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        let entry = connection.prepare_cached(
            "INSERT INTO ledger_entry (world, id, owner_tenant, owner_device, owner_call,
                serial_number, product_key, serial_number_folded, product_key_folded,
                fingerprints)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let fresh = fresh_keys::prepare_note(connection)?;
        Ok(Self { entry, fresh })
    }

    /// Enters new hardware, with its owner.
    pub(super) fn enter(
        &mut self,
        fresh: &mut fresh_keys::Memory,
        device: &Device,
        call: CallId,
        fingerprints: &Fingerprints,
    ) -> Result<(), Fault> {
        let properties = &device.properties;
        self.entry.execute(params![
            WORLD,
            device.ledger_entry.0.as_bytes(),
            device.tenant.0.as_bytes(),
            device.id.0.as_bytes(),
            call.0.as_bytes(),
            properties.serial_number,
            properties.product_key,
            fold(&properties.serial_number),
            fold(&properties.product_key),
            pack(fingerprints),
        ])?;
        let name = NameKey::new(&properties.serial_number, &properties.product_key);
        Ok(fresh.enter(&mut self.fresh, device.ledger_entry, fingerprints, name)?)
    }
}

/// Makes entries found by keys.
pub(super) struct KeyInserter<'a> {
    connection: &'a Connection,
    unique: CachedStatement<'a>,
    shared: CachedStatement<'a>,
}

impl<'a> KeyInserter<'a> {
    /// Makes ready for many keys.
    pub(super) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            unique: connection.prepare_cached(
                "INSERT INTO ledger_unique_key (world, kind, digest, entry)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?,
            shared: connection.prepare_cached(
                "INSERT INTO ledger_shared_key (world, kind, digest, anchored, entry)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?,
        })
    }

    /// Makes an entry found by a key, unless it is already.
    pub(super) fn insert(
        &mut self,
        key: Fingerprint,
        anchored: bool,
        entry: LedgerEntryId,
    ) -> Result<(), Fault> {
        let (kind, id) = (key.kind.number(), entry.0.as_bytes());
        if !key.kind.is_unique() {
            self.shared
                .execute(params![WORLD, kind, key.digest, anchored, id])?;
            return Ok(());
        }
        let entered = self.unique.execute(params![WORLD, kind, key.digest, id])?;
        // The constraint keeps a key with its entry; this says so where it matters.
        if entered == 0 && unique_holder(self.connection, key)? != Some(entry) {
            return Err(row::corrupt("a key that belongs to other hardware"));
        }
        Ok(())
    }
}
