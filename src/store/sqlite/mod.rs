//! The store on SQLite: one writer that commits in groups, readers apart.
//!
//! Only this room names rusqlite. The file is opened in `open`, the store in `start`, and what each
//! operation does stands in the file of its noun.

mod assignments;
mod at_once;
mod audit;
mod backup;
mod collection;
mod devices;
mod expiry;
mod fault;
mod imports;
mod inspect;
mod leases;
mod ledger;
mod moving;
mod open;
mod profile_row;
mod profiles;
mod queue;
mod readers;
mod row;
mod search;
mod slices;
mod start;
mod sync;
mod tenants;
#[cfg(test)]
mod tests;
mod uploads;
mod writer;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64},
    time::Instant,
};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::Notify;

pub use super::opening::{DatabaseKind, OpenError, Opening};
use super::{
    Answer, Store, StoreError,
    examiner::Examiner,
    operation::{
        AuditLine, AuditSlice, Claim, ClaimKey, DeviceCreation, DeviceDeletion, DeviceUpdated,
        DeviceWrite, Expired, Failure, Filter, ImportDeletion, LedgerEntry, LedgerQuery, Listed,
        NewDevice, NewImports, NewUpload, Page, Query, SerialDeletion, Settled, Settlement,
        TenantDeletion, TenantSummary, Updated, UploadDeletion,
    },
};
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
use at_once::{AtOnce, Examined};
pub(super) use backup::{back_up, copy_whole as copy, put_at_rest};
use fault::Fault;
pub(super) use inspect::inspect;
use leases::Leases;
use leases::Seq;
use ledger::{FreshKeys, fresh_keys};
pub(super) use moving::SqliteSide;
#[cfg(test)]
pub(super) use moving::ask;
use readers::Readers;
use writer::{Undo, Writer};

/// A store in one SQLite file.
pub struct SqliteStore {
    writer: Arc<Writer>,
    readers: Readers,
    leases: Arc<Mutex<Leases>>,
    fresh_keys: Arc<FreshKeys>,
    at_once: Arc<AtOnce>,
    work: Arc<Notify>,
    /// Up to which import the deletion of old ones has come.
    expired_upto: AtomicI64,
    paging_secret: [u8; 32],
}

impl SqliteStore {
    /// Accepts a request's imports, by an operation that says as which rows of the table. They are
    /// settled in its group if they can be.
    async fn accept<T: Send + 'static>(
        &self,
        tenant: TenantId,
        imports: NewImports,
        undo: Undo,
        create: impl FnOnce(&Connection, &NewImports, &Examined) -> Result<(Vec<Seq>, T), Fault>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let examined = self.at_once.examine(tenant, &imports).await;
        let weight_kib = imports::weight_kib(&imports) + examined.weight_kib();
        let at_once = Arc::clone(&self.at_once);
        let accept = move |connection: &Connection| {
            let (rows, result) = create(connection, &imports, &examined)?;
            at_once.accept(rows, examined);
            Ok(result)
        };
        self.writer.run_undone_by(undo, weight_kib, accept).await
    }

    /// Moves fresh keys on, in the group of the settling of so many imports.
    async fn move_fresh_keys(&self, settling: usize) {
        let fresh = Arc::clone(&self.fresh_keys);
        let moving = move |connection: &Connection| fresh.keep_up(connection, settling);
        fresh_keys::warn_if_unmoved(self.writer.run(1, moving).await);
    }

    fn lock_leases(&self) -> std::sync::MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SqliteStore {
    fn create_imports(&self, tenant: TenantId, imports: NewImports) -> Answer<'_, ()> {
        let undo = match imports.rows.len() {
            1 => Undo::Nothing,
            _ => Undo::Savepoint,
        };
        Box::pin(self.accept(
            tenant,
            imports,
            undo,
            move |connection, imports, examined| {
                let rows = imports::create(connection, tenant, imports, None, examined)?;
                Ok((rows, ()))
            },
        ))
    }

    fn import(&self, tenant: TenantId, id: ImportId) -> Answer<'_, Option<Import>> {
        Box::pin(
            self.readers
                .run(move |connection| imports::find(connection, tenant, id)),
        )
    }

    fn list_imports(
        &self,
        tenant: TenantId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        Box::pin(collection::list(
            &self.readers,
            &imports::COLLECTION,
            tenant,
            query,
        ))
    }

    fn count_imports(&self, tenant: TenantId, filter: Filter<ImportField>) -> Answer<'_, u64> {
        Box::pin(collection::count(
            &self.readers,
            &imports::COLLECTION,
            tenant,
            filter,
        ))
    }

    fn update_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        change: ImportChange,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Updated> {
        Box::pin(async move {
            let updated = self
                .writer
                .run(16, move |connection| {
                    let write = imports::Write {
                        precondition: &precondition,
                        actor: &actor,
                        now,
                    };
                    imports::update(connection, tenant, id, change, &write)
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
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ImportDeletion> {
        Box::pin(async move {
            let deleted = self
                .writer
                .run(1, move |connection| {
                    let write = imports::Write {
                        precondition: &precondition,
                        actor: &actor,
                        now,
                    };
                    imports::delete(connection, tenant, id, &write)
                })
                .await?;
            // The id is free again; a new import under it must not wait for the old claim. Whoever
            // saw it claimed looks again.
            if deleted != ImportDeletion::ConditionNotMet {
                self.lock_leases().forget((tenant, id));
                self.work.notify_one();
            }
            Ok(deleted)
        })
    }

    fn create_upload(&self, tenant: TenantId, new: NewUpload) -> Answer<'_, ()> {
        let NewUpload { id, imports } = new;
        let undo = Undo::Savepoint;
        Box::pin(self.accept(
            tenant,
            imports,
            undo,
            move |connection, imports, examined| {
                let rows = uploads::create(connection, tenant, id, imports, examined)?;
                Ok((rows, ()))
            },
        ))
    }

    fn upload(&self, tenant: TenantId, id: UploadId) -> Answer<'_, Option<Upload>> {
        Box::pin(
            self.readers
                .run(move |connection| uploads::find(connection, tenant, id)),
        )
    }

    fn list_uploads(
        &self,
        tenant: TenantId,
        query: Query<UploadField>,
    ) -> Answer<'_, Listed<Upload>> {
        Box::pin(collection::list(
            &self.readers,
            &uploads::COLLECTION,
            tenant,
            query,
        ))
    }

    fn count_uploads(&self, tenant: TenantId, filter: Filter<UploadField>) -> Answer<'_, u64> {
        Box::pin(collection::count(
            &self.readers,
            &uploads::COLLECTION,
            tenant,
            filter,
        ))
    }

    fn delete_upload(
        &self,
        tenant: TenantId,
        id: UploadId,
        limit: usize,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, UploadDeletion> {
        Box::pin(self.delete_upload_rows(tenant, id, limit, precondition, (actor, now)))
    }

    fn create_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        imports: NewImports,
    ) -> Answer<'_, bool> {
        let undo = Undo::Savepoint;
        Box::pin(self.accept(
            tenant,
            imports,
            undo,
            move |connection, imports, examined| {
                let rows = uploads::create_imports(connection, tenant, upload, imports, examined)?;
                let found = rows.is_some();
                Ok((rows.unwrap_or_default(), found))
            },
        ))
    }

    fn list_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        Box::pin(collection::list(
            &self.readers,
            &imports::COLLECTION,
            uploads::imports_of(tenant, upload),
            query,
        ))
    }

    fn count_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        filter: Filter<ImportField>,
    ) -> Answer<'_, u64> {
        Box::pin(collection::count(
            &self.readers,
            &imports::COLLECTION,
            uploads::imports_of(tenant, upload),
            filter,
        ))
    }

    fn upload_holds(
        &self,
        tenant: TenantId,
        upload: UploadId,
        import: ImportId,
    ) -> Answer<'_, bool> {
        Box::pin(
            self.readers
                .run(move |connection| uploads::holds(connection, tenant, upload, import)),
        )
    }

    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>> {
        Box::pin(
            self.readers
                .run(move |connection| devices::find(connection, tenant, id)),
        )
    }

    fn list_devices(
        &self,
        tenant: TenantId,
        query: Query<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, Listed<Device>> {
        Box::pin(collection::list_by_plan(
            &self.readers,
            &devices::COLLECTION,
            tenant,
            query,
            plan,
        ))
    }

    fn count_devices(
        &self,
        tenant: TenantId,
        filter: Filter<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, u64> {
        Box::pin(collection::count_by_plan(
            &self.readers,
            &devices::COLLECTION,
            tenant,
            filter,
            plan,
        ))
    }

    fn create_device(&self, tenant: TenantId, new: NewDevice) -> Answer<'_, DeviceCreation> {
        let fresh = Arc::clone(&self.fresh_keys);
        Box::pin(self.writer.run(16, move |connection| {
            devices::create(connection, &fresh, tenant, &new)
        }))
    }

    fn update_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        write: DeviceWrite,
    ) -> Answer<'_, DeviceUpdated> {
        Box::pin(self.writer.run(16, move |connection| {
            devices::update(connection, tenant, id, write)
        }))
    }

    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion> {
        Box::pin(self.writer.run(1, move |connection| {
            devices::delete(connection, tenant, id, &precondition, &actor, now)
        }))
    }

    fn delete_devices(
        &self,
        tenant: TenantId,
        serial_numbers: Vec<String>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Vec<SerialDeletion>> {
        Box::pin(async move {
            let weight_kib = u32::try_from(serial_numbers.len()).unwrap_or(u32::MAX);
            let find = move |connection: &Connection| {
                let named = devices::ids_named(connection, tenant, &serial_numbers)?;
                Ok((serial_numbers, named))
            };
            let (serial_numbers, named) = self.readers.search(find).await?;
            let delete = move |connection: &Connection| {
                devices::delete_named(connection, tenant, &serial_numbers, named, &actor, now)
            };
            self.writer.run(weight_kib, delete).await
        })
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
            let fresh = Arc::clone(&self.fresh_keys);
            let weight_kib = u32::try_from(settlements.len()).unwrap_or(u32::MAX);
            let settle = self.writer.run(weight_kib, move |connection| {
                queue::settle(connection, &leases, &fresh, &settlements, now)
            });
            let (settled, ()) = tokio::join!(settle, self.move_fresh_keys(keys.len()));
            let settled = settled?;
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

    fn expire_imports(
        &self,
        settled_until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, Expired> {
        Box::pin(self.expire(settled_until, limit, now))
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

    fn settle_at_once(&self, examiner: Option<Arc<dyn Examiner>>) {
        self.at_once.examined_by(examiner);
    }

    fn together(&self, begin: &mut dyn FnMut()) {
        self.writer.together(begin);
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
