//! Imports: accepting, reading, changing and withdrawing them.

use std::collections::HashSet;

use jiff::Timestamp;
use odata::{Comparison, Condition, Literal, Operand};
use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use super::{
    at_once::Examined,
    audit,
    collection::Collection,
    fault::{Fault, is_taken},
    leases::Seq,
    row,
    search::{Candidates, Hint, Search},
};
use crate::{
    domain::{
        actor::Actor,
        device::DeviceId,
        field::ImportField,
        hardware_blob::HardwareBlob,
        import::{CallId, Import, ImportChange, ImportId, ImportState, Phase, revision},
        revision::Precondition,
        tenant::TenantId,
        upload::UploadId,
    },
    store::{
        StoreError, Unique, columns,
        filter_sql::Dialect,
        operation::{ImportDeletion, NewImport, NewImports, Updated},
    },
};

/// How imports are listed.
pub(super) const COLLECTION: Collection<ImportField, Import> = Collection {
    table: "import",
    columns: row::IMPORT_COLUMNS,
    column_of: |field| columns::import(Dialect::Sqlite, field),
    read: row::import,
    search: Some(Search {
        is_serial: |field| field == ImportField::SerialNumber,
        by_serial: "import_by_serial",
        reads_late: true,
        trigrams: Candidates {
            keys: "SELECT rowid & 1099511627775 AS candidate FROM import_serial
                WHERE import_serial MATCH :match
                    AND rowid >= (SELECT number << 40 FROM search_tenant WHERE tenant = :tenant)
                    AND rowid < (SELECT (number + 1) << 40 FROM search_tenant
                        WHERE tenant = :tenant)
                UNION SELECT seq FROM import NOT INDEXED
                    WHERE seq > (SELECT imports_upto FROM search_progress) AND tenant = :tenant
                UNION SELECT import_seq FROM search_change
                    WHERE import_seq IS NOT NULL AND added = 1 AND tenant = :tenant",
            probe: "SELECT 1 FROM import_serial
                WHERE import_serial MATCH :match
                    AND rowid >= (SELECT number << 40 FROM search_tenant WHERE tenant = :tenant)
                    AND rowid < (SELECT (number + 1) << 40 FROM search_tenant
                        WHERE tenant = :tenant)",
            join: "import.seq = candidate",
        },
        hint,
    }),
};

/// Imports that wait are few, unless the registrar is far behind.
const WAITING: Candidates = Candidates {
    keys: "SELECT seq AS candidate FROM import INDEXED BY import_waiting
        WHERE state = 0 AND tenant = :tenant",
    probe: "SELECT 1 FROM import INDEXED BY import_waiting WHERE state = 0 AND tenant = :tenant",
    join: "import.seq = candidate",
};

/// Which imports a condition can be true of, if they are of one state.
fn hint(condition: &Condition<ImportField>) -> Option<Hint> {
    const REFUSED: Hint = Hint::Partial {
        index: "import_refused",
        condition: "state = 4",
    };

    let Condition::Compare {
        operator,
        left: Operand::Field(property),
        right: Operand::Literal(literal),
    } = condition
    else {
        return None;
    };
    match (property.field, operator, literal) {
        (ImportField::Status, Comparison::Equal, Literal::Enum(_, number)) => {
            match i64::from(*number) {
                row::WAITING => Some(Hint::Among(WAITING)),
                row::REFUSED => Some(REFUSED),
                _ => None,
            }
        }
        // Only refused imports have a code.
        (ImportField::ErrorCode, Comparison::Equal, Literal::Integer(code)) if *code != 0 => {
            Some(REFUSED)
        }
        (
            ImportField::ErrorCode,
            Comparison::NotEqual | Comparison::Greater,
            Literal::Integer(0),
        ) => Some(REFUSED),
        _ => None,
    }
}

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

/// Accepts all rows, or none, into an upload if there is one, and says as which rows of the table;
/// none of them is new where the request was accepted before. A single row that is not accepted has
/// written nothing. What was examined is accepted as complete, which has to be made true, or undone,
/// in the same transaction.
pub(super) fn create(
    connection: &Connection,
    tenant: TenantId,
    imports: &NewImports,
    upload: Option<UploadId>,
    examined: &Examined,
) -> Result<Vec<Seq>, Fault> {
    let mut statement = connection.prepare_cached(INSERT)?;
    let mut audit = audit::Recorder::prepare(connection)?;
    let mut accepted = Vec::with_capacity(imports.rows.len());
    for (index, row) in imports.rows.iter().enumerate() {
        let device = examined.device(index);
        match insert(&mut statement, tenant, imports, row, (upload, device)) {
            Ok(seq) => {
                accepted.push(seq);
                audit
                    .record(&line(
                        tenant,
                        row.id,
                        &imports.actor,
                        "import-created",
                        imports.accepted_at,
                    ))
                    .map_err(|error| Fault::torn(&error))?;
            }
            Err(error) if is_taken(&error) => {
                let taken = taken_ids(connection, tenant, imports)?;
                if taken.is_empty() {
                    // All that stands is of this very request: it was accepted before, by an
                    // attempt whose outcome its sender never learned.
                    return Ok(Vec::new());
                }
                return Err(StoreError::Conflict(Unique::ImportIds(taken)).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(accepted)
}

const INSERT: &str = "INSERT INTO import (tenant, id, call, accepted_at, group_tag, serial_number,
        product_key, import_id, assigned_user_principal_name, hardware_len_bytes,
        hardware_content, upload, state, device, settled_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

fn insert(
    statement: &mut Statement<'_>,
    tenant: TenantId,
    imports: &NewImports,
    new: &NewImport,
    (upload, device): (Option<UploadId>, Option<DeviceId>),
) -> rusqlite::Result<Seq> {
    let properties = &new.properties;
    let blob = properties.hardware_blob.as_ref();
    statement.insert(params![
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
        device.map_or(row::WAITING, |_| row::COMPLETE),
        device.as_ref().map(|id| id.0.as_bytes()),
        device.map(|_| imports.accepted_at.as_microsecond()),
    ])
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

fn record(
    connection: &Connection,
    tenant: TenantId,
    id: ImportId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    audit::record(connection, &line(tenant, id, actor, action, at))
}

fn line<'a>(
    tenant: TenantId,
    id: ImportId,
    actor: &'a Actor,
    action: &'static str,
    at: Timestamp,
) -> audit::Line<'a> {
    audit::Line {
        at,
        tenant,
        actor,
        action,
        import: Some(id),
        device: None,
        ledger_entry: None,
        detail: None,
    }
}
