//! Assignments of deployment profiles, and what follows from them for devices.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{fault::Fault, profiles, row, sync};
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

/// The assignments of these profiles.
pub(super) fn list(
    connection: &Connection,
    tenant: TenantId,
    of: &[ProfileId],
) -> Result<Vec<Assignment>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT group_id, is_exclusion FROM profile_assignment
         WHERE tenant = ?1 AND profile = ?2 ORDER BY group_id, is_exclusion",
    )?;
    let mut found = Vec::new();
    for &profile in of {
        let mut rows = statement.query(params![tenant.0.as_bytes(), profile.0.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let group = GroupId(row::guid(row, 0)?);
            let target = Target::from_parts(group, row.get(1)?);
            found.push(Assignment { profile, target });
        }
    }
    Ok(found)
}

/// Takes one assignment of a profile away, or adds one, or both.
pub(super) fn change(
    connection: &Connection,
    tenant: TenantId,
    change: &AssignmentChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<AssignmentOutcome, Fault> {
    let profile = change.profile;
    let Some(created_at) = created_at(connection, tenant, profile)? else {
        return Ok(AssignmentOutcome::Absent);
    };
    if let Some(old) = change.old
        && !holds(connection, tenant, profile, old)?
    {
        return Ok(AssignmentOutcome::Absent);
    }
    if change.old == change.new {
        return Ok(AssignmentOutcome::Done);
    }
    if let Some(new) = change.new
        && let Some(obstacle) = obstacle(connection, tenant, change, new)?
    {
        return Ok(obstacle);
    }
    let keys = |target: Target| (target.group().0.into_bytes(), target.is_exclusion());
    if let Some((group, is_exclusion)) = change.old.map(keys) {
        connection
            .prepare_cached(
                "DELETE FROM profile_assignment WHERE tenant = ?1 AND group_id = ?2
                    AND is_exclusion = ?3 AND profile = ?4",
            )?
            .execute(params![
                tenant.0.as_bytes(),
                group,
                is_exclusion,
                profile.0.as_bytes()
            ])?;
    }
    if let Some((group, is_exclusion)) = change.new.map(keys) {
        connection
            .prepare_cached(
                "INSERT INTO profile_assignment (tenant, group_id, is_exclusion, profile,
                    effective_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                tenant.0.as_bytes(),
                group,
                is_exclusion,
                profile.0.as_bytes(),
                now.as_microsecond(),
            ])?;
    }
    let lets_go = change.old.is_some_and(|old| !old.is_exclusion())
        || change.new.is_some_and(Target::is_exclusion);
    if lets_go {
        renew_younger(connection, tenant, (created_at, profile), now)?;
    }
    if change.old.is_some_and(Target::is_exclusion) {
        renew(connection, tenant, profile, now)?;
    }
    let action = match (change.old, change.new) {
        (_, None) => "profile-unassigned-group",
        (None, Some(_)) => "profile-assigned-group",
        (Some(_), Some(_)) => "profile-reassigned-group",
    };
    profiles::record(connection, tenant, profile, actor, action, now)?;
    Ok(AssignmentOutcome::Done)
}

/// What stands in the way of a new assignment.
fn obstacle(
    connection: &Connection,
    tenant: TenantId,
    change: &AssignmentChange,
    new: Target,
) -> Result<Option<AssignmentOutcome>, Fault> {
    if new == Target::AllDevices {
        let holder = connection
            .prepare_cached(
                "SELECT profile FROM profile_assignment
                 WHERE tenant = ?1 AND group_id = ?2 AND is_exclusion = 0",
            )?
            .query_row(
                params![tenant.0.as_bytes(), ALL_DEVICES.0.as_bytes()],
                |row| row::guid(row, 0),
            )
            .optional()?;
        if let Some(holder) = holder {
            return Ok(Some(AssignmentOutcome::AllDevicesTaken(ProfileId(holder))));
        }
    } else if holds(connection, tenant, change.profile, new)? {
        return Ok(Some(AssignmentOutcome::Taken));
    }
    let held: u64 = connection
        .prepare_cached(
            "SELECT count(*) FROM profile_assignment WHERE tenant = ?1 AND profile = ?2",
        )?
        .query_row(
            params![tenant.0.as_bytes(), change.profile.0.as_bytes()],
            |row| row.get(0),
        )?;
    let is_full = change.old.is_none() && held >= MAX_ASSIGNMENTS;
    Ok(is_full.then_some(AssignmentOutcome::Full))
}

fn holds(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
    target: Target,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM profile_assignment WHERE tenant = ?1 AND group_id = ?2
                AND is_exclusion = ?3 AND profile = ?4",
        )?
        .exists(params![
            tenant.0.as_bytes(),
            target.group().0.as_bytes(),
            target.is_exclusion(),
            profile.0.as_bytes()
        ])
}

fn created_at(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT created_at FROM profile WHERE tenant = ?1 AND id = ?2")?
        .query_row(params![tenant.0.as_bytes(), profile.0.as_bytes()], |row| {
            row.get(0)
        })
        .optional()
}

/// Devices that a profile lets go of fall to younger ones, which have them since now at most.
fn renew_younger(
    connection: &Connection,
    tenant: TenantId,
    (created_at, profile): (i64, ProfileId),
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE profile_assignment SET effective_at = ?4
             WHERE tenant = ?1 AND is_exclusion = 0 AND profile IN
                (SELECT id FROM profile WHERE tenant = ?1 AND (created_at, id) > (?2, ?3))",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            created_at,
            profile.0.as_bytes(),
            now.as_microsecond()
        ])
        .map(drop)
}

/// Devices that a profile excludes no longer come back to it.
fn renew(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE profile_assignment SET effective_at = ?3
             WHERE tenant = ?1 AND profile = ?2 AND is_exclusion = 0",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            profile.0.as_bytes(),
            now.as_microsecond()
        ])
        .map(drop)
}

/// What decides which profile a tenant's devices have.
pub(super) fn targeting(
    connection: &Connection,
    tenant: TenantId,
    groups: &[GroupId],
) -> Result<Targeting, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT assignment.profile, is_exclusion, effective_at, created_at
         FROM profile_assignment AS assignment
         JOIN profile ON profile.tenant = assignment.tenant AND profile.id = assignment.profile
         WHERE assignment.tenant = ?1 AND group_id = ?2",
    )?;
    let mut candidates = Vec::new();
    for &group in groups {
        let mut rows = statement.query(params![tenant.0.as_bytes(), group.0.as_bytes()])?;
        while let Some(row) = rows.next()? {
            candidates.push(Candidate {
                assignment: Assignment {
                    profile: ProfileId(row::guid(row, 0)?),
                    target: Target::from_parts(group, row.get(1)?),
                },
                effective_at: row::timestamp(row.get(2)?)?,
                profile_created_at: row::timestamp(row.get(3)?)?,
            });
        }
    }
    Ok(Targeting {
        candidates,
        sync: sync::state(connection, tenant)?,
    })
}

/// Looks through devices for those that a plan gives a profile.
pub(super) fn find_devices(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
    plan: &Plan,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Search, Fault> {
    let sql = format!(
        "SELECT {} FROM device WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        row::DEVICE_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut last = after.unwrap_or_default();
    let mut search = Search {
        rows: Vec::new(),
        next: None,
    };
    let mut rows = statement.query(params![tenant.0.as_bytes(), last.as_bytes(), SEARCHED + 1])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let device = row::device(row)?;
        let is_found = plan
            .of(&device)
            .is_some_and(|assigned| assigned.profile == profile);
        if seen == SEARCHED || (is_found && search.rows.len() == limit) {
            search.next = Some(last);
            return Ok(search);
        }
        seen += 1;
        last = device.id.0;
        if is_found {
            search.rows.push(device);
        }
    }
    Ok(search)
}
