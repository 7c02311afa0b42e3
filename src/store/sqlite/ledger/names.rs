//! Hardware by what people call it: serial number and product key, folded.

use rusqlite::{Connection, Row, params};

use super::{WORLD, fresh_keys};
use crate::{
    domain::{identity::LedgerEntryId, registration::NameKey},
    store::sqlite::{fault::Fault, row},
};

/// Entries with this name. More than one is as good as many.
pub(super) fn entries(
    connection: &Connection,
    fresh: &fresh_keys::Memory,
    name: &NameKey,
) -> Result<Vec<LedgerEntryId>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT entry FROM ledger_name
         WHERE world = ?1 AND serial_number = ?2 AND product_key = ?3 LIMIT 2",
    )?;
    let rows = statement.query_map(
        params![WORLD, name.serial_number, name.product_key],
        |row| row::guid(row, 0).map(LedgerEntryId),
    )?;
    let mut entries: Vec<LedgerEntryId> = rows.collect::<Result<_, _>>()?;
    for entry in fresh.named(name).take(2) {
        // One on its way into the table is found in both.
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The name of an entry, if it has both parts.
pub(super) fn of_entry(
    connection: &Connection,
    entry: LedgerEntryId,
) -> Result<Option<NameKey>, Fault> {
    let name = connection
        .prepare_cached(
            "SELECT serial_number_folded, product_key_folded FROM ledger_entry
             WHERE world = ?1 AND id = ?2",
        )?
        .query_row(params![WORLD, entry.0.as_bytes()], |row| read(row, 0))?;
    Ok(name)
}

/// The name whose folded parts stand in this column and the next one.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<NameKey>> {
    let serial_number: String = row.get(first)?;
    let product_key: String = row.get(first + 1)?;
    let is_whole = !serial_number.is_empty() && !product_key.is_empty();
    Ok(is_whole.then_some(NameKey {
        serial_number,
        product_key,
    }))
}

/// Makes an entry found by its name, unless it is already.
pub(super) fn insert(
    connection: &Connection,
    name: &NameKey,
    entry: LedgerEntryId,
) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO ledger_name (world, serial_number, product_key, entry)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            WORLD,
            name.serial_number,
            name.product_key,
            entry.0.as_bytes()
        ])?;
    Ok(())
}

/// Makes an entry not found by a name that it had.
pub(super) fn remove(
    connection: &Connection,
    name: &NameKey,
    entry: LedgerEntryId,
) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "DELETE FROM ledger_name
             WHERE world = ?1 AND serial_number = ?2 AND product_key = ?3 AND entry = ?4",
        )?
        .execute(params![
            WORLD,
            name.serial_number,
            name.product_key,
            entry.0.as_bytes()
        ])?;
    Ok(())
}
