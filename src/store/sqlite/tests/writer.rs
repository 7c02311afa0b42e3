//! The one writer: groups, the bounded queue, and operations that go wrong in it.

use std::sync::mpsc::{Sender, channel};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use rusqlite::Connection;

use super::*;
use crate::{
    domain::import::ImportProperties,
    store::{StoreError, sqlite::fault::Fault},
    testing::{
        CONTOSO,
        workbench::{at, import_id},
    },
};

/// More than a queue holds: one operation of this weight is let in, a second fills it up.
const HALF_A_QUEUE_KIB: u32 = 32 * 1024;

/// An operation that keeps the writer busy until it is let go.
struct Held<'a> {
    release: Sender<()>,
    answer: BoxFuture<'a, Result<(), StoreError>>,
}

impl Held<'_> {
    async fn let_go(self) {
        drop(self.release);
        assert_eq!(self.answer.await, Ok(()));
    }
}

/// Keeps the writer busy: what is sent to it from now on is a group of its own.
async fn hold(store: &SqliteStore, weight_kib: u32) -> Held<'_> {
    let (release, until_released) = channel::<()>();
    let (started, start) = channel();
    let operation = move |_: &Connection| {
        started.send(()).unwrap();
        let _ = until_released.recv();
        Ok(())
    };
    let mut answer = store.writer.run(weight_kib, operation).boxed();
    assert!(futures_util::poll!(&mut answer).is_pending());
    start.recv().unwrap();
    Held { release, answer }
}

/// Makes a future enqueue what it has to say, without waiting for the answer.
async fn enqueue<T>(futures: &mut [BoxFuture<'_, T>]) {
    for future in futures {
        assert!(futures_util::poll!(future).is_pending());
    }
}

fn count_by(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let count = "SELECT count(*) FROM import";
    connection.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn hundreds_share_a_commit_and_the_failing_harm_nobody() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let held = hold(&store, 1).await;

    let create = |number: u128| {
        let row = (import_id(number), ImportProperties::default());
        let bench = &bench;
        async move { bench.create(CONTOSO, vec![row], at(0)).await }.boxed()
    };
    let fail = |_: &Connection| -> Result<(), Fault> {
        Err(StoreError::Backend("a test".to_owned()).into())
    };
    let panic = |_: &Connection| -> Result<(), Fault> { panic!("a test") };
    let break_off = |connection: &Connection| -> Result<(), Fault> {
        // What it has written is taken back; what others have written is not.
        connection.execute("DELETE FROM import", [])?;
        connection.execute("DELETE FROM no_such_table", [])?;
        Ok(())
    };
    let path = files.path();
    let look = move |_: &Connection| Ok(count_by(&path));

    let mut first: Vec<_> = (1..=100).map(create).collect();
    enqueue(&mut first).await;
    let mut failing = vec![
        store.writer.run(1, fail).boxed(),
        store.writer.run(1, panic).boxed(),
        store.writer.run(1, break_off).boxed(),
    ];
    enqueue(&mut failing).await;
    let mut looking = [store.writer.run(1, look).boxed()];
    enqueue(&mut looking).await;
    let mut second: Vec<_> = (101..=400).map(create).collect();
    enqueue(&mut second).await;
    let mut taken = [create(7)];
    enqueue(&mut taken).await;

    held.let_go().await;
    for answer in join_all(first.into_iter().chain(second)).await {
        assert_eq!(answer, Ok(()));
    }
    for answer in join_all(failing).await {
        assert!(matches!(answer, Err(StoreError::Backend(_))), "{answer:?}");
    }
    let [seen] = looking;
    assert_eq!(seen.await, Ok(0), "a hundred rows waited for one commit");
    let [taken] = taken;
    assert!(matches!(taken.await, Err(StoreError::Conflict(_))));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(400));
}

#[tokio::test]
async fn what_begins_together_shares_a_commit_although_the_writer_is_idle() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    for round in 0..20 {
        let rows = |number: u128| {
            let id = import_id(round * 100 + number);
            vec![(id, ImportProperties::default())]
        };
        let mut creates: Vec<_> = (1..=20)
            .map(|number| bench.create(CONTOSO, rows(number), at(0)).boxed())
            .collect();
        let path = files.path();
        let mut looking = [store
            .writer
            .run(1, move |_: &Connection| Ok(count_by(&path)))
            .boxed()];
        store.together(&mut || {
            // Nested, as by another thread meanwhile: the last jobs may be another's to send.
            let (first, rest) = creates.split_at_mut(10);
            enqueue(first).now_or_never().unwrap();
            store.together(&mut || {});
            enqueue(rest).now_or_never().unwrap();
            enqueue(&mut looking).now_or_never().unwrap();
        });
        for answer in join_all(creates).await {
            assert_eq!(answer, Ok(()));
        }
        let [seen] = looking;
        let seen = seen.await.unwrap();
        let before = i64::try_from(round).unwrap() * 20;
        assert!(
            seen == before || seen == before + 10,
            "two commits at most: {seen} rows are there, {before} were"
        );
    }
    let mut creates: Vec<_> = (9_001..=9_020)
        .map(|number| {
            let row = (import_id(number), ImportProperties::default());
            bench.create(CONTOSO, vec![row], at(0)).boxed()
        })
        .collect();
    let path = files.path();
    let mut looking = [store
        .writer
        .run(1, move |_: &Connection| Ok(count_by(&path)))
        .boxed()];
    store.together(&mut || {
        enqueue(&mut creates).now_or_never().unwrap();
        enqueue(&mut looking).now_or_never().unwrap();
    });
    join_all(creates).await;
    let [seen] = looking;
    assert_eq!(seen.await, Ok(400), "one commit for all");
}

#[tokio::test]
async fn a_panic_while_writes_gather_loses_none_of_them() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let row = |number| vec![(import_id(number), ImportProperties::default())];
    let mut create = [bench.create(CONTOSO, row(1), at(0)).boxed()];
    let begun = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.together(&mut || {
            enqueue(&mut create).now_or_never().unwrap();
            panic!("a test");
        });
    }));
    assert!(begun.is_err());
    let [create] = create;
    assert_eq!(create.await, Ok(()));
    assert_eq!(bench.create(CONTOSO, row(2), at(0)).await, Ok(()));
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_keeps_nothing_of_it() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let held = hold(&store, HALF_A_QUEUE_KIB).await;
    let row = |number| vec![(import_id(number), ImportProperties::default())];
    let mut accepted = [bench.create(CONTOSO, row(1), at(0)).boxed()];
    enqueue(&mut accepted).await;
    // The row above is a KiB, so that much is left.
    let rest = HALF_A_QUEUE_KIB - 1;
    let mut filling = [store.writer.run(rest, |_| Ok(())).boxed()];
    enqueue(&mut filling).await;

    for number in 2..10 {
        let refused = bench.create(CONTOSO, row(number), at(0)).now_or_never();
        assert_eq!(refused, Some(Err(StoreError::Busy)), "without a wait");
    }
    assert_eq!(store.check().await, Err(StoreError::Busy));
    let read = store.import(CONTOSO, import_id(1)).await;
    assert_eq!(read, Ok(None), "readers do not wait for the writer");

    held.let_go().await;
    let [accepted] = accepted;
    let [filling] = filling;
    assert_eq!(accepted.await, Ok(()));
    assert_eq!(filling.await, Ok(()));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(1));
    assert_eq!(bench.create(CONTOSO, row(2), at(0)).await, Ok(()));
}

#[tokio::test]
async fn a_group_that_loses_its_transaction_is_refused_whole() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let mark = |connection: &Connection| Ok(connection.execute_batch("CREATE TEMP TABLE m (x)")?);
    store.writer.run(1, mark).await.unwrap();
    let held = hold(&store, 1).await;
    let row = |number| vec![(import_id(number), ImportProperties::default())];
    let mut creates: Vec<_> = [1, 2, 3]
        .map(|number| bench.create(CONTOSO, row(number), at(0)).boxed())
        .into();
    enqueue(&mut creates[..2]).await;
    // As SQLite does by itself when a disk is full or fails.
    let lose = |connection: &Connection| Ok(connection.execute_batch("ROLLBACK")?);
    let mut losing = [store.writer.run(1, lose).boxed()];
    enqueue(&mut losing).await;
    enqueue(&mut creates[2..]).await;
    held.let_go().await;
    let [losing] = losing;
    let mut answers = join_all(creates).await;
    answers.push(losing.await);
    for answer in answers {
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(0));

    // The connection was given up, and its marks with it; the next has the same settings.
    let marks = |connection: &Connection| {
        let count = "SELECT count(*) FROM sqlite_temp_schema";
        Ok(connection.query_row(count, [], |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(store.writer.run(1, marks).await, Ok(0));
    assert_eq!(bench.create(CONTOSO, row(1), at(0)).await, Ok(()));
    assert_eq!(settings(&store).await, ("wal".to_owned(), 2));
}

/// How the writer's connection keeps its promise.
async fn settings(store: &SqliteStore) -> (String, i64) {
    let read = |connection: &Connection| {
        let journal = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let full = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((journal, full))
    };
    store.writer.run(1, read).await.unwrap()
}

#[tokio::test]
async fn commits_are_synced_to_the_log() {
    let files = Files::new();
    let full = ("wal".to_owned(), 2);
    assert_eq!(settings(&files.open()).await, full);
    assert_eq!(settings(&files.open()).await, full, "also when reopened");
}

#[tokio::test]
async fn reads_that_panic_cost_no_connection() {
    let files = Files::new();
    let store = files.open();
    for _ in 0..2 * READERS {
        let panic = |_: &Connection| -> Result<(), Fault> { panic!("a test") };
        let answer = store.readers.run(panic).await;
        assert!(matches!(answer, Err(StoreError::Backend(_))));
    }
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(0));
}

#[tokio::test]
async fn closing_answers_what_was_accepted() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let bench = bench(&store);
    let held = hold(&store, 1).await;
    let row = |number| vec![(import_id(number), ImportProperties::default())];
    let mut accepted: Vec<_> = (1..=50)
        .map(|number| bench.create(CONTOSO, row(number), at(0)).boxed())
        .collect();
    enqueue(&mut accepted).await;
    let mut closing = [store.close()];
    enqueue(&mut closing).await;
    held.let_go().await;
    let [closing] = closing;
    closing.await;
    for answer in join_all(accepted).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!(files.open().count_imports(CONTOSO, None).await, Ok(50));
}
