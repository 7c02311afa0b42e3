//! Keeping things: whole operations behind one trait, and the only room with SQL.
//!
//! Backing a database up and looking it over are no operations of a store that serves: they are
//! functions of the file, which another process may have open.
//!
//! Which rows a client may see is decided here, by the tenant that every operation takes first.
//! What a registration needs is decided in `domain::registration`, which settling calls inside
//! its transaction.

mod columns;
#[cfg(test)]
pub(crate) mod conformance;
mod database;
mod error;
pub mod examiner;
pub mod filter_sql;
pub mod moving;
mod opening;
pub mod operation;
pub mod postgres;
mod profile_numbers;
pub mod profiles;
#[cfg(test)]
mod questions;
pub mod soundness;
pub mod sqlite;
mod trigrams;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use jiff::Timestamp;

use crate::domain::{
    actor::Actor,
    assignment::Plan,
    device::{Device, DeviceId},
    field::{DeviceField, ImportField, UploadField},
    identity::LedgerEntryId,
    import::{Import, ImportChange, ImportId},
    revision::Precondition,
    tenant::TenantId,
    upload::{Upload, UploadId},
};

pub use database::{Database, POOL_SIZE, Pooling, STATEMENT_TIMEOUT};
pub use error::{StoreError, Unique};
use examiner::Examiner;
use moving::{MoveError, Moved};
pub use opening::{DatabaseKind, OpenError, Opening};
use operation::{
    AuditLine, AuditSlice, Claim, ClaimKey, DeviceCreation, DeviceDeletion, DeviceUpdated,
    DeviceWrite, Expired, Failure, Filter, ImportDeletion, LedgerEntry, LedgerQuery, Listed,
    NewDevice, NewImports, NewUpload, Page, Query, SerialDeletion, Settled, Settlement,
    TenantDeletion, TenantSummary, Updated, UploadDeletion,
};
use profiles::ProfileStore;
use soundness::{Depth, Soundness};

/// Opens the database that a url names. Which backend it is, is asked in this file only.
pub fn open(database: impl Into<Database>, opening: Opening) -> Result<Arc<dyn Store>, OpenError> {
    let database = database.into();
    if is_server(&database.url) {
        return Ok(Arc::new(postgres::PostgresStore::open(&database, opening)?));
    }
    let path = sqlite_path(&database.url)?;
    Ok(Arc::new(sqlite::SqliteStore::open(path, opening)?))
}

fn is_server(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Copies the database that a url names into an empty file, also while a server writes to it, and
/// looks the copy over. The copy holds all that was acknowledged before the call.
pub fn back_up(url: &str, to: &Path) -> Result<Soundness, OpenError> {
    if is_server(url) {
        return Err(of_its_own(
            "is backed up by PostgreSQL's own tools, such as pg_dump",
        ));
    }
    sqlite::back_up(sqlite_path(url)?, to)
}

/// Copies as `back_up` does, and does not look the copy over.
pub fn copy(url: &str, to: &Path) -> Result<(), OpenError> {
    if is_server(url) {
        return Err(of_its_own("is no file"));
    }
    sqlite::copy(sqlite_path(url)?, to)
}

/// Leaves the database that a url names as one file without a log, so that another may take its
/// place by a rename. Fails while anybody has it open.
pub fn put_at_rest(url: &str) -> Result<(), OpenError> {
    if is_server(url) {
        return Err(of_its_own("is no file"));
    }
    sqlite::put_at_rest(sqlite_path(url)?)
}

/// Looks over the database that a url names, also while a server writes to it.
pub fn inspect(url: &str, depth: Depth) -> Result<Soundness, OpenError> {
    if is_server(url) {
        return Err(of_its_own(
            "is looked over by PostgreSQL's own tools, such as pg_amcheck",
        ));
    }
    sqlite::inspect(sqlite_path(url)?, depth)
}

/// Moves every row of one database into another, empty one, of which one is a file and one on a
/// server. A move that was interrupted goes on.
pub async fn move_data(
    from: &Database,
    to: &Database,
    rows_in_a_step: usize,
    notice: moving::Notice<'_>,
) -> Result<Moved, MoveError> {
    // The source first: where there is none, no target is made.
    let (mut source, mut target): (Box<dyn moving::Side>, Box<dyn moving::Side>) =
        match (is_server(&from.url), is_server(&to.url)) {
            (false, true) => {
                let source = sqlite::SqliteSide::source(sqlite_path(&from.url)?)?;
                (
                    Box::new(source),
                    Box::new(postgres::PostgresSide::target(to).await?),
                )
            }
            (true, false) => {
                let path = sqlite_path(&to.url)?;
                let source = postgres::PostgresSide::source(from).await?;
                (
                    Box::new(source),
                    Box::new(sqlite::SqliteSide::target(path)?),
                )
            }
            (false, false) => {
                sqlite_path(&from.url)?;
                sqlite_path(&to.url)?;
                let sentence = "both databases are SQLite files: `hangar backup` copies one";
                return Err(MoveError::Refused(sentence.to_owned()));
            }
            (true, true) => {
                let sentence = "both databases are PostgreSQL's: its own `pg_dump` and \
                                `pg_restore` copy one";
                return Err(MoveError::Refused(sentence.to_owned()));
            }
        };
    let moved = moving::Move {
        source: source.as_mut(),
        target: target.as_mut(),
        rows_in_a_step,
        notice,
    };
    moved.run().await
}

/// The file that a url names, if it names one.
pub fn file_of(url: &str) -> Option<&Path> {
    sqlite_path(url).ok()
}

fn of_its_own(reason: &str) -> OpenError {
    OpenError::Server {
        place: "on a server".to_owned(),
        reason: reason.to_owned(),
    }
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

    /// A page of imports.
    fn list_imports(
        &self,
        tenant: TenantId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>>;

    /// How many imports a filter takes; without one, how many there are.
    fn count_imports(&self, tenant: TenantId, filter: Filter<ImportField>) -> Answer<'_, u64>;

    /// Changes an import. One that waits is decided again, on its new values.
    fn update_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        change: ImportChange,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Updated>;

    /// Deletes an import. Before settling that withdraws it; afterwards its device stays.
    fn delete_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ImportDeletion>;

    /// Makes an upload with its imports: all of it, or nothing. An upload's id that is taken in
    /// this tenant is `StoreError::Conflict`, and so are imports' ids.
    fn create_upload(&self, tenant: TenantId, new: NewUpload) -> Answer<'_, ()>;

    /// The upload with this id.
    fn upload(&self, tenant: TenantId, id: UploadId) -> Answer<'_, Option<Upload>>;

    /// A page of uploads.
    fn list_uploads(
        &self,
        tenant: TenantId,
        query: Query<UploadField>,
    ) -> Answer<'_, Listed<Upload>>;

    /// How many uploads a filter takes; without one, how many there are.
    fn count_uploads(&self, tenant: TenantId, filter: Filter<UploadField>) -> Answer<'_, u64>;

    /// Takes a step of an upload's deletion: up to `limit` of its imports that wait are withdrawn,
    /// as many that are settled stay without it, and it is gone once it has none.
    fn delete_upload(
        &self,
        tenant: TenantId,
        id: UploadId,
        limit: usize,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, UploadDeletion>;

    /// Accepts imports into an upload, as `create_imports` does; false where there is no such
    /// upload.
    fn create_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        imports: NewImports,
    ) -> Answer<'_, bool>;

    /// A page of an upload's imports.
    fn list_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>>;

    /// How many of an upload's imports a filter takes; without one, how many it has.
    fn count_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        filter: Filter<ImportField>,
    ) -> Answer<'_, u64>;

    /// Whether an import came in this upload.
    fn upload_holds(
        &self,
        tenant: TenantId,
        upload: UploadId,
        import: ImportId,
    ) -> Answer<'_, bool>;

    /// The device with this id.
    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>>;

    /// A page of devices. A query that names nothing of what follows from the tenant's plan may come
    /// with any, such as the default.
    fn list_devices(
        &self,
        tenant: TenantId,
        query: Query<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, Listed<Device>>;

    /// How many devices a filter takes; without one, how many there are. The plan is as for a page.
    fn count_devices(
        &self,
        tenant: TenantId,
        filter: Filter<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, u64>;

    /// Registers a device of which there is no hash, decided as an import is. A request that was
    /// accepted before is accepted again, and changes nothing.
    fn create_device(&self, tenant: TenantId, new: NewDevice) -> Answer<'_, DeviceCreation>;

    /// Changes a device: all that the write names, or nothing.
    fn update_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        write: DeviceWrite,
    ) -> Answer<'_, DeviceUpdated>;

    /// Deletes a device and frees its hardware for any tenant.
    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion>;

    /// Deletes the devices with these serial numbers, in one transaction, and says of each number
    /// in its order what became of it. A number that several devices share deletes none.
    fn delete_devices(
        &self,
        tenant: TenantId,
        serial_numbers: Vec<String>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Vec<SerialDeletion>>;

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

    /// Takes a step of the deletion of settled imports, of all tenants: up to `limit` of those that
    /// were settled until `settled_until` are gone, the oldest first. Their devices stay, and
    /// uploads stand where they stood.
    fn expire_imports(
        &self,
        settled_until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, Expired>;

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
    /// what is remembered of deleted ones, then its uploads. Audit lines stay. Removing nothing means that nothing
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

    /// From now on what is accepted may be settled by the transaction that accepts it, as far as this
    /// examiner reads it; nobody reads it without one. A store need not: it leaves imports to be
    /// claimed.
    fn settle_at_once(&self, examiner: Option<Arc<dyn Examiner>>) {
        drop(examiner);
    }

    /// Runs `begin`, which polls futures of this store. The writes that begin in it reach the disk
    /// together, where the backend can do so; each still succeeds or fails by itself. Others may
    /// have to wait meanwhile, so `begin` should do nothing else.
    fn together(&self, begin: &mut dyn FnMut()) {
        begin();
    }

    /// The secret with which page links are signed, made with the database.
    fn paging_secret(&self) -> &[u8; 32];

    /// Proves that reads and writes are possible, for readiness.
    fn check(&self) -> Answer<'_, ()>;

    /// Answers what was accepted, then closes. Later operations fail with `Unavailable`.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
