//! Uploads, and the imports in them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    SqliteStore,
    at_once::Examined,
    audit,
    collection::{Collection, Scope, Within},
    fault::{Fault, is_taken},
    imports,
    leases::Seq,
    row,
};
use crate::{
    domain::{
        actor::Actor,
        field::UploadField,
        import::ImportId,
        revision::Precondition,
        tenant::TenantId,
        upload::{Upload, UploadContents, UploadId},
    },
    store::{
        StoreError, Unique, columns,
        operation::{NewImports, UploadDeletion},
    },
};

/// About how much memory a step of a deletion holds.
const WEIGHT_KIB: u32 = 64;

/// The columns that `read` reads. What is among the imports is looked up in an index of them alone;
/// what was among those that have expired is remembered.
const COLUMNS: &str = "tenant, id, created_at,
    expired > 0 OR EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id),
    EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id
        AND state = 0),
    expired = 2 OR EXISTS (SELECT 1 FROM import WHERE import.tenant = upload.tenant
        AND import.upload = upload.id
        AND state = 4)";

/// How uploads are listed.
pub(super) const COLLECTION: Collection<UploadField, Upload> = Collection {
    table: "upload",
    columns: COLUMNS,
    column_of: columns::upload,
    read,
    search: None,
};

/// The imports in an upload, as a part of all imports.
pub(super) fn imports_of(tenant: TenantId, upload: UploadId) -> Scope {
    Scope {
        tenant,
        within: Some(Within {
            index: "import_by_upload",
            column: "upload",
            key: upload.0,
        }),
    }
}

/// Makes an upload with the imports that it comes with: all, or nothing.
pub(super) fn create(
    connection: &Connection,
    tenant: TenantId,
    id: UploadId,
    imports: &NewImports,
    examined: &Examined,
) -> Result<Vec<Seq>, Fault> {
    let inserted = connection
        .prepare_cached("INSERT INTO upload (tenant, id, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            imports.accepted_at.as_microsecond()
        ]);
    match inserted {
        Ok(_) => {}
        Err(error) if is_taken(&error) => {
            return Err(StoreError::Conflict(Unique::UploadId(id)).into());
        }
        Err(error) => return Err(error.into()),
    }
    let (actor, at) = (&imports.actor, imports.accepted_at);
    record(connection, tenant, id, actor, "upload-created", at)?;
    imports::create(connection, tenant, imports, Some(id), examined)
}

/// The upload with this id.
pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    id: UploadId,
) -> Result<Option<Upload>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM upload WHERE tenant = ?1 AND id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?.map(read).transpose()
}

/// Accepts all imports into an upload, or none, and says as which rows; nothing where there is no such
/// upload.
pub(super) fn create_imports(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
    new: &NewImports,
    examined: &Examined,
) -> Result<Option<Vec<Seq>>, Fault> {
    if !exists(connection, tenant, upload)? {
        return Ok(None);
    }
    imports::create(connection, tenant, new, Some(upload), examined).map(Some)
}

/// How many imports an upload has.
pub(super) fn count_imports(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
) -> Result<u64, Fault> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM import WHERE tenant = ?1 AND upload = ?2")?
        .query_row(params![tenant.0.as_bytes(), upload.0.as_bytes()], |row| {
            row.get(0)
        })?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Whether an import came in this upload.
pub(super) fn holds(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
    import: ImportId,
) -> Result<bool, Fault> {
    let found = connection
        .prepare_cached("SELECT 1 FROM import WHERE tenant = ?1 AND upload = ?2 AND id = ?3")?
        .exists(params![
            tenant.0.as_bytes(),
            upload.0.as_bytes(),
            import.0.as_bytes()
        ])?;
    Ok(found)
}

impl SqliteStore {
    /// Takes a step of an upload's deletion.
    pub(super) async fn delete_upload_rows(
        &self,
        tenant: TenantId,
        upload: UploadId,
        limit: usize,
        precondition: Precondition,
        (actor, now): (Actor, Timestamp),
    ) -> Result<UploadDeletion, StoreError> {
        let (deletion, withdrawn) = self
            .writer
            .run(WEIGHT_KIB, move |connection| {
                let demanded = (limit, &precondition);
                delete(connection, tenant, upload, demanded, &actor, now)
            })
            .await?;
        // Their ids are free again; new imports under them must not wait for the old claims.
        let mut leases = self.lock_leases();
        for id in withdrawn {
            leases.forget((tenant, id));
        }
        drop(leases);
        self.work.notify_one();
        Ok(deletion)
    }
}

/// Withdraws up to so many of an upload's imports that wait, and lets go of as many that are
/// settled; deletes it once it has none. Says which were withdrawn.
fn delete(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
    (limit, precondition): (usize, &Precondition),
    actor: &Actor,
    now: Timestamp,
) -> Result<(UploadDeletion, Vec<ImportId>), Fault> {
    let Some(found) = find(connection, tenant, upload)? else {
        return Ok((UploadDeletion::Absent, Vec::new()));
    };
    if !precondition.holds(found.revision()) {
        return Ok((UploadDeletion::ConditionNotMet, Vec::new()));
    }
    let keys = params![tenant.0.as_bytes(), upload.0.as_bytes(), limit];
    let waiting: Vec<ImportId> = connection
        .prepare_cached(
            "SELECT id FROM import WHERE tenant = ?1 AND upload = ?2 AND state = 0 LIMIT ?3",
        )?
        .query_map(keys, |row| row::guid(row, 0).map(ImportId))?
        .collect::<Result<_, _>>()?;
    let write = imports::Write {
        precondition: &Precondition::default(),
        actor,
        now,
    };
    for &id in &waiting {
        imports::delete(connection, tenant, id, &write)?;
    }
    connection
        .prepare_cached(
            "UPDATE import SET upload = NULL WHERE seq IN (SELECT seq FROM import
                WHERE tenant = ?1 AND upload = ?2 AND state <> 0 LIMIT ?3)",
        )?
        .execute(keys)?;
    if count_imports(connection, tenant, upload)? > 0 {
        return Ok((UploadDeletion::Begun, waiting));
    }
    remove(connection, tenant, upload)?;
    record(connection, tenant, upload, actor, "upload-deleted", now)?;
    Ok((UploadDeletion::Deleted, waiting))
}

/// Removes an upload that has no imports.
pub(super) fn remove(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM upload WHERE tenant = ?1 AND id = ?2")?
        .execute(params![tenant.0.as_bytes(), upload.0.as_bytes()])
        .map(drop)
}

fn exists(connection: &Connection, tenant: TenantId, upload: UploadId) -> Result<bool, Fault> {
    let found = connection
        .prepare_cached("SELECT 1 FROM upload WHERE tenant = ?1 AND id = ?2")?
        .query_row(
            params![tenant.0.as_bytes(), upload.0.as_bytes()],
            |_| Ok(()),
        )
        .optional()?;
    Ok(found.is_some())
}

/// Reads a row of `COLUMNS`.
fn read(row: &Row<'_>) -> Result<Upload, Fault> {
    let contents = UploadContents {
        imports: row.get(3)?,
        waiting: row.get(4)?,
        refused: row.get(5)?,
    };
    Ok(Upload {
        tenant: TenantId(row::guid(row, 0)?),
        id: UploadId(row::guid(row, 1)?),
        created_at: row::timestamp(row.get(2)?)?,
        status: contents.status(),
    })
}

fn record(
    connection: &Connection,
    tenant: TenantId,
    upload: UploadId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let detail = format!("upload {upload}");
    audit::record(
        connection,
        &audit::Line {
            at,
            tenant,
            actor,
            action,
            import: None,
            device: None,
            ledger_entry: None,
            detail: Some(&detail),
        },
    )
}
