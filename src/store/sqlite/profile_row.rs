//! Deployment profiles as rows: writing and reading them.

use rusqlite::{Connection, Row, params};

use super::{fault::Fault, row};
use crate::{
    domain::{
        profile::{OutOfBox, Profile, ProfileId, ProfileProperties, StatusScreen},
        tenant::TenantId,
    },
    store::profile_numbers::{self, DEVICE_TYPES, KINDS, Numbers, USAGE_TYPES, USER_TYPES, number},
};

/// The columns that `read` reads, in its order. `keep` writes them in the same.
pub(super) const COLUMNS: &str = "tenant, id, kind, created_at, modified_at, display_name, description, \
     locale, device_name_template, device_type, usage_type, user_type, hide_escape_link, \
     hide_eula, hide_privacy_settings, skip_keyboard_page, extract_hardware_hash, \
     allow_preprovisioning, skip_connectivity_check, management_service_app_id, role_scope_tags, \
     screen_timeout_minutes, screen_hide_progress, screen_allow_early_use, screen_block_retry, \
     screen_allow_log_collection, screen_allow_use_on_failure, screen_error_message";

/// Writes a profile, over the one that is there.
pub(super) fn keep(
    connection: &Connection,
    tenant: TenantId,
    profile: &Profile,
) -> rusqlite::Result<()> {
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

/// Reads a row of `COLUMNS`.
pub(super) fn read(row: &Row<'_>) -> Result<Profile, Fault> {
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

fn member<T: Copy>(numbers: Numbers<T>, row: &Row<'_>, index: usize) -> Result<T, Fault> {
    let found: i64 = row.get(index)?;
    profile_numbers::member(numbers, found)
        .ok_or_else(|| row::corrupt(&format!("a profile with {found} in column {index}")))
}
