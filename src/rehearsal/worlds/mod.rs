//! The worlds of a rehearsal: each a database with its own tenants and its own ledger, a store and a
//! registrar of its own. The first is the server's database; forks are copies that go by tenants of
//! their own. A snapshot is a copy that nobody has open.
//!
//! Who is at home where is here; how one world is replaced is in `world`, what is written down in
//! `catalogue`. Everything that changes goes by one lock, one after the other.

mod catalogue;
mod fork;
mod gate;
mod name;
pub mod seed;
mod snapshot;
mod world;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex as SyncMutex, RwLock as SyncRwLock},
};

use tokio::sync::Mutex;

pub use self::{
    catalogue::OpenCatalogueError,
    fork::{ForkTold, NewFork, Source, TenantTold},
    name::MAIN,
    snapshot::{SnapshotTold, Taken},
    world::{By, Staff},
};
use self::{
    catalogue::{Catalogue, ForkRecord, Places},
    world::{Share, World, blocking, failed, unpoisoned},
};
use super::{control::Problem, rules::Rules};
use crate::{
    authority::{
        Authority, AuthorityError,
        directory::{Additions, Directory, InvalidDirectory},
    },
    domain::tenant::TenantId,
    http::rehearsed::{Home, NoHome},
    store::{OpenError, Store},
};

/// How many forks there may be: each has a writer, four readers and their caches.
pub const MAX_FORKS: usize = 32;

/// How many snapshots there may be.
pub const MAX_SNAPSHOTS: usize = 64;

/// What worlds are made of.
pub struct Setting {
    /// The first world's database.
    pub database: PathBuf,
    /// The same, open.
    pub store: Arc<dyn Store>,
    /// Where forks and snapshots are kept.
    pub directory: PathBuf,
    /// How registrars work.
    pub staff: Staff,
    /// Who gives tokens.
    pub authority: Arc<Authority>,
    /// The issuer that tokens name, with `{tenantid}` for the tenant.
    pub issuer: String,
}

/// The worlds.
pub struct Worlds {
    places: Places,
    staff: Arc<Staff>,
    authority: Arc<Authority>,
    issuer: String,
    main: Arc<World>,
    /// Held by whoever changes anything, until it is done.
    catalogue: Mutex<Catalogue>,
    forks: SyncRwLock<Vec<Arc<World>>>,
    homes: SyncRwLock<HashMap<TenantId, (Arc<World>, TenantId)>>,
    /// What was written down last, for those who only look.
    written: SyncMutex<Catalogue>,
}

/// Why there are no worlds.
#[derive(Debug, thiserror::Error)]
pub enum OpenWorldsError {
    /// What is written of them can't be used.
    #[error(transparent)]
    Catalogue(#[from] OpenCatalogueError),
    /// The database of one can't be.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The database of one is not there.
    #[error(
        "the world `{name}` has no database: {path} is gone. Put it back, or use another data directory (--data-dir)"
    )]
    Missing {
        /// The world.
        name: String,
        /// Where its database should be.
        path: PathBuf,
    },
    /// The authority can't know their tenants.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl Worlds {
    /// Opens what there is, and removes what a killed process has left half done.
    pub fn open(setting: Setting) -> Result<Self, OpenWorldsError> {
        let places = Places::make(&setting.directory)?;
        let catalogue = places.load()?;
        places.clear(&catalogue, &setting.database)?;
        let staff = Arc::new(setting.staff);
        let main = World::new(
            MAIN,
            &setting.database,
            &staff,
            setting.store,
            HashMap::new(),
        );
        let worlds = Self {
            places,
            staff,
            authority: setting.authority,
            issuer: setting.issuer,
            main: Arc::new(main),
            catalogue: Mutex::default(),
            forks: SyncRwLock::default(),
            homes: SyncRwLock::default(),
            written: SyncMutex::default(),
        };
        worlds.authority.add(&people(&catalogue))?;
        for fork in &catalogue.forks {
            let path = worlds.places.worlds().join(&fork.file);
            if !path.exists() {
                let name = fork.name.clone();
                return Err(OpenWorldsError::Missing { name, path });
            }
            let opening = crate::store::Opening::Serve(crate::store::DatabaseKind::Rehearsal);
            let store = crate::store::open(&world::url(&path), opening)?;
            worlds.admit(fork, &path, store);
        }
        unpoisoned(worlds.written.lock()).clone_from(&catalogue);
        Ok(Self {
            catalogue: Mutex::new(catalogue),
            ..worlds
        })
    }

    /// Lets the registrars begin, who go by these rules.
    pub(super) fn begin(&self, rules: &Arc<Rules>) {
        // They are set here only, once.
        let _ = self.staff.rules.set(Arc::clone(rules));
        for world in self.all() {
            world.begin();
        }
    }

    /// Where the rows of a tenant are.
    pub async fn home(&self, tenant: TenantId) -> Result<Home, NoHome> {
        let found = unpoisoned(self.homes.read()).get(&tenant).cloned();
        let (world, tenant) = match found {
            Some(found) => found,
            None if fork::is_of_a_fork(tenant) => return Err(NoHome),
            None => (Arc::clone(&self.main), tenant),
        };
        let share = world.share().await.ok_or(NoHome)?;
        Ok(Home {
            store: Arc::clone(share.store()),
            tenant,
            hold: Some(share.hold()),
        })
    }

    /// Proves that the first world can be read and written.
    pub async fn check(&self) -> Result<(), String> {
        let share = self.main.share().await.ok_or("the world is gone")?;
        share
            .store()
            .check()
            .await
            .map_err(|error| error.to_string())
    }

    /// How many imports wait, over all worlds.
    pub async fn count_waiting(&self) -> u64 {
        let mut waiting = 0;
        for world in self.all() {
            if let Some(share) = world.share().await {
                waiting += share.store().count_waiting().await.unwrap_or(0);
            }
        }
        waiting
    }

    /// Lets every registrar work one batch, where a test does; false if nothing was due.
    pub async fn round(&self) -> bool {
        let mut worked = false;
        for world in self.all() {
            worked |= world.round().await;
        }
        worked
    }

    /// Lets the first world's registrar work until `stop` completes, where a test does.
    pub async fn work(&self, stop: impl Future<Output = ()> + Send) {
        self.main.work(stop).await;
    }

    /// Empties a world. Its tenants stay.
    pub async fn reset(&self, name: &str) -> Result<(), Problem> {
        let _alone = self.catalogue.lock().await;
        let world = self.find("world", name)?;
        world.replace(world::empty(world.path()).await?).await
    }

    /// Empties the first world and removes all others, and whom seeds have brought. Snapshots stay.
    pub async fn reset_all(&self) -> Result<(), Problem> {
        let mut catalogue = self.catalogue.lock().await;
        let names: Vec<_> = catalogue
            .forks
            .iter()
            .map(|fork| fork.name.clone())
            .collect();
        for name in names {
            self.remove(&mut catalogue, &name).await?;
        }
        self.main
            .replace(world::empty(self.main.path()).await?)
            .await?;
        let mut next = catalogue.clone();
        next.seeded = Additions::default();
        self.write_down(&mut catalogue, next).await
    }

    /// Lets the registrars finish what they have begun, and closes the stores.
    pub async fn close(&self) {
        let _alone = self.catalogue.lock().await;
        for world in self.all() {
            world.end().await;
        }
    }

    fn all(&self) -> Vec<Arc<World>> {
        let mut all = vec![Arc::clone(&self.main)];
        all.extend(unpoisoned(self.forks.read()).iter().cloned());
        all
    }

    /// The world of this name.
    fn find(&self, field: &str, name: &str) -> Result<Arc<World>, Problem> {
        let mut all = self.all().into_iter();
        all.find(|world| world.name() == name).ok_or_else(|| {
            let known: Vec<_> = self.all().iter().map(|one| one.name().to_owned()).collect();
            let known = known.join(", ");
            Problem::absent(format!("there is no world `{name}`; there are {known}")).of(field)
        })
    }

    async fn share_of(&self, field: &str, name: &str) -> Result<Share, Problem> {
        let world = self.find(field, name)?;
        let gone = || Problem::absent(format!("the world `{name}` is gone")).of(field);
        world.share().await.ok_or_else(gone)
    }

    /// Lets a fork's tenants be at home there.
    fn admit(&self, fork: &ForkRecord, path: &Path, store: Arc<dyn Store>) {
        let tenants = fork.tenants.iter();
        let known_as = tenants.map(|one| (TenantId(one.kept_as), TenantId(one.id)));
        let world = World::new(&fork.name, path, &self.staff, store, known_as.collect());
        let world = Arc::new(world);
        // Before anybody can have a share. At the start all begin together.
        if self.staff.rules.get().is_some() {
            world.begin();
        }
        let mut homes = unpoisoned(self.homes.write());
        for tenant in &fork.tenants {
            let home = (Arc::clone(&world), TenantId(tenant.kept_as));
            homes.insert(TenantId(tenant.id), home);
        }
        drop(homes);
        unpoisoned(self.forks.write()).push(world);
    }

    /// Removes a fork, and its tenants with it.
    async fn remove(&self, catalogue: &mut Catalogue, name: &str) -> Result<(), Problem> {
        if name == MAIN {
            let told =
                "the world `main` is the server's own database: it can be reset, not deleted";
            return Err(Problem::conflict(told).of("name"));
        }
        let world = self.find("name", name)?;
        let mut next = catalogue.clone();
        next.forks.retain(|fork| fork.name != name);
        self.write_down(catalogue, next).await?;
        unpoisoned(self.forks.write()).retain(|fork| fork.name() != name);
        unpoisoned(self.homes.write()).retain(|_, (home, _)| home.name() != name);
        world.end().await;
        // Whatever is left of it is removed at the next start.
        let path = world.path().to_owned();
        blocking(move || {
            for log in ["", "-wal", "-shm"] {
                let mut file = path.clone().into_os_string();
                file.push(log);
                let _ = std::fs::remove_file(file);
            }
            Ok(())
        })
        .await
    }

    /// Writes down what there is from now on, and lets the authority know who comes with it.
    async fn write_down(&self, catalogue: &mut Catalogue, next: Catalogue) -> Result<(), Problem> {
        let (places, authority) = (self.places.clone(), Arc::clone(&self.authority));
        let (before, written) = (people(catalogue), next.clone());
        blocking(move || {
            // What the authority has on disk follows from the catalogue, and is made anew at a start.
            authority.add(&people(&written)).map_err(refused)?;
            let saved = places.save(&written).map_err(failed);
            if saved.is_err() {
                authority.add(&before).map_err(failed)?;
            }
            saved
        })
        .await?;
        unpoisoned(self.written.lock()).clone_from(&next);
        *catalogue = next;
        Ok(())
    }

    /// Whom the first world knows, with those of a snapshot.
    fn people_of_main(&self, seeded: &Additions) -> Result<Directory, Problem> {
        let known = self.authority.listed().with(seeded);
        known.map_err(|error| refused(error.into()))
    }
}

/// Everybody that a catalogue knows.
fn people(catalogue: &Catalogue) -> Additions {
    let mut all = catalogue.seeded.clone();
    for fork in &catalogue.forks {
        all.tenants.extend(fork.people.tenants.iter().cloned());
        all.users.extend(fork.people.users.iter().cloned());
        all.clients.extend(fork.people.clients.iter().cloned());
    }
    all
}

fn refused(error: AuthorityError) -> Problem {
    match error {
        AuthorityError::Directory(InvalidDirectory::Ambiguous(name)) => Problem::conflict(format!(
            "`{name}` would stand for two: a tenant, user or client has it already"
        )),
        other => failed(other),
    }
}
