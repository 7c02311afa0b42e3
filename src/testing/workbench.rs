//! A store under test, and what its callers do all day in one line each.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::actor;
use crate::{
    domain::{
        assignment::Plan,
        device::{Device, DeviceChange, DeviceId, DeviceProperties},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        import::{CallId, Import, ImportChange, ImportId, ImportProperties, ImportState},
        registration::{HashValidation, describe, examine},
        revision::Precondition,
        tenant::TenantId,
    },
    store::{
        Store, StoreError,
        operation::{
            Claim, DeviceAct, DeviceCreation, DeviceDeletion, DeviceUpdated, DeviceWrite,
            ImportDeletion, LedgerEntry, LedgerQuery, NewDevice, NewImport, NewImports, Query,
            SerialDeletion, Settled, Settlement, Slice, Updated,
        },
    },
};

/// An instant of the tests, so many seconds after their beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).unwrap()
}

/// An import id that sorts by this number.
pub(crate) fn import_id(number: u128) -> ImportId {
    ImportId(Uuid::from_u128(number))
}

/// The whole of a collection that takes no queries.
pub(crate) const WHOLE: Slice = Slice {
    after: None,
    skip: 0,
    limit: 10_000,
};

/// The whole of a collection.
pub(crate) fn whole<F>() -> Query<F> {
    Query::all(10_000)
}

/// A store and those who use it.
#[derive(Clone)]
pub(crate) struct Workbench {
    pub(crate) store: Arc<dyn Store>,
}

impl Workbench {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Sends one request with these rows.
    pub(crate) async fn create(
        &self,
        tenant: TenantId,
        rows: Vec<(ImportId, ImportProperties)>,
        accepted_at: Timestamp,
    ) -> Result<(), StoreError> {
        let rows = rows
            .into_iter()
            .map(|(id, properties)| NewImport { id, properties })
            .collect();
        let imports = NewImports {
            call: CallId(Uuid::new_v4()),
            actor: actor(),
            accepted_at,
            rows,
        };
        self.store.create_imports(tenant, imports).await
    }

    /// Sends one request with these rows, which must be accepted.
    pub(crate) async fn accept_all(
        &self,
        tenant: TenantId,
        rows: Vec<ImportProperties>,
    ) -> Vec<ImportId> {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|properties| (ImportId(Uuid::new_v4()), properties))
            .collect();
        let ids = rows.iter().map(|(id, _)| *id).collect();
        self.create(tenant, rows, at(0)).await.unwrap();
        ids
    }

    /// Sends a request with one row, which must be accepted.
    pub(crate) async fn accept(&self, tenant: TenantId, properties: ImportProperties) -> ImportId {
        self.accept_all(tenant, vec![properties]).await[0]
    }

    /// Claims up to so many imports, whenever they were accepted.
    pub(crate) async fn claim(&self, limit: usize) -> Vec<Claim> {
        self.store.claim(at(1_000_000), limit).await.unwrap()
    }

    /// Decides claimed imports as the registrar does.
    pub(crate) async fn settle(&self, claims: Vec<Claim>) -> Vec<Settled> {
        let settlements = claims.into_iter().map(settlement).collect();
        self.store.settle(settlements, at(60)).await.unwrap()
    }

    /// Decides all that waits, in the order in which it is handed out.
    pub(crate) async fn settle_all(&self) -> Vec<Settled> {
        let mut settled = Vec::new();
        loop {
            let claims = self.claim(16).await;
            if claims.is_empty() {
                return settled;
            }
            settled.extend(self.settle(claims).await);
        }
    }

    /// Accepts an import and decides it. Nothing else may wait.
    pub(crate) async fn import_one(
        &self,
        tenant: TenantId,
        properties: ImportProperties,
    ) -> Settled {
        self.accept(tenant, properties).await;
        let settled = self.settle_all().await;
        assert_eq!(settled.len(), 1, "something else was waiting");
        settled[0]
    }

    /// Accepts an import, which must be registered.
    pub(crate) async fn register(&self, tenant: TenantId, properties: ImportProperties) -> Device {
        let settled = self.import_one(tenant, properties).await;
        let Settled::Registered(id) = settled else {
            panic!("not registered: {settled:?}");
        };
        self.device(tenant, id).await.unwrap()
    }

    /// Accepts an import, which must be refused.
    pub(crate) async fn refusal(
        &self,
        tenant: TenantId,
        properties: ImportProperties,
    ) -> DirectoryError {
        match self.import_one(tenant, properties).await {
            Settled::Refused(error) => error,
            settled => panic!("not refused: {settled:?}"),
        }
    }

    pub(crate) async fn import(&self, tenant: TenantId, id: ImportId) -> Option<Import> {
        self.store.import(tenant, id).await.unwrap()
    }

    /// Where an import stands, which must be there.
    pub(crate) async fn state(&self, tenant: TenantId, id: ImportId) -> ImportState {
        self.import(tenant, id).await.unwrap().state
    }

    pub(crate) async fn update(
        &self,
        tenant: TenantId,
        id: ImportId,
        change: ImportChange,
    ) -> Updated {
        self.store
            .update_import(tenant, id, change, Precondition::default(), actor(), at(30))
            .await
            .unwrap()
    }

    /// Deletes an import; true if there was one.
    pub(crate) async fn delete(&self, tenant: TenantId, id: ImportId) -> bool {
        let deletion = self
            .store
            .delete_import(tenant, id, Precondition::default(), actor(), at(30))
            .await;
        deletion.unwrap() == ImportDeletion::Deleted
    }

    pub(crate) async fn device(&self, tenant: TenantId, id: DeviceId) -> Option<Device> {
        self.store.device(tenant, id).await.unwrap()
    }

    pub(crate) async fn devices(&self, tenant: TenantId) -> Vec<Device> {
        self.store
            .list_devices(tenant, whole(), Plan::default())
            .await
            .unwrap()
            .rows
    }

    pub(crate) async fn imports(&self, tenant: TenantId) -> Vec<Import> {
        self.store.list_imports(tenant, whole()).await.unwrap().rows
    }

    /// Deletes a device at this second of the tests.
    pub(crate) async fn delete_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        second: i64,
    ) -> DeviceDeletion {
        self.store
            .delete_device(tenant, id, Precondition::default(), actor(), at(second))
            .await
            .unwrap()
    }

    /// Registers a device of which there is no hash.
    pub(crate) async fn create_device(
        &self,
        tenant: TenantId,
        properties: DeviceProperties,
    ) -> DeviceCreation {
        let new = NewDevice {
            id: DeviceId(Uuid::new_v4()),
            entry: LedgerEntryId(Uuid::new_v4()),
            call: CallId(Uuid::new_v4()),
            subject: describe(properties).unwrap(),
            actor: actor(),
            now: at(60),
        };
        self.store.create_device(tenant, new).await.unwrap()
    }

    /// Writes to a device, whatever its revision is.
    pub(crate) async fn update_device(
        &self,
        tenant: TenantId,
        id: DeviceId,
        change: DeviceChange,
        act: DeviceAct,
    ) -> DeviceUpdated {
        let write = DeviceWrite {
            change,
            act,
            precondition: Precondition::default(),
            actor: actor(),
            now: at(65),
        };
        self.store.update_device(tenant, id, write).await.unwrap()
    }

    pub(crate) async fn delete_devices(
        &self,
        tenant: TenantId,
        serial_numbers: &[&str],
    ) -> Vec<SerialDeletion> {
        let serial_numbers = serial_numbers.iter().map(|&text| text.to_owned()).collect();
        self.store
            .delete_devices(tenant, serial_numbers, actor(), at(70))
            .await
            .unwrap()
    }

    pub(crate) async fn release(&self, entry: LedgerEntryId) -> bool {
        self.store
            .release_ledger_entry(entry, actor(), at(90))
            .await
            .unwrap()
    }

    pub(crate) async fn ledger(&self, query: LedgerQuery) -> Vec<LedgerEntry> {
        self.store.find_ledger_entries(query).await.unwrap()
    }
}

/// What the registrar asks of the store for a claimed import.
pub(crate) fn settlement(claim: Claim) -> Settlement {
    let import = claim.import.unwrap();
    Settlement {
        key: claim.key,
        call: import.call,
        examination: examine(&import.properties, HashValidation::Strict, at(60)),
        device: DeviceId(Uuid::new_v4()),
        entry: LedgerEntryId(Uuid::new_v4()),
    }
}
