//! Reading what the ledger knows of imports, once the keys that they are found by are locked.

use std::collections::{BTreeSet, HashSet};

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Entry, MATCHES_READ, View};
use crate::{
    domain::{
        device::DeviceId,
        identity::{Fingerprint, FingerprintKind, LedgerEntryId},
        import::CallId,
        registration::Subject,
        tenant::TenantId,
    },
    store::postgres::{
        fault::{Fault, corrupt},
        ledger::{WORLD, unpack},
        pool::Transaction,
        row::{bounded, get},
    },
};

/// Names the locks of the ledger among all that a database has ("LE").
const LOCKS: i32 = 0x4c45;

/// How many locks there are. Keys share them: a batch has hundreds of keys, and a server room for
/// some thousands of locks.
const LOCK_COUNT: u16 = 1024;

impl View {
    /// Locks what these imports name and reads what the ledger knows of it.
    pub(in crate::store::postgres) async fn read(
        transaction: &Transaction,
        subjects: &[&Subject],
    ) -> Result<Self, Fault> {
        let keys: BTreeSet<Fingerprint> = subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Hardware(fingerprints, _) => Some(fingerprints.keys()),
                Subject::Named(..) | Subject::Refused(_) => None,
            })
            .flatten()
            .collect();
        lock(transaction, &keys).await?;
        let mut view = Self::default();
        let mut ids = view.read_keys(transaction, &keys).await?;
        ids.extend(read_named(transaction, subjects).await?);
        view.read_entries(transaction, &ids).await?;
        Ok(view)
    }

    /// Reads where keys lead.
    async fn read_keys(
        &mut self,
        transaction: &Transaction,
        keys: &BTreeSet<Fingerprint>,
    ) -> Result<HashSet<Uuid>, Fault> {
        let mut ids = HashSet::new();
        let (unique, shared): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.kind.is_unique());
        if !unique.is_empty() {
            let (kinds, digests) = split(&unique);
            let sql = "SELECT key.kind, key.digest, entry
                FROM unnest($2::bigint[], $3::bytea[]) AS wanted (kind, digest)
                JOIN ledger_unique_key AS key ON key.world = $1 AND key.kind = wanted.kind
                    AND key.digest = wanted.digest";
            for row in transaction.query(sql, &[&WORLD, &kinds, &digests]).await? {
                let entry: Uuid = get(&row, "entry")?;
                self.unique.insert(key(&row)?, LedgerEntryId(entry));
                ids.insert(entry);
            }
        }
        if !shared.is_empty() {
            let (kinds, digests) = split(&shared);
            let limit = bounded(MATCHES_READ + 1);
            let sql = "SELECT wanted.kind, wanted.digest, anchored, entry
                FROM unnest($2::bigint[], $3::bytea[]) AS wanted (kind, digest)
                CROSS JOIN LATERAL (SELECT anchored, entry FROM ledger_shared_key AS key
                    WHERE key.world = $1 AND key.kind = wanted.kind
                        AND key.digest = wanted.digest
                    ORDER BY anchored, entry LIMIT $4) AS found
                ORDER BY anchored, entry";
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&WORLD, &kinds, &digests, &limit];
            for row in transaction.query(sql, &parameters).await? {
                let entry: Uuid = get(&row, "entry")?;
                let holders = self.shared.entry(key(&row)?).or_default();
                holders.push((get(&row, "anchored")?, LedgerEntryId(entry)));
                ids.insert(entry);
            }
        }
        Ok(ids)
    }

    async fn read_entries(
        &mut self,
        transaction: &Transaction,
        ids: &HashSet<Uuid>,
    ) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = ids.iter().copied().collect();
        let sql = "SELECT id, owner_tenant, owner_device, owner_call, serial_number, product_key,
                fingerprints
            FROM ledger_entry WHERE world = $1 AND id = ANY($2)";
        for row in transaction.query(sql, &[&WORLD, &ids]).await? {
            let id = LedgerEntryId(get(&row, "id")?);
            let owner: [Option<Uuid>; 3] = [
                get(&row, "owner_tenant")?,
                get(&row, "owner_device")?,
                get(&row, "owner_call")?,
            ];
            let owner = match owner {
                [Some(tenant), Some(device), Some(call)] => {
                    Some((TenantId(tenant), DeviceId(device), CallId(call)))
                }
                _ => None,
            };
            let entry = Entry {
                owner,
                serial_number: get(&row, "serial_number")?,
                product_key: get(&row, "product_key")?,
                fingerprints: unpack(get(&row, "fingerprints")?)?,
            };
            self.named.entry(entry.name()).or_default().insert(id);
            self.entries.insert(id, entry);
        }
        Ok(())
    }
}

/// Locks keys until the transaction ends, in one order, whoever locks.
async fn lock(transaction: &Transaction, keys: &BTreeSet<Fingerprint>) -> Result<(), Fault> {
    let locks: BTreeSet<i32> = keys
        .iter()
        .map(|key| {
            let [one, other, ..] = key.digest;
            i32::from(u16::from_le_bytes([one, other]) % LOCK_COUNT)
        })
        .collect();
    if locks.is_empty() {
        return Ok(());
    }
    let locks: Vec<i32> = locks.into_iter().collect();
    let sql = "SELECT count(pg_advisory_xact_lock($1, number)) FROM unnest($2::int[]) AS number";
    transaction.query(sql, &[&LOCKS, &locks]).await?;
    Ok(())
}

/// The entries that go by the names in these imports: of each name, as many as can matter to a
/// batch, whose imports may each rename one.
async fn read_named(transaction: &Transaction, subjects: &[&Subject]) -> Result<Vec<Uuid>, Fault> {
    let names: BTreeSet<(&str, &str)> = subjects
        .iter()
        .filter_map(|subject| match subject {
            Subject::Named(name, _) => Some((&*name.serial_number, &*name.product_key)),
            Subject::Hardware(..) | Subject::Refused(_) => None,
        })
        .collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (serial_numbers, product_keys): (Vec<&str>, Vec<&str>) = names.into_iter().unzip();
    let limit = bounded(subjects.len() + 2);
    let sql = "SELECT found.id FROM unnest($2::text[], $3::text[]) AS wanted (serial, product)
        CROSS JOIN LATERAL (SELECT id FROM ledger_entry
            WHERE world = $1 AND serial_number_folded = wanted.serial
                AND product_key_folded = wanted.product
            LIMIT $4) AS found";
    let rows = transaction
        .query(sql, &[&WORLD, &serial_numbers, &product_keys, &limit])
        .await?;
    rows.iter().map(|row| get(row, "id")).collect()
}

fn split(keys: &[&Fingerprint]) -> (Vec<i64>, Vec<Vec<u8>>) {
    keys.iter()
        .map(|key| (i64::from(key.kind.number()), key.digest.to_vec()))
        .unzip()
}

fn key(row: &Row) -> Result<Fingerprint, Fault> {
    let number: i64 = get(row, "kind")?;
    let digest: &[u8] = get(row, "digest")?;
    let kind = u8::try_from(number)
        .ok()
        .and_then(FingerprintKind::from_number);
    kind.zip(digest.try_into().ok())
        .map(|(kind, digest)| Fingerprint { kind, digest })
        .ok_or_else(|| corrupt("a ledger key of no known kind"))
}
