//! Does what a seed says, to a copy of the world that takes its place when all is done.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Seed, Seeded,
    plan::{Circumstances, Faults, Plan, PlannedDevice, PlannedProfile},
};
use crate::{
    domain::{
        actor::Actor,
        assignment::MAX_ASSIGNED_DEVICES,
        device::DeviceId,
        id,
        identity::LedgerEntryId,
        import::CallId,
        profile::{MAX_PROFILES, ProfileId},
        tenant::TenantId,
    },
    rehearsal::{
        control::Problem,
        worlds::{MAIN, Worlds, failed, snapshot::both},
    },
    store::{
        Store,
        operation::{DeviceCreation, NewDevice},
        profiles::{AssignmentChange, AssignmentOutcome, DeviceAssignment},
    },
};

/// How many devices are registered at once: as many as a commit takes.
const TOGETHER: usize = 256;

impl Worlds {
    pub(super) async fn apply(&self, name: &str, seed: Seed) -> Result<Seeded, Problem> {
        let mut catalogue = self.catalogue.lock().await;
        let world = self.find("world", name)?;
        let directory = self.people_of_main(&catalogue.seeded)?;
        let now = self.staff.clock.now();
        let validation = self.staff.options.validation;
        let planned = tokio::task::spawn_blocking(move || {
            let circumstances = Circumstances {
                directory: &directory,
                validation,
                now,
            };
            Plan::make(&seed, &circumstances)
        });
        let plan = planned.await.map_err(failed)??;
        let told = plan.told();
        let brings_people = told.tenants + told.users + told.clients > 0;
        if name != MAIN && brings_people {
            let tenants = "a fork has the tenants, users and clients that it was made with: seed the world `main`, then fork it";
            return Err(Problem::conflict(tenants));
        }
        if brings_people {
            // First who may come, then what they find. Should it end here, the seed can be loaded again.
            let before = catalogue.clone();
            let mut next = catalogue.clone();
            next.seeded = both(&plan.people, &catalogue.seeded);
            self.write_down(&mut catalogue, next).await?;
            let done = world.rework(|store| carry_out(store, plan, now)).await;
            if done.is_err() {
                self.write_down(&mut catalogue, before).await?;
            }
            done?;
        } else {
            world.rework(|store| carry_out(store, plan, now)).await?;
        }
        Ok(told)
    }
}

/// Writes everything into a store that is nobody else's.
async fn carry_out(store: Arc<dyn Store>, plan: Plan, now: Timestamp) -> Result<(), Problem> {
    let store = &*store;
    for (place, planned) in &plan.profiles {
        add_profile(store, place, planned, now).await?;
    }
    let rows = store.list_tenants().await.map_err(failed)?;
    let with_devices = rows.iter().filter(|row| row.devices > 0);
    let with_devices: HashSet<_> = with_devices.map(|row| row.tenant).collect();
    let mut assigned: BTreeMap<(TenantId, ProfileId), Vec<DeviceId>> = BTreeMap::new();
    let mut faults = Faults::default();
    for devices in plan.devices.chunks(TOGETHER) {
        let registered = devices.iter().map(|(_, planned)| {
            let may_be_there = planned.is_named && with_devices.contains(&planned.tenant);
            register(store, planned, may_be_there)
        });
        for ((place, planned), outcome) in devices.iter().zip(join_all(registered).await) {
            if let Some((within, told)) = outcome? {
                faults.add(format!("{place}{within}"), told);
            }
            if let Some(profile) = planned.profile {
                let devices = assigned.entry((planned.tenant, profile)).or_default();
                devices.push(planned.id);
            }
        }
    }
    if let Some(problem) = faults.problem() {
        return Err(problem);
    }
    for ((tenant, profile), devices) in assigned {
        for devices in devices.chunks(MAX_ASSIGNED_DEVICES) {
            let assigned = store.assign_devices(tenant, profile, devices.to_vec(), actor(), now);
            match assigned.await.map_err(failed)? {
                DeviceAssignment::Done => {}
                DeviceAssignment::AbsentProfile | DeviceAssignment::AbsentDevice(_) => {
                    return Err(Problem::failed(
                        "a profile or a device of the seed is not there",
                    ));
                }
            }
        }
    }
    Ok(())
}

async fn add_profile(
    store: &dyn Store,
    place: &str,
    planned: &PlannedProfile,
    now: Timestamp,
) -> Result<(), Problem> {
    let (tenant, id) = (planned.profile.tenant, planned.profile.id);
    if store.profile(tenant, id).await.map_err(failed)?.is_some() {
        let told = "the world has a profile of this id already";
        return Err(Problem::bad(told).of(format!("{place}.id")));
    }
    let created = store.create_profile(tenant, planned.profile.clone(), actor());
    if !created.await.map_err(failed)? {
        let told = format!("a tenant has {MAX_PROFILES} profiles at most");
        return Err(Problem::bad(told).of(place));
    }
    for (number, target) in planned.targets.iter().enumerate() {
        let change = AssignmentChange {
            profile: id,
            old: None,
            new: Some(*target),
        };
        let changed = store.change_assignment(tenant, change, actor(), now);
        let told = match changed.await.map_err(failed)? {
            AssignmentOutcome::Done => continue,
            AssignmentOutcome::AllDevicesTaken(other) => {
                format!("the profile {other} is for all devices already")
            }
            AssignmentOutcome::Taken | AssignmentOutcome::Full | AssignmentOutcome::Absent => {
                "the profile can't have this assignment".to_owned()
            }
        };
        return Err(Problem::bad(told).of(format!("{place}.assignments[{number}]")));
    }
    Ok(())
}

/// Registers a device; where and why it can't be, if it can't.
async fn register(
    store: &dyn Store,
    planned: &PlannedDevice,
    may_be_there: bool,
) -> Result<Option<(&'static str, String)>, Problem> {
    let (tenant, device) = (planned.tenant, planned.id);
    if may_be_there
        && store
            .device(tenant, device)
            .await
            .map_err(failed)?
            .is_some()
    {
        let told = "the world has a device of this id already";
        return Ok(Some((".id", told.to_owned())));
    }
    let new = NewDevice {
        id: device,
        entry: LedgerEntryId(id::time_ordered(planned.registered_at)),
        call: CallId(Uuid::new_v4()),
        subject: planned.subject.clone(),
        actor: actor(),
        now: planned.registered_at,
    };
    Ok(
        match store.create_device(tenant, new).await.map_err(failed)? {
            DeviceCreation::Registered(_) => None,
            DeviceCreation::Refused(error) => {
                let (name, code) = (error.name(), error.code());
                let told = format!("the device is refused: {name} ({code})");
                Some(("", told))
            }
        },
    )
}

fn actor() -> Actor {
    Actor::operator("rehearsal")
}
