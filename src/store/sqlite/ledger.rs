//! The ledger: which hardware there is, by what it is found, and who owns it.
//!
//! There is one writer, so that settling needs no locks here. The constraints stand all the same:
//! an endorsement key or a blob belongs to one entry, an entry has one owner.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{fault::Fault, row};
use crate::{
    domain::{
        device::{Device, DeviceId},
        identity::{FingerprintKind, Fingerprints, LedgerEntryId, fold},
        import::CallId,
        registration::{Known, LedgerMatch, NameKey, Owner, Subject},
        tenant::TenantId,
    },
    store::operation::{LedgerEntry, LedgerQuery},
};

/// The one world that a SQLite database holds.
const WORLD: &str = "main";

/// How many entries that share a key with an import are read. Clones share a UUID by the
/// thousand; settling one import must not read them all.
const MATCHES_READ: usize = 64;

/// How many entries an administrator's search answers.
const ENTRIES_FOUND: i64 = 1000;

/// Whether the ledger has met a piece of hardware before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hardware {
    New,
    Known,
}

/// Reads what the ledger knows of what an import names.
pub(super) fn known(connection: &Connection, subject: &Subject) -> Result<Known, Fault> {
    let entries = match subject {
        Subject::Refused(_) => Vec::new(),
        Subject::Named(name, _) => entries_named(connection, name)?,
        Subject::Hardware(fingerprints, _) => entries_sharing(connection, fingerprints)?,
    };
    let crowded = entries.len() > MATCHES_READ;
    let matches = entries
        .into_iter()
        .take(MATCHES_READ)
        .map(|entry| read_match(connection, entry))
        .collect::<Result<_, _>>()?;
    Ok(Known { matches, crowded })
}

fn entries_named(connection: &Connection, name: &NameKey) -> Result<Vec<LedgerEntryId>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM ledger_entry
         WHERE world = ?1 AND serial_number_folded = ?2 AND product_key_folded = ?3 LIMIT 2",
    )?;
    let rows = statement.query_map(
        params![WORLD, name.serial_number, name.product_key],
        |row| row::guid(row, 0).map(LedgerEntryId),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The entries that share a key, those first that are certain. Against hardware that has an
/// endorsement key of its own, other such hardware matters only to say that something changed.
fn entries_sharing(
    connection: &Connection,
    fingerprints: &Fingerprints,
) -> Result<Vec<LedgerEntryId>, Fault> {
    let anchored = is_anchored(fingerprints);
    let mut entries: Vec<LedgerEntryId> = Vec::new();
    // What is unique comes first, so that a certain match is never cut off.
    let (unique, shared): (Vec<_>, Vec<_>) =
        fingerprints.keys().partition(|key| key.kind.is_unique());
    for key in unique.into_iter().chain(shared) {
        let mut statement = connection.prepare_cached(
            "SELECT entry, anchored FROM ledger_key
             WHERE world = ?1 AND kind = ?2 AND digest = ?3 ORDER BY anchored LIMIT ?4",
        )?;
        let mut rows = statement.query(params![
            WORLD,
            key.kind.as_str(),
            key.digest,
            MATCHES_READ + 1
        ])?;
        while let Some(row) = rows.next()? {
            let entry = LedgerEntryId(row::guid(row, 0)?);
            if !entries.contains(&entry) {
                entries.push(entry);
            }
            // Another anchored entry can't be the same: one shows that hardware changed.
            let other_is_anchored: bool = row.get(1)?;
            if anchored && other_is_anchored {
                break;
            }
        }
    }
    Ok(entries)
}

fn read_match(connection: &Connection, entry: LedgerEntryId) -> Result<LedgerMatch, Fault> {
    let owner = connection
        .prepare_cached(
            "SELECT owner_tenant, owner_call FROM ledger_entry WHERE world = ?1 AND id = ?2",
        )?
        .query_row(params![WORLD, entry.0.as_bytes()], |row| {
            Ok((row::optional_guid(row, 0)?, row::optional_guid(row, 1)?))
        })
        .optional()?
        .ok_or_else(|| row::corrupt("a ledger key without its entry"))?;
    Ok(LedgerMatch {
        entry,
        owner: match owner {
            (Some(tenant), Some(call)) => Some(Owner {
                tenant: TenantId(tenant),
                call: CallId(call),
            }),
            _ => None,
        },
        fingerprints: read_fingerprints(connection, entry)?,
    })
}

fn read_fingerprints(connection: &Connection, entry: LedgerEntryId) -> Result<Fingerprints, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, digest FROM ledger_key WHERE world = ?1 AND entry = ?2
         UNION ALL SELECT kind, digest FROM ledger_support WHERE world = ?1 AND entry = ?2",
    )?;
    let mut rows = statement.query(params![WORLD, entry.0.as_bytes()])?;
    let mut all = Fingerprints::default();
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        let kind = FingerprintKind::from_word(&word)
            .ok_or_else(|| row::corrupt("a fingerprint of no known kind"))?;
        all.insert(kind, row.get(1)?);
    }
    Ok(all)
}

/// Gives hardware to a tenant, as this device. New hardware is entered first; known hardware
/// keeps its fingerprints and gains the new ones.
pub(super) fn assign(
    connection: &Connection,
    device: &Device,
    call: CallId,
    fingerprints: Option<&Fingerprints>,
    hardware: Hardware,
) -> Result<(), Fault> {
    let entry = device.ledger_entry;
    let properties = &device.properties;
    let assigned = connection
        .prepare_cached(
            "INSERT INTO ledger_entry (world, id, owner_tenant, owner_device, owner_call,
                serial_number, product_key, serial_number_folded, product_key_folded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (world, id) DO UPDATE SET
                owner_tenant = excluded.owner_tenant, owner_device = excluded.owner_device,
                owner_call = excluded.owner_call, serial_number = excluded.serial_number,
                product_key = excluded.product_key,
                serial_number_folded = excluded.serial_number_folded,
                product_key_folded = excluded.product_key_folded
             WHERE owner_tenant IS NULL",
        )?
        .execute(params![
            WORLD,
            entry.0.as_bytes(),
            device.tenant.0.as_bytes(),
            device.id.0.as_bytes(),
            call.0.as_bytes(),
            properties.serial_number,
            properties.product_key,
            fold(&properties.serial_number),
            fold(&properties.product_key),
        ])?;
    if assigned != 1 {
        return Err(row::corrupt("hardware that was free has an owner"));
    }
    match fingerprints {
        Some(fingerprints) => merge(connection, entry, fingerprints, hardware),
        None => Ok(()),
    }
}

fn merge(
    connection: &Connection,
    entry: LedgerEntryId,
    fingerprints: &Fingerprints,
    hardware: Hardware,
) -> Result<(), Fault> {
    let anchored = is_anchored(fingerprints)
        || hardware == Hardware::Known && is_anchored(&read_fingerprints(connection, entry)?);
    if anchored && hardware == Hardware::Known {
        // Hardware that was known without an endorsement key gains one.
        connection
            .prepare_cached(
                "UPDATE ledger_key SET anchored = 1
                 WHERE world = ?1 AND entry = ?2 AND anchored = 0",
            )?
            .execute(params![WORLD, entry.0.as_bytes()])?;
    }
    for fingerprint in fingerprints.iter() {
        let kind = fingerprint.kind.as_str();
        if fingerprint.kind.is_key() {
            connection
                .prepare_cached(
                    "INSERT INTO ledger_key (world, kind, digest, anchored, entry)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (world, kind, digest, anchored, entry) DO NOTHING",
                )?
                .execute(params![
                    WORLD,
                    kind,
                    fingerprint.digest,
                    anchored,
                    entry.0.as_bytes()
                ])?;
        } else {
            connection
                .prepare_cached(
                    "INSERT INTO ledger_support (world, entry, kind, digest)
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                )?
                .execute(params![WORLD, entry.0.as_bytes(), kind, fingerprint.digest])?;
        }
    }
    Ok(())
}

fn is_anchored(fingerprints: &Fingerprints) -> bool {
    fingerprints
        .keys()
        .any(|key| key.kind == FingerprintKind::Ek)
}

/// Takes hardware from its owner. Its fingerprints stay, so that it is known again.
pub(super) fn free(connection: &Connection, entry: LedgerEntryId) -> Result<(), Fault> {
    let freed = connection
        .prepare_cached(
            "UPDATE ledger_entry SET owner_tenant = NULL, owner_device = NULL, owner_call = NULL
             WHERE world = ?1 AND id = ?2",
        )?
        .execute(params![WORLD, entry.0.as_bytes()])?;
    if freed == 1 {
        Ok(())
    } else {
        Err(row::corrupt("a device without its ledger entry"))
    }
}

/// Who owns a piece of hardware.
pub(super) fn owner(
    connection: &Connection,
    entry: LedgerEntryId,
) -> Result<Option<(TenantId, DeviceId)>, Fault> {
    let owner = connection
        .prepare_cached(
            "SELECT owner_tenant, owner_device FROM ledger_entry WHERE world = ?1 AND id = ?2",
        )?
        .query_row(params![WORLD, entry.0.as_bytes()], owner_columns)
        .optional()?;
    Ok(owner.flatten())
}

fn owner_columns(row: &Row<'_>) -> rusqlite::Result<Option<(TenantId, DeviceId)>> {
    Ok(row::optional_guid(row, 0)?
        .map(TenantId)
        .zip(row::optional_guid(row, 1)?.map(DeviceId)))
}

/// Finds hardware for an administrator. Every criterion that is given must hold.
pub(super) fn find(
    connection: &Connection,
    query: &LedgerQuery,
) -> Result<Vec<LedgerEntry>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT owner_tenant, owner_device, id, serial_number, product_key FROM ledger_entry
         WHERE world = ?1 AND (?2 IS NULL OR id = ?2)
            AND (?3 IS NULL OR serial_number_folded = ?3)
            AND (?4 IS NULL OR owner_tenant = ?4)
         ORDER BY id LIMIT ?5",
    )?;
    let mut rows = statement.query(params![
        WORLD,
        query.entry.as_ref().map(|entry| entry.0.as_bytes()),
        query.serial_number.as_deref().map(fold),
        query.owner.as_ref().map(|tenant| tenant.0.as_bytes()),
        ENTRIES_FOUND,
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let id = LedgerEntryId(Uuid::from_bytes(row.get(2)?));
        entries.push(LedgerEntry {
            id,
            owner: owner_columns(row)?,
            serial_number: row.get(3)?,
            product_key: row.get(4)?,
            fingerprints: read_fingerprints(connection, id)?,
        });
    }
    Ok(entries)
}
