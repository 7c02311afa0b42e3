//! Imports that are settled by the transaction that accepts them, and what keeps them from it.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{FutureExt as _, future::join_all};
use hardware_hash::Builder;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        directory_error::DirectoryError,
        import::{CallId, ImportProperties, ImportState},
        registration::{HashValidation, examine},
    },
    store::{operation::NewImport, soundness::Depth},
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        workbench::{at, import_id},
    },
};

/// Reads imports as the registrar does, and may give every device the same id, which is a fault.
#[derive(Default)]
struct Reader {
    one_device: Option<DeviceId>,
    settled: Mutex<Vec<Settled>>,
    read: AtomicUsize,
}

impl Examiner for Reader {
    fn examine(
        &self,
        key: ClaimKey,
        call: CallId,
        properties: &ImportProperties,
    ) -> Option<Settlement> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Some(Settlement {
            key,
            call,
            examination: examine(properties, HashValidation::Strict, at(0)),
            device: self.one_device.unwrap_or(DeviceId(Uuid::new_v4())),
            entry: LedgerEntryId(Uuid::new_v4()),
        })
    }

    fn settled(&self, settled: &[Settled]) {
        self.settled.lock().unwrap().extend(settled);
    }
}

/// A store whose imports this examiner reads.
fn read_by(files: &Files, reader: &Arc<Reader>) -> (Arc<SqliteStore>, Workbench) {
    let store = Arc::new(files.open());
    store.settle_at_once(Some(Arc::clone(reader) as _));
    let workbench = bench(&store);
    (store, workbench)
}

fn hardware(seed: u64) -> ImportProperties {
    import_of(&Builder::new(seed))
}

const TAKEN: ImportState = ImportState::Refused(DirectoryError::ZtdDeviceAssignedToOtherTenant);

#[tokio::test]
async fn an_import_is_settled_when_it_is_answered() {
    let (files, reader) = (Files::new(), Arc::new(Reader::default()));
    let (store, bench) = read_by(&files, &reader);
    let first = bench.accept(CONTOSO, hardware(1)).await;
    let second = bench.accept(FABRIKAM, hardware(1)).await;
    let ImportState::Complete(device) = bench.state(CONTOSO, first).await else {
        panic!("not registered");
    };
    assert!(bench.device(CONTOSO, device).await.is_some());
    assert_eq!(bench.state(FABRIKAM, second).await, TAKEN);
    assert_eq!(store.count_waiting().await, Ok(0));
    let settled = reader.settled.lock().unwrap().clone();
    let refused = Settled::Refused(DirectoryError::ZtdDeviceAssignedToOtherTenant);
    assert_eq!(settled, [Settled::Registered(device), refused]);
    drop((store, bench));
    assert!(inspect(&files.path(), Depth::Whole).unwrap().is_sound());
}

/// A request of each of these, in one group.
async fn create_together(
    store: &SqliteStore,
    bench: &Workbench,
    requests: &[(TenantId, u128, &[u64])],
) {
    let requests = requests.iter().map(|(tenant, first, seeds)| {
        let rows = (*first..)
            .map(import_id)
            .zip(seeds.iter().copied().map(hardware));
        bench.create(*tenant, rows.collect(), at(0)).boxed()
    });
    let mut requests: Vec<_> = requests.collect();
    store.together(&mut || {
        for request in &mut requests {
            assert!(request.now_or_never().is_none());
        }
    });
    for answer in join_all(requests).await {
        assert_eq!(answer, Ok(()));
    }
}

#[tokio::test]
async fn a_group_is_decided_in_its_order() {
    let (files, reader) = (Files::new(), Arc::new(Reader::default()));
    let (store, bench) = read_by(&files, &reader);
    let requests: [(TenantId, u128, &[u64]); 3] = [
        (CONTOSO, 1, &[1, 2, 1]),
        (FABRIKAM, 1, &[3]),
        (FABRIKAM, 2, &[2, 3]),
    ];
    create_together(&store, &bench, &requests).await;
    let state = async |tenant, number| bench.state(tenant, import_id(number)).await;
    let twice = ImportState::Refused(DirectoryError::ZtdDeviceDuplicated);
    let again = ImportState::Refused(DirectoryError::ZtdDeviceAlreadyAssigned);
    assert_eq!(state(CONTOSO, 3).await, twice);
    assert_eq!(state(FABRIKAM, 2).await, TAKEN);
    assert_eq!(state(FABRIKAM, 3).await, again);
    assert_eq!(bench.devices(CONTOSO).await.len(), 2);
    assert_eq!(bench.devices(FABRIKAM).await.len(), 1);
}

#[tokio::test]
async fn what_waits_is_not_overtaken() {
    let (files, reader) = (Files::new(), Arc::new(Reader::default()));
    let (store, bench) = read_by(&files, &reader);
    store.settle_at_once(None);
    let first = bench.accept(CONTOSO, hardware(1)).await;
    store.settle_at_once(Some(Arc::clone(&reader) as _));
    let second = bench.accept(FABRIKAM, hardware(1)).await;
    assert_eq!(reader.read.load(Ordering::Relaxed), 1);
    assert_eq!(bench.state(FABRIKAM, second).await, ImportState::Waiting);
    store.wait_for_work().await;

    bench.settle_all().await;
    let state = bench.state(CONTOSO, first).await;
    assert!(matches!(state, ImportState::Complete(_)), "{state:?}");
    assert_eq!(bench.state(FABRIKAM, second).await, TAKEN);
    let third = bench.accept(FABRIKAM, hardware(2)).await;
    let state = bench.state(FABRIKAM, third).await;
    assert!(matches!(state, ImportState::Complete(_)), "nothing waits");
}

#[tokio::test]
async fn what_can_not_be_settled_waits_and_is_nobody_elses_fault() {
    let files = Files::new();
    let reader = Arc::new(Reader {
        one_device: Some(DeviceId(Uuid::from_u128(1))),
        ..Reader::default()
    });
    let (store, bench) = read_by(&files, &reader);
    create_together(&store, &bench, &[(CONTOSO, 1, &[1]), (CONTOSO, 2, &[2])]).await;
    for number in [1, 2] {
        let state = bench.state(CONTOSO, import_id(number)).await;
        assert_eq!(state, ImportState::Waiting, "all of it is taken back");
    }
    assert!(reader.settled.lock().unwrap().is_empty());
    assert!(bench.devices(CONTOSO).await.is_empty());
    store.wait_for_work().await;
    bench.settle_all().await;
    assert_eq!(bench.devices(CONTOSO).await.len(), 2);
    drop((store, bench));
    assert!(inspect(&files.path(), Depth::Whole).unwrap().is_sound());
}

#[tokio::test]
async fn a_request_that_is_tried_again_and_one_that_is_refused_settle_nothing() {
    let (files, reader) = (Files::new(), Arc::new(Reader::default()));
    let (store, bench) = read_by(&files, &reader);
    let imports = |call: u128, first: u128| NewImports {
        call: CallId(Uuid::from_u128(call)),
        actor: actor(),
        accepted_at: at(0),
        rows: [first, 2]
            .map(|number| NewImport {
                id: import_id(number),
                properties: hardware(u64::try_from(number).unwrap()),
            })
            .into(),
    };
    let create = async |imports| store.create_imports(CONTOSO, imports).await;
    assert_eq!(create(imports(1, 1)).await, Ok(()));
    assert_eq!(create(imports(1, 1)).await, Ok(()));
    let taken = create(imports(2, 3)).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    assert_eq!(bench.devices(CONTOSO).await.len(), 2);
    assert_eq!(reader.settled.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_import_that_is_withdrawn_with_its_group_becomes_no_device() {
    let (files, reader) = (Files::new(), Arc::new(Reader::default()));
    let (store, bench) = read_by(&files, &reader);
    let row = vec![(import_id(1), hardware(1))];
    let mut create = bench.create(CONTOSO, row, at(0)).boxed();
    let mut delete = bench.delete(CONTOSO, import_id(1)).boxed();
    store.together(&mut || {
        assert!((&mut create).now_or_never().is_none());
        assert!((&mut delete).now_or_never().is_none());
    });
    assert_eq!((create.await, delete.await), (Ok(()), true));
    assert!(bench.devices(CONTOSO).await.is_empty());
    assert_eq!(*reader.settled.lock().unwrap(), [Settled::Superseded]);
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_settled() {
    let files = Files::new();
    let store = Arc::new(SqliteStore::open_limited(&files.path(), 70).unwrap());
    store.settle_at_once(Some(Arc::new(Reader::default())));
    let workbench = bench(&store);
    let mut accepted = 0;
    for seed in 0..500 {
        let row = vec![(import_id(seed.into()), hardware(seed))];
        match workbench.create(CONTOSO, row, at(0)).await {
            Ok(()) => accepted += 1,
            Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(accepted > 20 && accepted < 500, "{accepted} were accepted");
    let imports = workbench.imports(CONTOSO).await;
    assert!(imports.len() >= accepted);
    for import in imports {
        if let ImportState::Complete(device) = import.state {
            let device = workbench.device(CONTOSO, device).await;
            assert!(device.is_some(), "a complete import has its device");
        }
    }
    drop((store, workbench));
    let store = Arc::new(files.open());
    bench(&store).settle_all().await;
    drop(store);
    assert!(inspect(&files.path(), Depth::Whole).unwrap().is_sound());
}

/// What a store says of imports and owners after these steps: who imports which hardware, or deletes
/// all devices.
async fn outcome(bench: &Workbench, steps: &[(bool, u64, bool)]) -> Vec<(String, usize)> {
    let mut seen = Vec::new();
    for (is_fabrikam, seed, deletes) in steps {
        let tenant = if *is_fabrikam { FABRIKAM } else { CONTOSO };
        if *deletes {
            for device in bench.devices(tenant).await {
                bench.delete_device(tenant, device.id, 61).await;
            }
        }
        let id = bench.accept(tenant, hardware(*seed)).await;
        bench.settle_all().await;
        let state = match bench.state(tenant, id).await {
            ImportState::Complete(_) => "complete".to_owned(),
            state => format!("{state:?}"),
        };
        seen.push((state, bench.devices(tenant).await.len()));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn settling_at_once_decides_as_the_registrar_does(
        steps in proptest::collection::vec((any::<bool>(), 0..4_u64, proptest::bool::weighted(0.2)), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let files = Files::new();
        let (later, at_once) = (files.fresh(), files.fresh());
        at_once.settle_at_once(Some(Arc::new(Reader::default())));
        let [later, at_once] = [later, at_once].map(|store| {
            runtime.block_on(outcome(&Workbench::new(store), &steps))
        });
        prop_assert_eq!(later, at_once);
    }
}
