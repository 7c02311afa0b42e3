//! Servers that refuse: a password, a write, a schema. Each says why, and serves once that is put
//! right.

use super::*;

/// Why a store is not ready.
async fn reason(store: &PostgresStore) -> String {
    match store.check().await {
        Err(StoreError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named_and_forgotten_once_it_is_put_right() {
    let server = Server::start(&["fsync=off"]);
    server.ask("CREATE ROLE clerk LOGIN PASSWORD 'another'");
    server.ask("CREATE DATABASE clerk OWNER clerk");
    server.keep_file(
        "data/pg_hba.conf",
        "local all clerk scram-sha-256\nlocal all all trust\n",
    );
    server.ask("SELECT pg_reload_conf()");
    let host = server.directory().display().to_string().replace('/', "%2F");
    let database = Database::at(format!("postgres://clerk:hush-hush@{host}/clerk"));
    let opening = Opening::Serve(DatabaseKind::Production);
    let store = PostgresStore::open(&database, opening).unwrap();

    let password_is = |word: &str| server.ask(&format!("ALTER ROLE clerk PASSWORD '{word}'"));
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'";
    let mut ids = Vec::new();
    // At the start, and in the middle.
    for _ in 0..2 {
        let said = reason(&store).await;
        assert!(said.contains("password authentication failed"), "{said}");
        assert!(!said.contains("hush"), "{said}");
        let id = ImportId(Uuid::new_v4());
        let refused = store.create_imports(CONTOSO, request(id)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        password_is("hush-hush");
        insist(async || store.check().await).await;
        store.create_imports(CONTOSO, request(id)).await.unwrap();
        ids.push(id);
        password_is("another");
        server.ask(cut);
    }
    password_is("hush-hush");
    insist(async || store.check().await).await;
    assert_eq!(
        store.count_imports(CONTOSO, None).await,
        Ok(ids.len() as u64)
    );
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_is_read_and_written_to_once_it_may_be() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = serve(&scratch);
    let id = ImportId(Uuid::new_v4());
    store.create_imports(CONTOSO, request(id)).await.unwrap();
    let make = |word: &str| {
        let name = scratch.name();
        let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {word}");
        scratch.ask_server(&sql);
    };
    make("on");
    scratch.ask_server(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        scratch.name()
    ));
    assert!(reason(&store).await.contains("read-only"));
    let more = ImportId(Uuid::new_v4());
    let refused = [
        store.create_imports(CONTOSO, request(more)).await,
        store.claim(at(1), 10).await.map(|_| ()),
        store
            .delete_import(CONTOSO, id, Precondition::default(), actor(), at(1))
            .await
            .map(|_| ()),
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        store.count_imports(CONTOSO, None).await,
        Ok(1),
        "it is read"
    );
    // Sessions that are there would stay as they are: they are given up for new ones.
    make("off");
    insist(async || store.check().await).await;
    store.create_imports(CONTOSO, request(more)).await.unwrap();
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(2));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_can_not_be_written_yet_is_waited_for() {
    let scratch = Scratch::empty();
    let make = |word: &str| {
        let name = scratch.name();
        let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {word}");
        scratch.ask_server(&sql);
    };
    make("on");
    // As a standby is, before it takes over.
    let store = serve(&scratch);
    assert!(reason(&store).await.contains("read-only"));
    make("off");
    insist(async || store.check().await).await;
    let id = ImportId(Uuid::new_v4());
    store.create_imports(CONTOSO, request(id)).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_the_future_is_refused_in_a_sentence() {
    let mut server = Server::start(&["fsync=off"]);
    let scratch = Scratch::on(server.directory(), DatabaseKind::Production);
    let known: i64 = scratch
        .ask("SELECT max(number) FROM schema_migration")
        .parse()
        .unwrap();
    // One that was there already when the program started ends it; one that comes later doesn't.
    let early = serve(&scratch);
    server.kill();
    let waiting = serve(&scratch);
    server.bring_up();
    scratch.ask(&format!(
        "INSERT INTO schema_migration (number, oldest_compatible) VALUES ({0}, {0})",
        known + 1
    ));
    let opening = Opening::Serve(DatabaseKind::Production);
    let refused = PostgresStore::open(&Database::at(scratch.url()), opening);
    let said = refused.err().unwrap().to_string();
    let sentence = format!(
        "has schema version {0}, on which programs of version {0} or later work, and this \
         program's is {known}: use the program that wrote it, or a newer one",
        known + 1
    );
    assert!(said.ends_with(&sentence), "{said}");
    assert!(reason(&waiting).await.contains(&sentence));
    let id = ImportId(Uuid::new_v4());
    let refused = waiting.create_imports(CONTOSO, request(id)).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(scratch.ask("SELECT count(*) FROM import"), "0");

    // Whoever goes back to a copy of before goes on.
    scratch.ask(&format!(
        "DELETE FROM schema_migration WHERE number > {known}"
    ));
    insist(async || waiting.check().await).await;
    for store in [early, waiting] {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_is_found_again() {
    let mut server = Server::start(&[]);
    let scratch = Scratch::on(server.directory(), DatabaseKind::Production);
    let store = serve(&scratch);
    let mut ids = vec![ImportId(Uuid::new_v4())];
    store
        .create_imports(CONTOSO, request(ids[0]))
        .await
        .unwrap();
    let restarting = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    // Asked all the while: each is accepted, or told that nothing was or that nobody knows.
    let mut acknowledged = 1;
    while !restarting.is_finished() {
        let id = ImportId(Uuid::new_v4());
        match store.create_imports(CONTOSO, request(id)).await {
            Ok(()) => acknowledged += 1,
            Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        ids.push(id);
    }
    let _server = restarting.await.unwrap();
    insist(async || store.check().await).await;
    let there = store.count_imports(CONTOSO, None).await.unwrap();
    assert!(there >= acknowledged, "{there} of {acknowledged}");
    assert!(there <= ids.len() as u64);
    store.close().await;
}
