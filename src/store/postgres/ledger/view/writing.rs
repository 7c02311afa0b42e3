//! Writing what a transaction has changed in the ledger. Whoever was there first, against all locks,
//! shows in a constraint.

use uuid::Uuid;

use super::{Change, Entry, View};
use crate::{
    domain::identity::{Fingerprint, LedgerEntryId, fold},
    store::postgres::{
        fault::Fault,
        ledger::{WORLD, is_anchored, pack},
        pool::Transaction,
    },
};

impl View {
    /// Writes all that was changed.
    pub(in crate::store::postgres) async fn write(
        &self,
        transaction: &Transaction,
    ) -> Result<(), Fault> {
        let changed: Vec<_> = self
            .changed
            .iter()
            .filter_map(|(id, change)| Some((*id, change, self.entries.get(id)?)))
            .collect();
        let (new, known): (Vec<_>, Vec<_>) = changed
            .iter()
            .copied()
            .partition(|(_, change, _)| change.is_new);
        enter(transaction, &new).await?;
        assign(transaction, &known).await?;
        write_keys(transaction, &changed).await
    }
}

type Changed<'a> = (LedgerEntryId, &'a Change, &'a Entry);

/// Entries as statements take them.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    tenants: Vec<Option<Uuid>>,
    devices: Vec<Option<Uuid>>,
    calls: Vec<Option<Uuid>>,
    serial_numbers: Vec<&'a str>,
    product_keys: Vec<&'a str>,
    serial_numbers_folded: Vec<String>,
    product_keys_folded: Vec<String>,
    fingerprints: Vec<Vec<u8>>,
}

impl<'a> Columns<'a> {
    fn of(entries: &[Changed<'a>]) -> Self {
        let mut columns = Self::default();
        for (id, _, entry) in entries {
            columns.ids.push(id.0);
            columns
                .tenants
                .push(entry.owner.map(|(tenant, ..)| tenant.0));
            columns
                .devices
                .push(entry.owner.map(|(_, device, _)| device.0));
            columns.calls.push(entry.owner.map(|(.., call)| call.0));
            columns.serial_numbers.push(&entry.serial_number);
            columns.product_keys.push(&entry.product_key);
            columns
                .serial_numbers_folded
                .push(fold(&entry.serial_number));
            columns.product_keys_folded.push(fold(&entry.product_key));
            columns.fingerprints.push(pack(&entry.fingerprints));
        }
        columns
    }
}

async fn enter(transaction: &Transaction, entries: &[Changed<'_>]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(entries);
    transaction
        .execute(
            "INSERT INTO ledger_entry (world, id, owner_tenant, owner_device, owner_call,
                serial_number, product_key, serial_number_folded, product_key_folded,
                fingerprints)
             SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
                $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[]) AS new",
            &[
                &WORLD,
                &columns.ids,
                &columns.tenants,
                &columns.devices,
                &columns.calls,
                &columns.serial_numbers,
                &columns.product_keys,
                &columns.serial_numbers_folded,
                &columns.product_keys_folded,
                &columns.fingerprints,
            ],
        )
        .await?;
    Ok(())
}

async fn assign(transaction: &Transaction, entries: &[Changed<'_>]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(entries);
    let assigned = transaction
        .execute(
            "UPDATE ledger_entry AS entry SET owner_tenant = now.tenant,
                owner_device = now.device, owner_call = now.call,
                serial_number = now.serial, product_key = now.product,
                serial_number_folded = now.serial_folded,
                product_key_folded = now.product_folded, fingerprints = now.fingerprints
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::bytea[]) AS now (id, tenant, device, call, serial,
                product, serial_folded, product_folded, fingerprints)
             WHERE entry.world = $1 AND entry.id = now.id AND entry.owner_tenant IS NULL",
            &[
                &WORLD,
                &columns.ids,
                &columns.tenants,
                &columns.devices,
                &columns.calls,
                &columns.serial_numbers,
                &columns.product_keys,
                &columns.serial_numbers_folded,
                &columns.product_keys_folded,
                &columns.fingerprints,
            ],
        )
        .await?;
    if assigned == entries.len() as u64 {
        return Ok(());
    }
    // Found by other keys, it was given to somebody else since it was read.
    Err(Fault::Rival(
        "hardware that was free has an owner".to_owned(),
    ))
}

async fn write_keys(transaction: &Transaction, changed: &[Changed<'_>]) -> Result<(), Fault> {
    let anchored_since = Keys::of(changed, |change| &change.anchored_since);
    if !anchored_since.kinds.is_empty() {
        let sql = "UPDATE ledger_shared_key AS key SET anchored = true
            FROM unnest($2::bigint[], $3::bytea[], $4::uuid[]) AS own (kind, digest, entry)
            WHERE key.world = $1 AND key.kind = own.kind AND key.digest = own.digest
                AND key.entry = own.entry AND NOT key.anchored";
        let Keys {
            kinds,
            digests,
            entries,
            ..
        } = &anchored_since;
        transaction
            .execute(sql, &[&WORLD, kinds, digests, entries])
            .await?;
    }
    let keys = Keys::of(changed, |change| &change.keys);
    if keys.kinds.is_empty() {
        return Ok(());
    }
    let sql = "WITH new AS MATERIALIZED (SELECT * FROM
            unnest($2::bigint[], $3::bytea[], $4::boolean[], $5::uuid[])
                AS new (kind, digest, anchored, entry)),
        unique_key AS (INSERT INTO ledger_unique_key (world, kind, digest, entry)
            SELECT $1, kind, digest, entry FROM new WHERE kind IN (1, 4) ORDER BY kind, digest)
        INSERT INTO ledger_shared_key (world, kind, digest, anchored, entry)
            SELECT $1, kind, digest, anchored, entry FROM new WHERE kind IN (2, 3)
            ORDER BY kind, digest
            ON CONFLICT DO NOTHING";
    let Keys {
        kinds,
        digests,
        anchored,
        entries,
    } = &keys;
    transaction
        .execute(sql, &[&WORLD, kinds, digests, anchored, entries])
        .await?;
    Ok(())
}

/// Keys as statements take them.
#[derive(Default)]
struct Keys {
    kinds: Vec<i64>,
    digests: Vec<Vec<u8>>,
    anchored: Vec<bool>,
    entries: Vec<Uuid>,
}

impl Keys {
    fn of(changed: &[Changed<'_>], which: impl Fn(&Change) -> &Vec<Fingerprint>) -> Self {
        let mut keys = Self::default();
        for (id, change, entry) in changed {
            let anchored = is_anchored(&entry.fingerprints);
            for key in which(change) {
                keys.kinds.push(i64::from(key.kind.number()));
                keys.digests.push(key.digest.to_vec());
                keys.anchored.push(anchored);
                keys.entries.push(id.0);
            }
        }
        keys
    }
}
