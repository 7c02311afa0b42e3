//! The imports as a queue: who gets which, when, and what failing comes to.

use std::time::Duration;

use hardware_hash::Builder;
use uuid::Uuid;

use crate::{
    domain::{
        directory_error::DirectoryError,
        import::{ImportId, ImportProperties, ImportState},
        tenant::TenantId,
    },
    store::operation::{Claim, ClaimKey, Failure, Settled},
    testing::{
        CONTOSO, FABRIKAM, import_of,
        workbench::{Workbench, at, import_id},
    },
};

super::cases![
    claims_come_in_the_order_of_acceptance,
    only_what_was_accepted_in_time_is_claimed,
    what_is_claimed_is_not_handed_out_again,
    what_is_given_back_is_handed_out_alone,
    only_the_holder_of_a_claim_settles,
    the_last_failure_allowed_refuses,
    a_failed_import_rests,
    waiting_imports_are_counted_claimed_or_not,
];

async fn create(bench: &Workbench, tenant: TenantId, numbers: &[u128], second: i64) {
    let row = |number: &u128| (import_id(*number), ImportProperties::default());
    let rows = numbers.iter().map(row).collect();
    bench.create(tenant, rows, at(second)).await.unwrap();
}

fn numbers(claims: &[Claim]) -> Vec<u128> {
    claims
        .iter()
        .map(|claim| claim.key.id.0.as_u128())
        .collect()
}

fn failure(back_off: Duration) -> Failure {
    Failure {
        reason: "a test".to_owned(),
        attempts_allowed: 5,
        back_off,
    }
}

async fn claims_come_in_the_order_of_acceptance(bench: Workbench) {
    create(&bench, CONTOSO, &[9, 3, 7], 10).await;
    create(&bench, FABRIKAM, &[1], 10).await;
    create(&bench, CONTOSO, &[8], 20).await;
    // A clock that was set back: what it says was accepted first comes first.
    create(&bench, FABRIKAM, &[5, 4], 5).await;
    let mut order = Vec::new();
    for (limit, expected) in [(3, 3), (1, 1), (100, 3), (100, 0)] {
        let claims = bench.claim(limit).await;
        assert_eq!(claims.len(), expected);
        assert!(claims.iter().all(|claim| !claim.alone));
        order.extend(numbers(&claims));
    }
    assert_eq!(order, [5, 4, 9, 3, 7, 1, 8]);
}

async fn only_what_was_accepted_in_time_is_claimed(bench: Workbench) {
    create(&bench, CONTOSO, &[1], 10).await;
    create(&bench, CONTOSO, &[2], 20).await;
    let claim = |second| bench.store.claim(at(second), 10);
    assert!(claim(9).await.unwrap().is_empty());
    assert_eq!(numbers(&claim(10).await.unwrap()), [1]);
    assert!(claim(19).await.unwrap().is_empty());
    assert_eq!(numbers(&claim(1000).await.unwrap()), [2]);
}

async fn what_is_claimed_is_not_handed_out_again(bench: Workbench) {
    let everything: Vec<u128> = (1..=100).collect();
    create(&bench, CONTOSO, &everything, 0).await;
    let grab = || async {
        let mut grabbed = Vec::new();
        loop {
            let claims = bench.claim(7).await;
            if claims.is_empty() {
                return grabbed;
            }
            grabbed.extend(numbers(&claims));
        }
    };
    let (one, two, three) = tokio::join!(grab(), grab(), grab());
    let mut grabbed = [one, two, three].concat();
    grabbed.sort_unstable();
    assert_eq!(grabbed, everything);
}

async fn what_is_given_back_is_handed_out_alone(bench: Workbench) {
    for seed in 1..=4 {
        bench.accept(CONTOSO, import_of(&Builder::new(seed))).await;
    }
    let claims = bench.claim(3).await;
    let keys: Vec<_> = claims.iter().map(|claim| claim.key).collect();
    bench.store.relinquish(keys.clone()).await.unwrap();
    let mut alone = Vec::new();
    for _ in 0..3 {
        let mut claims = bench.claim(100).await;
        assert_eq!(claims.len(), 1);
        assert!(claims[0].alone);
        alone.append(&mut claims);
    }
    let mut ids: Vec<ImportId> = alone.iter().map(|claim| claim.key.id).collect();
    ids.sort_by_key(|id| keys.iter().position(|key| key.id == *id));
    assert_eq!(ids, keys.iter().map(|key| key.id).collect::<Vec<_>>());

    let others = bench.claim(100).await;
    assert_eq!(others.len(), 1, "the fourth was never claimed before");
    assert!(!others[0].alone);
    let superseded = bench.settle(claims).await;
    assert_eq!(
        superseded,
        [Settled::Superseded; 3],
        "those claims are over"
    );
    let settled = bench.settle(alone).await;
    assert!(
        settled
            .iter()
            .all(|one| matches!(one, Settled::Registered(_)))
    );
}

async fn only_the_holder_of_a_claim_settles(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let claim = bench.claim(1).await.remove(0);
    let made_up = ClaimKey {
        token: Uuid::new_v4(),
        ..claim.key
    };
    let forged = Claim {
        key: made_up,
        ..claim.clone()
    };
    assert_eq!(bench.settle(vec![forged]).await, [Settled::Superseded]);
    let failed = bench.store.fail(made_up, failure(Duration::ZERO), at(0));
    assert_eq!(failed.await, Ok(Settled::Superseded));
    bench.store.relinquish(vec![made_up]).await.unwrap();
    assert!(bench.claim(1).await.is_empty(), "the true claim stands");
    assert_eq!(bench.state(CONTOSO, id).await, ImportState::Waiting);
    assert!(matches!(
        bench.settle(vec![claim.clone()]).await[..],
        [Settled::Registered(_)]
    ));
    let twice = bench.settle(vec![claim]).await;
    assert_eq!(twice, [Settled::Superseded], "a claim settles once");
}

async fn the_last_failure_allowed_refuses(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    for attempt in 1..=5 {
        let claims = bench.claim(10).await;
        assert_eq!(claims.len(), 1, "attempt {attempt}");
        assert_eq!(claims[0].alone, attempt > 1, "attempt {attempt}");
        let failed = bench
            .store
            .fail(claims[0].key, failure(Duration::ZERO), at(60))
            .await;
        let expected = match attempt {
            5 => Settled::Refused(DirectoryError::StorageError),
            _ => Settled::Retried,
        };
        assert_eq!(failed, Ok(expected), "attempt {attempt}");
    }
    assert_eq!(
        bench.state(CONTOSO, id).await,
        ImportState::Refused(DirectoryError::StorageError)
    );
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.store.count_waiting().await, Ok(0));
}

async fn a_failed_import_rests(bench: Workbench) {
    bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let claims = bench.claim(1).await;
    let an_hour = failure(Duration::from_hours(1));
    let failed = bench.store.fail(claims[0].key, an_hour, at(0)).await;
    assert_eq!(failed, Ok(Settled::Retried));
    // Another import does not wait for it.
    bench.accept(CONTOSO, import_of(&Builder::new(2))).await;
    let next = bench.claim(10).await;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0].key.id, claims[0].key.id);
}

async fn waiting_imports_are_counted_claimed_or_not(bench: Workbench) {
    let counts = || async {
        let oldest = bench.store.oldest_waiting().await.unwrap();
        (bench.store.count_waiting().await.unwrap(), oldest)
    };
    assert_eq!(counts().await, (0, None));
    create(&bench, CONTOSO, &[1], 10).await;
    create(&bench, FABRIKAM, &[2], 20).await;
    assert_eq!(counts().await, (2, Some(at(10))));
    let first = bench.claim(1).await;
    assert_eq!(counts().await, (2, Some(at(20))), "one is being decided");
    let second = bench.claim(1).await;
    assert_eq!(counts().await, (2, None));
    bench.settle(first).await;
    assert_eq!(counts().await, (1, None));
    bench.settle(second).await;
    assert_eq!(counts().await, (0, None));
}
