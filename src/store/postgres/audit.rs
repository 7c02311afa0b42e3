//! The audit table: who did what to which import, device and ledger line.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    fault::Fault,
    pool::{Session, Transaction},
    row::{self, bounded, get},
};
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
    pub(super) detail: Option<String>,
}

/// Adds lines, in their order.
pub(super) async fn record(transaction: &Transaction, lines: &[Line<'_>]) -> Result<(), Fault> {
    if lines.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = all(lines, |line| line.tenant.0);
    let instants: Vec<i64> = all(lines, |line| line.at.as_microsecond());
    let kinds: Vec<&str> = all(lines, |line| line.actor.kind.as_str());
    let ids: Vec<&str> = all(lines, |line| line.actor.id.as_str());
    let applications: Vec<Option<&str>> = all(lines, |line| line.actor.application.as_deref());
    let actions: Vec<&str> = all(lines, |line| line.action);
    let imports: Vec<Option<Uuid>> = all(lines, |line| line.import.map(|id| id.0));
    let devices: Vec<Option<Uuid>> = all(lines, |line| line.device.map(|id| id.0));
    let entries: Vec<Option<Uuid>> = all(lines, |line| line.ledger_entry.map(|id| id.0));
    let details: Vec<Option<&str>> = all(lines, |line| line.detail.as_deref());
    transaction
        .execute(
            "INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import,
                device, ledger_entry, detail)
             SELECT tenant, at, kind, actor, application, action, import, device, entry, detail
             FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::uuid[], $8::uuid[], $9::uuid[], $10::text[]) WITH ORDINALITY
                AS line (tenant, at, kind, actor, application, action, import, device, entry,
                    detail, place)
             ORDER BY place",
            &[
                &tenants,
                &instants,
                &kinds,
                &ids,
                &applications,
                &actions,
                &imports,
                &devices,
                &entries,
                &details,
            ],
        )
        .await?;
    Ok(())
}

fn all<'a, T>(lines: &'a [Line<'_>], of: impl Fn(&'a Line<'a>) -> T) -> Vec<T> {
    lines.iter().map(of).collect()
}

/// A page of a tenant's lines, in the order in which they were added.
pub(super) async fn list(
    session: &Session,
    tenant: TenantId,
    slice: AuditSlice,
) -> Result<Page<AuditLine>, Fault> {
    let rows = session
        .query(
            "SELECT seq, at, actor_kind, actor_id, application, action, import, device,
                ledger_entry, detail
             FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            &[
                &tenant.0,
                &slice.after,
                &bounded(slice.limit).saturating_add(1),
            ],
        )
        .await?;
    let more = rows.len() > slice.limit;
    let rows = rows.iter().take(slice.limit).map(read);
    Ok(Page {
        rows: rows.collect::<Result<_, _>>()?,
        more,
    })
}

fn read(row: &Row) -> Result<AuditLine, Fault> {
    Ok(AuditLine {
        seq: get(row, "seq")?,
        at: row::timestamp(get(row, "at")?)?,
        actor_kind: get(row, "actor_kind")?,
        actor_id: get(row, "actor_id")?,
        application: get(row, "application")?,
        action: get(row, "action")?,
        import: get::<Option<Uuid>>(row, "import")?.map(ImportId),
        device: get::<Option<Uuid>>(row, "device")?.map(DeviceId),
        ledger_entry: get::<Option<Uuid>>(row, "ledger_entry")?.map(LedgerEntryId),
        detail: get(row, "detail")?,
    })
}
