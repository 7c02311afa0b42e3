//! Waking, closing, and many callers at once.

use std::time::Duration;

use futures_util::poll;
use hardware_hash::Builder;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    domain::{
        assignment::Plan,
        device::{DeviceChange, DeviceId},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        import::{CallId, ImportChange, ImportState},
        registration::Subject,
        revision::Precondition,
    },
    store::{
        Store, StoreError,
        operation::{DeviceAct, DeviceWrite, Failure, LedgerQuery, NewDevice, Settled},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        workbench::{Workbench, at, import_id, whole},
    },
};

super::cases![
    new_work_wakes_who_waits_for_it,
    an_open_store_is_ready,
    a_closed_store_answers_nothing,
    rivals_for_one_device_leave_one_owner,
];

/// Long enough for any machine, yet shorter than a lease; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for work, and has begun to when this returns: earlier news is used up.
async fn fall_asleep(store: &dyn Store) -> impl Future<Output = ()> {
    loop {
        let mut wait = store.wait_for_work();
        if poll!(&mut wait).is_pending() {
            return wait;
        }
    }
}

async fn wakes(sleeper: impl Future<Output = ()>, why: &str) {
    tokio::time::timeout(PATIENCE, sleeper).await.expect(why);
}

async fn new_work_wakes_who_waits_for_it(bench: Workbench) {
    let store = bench.store.as_ref();
    let sleeper = fall_asleep(store).await;
    let id = import_id(1);
    let create = |seed| {
        let row = (id, import_of(&Builder::new(seed)));
        bench.create(CONTOSO, vec![row], at(0))
    };
    create(1).await.unwrap();
    wakes(sleeper, "a new import").await;

    let claims = bench.claim(1).await;
    let sleeper = fall_asleep(store).await;
    bench.update(CONTOSO, id, ImportChange::default()).await;
    wakes(sleeper, "a changed import").await;

    let sleeper = fall_asleep(store).await;
    assert_eq!(bench.settle(claims).await, [Settled::Superseded]);
    wakes(sleeper, "an import that was not settled").await;

    let keys = bench.claim(1).await.iter().map(|claim| claim.key).collect();
    let sleeper = fall_asleep(store).await;
    store.relinquish(keys).await.unwrap();
    wakes(sleeper, "an import that was given back").await;

    // Whoever saw an id made anew while the old claim still stood must look again.
    assert_eq!(bench.claim(1).await.len(), 1);
    let sleeper = fall_asleep(store).await;
    assert!(bench.delete(CONTOSO, id).await);
    wakes(sleeper, "a claim that ended by a deletion").await;
    create(2).await.unwrap();
    assert_eq!(bench.claim(1).await.len(), 1);
}

async fn an_open_store_is_ready(bench: Workbench) {
    assert_eq!(bench.store.check().await, Ok(()));
    let secret = *bench.store.paging_secret();
    assert_ne!(secret, [0; 32]);
    assert_eq!(*bench.store.paging_secret(), secret);
}

async fn a_closed_store_answers_nothing(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let key = bench.claim(1).await[0].key;
    let store = &bench.store;
    store.close().await;
    store.close().await;

    let change = ImportChange::default();
    let failure = Failure {
        reason: "a test".to_owned(),
        attempts_allowed: 5,
        back_off: Duration::ZERO,
    };
    let device = DeviceId(Uuid::from_u128(1));
    let entry = LedgerEntryId(Uuid::from_u128(1));
    let rows = vec![(import_id(1), import_of(&Builder::new(2)))];
    let now = at(0);
    let whatever = Precondition::default;
    let new = NewDevice {
        id: device,
        entry,
        call: CallId(Uuid::from_u128(1)),
        subject: Subject::Refused(DirectoryError::StorageError),
        actor: actor(),
        now,
    };
    let write = DeviceWrite {
        change: DeviceChange::default(),
        act: DeviceAct::Change,
        precondition: whatever(),
        actor: actor(),
        now,
    };
    let errors = [
        bench.create(CONTOSO, rows, now).await.err(),
        store.import(CONTOSO, id).await.err(),
        store.list_imports(CONTOSO, whole()).await.err(),
        store.count_imports(CONTOSO, None).await.err(),
        store
            .update_import(CONTOSO, id, change, whatever(), actor(), now)
            .await
            .err(),
        store
            .delete_import(CONTOSO, id, whatever(), actor(), now)
            .await
            .err(),
        store.device(CONTOSO, device).await.err(),
        store
            .list_devices(CONTOSO, whole(), Plan::default())
            .await
            .err(),
        store
            .count_devices(CONTOSO, None, Plan::default())
            .await
            .err(),
        store
            .delete_device(CONTOSO, device, whatever(), actor(), now)
            .await
            .err(),
        store
            .delete_devices(CONTOSO, Vec::new(), actor(), now)
            .await
            .err(),
        store.create_device(CONTOSO, new).await.err(),
        store.update_device(CONTOSO, device, write).await.err(),
        store.claim(now, 1).await.err(),
        store.settle(Vec::new(), now).await.err(),
        store.fail(key, failure, now).await.err(),
        store.oldest_waiting().await.err(),
        store.count_waiting().await.err(),
        store.expire_imports(now, 1, now).await.err(),
        store
            .find_ledger_entries(LedgerQuery::default())
            .await
            .err(),
        store.release_ledger_entry(entry, actor(), now).await.err(),
        store.check().await.err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        assert!(
            matches!(error, Some(StoreError::Unavailable(_))),
            "operation {number}: {error:?}"
        );
    }
}

/// Two tenants race for the same device, each import from a task of its own that also settles
/// whatever it gets hold of.
async fn rivals_for_one_device_leave_one_owner(bench: Workbench) {
    let mut racers = JoinSet::new();
    for number in 0..200 {
        let bench = bench.clone();
        let tenant = if number % 2 == 0 { CONTOSO } else { FABRIKAM };
        let capture = Builder::new(1).recaptured(number / 2).total_size(0);
        racers.spawn(async move {
            let id = bench.accept(tenant, import_of(&capture)).await;
            let claims = bench.claim(3).await;
            bench.settle(claims).await;
            (tenant, id)
        });
    }
    let accepted = racers.join_all().await;
    bench.settle_all().await;

    let devices = [bench.devices(CONTOSO).await, bench.devices(FABRIKAM).await].concat();
    assert_eq!(devices.len(), 1);
    let owner = devices[0].tenant;
    let entries = bench.ledger(LedgerQuery::default()).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].owner, Some((owner, devices[0].id)));
    let mut complete = 0;
    for (tenant, id) in accepted {
        let state = bench.state(tenant, id).await;
        let expected = match state {
            ImportState::Complete(device) => {
                complete += 1;
                assert_eq!((tenant, device), (owner, devices[0].id));
                continue;
            }
            _ if tenant == owner => DirectoryError::ZtdDeviceAlreadyAssigned,
            _ => DirectoryError::ZtdDeviceAssignedToOtherTenant,
        };
        assert_eq!(state, ImportState::Refused(expected));
    }
    assert_eq!(complete, 1);
}
