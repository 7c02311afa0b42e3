//! Processes on one PostgreSQL database, replaced one by one under load, also by those of the next
//! release, which changes the schema while the others work: no request fails, nothing is lost.

mod balancer;
mod load;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use hangar::{
    cli::serve,
    config::{Flags, Mode, Settings, Sources},
    store::{
        Database, DatabaseKind, Opening,
        postgres::{PostgresStore, Release},
    },
    testing::postgres::Scratch,
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use self::{
    balancer::{Backend, Balancer},
    load::Load,
};
use crate::{
    crash::evidence::{Found, devices, judge, settled_imports},
    process::{PATIENCE, Server, hangar, token},
};

const PROCESSES: usize = 3;
const TENANTS: [&str; 2] = ["contoso", "fabrikam"];

/// How long a process that was told to end still takes requests: many times what the balancer
/// takes to notice, also on a machine that is slow today.
const STOP_DELAY: &str = "2s";

/// Only a failing test takes so long.
const LONGEST: Duration = Duration::from_mins(4);

/// The variable that has this program play the next release. No setting of Hangar's has such a name.
const PLAYED: &str = "PLAY_THE_NEXT_RELEASE";

/// What the next release adds to the schema, for itself: this one still works on it.
const EXPAND: &str = "ALTER TABLE import ADD COLUMN shade text COLLATE \"C\" NOT NULL DEFAULT '';
    ALTER TABLE device ADD COLUMN shade text COLLATE \"C\";
    CREATE TABLE shade (tenant uuid, name text COLLATE \"C\", PRIMARY KEY (tenant, name))";

/// Which program a process runs.
#[derive(Clone, Copy)]
enum Program {
    /// The one that was built.
    This,
    /// The one that will come after it, which is played by this test's own program.
    Next,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_replaced_one_by_one_with_no_failed_request() {
    let replaced = tokio::time::timeout(LONGEST, replace_all());
    println!("{}", replaced.await.expect("it does not end"));
}

/// Replaces every process and holds what is there in the end against what was acknowledged; says
/// how much that was.
async fn replace_all() -> String {
    let mut fleet = Fleet::new();
    for slot in 0..PROCESSES {
        fleet.start(slot, Program::This).await;
    }
    let this = Release::this().version();
    assert_eq!(fleet.schema_version(), this.to_string());
    let load = Load::start(&fleet.balancer);
    load.grown().await;

    // Of the same release, then one by one of the next, and one of them back again.
    fleet.replace(0, Program::This).await;
    load.grown().await;
    for slot in 0..PROCESSES {
        fleet.replace(slot, Program::Next).await;
        assert_eq!(fleet.schema_version(), (this + 1).to_string());
        load.grown().await;
    }
    fleet.replace(1, Program::This).await;
    load.grown().await;

    let told = load.stop().await;
    assert_eq!(told.failed, [""; 0], "of {} requests", told.requests);
    let backend = fleet.balancer.backend(1);
    let imports = settled_imports(&backend.url, &backend.tokens).await;
    let devices = devices(&backend.url, &backend.tokens).await;
    let found = judge(&told.acknowledged, &imports, &devices);
    assert_eq!(found, Found::default());
    assert!(
        told.acknowledged.len() > 100,
        "too few imports were acknowledged"
    );
    fleet.stop_all().await;
    format!(
        "requests: {}, acknowledged: {}, imports: {}, devices: {}",
        told.requests,
        told.acknowledged.len(),
        imports.len(),
        devices.len()
    )
}

/// The processes, and what stands before and behind them.
struct Fleet {
    database: Scratch,
    directory: TempDir,
    balancer: Arc<Balancer>,
    servers: Vec<Option<Server>>,
}

impl Fleet {
    fn new() -> Self {
        Self {
            database: Scratch::new(DatabaseKind::Development),
            directory: tempfile::tempdir().unwrap(),
            balancer: Balancer::start(PROCESSES),
            servers: (0..PROCESSES).map(|_| None).collect(),
        }
    }

    /// Starts a process and waits until the balancer sends it requests.
    async fn start(&mut self, slot: usize, program: Program) {
        let data_dir = self.directory.path().join(format!("data-{slot}"));
        let mut command = self.command(program, &data_dir);
        let (server, backend) = tokio::task::spawn_blocking(move || {
            let server = Server::start(&mut command);
            let backend = Backend {
                url: server.url.clone(),
                admin_url: server.admin_url.clone(),
                tokens: TENANTS.map(|tenant| token(&data_dir, &["--tenant", tenant])),
            };
            (server, backend)
        })
        .await
        .unwrap();
        self.servers[slot] = Some(server);
        self.balancer.put(slot, backend);
        let ready = tokio::time::timeout(PATIENCE, self.balancer.is_ready(slot));
        ready.await.expect("it does not become ready");
    }

    /// Ends a process as a supervisor does, and starts another in its place.
    async fn replace(&mut self, slot: usize, program: Program) {
        self.stop(slot).await;
        self.start(slot, program).await;
    }

    async fn stop(&mut self, slot: usize) {
        let server = self.servers[slot].take().unwrap();
        let ended = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let drained = ended.stderr.contains("every request was answered");
        assert!(drained, "{ended:?}");
    }

    async fn stop_all(&mut self) {
        for slot in 0..PROCESSES {
            self.stop(slot).await;
        }
    }

    fn command(&self, program: Program, data_dir: &Path) -> Command {
        let mut command = match program {
            Program::This => {
                let mut command = hangar();
                command.args(["serve", "--dev"]);
                command
            }
            Program::Next => {
                let own: PathBuf = std::env::current_exe().unwrap();
                let mut command = Command::new(own);
                command.env_clear().env(PLAYED, "yes").args([
                    "--exact",
                    "rolling::serve_as_the_next_release_if_asked",
                    "--nocapture",
                ]);
                command
            }
        };
        let free = "127.0.0.1:0";
        command
            .env("HANGAR_SERVER__LISTEN", free)
            .env("HANGAR_SERVER__ADMIN_LISTEN", free)
            .env("HANGAR_SERVER__TLS_LISTEN", free)
            .env("HANGAR_SERVER__STOP_DELAY", STOP_DELAY)
            .env("HANGAR_DATABASE__URL", self.database.url())
            .env("HANGAR_DATABASE__POOL_SIZE", "4")
            .env("HANGAR_DATA__DIR", data_dir);
        command
    }

    fn schema_version(&self) -> String {
        let newest = "SELECT max(number) FROM schema_migration";
        self.database.ask(newest)
    }
}

/// What the test above starts as a process. Whoever runs all tests does not ask for it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no settings")]
fn serve_as_the_next_release_if_asked() {
    if std::env::var_os(PLAYED).is_none() {
        return;
    }
    let sources = Sources::of_process(None, Flags::default()).unwrap();
    let settings = Settings::load(&sources, Mode::Dev).unwrap();
    let database = Database::at(settings.database.url.expose_secret());
    let release = Release::this().followed_by(EXPAND, Release::this().version());
    let opening = Opening::Serve(DatabaseKind::Development);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let open = || Ok(Arc::new(PostgresStore::open_as(release, &database, opening)?) as _);
    runtime
        .block_on(serve::run_on(
            settings,
            Mode::Dev,
            serve::Manner::default(),
            open,
        ))
        .unwrap();
}
