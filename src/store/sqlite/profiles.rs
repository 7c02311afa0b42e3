//! Deployment profiles: keeping, changing and deleting them, and assigning devices one by one.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    SqliteStore, assignments, audit,
    fault::Fault,
    imports::{count_in, page, page_sql},
    row, sync,
};
use crate::{
    domain::{
        actor::Actor,
        assignment::{Assignment, GroupId, Plan, Targeting},
        device::DeviceId,
        profile::{
            DeviceType, MAX_PROFILES, OutOfBox, Profile, ProfileChange, ProfileId, ProfileKind,
            ProfileProperties, StatusScreen, UsageType, UserType,
        },
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

/// The columns that `read` reads, in its order. `keep` writes them in the same.
const COLUMNS: &str = "tenant, id, kind, created_at, modified_at, display_name, description, \
     locale, device_name_template, device_type, usage_type, user_type, hide_escape_link, \
     hide_eula, hide_privacy_settings, skip_keyboard_page, extract_hardware_hash, \
     allow_preprovisioning, skip_connectivity_check, management_service_app_id, role_scope_tags, \
     screen_timeout_minutes, screen_hide_progress, screen_allow_early_use, screen_block_retry, \
     screen_allow_log_collection, screen_allow_use_on_failure, screen_error_message";

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
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileUpdate> {
        Box::pin(self.writer.run(WEIGHT_KIB, move |connection| {
            update(connection, tenant, id, change, &actor, now)
        }))
    }

    fn delete_profile(
        &self,
        tenant: TenantId,
        id: ProfileId,
        actor: Actor,
        now: Timestamp,
    ) -> Answer<'_, ProfileDeletion> {
        Box::pin(self.writer.run(1, move |connection| {
            delete(connection, tenant, id, &actor, now)
        }))
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
    keep(connection, tenant, profile)?;
    let at = profile.created_at;
    record(connection, tenant, profile.id, actor, "profile-created", at)?;
    Ok(true)
}

fn find(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
) -> Result<Option<Profile>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM profile WHERE tenant = ?1 AND id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.0.as_bytes(), id.0.as_bytes()])?;
    rows.next()?.map(read).transpose()
}

fn list(connection: &Connection, tenant: TenantId, slice: Slice) -> Result<Page<Profile>, Fault> {
    page(
        connection,
        &page_sql("profile", COLUMNS),
        tenant,
        slice,
        read,
    )
}

fn count(connection: &Connection, tenant: TenantId) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM profile WHERE tenant = ?1";
    count_in(connection, sql, tenant)
}

fn update(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
    change: ProfileChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<ProfileUpdate, Fault> {
    let Some(mut profile) = find(connection, tenant, id)? else {
        return Ok(ProfileUpdate::Absent);
    };
    if let Err(refusal) = profile.apply(change, now) {
        return Ok(ProfileUpdate::Refused(refusal));
    }
    keep(connection, tenant, &profile)?;
    record(connection, tenant, id, actor, "profile-changed", now)?;
    Ok(ProfileUpdate::Done(Box::new(profile)))
}

fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: ProfileId,
    actor: &Actor,
    now: Timestamp,
) -> Result<ProfileDeletion, Fault> {
    let keys = params![tenant.0.as_bytes(), id.0.as_bytes()];
    if find(connection, tenant, id)?.is_none() {
        return Ok(ProfileDeletion::Absent);
    }
    let is_assigned = connection
        .prepare_cached("SELECT 1 FROM profile_assignment WHERE tenant = ?1 AND profile = ?2")?
        .exists(keys)?;
    if is_assigned {
        return Ok(ProfileDeletion::Assigned);
    }
    let released = connection
        .prepare_cached(
            "UPDATE device SET direct_profile = NULL, targeted_at = ?3
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
                "UPDATE device SET direct_profile = ?3, targeted_at = ?4
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

/// Writes a profile, over the one that is there.
fn keep(connection: &Connection, tenant: TenantId, profile: &Profile) -> rusqlite::Result<()> {
    let properties = &profile.properties;
    let out_of_box = &properties.out_of_box;
    let screen = properties.status_screen.as_ref();
    let places: Vec<_> = (1..=COLUMNS.split(',').count())
        .map(|place| format!("?{place}"))
        .collect();
    let places = places.join(", ");
    let sql = format!("INSERT OR REPLACE INTO profile ({COLUMNS}) VALUES ({places})");
    connection
        .prepare_cached(&sql)?
        .execute(params![
            tenant.0.as_bytes(),
            profile.id.0.as_bytes(),
            number(KINDS, profile.kind),
            profile.created_at.as_microsecond(),
            profile.modified_at.as_microsecond(),
            properties.display_name,
            properties.description,
            properties.locale,
            properties.device_name_template,
            number(DEVICE_TYPES, properties.device_type),
            number(USAGE_TYPES, out_of_box.usage),
            number(USER_TYPES, out_of_box.user),
            out_of_box.hide_escape_link,
            out_of_box.hide_eula,
            out_of_box.hide_privacy_settings,
            out_of_box.skip_keyboard_page,
            properties.extract_hardware_hash,
            properties.allow_preprovisioning,
            properties.skip_connectivity_check,
            properties.management_service_app_id,
            properties.role_scope_tags.join("\n"),
            screen.map(|screen| screen.timeout_minutes),
            screen.map(|screen| screen.hide_progress),
            screen.map(|screen| screen.allow_early_use),
            screen.map(|screen| screen.block_retry),
            screen.map(|screen| screen.allow_log_collection),
            screen.map(|screen| screen.allow_use_on_failure),
            screen.and_then(|screen| screen.error_message.as_ref()),
        ])
        .map(drop)
}

fn read(row: &Row<'_>) -> Result<Profile, Fault> {
    let tags: String = row.get(20)?;
    Ok(Profile {
        tenant: TenantId(row::guid(row, 0)?),
        id: ProfileId(row::guid(row, 1)?),
        kind: member(KINDS, row, 2)?,
        created_at: row::timestamp(row.get(3)?)?,
        modified_at: row::timestamp(row.get(4)?)?,
        properties: ProfileProperties {
            display_name: row.get(5)?,
            description: row.get(6)?,
            locale: row.get(7)?,
            device_name_template: row.get(8)?,
            device_type: member(DEVICE_TYPES, row, 9)?,
            out_of_box: OutOfBox {
                usage: member(USAGE_TYPES, row, 10)?,
                user: member(USER_TYPES, row, 11)?,
                hide_escape_link: row.get(12)?,
                hide_eula: row.get(13)?,
                hide_privacy_settings: row.get(14)?,
                skip_keyboard_page: row.get(15)?,
            },
            extract_hardware_hash: row.get(16)?,
            allow_preprovisioning: row.get(17)?,
            skip_connectivity_check: row.get(18)?,
            management_service_app_id: row.get(19)?,
            role_scope_tags: tags.split('\n').map(str::to_owned).collect(),
            status_screen: read_screen(row)?,
        },
    })
}

fn read_screen(row: &Row<'_>) -> rusqlite::Result<Option<StatusScreen>> {
    let Some(timeout_minutes) = row.get(21)? else {
        return Ok(None);
    };
    Ok(Some(StatusScreen {
        timeout_minutes,
        hide_progress: row.get(22)?,
        allow_early_use: row.get(23)?,
        block_retry: row.get(24)?,
        allow_log_collection: row.get(25)?,
        allow_use_on_failure: row.get(26)?,
        error_message: row.get(27)?,
    }))
}

/// How an enumeration is kept.
type Numbers<T> = &'static [(i64, T)];

const KINDS: Numbers<ProfileKind> = &[(1, ProfileKind::AzureAd), (2, ProfileKind::ActiveDirectory)];
const DEVICE_TYPES: Numbers<DeviceType> = &[
    (0, DeviceType::WindowsPc),
    (1, DeviceType::HoloLens),
    (2, DeviceType::SurfaceHub2),
    (3, DeviceType::SurfaceHub2S),
    (4, DeviceType::VirtualMachine),
    (99, DeviceType::UnknownFutureValue),
];
const USAGE_TYPES: Numbers<UsageType> = &[
    (0, UsageType::SingleUser),
    (1, UsageType::Shared),
    (99, UsageType::UnknownFutureValue),
];
const USER_TYPES: Numbers<UserType> = &[
    (0, UserType::Administrator),
    (1, UserType::Standard),
    (99, UserType::UnknownFutureValue),
];

fn number<T: Copy + PartialEq>(numbers: Numbers<T>, member: T) -> Option<i64> {
    numbers
        .iter()
        .find_map(|(number, one)| (*one == member).then_some(*number))
}

fn member<T: Copy>(numbers: Numbers<T>, row: &Row<'_>, index: usize) -> Result<T, Fault> {
    let found: i64 = row.get(index)?;
    numbers
        .iter()
        .find_map(|(number, member)| (*number == found).then_some(*member))
        .ok_or_else(|| row::corrupt(&format!("a profile with {found} in column {index}")))
}
