//! Servers that take their time, and those who want all connections at once.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Instant, timeout};

use super::{
    relay::{Passage, Relay},
    *,
};
use crate::testing::postgres::server;

/// A store by way of a relay, and a database of its own behind it.
async fn behind_relay(
    pool_size: usize,
    statement_timeout: Duration,
) -> (Relay, Scratch, PostgresStore) {
    let scratch = Scratch::new(DatabaseKind::Production);
    let relay = Relay::to(server()).await;
    let database = Database {
        pool_size,
        statement_timeout,
        ..Database::at(relay.url(scratch.name()))
    };
    let store = tokio::task::spawn_blocking(move || {
        PostgresStore::open(&database, Opening::Serve(DatabaseKind::Production)).unwrap()
    });
    (relay, scratch, store.await.unwrap())
}

/// A store that holds so many connections at most.
fn with_pool_of(scratch: &Scratch, pool_size: usize) -> PostgresStore {
    let database = Database {
        pool_size,
        ..Database::at(scratch.url())
    };
    PostgresStore::open(&database, Opening::Serve(DatabaseKind::Production)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_answers_are_waited_for() {
    let (relay, _scratch, store) = behind_relay(4, Duration::from_secs(10)).await;
    let ids = [(); 3].map(|()| ImportId(Uuid::new_v4()));
    store
        .create_imports(CONTOSO, request(ids[0]))
        .await
        .unwrap();
    relay.make(Passage::Slow(Duration::from_millis(700)));
    for id in &ids[1..] {
        let began = Instant::now();
        store.create_imports(CONTOSO, request(*id)).await.unwrap();
        assert!(began.elapsed() > Duration::from_secs(1), "it was slow");
    }
    relay.make(Passage::Open);
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(3));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_more_hangs_no_reader_and_loses_no_create() {
    let (relay, _scratch, store) = behind_relay(3, Duration::from_secs(1)).await;
    let store = Arc::new(store);
    let id = ImportId(Uuid::new_v4());
    store.create_imports(CONTOSO, request(id)).await.unwrap();

    relay.make(Passage::Shut);
    let silent = Instant::now();
    // Nobody may say what became of a commit but the database.
    let late = ImportId(Uuid::new_v4());
    let mut creating = JoinSet::new();
    creating.spawn({
        let store = Arc::clone(&store);
        async move { store.create_imports(CONTOSO, request(late)).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut readers = JoinSet::new();
    for _ in 0..6 {
        let store = Arc::clone(&store);
        readers.spawn(async move { store.import(CONTOSO, id).await });
    }
    while let Some(read) = readers.join_next().await {
        let read = read.unwrap();
        let is_honest = matches!(read, Err(StoreError::Unavailable(_) | StoreError::Busy));
        assert!(is_honest, "{read:?}");
    }
    assert!(silent.elapsed() < Duration::from_secs(25), "they hung");
    // One that had no connection yet was told that nothing was written.
    let told = creating.try_join_next().map(Result::unwrap);
    let is_honest = matches!(
        told,
        None | Some(Err(StoreError::Unavailable(_) | StoreError::Busy))
    );
    assert!(is_honest, "who told it? {told:?}");

    relay.make(Passage::Open);
    let there = if told.is_none() { 2 } else { 1 };
    if told.is_none() {
        assert_eq!(creating.join_all().await, [Ok(())]);
    }
    insist(async || store.check().await).await;
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(there));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_leaves_nobody_waiting_for_his_answer() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = with_pool_of(&scratch, 1);
    let blocker = serve(&scratch);
    let transaction = blocker.pool.begin().await.unwrap();
    let lock = "LOCK TABLE import IN ACCESS EXCLUSIVE MODE";
    transaction.execute(lock, &[]).await.unwrap();
    // Its caller hangs up; the server still works at it.
    let id = ImportId(Uuid::new_v4());
    let gone = timeout(Duration::from_millis(300), store.import(CONTOSO, id)).await;
    assert!(gone.is_err(), "{gone:?}");
    let read = timeout(Duration::from_secs(7), store.count_uploads(CONTOSO, None)).await;
    assert_eq!(
        read,
        Ok(Ok(0)),
        "the next one has a connection that answers"
    );
    drop(transaction);
    store.close().await;
    blocker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_creates_all_the_time_leaves_the_only_connection_to_others() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = Arc::new(with_pool_of(&scratch, 1));
    let is_read = Arc::new(AtomicBool::new(false));
    let mut creating = JoinSet::new();
    for _ in 0..8 {
        let (store, is_read) = (Arc::clone(&store), Arc::clone(&is_read));
        creating.spawn(async move {
            let mut created = 0_u64;
            while !is_read.load(Ordering::Relaxed) {
                let id = ImportId(Uuid::new_v4());
                store.create_imports(CONTOSO, request(id)).await.unwrap();
                created += 1;
            }
            created
        });
    }
    let mut read = Vec::new();
    for _ in 0..20 {
        read.push(store.count_imports(CONTOSO, None).await);
    }
    is_read.store(true, Ordering::Relaxed);
    let created: u64 = creating.join_all().await.into_iter().sum();
    for count in read {
        assert!(count.is_ok(), "{count:?}");
    }
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(created));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_connections_are_taken_the_rest_are_told_to_come_back() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = with_pool_of(&scratch, 2);
    let taken = [
        store.pool.begin().await.unwrap(),
        store.pool.begin().await.unwrap(),
    ];
    let began = Instant::now();
    let id = ImportId(Uuid::new_v4());
    let (created, read, checked) = tokio::join!(
        store.create_imports(CONTOSO, request(id)),
        store.import(CONTOSO, id),
        store.check(),
    );
    assert_eq!(created, Err(StoreError::Busy));
    assert!(matches!(read, Err(StoreError::Busy)), "{read:?}");
    assert_eq!(checked, Err(StoreError::Busy));
    assert!(began.elapsed() < Duration::from_secs(20), "within the wait");
    drop(taken);
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(0));
    store.create_imports(CONTOSO, request(id)).await.unwrap();
    store.close().await;
}
