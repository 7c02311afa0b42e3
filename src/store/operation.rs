//! What the store's operations take and give.

mod expired;

use jiff::Timestamp;
use odata::{Condition, OrderKey, Value};
use uuid::Uuid;

use crate::domain::{
    actor::Actor,
    device::{Device, DeviceChange, DeviceId, FixedProperty},
    directory_error::DirectoryError,
    identity::{Fingerprints, LedgerEntryId},
    import::{CallId, Import, ImportId, ImportProperties, TooLate},
    registration::{Examination, Subject},
    revision::Precondition,
    tenant::TenantId,
    upload::UploadId,
};

pub use self::expired::Expired;

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

/// An upload to make, with the imports that it comes with: there may be none.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its id, chosen before the store sees it.
    pub id: UploadId,
    /// Its imports, and who sends them and when.
    pub imports: NewImports,
}

/// How far an upload's deletion has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadDeletion {
    /// There is no such upload.
    Absent,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// Some of its imports are out of it, others are to come.
    Begun,
    /// It is deleted.
    Deleted,
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

/// Which rows of a collection are meant; absent, all.
pub type Filter<F> = Option<Condition<F>>;

/// What is asked of a collection.
#[derive(Clone, Debug)]
pub struct Query<F> {
    /// Which rows.
    pub filter: Filter<F>,
    /// In which order; rows that it does not tell apart, all if it is empty, in that of their ids.
    pub order: Vec<OrderKey<F>>,
    /// The end of the page before, which was given out for the same filter and order.
    pub after: Option<Position>,
    /// How many rows to leave out first.
    pub skip: u64,
    /// How many rows at most.
    pub limit: usize,
}

impl<F> Query<F> {
    /// Every row, in the order of the ids, so many at most.
    pub fn all(limit: usize) -> Self {
        Self {
            filter: None,
            order: Vec::new(),
            after: None,
            skip: 0,
            limit,
        }
    }
}

/// A row's place in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its values of the order's keys, as far as these decide before the id does.
    pub keys: Vec<Value<'static>>,
    /// Its id.
    pub id: Uuid,
}

/// A page of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The page's end, if rows follow.
    pub next: Option<Position>,
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
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// The import is settled.
    TooLate(TooLate),
    /// The import as it is now.
    Done(Box<Import>),
}

/// What became of an import's deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportDeletion {
    /// It is deleted.
    Deleted,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// There is no such import.
    Absent,
}

/// A device to register of which there is no hardware hash.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its id, chosen before the store sees it.
    pub id: DeviceId,
    /// The id of the hardware, should it be new.
    pub entry: LedgerEntryId,
    /// The request.
    pub call: CallId,
    /// What the client says of it.
    pub subject: Subject,
    /// Who sent it.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// What became of a device to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceCreation {
    /// It is registered.
    Registered(Box<Device>),
    /// It is refused.
    Refused(DirectoryError),
}

/// A write to one device.
#[derive(Clone, Debug)]
pub struct DeviceWrite {
    /// What it is to become.
    pub change: DeviceChange,
    /// What the client did, for the audit table.
    pub act: DeviceAct,
    /// In which revision it must be.
    pub precondition: Precondition,
    /// Who asked.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
}

/// What clients do to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAct {
    /// Graph: Update windowsAutopilotDeviceIdentity.
    Change,
    /// Graph: `updateDeviceProperties`.
    UpdateProperties,
    /// Graph: `assignUserToDevice`.
    AssignUser,
    /// Graph: `unassignUserFromDevice`.
    UnassignUser,
    /// Graph: `assignResourceAccountToDevice`.
    AssignResourceAccount,
    /// Graph: `unassignResourceAccountFromDevice`.
    UnassignResourceAccount,
    /// Graph: `allowNextEnrollment`.
    AllowNextEnrollment,
}

impl DeviceAct {
    /// The word that the audit table has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "device-changed",
            Self::UpdateProperties => "device-properties-updated",
            Self::AssignUser => "device-user-assigned",
            Self::UnassignUser => "device-user-unassigned",
            Self::AssignResourceAccount => "device-resource-account-assigned",
            Self::UnassignResourceAccount => "device-resource-account-unassigned",
            Self::AllowNextEnrollment => "device-next-enrollment-allowed",
        }
    }
}

/// What became of a write to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceUpdated {
    /// There is no such device.
    Absent,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// It would become other hardware.
    Fixed(FixedProperty),
    /// The device as it is now.
    Done(Box<Device>),
}

/// What became of the device that goes by a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialDeletion {
    /// It is deleted.
    Deleted(DeviceId),
    /// More than one device goes by it. None of them is deleted.
    NotUnique,
    /// No device goes by it.
    Absent,
}

/// What became of a device's deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceDeletion {
    /// It is deleted.
    Deleted,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
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
    /// Hardware whose entry's id comes after this one, to go on where a search ended.
    pub after: Option<LedgerEntryId>,
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
    /// The product key, as it was last registered with one.
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
    /// Its uploads.
    pub uploads: u64,
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
    /// Uploads.
    pub uploads: u64,
    /// Deployment profiles.
    pub profiles: u64,
    /// What says for whom profiles are, and when the tenant was synced.
    pub settings: u64,
}

impl TenantDeletion {
    /// How many rows that is.
    pub fn rows(&self) -> u64 {
        self.imports + self.devices + self.tombstones + self.uploads + self.profiles + self.settings
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
