//! Assignments of deployment profiles, and what follows from them for devices.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    fault::Fault,
    pool::{Session, Transaction},
    profiles,
    row::{self, bounded, get},
    sync,
};
use crate::{
    domain::{
        actor::Actor,
        assignment::{
            ALL_DEVICES, Assignment, Candidate, GroupId, MAX_ASSIGNMENTS, Plan, Target, Targeting,
        },
        profile::ProfileId,
        tenant::TenantId,
    },
    store::profiles::{AssignmentChange, AssignmentOutcome, Search},
};

/// How many devices one search looks at.
const SEARCHED: usize = 5_000;

/// The assignments of these profiles, in their order.
pub(super) async fn list(
    session: &Session,
    tenant: TenantId,
    of: &[ProfileId],
) -> Result<Vec<Assignment>, Fault> {
    let ids: Vec<Uuid> = of.iter().map(|profile| profile.0).collect();
    let sql = "SELECT assignment.profile, group_id, is_exclusion
        FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (profile, place)
        JOIN profile_assignment AS assignment
            ON assignment.tenant = $1 AND assignment.profile = wanted.profile
        ORDER BY place, group_id, is_exclusion";
    let rows = session.query(sql, &[&tenant.0, &ids]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Assignment, Fault> {
    let group = GroupId(get(row, "group_id")?);
    Ok(Assignment {
        profile: ProfileId(get(row, "profile")?),
        target: Target::from_parts(group, get(row, "is_exclusion")?),
    })
}

/// Takes one assignment of a profile away, or adds one, or both.
pub(super) async fn change(
    transaction: &Transaction,
    tenant: TenantId,
    change: &AssignmentChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<AssignmentOutcome, Fault> {
    profiles::lock(transaction, tenant).await?;
    let profile = change.profile;
    let Some(created_at) = created_at(transaction, tenant, profile).await? else {
        return Ok(AssignmentOutcome::Absent);
    };
    if let Some(old) = change.old
        && !holds(transaction, tenant, profile, old).await?
    {
        return Ok(AssignmentOutcome::Absent);
    }
    if change.old == change.new {
        return Ok(AssignmentOutcome::Done);
    }
    if let Some(new) = change.new
        && let Some(obstacle) = obstacle(transaction, tenant, change, new).await?
    {
        return Ok(obstacle);
    }
    let at = now.as_microsecond();
    if let Some(old) = change.old {
        let sql = "DELETE FROM profile_assignment WHERE tenant = $1 AND group_id = $2
            AND is_exclusion = $3 AND profile = $4";
        transaction
            .execute(
                sql,
                &[&tenant.0, &old.group().0, &old.is_exclusion(), &profile.0],
            )
            .await?;
    }
    if let Some(new) = change.new {
        let sql = "INSERT INTO profile_assignment (tenant, group_id, is_exclusion, profile,
            effective_at) VALUES ($1, $2, $3, $4, $5)";
        transaction
            .execute(
                sql,
                &[
                    &tenant.0,
                    &new.group().0,
                    &new.is_exclusion(),
                    &profile.0,
                    &at,
                ],
            )
            .await?;
    }
    let lets_go = change.old.is_some_and(|old| !old.is_exclusion())
        || change.new.is_some_and(Target::is_exclusion);
    if lets_go {
        // Devices that a profile lets go of fall to younger ones, which have them since now at most.
        let sql = "UPDATE profile_assignment SET effective_at = $4
            WHERE tenant = $1 AND NOT is_exclusion AND profile IN
                (SELECT id FROM profile WHERE tenant = $1 AND (created_at, id) > ($2, $3))";
        transaction
            .execute(sql, &[&tenant.0, &created_at, &profile.0, &at])
            .await?;
    }
    if change.old.is_some_and(Target::is_exclusion) {
        // Devices that a profile excludes no longer come back to it.
        let sql = "UPDATE profile_assignment SET effective_at = $3
            WHERE tenant = $1 AND profile = $2 AND NOT is_exclusion";
        transaction
            .execute(sql, &[&tenant.0, &profile.0, &at])
            .await?;
    }
    let action = match (change.old, change.new) {
        (_, None) => "profile-unassigned-group",
        (None, Some(_)) => "profile-assigned-group",
        (Some(_), Some(_)) => "profile-reassigned-group",
    };
    profiles::record(transaction, tenant, profile, actor, action, now).await?;
    Ok(AssignmentOutcome::Done)
}

/// What stands in the way of a new assignment.
async fn obstacle(
    transaction: &Transaction,
    tenant: TenantId,
    change: &AssignmentChange,
    new: Target,
) -> Result<Option<AssignmentOutcome>, Fault> {
    if new == Target::AllDevices {
        let sql = "SELECT profile FROM profile_assignment
            WHERE tenant = $1 AND group_id = $2 AND NOT is_exclusion LIMIT 1";
        let holder = transaction
            .query_opt(sql, &[&tenant.0, &ALL_DEVICES.0])
            .await?;
        if let Some(holder) = holder {
            let holder = ProfileId(get(&holder, "profile")?);
            return Ok(Some(AssignmentOutcome::AllDevicesTaken(holder)));
        }
    } else if holds(transaction, tenant, change.profile, new).await? {
        return Ok(Some(AssignmentOutcome::Taken));
    }
    let sql = "SELECT count(*) FROM profile_assignment WHERE tenant = $1 AND profile = $2";
    let held = transaction
        .query(sql, &[&tenant.0, &change.profile.0])
        .await?;
    let is_full = change.old.is_none() && row::count(&held)? >= MAX_ASSIGNMENTS;
    Ok(is_full.then_some(AssignmentOutcome::Full))
}

async fn holds(
    transaction: &Transaction,
    tenant: TenantId,
    profile: ProfileId,
    target: Target,
) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM profile_assignment WHERE tenant = $1 AND group_id = $2
        AND is_exclusion = $3 AND profile = $4";
    let found = transaction
        .query_opt(
            sql,
            &[
                &tenant.0,
                &target.group().0,
                &target.is_exclusion(),
                &profile.0,
            ],
        )
        .await?;
    Ok(found.is_some())
}

async fn created_at(
    transaction: &Transaction,
    tenant: TenantId,
    profile: ProfileId,
) -> Result<Option<i64>, Fault> {
    let sql = "SELECT created_at FROM profile WHERE tenant = $1 AND id = $2";
    let found = transaction.query_opt(sql, &[&tenant.0, &profile.0]).await?;
    found.map(|row| get(&row, "created_at")).transpose()
}

/// What decides which profile a tenant's devices have.
pub(super) async fn targeting(
    session: &Session,
    tenant: TenantId,
    groups: &[GroupId],
) -> Result<Targeting, Fault> {
    let ids: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
    let sql = "SELECT assignment.profile, group_id, is_exclusion, effective_at, created_at
        FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (id, place)
        JOIN profile_assignment AS assignment
            ON assignment.tenant = $1 AND assignment.group_id = wanted.id
        JOIN profile ON profile.tenant = assignment.tenant AND profile.id = assignment.profile
        ORDER BY place, is_exclusion, assignment.profile";
    let rows = session.query(sql, &[&tenant.0, &ids]).await?;
    let candidate = |row: &Row| {
        Ok(Candidate {
            assignment: read(row)?,
            effective_at: row::timestamp(get(row, "effective_at")?)?,
            profile_created_at: row::timestamp(get(row, "created_at")?)?,
        })
    };
    Ok(Targeting {
        candidates: rows.iter().map(candidate).collect::<Result<_, Fault>>()?,
        sync: sync::state(session, tenant).await?,
    })
}

/// Looks through devices for those that a plan gives a profile.
pub(super) async fn find_devices(
    session: &Session,
    tenant: TenantId,
    profile: ProfileId,
    plan: &Plan,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Search, Fault> {
    let sql = format!(
        "SELECT {} FROM device WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
        row::DEVICE_COLUMNS
    );
    let mut last = after.unwrap_or_default();
    let mut search = Search {
        rows: Vec::new(),
        next: None,
    };
    let rows = session
        .query(&sql, &[&tenant.0, &last, &bounded(SEARCHED + 1)])
        .await?;
    for (seen, row) in rows.iter().enumerate() {
        let device = row::device(row)?;
        let is_found = plan
            .of(&device)
            .is_some_and(|assigned| assigned.profile == profile);
        if seen == SEARCHED || (is_found && search.rows.len() == limit) {
            search.next = Some(last);
            return Ok(search);
        }
        last = device.id.0;
        if is_found {
            search.rows.push(device);
        }
    }
    Ok(search)
}
