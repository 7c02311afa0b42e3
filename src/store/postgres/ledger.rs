//! The ledger: which hardware there is, by what it is found, and who owns it.
//!
//! Whoever decides about hardware first locks the keys that it is found by, so that two who mean
//! the same hardware come one after the other. The constraints stand all the same: an endorsement
//! key or a blob belongs to one entry, an entry has one owner. What a transaction knows of the
//! ledger, its own changes included, is in `view`.

pub(super) mod view;

use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    fault::{Fault, corrupt},
    pool::{Session, Transaction},
    row::get,
};
use crate::{
    domain::{
        device::DeviceId,
        identity::{Fingerprint, FingerprintKind, Fingerprints, LedgerEntryId, fold},
        tenant::TenantId,
    },
    store::operation::{LedgerEntry, LedgerQuery},
};

/// The one world that there is so far.
pub(super) const WORLD: &str = "main";

/// How many entries an administrator's search answers.
const ENTRIES_FOUND: i64 = 1000;

/// Takes hardware from its owner. Its fingerprints stay, so that it is known again.
pub(super) async fn free(
    transaction: &Transaction,
    entries: &[LedgerEntryId],
) -> Result<(), Fault> {
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.0).collect();
    let freed = transaction
        .execute(
            "UPDATE ledger_entry SET owner_tenant = NULL, owner_device = NULL, owner_call = NULL
             WHERE world = $1 AND id = ANY($2)",
            &[&WORLD, &ids],
        )
        .await?;
    if freed == ids.len() as u64 {
        Ok(())
    } else {
        Err(corrupt("a device without its ledger entry"))
    }
}

/// Who owns a piece of hardware.
pub(super) async fn owner(
    transaction: &Transaction,
    entry: LedgerEntryId,
) -> Result<Option<(TenantId, DeviceId)>, Fault> {
    let sql = "SELECT owner_tenant, owner_device FROM ledger_entry WHERE world = $1 AND id = $2";
    let found = transaction.query_opt(sql, &[&WORLD, &entry.0]).await?;
    found.as_ref().map_or(Ok(None), owner_of)
}

fn owner_of(row: &Row) -> Result<Option<(TenantId, DeviceId)>, Fault> {
    let tenant: Option<Uuid> = get(row, "owner_tenant")?;
    let device: Option<Uuid> = get(row, "owner_device")?;
    Ok(tenant.map(TenantId).zip(device.map(DeviceId)))
}

/// Finds hardware for an administrator. Every criterion that is given must hold.
pub(super) async fn find(
    session: &Session,
    query: &LedgerQuery,
) -> Result<Vec<LedgerEntry>, Fault> {
    let rows = session
        .query(
            "SELECT owner_tenant, owner_device, id, serial_number, product_key, fingerprints
             FROM ledger_entry
             WHERE world = $1 AND ($2::uuid IS NULL OR id = $2)
                AND ($3::text IS NULL OR serial_number_folded = $3)
                AND ($4::uuid IS NULL OR owner_tenant = $4)
                AND ($6::uuid IS NULL OR id > $6)
             ORDER BY id LIMIT $5",
            &[
                &WORLD,
                &query.entry.map(|entry| entry.0),
                &query.serial_number.as_deref().map(fold),
                &query.owner.map(|tenant| tenant.0),
                &ENTRIES_FOUND,
                &query.after.map(|entry| entry.0),
            ],
        )
        .await?;
    let entry = |row: &Row| {
        Ok(LedgerEntry {
            id: LedgerEntryId(get(row, "id")?),
            owner: owner_of(row)?,
            serial_number: get(row, "serial_number")?,
            product_key: get(row, "product_key")?,
            fingerprints: unpack(get(row, "fingerprints")?)?,
        })
    };
    rows.iter().map(entry).collect()
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
    let corrupt = || corrupt("fingerprints of no known kind");
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

fn is_anchored(fingerprints: &Fingerprints) -> bool {
    fingerprints
        .keys()
        .any(|key| key.kind == FingerprintKind::Ek)
}
