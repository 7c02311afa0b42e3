//! Snapshots: saving a world under a name, and putting it back, into that world or another.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    MAX_SNAPSHOTS, Source, Worlds,
    catalogue::{Catalogue, SnapshotRecord},
    name,
    world::{self, World, blocking, failed, unpoisoned},
};
use crate::{
    authority::directory::{Additions, Directory},
    domain::{id, tenant::TenantId},
    lifecycle::whole_file::WholeFile,
    rehearsal::control::Problem,
    store::{self, soundness::Depth},
};

/// What is told of a snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotTold {
    /// Its name.
    pub name: String,
    /// Of which world it is.
    pub world: String,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// How many imports it holds.
    pub imports: u64,
    /// How many devices it holds.
    pub devices: u64,
}

/// What becomes of a snapshot that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It stays, and nothing is saved.
    Keep,
    /// The new one takes its place.
    Replace,
}

impl Worlds {
    /// Saves a world, as it is at one moment, under a name. Requests go on meanwhile.
    pub async fn save(
        &self,
        world: &str,
        name: &str,
        taken: Taken,
    ) -> Result<SnapshotTold, Problem> {
        let mut catalogue = self.catalogue.lock().await;
        name::check("name", name)?;
        let before = catalogue.snapshots.iter().find(|one| one.name == name);
        let before = before.map(|one| one.file.clone());
        if before.is_some() && taken == Taken::Keep {
            let told =
                format!("there is a snapshot `{name}` already: replace it, or take another name");
            return Err(Problem::conflict(told).of("name"));
        }
        if before.is_none() && catalogue.snapshots.len() >= MAX_SNAPSHOTS {
            let told =
                format!("there are {MAX_SNAPSHOTS} snapshots, as many as there can be: delete one");
            return Err(Problem::conflict(told));
        }
        let now = self.staff.clock.now();
        let file = format!("{}.db", id::time_ordered(now));
        let path = self.places.snapshots().join(&file);
        let source = Source::World(world.to_owned());
        let copy = self.copy_of(&catalogue, &source, &path).await?;
        let (imports, devices) = blocking(move || look_over(copy)).await?;
        let snapshot = SnapshotRecord {
            name: name.to_owned(),
            file,
            world: world.to_owned(),
            saved_at: now,
            imports,
            devices,
            seeded: catalogue.seeded.clone(),
        };
        let told = tell(&snapshot);
        let mut next = catalogue.clone();
        next.snapshots.retain(|one| one.name != name);
        next.snapshots.push(snapshot);
        let written = self.write_down(&mut catalogue, next).await;
        // Of the two files, the one that the catalogue does not name is nobody's.
        let nobodys = match &written {
            Ok(()) => before.map(|file| self.places.snapshots().join(file)),
            Err(_) => Some(path),
        };
        discard(nobodys).await?;
        written.map(|()| told)
    }

    /// The snapshots, in the order in which they were saved.
    pub fn snapshots(&self) -> Vec<SnapshotTold> {
        let written = unpoisoned(self.written.lock());
        written.snapshots.iter().map(tell).collect()
    }

    /// Puts a snapshot in the place of a world: of the one that it is of, or another. Requests wait
    /// meanwhile.
    pub async fn restore(&self, name: &str, world: Option<&str>) -> Result<SnapshotTold, Problem> {
        let mut catalogue = self.catalogue.lock().await;
        let snapshot = find(&catalogue, name)?.clone();
        let world = self.find("world", world.unwrap_or(&snapshot.world))?;
        let source = Source::Snapshot(name.to_owned());
        let copy = self.copy_of(&catalogue, &source, world.path()).await?;
        self.refuse_strangers(&catalogue, &world, copy.temporary_path())
            .await?;
        // First who may come, then what they find.
        let mut next = catalogue.clone();
        next.seeded = both(&catalogue.seeded, &snapshot.seeded);
        self.write_down(&mut catalogue, next).await?;
        world.replace(copy).await?;
        Ok(tell(&snapshot))
    }

    /// Deletes a snapshot. The worlds that were made of it stay.
    pub async fn delete_snapshot(&self, name: &str) -> Result<(), Problem> {
        let mut catalogue = self.catalogue.lock().await;
        let path = self.file_of_snapshot(&catalogue, name)?;
        let mut next = catalogue.clone();
        next.snapshots.retain(|one| one.name != name);
        self.write_down(&mut catalogue, next).await?;
        discard(Some(path)).await
    }

    pub(super) fn file_of_snapshot(
        &self,
        catalogue: &Catalogue,
        name: &str,
    ) -> Result<PathBuf, Problem> {
        let snapshot = find(catalogue, name)?;
        Ok(self.places.snapshots().join(&snapshot.file))
    }

    /// Whom a world that is made of this snapshot knows.
    pub(super) fn people_of_snapshot(
        &self,
        catalogue: &Catalogue,
        name: &str,
    ) -> Result<Directory, Problem> {
        let snapshot = find(catalogue, name)?;
        self.people_of_main(&both(&catalogue.seeded, &snapshot.seeded))
    }

    /// Refuses rows of tenants that a fork does not have: nobody would ever see them.
    async fn refuse_strangers(
        &self,
        catalogue: &Catalogue,
        world: &World,
        copy: &Path,
    ) -> Result<(), Problem> {
        let mut forks = catalogue.forks.iter();
        let Some(fork) = forks.find(|fork| fork.name == world.name()) else {
            return Ok(());
        };
        let kept: HashSet<_> = fork
            .tenants
            .iter()
            .map(|one| TenantId(one.kept_as))
            .collect();
        let store = world::open(copy)?;
        let rows = store.list_tenants().await;
        store.close().await;
        let url = world::url(copy);
        blocking(move || store::put_at_rest(&url).map_err(failed)).await?;
        let rows = rows.map_err(failed)?;
        let strangers = rows.iter().filter(|row| !kept.contains(&row.tenant));
        let strangers: Vec<_> = strangers.map(|row| row.tenant.to_string()).collect();
        if strangers.is_empty() {
            return Ok(());
        }
        let (name, strangers) = (world.name(), strangers.join(", "));
        Err(Problem::conflict(format!(
            "the snapshot has rows of tenants that the world `{name}` has not: {strangers}. Restore it to `main`, or fork it"
        ))
        .of("world"))
    }
}

/// Looks a copy over, gives it its name, and answers how many imports and devices it holds.
fn look_over(copy: WholeFile) -> Result<(u64, u64), Problem> {
    let url = world::url(copy.temporary_path());
    let soundness = store::inspect(&url, Depth::Quick).map_err(failed)?;
    if !soundness.is_sound() {
        let rules: Vec<_> = soundness.findings.iter().map(|one| one.rule).collect();
        let rules = rules.join(", ");
        return Err(Problem::failed(format!(
            "the copy is not sound ({rules}), and nothing was saved: look at the database with `hangar check`"
        )));
    }
    copy.finish().map_err(failed)?;
    Ok((soundness.imports, soundness.devices))
}

async fn discard(file: Option<PathBuf>) -> Result<(), Problem> {
    blocking(move || {
        // What can't be removed now is at the next start.
        if let Some(file) = file {
            let _ = std::fs::remove_file(file);
        }
        Ok(())
    })
    .await
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a SnapshotRecord, Problem> {
    let mut snapshots = catalogue.snapshots.iter();
    snapshots.find(|one| one.name == name).ok_or_else(|| {
        let told = format!("there is no snapshot `{name}`");
        Problem::absent(told).of("name")
    })
}

fn tell(snapshot: &SnapshotRecord) -> SnapshotTold {
    SnapshotTold {
        name: snapshot.name.clone(),
        world: snapshot.world.clone(),
        saved_at: snapshot.saved_at,
        imports: snapshot.imports,
        devices: snapshot.devices,
    }
}

/// Those of both, those who are there as they are.
pub(super) fn both(known: &Additions, others: &Additions) -> Additions {
    let mut all = known.clone();
    for tenant in &others.tenants {
        if !all.tenants.iter().any(|one| one.id == tenant.id) {
            all.tenants.push(tenant.clone());
        }
    }
    for user in &others.users {
        let name = &user.principal_name;
        let mut there = all.users.iter();
        if !there.any(|one| one.principal_name.eq_ignore_ascii_case(name)) {
            all.users.push(user.clone());
        }
    }
    for client in &others.clients {
        if !all.clients.iter().any(|one| one.id == client.id) {
            all.clients.push(client.clone());
        }
    }
    all
}
