//! What deployment profiles are shown with: their assignments, and the devices that have them.

use std::collections::{BTreeMap, BTreeSet};

use odata::{Expand, ExpandItem};

use super::{assigned_devices, assignments_of};
use crate::{
    domain::{
        assignment::Plan,
        device::Device,
        field::DeviceField,
        profile::{Profile, ProfileId},
    },
    graph::{
        assignment::{AssignmentsShown, assignment_value},
        device::DevicesShown,
        navigation::ASSIGNMENTS,
        nested::Refused,
        profile::Within,
        query::MAX_PAGE_SIZE,
        vocabulary,
    },
    http::{
        call::Call,
        devices::profile::{self, ProfileExpansion},
        error::ApiError,
        nested::Nested,
        short_list,
    },
    store::operation::Position,
};

/// How many devices each profile of a list is shown with at most, and how many if each of them shows
/// the profile's assignments again.
const DEVICES_IN_A_LIST: (u32, u32) = (100, 10);
/// The same for one profile.
const DEVICES_OF_ONE: (u32, u32) = (MAX_PAGE_SIZE, 100);

/// What an expansion asks of profiles.
pub struct Expansion {
    assignments: Option<Assignments>,
    devices: Option<Devices>,
}

/// What an expansion asks of profiles' assignments.
pub struct Assignments(Nested<&'static str>);

/// What an expansion asks of profiles' devices.
struct Devices {
    nested: Nested<DeviceField>,
    profiles: ProfileExpansion,
}

impl Expansion {
    /// Reads what is asked of every profile of a list.
    pub fn in_list(call: &Call, expand: &Expand) -> Result<Self, ApiError> {
        Self::read(call, expand, DEVICES_IN_A_LIST)
    }

    /// Reads what is asked of one profile.
    pub fn of_one(call: &Call, expand: &Expand) -> Result<Self, ApiError> {
        Self::read(call, expand, DEVICES_OF_ONE)
    }

    fn read(call: &Call, expand: &Expand, most: (u32, u32)) -> Result<Self, ApiError> {
        let mut expansion = Self {
            assignments: None,
            devices: None,
        };
        for item in &expand.items {
            if item.name == ASSIGNMENTS {
                expansion.assignments = Some(Assignments::read(call, item)?);
            } else {
                expansion.devices = Some(Devices::read(call, item, most)?);
            }
        }
        Ok(expansion)
    }

    /// Whether devices are looked for.
    pub fn shows_devices(&self) -> bool {
        self.devices.is_some()
    }

    /// What each of these profiles is shown with, in their order.
    pub async fn of(&self, call: &Call, profiles: &[Profile]) -> Result<Vec<Within>, ApiError> {
        let mut withins = vec![Within::default(); profiles.len()];
        if let Some(assignments) = &self.assignments {
            let ids = profiles.iter().map(|profile| profile.id).collect();
            let mut shown = assignments.of(call, ids).await?;
            for (within, profile) in withins.iter_mut().zip(profiles) {
                within.assignments = shown.remove(&profile.id);
            }
        }
        if let Some(devices) = &self.devices {
            let plan = profile::plan(call).await?;
            for (within, profile) in withins.iter_mut().zip(profiles) {
                within.devices = Some(devices.of(call, &plan, profile.id).await?);
            }
        }
        Ok(withins)
    }
}

impl Assignments {
    /// Reads what an item of `$expand` asks of them.
    pub fn read(call: &Call, item: &ExpandItem) -> Result<Self, ApiError> {
        let vocabulary = vocabulary::assignments();
        Nested::read(call, item, vocabulary, Refused::NOTHING, MAX_PAGE_SIZE).map(Self)
    }

    /// Those of each of these profiles.
    pub async fn of(
        &self,
        call: &Call,
        profiles: Vec<ProfileId>,
    ) -> Result<BTreeMap<ProfileId, AssignmentsShown>, ApiError> {
        let Self(nested) = self;
        let mut rows = BTreeMap::new();
        for &profile in &profiles {
            rows.insert(profile, Vec::new());
        }
        let all = call.store().list_assignments(call.tenant(), profiles);
        for assignment in all.await? {
            rows.entry(assignment.profile)
                .or_insert_with(Vec::new)
                .push(assignment);
        }
        let vocabulary = vocabulary::assignments();
        let mut shown = BTreeMap::new();
        for (profile, rows) in rows {
            let taken = short_list::take(rows, &nested.rows(), vocabulary, "id", |row, path, _| {
                assignment_value(row, path)
            });
            let link = |end| nested.link(call, assignments_of(profile), end);
            let assignments = AssignmentsShown {
                rows: taken.page.rows,
                count: nested.query.page.count.then_some(taken.count),
                next_link: taken.page.next.map(link).transpose()?,
                shown: nested.query.shown.clone(),
            };
            shown.insert(profile, assignments);
        }
        Ok(shown)
    }
}

impl Devices {
    fn read(
        call: &Call,
        item: &ExpandItem,
        (most, most_with_assignments): (u32, u32),
    ) -> Result<Self, ApiError> {
        let profiles = ProfileExpansion::read(call, &item.expand)?;
        let most = if profiles.shows_assignments() {
            most_with_assignments
        } else {
            most
        };
        let vocabulary = vocabulary::devices(call.version);
        Ok(Self {
            nested: Nested::read(call, item, vocabulary, assigned_devices::REFUSED, most)?,
            profiles,
        })
    }

    async fn of(&self, call: &Call, plan: &Plan, id: ProfileId) -> Result<DevicesShown, ApiError> {
        let limit = self.nested.rows().limit;
        let found = assigned_devices::find(call, id, plan, None, limit).await?;
        let link = |after| {
            let end = Position {
                keys: Vec::new(),
                id: after,
            };
            self.nested.link(call, assigned_devices::listing(id), end)
        };
        let next_link = found.next.map(link).transpose()?;
        let shown_with = |device: Device| {
            let assigned = plan.of(&device);
            (device, assigned)
        };
        Ok(DevicesShown {
            rows: found.rows.into_iter().map(shown_with).collect(),
            next_link,
            shown: self.nested.query.shown.clone(),
            expanded: self.profiles.of(call, &BTreeSet::from([id])).await?,
        })
    }
}
