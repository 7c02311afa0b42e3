//! Keeping deployment profiles, their assignments, and when a tenant was synced: the part of
//! `Store` that imports and registrations never meet.
//!
//! Which device has which profile is not kept: `domain::assignment` says it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Answer,
    operation::{Page, Slice},
};
use crate::domain::{
    actor::Actor,
    assignment::{Assignment, GroupId, Plan, Target, Targeting},
    device::{Device, DeviceId},
    profile::{Profile, ProfileId},
    profile_change::{ProfileChange, ProfileRefusal},
    revision::Precondition,
    settings::{SyncRules, SyncStart, SyncState},
    tenant::TenantId,
};

/// Keeps deployment profiles and settings.
pub trait ProfileStore: Send + Sync {
    /// Keeps a new profile; false where the tenant has as many as it may have.
    fn create_profile(&self, tenant: TenantId, profile: Profile, actor: Actor) -> Answer<'_, bool>;

    /// The profile with this id.
    fn profile(&self, tenant: TenantId, id: ProfileId) -> Answer<'_, Option<Profile>>;

    /// A page of profiles, in the order of their ids.
    fn list_profiles(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Profile>>;

    /// How many profiles there are.
    fn count_profiles(&self, tenant: TenantId) -> Answer<'_, u64>;

    /// Changes a profile.
    fn update_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        change: ProfileChange,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileUpdate>;

    /// Deletes a profile that has no assignments. The devices that were assigned to it one by one
    /// are released first, a bounded number a call.
    fn delete_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileDeletion>;

    /// Assigns these very devices to a profile: all of them, or none.
    fn assign_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        devices: Vec<DeviceId>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceAssignment>;

    /// The assignments of these profiles, in the order of profile, group and kind.
    fn list_assignments(
        &self,
        tenant: TenantId,
        profiles: Vec<ProfileId>,
    ) -> Answer<'_, Vec<Assignment>>;

    /// Puts one assignment of a profile in the place of another, or adds one, or removes one.
    fn change_assignment(
        &self,
        tenant: TenantId,
        change: AssignmentChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, AssignmentOutcome>;

    /// What decides which profile a tenant's devices have. Assignments to other groups than these
    /// reach no device, and are left out.
    fn targeting(&self, tenant: TenantId, groups: Vec<GroupId>) -> Answer<'_, Targeting>;

    /// Devices that a plan gives this profile, in the order of their ids: of a bounded number of
    /// devices after `after`, at most `limit`.
    fn find_assigned_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        plan: Plan,
        after: Option<Uuid>,
        limit: usize,
    ) -> Answer<'_, Search>;

    /// When the tenant was synced.
    fn sync_state(&self, tenant: TenantId) -> Answer<'_, SyncState>;

    /// Starts a sync, unless the rules forbid it now. Of several processes that ask at once, one
    /// starts it.
    fn start_sync(
        &self,
        tenant: TenantId,
        rules: SyncRules,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, SyncStart>;
}

/// What became of a profile's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileUpdate {
    /// There is no such profile.
    Absent,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// The profile can't be so.
    Refused(ProfileRefusal),
    /// The profile as it is now.
    Done(Box<Profile>),
}

/// What became of a profile's deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileDeletion {
    /// There is no such profile.
    Absent,
    /// It is not in the revision that the client demands.
    ConditionNotMet,
    /// It has assignments, which have to go first.
    Assigned,
    /// Some of its devices are released and others may be left: it is to be tried again.
    Releasing,
    /// It is deleted.
    Deleted,
}

/// What became of the assignment of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAssignment {
    /// There is no such profile.
    AbsentProfile,
    /// There is no such device.
    AbsentDevice(DeviceId),
    /// They are assigned.
    Done,
}

/// A change of a profile's assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignmentChange {
    /// The profile.
    pub profile: ProfileId,
    /// The assignment that goes, if one does.
    pub old: Option<Target>,
    /// The assignment that comes, if one does.
    pub new: Option<Target>,
}

/// What became of a change of assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentOutcome {
    /// There is no such profile, or it has not the assignment that was to go.
    Absent,
    /// The profile has the new assignment already.
    Taken,
    /// This profile is for all devices already, and only one may be.
    AllDevicesTaken(ProfileId),
    /// The profile has as many as it may have.
    Full,
    /// It is done.
    Done,
}

/// What a bounded search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The rows.
    pub rows: Vec<Device>,
    /// The id after which to go on, unless all has been looked at.
    pub next: Option<Uuid>,
}
