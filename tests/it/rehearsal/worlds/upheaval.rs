//! Requests while their world is replaced: each is answered whole, from before or from after.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{DEVICES, House, IMPORTS, PROFILES, device, ids_of, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_during_a_restore_get_whole_answers() {
    let house = Arc::new(House::rehearsing());
    house.register(&house.contoso, 1).await;
    house.save("one").await;
    house.register(&house.contoso, 2).await;
    house.make_profile(&house.contoso, "Sales").await;
    house.save("two").await;
    let whole: BTreeSet<(usize, usize)> = [(1, 0), (2, 1)].into();

    let is_over = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    for _ in 0..4 {
        let (house, is_over) = (Arc::clone(&house), Arc::clone(&is_over));
        asking.spawn(async move {
            let mut seen = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                seen.insert(both_in_a_batch(&house).await);
            }
            seen
        });
    }
    {
        let (house, is_over) = (Arc::clone(&house), Arc::clone(&is_over));
        asking.spawn(async move {
            let mut seed = 1000;
            while !is_over.load(Ordering::Relaxed) {
                // What is accepted may be gone with its world, but it is accepted.
                house.accept(&house.fabrikam, &device(seed)).await;
                house.api.round().await;
                seed += 1;
            }
            BTreeSet::new()
        });
    }
    for number in 0..20 {
        house.restore(["one", "two"][number % 2]).await;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(seen) = asking.join_next().await {
        let seen = seen.unwrap();
        assert!(seen.is_subset(&whole), "{seen:?}");
    }
}

/// How many devices and profiles one batch is shown. A batch is of one world.
async fn both_in_a_batch(house: &House) -> (usize, usize) {
    let part =
        |id: &str, path: &str| json!({ "id": id, "method": "GET", "url": &path["/beta".len()..] });
    let batch = json!({ "requests": [part("1", DEVICES), part("2", PROFILES)] });
    let answer = house.post("/beta/$batch", &batch).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    let body = answer.json();
    let count = |id: &str| {
        let mut parts = body["responses"].as_array().unwrap().iter();
        let part: &Value = parts.find(|part| part["id"] == id).unwrap();
        assert_eq!(part["status"], 200, "{part}");
        part["body"]["value"].as_array().unwrap().len()
    };
    (count("1"), count("2"))
}

#[tokio::test]
async fn a_request_that_was_hung_up_on_does_not_stop_a_restore() {
    let house = House::rehearsing();
    house.register(&house.contoso, 1).await;
    house.save("one").await;
    for _ in 0..20 {
        let mut asked = Box::pin(house.get(DEVICES));
        // It has begun, and nobody waits for it.
        for _ in 0..3 {
            if futures_util::poll!(&mut asked).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asked);
        house.restore("one").await;
        assert_eq!(ids_of(&house.get(DEVICES).await).len(), 1);
    }
}

#[tokio::test]
async fn a_restore_that_was_hung_up_on_is_done_to_its_end() {
    let house = House::rehearsing();
    house.save("empty").await;
    house.register(&house.contoso, 1).await;
    for _ in 0..20 {
        let mut restore = Box::pin(house.restore("empty"));
        let _ = futures_util::poll!(&mut restore);
        tokio::task::yield_now().await;
        let _ = futures_util::poll!(&mut restore);
        drop(restore);
        // Whatever became of it, the world works.
        let answer = house.post(IMPORTS, &device(2)).await;
        assert_eq!(answer.status, 201, "{}", text(&answer));
        house.api.settle().await;
        house.ask(Method::GET, DEVICES).send().await;
    }
    house.restore("empty").await;
    assert_eq!(house.device_count(&house.contoso).await, 0);
}
