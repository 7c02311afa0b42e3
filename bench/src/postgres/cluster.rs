//! A PostgreSQL server of the benchmark's own: made by `initdb` and served by an unprivileged user,
//! as both refuse root, with everything on that makes a commit last. What it costs is read from /proc.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use hangar::store::{self, Database, DatabaseKind, Opening};
use serde::Serialize;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::server;

/// Who owns the server where root starts it: Debian's `nobody`.
const UNPRIVILEGED: u32 = 65_534;

/// How long the server may take to start, and others to leave a database.
const PATIENCE: Duration = Duration::from_mins(1);

/// What differs from PostgreSQL's own defaults, and what must not.
pub(super) const SETTINGS: &[&str] = &[
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=512MB",
    "max_wal_size=2GB",
    "max_connections=400",
];

/// The database that others are copied from: Hangar's schema, and no rows.
const TEMPLATE: &str = "empty";

/// A running server. It ends with this value.
pub(crate) struct Cluster {
    child: Child,
    /// Where its socket is: a path that is short enough for one.
    socket: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    /// Starts a server over the files in this directory, and makes them if there are none.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let socket = TempDir::with_prefix("hangar-pg-")?;
        // The server starts elsewhere.
        let data = std::path::absolute(directory)?.join("data");
        for path in [directory, socket.path()] {
            give_away(path)?;
        }
        if !data.exists() {
            let made = program("initdb", socket.path())?
                .arg("--pgdata")
                .arg(&data)
                .args(["--username=hangar", "--auth=trust", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--no-sync"])
                .output()
                .context("initdb can't be started")?;
            ensure!(
                made.status.success(),
                "initdb failed in {}; a user without rights must reach that directory, or name \
                 another with --directory: {}",
                data.display(),
                String::from_utf8_lossy(&made.stderr)
            );
        }
        let log = fs::File::create(socket.path().join("log"))?;
        let mut command = program("postgres", socket.path())?;
        command.arg("-D").arg(&data).arg("-k").arg(socket.path());
        for setting in SETTINGS.iter().chain(&["listen_addresses="]) {
            command.args(["-c", setting]);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("postgres can't be started")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let cluster = Self {
            child,
            socket,
            runtime,
        };
        cluster.wait_until(
            || cluster.ask("postgres", "SELECT 1").is_ok(),
            "it does not start",
        )?;
        Ok(cluster)
    }

    /// Where a database is, as Hangar's settings name it.
    pub(super) fn url(&self, database: &str) -> String {
        let host = self.socket.path().display().to_string();
        format!("postgres://hangar@{}/{database}", host.replace('/', "%2F"))
    }

    /// The directory of its socket.
    pub(super) fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// Makes a database with Hangar's schema and no rows.
    pub(super) fn make(&self, name: &str) -> anyhow::Result<()> {
        let known = "SELECT 1 FROM pg_database WHERE datname = ";
        if self
            .ask("postgres", &format!("{known}'{TEMPLATE}'"))?
            .is_empty()
        {
            self.ask("postgres", &format!("CREATE DATABASE {TEMPLATE}"))?;
            let opening = Opening::Serve(DatabaseKind::Development);
            drop(store::open(Database::at(self.url(TEMPLATE)), opening)?);
        }
        self.wait_until_left(TEMPLATE)?;
        self.ask(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"),
        )?;
        Ok(())
    }

    /// Removes a database, and lets the server catch up, so that whoever is next finds it idle.
    pub(super) fn remove(&self, name: &str) -> anyhow::Result<()> {
        self.wait_until_left(name)?;
        self.ask("postgres", &format!("DROP DATABASE {name}"))?;
        self.ask("postgres", "CHECKPOINT")?;
        Ok(())
    }

    /// How many migrations its schema has seen.
    pub(super) fn schema(&self, database: &str) -> anyhow::Result<String> {
        let rows = self.ask(database, "SELECT count(*) FROM schema_migration")?;
        let cell = rows.into_iter().flatten().next();
        cell.context("a schema without a number")
    }

    /// Runs statements without parameters, and answers the cells of all rows.
    pub(super) fn ask(&self, database: &str, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        self.runtime.block_on(async {
            let client = connect(&self.url(database)).await?;
            let messages = client.simple_query(sql).await?;
            let rows = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
            let cell = |row: &tokio_postgres::SimpleQueryRow, column| {
                row.get(column).unwrap_or_default().to_owned()
            };
            let cells = |row| (0..tokio_postgres::SimpleQueryRow::len(row)).map(|at| cell(row, at));
            Ok(rows.map(|row| cells(row).collect()).collect())
        })
    }

    /// The processor time that it and all who work for it have used, those that ended included.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let main = self.child.id();
        loop {
            let before = children(main)?;
            let mut time = server::cpu_of(main)? + server::cpu_of_reaped(main)?;
            let times: Vec<_> = before.iter().map(|id| server::cpu_of(*id)).collect();
            // Nobody ended meanwhile, who would be missed or counted twice.
            if children(main)? == before && times.iter().all(Result::is_ok) {
                time += times.into_iter().flatten().sum::<Duration>();
                return Ok(time);
            }
        }
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        ensure!(
            Command::new("kill").args(["-INT", &id]).status()?.success(),
            "the server can't be told to end"
        );
        ensure!(self.child.wait()?.success(), "the server did not end well");
        Ok(())
    }

    fn wait_until_left(&self, database: &str) -> anyhow::Result<()> {
        // Whoever vacuums gives way to those who drop or copy it.
        let sql = format!(
            "SELECT pid FROM pg_stat_activity
             WHERE datname = '{database}' AND backend_type = 'client backend'"
        );
        let is_left = || self.ask("postgres", &sql).is_ok_and(|rows| rows.is_empty());
        self.wait_until(is_left, "somebody stays on a database")
    }

    fn wait_until(&self, done: impl Fn() -> bool, trouble: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while !done() {
            if began.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.socket.path().join("log"));
                bail!("PostgreSQL: {trouble}: {}", log.unwrap_or_default());
            }
            self.pause();
        }
        Ok(())
    }

    /// Waits a moment.
    pub(super) fn pause(&self) {
        let pause = async { tokio::time::sleep(Duration::from_millis(20)).await };
        self.runtime.block_on(pause);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At once, and those who work for it too; after `stop` there is nobody any more.
        let id = self.child.id().to_string();
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-QUIT", &id]).status();
            let _ = self.child.wait();
        }
    }
}

/// What a relation takes on the disk.
#[derive(Debug, Serialize)]
pub(crate) struct Size {
    pub(crate) relation: String,
    pub(crate) rows: u64,
    pub(crate) table_bytes: u64,
    pub(crate) index_bytes: u64,
    pub(crate) updated: u64,
    /// Of the updates, those that entered no index anew.
    pub(crate) updated_in_page: u64,
    pub(crate) dead: u64,
    pub(crate) vacuums: u64,
}

/// What the tables of a database take, the largest first.
pub(super) fn sizes(cluster: &Cluster, database: &str) -> anyhow::Result<Vec<Size>> {
    let sql = "SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid), n_tup_upd,
            n_tup_hot_upd, n_dead_tup, autovacuum_count
        FROM pg_stat_user_tables WHERE n_live_tup > 0 AND pg_total_relation_size(relid) > 100000
        ORDER BY pg_total_relation_size(relid) DESC";
    let size = |row: Vec<String>| {
        let number = |at: usize| -> anyhow::Result<u64> {
            Ok(row.get(at).context("too few columns")?.parse()?)
        };
        Ok(Size {
            rows: number(1)?,
            table_bytes: number(2)?,
            index_bytes: number(3)?,
            updated: number(4)?,
            updated_in_page: number(5)?,
            dead: number(6)?,
            vacuums: number(7)?,
            relation: row.into_iter().next().unwrap_or_default(),
        })
    };
    let rows = cluster.ask(database, sql)?;
    rows.into_iter().map(size).collect()
}

/// What the indexes of a database take, the largest first, by name.
pub(super) fn index_sizes(cluster: &Cluster, database: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let sql = "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes
        WHERE pg_relation_size(indexrelid) > 100000 ORDER BY 2 DESC";
    let size = |row: Vec<String>| match <[String; 2]>::try_from(row) {
        Ok([name, bytes]) => Ok((name, bytes.parse()?)),
        Err(_) => bail!("not two columns"),
    };
    cluster.ask(database, sql)?.into_iter().map(size).collect()
}

/// A connection, which a task of its own drives.
#[expect(
    clippy::disallowed_methods,
    reason = "the task ends with the client that it serves"
)]
pub(super) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Whoever waits for an answer on it learns how it ended.
        let _ = connection.await;
    });
    Ok(client)
}

/// One of PostgreSQL's programs, run by somebody without rights, which ends when this ends. Debian
/// keeps the server's out of `PATH`, a directory a version.
pub(super) fn program(name: &str, home: &Path) -> anyhow::Result<Command> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let path = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max()
        .unwrap_or_else(|| PathBuf::from(name));
    let mut command = Command::new("setpriv");
    if is_root()? {
        command.args([
            format!("--reuid={UNPRIVILEGED}"),
            format!("--regid={UNPRIVILEGED}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command
        .args(["--pdeathsig=KILL", "--"])
        .arg(path)
        .current_dir(home)
        .stdin(Stdio::null());
    Ok(command)
}

/// Lets the user without rights own a directory, and nobody else look into it.
fn give_away(directory: &Path) -> anyhow::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    if is_root()? {
        chown(directory, Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
    }
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

/// The processes that a process has started, in order.
fn children(of: u32) -> anyhow::Result<Vec<u32>> {
    let path = format!("/proc/{of}/task/{of}/children");
    let mut ids = Vec::new();
    for id in fs::read_to_string(path)?.split_whitespace() {
        ids.push(id.parse()?);
    }
    ids.sort_unstable();
    Ok(ids)
}
