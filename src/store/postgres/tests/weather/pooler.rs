//! `PgBouncer` between Hangar and its server, in both modes that it may be in.

use std::{path::PathBuf, process::Child};

use tempfile::TempDir;

use super::*;
use crate::{
    store::{Pooling, conformance},
    testing::postgres::{command, give_away, pause, server, start},
};

/// A `PgBouncer` with two connections to its server for each database.
struct Pooler {
    directory: TempDir,
    process: Child,
}

impl Pooler {
    fn start(mode: &str) -> Self {
        let directory = TempDir::with_prefix("hangar-bouncer-").unwrap();
        give_away(directory.path());
        let here = directory.path().display();
        let keep = |name: &str, content: String| {
            let path: PathBuf = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            give_away(&path);
        };
        keep("users", "\"hangar\" \"\"\n".to_owned());
        let server = server().display();
        keep(
            "settings",
            format!(
                "[databases]\n* = host={server} port=5432\n[pgbouncer]\npool_mode = {mode}\n\
                 unix_socket_dir = {here}\nlisten_port = 6432\nlisten_addr =\nauth_type = trust\n\
                 auth_file = {here}/users\ndefault_pool_size = 2\nmax_client_conn = 200\n\
                 ignore_startup_parameters = {ignored}\n",
                // What `database.pooling` says makes it needless.
                ignored = if mode == "session" { "options" } else { "" },
            ),
        );
        let mut bouncer = command(directory.path(), "pgbouncer");
        bouncer.arg("--quiet").arg("settings");
        let log = directory.path().join("log");
        let process = start(bouncer, &log);
        let socket = directory.path().join(".s.PGSQL.6432");
        let began = std::time::Instant::now();
        while !socket.exists() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                began.elapsed() < PATIENCE,
                "pgbouncer does not start: {said}"
            );
            pause();
        }
        Self { directory, process }
    }

    /// The address of a database by this way.
    fn url(&self, scratch: &Scratch) -> String {
        let host = self
            .directory
            .path()
            .display()
            .to_string()
            .replace('/', "%2F");
        format!("postgres://hangar@{host}:6432/{}", scratch.name())
    }

    fn open(&self, scratch: &Scratch, pooling: Pooling) -> PostgresStore {
        let database = Database {
            pooling,
            ..Database::at(self.url(scratch))
        };
        PostgresStore::open(&database, Opening::Serve(DatabaseKind::Production)).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_by_transactions_conforms() {
    let pooler = Pooler::start("transaction");
    // The schema is made through it too.
    let made = Scratch::empty();
    let first = pooler.open(&made, Pooling::Transaction);
    assert_eq!(first.check().await, Ok(()));
    first.close().await;
    // Who is not told of it is told what is the matter.
    let unaware = pooler.open(&made, Pooling::Session);
    let Err(StoreError::Unavailable(said)) = unaware.check().await else {
        panic!("it is served");
    };
    assert!(
        said.contains("unsupported startup parameter: options"),
        "{said}"
    );
    assert!(said.contains("database.pooling"), "{said}");
    unaware.close().await;
    let scratches = std::sync::Mutex::new(Vec::new());
    conformance::run_firsts(async || {
        let scratch = Scratch::new(DatabaseKind::Production);
        let store: Arc<dyn Store> = Arc::new(pooler.open(&scratch, Pooling::Transaction));
        scratches.lock().unwrap().push(scratch);
        store
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_behind_a_pooler_by_transactions_share_its_connections() {
    let pooler = Pooler::start("transaction");
    let scratch = Scratch::new(DatabaseKind::Production);
    let stores = [(); 3].map(|()| Arc::new(pooler.open(&scratch, Pooling::Transaction)));
    let mut clients = JoinSet::new();
    for (number, store) in stores.iter().enumerate() {
        for client in 0..6_u64 {
            let bench = Workbench::new(Arc::clone(store) as Arc<dyn Store>);
            clients.spawn(async move {
                for turn in 0..10 {
                    // Every device comes to every process.
                    let seed = client * 10 + turn;
                    bench.accept(CONTOSO, import_of(&Builder::new(seed))).await;
                    assert!(number < 3 && bench.devices(CONTOSO).await.len() <= 60);
                    let claims = bench.store.claim(at(1), 8).await.unwrap();
                    bench.settle(claims).await;
                }
            });
        }
    }
    clients.join_all().await;
    let bench = Workbench::new(Arc::clone(&stores[0]) as Arc<dyn Store>);
    bench.settle_all().await;
    let imports = bench.imports(CONTOSO).await;
    assert_eq!(imports.len(), 180);
    assert!(
        imports
            .iter()
            .all(|import| import.state != ImportState::Waiting)
    );
    assert_eq!(bench.devices(CONTOSO).await.len(), 60);
    let sessions = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'hangar'";
    let sessions: usize = scratch.ask(sessions).parse().unwrap();
    assert!(sessions <= 2, "{sessions} sessions for thirty connections");
    // The rules of a session hold in each transaction, and are nobody's afterwards.
    let transaction = stores[0].pool.begin().await.unwrap();
    let rules = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')";
    let row = transaction.query_opt(rules, &[]).await.unwrap().unwrap();
    assert_eq!((row.get(0), row.get(1)), ("10s", "10s"));
    transaction.roll_back().await.unwrap();
    let kept = "SELECT count(*) FROM pg_prepared_statements";
    let session = stores[1].pool.get().await.unwrap();
    let row = session.query_once(kept, &[]).await.unwrap();
    assert_eq!(
        row[0].get::<_, i64>(0),
        0,
        "nothing is left on a connection"
    );
    drop(session);
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_by_sessions_is_as_none() {
    let pooler = Pooler::start("session");
    let scratch = Scratch::new(DatabaseKind::Production);
    let database = Database {
        // One of its two listens.
        pool_size: 1,
        ..Database::at(pooler.url(&scratch))
    };
    let opening = Opening::Serve(DatabaseKind::Production);
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&database, opening).unwrap());
    let bench = Workbench::new(Arc::clone(&store));
    store.wait_for_work().await;
    for seed in 0..3 {
        bench
            .register(CONTOSO, import_of(&Builder::new(seed)))
            .await;
    }
    assert_eq!(bench.devices(CONTOSO).await.len(), 3);
    store.close().await;
}
