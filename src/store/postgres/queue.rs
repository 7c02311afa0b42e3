//! The imports as the registrars' queue, whichever process they are in: claiming what waits under a
//! lease, and giving it back. Settling is in `settling`.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    fault::Fault,
    pool::{Session, Transaction},
    row::{self, bounded, get},
    settling,
};
use crate::{
    domain::{directory_error::DirectoryError, import::ImportId, tenant::TenantId},
    store::{
        StoreError,
        operation::{Claim, ClaimKey, Failure, Settled},
    },
};

/// How long a claim stands, by the database's clock. Settling a batch takes a fraction of a second.
const LEASE: Duration = Duration::from_secs(30);

/// Among how many of the oldest imports that wait lapsed claims are looked for. Claimed are always
/// the oldest, so that those that lapsed come first among them at the latest when the others are
/// settled.
const LOOKED_THROUGH: i64 = 1024;

/// How long after a look that found none lapsed claims are looked for again.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Makes a statement's transaction one that is not waited for on its way to the disk: a claim that
/// is lost is as good as none.
const UNHURRIED: &str =
    "unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))";

/// The same of a transaction, in which the oldest imports are read off their index. A planner that
/// knows nothing of the table yet, or knew it when hardly any waited, would rather read all that wait
/// and sort them, each time.
const OFF_THE_INDEX: &str = "SET LOCAL synchronous_commit = off;
    SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_seqscan = off; SET LOCAL jit = off";

/// When lapsed claims are looked for: what a process lets lapse it looks for at once, what others
/// left behind after a while. To look through all that is claimed takes longer than to claim.
pub(super) struct Lapses {
    next: Mutex<Instant>,
}

impl Lapses {
    pub(super) fn new() -> Self {
        Self {
            next: Mutex::new(Instant::now()),
        }
    }

    /// Notes that a claim lapses after this while.
    pub(super) fn expect_after(&self, while_: Duration) {
        let at = Instant::now() + while_;
        let mut next = self.lock();
        *next = at.min(*next);
    }

    fn are_due(&self) -> bool {
        *self.lock() <= Instant::now()
    }

    fn looked_for(&self, found: bool) {
        // Where one has lapsed, so may have others.
        if !found {
            *self.lock() = Instant::now() + LOOK_AFTER;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Claims what waits: one whose claim has lapsed, alone, or else the oldest.
pub(super) async fn claim(
    transaction: &Transaction,
    lapses: &Lapses,
    accepted_until: Timestamp,
    limit: usize,
) -> Result<Vec<Claim>, Fault> {
    let token = Uuid::new_v4();
    transaction.batch(OFF_THE_INDEX).await?;
    if lapses.are_due() {
        let found = claim_lapsed(transaction, token, limit).await?;
        lapses.looked_for(found.is_some());
        if let Some(claim) = found {
            return Ok(vec![claim]);
        }
    }
    claim_oldest(transaction, token, accepted_until, limit).await
}

async fn claim_lapsed(
    transaction: &Transaction,
    token: Uuid,
    limit: usize,
) -> Result<Option<Claim>, Fault> {
    // Some more than are taken: others may hold the first.
    let lapsed = format!(
        "WITH lapsed AS MATERIALIZED (
            SELECT tenant, id FROM (
                SELECT tenant, id, accepted_at, seq, leased_until FROM import
                WHERE state = 0 ORDER BY accepted_at, seq LIMIT $3) AS oldest
            WHERE leased_until <= now() ORDER BY leased_until, accepted_at, seq LIMIT 16
        ), one AS MATERIALIZED (
            SELECT import.tenant, import.id FROM import JOIN lapsed USING (tenant, id)
            WHERE state = 0 AND leased_until <= now()
            ORDER BY leased_until, accepted_at, seq LIMIT 1 FOR UPDATE OF import SKIP LOCKED
        )
        UPDATE import SET claim_token = $1, leased_until = now() + make_interval(secs => $2)
        FROM one WHERE import.tenant = one.tenant AND import.id = one.id
        RETURNING {}, seq",
        columns()
    );
    let lease = LEASE.as_secs_f64();
    let looked_through = LOOKED_THROUGH.max(bounded(limit).saturating_mul(4));
    let rows = transaction
        .query(&lapsed, &[&token, &lease, &looked_through])
        .await?;
    rows.first()
        .map(|row| read_claim(row, token, true))
        .transpose()
}

async fn claim_oldest(
    transaction: &Transaction,
    token: Uuid,
    accepted_until: Timestamp,
    limit: usize,
) -> Result<Vec<Claim>, Fault> {
    let lease = LEASE.as_secs_f64();
    let waiting = format!(
        "WITH due AS MATERIALIZED (
            SELECT tenant, id FROM import
            WHERE state = 0 AND claim_token IS NULL AND accepted_at <= $3
            ORDER BY accepted_at, seq LIMIT $4 FOR UPDATE SKIP LOCKED
        )
        UPDATE import SET claim_token = $1, leased_until = now() + make_interval(secs => $2)
        FROM due WHERE import.tenant = due.tenant AND import.id = due.id
        RETURNING {}, seq",
        columns()
    );
    let until = accepted_until.as_microsecond();
    let mut rows = transaction
        .query(&waiting, &[&token, &lease, &until, &bounded(limit)])
        .await?;
    let place = |row: &Row| -> Option<(i64, i64)> {
        Some((row.try_get("accepted_at").ok()?, row.try_get("seq").ok()?))
    };
    rows.sort_by_key(place);
    rows.iter()
        .map(|row| read_claim(row, token, false))
        .collect()
}

/// The columns of an import, told from those of what it is joined with.
fn columns() -> String {
    let columns = row::IMPORT_COLUMNS.split(", ");
    let named: Vec<_> = columns.map(|column| format!("import.{column}")).collect();
    named.join(", ")
}

/// Reads a claim, also of an import whose content makes no sense: it has to be settled too.
fn read_claim(row: &Row, token: Uuid, alone: bool) -> Result<Claim, Fault> {
    Ok(Claim {
        key: ClaimKey {
            tenant: TenantId(get(row, "tenant")?),
            id: ImportId(get(row, "id")?),
            token,
            version: get(row, "version")?,
        },
        alone,
        import: row::import(row).map_err(|fault| StoreError::from(fault).to_string()),
    })
}

/// Lets claims lapse now.
pub(super) async fn relinquish(session: &Session, claims: &[ClaimKey]) -> Result<(), Fault> {
    let (tenants, ids, tokens) = split(claims);
    let sql = format!(
        "WITH {UNHURRIED}
        UPDATE import SET leased_until = now()
        FROM unhurried, unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS held (tenant, id, token)
        WHERE import.tenant = held.tenant AND import.id = held.id
            AND import.claim_token = held.token AND state = 0
        RETURNING import.id"
    );
    session.write(&sql, &[&tenants, &ids, &tokens]).await?;
    Ok(())
}

/// Ends claims for good, on imports that wait on.
pub(super) async fn end(transaction: &Transaction, claims: &[ClaimKey]) -> Result<(), Fault> {
    if claims.is_empty() {
        return Ok(());
    }
    let (tenants, ids, tokens) = split(claims);
    let sql = "UPDATE import SET claim_token = NULL, leased_until = NULL
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS held (tenant, id, token)
        WHERE import.tenant = held.tenant AND import.id = held.id
            AND import.claim_token = held.token AND state = 0";
    transaction.execute(sql, &[&tenants, &ids, &tokens]).await?;
    Ok(())
}

fn split(claims: &[ClaimKey]) -> (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>) {
    let all = |of: fn(&ClaimKey) -> Uuid| claims.iter().map(of).collect();
    (
        all(|key| key.tenant.0),
        all(|key| key.id.0),
        all(|key| key.token),
    )
}

/// Counts a failure of an import that was claimed alone.
pub(super) async fn fail(
    transaction: &Transaction,
    key: &ClaimKey,
    failure: &Failure,
    now: Timestamp,
) -> Result<Settled, Fault> {
    let sql = "UPDATE import SET attempts = attempts + 1,
            leased_until = now() + make_interval(secs => $5)
        WHERE tenant = $1 AND id = $2 AND claim_token = $3 AND version = $4 AND state = 0
        RETURNING attempts";
    let back_off = failure.back_off.as_secs_f64();
    let counted = transaction
        .query_opt(
            sql,
            &[
                &key.tenant.0,
                &key.id.0,
                &key.token,
                &key.version,
                &back_off,
            ],
        )
        .await?;
    let Some(counted) = counted else {
        end(transaction, &[*key]).await?;
        return Ok(Settled::Superseded);
    };
    let attempts: i64 = get(&counted, "attempts")?;
    if attempts < i64::from(failure.attempts_allowed) {
        return Ok(Settled::Retried);
    }
    let error = DirectoryError::StorageError;
    let detail = format!(
        "{} after {attempts} attempts: {}",
        error.name(),
        failure.reason
    );
    settling::refuse_failed(transaction, key, error, detail, now).await?;
    Ok(Settled::Refused(error))
}

/// When the oldest import that nobody has claimed was accepted.
pub(super) async fn oldest_waiting(transaction: &Transaction) -> Result<Option<Timestamp>, Fault> {
    transaction.batch(OFF_THE_INDEX).await?;
    let sql = "SELECT accepted_at FROM import WHERE state = 0 AND claim_token IS NULL
        ORDER BY accepted_at, seq LIMIT 1";
    let oldest = transaction.query_opt(sql, &[]).await?;
    oldest
        .map(|row| row::timestamp(get(&row, "accepted_at")?))
        .transpose()
}

/// How many imports wait, over all tenants.
pub(super) async fn count_waiting(session: &Session) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM import WHERE state = 0";
    row::count(&session.query(sql, &[]).await?)
}
