//! Processes whose clocks do not agree.

use jiff::SignedDuration;

use super::*;
use crate::{
    registrar::{Registrar, RegistrarOptions, Round},
    testing::ManualClock,
};

/// A process: its store, its clock, and its registrar on both.
struct Process {
    bench: Workbench,
    clock: Arc<ManualClock>,
    registrar: Registrar,
}

impl Process {
    fn on(scratch: &Scratch, ahead: SignedDuration) -> Self {
        let store: Arc<dyn Store> = Arc::new(serve(scratch));
        let clock = Arc::new(ManualClock::new());
        clock.advance(ahead);
        let options = RegistrarOptions {
            batch: 8,
            ..RegistrarOptions::default()
        };
        Self {
            bench: Workbench::new(Arc::clone(&store)),
            registrar: Registrar::new(store, clock.clone(), options),
            clock,
        }
    }

    async fn accept(&self, seed: u64) -> ImportId {
        let id = ImportId(Uuid::new_v4());
        let now = crate::domain::clock::Clock::now(&*self.clock);
        let row = vec![(id, import_of(&Builder::new(seed)))];
        self.bench.create(CONTOSO, row, now).await.unwrap();
        id
    }

    async fn settle(&self) {
        while matches!(self.registrar.round().await, Round::Worked(_)) {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_ten_minutes_apart_settle_nothing_twice() {
    const EACH: u64 = 30;
    let scratch = Scratch::new(DatabaseKind::Production);
    let right = Process::on(&scratch, SignedDuration::ZERO);
    let ahead = Process::on(&scratch, SignedDuration::from_mins(10));
    let behind = Process::on(&scratch, SignedDuration::from_mins(-10));
    for seed in 0..EACH {
        for process in [&right, &ahead, &behind] {
            process.accept(seed).await;
        }
    }
    // A claim is a lease by the database's clock, whoever looks at his own.
    let claims = behind.bench.store.claim(at(0), 4).await.unwrap();
    assert_eq!(claims.len(), 4);
    tokio::join!(right.settle(), ahead.settle(), behind.settle());
    let held: Vec<_> = claims.iter().map(|claim| claim.key.id).collect();
    for id in held {
        assert_eq!(right.bench.state(CONTOSO, id).await, ImportState::Waiting);
    }
    behind.bench.settle(claims).await;
    // Each device is registered once, and its other imports are told that it is.
    let imports = right.bench.imports(CONTOSO).await;
    assert_eq!(imports.len(), 90);
    assert!(
        imports
            .iter()
            .all(|import| import.state != ImportState::Waiting)
    );
    assert_eq!(right.bench.devices(CONTOSO).await.len(), 30);
    let lines = "SELECT count(*), count(DISTINCT import) FROM audit
        WHERE action IN ('import-registered', 'import-refused')";
    assert_eq!(scratch.ask(lines), "90|90", "each was settled once");

    // What a clock that was ahead accepted is due by the others' clocks at last, also without it.
    let late = ahead.accept(1000).await;
    ahead.bench.store.close().await;
    right.settle().await;
    assert_eq!(right.bench.state(CONTOSO, late).await, ImportState::Waiting);
    right.clock.advance(SignedDuration::from_mins(10));
    right.settle().await;
    let state = right.bench.state(CONTOSO, late).await;
    assert!(matches!(state, ImportState::Complete(_)), "{state:?}");
    for process in [right, behind] {
        process.bench.store.close().await;
    }
}
