//! Uploads, and the imports in them.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    audit,
    fault::Fault,
    imports::{self, accepting},
    pool::{Session, Transaction},
    row::{self, bounded, get},
};
use crate::{
    domain::{
        actor::Actor,
        import::ImportId,
        revision::Precondition,
        tenant::TenantId,
        upload::{Upload, UploadContents, UploadId},
    },
    store::{
        StoreError, Unique,
        operation::{NewImports, NewUpload, UploadDeletion},
    },
};

/// The columns that `read` reads. What is among the imports is looked up in an index of them alone;
/// what was among those that have expired is remembered.
pub(super) const COLUMNS: &str = "tenant, id, created_at,
    expired > 0 OR EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id) AS imports,
    EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id AND state = 0) AS waiting,
    expired = 2 OR EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id AND state = 4) AS refused";

/// Makes an upload with the imports that it comes with: all, or nothing.
pub(super) async fn create(
    transaction: &Transaction,
    tenant: TenantId,
    new: &NewUpload,
) -> Result<(), Fault> {
    let created_at = new.imports.accepted_at.as_microsecond();
    let sql = "INSERT INTO upload (tenant, id, created_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    let made = transaction
        .execute(sql, &[&tenant.0, &new.id.0, &created_at])
        .await?;
    if made == 0 {
        return Err(StoreError::Conflict(Unique::UploadId(new.id)).into());
    }
    let (actor, at) = (&new.imports.actor, new.imports.accepted_at);
    record(transaction, tenant, new.id, actor, "upload-created", at).await?;
    accepting::insert_all(transaction, tenant, &new.imports, Some(new.id)).await?;
    Ok(())
}

/// The upload with this id.
pub(super) async fn find(
    session: &Session,
    tenant: TenantId,
    id: UploadId,
) -> Result<Option<Upload>, Fault> {
    let rows = session.query(&by_id(), &[&tenant.0, &id.0]).await?;
    rows.first().map(read).transpose()
}

fn by_id() -> String {
    format!("SELECT {COLUMNS} FROM upload WHERE tenant = $1 AND id = $2")
}

/// Accepts all imports into an upload, or none; false where there is no such upload.
pub(super) async fn create_imports(
    transaction: &Transaction,
    tenant: TenantId,
    upload: UploadId,
    new: &NewImports,
) -> Result<bool, Fault> {
    if !is_kept(transaction, tenant, upload, "FOR KEY SHARE").await? {
        return Ok(false);
    }
    accepting::insert_all(transaction, tenant, new, Some(upload)).await?;
    Ok(true)
}

/// Whether an import came in this upload.
pub(super) async fn holds(
    session: &Session,
    tenant: TenantId,
    upload: UploadId,
    import: ImportId,
) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM import WHERE tenant = $1 AND upload = $2 AND id = $3";
    let found = session
        .query(sql, &[&tenant.0, &upload.0, &import.0])
        .await?;
    Ok(!found.is_empty())
}

/// Withdraws up to so many of an upload's imports that wait, and lets go of as many that are
/// settled; deletes it once it has none.
pub(super) async fn delete(
    transaction: &Transaction,
    tenant: TenantId,
    upload: UploadId,
    (limit, precondition): (usize, &Precondition),
    actor: &Actor,
    now: Timestamp,
) -> Result<UploadDeletion, Fault> {
    if !is_kept(transaction, tenant, upload, "FOR UPDATE").await? {
        return Ok(UploadDeletion::Absent);
    }
    if *precondition != Precondition::default() {
        let sql = by_id();
        let found = transaction.query_opt(&sql, &[&tenant.0, &upload.0]).await?;
        let found = found.as_ref().map(read).transpose()?;
        if found.is_some_and(|upload| !precondition.holds(upload.revision())) {
            return Ok(UploadDeletion::ConditionNotMet);
        }
    }
    let limit = bounded(limit);
    let sql = "WITH chosen AS MATERIALIZED (
            SELECT id FROM import WHERE tenant = $1 AND upload = $2 AND state = 0
            ORDER BY id LIMIT $3 FOR UPDATE)
        DELETE FROM import WHERE tenant = $1 AND id IN (SELECT id FROM chosen) RETURNING id";
    let withdrawn = transaction
        .query(sql, &[&tenant.0, &upload.0, &limit])
        .await?;
    let mut ids: Vec<ImportId> = withdrawn
        .iter()
        .map(|row| get(row, "id").map(ImportId))
        .collect::<Result<_, _>>()?;
    ids.sort_unstable();
    let write = imports::Write {
        precondition: &Precondition::default(),
        actor,
        now,
    };
    imports::record(transaction, tenant, &ids, &write, "import-withdrawn").await?;
    let sql = "WITH chosen AS MATERIALIZED (
            SELECT id FROM import WHERE tenant = $1 AND upload = $2 AND state <> 0
            ORDER BY id LIMIT $3 FOR UPDATE)
        UPDATE import SET upload = NULL WHERE tenant = $1 AND id IN (SELECT id FROM chosen)";
    transaction
        .execute(sql, &[&tenant.0, &upload.0, &limit])
        .await?;
    let sql = "SELECT 1 FROM import WHERE tenant = $1 AND upload = $2 LIMIT 1";
    let left = transaction.query_opt(sql, &[&tenant.0, &upload.0]).await?;
    if left.is_some() {
        return Ok(UploadDeletion::Begun);
    }
    let sql = "DELETE FROM upload WHERE tenant = $1 AND id = $2";
    transaction.execute(sql, &[&tenant.0, &upload.0]).await?;
    record(transaction, tenant, upload, actor, "upload-deleted", now).await?;
    Ok(UploadDeletion::Deleted)
}

/// Whether there is such an upload, which then stays as the lock says.
async fn is_kept(
    transaction: &Transaction,
    tenant: TenantId,
    upload: UploadId,
    lock: &str,
) -> Result<bool, Fault> {
    let sql = format!("SELECT 1 FROM upload WHERE tenant = $1 AND id = $2 {lock}");
    let found = transaction.query_opt(&sql, &[&tenant.0, &upload.0]).await?;
    Ok(found.is_some())
}

/// Reads a row of `COLUMNS`.
pub(super) fn read(row: &Row) -> Result<Upload, Fault> {
    let contents = UploadContents {
        imports: get(row, "imports")?,
        waiting: get(row, "waiting")?,
        refused: get(row, "refused")?,
    };
    Ok(Upload {
        tenant: TenantId(get::<Uuid>(row, "tenant")?),
        id: UploadId(get(row, "id")?),
        created_at: row::timestamp(get(row, "created_at")?)?,
        status: contents.status(),
    })
}

async fn record(
    transaction: &Transaction,
    tenant: TenantId,
    upload: UploadId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> Result<(), Fault> {
    let line = audit::Line {
        at,
        tenant,
        actor,
        action,
        import: None,
        device: None,
        ledger_entry: None,
        detail: Some(format!("upload {upload}")),
    };
    audit::record(transaction, &[line]).await
}
