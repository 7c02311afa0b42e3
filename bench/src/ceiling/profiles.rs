//! The store that keeps nothing keeps no profiles either.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Nowhere, answer};
use hangar::{
    domain::{
        actor::Actor,
        assignment::{Assignment, GroupId, Plan, Targeting},
        device::DeviceId,
        profile::{Profile, ProfileId},
        profile_change::ProfileChange,
        revision::Precondition,
        settings::{SyncRules, SyncStart, SyncState},
        tenant::TenantId,
    },
    store::{
        Answer,
        operation::{Page, Slice},
        profiles::{
            AssignmentChange, AssignmentOutcome, DeviceAssignment, ProfileDeletion, ProfileStore,
            ProfileUpdate, Search,
        },
    },
};

impl ProfileStore for Nowhere {
    fn create_profile(&self, _: TenantId, _: Profile, _: Actor) -> Answer<'_, bool> {
        answer(true)
    }

    fn profile(&self, _: TenantId, _: ProfileId) -> Answer<'_, Option<Profile>> {
        answer(None)
    }

    fn list_profiles(&self, _: TenantId, _: Slice) -> Answer<'_, Page<Profile>> {
        answer(Page {
            rows: Vec::new(),
            more: false,
        })
    }

    fn count_profiles(&self, _: TenantId) -> Answer<'_, u64> {
        answer(0)
    }

    fn update_profile(
        &self,
        _: TenantId,
        _: ProfileId,
        _: ProfileChange,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, ProfileUpdate> {
        answer(ProfileUpdate::Absent)
    }

    fn delete_profile(
        &self,
        _: TenantId,
        _: ProfileId,
        _: Precondition,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, ProfileDeletion> {
        answer(ProfileDeletion::Absent)
    }

    fn assign_devices(
        &self,
        _: TenantId,
        _: ProfileId,
        _: Vec<DeviceId>,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, DeviceAssignment> {
        answer(DeviceAssignment::AbsentProfile)
    }

    fn list_assignments(&self, _: TenantId, _: Vec<ProfileId>) -> Answer<'_, Vec<Assignment>> {
        answer(Vec::new())
    }

    fn change_assignment(
        &self,
        _: TenantId,
        _: AssignmentChange,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, AssignmentOutcome> {
        answer(AssignmentOutcome::Absent)
    }

    fn targeting(&self, _: TenantId, _: Vec<GroupId>) -> Answer<'_, Targeting> {
        answer(Targeting::default())
    }

    fn find_assigned_devices(
        &self,
        _: TenantId,
        _: ProfileId,
        _: Plan,
        _: Option<Uuid>,
        _: usize,
    ) -> Answer<'_, Search> {
        answer(Search {
            rows: Vec::new(),
            next: None,
        })
    }

    fn sync_state(&self, _: TenantId) -> Answer<'_, SyncState> {
        answer(SyncState::default())
    }

    fn start_sync(
        &self,
        _: TenantId,
        _: SyncRules,
        _: Actor,
        _: Timestamp,
    ) -> Answer<'_, SyncStart> {
        answer(SyncStart::Started)
    }
}
