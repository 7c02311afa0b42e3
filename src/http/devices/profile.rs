//! Which deployment profiles devices are shown with.

use std::collections::{BTreeMap, BTreeSet};

use odata::Expand;

use crate::{
    domain::{
        assignment::Plan,
        device::Device,
        profile::{MAX_PROFILES, Profile, ProfileId},
    },
    graph::{
        device::{ProfileExpanded, ProfileShown},
        list_query::Shown,
        navigation::ASSIGNMENTS,
        nested::{self, shown_in},
        profile::Within,
        version::Version,
    },
    http::{call::Call, error::ApiError, profiles::within::Assignments},
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

/// What an expansion asks of devices' profiles.
#[derive(Default)]
pub struct ProfileExpansion(Vec<(&'static str, Shown, Option<Assignments>)>);

impl ProfileExpansion {
    /// Reads what is asked. The devices of a device's profile are not offered: a page of devices
    /// may have hundreds of profiles.
    pub fn read(call: &Call, expand: &Expand) -> Result<Self, ApiError> {
        let mut expansions = Vec::new();
        for item in &expand.items {
            let mut assignments = None;
            for within in &item.expand.items {
                if within.name != ASSIGNMENTS {
                    let advice = "Ask for them at the profile's own address.";
                    return Err(nested::refuse(within, item.name, advice).into());
                }
                assignments = Some(Assignments::read(call, within)?);
            }
            expansions.push((item.name, shown_in(item), assignments));
        }
        Ok(Self(expansions))
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each profile is shown with its assignments.
    pub fn shows_assignments(&self) -> bool {
        let mut asked = self.0.iter();
        asked.any(|(_, _, assignments)| assignments.is_some())
    }

    /// What is asked, and what these profiles are shown with by it.
    pub async fn of(
        &self,
        call: &Call,
        profiles: &BTreeSet<ProfileId>,
    ) -> Result<Vec<ProfileExpanded>, ApiError> {
        let mut expanded = Vec::new();
        for (name, shown, assignments) in &self.0 {
            let mut within = BTreeMap::new();
            if let Some(assignments) = assignments {
                let ids = profiles.iter().copied().collect();
                for (profile, shown) in assignments.of(call, ids).await? {
                    let assignments = Some(shown);
                    let devices = None;
                    within.insert(
                        profile,
                        Within {
                            assignments,
                            devices,
                        },
                    );
                }
            }
            expanded.push(ProfileExpanded {
                name,
                shown: shown.clone(),
                within,
            });
        }
        Ok(expanded)
    }
}

/// What devices are shown with.
pub struct Profiles {
    plan: Option<Plan>,
    found: Vec<Profile>,
    expanded: Vec<ProfileExpanded>,
}

impl Profiles {
    /// Reads the profiles that an expansion of these devices shows.
    pub async fn read(
        call: &Call,
        plan: Option<Plan>,
        expansion: &ProfileExpansion,
        devices: &[Device],
    ) -> Result<Self, ApiError> {
        let mut found = Vec::new();
        let mut ids = BTreeSet::new();
        if let Some(plan) = plan.as_ref().filter(|_| !expansion.is_empty()) {
            let shown = devices.iter().filter_map(|device| plan.of(device));
            ids.extend(shown.map(|assigned| assigned.profile));
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
            expanded: expansion.of(call, &ids).await?,
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
            expanded: &self.expanded,
        }
    }
}
