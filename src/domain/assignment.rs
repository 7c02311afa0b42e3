//! Which deployment profile a device has, and since when.
//!
//! Nothing of it is kept with the device, apart from what was said of that very device: it follows
//! from the tenant's assignments, the device's group tag and the clock, so that no assignment, no
//! sync and no passing of time has rows to rewrite. Why is in decision 12.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    device::Device,
    profile::ProfileId,
    settings::{SyncRules, SyncState},
    tag_pattern::TagPattern,
};

/// How many assignments a profile may have.
pub const MAX_ASSIGNMENTS: u64 = 50;

/// How many devices one `assign` may name.
pub const MAX_ASSIGNED_DEVICES: usize = 1_000;

/// A group of the tenant's directory, of which nothing is known but its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub Uuid);

impl fmt::Display for GroupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// Graph's id of the group that stands for all devices.
pub const ALL_DEVICES: GroupId =
    GroupId(Uuid::from_u128(0xadad_adad_808e_44e2_905a_0b78_73a8_a531));

/// Whom an assignment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Every device of the tenant.
    AllDevices,
    /// A group's devices.
    Group(GroupId),
    /// Not a group's devices, whatever else includes them.
    Excluded(GroupId),
}

impl Target {
    /// The group, that of all devices included.
    pub fn group(self) -> GroupId {
        match self {
            Self::AllDevices => ALL_DEVICES,
            Self::Group(group) | Self::Excluded(group) => group,
        }
    }

    /// Whether it takes devices out.
    pub fn is_exclusion(self) -> bool {
        matches!(self, Self::Excluded(_))
    }

    /// The target of these two, as they are kept.
    pub fn from_parts(group: GroupId, is_exclusion: bool) -> Self {
        match (group, is_exclusion) {
            (group, true) => Self::Excluded(group),
            (ALL_DEVICES, false) => Self::AllDevices,
            (group, false) => Self::Group(group),
        }
    }
}

/// Graph: windowsAutopilotDeploymentProfileAssignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The profile.
    pub profile: ProfileId,
    /// For whom it is.
    pub target: Target,
}

/// Says which group tags stand for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// The group.
    pub group: GroupId,
    /// The group tags of its devices.
    pub tag: TagPattern,
}

/// How assignments take effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentRules {
    /// How long a device waits for its profile.
    pub delay: SignedDuration,
    /// Who is in which group. A group without a rule has no devices.
    pub groups: Vec<GroupRule>,
}

impl Default for AssignmentRules {
    fn default() -> Self {
        Self {
            delay: SignedDuration::from_secs(2),
            groups: Vec::new(),
        }
    }
}

impl AssignmentRules {
    /// The groups whose assignments can reach a device, each once.
    pub fn groups_with_devices(&self) -> Vec<GroupId> {
        let mut groups: Vec<_> = self.groups.iter().map(|rule| rule.group).collect();
        groups.push(ALL_DEVICES);
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

/// An assignment that can reach devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The assignment.
    pub assignment: Assignment,
    /// When its profile was made: the oldest wins.
    pub profile_created_at: Timestamp,
    /// Since when it decides, at the earliest: since it was made, or since an older profile, or an
    /// exclusion of its own, last let go of devices.
    pub effective_at: Timestamp,
}

/// What a tenant's devices are assigned by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targeting {
    /// The assignments that can reach devices, in any order.
    pub candidates: Vec<Candidate>,
    /// When the tenant was synced.
    pub sync: SyncState,
}

/// Whether a device has its profile yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentStatus {
    /// It will have it.
    Pending,
    /// It has it.
    InSync,
}

/// The profile of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The profile.
    pub profile: ProfileId,
    /// Since when it is the device's.
    pub since: Timestamp,
    /// Whether the device has it yet.
    pub status: AssignmentStatus,
}

/// Which device has which profile, in one tenant and at one instant. The default is a tenant's
/// without assignments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The oldest profile first.
    profiles: Vec<PlannedProfile>,
    /// Who became a profile's later than this waits for it.
    settled_until: Timestamp,
}

/// A profile with assignments that can reach devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedProfile {
    /// The profile.
    pub id: ProfileId,
    /// Whom it includes, and since when.
    pub included: Vec<(Audience, Timestamp)>,
    /// Whom it does not include, whatever else does.
    pub excluded: Vec<Audience>,
}

/// The devices that an assignment is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    Everybody,
    /// Those with a group tag of one of these patterns.
    Tags(Vec<TagPattern>),
}

impl Audience {
    fn includes(&self, device: &Device) -> bool {
        match self {
            Self::Everybody => true,
            Self::Tags(patterns) => patterns
                .iter()
                .any(|pattern| pattern.matches(&device.properties.group_tag)),
        }
    }
}

impl Plan {
    /// The plan that follows from a tenant's assignments at this instant.
    pub fn new(
        targeting: &Targeting,
        rules: &AssignmentRules,
        sync: &SyncRules,
        now: Timestamp,
    ) -> Self {
        let mut candidates = targeting.candidates.clone();
        candidates.sort_by_key(|one| (one.profile_created_at, one.assignment.profile));
        let mut profiles: Vec<PlannedProfile> = Vec::new();
        for candidate in candidates {
            let id = candidate.assignment.profile;
            if profiles.last().is_none_or(|last| last.id != id) {
                profiles.push(PlannedProfile {
                    id,
                    included: Vec::new(),
                    excluded: Vec::new(),
                });
            }
            let Some(profile) = profiles.last_mut() else {
                continue;
            };
            let audience = audience(candidate.assignment.target, rules);
            if candidate.assignment.target.is_exclusion() {
                profile.excluded.push(audience);
            } else {
                profile.included.push((audience, candidate.effective_at));
            }
        }
        let waited = now.saturating_sub(rules.delay).unwrap_or(Timestamp::MIN);
        let synced = targeting.sync.completed_start(sync, now);
        Self {
            profiles,
            settled_until: synced.map_or(waited, |synced| synced.max(waited)),
        }
    }

    /// The profiles, the one that wins first. What was said of a very device wins over all.
    pub fn profiles(&self) -> &[PlannedProfile] {
        &self.profiles
    }

    /// Who became a profile's later than this waits for it. It is all that the plan has of the
    /// clock and of syncs.
    pub fn settled_until(&self) -> Timestamp {
        self.settled_until
    }

    /// The same assignments as the clock stood when this was `settled_until`, so that the pages of
    /// a list are of one instant.
    #[must_use]
    pub fn as_settled_until(self, settled_until: Timestamp) -> Self {
        Self {
            settled_until,
            ..self
        }
    }

    /// The profile of a device. What was said of this very device comes first; then the oldest
    /// profile that includes it and does not exclude it.
    pub fn of(&self, device: &Device) -> Option<Assigned> {
        let (profile, since) = match device.direct_profile {
            Some(profile) => (profile, device.targeted_at),
            None => self.profiles.iter().find_map(|profile| {
                let since = profile.includes(device)?;
                Some((profile.id, since.max(device.targeted_at)))
            })?,
        };
        Some(Assigned {
            profile,
            since,
            status: if since <= self.settled_until {
                AssignmentStatus::InSync
            } else {
                AssignmentStatus::Pending
            },
        })
    }
}

impl PlannedProfile {
    /// Since when the profile includes a device, if it does.
    fn includes(&self, device: &Device) -> Option<Timestamp> {
        let since = self
            .included
            .iter()
            .filter(|(audience, _)| audience.includes(device))
            .map(|(_, effective_at)| *effective_at)
            .min()?;
        let excluded = self
            .excluded
            .iter()
            .any(|audience| audience.includes(device));
        (!excluded).then_some(since)
    }
}

fn audience(target: Target, rules: &AssignmentRules) -> Audience {
    match target {
        Target::AllDevices => Audience::Everybody,
        Target::Group(group) | Target::Excluded(group) => Audience::Tags(
            rules
                .groups
                .iter()
                .filter(|rule| rule.group == group)
                .map(|rule| rule.tag.clone())
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        device::{DeviceId, DeviceProperties},
        identity::LedgerEntryId,
        tenant::TenantId,
    };

    const OLD: ProfileId = ProfileId(Uuid::from_u128(1));
    const YOUNG: ProfileId = ProfileId(Uuid::from_u128(2));
    const SALES: GroupId = GroupId(Uuid::from_u128(10));
    const LAB: GroupId = GroupId(Uuid::from_u128(11));
    const NOBODY: GroupId = GroupId(Uuid::from_u128(12));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn device(group_tag: &str) -> Device {
        Device {
            tenant: TenantId(Uuid::nil()),
            id: DeviceId(Uuid::nil()),
            properties: DeviceProperties {
                group_tag: group_tag.to_owned(),
                ..DeviceProperties::default()
            },
            ledger_entry: LedgerEntryId(Uuid::nil()),
            registered_at: at(50),
            direct_profile: None,
            targeted_at: at(50),
            version: 0,
        }
    }

    fn rules() -> AssignmentRules {
        let rule = |group, tag| GroupRule {
            group,
            tag: TagPattern::new(tag),
        };
        AssignmentRules {
            groups: vec![
                rule(SALES, "Sales*"),
                rule(SALES, "Shop"),
                rule(LAB, "*Lab"),
            ],
            ..AssignmentRules::default()
        }
    }

    fn candidate(profile: ProfileId, target: Target, effective_at: i64) -> Candidate {
        Candidate {
            assignment: Assignment { profile, target },
            // The ids say nothing of the age.
            profile_created_at: at(if profile == OLD { 1 } else { 2 }),
            effective_at: at(effective_at),
        }
    }

    fn plan(candidates: &[Candidate], sync: SyncState, now: i64) -> Plan {
        let targeting = Targeting {
            candidates: candidates.to_vec(),
            sync,
        };
        Plan::new(&targeting, &rules(), &SyncRules::default(), at(now))
    }

    #[test]
    fn the_oldest_profile_that_includes_a_device_and_does_not_exclude_it_wins() {
        let candidates = [
            candidate(YOUNG, Target::AllDevices, 10),
            candidate(OLD, Target::Group(SALES), 10),
            candidate(OLD, Target::Group(NOBODY), 10),
            candidate(OLD, Target::Excluded(LAB), 10),
        ];
        let plan = plan(&candidates, SyncState::default(), 1_000);
        let cases = [
            ("sales-1", Some(OLD)),
            ("SHOP", Some(OLD)),
            ("Sales Lab", Some(YOUNG)),
            ("Lab", Some(YOUNG)),
            ("", Some(YOUNG)),
        ];
        for (tag, expected) in cases {
            let found = plan.of(&device(tag)).map(|assigned| assigned.profile);
            assert_eq!(found, expected, "{tag}");
        }
        let direct = Device {
            direct_profile: Some(YOUNG),
            ..device("Sales")
        };
        assert_eq!(plan.of(&direct).map(|found| found.profile), Some(YOUNG));
    }

    #[test]
    fn without_an_assignment_that_reaches_it_a_device_has_no_profile() {
        let candidates = [
            candidate(OLD, Target::Group(LAB), 10),
            candidate(OLD, Target::Group(NOBODY), 10),
            candidate(OLD, Target::Excluded(SALES), 10),
        ];
        assert_eq!(
            plan(&candidates, SyncState::default(), 99).of(&device("Sales")),
            None
        );
        assert_eq!(plan(&[], SyncState::default(), 99).of(&device("")), None);
    }

    #[test]
    fn a_device_waits_for_its_profile_by_the_clock() {
        let status = |effective_at, now| {
            let candidates = [candidate(OLD, Target::AllDevices, effective_at)];
            let assigned = plan(&candidates, SyncState::default(), now).of(&device(""));
            let assigned = assigned.unwrap();
            (assigned.since, assigned.status)
        };
        // Since it was registered, where the assignment was there before.
        assert_eq!(status(10, 51), (at(50), AssignmentStatus::Pending));
        assert_eq!(status(10, 52), (at(50), AssignmentStatus::InSync));
        // Since it was assigned, where it came later.
        assert_eq!(status(80, 81), (at(80), AssignmentStatus::Pending));
        assert_eq!(status(80, 82), (at(80), AssignmentStatus::InSync));
    }

    #[test]
    fn a_sync_that_is_complete_ends_the_waiting() {
        let slow = AssignmentRules {
            delay: SignedDuration::from_hours(1),
            ..rules()
        };
        let status = |started_at, before: Option<i64>, now| {
            let targeting = Targeting {
                candidates: vec![candidate(OLD, Target::AllDevices, 100)],
                sync: SyncState {
                    started_at: Some(at(started_at)),
                    before: before.map(at),
                },
            };
            let plan = Plan::new(&targeting, &slow, &SyncRules::default(), at(now));
            plan.of(&device("")).map(|assigned| assigned.status)
        };
        let (pending, in_sync) = (
            Some(AssignmentStatus::Pending),
            Some(AssignmentStatus::InSync),
        );
        assert_eq!(status(99, None, 500), pending, "it was started too early");
        assert_eq!(status(100, None, 104), pending, "it runs");
        assert_eq!(status(100, None, 105), in_sync);
        // Another sync does not take back what the one before it did.
        assert_eq!(status(800, Some(100), 801), in_sync);
        assert_eq!(status(800, Some(99), 801), pending);
    }

    #[test]
    fn a_target_is_kept_in_two_parts() {
        for target in [
            Target::AllDevices,
            Target::Group(SALES),
            Target::Excluded(SALES),
        ] {
            let kept = Target::from_parts(target.group(), target.is_exclusion());
            assert_eq!(kept, target);
        }
    }
}
