//! Profiles and settings of a store with flaws: it has none there.

use jiff::Timestamp;
use uuid::Uuid;

use super::FlawedStore;
use crate::{
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

impl ProfileStore for FlawedStore {
    fn create_profile(&self, tenant: TenantId, profile: Profile, actor: Actor) -> Answer<'_, bool> {
        self.inner.create_profile(tenant, profile, actor)
    }

    fn profile(&self, tenant: TenantId, id: ProfileId) -> Answer<'_, Option<Profile>> {
        self.inner.profile(tenant, id)
    }

    fn list_profiles(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Profile>> {
        self.inner.list_profiles(tenant, slice)
    }

    fn count_profiles(&self, tenant: TenantId) -> Answer<'_, u64> {
        self.inner.count_profiles(tenant)
    }

    fn update_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        change: ProfileChange,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileUpdate> {
        self.inner
            .update_profile(tenant, id, change, precondition, actor, now)
    }

    fn delete_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileDeletion> {
        self.inner
            .delete_profile(tenant, id, precondition, actor, now)
    }

    fn assign_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        devices: Vec<DeviceId>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceAssignment> {
        self.inner
            .assign_devices(tenant, profile, devices, actor, now)
    }

    fn list_assignments(
        &self,
        tenant: TenantId,
        profiles: Vec<ProfileId>,
    ) -> Answer<'_, Vec<Assignment>> {
        self.inner.list_assignments(tenant, profiles)
    }

    fn change_assignment(
        &self,
        tenant: TenantId,
        change: AssignmentChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, AssignmentOutcome> {
        self.inner.change_assignment(tenant, change, actor, now)
    }

    fn targeting(&self, tenant: TenantId, groups: Vec<GroupId>) -> Answer<'_, Targeting> {
        self.inner.targeting(tenant, groups)
    }

    fn find_assigned_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        plan: Plan,
        after: Option<Uuid>,
        limit: usize,
    ) -> Answer<'_, Search> {
        self.inner
            .find_assigned_devices(tenant, profile, plan, after, limit)
    }

    fn sync_state(&self, tenant: TenantId) -> Answer<'_, SyncState> {
        self.inner.sync_state(tenant)
    }

    fn start_sync(
        &self,
        tenant: TenantId,
        rules: SyncRules,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, SyncStart> {
        self.inner.start_sync(tenant, rules, actor, now)
    }
}
