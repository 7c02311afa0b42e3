//! The ledger: which hardware there is, by what it is found, and who owns it.
//!
//! There is one writer, so that settling needs no locks here. The constraints stand all the same:
//! an endorsement key or a blob belongs to one entry, an entry has one owner. Keys reach the key
//! tables by way of `fresh_keys`.

pub(super) mod fresh_keys;
mod inserters;
mod key_filter;
mod names;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) use fresh_keys::FreshKeys;
pub(super) use inserters::Inserter;
use inserters::KeyInserter;

use super::{fault::Fault, row};
use crate::{
    domain::{
        device::{Device, DeviceId},
        identity::{Fingerprint, FingerprintKind, Fingerprints, LedgerEntryId, fold},
        import::CallId,
        registration::{Known, LedgerMatch, Owner, Subject},
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

/// Reads what the ledger knows of what an import names.
pub(super) fn known(
    connection: &Connection,
    fresh: &fresh_keys::Memory,
    subject: &Subject,
) -> Result<Known, Fault> {
    let entries = match subject {
        Subject::Refused(_) => Vec::new(),
        Subject::Named(name, _) => names::entries(connection, fresh, name)?,
        Subject::Hardware(fingerprints, _) => entries_sharing(connection, fresh, fingerprints)?,
    };
    let crowded = entries.len() > MATCHES_READ;
    let matches = entries
        .into_iter()
        .take(MATCHES_READ)
        .map(|entry| read_match(connection, entry))
        .collect::<Result<_, _>>()?;
    Ok(Known { matches, crowded })
}

/// The entries that share a key, those first that are certain. Against hardware that has an
/// endorsement key of its own, other such hardware matters only to say that something changed.
fn entries_sharing(
    connection: &Connection,
    fresh: &fresh_keys::Memory,
    fingerprints: &Fingerprints,
) -> Result<Vec<LedgerEntryId>, Fault> {
    let anchored = is_anchored(fingerprints);
    // What is unique comes first, so that a certain match is never cut off.
    let (unique, shared): (Vec<_>, Vec<_>) = fingerprints
        .keys()
        .filter(|key| !fresh.lacks(*key))
        .partition(|key| key.kind.is_unique());
    let mut entries: Vec<LedgerEntryId> = Vec::new();
    for key in unique {
        entries.extend(match fresh.unique(key) {
            Some(entry) => Some(entry),
            None => unique_holder(connection, key)?,
        });
    }
    for key in shared {
        let mut holders = shared_holders(connection, key)?;
        holders.extend(fresh.shared(key).take(MATCHES_READ + 1));
        holders.sort_by_key(|(other_is_anchored, _)| *other_is_anchored);
        for (other_is_anchored, entry) in holders {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
            // Another anchored entry can't be the same: one shows that hardware changed.
            if anchored && other_is_anchored {
                break;
            }
        }
    }
    Ok(entries)
}

/// The entry that a unique key leads to.
fn unique_holder(
    connection: &Connection,
    key: Fingerprint,
) -> rusqlite::Result<Option<LedgerEntryId>> {
    connection
        .prepare_cached(
            "SELECT entry FROM ledger_unique_key WHERE world = ?1 AND kind = ?2 AND digest = ?3",
        )?
        .query_row(params![WORLD, key.kind.number(), key.digest], |row| {
            row::guid(row, 0).map(LedgerEntryId)
        })
        .optional()
}

/// Entries that a shared key leads to, and whether each is anchored; those first that are not.
fn shared_holders(
    connection: &Connection,
    key: Fingerprint,
) -> rusqlite::Result<Vec<(bool, LedgerEntryId)>> {
    connection
        .prepare_cached(
            "SELECT anchored, entry FROM ledger_shared_key
             WHERE world = ?1 AND kind = ?2 AND digest = ?3 ORDER BY anchored LIMIT ?4",
        )?
        .query_map(
            params![WORLD, key.kind.number(), key.digest, MATCHES_READ + 1],
            |row| Ok((row.get(0)?, LedgerEntryId(row::guid(row, 1)?))),
        )?
        .collect()
}

fn read_match(connection: &Connection, entry: LedgerEntryId) -> Result<LedgerMatch, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT owner_tenant, owner_call, fingerprints FROM ledger_entry
         WHERE world = ?1 AND id = ?2",
    )?;
    let mut rows = statement.query(params![WORLD, entry.0.as_bytes()])?;
    let row = rows
        .next()?
        .ok_or_else(|| row::corrupt("a ledger key without its entry"))?;
    let owner = row::optional_guid(row, 0)?.zip(row::optional_guid(row, 1)?);
    Ok(LedgerMatch {
        entry,
        owner: owner.map(|(tenant, call)| Owner {
            tenant: TenantId(tenant),
            call: CallId(call),
        }),
        fingerprints: unpack(row.get_ref(2)?.as_blob()?)?,
    })
}

/// Fingerprints as the ledger keeps them: for each its kind's number and its digest.
fn pack(fingerprints: &Fingerprints) -> Vec<u8> {
    fingerprints
        .iter()
        .flat_map(|fingerprint| {
            std::iter::once(fingerprint.kind.number()).chain(fingerprint.digest)
        })
        .collect()
}

fn unpack(bytes: &[u8]) -> Result<Fingerprints, Fault> {
    const PACKED_BYTES: usize = 33;
    let corrupt = || row::corrupt("fingerprints of no known kind");
    if !bytes.len().is_multiple_of(PACKED_BYTES) {
        return Err(corrupt());
    }
    bytes
        .chunks_exact(PACKED_BYTES)
        .map(|packed| {
            let (number, digest) = packed.split_first().ok_or_else(corrupt)?;
            Ok(Fingerprint {
                kind: FingerprintKind::from_number(*number).ok_or_else(corrupt)?,
                digest: digest.try_into().map_err(|_| corrupt())?,
            })
        })
        .collect()
}

/// Gives the hardware of a device to its tenant: what the ledger knows, or else new hardware.
pub(super) fn give(
    connection: &Connection,
    inserter: &mut Inserter<'_>,
    fresh: &mut fresh_keys::Memory,
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
        (None, Some(fingerprints)) => inserter.enter(fresh, device, call, fingerprints),
        (Some(_), gained) => assign(connection, fresh, device, call, gained),
        (None, None) => Err(row::corrupt("a device that is known by nothing")),
    }
}

/// Gives hardware that the ledger knows, and nobody owns, to a tenant. It keeps its fingerprints
/// and gains the new ones, and keeps the product key where the tenant names none.
fn assign(
    connection: &Connection,
    fresh: &mut fresh_keys::Memory,
    device: &Device,
    call: CallId,
    gained: Option<&Fingerprints>,
) -> Result<(), Fault> {
    let entry = device.ledger_entry;
    let known = read_match(connection, entry)?.fingerprints;
    let known_name = names::of_entry(connection, entry)?;
    let mut all = known.clone();
    if let Some(gained) = gained {
        all.extend(gained);
    }
    let properties = &device.properties;
    let assigned = connection
        .prepare_cached(
            "UPDATE ledger_entry SET owner_tenant = ?3, owner_device = ?4, owner_call = ?5,
                serial_number = ?6, serial_number_folded = ?8,
                product_key = iif(?9 = '', product_key, ?7),
                product_key_folded = iif(?9 = '', product_key_folded, ?9), fingerprints = ?10
             WHERE world = ?1 AND id = ?2 AND owner_tenant IS NULL",
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
            pack(&all),
        ])?;
    if assigned != 1 {
        return Err(row::corrupt("hardware that was free has an owner"));
    }
    if is_anchored(&all) && !is_anchored(&known) {
        // Hardware that was known without an endorsement key gains one.
        for key in known.keys().filter(|key| !key.kind.is_unique()) {
            connection
                .prepare_cached(
                    "UPDATE ledger_shared_key SET anchored = 1
                     WHERE world = ?1 AND kind = ?2 AND digest = ?3 AND anchored = 0
                        AND entry = ?4",
                )?
                .execute(params![
                    WORLD,
                    key.kind.number(),
                    key.digest,
                    entry.0.as_bytes()
                ])?;
        }
    }
    let name = names::of_entry(connection, entry)?;
    if let Some(known_name) = known_name
        .as_ref()
        .filter(|known| name.as_ref() != Some(known))
    {
        names::remove(connection, known_name, entry)?;
    }
    // Whatever was fresh of it goes along.
    fresh.forget(entry, &known, known_name);
    let anchored = is_anchored(&all);
    let mut inserter = KeyInserter::prepare(connection)?;
    for key in all.keys() {
        fresh.know(key);
        inserter.insert(key, anchored, entry)?;
    }
    name.map_or(Ok(()), |name| names::insert(connection, &name, entry))
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
        "SELECT owner_tenant, owner_device, id, serial_number, product_key, fingerprints
         FROM ledger_entry
         WHERE world = ?1 AND (?2 IS NULL OR id = ?2)
            AND (?3 IS NULL OR serial_number_folded = ?3)
            AND (?4 IS NULL OR owner_tenant = ?4)
            AND id > ifnull(?6, x'')
         ORDER BY id LIMIT ?5",
    )?;
    let mut rows = statement.query(params![
        WORLD,
        query.entry.as_ref().map(|entry| entry.0.as_bytes()),
        query.serial_number.as_deref().map(fold),
        query.owner.as_ref().map(|tenant| tenant.0.as_bytes()),
        ENTRIES_FOUND,
        query.after.as_ref().map(|entry| entry.0.as_bytes()),
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(LedgerEntry {
            id: LedgerEntryId(row::guid(row, 2)?),
            owner: owner_columns(row)?,
            serial_number: row.get(3)?,
            product_key: row.get(4)?,
            fingerprints: unpack(row.get_ref(5)?.as_blob()?)?,
        });
    }
    Ok(entries)
}
