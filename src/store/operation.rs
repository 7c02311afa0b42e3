//! What the store's operations take and give.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{
    actor::Actor,
    device::DeviceId,
    directory_error::DirectoryError,
    identity::{Fingerprints, LedgerEntryId},
    import::{CallId, Import, ImportId, ImportProperties, TooLate},
    registration::Examination,
    tenant::TenantId,
};

/// The imports of one request, accepted together.
#[derive(Clone, Debug)]
pub struct NewImports {
    /// The request.
    pub call: CallId,
    /// Who sent it.
    pub actor: Actor,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The rows, in the order of the request.
    pub rows: Vec<NewImport>,
}

/// One import to accept.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// Its id, chosen before the store sees it.
    pub id: ImportId,
    /// What the client said.
    pub properties: ImportProperties,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    /// How many rows to leave out first.
    pub skip: u64,
    /// How many rows at most.
    pub limit: usize,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether rows follow.
    pub more: bool,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// There is no such import.
    Absent,
    /// The import is settled.
    TooLate(TooLate),
    /// The import as it is now.
    Done(Box<Import>),
}

/// What became of a device's deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceDeletion {
    /// It is deleted.
    Deleted,
    /// It was deleted before, at this instant. Remembered for 30 days.
    DeletedBefore(Timestamp),
    /// This tenant never had it, as far as is remembered.
    Absent,
}

/// Names a claimed import and the state in which it was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimKey {
    /// The import's tenant.
    pub tenant: TenantId,
    /// The import.
    pub id: ImportId,
    /// The claim.
    pub token: Uuid,
    /// The version that was handed out; a change raises it.
    pub version: i64,
}

/// A claimed import.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its key.
    pub key: ClaimKey,
    /// Whether it was handed out alone because its last claim came to nothing.
    pub alone: bool,
    /// The import, or why it can't be read.
    pub import: Result<Import, String>,
}

/// What is to be decided of a claimed import.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The claim.
    pub key: ClaimKey,
    /// The request in which the import arrived.
    pub call: CallId,
    /// What it says.
    pub examination: Examination,
    /// The id of the device, should it be registered.
    pub device: DeviceId,
    /// The id of the hardware, should it be new.
    pub entry: LedgerEntryId,
}

/// What became of a claimed import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Registered.
    Registered(DeviceId),
    /// Refused.
    Refused(DirectoryError),
    /// Not decided: it was changed, withdrawn or claimed again since.
    Superseded,
    /// Not decided: it failed and will be tried again.
    Retried,
}

/// A failure to settle one import.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What went wrong, for the audit table.
    pub reason: String,
    /// How many failures settle the import as refused.
    pub attempts_allowed: u32,
    /// How long nobody tries it again.
    pub back_off: std::time::Duration,
}

/// What an administrator looks for in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// This entry.
    pub entry: Option<LedgerEntryId>,
    /// Hardware with this serial number, in any letter case.
    pub serial_number: Option<String>,
    /// Hardware of this tenant.
    pub owner: Option<TenantId>,
}

/// A piece of hardware in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its id.
    pub id: LedgerEntryId,
    /// Who owns it and as which device, if anybody.
    pub owner: Option<(TenantId, DeviceId)>,
    /// The serial number, as it was last registered.
    pub serial_number: String,
    /// The product key, as it was last registered.
    pub product_key: String,
    /// All fingerprints.
    pub fingerprints: Fingerprints,
}

/// What a tenant has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantSummary {
    /// The tenant.
    pub tenant: TenantId,
    /// Its imports, those that wait included.
    pub imports: u64,
    /// Those of its imports that wait.
    pub waiting: u64,
    /// Its devices.
    pub devices: u64,
    /// Its deleted devices that are remembered.
    pub tombstones: u64,
    /// Its deployment profiles.
    pub profiles: u64,
}

/// How much of a tenant one step of its deletion removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantDeletion {
    /// Imports, whatever their state.
    pub imports: u64,
    /// Devices, whose hardware is free.
    pub devices: u64,
    /// Deleted devices that were remembered.
    pub tombstones: u64,
    /// Deployment profiles.
    pub profiles: u64,
    /// What says for whom profiles are, and when the tenant was synced.
    pub settings: u64,
}

impl TenantDeletion {
    /// How many rows that is.
    pub fn rows(&self) -> u64 {
        self.imports + self.devices + self.tombstones + self.profiles + self.settings
    }
}

/// Which part of a tenant's audit lines is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSlice {
    /// The number of the last line of the page before; zero at first.
    pub after: i64,
    /// How many lines at most.
    pub limit: usize,
}

/// What was done once, as the audit table remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// The line's number; later lines have higher ones.
    pub seq: i64,
    /// When it was done.
    pub at: Timestamp,
    /// The word for the kind of actor.
    pub actor_kind: String,
    /// Who did it.
    pub actor_id: String,
    /// The application that called on the actor's behalf.
    pub application: Option<String>,
    /// The word for what was done.
    pub action: String,
    /// To which import.
    pub import: Option<ImportId>,
    /// To which device.
    pub device: Option<DeviceId>,
    /// To which hardware.
    pub ledger_entry: Option<LedgerEntryId>,
    /// Why, in stable words.
    pub detail: Option<String>,
}
