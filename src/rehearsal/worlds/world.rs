//! One world: a database file, its store and its registrar. Whoever has a share of it keeps it from
//! being replaced; who replaces it waits for them, and lets everybody else wait.

use std::{
    any::Any,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{
    sync::{Mutex, Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    task::JoinSet,
};

use super::gate::WorldGate;
use crate::{
    domain::{clock::Clock, tenant::TenantId},
    lifecycle::whole_file::{Existing, WholeFile},
    registrar::{Registrar, RegistrarOptions, Round, expiry::Expiry},
    rehearsal::{control::Problem, rules::Rules},
    store::{self, DatabaseKind, Opening, Store},
};

/// How long a world may be busy before somebody who wants to replace it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often, and how long apart, a file that somebody still has open is tried.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// How registrars work.
pub struct Staff {
    /// Their rules.
    pub options: RegistrarOptions,
    /// What they see of the time.
    pub clock: Arc<dyn Clock>,
    /// Who lets them work.
    pub by: By,
    /// How long imports stay after they were decided; for ever, unless it is said.
    keep_settled: Option<SignedDuration>,
    pub(super) rules: OnceLock<Arc<Rules>>,
}

/// Who lets registrars work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A task each.
    Task,
    /// A test, round by round.
    Hand,
}

impl Staff {
    /// Registrars that work so.
    pub fn new(options: RegistrarOptions, clock: Arc<dyn Clock>, by: By) -> Self {
        Self {
            options,
            clock,
            by,
            keep_settled: None,
            rules: OnceLock::new(),
        }
    }

    /// The same, where imports leave so long after they were decided.
    #[must_use]
    pub fn keeping(self, keep_settled: Option<SignedDuration>) -> Self {
        Self {
            keep_settled,
            ..self
        }
    }

    fn employ(&self, store: &Arc<dyn Store>, known_as: &HashMap<TenantId, TenantId>) -> Employed {
        let clock = Arc::clone(&self.clock);
        let mut registrar = Registrar::new(Arc::clone(store), clock, self.options);
        if let Some(rules) = self.rules.get() {
            registrar = registrar.behind(Arc::new(WorldGate {
                rules: Arc::clone(rules),
                known_as: known_as.clone(),
                changes: Mutex::new(rules.changes()),
            }));
        }
        let registrar = Arc::new(registrar);
        let stop = Arc::new(Notify::new());
        let (mut tasks, mut errands) = (JoinSet::new(), JoinSet::new());
        if self.by == By::Task {
            let (registrar, stop) = (Arc::clone(&registrar), Arc::clone(&stop));
            tasks.spawn(async move { registrar.run(stop.notified()).await });
            if let Some(keep) = self.keep_settled {
                let expiry = Expiry::new(Arc::clone(store), Arc::clone(&self.clock), keep);
                errands.spawn(async move { expiry.run().await });
            }
        }
        Employed {
            registrar,
            stop,
            tasks,
            _errands: errands,
        }
    }
}

/// A registrar at work.
struct Employed {
    registrar: Arc<Registrar>,
    stop: Arc<Notify>,
    tasks: JoinSet<()>,
    /// What ends where it stands.
    _errands: JoinSet<()>,
}

impl Employed {
    /// Lets it finish what it has begun.
    async fn dismiss(mut self) {
        self.stop.notify_one();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A world.
pub(super) struct World {
    name: String,
    path: PathBuf,
    staff: Arc<Staff>,
    known_as: HashMap<TenantId, TenantId>,
    inside: Arc<RwLock<Inside>>,
}

struct Inside {
    /// Closed, if it could not be opened again, or the world is gone.
    store: Arc<dyn Store>,
    employed: Option<Employed>,
    is_gone: bool,
}

/// A share of a world: as long as it is held, the world stays as it is.
pub(super) struct Share(OwnedRwLockReadGuard<Inside>);

impl Share {
    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The same, to be held by somebody who does not know what it is.
    pub(super) fn hold(self) -> Arc<dyn Any + Send + Sync> {
        Arc::new(self.0)
    }
}

impl World {
    /// A world whose store is open. In it nobody works yet.
    pub(super) fn new(
        name: &str,
        path: &Path,
        staff: &Arc<Staff>,
        store: Arc<dyn Store>,
        known_as: HashMap<TenantId, TenantId>,
    ) -> Self {
        let inside = Inside {
            store,
            employed: None,
            is_gone: false,
        };
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            staff: Arc::clone(staff),
            known_as,
            inside: Arc::new(RwLock::new(inside)),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets a registrar begin. Before this, nobody may have a share.
    pub(super) fn begin(&self) {
        if let Ok(mut inside) = self.inside.try_write() {
            inside.employed = Some(self.staff.employ(&inside.store, &self.known_as));
        }
    }

    /// A share of it; nothing once it is gone.
    pub(super) async fn share(&self) -> Option<Share> {
        let inside = Arc::clone(&self.inside).read_owned().await;
        (!inside.is_gone).then(|| Share(inside))
    }

    /// Lets its registrar work one batch, where nobody else does; false if nothing was due.
    pub(super) async fn round(&self) -> bool {
        let inside = Arc::clone(&self.inside).read_owned().await;
        match &inside.employed {
            Some(employed) => matches!(employed.registrar.round().await, Round::Worked(_)),
            None => false,
        }
    }

    /// Lets its registrar work until `stop` completes, where nobody else does.
    pub(super) async fn work(&self, stop: impl Future<Output = ()> + Send) {
        let inside = Arc::clone(&self.inside).read_owned().await;
        let employed = inside.employed.as_ref();
        let registrar = employed.map(|employed| Arc::clone(&employed.registrar));
        // The world may be replaced meanwhile; this registrar then finds its store closed.
        drop(inside);
        match registrar {
            Some(registrar) => registrar.run(stop).await,
            None => stop.await,
        }
    }

    /// Puts a database in the place of this one. Until it has its name, the world is as it was.
    pub(super) async fn replace(&self, new: WholeFile) -> Result<(), Problem> {
        let mut inside = self.alone().await?;
        self.exchange(&mut inside, new).await
    }

    /// Does something to a copy of the world, and puts the copy in its place if that went well.
    pub(super) async fn rework<T, F>(
        &self,
        change: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        let mut inside = self.alone().await?;
        let changed = self.change_copy(change).await;
        match changed {
            Ok((new, value)) => self.exchange(&mut inside, new).await.map(|()| value),
            Err(problem) => {
                inside.employed = Some(self.staff.employ(&inside.store, &self.known_as));
                Err(problem)
            }
        }
    }

    async fn change_copy<T, F>(
        &self,
        change: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> Result<(WholeFile, T), Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        let from = self.path.clone();
        let copy = blocking(move || copy_of(&from, &from)).await?;
        let path = copy.temporary_path().to_owned();
        let store = open(&path)?;
        let changed = change(Arc::clone(&store)).await;
        store.close().await;
        let value = changed?;
        put_at_rest(&path).await?;
        Ok((copy, value))
    }

    /// Closes it for good. Who asks for a share is told that it is gone.
    pub(super) async fn end(&self) {
        let mut inside = Arc::clone(&self.inside).write_owned().await;
        inside.is_gone = true;
        if let Some(employed) = inside.employed.take() {
            employed.dismiss().await;
        }
        inside.store.close().await;
    }

    /// Waits until nobody has a share, and lets the registrar finish what it has begun.
    async fn alone(&self) -> Result<OwnedRwLockWriteGuard<Inside>, Problem> {
        let inside = Arc::clone(&self.inside).write_owned();
        let Ok(mut inside) = tokio::time::timeout(PATIENCE, inside).await else {
            let name = &self.name;
            let told =
                format!("requests to the world {name} are under way and do not end; try again");
            return Err(Problem::conflict(told));
        };
        if inside.is_gone {
            return Err(Problem::absent(format!("the world {} is gone", self.name)));
        }
        if let Some(employed) = inside.employed.take() {
            employed.dismiss().await;
        }
        Ok(inside)
    }

    async fn exchange(&self, inside: &mut Inside, new: WholeFile) -> Result<(), Problem> {
        inside.store.close().await;
        let exchanged = match put_at_rest(&self.path).await {
            Ok(()) => blocking(move || new.finish().map_err(failed)).await,
            Err(problem) => Err(problem),
        };
        // The old one, if the new one did not get its place.
        let opened = open(&self.path);
        if let Ok(store) = &opened {
            inside.store = Arc::clone(store);
            inside.employed = Some(self.staff.employ(store, &self.known_as));
        }
        exchanged.and(opened.map(drop))
    }
}

/// Opens the store in a file.
pub(super) fn open(path: &Path) -> Result<Arc<dyn Store>, Problem> {
    store::open(&url(path), Opening::Serve(DatabaseKind::Rehearsal)).map_err(failed)
}

/// An empty world's database, to become the file at `to`.
pub(super) async fn empty(to: &Path) -> Result<WholeFile, Problem> {
    let file = WholeFile::begin(to, Existing::Replace).map_err(failed)?;
    open(file.temporary_path())?.close().await;
    put_at_rest(file.temporary_path()).await?;
    Ok(file)
}

/// A copy of a world's database, to become the file at `to`. The world may be in use.
pub(super) fn copy_of(world: &Path, to: &Path) -> Result<WholeFile, Problem> {
    let file = WholeFile::begin(to, Existing::Replace).map_err(failed)?;
    store::copy(&url(world), file.temporary_path()).map_err(failed)?;
    Ok(file)
}

/// A copy of a snapshot's database, to become the file at `to`. Nobody has a snapshot open.
pub(super) fn copy_of_snapshot(snapshot: &Path, to: &Path) -> Result<WholeFile, Problem> {
    let file = WholeFile::begin(to, Existing::Replace).map_err(failed)?;
    fs::copy(snapshot, file.temporary_path()).map_err(|error| {
        let name = snapshot.display();
        Problem::failed(format!("{name} can't be copied: {error}"))
    })?;
    Ok(file)
}

/// The url of the database in a file.
pub(super) fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

async fn put_at_rest(path: &Path) -> Result<(), Problem> {
    let mut tries = 1;
    loop {
        let url = url(path);
        let rested = blocking(move || store::put_at_rest(&url).map_err(failed)).await;
        // Whoever hung up in the middle of a read may have left that running.
        if rested.is_ok() || tries == TRIES {
            return rested;
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Runs what blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(failed(error)))
}

/// What the system says, as a problem of the server's own.
pub(super) fn failed(error: impl std::fmt::Display) -> Problem {
    Problem::failed(error.to_string())
}

/// What a lock holds, whatever became of its last holder.
pub(super) fn unpoisoned<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
