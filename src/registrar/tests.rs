//! The registrar on a real store, driven round by round or until it is told to stop.

use std::{sync::Arc, time::Duration};

use hardware_hash::Builder;
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::{
    domain::{
        directory_error::DirectoryError,
        import::{ImportId, ImportState},
    },
    store::sqlite::{DatabaseKind, Opening, SqliteStore},
    testing::{
        CONTOSO, ManualClock, flawed_store::FlawedStore, import_named, import_of,
        workbench::Workbench,
    },
};

/// Long enough for any machine, yet shorter than a lease; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A registrar, its store, and the clock that it sees.
struct Office {
    registrar: Registrar,
    store: Arc<FlawedStore>,
    bench: Workbench,
    clock: Arc<ManualClock>,
    stop: Notify,
    _directory: TempDir,
}

impl Office {
    fn new(delay: SignedDuration) -> Self {
        let directory = TempDir::new().unwrap();
        let opening = Opening::Serve(DatabaseKind::Production);
        let store = SqliteStore::open(&directory.path().join("hangar.db"), opening).unwrap();
        let store = Arc::new(FlawedStore::new(Arc::new(store)));
        let clock = Arc::new(ManualClock::new());
        let options = RegistrarOptions {
            delay,
            // What failed is tried again at once: no test waits for the wall clock.
            back_off: Duration::ZERO,
            ..RegistrarOptions::default()
        };
        Self {
            registrar: Registrar::new(Arc::clone(&store) as _, Arc::clone(&clock) as _, options),
            bench: Workbench::new(Arc::clone(&store) as _),
            store,
            clock,
            stop: Notify::new(),
            _directory: directory,
        }
    }

    async fn accept(&self, seed: u64) -> ImportId {
        self.bench
            .accept(CONTOSO, import_of(&Builder::new(seed)))
            .await
    }

    async fn is_complete(&self, id: ImportId) -> bool {
        matches!(
            self.bench.state(CONTOSO, id).await,
            ImportState::Complete(_)
        )
    }

    /// Lets the registrar run beside a visitor, and stops it when that is done.
    async fn run_beside(&self, visitor: impl Future<Output = ()>) {
        let both = async {
            tokio::join!(self.registrar.run(self.stop.notified()), async {
                visitor.await;
                self.stop.notify_one();
            })
        };
        tokio::time::timeout(PATIENCE, both)
            .await
            .expect("the registrar did what was expected of it");
    }
}

#[tokio::test]
async fn what_waits_is_settled_in_one_round() {
    let office = Office::new(SignedDuration::ZERO);
    assert_eq!(office.registrar.round().await, Round::Idle);
    let ids = [office.accept(1).await, office.accept(2).await];
    let unknown = office.bench.accept(CONTOSO, import_named("S", "K")).await;
    assert_eq!(office.registrar.round().await, Round::Worked(3));
    for id in ids {
        assert!(office.is_complete(id).await);
    }
    assert_eq!(
        office.bench.state(CONTOSO, unknown).await,
        ImportState::Refused(DirectoryError::ZtdDeviceNotFound)
    );
    assert_eq!(office.registrar.round().await, Round::Idle);
    let devices = office.bench.devices(CONTOSO).await;
    assert!(
        devices
            .iter()
            .all(|one| one.registered_at == office.clock.now())
    );
}

#[tokio::test]
async fn a_batch_has_its_bound() {
    let mut office = Office::new(SignedDuration::ZERO);
    office.registrar.options.batch = 2;
    for seed in 1..=5 {
        office.accept(seed).await;
    }
    for worked in [2, 2, 1] {
        assert_eq!(office.registrar.round().await, Round::Worked(worked));
    }
    assert_eq!(office.registrar.round().await, Round::Idle);
}

#[tokio::test]
async fn the_delay_goes_by_the_clock() {
    let office = Office::new(SignedDuration::from_secs(90));
    // Imports of the bench are accepted when the clock begins.
    let id = office.accept(1).await;
    for _ in 0..89 {
        assert_eq!(office.registrar.round().await, Round::Idle);
        office.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(office.registrar.round().await, Round::Idle);
    office.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(office.registrar.round().await, Round::Worked(1));
    assert!(office.is_complete(id).await);
}

#[tokio::test]
async fn an_import_that_fails_is_refused_alone() {
    let office = Office::new(SignedDuration::ZERO);
    let mut ids = Vec::new();
    for seed in 1..=5 {
        ids.push(office.accept(seed).await);
    }
    let poisoned = ids.remove(2);
    office.store.poison(poisoned);
    assert_eq!(office.registrar.round().await, Round::Worked(0));
    for id in &ids {
        assert!(!office.is_complete(*id).await, "a batch is all or nothing");
    }
    // Everybody alone: four neighbours that settle, and five failures.
    let mut rounds = 0;
    while office.registrar.round().await == Round::Worked(1) {
        rounds += 1;
    }
    assert_eq!(rounds, 9);
    for id in ids {
        assert!(office.is_complete(id).await);
    }
    assert_eq!(
        office.bench.state(CONTOSO, poisoned).await,
        ImportState::Refused(DirectoryError::StorageError)
    );
    assert_eq!(office.registrar.round().await, Round::Idle);
}

#[tokio::test]
async fn a_store_that_is_unavailable_is_no_failure_of_an_import() {
    let office = Office::new(SignedDuration::ZERO);
    let id = office.accept(1).await;
    let text = || "a test".to_owned();
    let outages = [
        StoreError::Unavailable(text()),
        StoreError::Unknown(text()),
        StoreError::Busy,
    ];
    for outage in outages {
        office.store.set_outage(Some(outage));
        for _ in 0..10 {
            assert_eq!(office.registrar.round().await, Round::StoreUnavailable);
        }
    }
    office.store.set_outage(None);
    office.store.poison(id);
    for _ in 0..4 {
        assert_eq!(office.registrar.round().await, Round::Worked(1));
        let state = office.bench.state(CONTOSO, id).await;
        assert_eq!(state, ImportState::Waiting, "no attempt was counted before");
    }
    assert_eq!(office.registrar.round().await, Round::Worked(1));
    assert_eq!(
        office.bench.state(CONTOSO, id).await,
        ImportState::Refused(DirectoryError::StorageError)
    );
}

#[tokio::test]
async fn a_store_that_is_closed_is_unavailable() {
    let office = Office::new(SignedDuration::ZERO);
    office.bench.store.close().await;
    assert_eq!(office.registrar.round().await, Round::StoreUnavailable);
}

#[tokio::test]
async fn while_it_runs_without_a_delay_imports_are_settled_as_they_are_accepted() {
    for (delay, at_once) in [
        (SignedDuration::ZERO, true),
        (SignedDuration::from_hours(1), false),
    ] {
        let office = Office::new(delay);
        let store: Arc<dyn Store> = office.store.inner();
        let options = RegistrarOptions {
            delay,
            ..RegistrarOptions::default()
        };
        let registrar = Registrar::new(Arc::clone(&store), Arc::clone(&office.clock) as _, options);
        let bench = Workbench::new(store);
        let accept = async |seed| {
            let id = bench.accept(CONTOSO, import_of(&Builder::new(seed))).await;
            bench.state(CONTOSO, id).await
        };
        let watch = async {
            assert_eq!(matches!(accept(1).await, ImportState::Complete(_)), at_once);
            office.stop.notify_one();
        };
        tokio::join!(registrar.run(office.stop.notified()), watch);
        assert_eq!(accept(2).await, ImportState::Waiting, "it has ended");
    }
}

#[tokio::test]
async fn running_it_settles_what_arrives() {
    let office = Office::new(SignedDuration::ZERO);
    let early = office.accept(1).await;
    office
        .run_beside(async {
            office.store.attempted().await;
            assert!(office.is_complete(early).await);
            for seed in 2..=4 {
                let id = office.accept(seed).await;
                office.store.attempted().await;
                assert!(office.is_complete(id).await);
            }
        })
        .await;
    assert_eq!(office.store.attempts(), 4);
}

#[tokio::test]
async fn running_it_waits_for_the_clock() {
    let office = Office::new(SignedDuration::from_secs(90));
    office
        .run_beside(async {
            let id = office.accept(1).await;
            office.clock.advance(SignedDuration::from_secs(89));
            assert_eq!(office.registrar.round().await, Round::Idle);
            office.clock.advance(SignedDuration::from_secs(1));
            office.store.attempted().await;
            assert!(office.is_complete(id).await);
        })
        .await;
}

#[tokio::test]
async fn running_it_outlives_an_outage_and_a_poisoned_import() {
    let office = Office::new(SignedDuration::ZERO);
    let outage = StoreError::Unavailable("a test".to_owned());
    office.store.set_outage(Some(outage));
    let id = office.accept(1).await;
    office
        .run_beside(async {
            for _ in 0..7 {
                office.store.attempted().await;
            }
            office.store.set_outage(None);
            while !office.is_complete(id).await {
                office.store.attempted().await;
            }
            let poisoned = office.accept(2).await;
            office.store.poison(poisoned);
            let later = office.accept(3).await;
            while office.bench.state(CONTOSO, poisoned).await == ImportState::Waiting {
                tokio::task::yield_now().await;
            }
            while !office.is_complete(later).await {
                tokio::task::yield_now().await;
            }
        })
        .await;
}

#[tokio::test]
async fn it_stops_when_told() {
    let office = Office::new(SignedDuration::ZERO);
    office.run_beside(std::future::ready(())).await;

    // One that is told before it begins finishes the round that it is in.
    let id = office.accept(1).await;
    let run = office.registrar.run(std::future::ready(()));
    tokio::time::timeout(PATIENCE, run).await.unwrap();
    assert!(office.is_complete(id).await);

    let outage = StoreError::Unavailable("a test".to_owned());
    office.store.set_outage(Some(outage));
    office.accept(2).await;
    office.run_beside(office.store.attempted()).await;
}
