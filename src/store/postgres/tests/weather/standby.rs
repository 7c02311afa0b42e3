//! A real standby: one whose word a commit waits for, and that vanishes; and one that may not be
//! written to until it is promoted.

use tokio::time::timeout;

use super::*;

/// What waits for the standby's word, and is not a walsender of the base backup.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// Starts a create, and waits until it waits for the standby.
async fn create_in_vain(
    server: &Server,
    store: &Arc<PostgresStore>,
    id: ImportId,
) -> JoinSet<Result<(), StoreError>> {
    let store = Arc::clone(store);
    let mut creating = JoinSet::new();
    creating.spawn(async move { store.create_imports(CONTOSO, request(id)).await });
    waits(server).await;
    creating
}

/// Waits until somebody waits for the standby.
async fn waits(server: &Server) {
    insist(async || match server.ask(WAITING).as_str() {
        "0" => Err(StoreError::Busy),
        _ => Ok(()),
    })
    .await;
}

/// Does this to every session that waits for the standby.
fn to_those_that_wait(server: &Server, what: &str) {
    let sql = format!("SELECT {what}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    server.ask(&sql);
}

/// Does this to every session that waits for the standby until this is told what became of it: others
/// wait as well, and who it is that waits can't be seen.
async fn until_it_ends(
    server: &Server,
    what: &str,
    mut running: JoinSet<Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let ended = insist(async || {
        to_those_that_wait(server, what);
        running.try_join_next().ok_or(StoreError::Busy)
    });
    ended.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_standby_has_confirmed_is_never_success() {
    let primary = Server::start(&["fsync=off"]);
    let scratch = Scratch::on(primary.directory(), DatabaseKind::Production);
    let mut standby = primary.start_standby();
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.ask("SELECT pg_reload_conf()");
    let store = Arc::new(serve(&scratch));
    let ids = [(); 4].map(|()| ImportId(Uuid::new_v4()));
    store
        .create_imports(CONTOSO, request(ids[0]))
        .await
        .unwrap();
    assert_eq!(store.check().await, Ok(()));

    standby.kill();
    let mut cancelled = create_in_vain(&primary, &store, ids[1]).await;
    // Supervisors ask again and again, and do not wait. Nobody who reads is held up by that.
    for _ in 0..12 {
        let checked = timeout(Duration::from_millis(50), store.check()).await;
        assert!(!matches!(checked, Ok(Ok(()))), "{checked:?}");
        let read = timeout(Duration::from_secs(8), store.import(CONTOSO, ids[0])).await;
        assert!(matches!(read, Ok(Ok(Some(_)))), "{read:?}");
    }
    assert!(cancelled.try_join_next().is_none(), "it waits");
    let outcome = until_it_ends(&primary, "pg_cancel_backend", cancelled).await;
    assert!(
        matches!(outcome, Err(StoreError::Unknown(_))),
        "{outcome:?}"
    );

    // Cut off instead, it may be found again, but what is found is not confirmed either.
    let mut cut = create_in_vain(&primary, &store, ids[2]).await;
    to_those_that_wait(&primary, "pg_terminate_backend");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let outcome = cut.try_join_next().map(Result::unwrap);
    assert!(!matches!(outcome, Some(Ok(()))), "{outcome:?}");

    // What is not safe to repeat is not repeated.
    let mut upload = JoinSet::new();
    upload.spawn({
        let store = Arc::clone(&store);
        let new = NewUpload {
            id: UploadId(Uuid::new_v4()),
            imports: request(ids[3]),
        };
        async move { store.create_upload(CONTOSO, new).await }
    });
    waits(&primary).await;
    let outcome = until_it_ends(&primary, "pg_terminate_backend", upload).await;
    assert!(
        matches!(outcome, Err(StoreError::Unknown(_))),
        "{outcome:?}"
    );

    let standby = tokio::task::spawn_blocking(move || {
        standby.bring_up();
        standby
    });
    let standby = standby.await.unwrap();
    insist(async || store.check().await).await;
    // All that was committed is there, once, though nobody was told so.
    for id in ids {
        assert!(store.import(CONTOSO, id).await.unwrap().is_some(), "{id}");
    }
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(4));
    let more = ImportId(Uuid::new_v4());
    store.create_imports(CONTOSO, request(more)).await.unwrap();
    store.close().await;

    a_standby_serves_once_it_is_promoted(&scratch, primary, &standby, more).await;
}

/// A store that was opened on a standby reads there, and writes when it has become the primary.
async fn a_standby_serves_once_it_is_promoted(
    scratch: &Scratch,
    mut primary: Server,
    standby: &Server,
    there: ImportId,
) {
    let on_standby = Scratch::of(standby.directory(), scratch.name());
    let store = serve(&on_standby);
    // It has replayed what it has confirmed soon.
    insist(async || match store.import(CONTOSO, there).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Busy),
    })
    .await;
    let id = ImportId(Uuid::new_v4());
    for refused in [
        store.check().await,
        store.create_imports(CONTOSO, request(id)).await,
    ] {
        let Err(StoreError::Unavailable(reason)) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains("read-only"), "{reason}");
    }
    let claimed = store.claim(at(1), 10).await;
    assert!(
        matches!(claimed, Err(StoreError::Unavailable(_))),
        "{claimed:?}"
    );

    tokio::task::spawn_blocking(move || primary.kill())
        .await
        .unwrap();
    standby.ask("ALTER SYSTEM SET synchronous_standby_names = ''");
    standby.ask("SELECT pg_reload_conf(), pg_promote()");
    insist(async || store.check().await).await;
    store.create_imports(CONTOSO, request(id)).await.unwrap();
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(6));
    store.close().await;
}
