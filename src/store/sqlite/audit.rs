//! The audit table: who did what to which import, device and ledger line.

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, Row, params};

use super::{fault::Fault, row};
use crate::{
    domain::{
        actor::Actor, device::DeviceId, identity::LedgerEntryId, import::ImportId, tenant::TenantId,
    },
    store::operation::{AuditLine, AuditSlice, Page},
};

/// One line of the audit table. What an action does not touch is `None`.
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    pub(super) tenant: TenantId,
    pub(super) actor: &'a Actor,
    pub(super) action: &'static str,
    pub(super) import: Option<ImportId>,
    pub(super) device: Option<DeviceId>,
    pub(super) ledger_entry: Option<LedgerEntryId>,
    /// Why, in stable words; never anything that a client sent.
    pub(super) detail: Option<&'a str>,
}

/// Adds a line.
pub(super) fn record(connection: &Connection, line: &Line<'_>) -> rusqlite::Result<()> {
    Recorder::prepare(connection)?.record(line)
}

/// Adds lines.
pub(super) struct Recorder<'a>(CachedStatement<'a>);

impl<'a> Recorder<'a> {
    /// Makes ready for many lines.
    pub(super) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        let statement = connection.prepare_cached(
            "INSERT INTO audit (at, tenant, actor_kind, actor_id, application, action, import,
                device, ledger_entry, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        );
        statement.map(Self)
    }

    /// Adds a line.
    pub(super) fn record(&mut self, line: &Line<'_>) -> rusqlite::Result<()> {
        self.0
            .execute(params![
                line.at.as_microsecond(),
                line.tenant.0.as_bytes(),
                line.actor.kind.as_str(),
                line.actor.id,
                line.actor.application,
                line.action,
                line.import.as_ref().map(|id| id.0.as_bytes()),
                line.device.as_ref().map(|id| id.0.as_bytes()),
                line.ledger_entry.as_ref().map(|id| id.0.as_bytes()),
                line.detail,
            ])
            .map(|_| ())
    }
}

/// A page of a tenant's lines, in the order in which they were added.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    slice: AuditSlice,
) -> Result<Page<AuditLine>, Fault> {
    let limit = i64::try_from(slice.limit).unwrap_or(i64::MAX - 1);
    // By `seq`: an export reads all pages, which together pass the table once.
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, actor_kind, actor_id, application, action, import, device, ledger_entry,
            detail
         FROM audit WHERE seq > ?2 AND tenant = ?1 ORDER BY seq LIMIT ?3",
    )?;
    let mut found = statement.query(params![tenant.0.as_bytes(), slice.after, limit + 1])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        if rows.len() == slice.limit {
            return Ok(Page { rows, more: true });
        }
        rows.push(read(row)?);
    }
    Ok(Page { rows, more: false })
}

fn read(row: &Row<'_>) -> Result<AuditLine, Fault> {
    Ok(AuditLine {
        seq: row.get(0)?,
        at: row::timestamp(row.get(1)?)?,
        actor_kind: row.get(2)?,
        actor_id: row.get(3)?,
        application: row.get(4)?,
        action: row.get(5)?,
        import: row::optional_guid(row, 6)?.map(ImportId),
        device: row::optional_guid(row, 7)?.map(DeviceId),
        ledger_entry: row::optional_guid(row, 8)?.map(LedgerEntryId),
        detail: row.get(9)?,
    })
}
