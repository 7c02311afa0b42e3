//! The ceiling: the same server over a store that keeps nothing. What it does not reach, no store
//! could.

mod profiles;

use std::{future::Future, pin::Pin, sync::Arc};

use hangar::{
    cli::serve,
    config::{Flags, Mode, Settings, Sources},
    domain::{
        actor::Actor,
        assignment::Plan,
        device::{Device, DeviceId},
        directory_error::DirectoryError,
        field::{DeviceField, ImportField, UploadField},
        identity::LedgerEntryId,
        import::{Import, ImportChange, ImportId},
        revision::Precondition,
        tenant::TenantId,
        upload::{Upload, UploadId},
    },
    store::{
        Answer, Store,
        operation::{
            AuditLine, AuditSlice, Claim, ClaimKey, DeviceCreation, DeviceDeletion, DeviceUpdated,
            DeviceWrite, Expired, Failure, Filter, ImportDeletion, LedgerEntry, LedgerQuery,
            Listed, NewDevice, NewImports, NewUpload, Page, Query, SerialDeletion, Settled,
            Settlement, TenantDeletion, TenantSummary, Updated, UploadDeletion,
        },
    },
};
use jiff::Timestamp;

/// Serves until it is asked to end.
pub(crate) fn run(flags: Flags) -> anyhow::Result<()> {
    let sources = Sources::of_process(None, flags)?;
    let settings = Settings::load(&sources, Mode::Dev)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve::run_on(
        settings,
        Mode::Dev,
        serve::Manner::default(),
        || Ok(Arc::new(Nowhere)),
    ))
}

/// Accepts everything and keeps nothing.
struct Nowhere;

fn answer<T: Send + 'static>(value: T) -> Answer<'static, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Store for Nowhere {
    fn create_imports(&self, _: TenantId, _: NewImports) -> Answer<'_, ()> {
        answer(())
    }

    fn import(&self, _: TenantId, _: ImportId) -> Answer<'_, Option<Import>> {
        answer(None)
    }

    fn list_imports(&self, _: TenantId, _: Query<ImportField>) -> Answer<'_, Listed<Import>> {
        answer(Listed {
            rows: Vec::new(),
            next: None,
        })
    }

    fn count_imports(&self, _: TenantId, _: Filter<ImportField>) -> Answer<'_, u64> {
        answer(0)
    }

    fn update_import(
        &self,
        _: TenantId,
        _: ImportId,
        _: ImportChange,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, Updated> {
        answer(Updated::Absent)
    }

    fn delete_import(
        &self,
        _: TenantId,
        _: ImportId,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, ImportDeletion> {
        answer(ImportDeletion::Absent)
    }

    fn create_upload(&self, _: TenantId, _: NewUpload) -> Answer<'_, ()> {
        answer(())
    }

    fn upload(&self, _: TenantId, _: UploadId) -> Answer<'_, Option<Upload>> {
        answer(None)
    }

    fn list_uploads(&self, _: TenantId, _: Query<UploadField>) -> Answer<'_, Listed<Upload>> {
        answer(Listed {
            rows: Vec::new(),
            next: None,
        })
    }

    fn count_uploads(&self, _: TenantId, _: Filter<UploadField>) -> Answer<'_, u64> {
        answer(0)
    }

    fn delete_upload(
        &self,
        _: TenantId,
        _: UploadId,
        _: usize,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, UploadDeletion> {
        answer(UploadDeletion::Absent)
    }

    fn create_upload_imports(&self, _: TenantId, _: UploadId, _: NewImports) -> Answer<'_, bool> {
        answer(false)
    }

    fn list_upload_imports(
        &self,
        _: TenantId,
        _: UploadId,
        _: Query<ImportField>,
    ) -> Answer<'_, Listed<Import>> {
        answer(Listed {
            rows: Vec::new(),
            next: None,
        })
    }

    fn count_upload_imports(
        &self,
        _: TenantId,
        _: UploadId,
        _: Filter<ImportField>,
    ) -> Answer<'_, u64> {
        answer(0)
    }

    fn upload_holds(&self, _: TenantId, _: UploadId, _: ImportId) -> Answer<'_, bool> {
        answer(false)
    }

    fn device(&self, _: TenantId, _: DeviceId) -> Answer<'_, Option<Device>> {
        answer(None)
    }

    fn list_devices(
        &self,
        _: TenantId,
        _: Query<DeviceField>,
        _: Plan,
    ) -> Answer<'_, Listed<Device>> {
        answer(Listed {
            rows: Vec::new(),
            next: None,
        })
    }

    fn count_devices(&self, _: TenantId, _: Filter<DeviceField>, _: Plan) -> Answer<'_, u64> {
        answer(0)
    }

    fn create_device(&self, _: TenantId, _: NewDevice) -> Answer<'_, DeviceCreation> {
        answer(DeviceCreation::Refused(DirectoryError::StorageError))
    }

    fn update_device(&self, _: TenantId, _: DeviceId, _: DeviceWrite) -> Answer<'_, DeviceUpdated> {
        answer(DeviceUpdated::Absent)
    }

    fn delete_device(
        &self,
        _: TenantId,
        _: DeviceId,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, DeviceDeletion> {
        answer(DeviceDeletion::Absent)
    }

    fn delete_devices(
        &self,
        _: TenantId,
        _: Vec<String>,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, Vec<SerialDeletion>> {
        answer(Vec::new())
    }

    fn claim(&self, _: Timestamp, _: usize) -> Answer<'_, Vec<Claim>> {
        answer(Vec::new())
    }

    fn settle(&self, _: Vec<Settlement>, _: Timestamp) -> Answer<'_, Vec<Settled>> {
        answer(Vec::new())
    }

    fn relinquish(&self, _: Vec<ClaimKey>) -> Answer<'_, ()> {
        answer(())
    }

    fn fail(&self, _: ClaimKey, _: Failure, _: Timestamp) -> Answer<'_, Settled> {
        answer(Settled::Superseded)
    }

    fn oldest_waiting(&self) -> Answer<'_, Option<Timestamp>> {
        answer(None)
    }

    fn count_waiting(&self) -> Answer<'_, u64> {
        answer(0)
    }

    fn wait_for_work(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    fn find_ledger_entries(&self, _: LedgerQuery) -> Answer<'_, Vec<LedgerEntry>> {
        answer(Vec::new())
    }

    fn release_ledger_entry(&self, _: LedgerEntryId, _: Actor, _: Timestamp) -> Answer<'_, bool> {
        answer(false)
    }

    fn list_tenants(&self) -> Answer<'_, Vec<TenantSummary>> {
        answer(Vec::new())
    }

    fn delete_tenant_rows(
        &self,
        _: TenantId,
        _: usize,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, TenantDeletion> {
        answer(TenantDeletion::default())
    }

    fn expire_imports(&self, _: Timestamp, _: usize, _: Timestamp) -> Answer<'_, Expired> {
        answer(Expired::default())
    }

    fn list_audit(&self, _: TenantId, _: AuditSlice) -> Answer<'_, Page<AuditLine>> {
        answer(Page {
            rows: Vec::new(),
            more: false,
        })
    }

    fn paging_secret(&self) -> &[u8; 32] {
        &[0; 32]
    }

    fn check(&self) -> Answer<'_, ()> {
        answer(())
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
