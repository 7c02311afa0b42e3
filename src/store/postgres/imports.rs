//! Imports: changing and withdrawing them. Accepting is in `accepting` and `creating`, reading by id in
//! `looking_up`.

pub(super) mod accepting;
pub(super) mod creating;
pub(super) mod looking_up;

use jiff::Timestamp;

use super::{
    again::{Attempts, Repeatable},
    audit,
    fault::Fault,
    pool::{Pool, Transaction},
    row::{self, get},
};
use crate::{
    domain::{
        actor::Actor,
        hardware_blob::HardwareBlob,
        import::{CallId, ImportChange, ImportId, ImportState, Phase, revision},
        revision::Precondition,
        tenant::TenantId,
    },
    store::{
        StoreError,
        operation::{ImportDeletion, NewImports, Updated},
    },
};

/// Who writes to an import, when, and on which condition.
pub(super) struct Write<'a> {
    pub(super) precondition: &'a Precondition,
    pub(super) actor: &'a Actor,
    pub(super) now: Timestamp,
}

/// Accepts the rows of one request together: all, or none.
pub(super) async fn create_all(
    pool: &Pool,
    tenant: TenantId,
    imports: &NewImports,
) -> Result<(), StoreError> {
    // What an attempt committed is found by the next, and counts.
    let mut attempts = Attempts::new(Repeatable::Yes);
    loop {
        let outcome = async {
            let session = pool.get().await?;
            if accepting::insert_if_free(&session, tenant, imports).await? {
                return Ok(());
            }
            drop(session);
            let transaction = pool.begin().await?;
            if accepting::insert_all(&transaction, tenant, imports, None).await? {
                return transaction.commit().await;
            }
            transaction.roll_back().await?;
            accepting::confirm(&pool.get().await?).await
        };
        if let Some(result) = attempts.judge(outcome.await).await {
            return result;
        }
    }
}

fn by_id(columns: &str, lock: &str) -> String {
    format!("SELECT {columns} FROM import WHERE tenant = $1 AND id = $2{lock}")
}

/// Changes an import; one that waits is decided again.
pub(super) async fn update(
    transaction: &Transaction,
    tenant: TenantId,
    id: ImportId,
    change: ImportChange,
    write: &Write<'_>,
) -> Result<Updated, Fault> {
    let sql = by_id(row::IMPORT_COLUMNS, " FOR UPDATE");
    let found = transaction.query_opt(&sql, &[&tenant.0, &id.0]).await?;
    let Some(mut import) = found.as_ref().map(row::import).transpose()? else {
        return Ok(Updated::Absent);
    };
    if !write.precondition.holds(import.revision()) {
        return Ok(Updated::ConditionNotMet);
    }
    if let Err(too_late) = import.apply(change) {
        return Ok(Updated::TooLate(too_late));
    }
    let properties = &import.properties;
    let blob = properties.hardware_blob.as_ref();
    let len_bytes = blob.map(|blob| row::bounded(blob.len_bytes()));
    transaction
        .execute(
            "UPDATE import SET version = $10, attempts = 0, group_tag = $3,
                serial_number = $4, product_key = $5, import_id = $6,
                assigned_user_principal_name = $7, hardware_len_bytes = $8, hardware_content = $9
             WHERE tenant = $1 AND id = $2",
            &[
                &tenant.0,
                &id.0,
                &properties.group_tag,
                &properties.serial_number,
                &properties.product_key,
                &properties.import_id,
                &properties.assigned_user_principal_name,
                &len_bytes,
                &blob.map(HardwareBlob::content),
                &import.version,
            ],
        )
        .await?;
    record(transaction, tenant, &[id], write, "import-changed").await?;
    Ok(Updated::Done(Box::new(import)))
}

/// Deletes an import.
pub(super) async fn delete(
    transaction: &Transaction,
    tenant: TenantId,
    id: ImportId,
    write: &Write<'_>,
) -> Result<ImportDeletion, Fault> {
    // No more is read than is needed: a row that can't be read whole can still be deleted.
    let sql = by_id("state, version, call", " FOR UPDATE");
    let Some(found) = transaction.query_opt(&sql, &[&tenant.0, &id.0]).await? else {
        return Ok(ImportDeletion::Absent);
    };
    let phase = match get(&found, "state")? {
        row::WAITING => Phase::Waiting,
        _ => Phase::Settled,
    };
    let call = CallId(get(&found, "call")?);
    let revision = revision(id, call, get(&found, "version")?, phase);
    if !write.precondition.holds(revision) {
        return Ok(ImportDeletion::ConditionNotMet);
    }
    let sql = "DELETE FROM import WHERE tenant = $1 AND id = $2";
    transaction.execute(sql, &[&tenant.0, &id.0]).await?;
    let action = match phase {
        Phase::Waiting => "import-withdrawn",
        Phase::Settled => "import-deleted",
    };
    record(transaction, tenant, &[id], write, action).await?;
    Ok(ImportDeletion::Deleted)
}

/// Whether this import decides anything anew for the registrar.
pub(super) fn is_work(updated: &Updated) -> bool {
    matches!(updated, Updated::Done(import) if import.state == ImportState::Waiting)
}

/// Says in the audit table what was done to imports.
pub(super) async fn record(
    transaction: &Transaction,
    tenant: TenantId,
    ids: &[ImportId],
    write: &Write<'_>,
    action: &'static str,
) -> Result<(), Fault> {
    let line = |id: &ImportId| audit::Line {
        at: write.now,
        tenant,
        actor: write.actor,
        action,
        import: Some(*id),
        device: None,
        ledger_entry: None,
        detail: None,
    };
    let lines: Vec<_> = ids.iter().map(line).collect();
    audit::record(transaction, &lines).await
}
