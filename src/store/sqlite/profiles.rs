//! Deployment profiles: keeping, changing and deleting them, and assigning devices one by one.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    SqliteStore, assignments, audit,
    fault::Fault,
    profile_row, row,
    slices::{bounds, page},
    sync,
};
use crate::{
    domain::{
        actor::Actor,
        assignment::{Assignment, GroupId, Plan, Targeting},
        device::DeviceId,
        profile::{MAX_PROFILES, Profile, ProfileId},
        profile_change::ProfileChange,
        revision::Precondition,
        settings::{SyncRules, SyncStart, SyncState},
        tenant::TenantId,
    },
    store::{
        Answer,
        operation::{Page, Slice},
        profiles::{
            AssignmentChange, AssignmentOutcome, DeviceAssignment, ProfileDeletion, ProfileStore,
            ProfileUpdate, Search,
        },
    },
};

/// How many devices a step of a deletion releases.
const RELEASED: i64 = 256;

impl ProfileStore for SqliteStore {
    fn create_profile(&self, tenant: TenantId, profile: Profile, actor: Actor) -> Answer<'_, bool> {
        Box::pin(self.writer.run(WEIGHT_KIB, move |connection| {
            create(connection, tenant, &profile, &actor)
        }))
    }

    fn profile(&self, tenant: TenantId, id: ProfileId) -> Answer<'_, Option<Profile>> {
        Box::pin(
            self.readers
                .run(move |connection| find(connection, tenant, id)),
        )
    }

    fn list_profiles(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Profile>> {
        Box::pin(
            self.readers
                .run(move |connection| list(connection, tenant, slice)),
        )
    }

    fn count_profiles(&self, tenant: TenantId) -> Answer<'_, u64> {
        Box::pin(
            self.readers
                .run(move |connection| count(connection, tenant)),
        )
    }

    fn update_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        change: ProfileChange,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileUpdate> {
        let write = Write {
            precondition,
            actor,
            now,
        };
        Box::pin(self.writer.run(WEIGHT_KIB, move |connection| {
            update(connection, tenant, id, change, &write)
        }))
    }

    fn delete_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        precondition: Precondition,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileDeletion> {
        let write = Write {
            precondition,
            actor,
            now,
        };
        Box::pin(
            self.writer
                .run(1, move |connection| delete(connection, tenant, id, &write)),
        )
    }

    fn assign_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        devices: Vec<DeviceId>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceAssignment> {
        Box::pin(self.writer.run(WEIGHT_KIB, move |connection| {
            assign(connection, tenant, profile, &devices, &actor, now)
        }))
    }

    fn list_assignments(
        &self,
        tenant: TenantId,
        profiles: Vec<ProfileId>,
    ) -> Answer<'_, Vec<Assignment>> {
        Box::pin(
            self.readers
                .run(move |connection| assignments::list(connection, tenant, &profiles)),
        )
    }

    fn change_assignment(
        &self,
        tenant: TenantId,
        change: AssignmentChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, AssignmentOutcome> {
        Box::pin(self.writer.run(1, move |connection| {
            assignments::change(connection, tenant, &change, &actor, now)
        }))
    }

    fn targeting(&self, tenant: TenantId, groups: Vec<GroupId>) -> Answer<'_, Targeting> {
        Box::pin(
            self.readers
                .run(move |connection| assignments::targeting(connection, tenant, &groups)),
        )
    }

    fn find_assigned_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        plan: Plan,
        after: Option<uuid::Uuid>,
        limit: usize,
    ) -> Answer<'_, Search> {
        Box::pin(self.readers.run(move |connection| {
            assignments::find_devices(connection, tenant, profile, &plan, after, limit)
        }))
    }

    fn sync_state(&self, tenant: TenantId) -> Answer<'_, SyncState> {
        Box::pin(
            self.readers
                .run(move |connection| sync::state(connection, tenant)),
        )
    }

    fn start_sync(
        &self,
        tenant: TenantId,
        rules: SyncRules,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, SyncStart> {
        Box::pin(self.writer.run(1, move |connection| {
            sync::start(connection, tenant, &rules, &actor, now)
        }))
    }
}

/// Who writes to a profile, when, and in which revision it must be.
struct Write {
    precondition: Precondition,
    actor: Actor,
    now: Timestamp,
}

/// About how much memory a profile, or a call that assigns devices, holds.
const WEIGHT_KIB: u32 = 64;

fn create(
    connection: &Connection,
    tenant: TenantId,
    profile: &Profile,
    actor: &Actor,
) -> Result<bool, Fault> {
    if count(connection, tenant)? >= MAX_PROFILES {
        return Ok(false);
    }
    profile_row::keep(connection, tenant, profile)?;
    let at = profile.created_at;
    record(connection, tenant, profile.id, actor, "profile-created", at)?;
    Ok(true)
}

fn find(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
) -> Result<Option<Profile>, Fault> {
    let sql = format!(
        "SELECT {} FROM profile WHERE tenant = ?1 AND id = ?2",
        profile_row::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?.map(profile_row::read).transpose()
}

fn list(connection: &Connection, tenant: TenantId, slice: Slice) -> Result<Page<Profile>, Fault> {
    let sql = format!(
        "SELECT {} FROM profile WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3 OFFSET ?4",
        profile_row::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let (after, limit, skip) = bounds(slice);
    let rows = statement.query(params![tenant.0.as_bytes(), after, limit, skip])?;
    page(rows, slice, profile_row::read)
}

fn count(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM profile WHERE tenant = ?1")?
        .query_row(params![tenant.0.as_bytes()], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn update(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
    change: ProfileChange,
    write: &Write,
) -> Result<ProfileUpdate, Fault> {
    let Write { actor, now, .. } = write;
    let now = *now;
    let Some(mut profile) = find(connection, tenant, id)? else {
        return Ok(ProfileUpdate::Absent);
    };
    if !write.precondition.holds(profile.revision()) {
        return Ok(ProfileUpdate::ConditionNotMet);
    }
    if let Err(refusal) = profile.apply(change, now) {
        return Ok(ProfileUpdate::Refused(refusal));
    }
    profile_row::keep(connection, tenant, &profile)?;
    record(connection, tenant, id, actor, "profile-changed", now)?;
    Ok(ProfileUpdate::Done(Box::new(profile)))
}

fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
    write: &Write,
) -> Result<ProfileDeletion, Fault> {
    let Write { actor, now, .. } = write;
    let now = *now;
    let keys = params![tenant.0.as_bytes(), id.0.as_bytes()];
    let Some(profile) = find(connection, tenant, id)? else {
        return Ok(ProfileDeletion::Absent);
    };
    if !write.precondition.holds(profile.revision()) {
        return Ok(ProfileDeletion::ConditionNotMet);
    }
    let is_assigned = connection
        .prepare_cached("SELECT 1 FROM profile_assignment WHERE tenant = ?1 AND profile = ?2")?
        .exists(keys)?;
    if is_assigned {
        return Ok(ProfileDeletion::Assigned);
    }
    let released = connection
        .prepare_cached(
            "UPDATE device SET direct_profile = NULL, targeted_at = ?3, version = version + 1
             WHERE tenant = ?1 AND id IN (SELECT id FROM device
                WHERE tenant = ?1 AND direct_profile = ?2 LIMIT ?4)",
        )?
        .execute(params![
            tenant.0.as_bytes(),
            id.0.as_bytes(),
            now.as_microsecond(),
            RELEASED
        ])?;
    if released > 0 {
        record(connection, tenant, id, actor, "profile-released", now)?;
        return Ok(ProfileDeletion::Releasing);
    }
    connection
        .prepare_cached("DELETE FROM profile WHERE tenant = ?1 AND id = ?2")?
        .execute(keys)?;
    record(connection, tenant, id, actor, "profile-deleted", now)?;
    Ok(ProfileDeletion::Deleted)
}

fn assign(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
    devices: &[DeviceId],
    actor: &Actor,
    now: Timestamp,
) -> Result<DeviceAssignment, Fault> {
    if find(connection, tenant, profile)?.is_none() {
        return Ok(DeviceAssignment::AbsentProfile);
    }
    let mut current = connection
        .prepare_cached("SELECT direct_profile FROM device WHERE tenant = ?1 AND id = ?2")?;
    let mut changed = Vec::new();
    for &device in devices {
        let found = current
            .query_row(params![tenant.0.as_bytes(), device.0.as_bytes()], |row| {
                row::optional_guid(row, 0)
            })
            .optional()?;
        match found {
            None => return Ok(DeviceAssignment::AbsentDevice(device)),
            // A device that has the profile keeps the instant since when it has.
            Some(Some(before)) if before == profile.0 => {}
            Some(_) => changed.push(device),
        }
    }
    for device in changed {
        connection
            .prepare_cached(
                "UPDATE device SET direct_profile = ?3, targeted_at = ?4, version = version + 1
                 WHERE tenant = ?1 AND id = ?2",
            )?
            .execute(params![
                tenant.0.as_bytes(),
                device.0.as_bytes(),
                profile.0.as_bytes(),
                now.as_microsecond(),
            ])?;
        audit::record(
            connection,
            &audit::Line {
                device: Some(device),
                ..line(tenant, actor, "profile-assigned", now, &told(profile))
            },
        )?;
    }
    Ok(DeviceAssignment::Done)
}

/// Adds an audit line about a profile.
pub(super) fn record(
    connection: &Connection,
    tenant: TenantId,
    profile: ProfileId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    audit::record(connection, &line(tenant, actor, action, at, &told(profile)))
}

/// The table has no column for profiles: the detail names them.
fn told(profile: ProfileId) -> String {
    format!("profile {profile}")
}

fn line<'a>(
    tenant: TenantId,
    actor: &'a Actor,
    action: &'static str,
    at: Timestamp,
    detail: &'a str,
) -> audit::Line<'a> {
    audit::Line {
        at,
        tenant,
        actor,
        action,
        import: None,
        device: None,
        ledger_entry: None,
        detail: Some(detail),
    }
}
