//! The audit table: who did what to which import, device and ledger line.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::domain::{
    actor::Actor, device::DeviceId, identity::LedgerEntryId, import::ImportId, tenant::TenantId,
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
    connection
        .prepare_cached(
            "INSERT INTO audit (at, tenant, actor_kind, actor_id, application, action, import,
                device, ledger_entry, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
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
