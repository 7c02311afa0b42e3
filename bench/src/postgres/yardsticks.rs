//! What Hangar's creates are compared with: the same rows written without it. A row of `import` and
//! one of `audit`, into the schema that Hangar makes, with all its indexes.

use std::{
    fmt::Write as _,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use hardware_hash::content_len;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, Statement, types::ToSql};
use uuid::{NoContext, Timestamp, Uuid};

use super::{
    cluster::{Cluster, connect, program},
    results::Measured,
};
use crate::{
    body::{Bodies, Content},
    server, summary,
};

/// How many rows share a statement of the disk's.
const GROUP: usize = 64;

/// How many connections the pool has: as many as Hangar's has unless it is told otherwise.
const POOL: usize = hangar::store::POOL_SIZE;

/// A row by itself, with its line in the audit table, in one statement and so in one commit.
const SINGLE: &str = "WITH line AS (
        INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import)
        VALUES ($1, $3, 'user', $5, $5, 'import-created', $2))
    INSERT INTO import (tenant, id, call, accepted_at, serial_number, import_id,
        hardware_len_bytes, hardware_content)
    VALUES ($1, $2, $2, $3, '', $4, 3000, $6)";

/// The same of many rows.
const MANY: &str = "WITH sent AS MATERIALIZED (
        SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::text[], $6::bytea[])
            AS sent (id, at, name, content)),
    line AS (
        INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import)
        SELECT $1, at, 'user', $5::text, $5::text, 'import-created', id FROM sent)
    INSERT INTO import (tenant, id, call, accepted_at, serial_number, import_id,
        hardware_len_bytes, hardware_content)
    SELECT $1, id, id, at, '', name, 3000, content FROM sent";

/// The same for pgbench, which has whole numbers only: ids count up, as Hangar's do. (A colon that
/// is no variable's has to be avoided: hence the casts by name.)
const SCRIPT: &str = "\\set n :n + 1
WITH new AS MATERIALIZED (SELECT cast('0190' || lpad(to_hex(cast(:n AS bigint)), 12, '0')
        || lpad(to_hex(cast(:client_id AS bigint)), 16, '0') AS uuid) AS id),
    line AS (
        INSERT INTO audit (tenant, at, actor_kind, actor_id, application, action, import)
        SELECT cast(:tenant AS uuid), cast(:n AS bigint), 'user', cast(:actor AS text),
            cast(:actor AS text), 'import-created', id FROM new)
    INSERT INTO import (tenant, id, call, accepted_at, serial_number, import_id,
        hardware_len_bytes, hardware_content)
    SELECT cast(:tenant AS uuid), id, id, cast(:n AS bigint), '', cast(id AS text), 3000, cast(:content AS bytea)
    FROM new;
";

fn tenant() -> Uuid {
    Uuid::from_u128(1)
}

fn actor() -> String {
    Uuid::from_u128(2).to_string()
}

/// What is kept of a hash. All rows have the same: no index looks at it, and nothing is compressed.
fn content() -> anyhow::Result<Vec<u8>> {
    let mut bodies = Bodies::new(Content::Padded, 1)?;
    let blob = bodies.next_blob();
    Ok(blob[..content_len(blob)].to_vec())
}

/// Single rows by pgbench, over so many connections.
pub(super) fn peer(
    cluster: &Cluster,
    database: &str,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let home = cluster.socket();
    std::fs::write(home.join("single.sql"), SCRIPT)?;
    let mut hex = String::new();
    for byte in content()? {
        // Writing to a text does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    let seconds = time.as_secs().max(1);
    let before = cluster.cpu()?;
    let output = program("pgbench", home)?
        .args(["--no-vacuum", "--protocol=prepared", "--username=hangar"])
        .arg("--host")
        .arg(home)
        .args(["--file", "single.sql", "--jobs=2"])
        .arg(format!("--client={connections}"))
        .arg(format!("--time={seconds}"))
        .args([
            "--define=n=0".to_owned(),
            format!("--define=tenant={}", tenant()),
        ])
        .arg(format!("--define=actor={}", actor()))
        .arg(format!("--define=content=\\x{hex}"))
        .arg(database)
        .stderr(Stdio::piped())
        .output()
        .context("pgbench can't be started")?;
    let cpu = cluster.cpu()?.saturating_sub(before);
    let said = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| -> anyhow::Result<f64> {
        let found = said.lines().find_map(|line| line.strip_prefix(name));
        let found = found.and_then(|rest| rest.split_whitespace().next());
        found.and_then(|text| text.parse().ok()).with_context(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            format!("pgbench does not say {name:?}: {said}{errors}")
        })
    };
    let rows = number("number of transactions actually processed: ")?;
    ensure!(
        output.status.success() && number("number of failed transactions: ")? == 0.0,
        "pgbench failed: {said}"
    );
    let count = cluster.ask(database, "SELECT count(*) FROM audit")?;
    ensure!(
        count == [[format!("{rows:.0}")]],
        "{rows} rows were written, and {count:?} are there"
    );
    Ok(Measured {
        per_second: number("tps = ")?,
        cpu_us: cpu.as_secs_f64() * 1e6 / rows,
        database_cpu_us: cpu.as_secs_f64() * 1e6 / rows,
        ..Measured::default()
    })
}

/// Rows on one connection, so many a statement.
pub(super) fn disk(cluster: &Cluster, database: &str, time: Duration) -> anyhow::Result<Measured> {
    let (url, content) = (cluster.url(database), content()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    measured(cluster, || {
        runtime.block_on(async {
            let client = connect(&url).await?;
            let statement = client.prepare(MANY).await?;
            let actor = actor();
            let contents = vec![content.as_slice(); GROUP];
            let mut ids = Ids::new();
            let began = Instant::now();
            let mut rows = 0;
            while began.elapsed() < time {
                let group: Vec<Uuid> = (0..GROUP).map(|_| ids.next()).collect();
                let names: Vec<String> = group.iter().map(Uuid::to_string).collect();
                let at = vec![micros(began)?; GROUP];
                let parameters: [&(dyn ToSql + Sync); 6] =
                    [&tenant(), &group, &at, &names, &actor, &contents];
                let written = client.execute(&statement, &parameters).await?;
                ensure!(written == GROUP as u64, "not all rows were written");
                rows += written;
            }
            Ok((rows, began.elapsed()))
        })
    })
}

/// Single rows by so many tasks, who share a pool.
pub(super) fn pool(
    cluster: &Cluster,
    database: &str,
    tasks: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let (url, content) = (cluster.url(database), content()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    measured(cluster, || {
        runtime.block_on(async {
            let pool = Pool::connect(&url).await?;
            let rows = Arc::new(AtomicU64::new(0));
            let began = Instant::now();
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..tasks {
                let (pool, rows, content) = (Arc::clone(&pool), Arc::clone(&rows), content.clone());
                writers.spawn(async move {
                    let (actor, mut ids) = (actor(), Ids::new());
                    while began.elapsed() < time {
                        let id = ids.next();
                        let (name, at) = (id.to_string(), micros(began)?);
                        let parameters: [&(dyn ToSql + Sync); 6] =
                            [&tenant(), &id, &at, &name, &actor, &content];
                        pool.execute(&parameters).await?;
                        rows.fetch_add(1, Ordering::Relaxed);
                    }
                    anyhow::Ok(())
                });
            }
            while let Some(ended) = writers.join_next().await {
                ended??;
            }
            Ok((rows.load(Ordering::Relaxed), began.elapsed()))
        })
    })
}

/// What writing cost: this process's time, which does nothing else meanwhile, and the server's.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn measured(
    cluster: &Cluster,
    write: impl FnOnce() -> anyhow::Result<(u64, Duration)>,
) -> anyhow::Result<Measured> {
    let own = std::process::id();
    let before = (cluster.cpu()?, server::cpu_of(own)?);
    let (rows, time) = write()?;
    let database = cluster.cpu()?.saturating_sub(before.0);
    let all = database + server::cpu_of(own)?.saturating_sub(before.1);
    Ok(Measured {
        per_second: summary::per_second(rows, time),
        cpu_us: all.as_secs_f64() * 1e6 / rows as f64,
        database_cpu_us: database.as_secs_f64() * 1e6 / rows as f64,
        ..Measured::default()
    })
}

fn micros(since: Instant) -> anyhow::Result<i64> {
    Ok(i64::try_from(since.elapsed().as_micros())?)
}

/// Ids as Hangar makes them.
struct Ids {
    began: Instant,
}

impl Ids {
    fn new() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    fn next(&mut self) -> Uuid {
        let elapsed = self.began.elapsed();
        let seconds = 1_800_000_000 + elapsed.as_secs();
        let moment = Timestamp::from_unix(NoContext, seconds, elapsed.subsec_nanos());
        Uuid::new_v7(moment)
    }
}

/// A few connections, each with the statement that it has prepared.
struct Pool {
    idle: Mutex<Vec<(Client, Statement)>>,
    turns: Semaphore,
}

impl Pool {
    async fn connect(url: &str) -> anyhow::Result<Arc<Self>> {
        let mut idle = Vec::new();
        for _ in 0..POOL {
            let client = connect(url).await?;
            let statement = client.prepare(SINGLE).await?;
            idle.push((client, statement));
        }
        Ok(Arc::new(Self {
            idle: Mutex::new(idle),
            turns: Semaphore::new(POOL),
        }))
    }

    async fn execute(&self, parameters: &[&(dyn ToSql + Sync)]) -> anyhow::Result<()> {
        let _turn = self.turns.acquire().await?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let (client, statement) = taken.context("a turn without a connection")?;
        client.execute(&statement, parameters).await?;
        idle().push((client, statement));
        Ok(())
    }
}
