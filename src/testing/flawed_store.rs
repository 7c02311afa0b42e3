//! A store that fails when a test wants it to, and otherwise is the store behind it.

mod profiles;

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    domain::{
        actor::Actor,
        assignment::Plan,
        device::{Device, DeviceId},
        field::{DeviceField, ImportField, UploadField},
        identity::LedgerEntryId,
        import::{Import, ImportChange, ImportId},
        revision::Precondition,
        tenant::TenantId,
        upload::{Upload, UploadId},
    },
    store::{
        Answer, Store, StoreError,
        operation::{
            AuditLine, AuditSlice, Claim, ClaimKey, DeviceCreation, DeviceDeletion, DeviceUpdated,
            DeviceWrite, Expired, Failure, Filter, ImportDeletion, LedgerEntry, LedgerQuery,
            Listed, NewDevice, NewImports, NewUpload, Page, Query, SerialDeletion, Settled,
            Settlement, TenantDeletion, TenantSummary, Updated, UploadDeletion,
        },
    },
};

/// A store with flaws.
pub(crate) struct FlawedStore {
    inner: Arc<dyn Store>,
    poison: Mutex<HashSet<ImportId>>,
    outage: Mutex<Option<StoreError>>,
    /// How often a batch was to be settled.
    attempts: AtomicUsize,
    /// Told after every attempt to settle.
    attempted: Notify,
}

impl FlawedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            poison: Mutex::default(),
            outage: Mutex::default(),
            attempts: AtomicUsize::new(0),
            attempted: Notify::new(),
        }
    }

    /// The store without flaws.
    pub(crate) fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    /// Makes every batch with this import fail, as a fault of ours would.
    pub(crate) fn poison(&self, id: ImportId) {
        self.poison.lock().unwrap().insert(id);
    }

    /// Makes settling fail like this from now on, or work again.
    pub(crate) fn set_outage(&self, outage: Option<StoreError>) {
        *self.outage.lock().unwrap() = outage;
    }

    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::SeqCst)
    }

    /// Completes when a batch has been settled, or not, since the last call.
    pub(crate) async fn attempted(&self) {
        self.attempted.notified().await;
    }

    fn flaw(&self, settlements: &[Settlement]) -> Option<StoreError> {
        if let Some(outage) = self.outage.lock().unwrap().clone() {
            return Some(outage);
        }
        let poison = self.poison.lock().unwrap();
        settlements
            .iter()
            .any(|settlement| poison.contains(&settlement.key.id))
            .then(|| StoreError::Backend("poison".to_owned()))
    }
}

impl Store for FlawedStore {
    fn settle(&self, settlements: Vec<Settlement>, now: Timestamp) -> Answer<'_, Vec<Settled>> {
        Box::pin(async move {
            let settled = match self.flaw(&settlements) {
                Some(error) => Err(error),
                None => self.inner.settle(settlements, now).await,
            };
            self.attempts.fetch_add(1, Ordering::SeqCst);
            self.attempted.notify_one();
            settled
        })
    }

    fn create_imports(&self, tenant: TenantId, imports: NewImports) -> Answer<'_, ()> {
        self.inner.create_imports(tenant, imports)
    }

    fn import(&self, tenant: TenantId, id: ImportId) -> Answer<'_, Option<Import>> {
        self.inner.import(tenant, id)
    }

    fn list_imports(
        &self,
        tenant: TenantId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        self.inner.list_imports(tenant, query)
    }

    fn count_imports(&self, tenant: TenantId, filter: Filter<ImportField>) -> Answer<'_, u64> {
        self.inner.count_imports(tenant, filter)
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
        self.inner
            .update_import(tenant, id, change, precondition, actor, now)
    }

    fn delete_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ImportDeletion> {
        self.inner
            .delete_import(tenant, id, precondition, actor, now)
    }

    fn create_upload(&self, tenant: TenantId, new: NewUpload) -> Answer<'_, ()> {
        self.inner.create_upload(tenant, new)
    }

    fn upload(&self, tenant: TenantId, id: UploadId) -> Answer<'_, Option<Upload>> {
        self.inner.upload(tenant, id)
    }

    fn list_uploads(
        &self,
        tenant: TenantId,
        query: Query<UploadField>,
    ) -> Answer<'_, Listed<Upload>> {
        self.inner.list_uploads(tenant, query)
    }

    fn count_uploads(&self, tenant: TenantId, filter: Filter<UploadField>) -> Answer<'_, u64> {
        self.inner.count_uploads(tenant, filter)
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
        self.inner
            .delete_upload(tenant, id, limit, precondition, actor, now)
    }

    fn create_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        imports: NewImports,
    ) -> Answer<'_, bool> {
        self.inner.create_upload_imports(tenant, upload, imports)
    }

    fn list_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        query: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        self.inner.list_upload_imports(tenant, upload, query)
    }

    fn count_upload_imports(
        &self,
        tenant: TenantId,
        upload: UploadId,
        filter: Filter<ImportField>,
    ) -> Answer<'_, u64> {
        self.inner.count_upload_imports(tenant, upload, filter)
    }

    fn upload_holds(
        &self,
        tenant: TenantId,
        upload: UploadId,
        import: ImportId,
    ) -> Answer<'_, bool> {
        self.inner.upload_holds(tenant, upload, import)
    }

    fn device(&self, tenant: TenantId, id: DeviceId) -> Answer<'_, Option<Device>> {
        self.inner.device(tenant, id)
    }

    fn list_devices(
        &self,
        tenant: TenantId,
        query: Query<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, Listed<Device>> {
        self.inner.list_devices(tenant, query, plan)
    }

    fn count_devices(
        &self,
        tenant: TenantId,
        filter: Filter<DeviceField>,
        plan: Plan,
    ) -> Answer<'_, u64> {
        self.inner.count_devices(tenant, filter, plan)
    }

    fn create_device(&self, tenant: TenantId, new: NewDevice) -> Answer<'_, DeviceCreation> {
        self.inner.create_device(tenant, new)
    }

    fn update_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        write: DeviceWrite,
    ) -> Answer<'_, DeviceUpdated> {
        self.inner.update_device(tenant, id, write)
    }

    fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceDeletion> {
        self.inner
            .delete_device(tenant, id, precondition, actor, now)
    }

    fn delete_devices(
        &self,
        tenant: TenantId,
        serial_numbers: Vec<String>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, Vec<SerialDeletion>> {
        self.inner
            .delete_devices(tenant, serial_numbers, actor, now)
    }

    fn claim(&self, accepted_until: Timestamp, limit: usize) -> Answer<'_, Vec<Claim>> {
        self.inner.claim(accepted_until, limit)
    }

    fn relinquish(&self, claims: Vec<ClaimKey>) -> Answer<'_, ()> {
        self.inner.relinquish(claims)
    }

    fn fail(&self, claim: ClaimKey, failure: Failure, now: Timestamp) -> Answer<'_, Settled> {
        self.inner.fail(claim, failure, now)
    }

    fn oldest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        self.inner.oldest_waiting()
    }

    fn count_waiting(&self) -> Answer<'_, u64> {
        self.inner.count_waiting()
    }

    fn wait_for_work(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.wait_for_work()
    }

    fn find_ledger_entries(&self, query: LedgerQuery) -> Answer<'_, Vec<LedgerEntry>> {
        self.inner.find_ledger_entries(query)
    }

    fn release_ledger_entry(
        &self,
        entry: LedgerEntryId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        self.inner.release_ledger_entry(entry, actor, now)
    }

    fn list_tenants(&self) -> Answer<'_, Vec<TenantSummary>> {
        self.inner.list_tenants()
    }

    fn delete_tenant_rows(
        &self,
        tenant: TenantId,
        limit: usize,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, TenantDeletion> {
        self.inner.delete_tenant_rows(tenant, limit, actor, now)
    }

    fn expire_imports(
        &self,
        settled_until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, Expired> {
        self.inner.expire_imports(settled_until, limit, now)
    }

    fn list_audit(&self, tenant: TenantId, slice: AuditSlice) -> Answer<'_, Page<AuditLine>> {
        self.inner.list_audit(tenant, slice)
    }

    fn together(&self, begin: &mut dyn FnMut()) {
        self.inner.together(begin);
    }

    fn paging_secret(&self) -> &[u8; 32] {
        self.inner.paging_secret()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.inner.check()
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.close()
    }
}
