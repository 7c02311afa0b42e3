//! The store on SQLite: one writer that commits in groups, readers apart.
//!
//! Only this room names rusqlite. The file is opened in `open`, what each operation does stands
//! in the file of its noun.

mod assignments;
mod audit;
mod backup;
mod devices;
mod fault;
mod imports;
mod inspect;
mod leases;
mod ledger;
mod open;
mod profile_row;
mod profiles;
mod queue;
mod readers;
mod row;
mod sync;
mod tenants;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    Answer, Store,
    operation::{
        AuditLine, AuditSlice, Claim, ClaimKey, DeviceDeletion, Failure, LedgerEntry, LedgerQuery,
        NewImports, Page, Settled, Settlement, Slice, TenantDeletion, TenantSummary, Updated,
    },
};
use crate::domain::{
    actor::Actor,
    device::{Device, DeviceId},
    identity::LedgerEntryId,
    import::{Import, ImportChange, ImportId},
    tenant::TenantId,
};
pub(super) use backup::back_up;
pub(super) use inspect::inspect;
use leases::Leases;
use open::Opener;
pub use open::{DatabaseKind, OpenError, Opening};
use readers::Readers;
use writer::Writer;

/// How many connections read at once.
const READERS: usize = 4;

/// A store in one SQLite file.
pub struct SqliteStore {
    writer: Arc<Writer>,
    readers: Readers,
    leases: Arc<Mutex<Leases>>,
    work: Arc<Notify>,
    paging_secret: [u8; 32],
}

impl SqliteStore {
    /// Opens the file at this path.
    pub fn open(path: &Path, opening: Opening) -> Result<Self, OpenError> {
        Self::open_with(Opener::new(path.to_owned(), None), opening)
    }

    /// Opens a file that may not grow beyond so many pages, as a full disk would not let it.
    #[cfg(test)]
    pub(crate) fn open_limited(path: &Path, max_pages: u32) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), Some(max_pages));
        Self::open_with(opener, Opening::Serve(DatabaseKind::Production))
    }

    fn open_with(opener: Opener, opening: Opening) -> Result<Self, OpenError> {
        let connection = match opening {
            Opening::Serve(kind) => opener.create(kind)?,
            Opening::Administer => opener.existing()?,
        };
        let paging_secret =
            open::paging_secret(&connection).map_err(|error| opener.sqlite(error))?;
        let readers = (0..READERS)
            .map(|_| opener.reader())
            .collect::<Result<_, _>>()?;
        let writer = Writer::start(opener, connection).map_err(|error| OpenError::Io {
            path: "the writer's thread".into(),
            error,
        })?;
        Ok(Self {
            writer: Arc::new(writer),
            readers: Readers::new(readers),
            leases: Arc::default(),
            work: Arc::default(),
            paging_secret,
        })
    }

    fn lock_leases(&self) -> std::sync::MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About how much memory a request's rows hold while they wait for the writer, in KiB.
fn weight_kib(imports: &NewImports) -> u32 {
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

impl Store for SqliteStore {
    fn create_imports(&self, tenant: TenantId, imports: NewImports) -> Answer<'_, ()> {
        Box::pin(async move {
            let weight_kib = weight_kib(&imports);
            self.writer
                .run(weight_kib, move |connection| {
                    imports::create(connection, tenant, &imports)
                })
                .await?;
            self.work.notify_one();
            Ok(())
        })
    }

    fn import(&self, tenant: TenantId, id: ImportId) -> Answer<'_, Option<Import>> {
        Box::pin(
            self.readers
                .run(move |connection| imports::find(connection, tenant, id)),
        )
    }

    fn list_imports(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Import>> {
        Box::pin(
            self.readers
                .run(move |connection| imports::list(connection, tenant, slice)),
        )
    }

    fn count_imports(&self, tenant: TenantId) -> Answer<'_, u64> {
        Box::pin(
            self.readers
                .run(move |connection| imports::count(connection, tenant)),
        )
    }

    fn update_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        change: ImportChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Updated> {
        Box::pin(async move {
            let updated = self
                .writer
                .run(16, move |connection| {
                    imports::update(connection, tenant, id, change, &actor, now)
                })
                .await?;
            if imports::is_work(&updated) {
                self.work.notify_one();
            }
            Ok(updated)
        })
    }

    fn delete_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        Box::pin(async move {
            let deleted = self
                .writer
                .run(1, move |connection| {
                    imports::delete(connection, tenant, id, &actor, now)
                })
                .await?;
            // The id is free again; a new import under it must not wait for the old claim. Whoever
            // saw it claimed looks again.
            self.lock_leases().forget((tenant, id));
            self.work.notify_one();
            Ok(deleted)
        })
    }

    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>> {
        Box::pin(
            self.readers
                .run(move |connection| devices::find(connection, tenant, id)),
        )
    }

    fn list_devices(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Device>> {
        Box::pin(
            self.readers
                .run(move |connection| devices::list(connection, tenant, slice)),
        )
    }

    fn count_devices(&self, tenant: TenantId) -> Answer<'_, u64> {
        Box::pin(
            self.readers
                .run(move |connection| devices::count(connection, tenant)),
        )
    }

    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion> {
        Box::pin(self.writer.run(1, move |connection| {
            devices::delete(connection, tenant, id, &actor, now)
        }))
    }

    fn claim(&self, accepted_until: Timestamp, limit: usize) -> Answer<'_, Vec<Claim>> {
        let leases = Arc::clone(&self.leases);
        Box::pin(
            self.readers
                .run(move |connection| queue::claim(connection, &leases, accepted_until, limit)),
        )
    }

    fn settle(&self, settlements: Vec<Settlement>, now: Timestamp) -> Answer<'_, Vec<Settled>> {
        Box::pin(async move {
            let keys: Vec<ClaimKey> = settlements.iter().map(|one| one.key).collect();
            let leases = Arc::clone(&self.leases);
            let weight_kib = u32::try_from(settlements.len()).unwrap_or(u32::MAX);
            let settled = self
                .writer
                .run(weight_kib, move |connection| {
                    queue::settle(connection, &leases, &settlements, now)
                })
                .await?;
            let mut leases = self.lock_leases();
            for key in keys {
                leases.end((key.tenant, key.id), key.token);
            }
            drop(leases);
            if settled.contains(&Settled::Superseded) {
                self.work.notify_one();
            }
            Ok(settled)
        })
    }

    fn relinquish(&self, claims: Vec<ClaimKey>) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut leases = self.lock_leases();
            for key in claims {
                leases.lapse((key.tenant, key.id), key.token, Instant::now());
            }
            drop(leases);
            self.work.notify_one();
            Ok(())
        })
    }

    fn fail(&self, claim: ClaimKey, failure: Failure, now: Timestamp) -> Answer<'_, Settled> {
        Box::pin(async move {
            let back_off = failure.back_off;
            let leases = Arc::clone(&self.leases);
            let settled = self
                .writer
                .run(1, move |connection| {
                    queue::fail(connection, &leases, &claim, &failure, now)
                })
                .await?;
            let key = (claim.tenant, claim.id);
            let mut leases = self.lock_leases();
            if settled == Settled::Retried {
                leases.lapse(key, claim.token, Instant::now() + back_off);
            } else {
                leases.end(key, claim.token);
            }
            drop(leases);
            self.work.notify_one();
            Ok(settled)
        })
    }

    fn oldest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        let leases = Arc::clone(&self.leases);
        Box::pin(
            self.readers
                .run(move |connection| queue::oldest_waiting(connection, &leases)),
        )
    }

    fn count_waiting(&self) -> Answer<'_, u64> {
        Box::pin(self.readers.run(queue::count_waiting))
    }

    fn wait_for_work(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let next_lapse = self.lock_leases().next_lapse();
            let Some(next_lapse) = next_lapse else {
                return self.work.notified().await;
            };
            tokio::select! {
                () = self.work.notified() => {}
                () = tokio::time::sleep_until(next_lapse.into()) => {}
            }
        })
    }

    fn find_ledger_entries(&self, query: LedgerQuery) -> Answer<'_, Vec<LedgerEntry>> {
        Box::pin(
            self.readers
                .run(move |connection| ledger::find(connection, &query)),
        )
    }

    fn release_ledger_entry(
        &self,
        entry: LedgerEntryId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        Box::pin(self.writer.run(1, move |connection| {
            match ledger::owner(connection, entry)? {
                Some((tenant, device)) => {
                    devices::remove(connection, tenant, device, &actor, "ledger-released", now)
                }
                None => Ok(false),
            }
        }))
    }

    fn list_tenants(&self) -> Answer<'_, Vec<TenantSummary>> {
        Box::pin(self.readers.run(tenants::list))
    }

    fn delete_tenant_rows(
        &self,
        tenant: TenantId,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, TenantDeletion> {
        Box::pin(self.delete_rows_of(tenant, limit, actor, now))
    }

    fn list_audit(&self, tenant: TenantId, slice: AuditSlice) -> Answer<'_, Page<AuditLine>> {
        Box::pin(
            self.readers
                .run(move |connection| audit::list(connection, tenant, slice)),
        )
    }

    fn paging_secret(&self) -> &[u8; 32] {
        &self.paging_secret
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.readers
                .run(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
                .await?;
            // A row is written over by itself: an empty commit would not touch the disk.
            self.writer
                .run(1, |connection| {
                    let rewrite = "UPDATE meta SET value = value WHERE key = 'kind'";
                    Ok(connection.prepare_cached(rewrite)?.execute([]).map(drop)?)
                })
                .await
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let writer = Arc::clone(&self.writer);
            // Joining the thread blocks until what was accepted is on disk.
            let _ = tokio::task::spawn_blocking(move || writer.close()).await;
            self.readers.close();
        })
    }
}

/// A store that is dropped without `close` still finishes what it accepted.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer.close();
    }
}
