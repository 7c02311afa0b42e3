//! Bad weather: servers that end, statements that take too long, and connections that are cut.
//! Weather that needs more than that has a file each.

mod clocks;
mod commits;
mod pooler;
mod refusals;
mod relay;
mod room;
mod secured;
mod slowness;
mod standby;

use std::{collections::HashMap, time::Duration};

use hardware_hash::Builder;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{super::*, serve};
use crate::{
    domain::import::{CallId, ImportProperties, ImportState},
    store::{
        DatabaseKind, StoreError,
        operation::NewImport,
        postgres::{again::Attempts, again::Repeatable, fault::Fault},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        postgres::{Scratch, Server},
        workbench::{Workbench, at},
    },
};

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);

fn request(id: ImportId) -> NewImports {
    NewImports {
        call: CallId(Uuid::new_v4()),
        actor: actor(),
        accepted_at: at(0),
        rows: vec![NewImport {
            id,
            properties: ImportProperties::default(),
        }],
    }
}

/// What becomes of this, once it works again.
async fn insist<T>(mut attempt: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let began = tokio::time::Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(began.elapsed() < PATIENCE, "it does not end: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    let mut server = Server::start(&[]);
    let scratch = Scratch::on(server.directory(), DatabaseKind::Production);
    let store = Arc::new(serve(&scratch));
    let mut told: HashMap<ImportId, bool> = HashMap::new();
    for _ in 0..2 {
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let store = Arc::clone(&store);
            clients.spawn(async move {
                let mut told = Vec::new();
                // Until the server is gone.
                loop {
                    let id = ImportId(Uuid::new_v4());
                    match store.create_imports(CONTOSO, request(id)).await {
                        Ok(()) => told.push((id, true)),
                        Err(error) => {
                            let is_honest = matches!(
                                error,
                                StoreError::Unknown(_)
                                    | StoreError::Unavailable(_)
                                    | StoreError::Busy
                            );
                            assert!(is_honest, "{error:?}");
                            told.push((id, false));
                            return told;
                        }
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut down = tokio::task::spawn_blocking(move || {
            server.kill();
            server
        })
        .await
        .unwrap();
        while let Some(client) = clients.join_next().await {
            told.extend(client.unwrap());
        }
        server = tokio::task::spawn_blocking(move || {
            down.bring_up();
            down
        })
        .await
        .unwrap();
        insist(async || store.check().await).await;
    }
    let acknowledged = told.values().filter(|was_acknowledged| **was_acknowledged);
    assert!(acknowledged.count() > 10, "something was accepted at all");
    let mut found: HashMap<ImportId, u32> = HashMap::new();
    let all = store.list_imports(CONTOSO, Query::all(1_000_000)).await;
    for import in all.unwrap().rows {
        *found.entry(import.id).or_default() += 1;
    }
    for (id, was_acknowledged) in &told {
        let copies = found.get(id).copied().unwrap_or(0);
        assert!(copies <= 1, "{id} is there {copies} times");
        assert!(copies == 1 || !was_acknowledged, "{id} is lost");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_closes_answers_whom_it_took_in_and_takes_in_nobody_more() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = Arc::new(serve(&scratch));
    let create = |store: Arc<PostgresStore>| async move {
        let id = ImportId(Uuid::new_v4());
        store.create_imports(CONTOSO, request(id)).await
    };
    create(Arc::clone(&store)).await.unwrap();
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        clients.spawn(create(Arc::clone(&store)));
    }
    store.close().await;
    let late = create(Arc::clone(&store)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let mut accepted = 1;
    while let Some(client) = clients.join_next().await {
        match client.unwrap() {
            Ok(()) => accepted += 1,
            Err(StoreError::Busy | StoreError::Unavailable(_)) => {}
            Err(error) => panic!("whoever was taken in is answered: {error:?}"),
        }
    }
    let found = scratch.ask("SELECT count(*) FROM import");
    assert_eq!(found, accepted.to_string());
}

#[tokio::test]
async fn a_cut_connection_is_made_again() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store: Arc<dyn Store> = Arc::new(serve(&scratch));
    let bench = Workbench::new(Arc::clone(&store));
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    for _ in 0..3 {
        scratch.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        // Idle connections that were cut are noticed and replaced: nobody is told.
        assert_eq!(bench.state(CONTOSO, id).await, ImportState::Waiting);
        bench.accept(FABRIKAM, import_of(&Builder::new(2))).await;
    }
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_cut_is_done_again_from_its_beginning() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = serve(&scratch);
    let mut attempts = Attempts::new(Repeatable::No);
    let mut made = 0;
    let written = loop {
        let outcome: Result<(), Fault> = async {
            let transaction = store.pool.begin().await?;
            let sql = "INSERT INTO upload (tenant, id, created_at) VALUES ($1, $1, 0)";
            transaction.execute(sql, &[&CONTOSO.0]).await?;
            made += 1;
            if made == 1 {
                let cut = "SELECT pg_terminate_backend(pg_backend_pid())";
                transaction.query(cut, &[]).await?;
            }
            transaction.commit().await
        }
        .await;
        if let Some(result) = attempts.judge(outcome).await {
            break result;
        }
    };
    assert_eq!(written, Ok(()));
    assert_eq!(made, 2);
    assert_eq!(store.count_uploads(CONTOSO, None).await, Ok(1));
    store.close().await;
}

#[tokio::test]
async fn who_gets_in_each_others_way_both_come_through() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = Arc::new(serve(&scratch));
    let (one, other) = (CONTOSO, FABRIKAM);
    for tenant in [one, other] {
        let sql = format!("INSERT INTO tenant_sync VALUES ('{tenant}', 0)");
        scratch.ask(&sql);
    }
    let meeting = tokio::sync::Barrier::new(2);
    let lock_both = async |first: TenantId, second: TenantId| {
        let mut attempts = Attempts::new(Repeatable::No);
        let mut is_first = true;
        loop {
            let outcome: Result<(), Fault> = async {
                let transaction = store.pool.begin().await?;
                let sql = "UPDATE tenant_sync SET started_at = started_at + 1 WHERE tenant = $1";
                transaction.execute(sql, &[&first.0]).await?;
                if std::mem::take(&mut is_first) {
                    meeting.wait().await;
                }
                transaction.execute(sql, &[&second.0]).await?;
                transaction.commit().await
            }
            .await;
            if let Some(result) = attempts.judge(outcome).await {
                break result;
            }
        }
    };
    let both = tokio::join!(lock_both(one, other), lock_both(other, one));
    assert_eq!(both, (Ok(()), Ok(())));
    let sum = scratch.ask("SELECT sum(started_at) FROM tenant_sync");
    assert_eq!(sum, "4", "each did both, once");
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_hangs_nobody() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let mut database = Database::at(scratch.url());
    database.statement_timeout = Duration::from_secs(1);
    let opening = Opening::Serve(DatabaseKind::Production);
    let store = PostgresStore::open(&database, opening).unwrap();
    let blocker = serve(&scratch);
    let transaction = blocker.pool.begin().await.unwrap();
    let lock = "LOCK TABLE import IN ACCESS EXCLUSIVE MODE";
    transaction.execute(lock, &[]).await.unwrap();
    let id = ImportId(Uuid::new_v4());
    let accepted = store.create_imports(CONTOSO, request(id)).await;
    assert!(
        matches!(accepted, Err(StoreError::Unavailable(_))),
        "{accepted:?}"
    );
    let read = store.import(CONTOSO, id).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    drop(transaction);
    insist(async || store.create_imports(CONTOSO, request(id)).await).await;
    store.close().await;
    blocker.close().await;
}

#[tokio::test]
async fn a_commit_that_warns_is_not_success() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = serve(&scratch);
    let session = store.pool.get().await.unwrap();
    session
        .batch(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON import DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION warn()",
        )
        .await
        .unwrap();
    drop(session);
    // Alone, and in a transaction of its own.
    let one = request(ImportId(Uuid::new_v4()));
    let mut two = request(ImportId(Uuid::new_v4()));
    two.rows.push(NewImport {
        id: ImportId(Uuid::new_v4()),
        properties: ImportProperties::default(),
    });
    for imports in [one, two] {
        let accepted = store.create_imports(CONTOSO, imports).await;
        assert!(
            matches!(accepted, Err(StoreError::Unknown(_))),
            "{accepted:?}"
        );
    }
    store.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let mut server = Server::start(&["fsync=off"]);
    let scratch = Scratch::on(server.directory(), DatabaseKind::Production);
    server.kill();
    let store = serve(&scratch);
    let checked = store.check().await;
    assert!(
        matches!(checked, Err(StoreError::Unavailable(_))),
        "{checked:?}"
    );
    server.bring_up();
    insist(async || store.check().await).await;
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(0));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_one_process_wakes_another() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let (one, other) = (Arc::new(serve(&scratch)), Arc::new(serve(&scratch)));
    // The other listens, and has heard all there was.
    let listening = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query = 'LISTEN hangar_work'";
    other.wait_for_work().await;
    while scratch.ask(listening) == "0" {
        other.wait_for_work().await;
    }
    let import = ImportId(Uuid::new_v4());
    one.create_imports(CONTOSO, request(import)).await.unwrap();
    let claims = insist(async || {
        other.wait_for_work().await;
        let claims = other.claim(at(1), 10).await?;
        if claims.is_empty() {
            return Err(StoreError::Busy);
        }
        Ok(claims)
    })
    .await;
    assert_eq!(claims[0].key.id, import);
    assert!(one.claim(at(1), 10).await.unwrap().is_empty(), "it is held");
    one.close().await;
    other.close().await;
}
