//! A world as a seed: its tenants and who is in them, its profiles and devices, and which hardware
//! these are. Imports, uploads and what was deleted are not in it; a snapshot keeps those too.

use std::{collections::HashMap, fmt::Write as _};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::{
    Seed, SeedAssignment, SeedClient, SeedDevice, SeedFingerprint, SeedProfile, SeedTenant,
    SeedUser, SeedUserless,
};
use crate::{
    authority::directory::{Directory, Tenant},
    domain::{
        assignment::{Plan, Target},
        device::{Device, UserlessEnrollment},
        identity::{Fingerprints, LedgerEntryId},
        profile::Profile,
        tenant::TenantId,
    },
    graph::{
        behavior::Behavior,
        entity::{Place, WriteContext},
        metadata_level::MetadataLevel,
        profile::write_profile,
        version::Version,
    },
    rehearsal::{
        control::Problem,
        worlds::{Worlds, failed, unpoisoned},
    },
    store::{
        Store,
        operation::{LedgerQuery, Query, Slice, TenantSummary},
    },
};

/// How many rows are read at a time.
const PAGE: usize = 1000;

/// What Graph says of a profile besides what a client may say.
const NOT_SAID: [&str; 9] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "@odata.etag",
    // The older of two names each.
    "language",
    "outOfBoxExperienceSettings",
    "extractHardwareHash",
    "enableWhiteGlove",
    "@odata.context",
];

impl Worlds {
    pub(super) async fn export_world(&self, name: &str) -> Result<Seed, Problem> {
        let catalogue = unpoisoned(self.written.lock()).clone();
        let directory = self.people_of_main(&catalogue.seeded)?;
        // Nothing takes the world's place meanwhile; requests go on.
        let share = self.share_of("world", name).await?;
        let store = &**share.store();
        let rows = store.list_tenants().await.map_err(failed)?;
        let mut seed = Seed {
            tenants: tenants(&directory, &rows),
            ..people(&directory)
        };
        let left_out: u64 = rows.iter().map(|row| row.imports + row.uploads).sum();
        if left_out > 0 {
            seed.notes.push(format!(
                "{left_out} imports and uploads are not in this file: a snapshot keeps them"
            ));
        }
        for row in &rows {
            let tenant = row.tenant;
            let known = directory.tenants.iter().find(|known| known.id == tenant);
            let name = known.map_or_else(|| tenant.to_string(), |known| known.name.clone());
            seed.profiles.extend(profiles(store, tenant, &name).await?);
            seed.devices.extend(devices(store, tenant, &name).await?);
        }
        Ok(seed)
    }
}

fn tenants(directory: &Directory, rows: &[TenantSummary]) -> Vec<SeedTenant> {
    let seed = |name: &str, id: TenantId| SeedTenant {
        name: name.to_owned(),
        id: Some(id.0),
        domain: None,
    };
    let known = directory.tenants.iter();
    let known = known.map(|Tenant { id, name }| seed(name, *id));
    let is_known = |row: &&TenantSummary| directory.tenants.iter().any(|one| one.id == row.tenant);
    let others = rows.iter().filter(|row| !is_known(row));
    let others = others.map(|row| seed(&row.tenant.to_string(), row.tenant));
    known.chain(others).collect()
}

/// Who is there, their secrets included: these are no secrets.
fn people(directory: &Directory) -> Seed {
    let users = directory.users.iter().map(|user| SeedUser {
        principal_name: user.principal_name.clone(),
        name: Some(user.name.clone()),
        tenant: Some(user.tenant.to_string()),
        password: Some(user.password.expose_secret().to_owned()),
        object_id: Some(user.object_id),
        scopes: Some(user.scopes.clone()),
    });
    let clients = directory.clients.iter().map(|client| SeedClient {
        name: client.name.clone(),
        id: client.id.clone(),
        object_id: Some(client.object_id),
        secret: client
            .secret
            .as_ref()
            .map(|secret| secret.expose_secret().to_owned()),
        roles: client.roles.clone(),
        redirect_uris: client.redirect_uris.clone(),
    });
    Seed {
        users: users.collect(),
        clients: clients.collect(),
        ..Seed::default()
    }
}

async fn profiles(
    store: &dyn Store,
    tenant: TenantId,
    name: &str,
) -> Result<Vec<SeedProfile>, Problem> {
    let whole = Slice {
        after: None,
        skip: 0,
        limit: PAGE,
    };
    let profiles = store.list_profiles(tenant, whole).await.map_err(failed)?;
    let ids = profiles.rows.iter().map(|profile| profile.id).collect();
    let assignments = store.list_assignments(tenant, ids).await.map_err(failed)?;
    let seeds = profiles.rows.iter().map(|profile| {
        let own = assignments.iter().filter(|one| one.profile == profile.id);
        Ok(SeedProfile {
            tenant: Some(name.to_owned()),
            id: Some(profile.id.0),
            created_at: Some(profile.created_at),
            modified_at: Some(profile.modified_at),
            properties: properties(profile)?,
            assignments: own.map(|one| assignment(one.target)).collect(),
        })
    });
    seeds.collect()
}

fn properties(profile: &Profile) -> Result<Map<String, Value>, Problem> {
    let mut written = Vec::new();
    let context = WriteContext {
        base: "",
        version: Version::Beta,
        level: MetadataLevel::Minimal,
        behavior: Behavior::Documented,
        shown: None,
    };
    write_profile(&mut written, profile, None, &context, Place::Item);
    let mut properties: Map<String, Value> = serde_json::from_slice(&written).map_err(failed)?;
    properties.retain(|name, _| !NOT_SAID.contains(&name.as_str()));
    Ok(properties)
}

fn assignment(target: Target) -> SeedAssignment {
    match target {
        Target::AllDevices => SeedAssignment::AllDevices,
        Target::Group(group) => SeedAssignment::Group(group.0),
        Target::Excluded(group) => SeedAssignment::Exclude(group.0),
    }
}

async fn devices(
    store: &dyn Store,
    tenant: TenantId,
    name: &str,
) -> Result<Vec<SeedDevice>, Problem> {
    let hardware = hardware(store, tenant).await?;
    let mut seeds = Vec::new();
    let mut after = None;
    loop {
        let query = Query {
            after,
            ..Query::all(PAGE)
        };
        let page = store.list_devices(tenant, query, Plan::default());
        let page = page.await.map_err(failed)?;
        let known = page.rows.iter().map(|device| {
            let fingerprints = hardware.get(&device.ledger_entry);
            seed_of(device, name, fingerprints)
        });
        seeds.extend(known);
        after = page.next;
        if after.is_none() {
            return Ok(seeds);
        }
    }
}

/// What the ledger knows of a tenant's devices.
async fn hardware(
    store: &dyn Store,
    tenant: TenantId,
) -> Result<HashMap<LedgerEntryId, Fingerprints>, Problem> {
    let mut hardware = HashMap::new();
    let mut after = None;
    loop {
        let query = LedgerQuery {
            owner: Some(tenant),
            after,
            ..LedgerQuery::default()
        };
        let entries = store.find_ledger_entries(query).await.map_err(failed)?;
        let Some(last) = entries.last() else {
            return Ok(hardware);
        };
        after = Some(last.id);
        hardware.extend(
            entries
                .into_iter()
                .map(|entry| (entry.id, entry.fingerprints)),
        );
    }
}

fn seed_of(device: &Device, tenant: &str, fingerprints: Option<&Fingerprints>) -> SeedDevice {
    let said = device.properties.clone();
    let fingerprints = fingerprints.into_iter().flat_map(Fingerprints::iter);
    SeedDevice {
        tenant: Some(tenant.to_owned()),
        id: Some(device.id.0),
        serial_number: said.serial_number,
        manufacturer: said.manufacturer,
        model: said.model,
        product_key: said.product_key,
        group_tag: said.group_tag,
        user: said.user_principal_name,
        hardware_hash: None,
        hash_seed: None,
        fingerprints: fingerprints
            .map(|one| SeedFingerprint {
                kind: one.kind.as_str().to_owned(),
                sha256: hexadecimal(&one.digest),
            })
            .collect(),
        registered_at: Some(device.registered_at),
        profile: device.direct_profile.map(|profile| profile.to_string()),
        purchase_order: said.purchase_order_identifier,
        addressable_user_name: said.addressable_user_name,
        resource_name: said.resource_name,
        sku_number: said.sku_number,
        system_family: said.system_family,
        directory_device_id: said.directory_device_id,
        managed_device_id: said.managed_device_id,
        display_name: said.display_name,
        device_account_upn: said.device_account_upn,
        device_friendly_name: said.device_friendly_name,
        userless_enrollment: match said.userless_enrollment {
            UserlessEnrollment::Unknown => None,
            UserlessEnrollment::Allowed => Some(SeedUserless::Allowed),
            UserlessEnrollment::Blocked => Some(SeedUserless::Blocked),
        },
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
