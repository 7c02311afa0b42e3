//! Whether a seed makes sense, and what follows from it: everything that can be told without writing,
//! each fault with its place.

use std::collections::{HashMap, HashSet};

use hardware_hash::Builder;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Seed, SeedAssignment, SeedClient, SeedDevice, SeedProfile, SeedTenant, SeedUser, SeedUserless,
    Seeded,
};
use crate::{
    authority::directory::{Additions, Client, Directory, Tenant, User},
    domain::{
        assignment::{GroupId, MAX_ASSIGNMENTS, Target},
        device::{DeviceId, DeviceProperties, UserlessEnrollment},
        hardware_blob::HardwareBlob,
        id,
        identity::{Fingerprint, FingerprintKind, Fingerprints, fold},
        import::ImportProperties,
        profile::{Profile, ProfileId},
        registration::{HashValidation, Subject, describe, examine},
        tenant::TenantId,
    },
    graph::{
        edm::{MAX_BINARY_CHARACTERS, MAX_TEXT_CODE_POINTS, decode_base64},
        json as wire,
        profile::read_create,
    },
    rehearsal::control::Problem,
};

/// How many faults are told. The others are counted.
const TOLD: usize = 20;

/// What an administrator may do, as the ready ones.
const ADMINISTRATOR_SCOPES: [&str; 2] =
    ["DeviceManagementServiceConfig.ReadWrite.All", "User.Read"];

/// The password of users of whom the file says none, as of the ready ones.
const PASSWORD: &str = "hangar";

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

    fn add_tenant(&mut self, place: &str, tenant: &SeedTenant) {
        self.check_name(&format!("{place}.name"), &tenant.name);
        if let Some(domain) = &tenant.domain {
            self.check_name(&format!("{place}.domain"), domain);
        }
        let by_name = self
            .tenants()
            .find(|known| known.name.eq_ignore_ascii_case(&tenant.name))
            .map(|known| known.id);
        let by_id = tenant.id.and_then(|id| {
            let known = self.tenants().find(|known| known.id.0 == id)?;
            Some((known.id, known.name.clone()))
        });
        let id = match (by_name, by_id, tenant.id) {
            (Some(known), _, Some(id)) if known.0 != id => {
                let told = format!("`{}` is the tenant {known}", tenant.name);
                self.faults.add(format!("{place}.id"), told);
                return;
            }
            (Some(known), _, _) => known,
            (None, Some((_, name)), _) => {
                let told = format!("this is the id of the tenant `{name}`");
                self.faults.add(format!("{place}.id"), told);
                return;
            }
            (None, None, id) => {
                let id = TenantId(id.unwrap_or_else(Uuid::new_v4));
                if super::super::fork::is_of_a_fork(id) || id.0.is_nil() {
                    let told = "a tenant can't have this id: take another";
                    self.faults.add(format!("{place}.id"), told);
                    return;
                }
                self.people.tenants.push(Tenant {
                    id,
                    name: tenant.name.clone(),
                });
                id
            }
        };
        self.first.get_or_insert(id);
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

    fn add_user(&mut self, place: &str, user: &SeedUser) {
        let name_place = format!("{place}.principal_name");
        self.check_name(&name_place, &user.principal_name);
        if !user.principal_name.contains('@') {
            let told = "a sign-in name is a name, @ and a domain";
            self.faults.add(&name_place, told);
        }
        for (name, text) in [("name", &user.name), ("password", &user.password)] {
            if let Some(text) = text {
                self.check_name(&format!("{place}.{name}"), text);
            }
        }
        let Some(tenant) = self.tenant(place, user.tenant.as_deref()) else {
            return;
        };
        let (before, _) = user.principal_name.split_once('@').unwrap_or_default();
        let scopes = user.scopes.clone();
        let new = User {
            name: user.name.clone().unwrap_or_else(|| before.to_owned()),
            principal_name: user.principal_name.clone(),
            password: SecretString::from(user.password.as_deref().unwrap_or(PASSWORD)),
            tenant,
            object_id: user.object_id.unwrap_or_else(Uuid::new_v4),
            scopes: scopes.unwrap_or_else(|| ADMINISTRATOR_SCOPES.map(str::to_owned).to_vec()),
        };
        let named = |known: &&User| {
            known
                .principal_name
                .eq_ignore_ascii_case(&user.principal_name)
        };
        if self.people.users.iter().any(|known| named(&known)) {
            self.faults
                .add(name_place, "this user stands twice in the file");
            return;
        }
        match self.circumstances.directory.users.iter().find(named) {
            None => self.people.users.push(new),
            Some(known) => {
                let has_id = user.object_id.is_none_or(|id| id == known.object_id);
                if !is_same_user(known, &new) || !has_id {
                    let told = "this user is there already, and is not as the file says";
                    self.faults.add(name_place, told);
                }
            }
        }
    }

    /// A tenant that is new and has no user in the file has an administrator all the same.
    fn add_administrator(&mut self, seeded: &SeedTenant) {
        let mut new = self.people.tenants.iter();
        let Some(tenant) = new.find(|tenant| tenant.name == seeded.name) else {
            return;
        };
        let (id, name) = (tenant.id, tenant.name.clone());
        if self.people.users.iter().any(|user| user.tenant == id) {
            return;
        }
        let domain = seeded.domain.clone();
        let domain = domain.unwrap_or_else(|| format!("{name}.example"));
        let principal_name = format!("administrator@{domain}");
        let all = &self.circumstances.directory.users;
        let mut users = all.iter().chain(&self.people.users);
        if users.any(|user| user.principal_name.eq_ignore_ascii_case(&principal_name)) {
            let told = format!("`{principal_name}` is in another tenant: list a user of `{name}`");
            self.faults.add("users", told);
            return;
        }
        self.people.users.push(User {
            name: "administrator".to_owned(),
            principal_name,
            password: SecretString::from(PASSWORD),
            tenant: id,
            object_id: Uuid::new_v4(),
            scopes: ADMINISTRATOR_SCOPES.map(str::to_owned).to_vec(),
        });
    }

    fn add_client(&mut self, place: &str, client: &SeedClient) {
        self.check_name(&format!("{place}.id"), &client.id);
        self.check_name(&format!("{place}.name"), &client.name);
        let new = Client {
            id: client.id.clone(),
            name: client.name.clone(),
            secret: client.secret.clone().map(SecretString::from),
            object_id: client.object_id.unwrap_or_else(Uuid::new_v4),
            roles: client.roles.clone(),
        };
        let is_it = |known: &&Client| known.id.eq_ignore_ascii_case(&client.id);
        if self.people.clients.iter().any(|known| is_it(&known)) {
            let told = "this client stands twice in the file";
            self.faults.add(format!("{place}.id"), told);
            return;
        }
        match self.circumstances.directory.clients.iter().find(is_it) {
            None => self.people.clients.push(new),
            Some(known) => {
                let has_id = client.object_id.is_none_or(|id| id == known.object_id);
                let secret = |client: &Client| {
                    let secret = client.secret.as_ref();
                    secret.map(|secret| secret.expose_secret().to_owned())
                };
                let is_same = known.name == new.name
                    && known.roles == new.roles
                    && secret(known) == secret(&new);
                if !is_same || !has_id {
                    let told = "this client is there already, and is not as the file says";
                    self.faults.add(format!("{place}.id"), told);
                }
            }
        }
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

    /// Which hardware a device is, and what it will show.
    fn subject(&mut self, place: &str, device: &SeedDevice) -> Option<Subject> {
        let sources = [
            device.hardware_hash.is_some(),
            device.hash_seed.is_some(),
            !device.fingerprints.is_empty(),
        ];
        if sources.iter().filter(|given| **given).count() > 1 {
            let told =
                "a device has a hardware_hash, a hash_seed or fingerprints, and one of them only";
            self.faults.add(place, told);
            return None;
        }
        if !device.fingerprints.is_empty() {
            let fingerprints = self.fingerprints(place, device)?;
            return Some(Subject::Hardware(fingerprints, properties(device)));
        }
        let blob = match (&device.hardware_hash, device.hash_seed) {
            (Some(text), _) => {
                let decoded = decode_base64(text).filter(|_| text.len() <= MAX_BINARY_CHARACTERS);
                let blob = decoded.and_then(HardwareBlob::new);
                if blob.is_none() {
                    let told =
                        format!("a hash is base64, of {MAX_BINARY_CHARACTERS} characters at most");
                    self.faults.add(format!("{place}.hardware_hash"), told);
                }
                Some(blob?)
            }
            (None, Some(seed)) => HardwareBlob::new(invented(seed, device)),
            (None, None) => None,
        };
        match blob {
            Some(blob) => self.subject_of_hash(place, device, blob),
            None => match describe(properties(device)) {
                Ok(subject) => Some(subject),
                Err(undescribed) => {
                    let property = match undescribed.property {
                        "serialNumber" => "serial_number",
                        other => other,
                    };
                    let told = format!(
                        "`{}` tells no device from another: say which it is by manufacturer, model and serial_number, or by a hardware_hash or hash_seed",
                        undescribed.value
                    );
                    self.faults.add(format!("{place}.{property}"), told);
                    None
                }
            },
        }
    }

    fn subject_of_hash(
        &mut self,
        place: &str,
        device: &SeedDevice,
        blob: HardwareBlob,
    ) -> Option<Subject> {
        let Circumstances {
            validation, now, ..
        } = self.circumstances;
        let asked = ImportProperties {
            serial_number: Some(device.serial_number.clone()),
            product_key: Some(device.product_key.clone()),
            hardware_blob: Some(blob),
            ..ImportProperties::default()
        };
        let examination = examine(&asked, *validation, *now);
        let (fingerprints, read) = match examination.subject {
            Subject::Hardware(fingerprints, read) => (fingerprints, read),
            Subject::Named(..) | Subject::Refused(_) => {
                let told = format!(
                    "the hash would be refused ({}): look at it with `hangar hash inspect`",
                    examination.notes.join(", ")
                );
                self.faults.add(format!("{place}.hardware_hash"), told);
                return None;
            }
        };
        // The hash wins wherever it says something; a file that says otherwise is mistaken.
        let mut shown = properties(device);
        for (name, said, read) in [
            (
                "serial_number",
                &mut shown.serial_number,
                read.serial_number,
            ),
            ("product_key", &mut shown.product_key, read.product_key),
            ("manufacturer", &mut shown.manufacturer, read.manufacturer),
            ("model", &mut shown.model, read.model),
            ("sku_number", &mut shown.sku_number, read.sku_number),
            (
                "system_family",
                &mut shown.system_family,
                read.system_family,
            ),
        ] {
            if read.is_empty() {
                continue;
            }
            if !said.is_empty() && fold(said) != fold(&read) {
                let told = format!("the hash says `{read}`");
                self.faults.add(format!("{place}.{name}"), told);
            }
            *said = read;
        }
        Some(Subject::Hardware(fingerprints, shown))
    }

    fn fingerprints(&mut self, place: &str, device: &SeedDevice) -> Option<Fingerprints> {
        let mut all = Vec::new();
        for (number, fingerprint) in device.fingerprints.iter().enumerate() {
            let place = format!("{place}.fingerprints[{number}]");
            let mut kinds = FingerprintKind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == fingerprint.kind);
            if kind.is_none() {
                let known = FingerprintKind::ALL.map(FingerprintKind::as_str).join(", ");
                let told = format!("a fingerprint is of one of {known}");
                self.faults.add(format!("{place}.kind"), told);
            }
            let digest = digest(&fingerprint.sha256);
            if digest.is_none() {
                let told = "a SHA-256 is 64 digits, 0 to 9 and a to f";
                self.faults.add(format!("{place}.sha256"), told);
            }
            all.push(Fingerprint {
                kind: kind?,
                digest: digest?,
            });
        }
        if !all.iter().any(|one| one.kind.is_key()) {
            let told = "a device is found by ek, uuid, tuple or opaque: one of them is needed";
            self.faults.add(format!("{place}.fingerprints"), told);
            return None;
        }
        Some(all.into_iter().collect())
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

    /// A name, which stands in addresses and on command lines.
    fn check_name(&mut self, place: &str, name: &str) {
        self.check_text(place, name);
        let is_bad = |letter: char| letter.is_control() || letter == '/';
        if name.trim().is_empty() || name.contains(is_bad) {
            self.faults.add(
                place,
                "a name is not blank, and has no slash and no control characters",
            );
        }
    }
}

fn is_same_user(one: &User, other: &User) -> bool {
    one.tenant == other.tenant
        && one.name == other.name
        && one.scopes == other.scopes
        && one.password.expose_secret() == other.password.expose_secret()
}

fn target(assignment: SeedAssignment) -> Target {
    match assignment {
        SeedAssignment::AllDevices => Target::AllDevices,
        SeedAssignment::Group(group) => Target::from_parts(GroupId(group), false),
        SeedAssignment::Exclude(group) => Target::Excluded(GroupId(group)),
    }
}

/// The hash of an invented device that is described so.
fn invented(seed: u64, device: &SeedDevice) -> Vec<u8> {
    let mut builder = Builder::new(seed);
    if !device.serial_number.is_empty() {
        builder = builder.serial_number(&device.serial_number);
    }
    if !device.manufacturer.is_empty() {
        builder = builder.manufacturer(&device.manufacturer);
    }
    if !device.model.is_empty() {
        builder = builder.product_name(&device.model);
    }
    if !device.product_key.is_empty() {
        builder = builder.product_key_id(&device.product_key);
    }
    builder.build()
}

fn properties(device: &SeedDevice) -> DeviceProperties {
    let device = device.clone();
    DeviceProperties {
        group_tag: device.group_tag,
        purchase_order_identifier: device.purchase_order,
        serial_number: device.serial_number,
        product_key: device.product_key,
        manufacturer: device.manufacturer,
        model: device.model,
        addressable_user_name: device.addressable_user_name,
        user_principal_name: device.user,
        resource_name: device.resource_name,
        sku_number: device.sku_number,
        system_family: device.system_family,
        directory_device_id: device.directory_device_id,
        managed_device_id: device.managed_device_id,
        display_name: device.display_name,
        device_account_upn: device.device_account_upn,
        device_friendly_name: device.device_friendly_name,
        userless_enrollment: match device.userless_enrollment {
            None => UserlessEnrollment::Unknown,
            Some(SeedUserless::Allowed) => UserlessEnrollment::Allowed,
            Some(SeedUserless::Blocked) => UserlessEnrollment::Blocked,
        },
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let is_plain = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
    if text.len() != 64 || !text.as_bytes().iter().all(|digit| is_plain(digit)) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}
