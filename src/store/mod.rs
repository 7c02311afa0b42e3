//! Keeping things: whole operations behind one trait, and the only room with SQL.
//!
//! Backing a database up and looking it over are no operations of a store that serves: they are
//! functions of the file, which another process may have open.
//!
//! Which rows a client may see is decided here, by the tenant that every operation takes first.
//! What a registration needs is decided in `domain::registration`, which settling calls inside
//! its transaction.

#[cfg(test)]
pub(crate) mod conformance;
mod error;
pub mod operation;
pub mod profiles;
pub mod soundness;
pub mod sqlite;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use jiff::Timestamp;

use crate::domain::{
    actor::Actor,
    device::{Device, DeviceId},
    identity::LedgerEntryId,
    import::{Import, ImportChange, ImportId},
    tenant::TenantId,
};

pub use error::{StoreError, Unique};
use operation::{
    AuditLine, AuditSlice, Claim, ClaimKey, DeviceDeletion, Failure, LedgerEntry, LedgerQuery,
    NewImports, Page, Settled, Settlement, Slice, TenantDeletion, TenantSummary, Updated,
};
use profiles::ProfileStore;
use soundness::{Depth, Soundness};
pub use sqlite::{DatabaseKind, OpenError, Opening};

/// Opens the database that a url names. Which backend it is, is asked in this file only.
pub fn open(url: &str, opening: Opening) -> Result<Arc<dyn Store>, OpenError> {
    let path = sqlite_path(url)?;
    Ok(Arc::new(sqlite::SqliteStore::open(path, opening)?))
}

/// Copies the database that a url names into an empty file, also while a server writes to it, and
/// looks the copy over. The copy holds all that was acknowledged before the call.
pub fn back_up(url: &str, to: &Path) -> Result<Soundness, OpenError> {
    sqlite::back_up(sqlite_path(url)?, to)
}

/// Looks over the database that a url names, also while a server writes to it.
pub fn inspect(url: &str, depth: Depth) -> Result<Soundness, OpenError> {
    sqlite::inspect(sqlite_path(url)?, depth)
}

fn sqlite_path(url: &str) -> Result<&Path, OpenError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => Ok(Path::new(path)),
        // The rest of the url may hold a password.
        Some((scheme, _)) => Err(OpenError::Scheme(format!("{scheme}://…"))),
        None => Err(OpenError::Scheme("a text without ://".to_owned())),
    }
}

/// What every operation returns: one allocation, so that backends stay behind a pointer.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps imports, devices and the ledger of who owns which hardware.
///
/// Nothing is answered before it is on disk. A row of another tenant is as absent as one that
/// never was.
pub trait Store: ProfileStore + Send + Sync {
    /// Accepts imports: all of them, or none. Ids that are taken in this tenant are
    /// `StoreError::Conflict`, which names each once, in the order of the rows that it refuses.
    /// A call that was accepted before is accepted again, and changes nothing.
    fn create_imports(&self, tenant: TenantId, imports: NewImports) -> Answer<'_, ()>;

    /// The import with this id.
    fn import(&self, tenant: TenantId, id: ImportId) -> Answer<'_, Option<Import>>;

    /// A page of imports, in the order of their ids.
    fn list_imports(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Import>>;

    /// How many imports there are.
    fn count_imports(&self, tenant: TenantId) -> Answer<'_, u64>;

    /// Changes an import. One that waits is decided again, on its new values.
    fn update_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        change: ImportChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Updated>;

    /// Deletes an import; false where there is none. Before settling that withdraws it;
    /// afterwards its device stays.
    fn delete_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool>;

    /// The device with this id.
    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>>;

    /// A page of devices, in the order of their ids.
    fn list_devices(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Device>>;

    /// How many devices there are.
    fn count_devices(&self, tenant: TenantId) -> Answer<'_, u64>;

    /// Deletes a device and frees its hardware for any tenant.
    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion>;

    /// Takes waiting imports that were accepted until `accepted_until`, oldest first, at most
    /// `limit`. Nobody else gets them until their lease lapses. An import whose last claim came to
    /// nothing is handed out alone.
    fn claim(&self, accepted_until: Timestamp, limit: usize) -> Answer<'_, Vec<Claim>>;

    /// Decides claimed imports in their order and records the outcomes in one transaction. An
    /// import that was changed, withdrawn or claimed again since is left as it is.
    fn settle(&self, settlements: Vec<Settlement>, now: Timestamp) -> Answer<'_, Vec<Settled>>;

    /// Gives claims back whose batch came to nothing; each is then claimed alone.
    fn relinquish(&self, claims: Vec<ClaimKey>) -> Answer<'_, ()>;

    /// Counts a failure of an import that was claimed alone; the last one allowed settles it as
    /// refused with `StorageError`.
    fn fail(&self, claim: ClaimKey, failure: Failure, now: Timestamp) -> Answer<'_, Settled>;

    /// When the oldest import that nobody has claimed was accepted.
    fn oldest_waiting(&self) -> Answer<'_, Option<Timestamp>>;

    /// How many imports wait, over all tenants.
    fn count_waiting(&self) -> Answer<'_, u64>;

    /// Completes when work may have arrived since the last call.
    fn wait_for_work(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Finds hardware in the ledger, for administrators. At most 1,000 entries.
    fn find_ledger_entries(&self, query: LedgerQuery) -> Answer<'_, Vec<LedgerEntry>>;

    /// Frees hardware for any tenant and removes its device; false where nobody owns it.
    fn release_ledger_entry(
        &self,
        entry: LedgerEntryId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool>;

    /// Every tenant that has anything here, in the order of their ids.
    fn list_tenants(&self) -> Answer<'_, Vec<TenantSummary>>;

    /// Removes up to so many rows of a tenant, and frees the hardware of the devices among them for
    /// any tenant: its imports first, so that none is registered meanwhile, then its devices, then
    /// what is remembered of deleted ones. Audit lines stay. Removing nothing means that nothing
    /// is left.
    fn delete_tenant_rows(
        &self,
        tenant: TenantId,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, TenantDeletion>;

    /// A page of a tenant's audit lines, oldest first.
    fn list_audit(&self, tenant: TenantId, slice: AuditSlice) -> Answer<'_, Page<AuditLine>>;

    /// The secret with which page links are signed, made with the database.
    fn paging_secret(&self) -> &[u8; 32];

    /// Proves that reads and writes are possible, for readiness.
    fn check(&self) -> Answer<'_, ()>;

    /// Answers what was accepted, then closes. Later operations fail with `Unavailable`.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
