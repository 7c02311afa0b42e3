//! Imports: accepting, reading, changing and withdrawing them.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    audit,
    fault::{Fault, is_taken},
    row,
};
use crate::{
    domain::{
        actor::Actor,
        hardware_blob::HardwareBlob,
        import::{CallId, Import, ImportChange, ImportId, ImportState, Phase, revision},
        revision::Precondition,
        tenant::TenantId,
        upload::UploadId,
    },
    store::{
        StoreError, Unique,
        operation::{ImportDeletion, NewImport, NewImports, Page, Slice, Updated},
    },
};

/// Who writes to an import, when, and on which condition.
pub(super) struct Write<'a> {
    pub(super) precondition: &'a Precondition,
    pub(super) actor: &'a Actor,
    pub(super) now: Timestamp,
}

/// About how much memory a request's rows hold while they wait for the writer, in KiB.
pub(super) fn weight_kib(imports: &NewImports) -> u32 {
    let bytes: usize = imports
        .rows
        .iter()
        .map(|row| {
            let blob = row.properties.hardware_blob.as_ref();
            256 + blob.map_or(0, |blob| blob.content().len())
        })
        .sum();
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
}

/// Accepts all rows, or none, into an upload if there is one. A single row that is not accepted has
/// written nothing.
pub(super) fn create(
    connection: &Connection,
    tenant: TenantId,
    imports: &NewImports,
    upload: Option<UploadId>,
) -> Result<(), Fault> {
    for row in &imports.rows {
        match insert(connection, tenant, imports, row, upload) {
            Ok(()) => record(
                connection,
                tenant,
                row.id,
                &imports.actor,
                "import-created",
                imports.accepted_at,
            )
            .map_err(|error| Fault::torn(&error))?,
            Err(error) if is_taken(&error) => {
                let taken = taken_ids(connection, tenant, imports)?;
                if taken.is_empty() {
                    // All that stands is of this very request: it was accepted before, by an
                    // attempt whose outcome its sender never learned.
                    return Ok(());
                }
                return Err(StoreError::Conflict(Unique::ImportIds(taken)).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn insert(
    connection: &Connection,
    tenant: TenantId,
    imports: &NewImports,
    new: &NewImport,
    upload: Option<UploadId>,
) -> rusqlite::Result<()> {
    let properties = &new.properties;
    let blob = properties.hardware_blob.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO import (tenant, id, call, accepted_at, group_tag, serial_number,
                product_key, import_id, assigned_user_principal_name, hardware_len_bytes,
                hardware_content, upload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            new.id.0.as_bytes(),
            imports.call.0.as_bytes(),
            imports.accepted_at.as_microsecond(),
            properties.group_tag,
            properties.serial_number,
            properties.product_key,
            properties.import_id,
            properties.assigned_user_principal_name,
            blob.map(HardwareBlob::len_bytes),
            blob.map(HardwareBlob::content),
            upload.as_ref().map(|id| id.0.as_bytes()),
        ])
        .map(|_| ())
}

/// The ids of a refused request that stand in the table already, or twice in the request, each
/// once. Called after an insert failed: those of its own rows that got in before must not count.
fn taken_ids(
    connection: &Connection,
    tenant: TenantId,
    imports: &NewImports,
) -> Result<Vec<ImportId>, Fault> {
    let mut seen = HashSet::new();
    let mut named = HashSet::new();
    let mut taken = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT call FROM import WHERE tenant = ?1 AND id = ?2")?;
    for row in &imports.rows {
        let holder: Option<[u8; 16]> = statement
            .query_row(params![tenant.0.as_bytes(), row.id.0.as_bytes()], |found| {
                found.get(0)
            })
            .optional()?;
        let held_by_another = holder.is_some_and(|call| call != *imports.call.0.as_bytes());
        if (!seen.insert(row.id) || held_by_another) && named.insert(row.id) {
            taken.push(row.id);
        }
    }
    Ok(taken)
}

/// The import with this id.
pub(super) fn find(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
) -> Result<Option<Import>, Fault> {
    let sql = format!(
        "SELECT {} FROM import WHERE tenant = ?1 AND id = ?2",
        row::IMPORT_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?.map(row::import).transpose()
}

/// A page of imports in the order of their ids.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    slice: Slice,
) -> Result<Page<Import>, Fault> {
    let sql = page_sql("import", row::IMPORT_COLUMNS);
    page(connection, &sql, tenant, slice, row::import)
}

/// How many imports a tenant has.
pub(super) fn count(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    count_in(
        connection,
        "SELECT count(*) FROM import WHERE tenant = ?1",
        tenant,
    )
}

/// Changes an import; one that waits is decided again.
pub(super) fn update(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
    change: ImportChange,
    write: &Write<'_>,
) -> Result<Updated, Fault> {
    let Some(mut import) = find(connection, tenant, id)? else {
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
    connection
        .prepare_cached(
            "UPDATE import SET version = ?10, attempts = 0, group_tag = ?3,
                serial_number = ?4, product_key = ?5, import_id = ?6,
                assigned_user_principal_name = ?7, hardware_len_bytes = ?8, hardware_content = ?9
             WHERE tenant = ?1 AND id = ?2",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            properties.group_tag,
            properties.serial_number,
            properties.product_key,
            properties.import_id,
            properties.assigned_user_principal_name,
            blob.map(HardwareBlob::len_bytes),
            blob.map(HardwareBlob::content),
            import.version,
        ])?;
    record(
        connection,
        tenant,
        id,
        write.actor,
        "import-changed",
        write.now,
    )?;
    Ok(Updated::Done(Box::new(import)))
}

/// Deletes an import.
pub(super) fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
    write: &Write<'_>,
) -> Result<ImportDeletion, Fault> {
    // No more is read than is needed: a row that can't be read whole can still be deleted.
    let found = connection
        .prepare_cached("SELECT state, version, call FROM import WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant.0.as_bytes(), id.0.as_bytes()], |found| {
            let phase = match found.get::<_, i64>(0)? {
                row::WAITING => Phase::Waiting,
                _ => Phase::Settled,
            };
            Ok((phase, found.get(1)?, CallId(row::guid(found, 2)?)))
        })
        .optional()?;
    let Some((phase, version, call)) = found else {
        return Ok(ImportDeletion::Absent);
    };
    if !write.precondition.holds(revision(id, call, version, phase)) {
        return Ok(ImportDeletion::ConditionNotMet);
    }
    connection
        .prepare_cached("DELETE FROM import WHERE tenant = ?1 AND id = ?2")?
        .execute(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    let action = match phase {
        Phase::Waiting => "import-withdrawn",
        Phase::Settled => "import-deleted",
    };
    record(connection, tenant, id, write.actor, action, write.now)?;
    Ok(ImportDeletion::Deleted)
}

/// Whether this import decides anything anew for the registrar.
pub(super) fn is_work(updated: &Updated) -> bool {
    matches!(updated, Updated::Done(import) if import.state == ImportState::Waiting)
}

/// The statement for a page of a table, by the keyset of (tenant, id).
pub(super) fn page_sql(table: &str, columns: &str) -> String {
    format!(
        "SELECT {columns} FROM {table} WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3 OFFSET ?4"
    )
}

/// Reads a page, and whether rows follow it.
pub(super) fn page<T>(
    connection: &Connection,
    sql: &str,
    tenant: TenantId,
    slice: Slice,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<T, Fault>,
) -> Result<Page<T>, Fault> {
    // Every GUID but the zero one, which is never a key, sorts after sixteen zeros.
    let after = slice.after.unwrap_or_default();
    let limit = i64::try_from(slice.limit).unwrap_or(i64::MAX - 1);
    let skip = i64::try_from(slice.skip).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![
        tenant.0.as_bytes(),
        after.as_bytes(),
        limit + 1,
        skip
    ])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        if rows.len() == slice.limit {
            return Ok(Page { rows, more: true });
        }
        rows.push(read(row)?);
    }
    Ok(Page { rows, more: false })
}

/// Runs a count for a tenant.
pub(super) fn count_in(connection: &Connection, sql: &str, tenant: TenantId) -> Result<u64, Fault> {
    let count: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![tenant.0.as_bytes()], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn record(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    audit::record(
        connection,
        &audit::Line {
            at,
            tenant,
            actor,
            action,
            import: Some(id),
            device: None,
            ledger_entry: None,
            detail: None,
        },
    )
}
