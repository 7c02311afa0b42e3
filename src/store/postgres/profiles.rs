//! Deployment profiles: keeping, changing and deleting them, and assigning devices one by one.
//!
//! Whoever changes a tenant's profiles or their assignments has them alone until the transaction
//! ends: what may be depends on all of them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    PostgresStore,
    again::{in_transaction, reading},
    assignments, audit,
    fault::Fault,
    pool::{Session, Transaction},
    profile_row,
    row::{self, get},
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

/// Names the locks of tenants' profiles among all that a database has ("PR").
const LOCKS: i32 = 0x5052;

impl ProfileStore for PostgresStore {
    fn create_profile(&self, tenant: TenantId, profile: Profile, actor: Actor) -> Answer<'_, bool> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                create(&transaction, tenant, &profile, &actor).await)
        })
    }

    fn profile(&self, tenant: TenantId, id: ProfileId) -> Answer<'_, Option<Profile>> {
        Box::pin(async move { reading!(self.pool, session => find(&session, tenant, id).await) })
    }

    fn list_profiles(&self, tenant: TenantId, slice: Slice) -> Answer<'_, Page<Profile>> {
        Box::pin(async move { reading!(self.pool, session => list(&session, tenant, slice).await) })
    }

    fn count_profiles(&self, tenant: TenantId) -> Answer<'_, u64> {
        Box::pin(async move { reading!(self.pool, session => count(&session, tenant).await) })
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
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                update(&transaction, tenant, id, change.clone(), &write).await)
        })
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
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                delete(&transaction, tenant, id, &write).await)
        })
    }

    fn assign_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        devices: Vec<DeviceId>,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, DeviceAssignment> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                assign(&transaction, tenant, profile, &devices, &actor, now).await)
        })
    }

    fn list_assignments(
        &self,
        tenant: TenantId,
        profiles: Vec<ProfileId>,
    ) -> Answer<'_, Vec<Assignment>> {
        Box::pin(async move {
            reading!(self.pool, session =>
                assignments::list(&session, tenant, &profiles).await)
        })
    }

    fn change_assignment(
        &self,
        tenant: TenantId,
        change: AssignmentChange,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, AssignmentOutcome> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                assignments::change(&transaction, tenant, &change, &actor, now).await)
        })
    }

    fn targeting(&self, tenant: TenantId, groups: Vec<GroupId>) -> Answer<'_, Targeting> {
        Box::pin(async move {
            reading!(self.pool, session =>
                assignments::targeting(&session, tenant, &groups).await)
        })
    }

    fn find_assigned_devices(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        plan: Plan,
        after: Option<Uuid>,
        limit: usize,
    ) -> Answer<'_, Search> {
        Box::pin(async move {
            reading!(self.pool, session =>
                assignments::find_devices(&session, tenant, profile, &plan, after, limit).await)
        })
    }

    fn sync_state(&self, tenant: TenantId) -> Answer<'_, SyncState> {
        Box::pin(async move { reading!(self.pool, session => sync::state(&session, tenant).await) })
    }

    fn start_sync(
        &self,
        tenant: TenantId,
        rules: SyncRules,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, SyncStart> {
        Box::pin(async move {
            in_transaction!(self.pool, transaction =>
                sync::start(&transaction, tenant, &rules, &actor, now).await)
        })
    }
}

/// Who writes to a profile, when, and in which revision it must be.
struct Write {
    precondition: Precondition,
    actor: Actor,
    now: Timestamp,
}

/// Takes a tenant's profiles for the rest of the transaction.
pub(super) async fn lock(transaction: &Transaction, tenant: TenantId) -> Result<(), Fault> {
    let [one, two, three, four, ..] = *tenant.0.as_bytes();
    let number = i32::from_le_bytes([one, two, three, four]);
    let sql = "SELECT count(pg_advisory_xact_lock($1, $2))";
    transaction.query(sql, &[&LOCKS, &number]).await?;
    Ok(())
}

async fn create(
    transaction: &Transaction,
    tenant: TenantId,
    profile: &Profile,
    actor: &Actor,
) -> Result<bool, Fault> {
    lock(transaction, tenant).await?;
    let held = row::count(&transaction.query(COUNT, &[&tenant.0]).await?)?;
    if held >= MAX_PROFILES {
        return Ok(false);
    }
    profile_row::keep(transaction, tenant, profile).await?;
    let at = profile.created_at;
    record(
        transaction,
        tenant,
        profile.id,
        actor,
        "profile-created",
        at,
    )
    .await?;
    Ok(true)
}

const COUNT: &str = "SELECT count(*) FROM profile WHERE tenant = $1";

fn by_id() -> String {
    format!(
        "SELECT {} FROM profile WHERE tenant = $1 AND id = $2",
        profile_row::COLUMNS
    )
}

async fn find(
    session: &Session,
    tenant: TenantId,
    id: ProfileId,
) -> Result<Option<Profile>, Fault> {
    let rows = session.query(&by_id(), &[&tenant.0, &id.0]).await?;
    rows.first().map(profile_row::read).transpose()
}

async fn find_within(
    transaction: &Transaction,
    tenant: TenantId,
    id: ProfileId,
) -> Result<Option<Profile>, Fault> {
    let found = transaction.query_opt(&by_id(), &[&tenant.0, &id.0]).await?;
    found.as_ref().map(profile_row::read).transpose()
}

async fn list(session: &Session, tenant: TenantId, slice: Slice) -> Result<Page<Profile>, Fault> {
    let sql = format!(
        "SELECT {} FROM profile WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3 OFFSET $4",
        profile_row::COLUMNS
    );
    let (after, limit, skip) = bounds(slice);
    let rows = session
        .query(&sql, &[&tenant.0, &after, &limit, &skip])
        .await?;
    page(&rows, slice, profile_row::read)
}

async fn count(session: &Session, tenant: TenantId) -> Result<u64, Fault> {
    row::count(&session.query(COUNT, &[&tenant.0]).await?)
}

async fn update(
    transaction: &Transaction,
    tenant: TenantId,
    id: ProfileId,
    change: ProfileChange,
    write: &Write,
) -> Result<ProfileUpdate, Fault> {
    let (actor, now) = (&write.actor, write.now);
    lock(transaction, tenant).await?;
    let Some(mut profile) = find_within(transaction, tenant, id).await? else {
        return Ok(ProfileUpdate::Absent);
    };
    if !write.precondition.holds(profile.revision()) {
        return Ok(ProfileUpdate::ConditionNotMet);
    }
    if let Err(refusal) = profile.apply(change, now) {
        return Ok(ProfileUpdate::Refused(refusal));
    }
    profile_row::keep(transaction, tenant, &profile).await?;
    record(transaction, tenant, id, actor, "profile-changed", now).await?;
    Ok(ProfileUpdate::Done(Box::new(profile)))
}

async fn delete(
    transaction: &Transaction,
    tenant: TenantId,
    id: ProfileId,
    write: &Write,
) -> Result<ProfileDeletion, Fault> {
    let (actor, now) = (&write.actor, write.now);
    lock(transaction, tenant).await?;
    let Some(profile) = find_within(transaction, tenant, id).await? else {
        return Ok(ProfileDeletion::Absent);
    };
    if !write.precondition.holds(profile.revision()) {
        return Ok(ProfileDeletion::ConditionNotMet);
    }
    let sql = "SELECT 1 FROM profile_assignment WHERE tenant = $1 AND profile = $2 LIMIT 1";
    let assigned = transaction.query_opt(sql, &[&tenant.0, &id.0]).await?;
    if assigned.is_some() {
        return Ok(ProfileDeletion::Assigned);
    }
    let sql = "WITH chosen AS MATERIALIZED (SELECT id FROM device
            WHERE tenant = $1 AND direct_profile = $2 ORDER BY id LIMIT $4 FOR UPDATE)
        UPDATE device SET direct_profile = NULL, targeted_at = $3, version = version + 1
        WHERE tenant = $1 AND id IN (SELECT id FROM chosen)";
    let released = transaction
        .execute(sql, &[&tenant.0, &id.0, &now.as_microsecond(), &RELEASED])
        .await?;
    if released > 0 {
        record(transaction, tenant, id, actor, "profile-released", now).await?;
        return Ok(ProfileDeletion::Releasing);
    }
    let sql = "DELETE FROM profile WHERE tenant = $1 AND id = $2";
    transaction.execute(sql, &[&tenant.0, &id.0]).await?;
    record(transaction, tenant, id, actor, "profile-deleted", now).await?;
    Ok(ProfileDeletion::Deleted)
}

async fn assign(
    transaction: &Transaction,
    tenant: TenantId,
    profile: ProfileId,
    devices: &[DeviceId],
    actor: &Actor,
    now: Timestamp,
) -> Result<DeviceAssignment, Fault> {
    lock(transaction, tenant).await?;
    if find_within(transaction, tenant, profile).await?.is_none() {
        return Ok(DeviceAssignment::AbsentProfile);
    }
    let ids: Vec<Uuid> = devices.iter().map(|device| device.0).collect();
    let sql = "SELECT id, direct_profile FROM device WHERE tenant = $1 AND id = ANY($2)
        ORDER BY id FOR UPDATE";
    let mut current = std::collections::HashMap::new();
    for row in transaction.query(sql, &[&tenant.0, &ids]).await? {
        let before: Option<Uuid> = get(&row, "direct_profile")?;
        current.insert(DeviceId(get(&row, "id")?), before);
    }
    let mut changed = Vec::new();
    for &device in devices {
        match current.get(&device) {
            None => return Ok(DeviceAssignment::AbsentDevice(device)),
            // A device that has the profile keeps the instant since when it has.
            Some(Some(before)) if *before == profile.0 => {}
            Some(_) => changed.push(device),
        }
    }
    let ids: Vec<Uuid> = changed.iter().map(|device| device.0).collect();
    let sql = "UPDATE device SET direct_profile = $3, targeted_at = $4, version = version + 1
        WHERE tenant = $1 AND id = ANY($2)";
    transaction
        .execute(sql, &[&tenant.0, &ids, &profile.0, &now.as_microsecond()])
        .await?;
    let lines: Vec<_> = changed
        .iter()
        .map(|device| audit::Line {
            device: Some(*device),
            ..line(tenant, profile, actor, "profile-assigned", now)
        })
        .collect();
    audit::record(transaction, &lines).await?;
    Ok(DeviceAssignment::Done)
}

/// Adds an audit line about a profile.
pub(super) async fn record(
    transaction: &Transaction,
    tenant: TenantId,
    profile: ProfileId,
    actor: &Actor,
    action: &'static str,
    at: Timestamp,
) -> Result<(), Fault> {
    audit::record(transaction, &[line(tenant, profile, actor, action, at)]).await
}

/// The table has no column for profiles: the detail names them.
fn line<'a>(
    tenant: TenantId,
    profile: ProfileId,
    actor: &'a Actor,
    action: &'static str,
    at: Timestamp,
) -> audit::Line<'a> {
    audit::Line {
        at,
        tenant,
        actor,
        action,
        import: None,
        device: None,
        ledger_entry: None,
        detail: Some(format!("profile {profile}")),
    }
}
