//! Which deployment profiles devices are shown with.

use std::collections::BTreeSet;

use odata::Expand;

use crate::{
    domain::{
        assignment::Plan,
        device::Device,
        profile::{MAX_PROFILES, Profile},
    },
    graph::{
        device::{Expanded, ProfileShown},
        version::Version,
    },
    http::{call::Call, error::ApiError},
    store::operation::Slice,
};

/// Which device of the tenant has which profile now.
pub async fn plan(call: &Call) -> Result<Plan, ApiError> {
    let rules = &call.api.assignment;
    let targeting = call
        .store()
        .targeting(call.tenant(), rules.groups_with_devices())
        .await?;
    let now = call.api.clock.now();
    Ok(Plan::new(&targeting, rules, &call.api.sync, now))
}

/// The plan, where the version that was asked shows anything of it.
pub async fn plan_if_shown(call: &Call) -> Result<Option<Plan>, ApiError> {
    match call.version {
        Version::Beta => plan(call).await.map(Some),
        Version::V1 => Ok(None),
    }
}

/// What a device that was just written is shown with, by the plan of a moment before.
pub fn shown_by(plan: Option<&Plan>, device: &Device) -> ProfileShown<'static> {
    ProfileShown {
        assigned: plan.and_then(|plan| plan.of(device)),
        ..ProfileShown::default()
    }
}

/// What devices are shown with.
pub struct Profiles {
    plan: Option<Plan>,
    found: Vec<Profile>,
    expand: Vec<Expanded>,
}

impl Profiles {
    /// Reads the profiles that an expansion of these devices shows.
    pub async fn read(
        call: &Call,
        plan: Option<Plan>,
        expand: &Expand,
        devices: &[Device],
    ) -> Result<Self, ApiError> {
        let mut found = Vec::new();
        if let Some(plan) = plan.as_ref().filter(|_| !expand.items.is_empty()) {
            let shown = devices.iter().filter_map(|device| plan.of(device));
            let ids: BTreeSet<_> = shown.map(|assigned| assigned.profile).collect();
            if let (Some(&id), 1) = (ids.first(), ids.len()) {
                found.extend(call.store().profile(call.tenant(), id).await?);
            } else if !ids.is_empty() {
                let all = Slice {
                    after: None,
                    skip: 0,
                    limit: usize::try_from(MAX_PROFILES).unwrap_or(usize::MAX),
                };
                found = call.store().list_profiles(call.tenant(), all).await?.rows;
            }
        }
        Ok(Self {
            plan,
            found,
            expand: expand.items.iter().map(Expanded::of).collect(),
        })
    }

    /// What this device is shown with.
    pub fn of(&self, device: &Device) -> ProfileShown<'_> {
        let assigned = self.plan.as_ref().and_then(|plan| plan.of(device));
        ProfileShown {
            assigned,
            profile: assigned.and_then(|assigned| {
                self.found
                    .iter()
                    .find(|profile| profile.id == assigned.profile)
            }),
            expanded: &self.expand,
        }
    }
}
