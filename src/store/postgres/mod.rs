//! The store on PostgreSQL: any number of processes on one database, each with a few connections.
//!
//! Only this room names tokio-postgres. What each operation does stands in the file of its noun;
//! how it is tried again in `again`, how callers share a statement in `gathering`, and how the
//! processes hear of each other's work in `work`.

mod again;
mod assignments;
mod audit;
mod collection;
mod connect;
mod devices;
mod expiry;
mod fault;
mod gathering;
mod imports;
mod ledger;
mod moving;
mod online_index;
mod pool;
mod profile_row;
mod profiles;
mod queue;
mod readiness;
mod row;
mod schema;
mod search_index;
mod settling;
mod slices;
mod sync;
mod tasks;
mod tenants;
#[cfg(test)]
mod tests;
mod uploads;
mod work;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    Answer, Database, OpenError, Opening, Store, StoreError,
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
use again::{in_transaction, reading};
use collection::Way;
use connect::Target;
use expiry::AgeIndex;
use fault::Fault;
use gathering::Gatherer;
use imports::{
    accepting,
    creating::Create,
    looking_up::{Lookup, Lookups},
};
pub(super) use moving::PostgresSide;
use pool::Pool;
use queue::Lapses;
use readiness::Readiness;
pub use schema::Release;
use search_index::SearchIndexes;
use tasks::Tasks;
use work::Work;

/// A store in one PostgreSQL database.
pub struct PostgresStore {
    target: Target,
    readiness: Arc<Readiness>,
    pool: Pool,
    creates: OnceLock<Gatherer<Create>>,
    lookups: OnceLock<Lookups>,
    work: Work,
    age_index: AgeIndex,
    search_indexes: SearchIndexes,
    lapses: Lapses,
    tasks: Tasks,
}

impl PostgresStore {
    /// Opens a database. One that is not there yet is waited for, unless an administrator asks.
    pub fn open(database: &Database, opening: Opening) -> Result<Self, OpenError> {
        Self::open_as(Release::this(), database, opening)
    }

    /// Opens a database as another release would: as far as the schema goes.
    pub fn open_as(
        release: Release,
        database: &Database,
        opening: Opening,
    ) -> Result<Self, OpenError> {
        let target = Target::new(database)?;
        let readiness = Arc::new(Readiness::new(target.clone(), opening, release));
        readiness::look_apart(&readiness)?;
        let tasks = Tasks::default();
        let (size, ready) = (database.pool_size, Arc::clone(&readiness));
        let pool = Pool::new(target.clone(), ready, size, tasks.clone()).map_err(|reason| {
            OpenError::Server {
                place: target.place().to_owned(),
                reason: format!("can't be used: {reason}"),
            }
        })?;
        Ok(Self {
            target,
            readiness,
            pool,
            creates: OnceLock::new(),
            lookups: OnceLock::new(),
            work: Work::new(),
            age_index: AgeIndex::default(),
            search_indexes: SearchIndexes::default(),
            lapses: Lapses::new(),
            tasks,
        })
    }

    /// The way into the next batch of imports that are accepted.
    fn creates(&self) -> &Gatherer<Create> {
        let start = || Gatherer::start(self.pool.clone(), &self.tasks);
        self.creates.get_or_init(start)
    }

    fn lookups(&self) -> &Lookups {
        let start = || Lookups::start(self.pool.clone(), &self.tasks);
        self.lookups.get_or_init(start)
    }

    async fn way(&self, plan: Plan) -> Result<Way, Fault> {
        let described = self.pool.described().await?;
        if described.searches_by_tenant {
            let indexes = &self.search_indexes;
            indexes.provide_beside(&self.target, &self.tasks);
        }
        Ok(Way {
            plan,
            folds_ascii: described.folds_ascii,
            upload: None,
        })
    }

    async fn way_within(&self, upload: UploadId) -> Result<Way, Fault> {
        let way = self.way(Plan::default()).await?;
        Ok(Way {
            upload: Some(upload),
            ..way
        })
    }

    fn announce_work(&self) {
        self.work.announce(&self.target, &self.pool, &self.tasks);
    }
}

impl Store for PostgresStore {
    fn create_imports(&self, tenant: TenantId, imports: NewImports) -> Answer<'_, ()> {
        Box::pin(async move {
            match imports.rows.len() {
                1 => self.creates().ask(Create { tenant, imports }).await?,
                // Boxed, so that single imports do not carry its weight.
                _ => Box::pin(imports::create_all(&self.pool, tenant, &imports)).await?,
            }
            self.announce_work();
            Ok(())
        })
    }

    fn import(&self, tenant: TenantId, id: ImportId) -> Answer<'_, Option<Import>> {
        Box::pin(async move { self.lookups().find(Lookup { tenant, id }).await })
    }

    fn list_imports(
        &self,
        tenant: TenantId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(Plan::default()).await?;
                collection::page(&session, &collection::IMPORTS, tenant, &query, way).await
            })
        })
    }

    fn count_imports(&self, tenant: TenantId, filter: Filter<ImportField>) -> Answer<'_, u64> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(Plan::default()).await?;
                let filter = filter.as_ref();
                collection::count(&session, &collection::IMPORTS, tenant, filter, way).await
            })
        })
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
            let write = imports::Write {
                precondition: &precondition,
                actor: &actor,
                now,
            };
            let updated = in_transaction!(self.pool, transaction =>
                imports::update(&transaction, tenant, id, change.clone(), &write).await)?;
            if imports::is_work(&updated) {
                self.announce_work();
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
            let write = imports::Write {
                precondition: &precondition,
                actor: &actor,
                now,
            };
            let deleted = in_transaction!(self.pool, transaction =>
                imports::delete(&transaction, tenant, id, &write).await)?;
            // Whoever saw it claimed looks again.
            if deleted != ImportDeletion::ConditionNotMet {
                self.announce_work();
            }
            Ok(deleted)
        })
    }

    fn create_upload(&self, tenant: TenantId, new: NewUpload) -> Answer<'_, ()> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                uploads::create(&transaction, tenant, &new).await)?;
            self.announce_work();
            Ok(())
        })
    }

    fn upload(&self, tenant: TenantId, id: UploadId) -> Answer<'_, Option<Upload>> {
        Box::pin(async move {
            reading!(self.pool, session => uploads::find(&session, tenant, id).await)
        })
    }

    fn list_uploads(
        &self,
        tenant: TenantId,
        query: Query<UploadField>,
    ) -> Answer<'_, Listed<Upload>> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(Plan::default()).await?;
                collection::page(&session, &collection::UPLOADS, tenant, &query, way).await
            })
        })
    }

    fn count_uploads(&self, tenant: TenantId, filter: Filter<UploadField>) -> Answer<'_, u64> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(Plan::default()).await?;
                let filter = filter.as_ref();
                collection::count(&session, &collection::UPLOADS, tenant, filter, way).await
            })
        })
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
        Box::pin(async move {
            let deletion = in_transaction!(self.pool, transaction =>
                uploads::delete(&transaction, tenant, id, (limit, &precondition), &actor, now)
                    .await)?;
            self.announce_work();
            Ok(deletion)
        })
    }

    fn create_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        imports: NewImports,
    ) -> Answer<'_, bool> {
        Box::pin(async move {
            let found = in_transaction!(self.pool, transaction =>
                uploads::create_imports(&transaction, tenant, upload, &imports).await)?;
            self.announce_work();
            Ok(found)
        })
    }

    fn list_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way_within(upload).await?;
                collection::page(&session, &collection::IMPORTS, tenant, &query, way).await
            })
        })
    }

    fn count_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        filter: Filter<ImportField>,
    ) -> Answer<'_, u64> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way_within(upload).await?;
                let filter = filter.as_ref();
                collection::count(&session, &collection::IMPORTS, tenant, filter, way).await
            })
        })
    }

    fn upload_holds(
        &self,
        tenant: TenantId,
        upload: UploadId,
        import: ImportId,
    ) -> Answer<'_, bool> {
        Box::pin(async move {
            reading!(self.pool, session => uploads::holds(&session, tenant, upload, import).await)
        })
    }

    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>> {
        Box::pin(async move {
            reading!(self.pool, session => devices::find(&session, tenant, id).await)
        })
    }

    fn list_devices(
        &self,
        tenant: TenantId,
        query: Query<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, Listed<Device>> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(plan.clone()).await?;
                collection::page(&session, &collection::DEVICES, tenant, &query, way).await
            })
        })
    }

    fn count_devices(
        &self,
        tenant: TenantId,
        filter: Filter<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, u64> {
        Box::pin(async move {
            reading!(self.pool, session => {
                let way = self.way(plan.clone()).await?;
                let filter = filter.as_ref();
                collection::count(&session, &collection::DEVICES, tenant, filter, way).await
            })
        })
    }

    fn create_device(&self, tenant: TenantId, new: NewDevice) -> Answer<'_, DeviceCreation> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                devices::create(&transaction, tenant, &new).await)
        })
    }

    fn update_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        write: DeviceWrite,
    ) -> Answer<'_, DeviceUpdated> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                devices::update(&transaction, tenant, id, write.clone()).await)
        })
    }

    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                devices::delete(&transaction, tenant, id, &precondition, &actor, now).await)
        })
    }

    fn delete_devices(
        &self,
        tenant: TenantId,
        serial_numbers: Vec<String>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Vec<SerialDeletion>> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                devices::delete_named(&transaction, tenant, &serial_numbers, &actor, now).await)
        })
    }

    fn claim(&self, accepted_until: Timestamp, limit: usize) -> Answer<'_, Vec<Claim>> {
        // What an attempt may have claimed lapses.
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                queue::claim(&transaction, &self.lapses, accepted_until, limit).await)
        })
    }

    fn settle(&self, settlements: Vec<Settlement>, now: Timestamp) -> Answer<'_, Vec<Settled>> {
        Box::pin(async move {
            let settled = in_transaction!(self.pool, transaction =>
                settling::settle(&transaction, &settlements, now).await)?;
            if settled.contains(&Settled::Superseded) {
                self.announce_work();
            }
            Ok(settled)
        })
    }

    fn relinquish(&self, claims: Vec<ClaimKey>) -> Answer<'_, ()> {
        Box::pin(async move {
            reading!(self.pool, session => queue::relinquish(&session, &claims).await)?;
            self.lapses.expect_after(Duration::ZERO);
            self.announce_work();
            Ok(())
        })
    }

    fn fail(&self, claim: ClaimKey, failure: Failure, now: Timestamp) -> Answer<'_, Settled> {
        Box::pin(async move {
            let settled = in_transaction!(self.pool, transaction =>
                queue::fail(&transaction, &claim, &failure, now).await)?;
            if settled == Settled::Retried {
                self.work.expect_after(failure.back_off);
                self.lapses.expect_after(failure.back_off);
            }
            self.announce_work();
            Ok(settled)
        })
    }

    fn oldest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction => queue::oldest_waiting(&transaction).await)
        })
    }

    fn count_waiting(&self) -> Answer<'_, u64> {
        Box::pin(
            async move { reading!(self.pool, session => queue::count_waiting(&session).await) },
        )
    }

    fn expire_imports(
        &self,
        settled_until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, Expired> {
        Box::pin(async move {
            // Only where it can be used, and is not closed.
            self.pool.get().await.map_err(StoreError::from)?;
            if !self.age_index.provide(&self.target).await? {
                return Ok(Expired::default());
            }
            in_transaction!(self.pool, transaction =>
                expiry::expire(&transaction, settled_until, limit, now).await)
        })
    }

    fn wait_for_work(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.work.wait(&self.target, &self.pool, &self.tasks))
    }

    fn find_ledger_entries(&self, query: LedgerQuery) -> Answer<'_, Vec<LedgerEntry>> {
        Box::pin(
            async move { reading!(self.pool, session => ledger::find(&session, &query).await) },
        )
    }

    fn release_ledger_entry(
        &self,
        entry: LedgerEntryId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
            match ledger::owner(&transaction, entry).await? {
                Some((tenant, device)) => {
                    let action = "ledger-released";
                    devices::remove(&transaction, tenant, &[device], &actor, action, now)
                        .await
                        .map(|removed| removed > 0)
                }
                None => Ok(false),
            })
        })
    }

    fn list_tenants(&self) -> Answer<'_, Vec<TenantSummary>> {
        Box::pin(async move { reading!(self.pool, session => tenants::list(&session).await) })
    }

    fn delete_tenant_rows(
        &self,
        tenant: TenantId,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, TenantDeletion> {
        Box::pin(async move {
            let deletion = in_transaction!(self.pool, transaction =>
                tenants::delete_rows(&transaction, tenant, limit, &actor, now).await)?;
            self.announce_work();
            Ok(deletion)
        })
    }

    fn list_audit(&self, tenant: TenantId, slice: AuditSlice) -> Answer<'_, Page<AuditLine>> {
        Box::pin(async move {
            reading!(self.pool, session => audit::list(&session, tenant, slice).await)
        })
    }

    fn paging_secret(&self) -> &[u8; 32] {
        self.readiness.paging_secret()
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            reading!(self.pool, session => {
                schema::confirm(&session, self.readiness.version()).await?;
                accepting::confirm(&session).await
            })
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.creates().close().await;
            self.lookups().close().await;
            self.pool.close();
            self.tasks.end();
        })
    }
}

/// A store that is dropped without `close` leaves nothing running.
impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.pool.close();
        self.tasks.end();
    }
}
