//! Whether a seed makes sense, and what follows from it: everything that can be told without writing,
//! each fault with its place.

mod hardware;
mod people;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Seed, SeedAssignment, SeedDevice, SeedProfile, Seeded};
use crate::{
    authority::directory::{Additions, Directory, Tenant},
    domain::{
        assignment::{GroupId, MAX_ASSIGNMENTS, Target},
        device::DeviceId,
        id,
        profile::{Profile, ProfileId},
        registration::{HashValidation, Subject},
        tenant::TenantId,
    },
    graph::{edm::MAX_TEXT_CODE_POINTS, json as wire, profile::read_create},
    rehearsal::control::Problem,
};

/// How many faults are told. The others are counted.
const TOLD: usize = 20;

const AZURE_AD: &str = "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile";

/// What is to be done.
pub(super) struct Plan {
    /// Who is not there yet.
    pub(super) people: Additions,
    /// The profiles, each with its place in the file.
    pub(super) profiles: Vec<(String, PlannedProfile)>,
    /// The devices, each with its place in the file.
    pub(super) devices: Vec<(String, PlannedDevice)>,
}

pub(super) struct PlannedProfile {
    pub(super) profile: Profile,
    pub(super) targets: Vec<Target>,
}

pub(super) struct PlannedDevice {
    pub(super) tenant: TenantId,
    pub(super) id: DeviceId,
    /// Whether the file names the id.
    pub(super) is_named: bool,
    pub(super) subject: Subject,
    pub(super) registered_at: Timestamp,
    pub(super) profile: Option<ProfileId>,
}

/// What a seed is read against.
pub(super) struct Circumstances<'a> {
    /// Whom the world knows.
    pub(super) directory: &'a Directory,
    pub(super) validation: HashValidation,
    pub(super) now: Timestamp,
}

/// Everything that is wrong.
#[derive(Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    pub(super) fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push((place.into(), message.into()));
    }

    /// The faults as one problem, at the place of the first.
    pub(super) fn problem(self) -> Option<Problem> {
        let (place, message) = self.0.first()?.clone();
        let lines = self.0.iter().skip(1).take(TOLD - 1);
        let mut told = lines.fold(message, |told, (place, message)| {
            format!("{told}\n{place}: {message}")
        });
        if let Some(more) = self.0.len().checked_sub(TOLD).filter(|more| *more > 0) {
            told = format!("{told}\nand {more} more");
        }
        Some(Problem::bad(told).of(place))
    }
}

impl Plan {
    /// How much it brings.
    pub(super) fn told(&self) -> Seeded {
        Seeded {
            tenants: self.people.tenants.len(),
            users: self.people.users.len(),
            clients: self.people.clients.len(),
            profiles: self.profiles.len(),
            devices: self.devices.len(),
        }
    }

    /// What follows from a seed.
    pub(super) fn make(seed: &Seed, circumstances: &Circumstances<'_>) -> Result<Self, Problem> {
        let mut maker = Maker {
            circumstances,
            people: Additions::default(),
            first: None,
            faults: Faults::default(),
        };
        for (number, tenant) in seed.tenants.iter().enumerate() {
            maker.add_tenant(&format!("tenants[{number}]"), tenant);
        }
        for (number, user) in seed.users.iter().enumerate() {
            maker.add_user(&format!("users[{number}]"), user);
        }
        for tenant in &seed.tenants {
            maker.add_administrator(tenant);
        }
        for (number, client) in seed.clients.iter().enumerate() {
            maker.add_client(&format!("clients[{number}]"), client);
        }
        let mut profiles = Vec::new();
        for (number, profile) in seed.profiles.iter().enumerate() {
            let place = format!("profiles[{number}]");
            let planned = maker.profile(&place, profile);
            profiles.extend(planned.map(|planned| (place, planned)));
        }
        maker.check_profiles(&profiles);
        let mut devices = Vec::new();
        for (number, device) in seed.devices.iter().enumerate() {
            let place = format!("devices[{number}]");
            let planned = maker.device(&place, device, &profiles);
            devices.extend(planned.map(|planned| (place, planned)));
        }
        maker.check_devices(&devices);
        match maker.faults.problem() {
            Some(problem) => Err(problem),
            None => Ok(Self {
                people: maker.people,
                profiles,
                devices,
            }),
        }
    }
}

struct Maker<'a> {
    circumstances: &'a Circumstances<'a>,
    people: Additions,
    /// The file's first tenant.
    first: Option<TenantId>,
    faults: Faults,
}

impl Maker<'_> {
    fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        let known = self.circumstances.directory.tenants.iter();
        known.chain(&self.people.tenants)
    }

    /// The tenant of this name or id; without one, the file's first, or the authority's.
    fn tenant(&mut self, place: &str, named: Option<&str>) -> Option<TenantId> {
        let Some(named) = named else {
            let first = self.circumstances.directory.tenants.first();
            return self.first.or(first.map(|tenant| tenant.id));
        };
        let is_it = |tenant: &&Tenant| {
            tenant.name.eq_ignore_ascii_case(named) || named.parse() == Ok(tenant.id)
        };
        let found = self.tenants().find(is_it).map(|tenant| tenant.id);
        if found.is_none() {
            let known: Vec<_> = self.tenants().map(|one| one.name.as_str()).collect();
            let told = format!(
                "there is no tenant `{named}`; there are {}",
                known.join(", ")
            );
            self.faults.add(format!("{place}.tenant"), told);
        }
        found
    }

    fn profile(&mut self, place: &str, profile: &SeedProfile) -> Option<PlannedProfile> {
        let tenant = self.tenant(place, profile.tenant.as_deref())?;
        let mut properties = profile.properties.clone();
        let kind = properties.entry("@odata.type");
        kind.or_insert_with(|| json!(AZURE_AD));
        let text = Value::Object(properties).to_string();
        let read = wire::parse(&text).map_err(|error| (None, error.to_string()));
        let read = read.and_then(|body| {
            let read = read_create(&body);
            read.map_err(|error| (error.target().map(str::to_owned), error.to_string()))
        });
        let now = self.circumstances.now;
        let id = ProfileId(profile.id.unwrap_or_else(|| id::time_ordered(now)));
        let made = read.and_then(|(kind, said)| {
            let made = Profile::new((tenant, id, kind), said, now);
            made.map_err(|error| (None, error.to_string()))
        });
        let mut made = match made {
            Ok(made) => made,
            Err((within, message)) => {
                let within = within
                    .map(|within| format!(".{within}"))
                    .unwrap_or_default();
                self.faults
                    .add(format!("{place}.properties{within}"), message);
                return None;
            }
        };
        made.created_at = profile.created_at.unwrap_or(now);
        made.modified_at = profile.modified_at.unwrap_or(made.created_at);
        let targets: Vec<_> = profile.assignments.iter().map(|one| target(*one)).collect();
        let distinct: HashSet<_> = targets.iter().collect();
        if distinct.len() < targets.len() {
            let told = "two of the assignments are the same";
            self.faults.add(format!("{place}.assignments"), told);
        }
        if targets.len() as u64 > MAX_ASSIGNMENTS {
            let told = format!("a profile has {MAX_ASSIGNMENTS} assignments at most");
            self.faults.add(format!("{place}.assignments"), told);
        }
        let profile = made;
        Some(PlannedProfile { profile, targets })
    }

    fn check_profiles(&mut self, profiles: &[(String, PlannedProfile)]) {
        let mut ids = HashSet::new();
        for (place, planned) in profiles {
            if !ids.insert((planned.profile.tenant, planned.profile.id)) {
                self.faults
                    .add(format!("{place}.id"), "another profile has this id");
            }
        }
    }

    fn device(
        &mut self,
        place: &str,
        device: &SeedDevice,
        profiles: &[(String, PlannedProfile)],
    ) -> Option<PlannedDevice> {
        self.check_texts(place, device);
        let tenant = self.tenant(place, device.tenant.as_deref())?;
        let subject = self.subject(place, device)?;
        let profile = match &device.profile {
            None => None,
            Some(named) => {
                let of_tenant = profiles.iter().map(|(_, planned)| &planned.profile);
                let of_tenant = of_tenant.filter(|profile| profile.tenant == tenant);
                let named: Vec<_> = of_tenant
                    .filter(|one| {
                        Uuid::try_parse(named) == Ok(one.id.0)
                            || one.properties.display_name == *named
                    })
                    .collect();
                let place = format!("{place}.profile");
                match named.as_slice() {
                    [one] => Some(one.id),
                    [] => {
                        let told = "the file has no profile of this id or name in this tenant";
                        self.faults.add(place, told);
                        None
                    }
                    _ => {
                        let told = "more than one profile has this name: say its id";
                        self.faults.add(place, told);
                        None
                    }
                }
            }
        };
        let now = self.circumstances.now;
        Some(PlannedDevice {
            tenant,
            id: DeviceId(device.id.unwrap_or_else(|| id::time_ordered(now))),
            is_named: device.id.is_some(),
            subject,
            registered_at: device.registered_at.unwrap_or(now),
            profile,
        })
    }

    fn check_devices(&mut self, devices: &[(String, PlannedDevice)]) {
        let mut ids = HashMap::new();
        for (place, planned) in devices {
            if let Some(other) = ids.insert((planned.tenant, planned.id), place) {
                self.faults
                    .add(format!("{place}.id"), format!("{other} has this id too"));
            }
        }
    }

    fn check_texts(&mut self, place: &str, device: &SeedDevice) {
        for (name, text) in [
            ("serial_number", &device.serial_number),
            ("manufacturer", &device.manufacturer),
            ("model", &device.model),
            ("product_key", &device.product_key),
            ("group_tag", &device.group_tag),
            ("user", &device.user),
            ("purchase_order", &device.purchase_order),
            ("addressable_user_name", &device.addressable_user_name),
            ("resource_name", &device.resource_name),
            ("sku_number", &device.sku_number),
            ("system_family", &device.system_family),
            ("directory_device_id", &device.directory_device_id),
            ("managed_device_id", &device.managed_device_id),
            ("display_name", &device.display_name),
            ("device_account_upn", &device.device_account_upn),
            ("device_friendly_name", &device.device_friendly_name),
        ] {
            self.check_text(&format!("{place}.{name}"), text);
        }
    }

    fn check_text(&mut self, place: &str, text: &str) {
        if text.chars().nth(MAX_TEXT_CODE_POINTS).is_some() {
            let told = format!("a text has {MAX_TEXT_CODE_POINTS} characters at most");
            self.faults.add(place, told);
        }
        if text.contains('\0') {
            self.faults.add(place, "a text has no U+0000");
        }
    }
}

fn target(assignment: SeedAssignment) -> Target {
    match assignment {
        SeedAssignment::AllDevices => Target::AllDevices,
        SeedAssignment::Group(group) => Target::from_parts(GroupId(group), false),
        SeedAssignment::Exclude(group) => Target::Excluded(GroupId(group)),
    }
}
