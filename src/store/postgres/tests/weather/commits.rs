//! Backends that are killed in the middle of a COMMIT.

use super::*;

/// Makes the next commit of a row of this table take for ever, and none after it.
fn hold_next_commit(scratch: &Scratch, table: &str) {
    scratch.ask(&format!(
        "CREATE SEQUENCE IF NOT EXISTS commits;
         CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('commits') = 1 THEN PERFORM pg_sleep(600); END IF; RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER holds AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION hold()"
    ));
}

/// Kills the session that is held in its commit, once there is one.
async fn kill_the_held(scratch: &Scratch) {
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep'";
    insist(async || match scratch.ask(kill).as_str() {
        "0" => Err(StoreError::Busy),
        _ => Ok(()),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_killed_is_not_known() {
    let scratch = Scratch::new(DatabaseKind::Production);
    hold_next_commit(&scratch, "upload");
    // No statement's time-out may end it first.
    let mut database = Database::at(scratch.url());
    database.statement_timeout = Duration::from_mins(2);
    let opening = Opening::Serve(DatabaseKind::Production);
    let store = PostgresStore::open(&database, opening).unwrap();
    let new = NewUpload {
        id: UploadId(Uuid::new_v4()),
        imports: request(ImportId(Uuid::new_v4())),
    };
    let (created, ()) = tokio::join!(
        store.create_upload(CONTOSO, new.clone()),
        kill_the_held(&scratch)
    );
    assert!(
        matches!(created, Err(StoreError::Unknown(_))),
        "{created:?}"
    );
    assert_eq!(store.count_uploads(CONTOSO, None).await, Ok(0));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(0));
    // The client asks again.
    assert_eq!(store.create_upload(CONTOSO, new).await, Ok(()));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(1));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_commit_is_killed_is_done_again_and_there_once() {
    let scratch = Scratch::new(DatabaseKind::Production);
    hold_next_commit(&scratch, "import");
    let mut database = Database::at(scratch.url());
    database.statement_timeout = Duration::from_mins(2);
    let opening = Opening::Serve(DatabaseKind::Production);
    let store = PostgresStore::open(&database, opening).unwrap();
    let id = ImportId(Uuid::new_v4());
    let (created, ()) = tokio::join!(
        store.create_imports(CONTOSO, request(id)),
        kill_the_held(&scratch)
    );
    assert_eq!(created, Ok(()));
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(1));
    assert_eq!(scratch.ask("SELECT count(*) FROM audit"), "1");
    store.close().await;
}
