//! Deployment profiles as rows: writing and reading them.

use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    fault::{Fault, corrupt},
    pool::Transaction,
    row::{self, get},
};
use crate::{
    domain::{
        profile::{OutOfBox, Profile, ProfileId, ProfileProperties, StatusScreen},
        tenant::TenantId,
    },
    store::profile_numbers::{self, DEVICE_TYPES, KINDS, Numbers, USAGE_TYPES, USER_TYPES, number},
};

/// The columns that `read` reads. `keep` writes them in this order.
pub(super) const COLUMNS: &str = "tenant, id, kind, created_at, modified_at, display_name, description, \
     locale, device_name_template, device_type, usage_type, user_type, hide_escape_link, \
     hide_eula, hide_privacy_settings, skip_keyboard_page, extract_hardware_hash, \
     allow_preprovisioning, skip_connectivity_check, management_service_app_id, role_scope_tags, \
     screen_timeout_minutes, screen_hide_progress, screen_allow_early_use, screen_block_retry, \
     screen_allow_log_collection, screen_allow_use_on_failure, screen_error_message";

/// Writes a profile, over the one that is there.
pub(super) async fn keep(
    transaction: &Transaction,
    tenant: TenantId,
    profile: &Profile,
) -> Result<(), Fault> {
    let properties = &profile.properties;
    let out_of_box = &properties.out_of_box;
    let screen = properties.status_screen.as_ref();
    let tags = properties.role_scope_tags.join("\n");
    let parameters: [&(dyn ToSql + Sync); 28] = [
        &tenant.0,
        &profile.id.0,
        &number(KINDS, profile.kind),
        &profile.created_at.as_microsecond(),
        &profile.modified_at.as_microsecond(),
        &properties.display_name,
        &properties.description,
        &properties.locale,
        &properties.device_name_template,
        &number(DEVICE_TYPES, properties.device_type),
        &number(USAGE_TYPES, out_of_box.usage),
        &number(USER_TYPES, out_of_box.user),
        &out_of_box.hide_escape_link,
        &out_of_box.hide_eula,
        &out_of_box.hide_privacy_settings,
        &out_of_box.skip_keyboard_page,
        &properties.extract_hardware_hash,
        &properties.allow_preprovisioning,
        &properties.skip_connectivity_check,
        &properties.management_service_app_id,
        &tags,
        &screen.map(|screen| i64::from(screen.timeout_minutes)),
        &screen.map(|screen| screen.hide_progress),
        &screen.map(|screen| screen.allow_early_use),
        &screen.map(|screen| screen.block_retry),
        &screen.map(|screen| screen.allow_log_collection),
        &screen.map(|screen| screen.allow_use_on_failure),
        &screen.and_then(|screen| screen.error_message.as_ref()),
    ];
    let names: Vec<_> = COLUMNS.split(", ").map(str::trim).collect();
    let places: Vec<_> = (1..=names.len()).map(|place| format!("${place}")).collect();
    let changes: Vec<_> = names
        .iter()
        .skip(2)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sql = format!(
        "INSERT INTO profile ({COLUMNS}) VALUES ({})
         ON CONFLICT (tenant, id) DO UPDATE SET {}",
        places.join(", "),
        changes.join(", ")
    );
    transaction.execute(&sql, &parameters).await?;
    Ok(())
}

/// Reads a row of `COLUMNS`.
pub(super) fn read(row: &Row) -> Result<Profile, Fault> {
    let tags: &str = get(row, "role_scope_tags")?;
    Ok(Profile {
        tenant: TenantId(get(row, "tenant")?),
        id: ProfileId(get::<Uuid>(row, "id")?),
        kind: member(KINDS, row, "kind")?,
        created_at: row::timestamp(get(row, "created_at")?)?,
        modified_at: row::timestamp(get(row, "modified_at")?)?,
        properties: ProfileProperties {
            display_name: get(row, "display_name")?,
            description: get(row, "description")?,
            locale: get(row, "locale")?,
            device_name_template: get(row, "device_name_template")?,
            device_type: member(DEVICE_TYPES, row, "device_type")?,
            out_of_box: OutOfBox {
                usage: member(USAGE_TYPES, row, "usage_type")?,
                user: member(USER_TYPES, row, "user_type")?,
                hide_escape_link: get(row, "hide_escape_link")?,
                hide_eula: get(row, "hide_eula")?,
                hide_privacy_settings: get(row, "hide_privacy_settings")?,
                skip_keyboard_page: get(row, "skip_keyboard_page")?,
            },
            extract_hardware_hash: get(row, "extract_hardware_hash")?,
            allow_preprovisioning: get(row, "allow_preprovisioning")?,
            skip_connectivity_check: get(row, "skip_connectivity_check")?,
            management_service_app_id: get(row, "management_service_app_id")?,
            role_scope_tags: tags.split('\n').map(str::to_owned).collect(),
            status_screen: read_screen(row)?,
        },
    })
}

fn read_screen(row: &Row) -> Result<Option<StatusScreen>, Fault> {
    let Some(timeout_minutes) = get::<Option<i64>>(row, "screen_timeout_minutes")? else {
        return Ok(None);
    };
    Ok(Some(StatusScreen {
        timeout_minutes: timeout_minutes
            .try_into()
            .map_err(|_| corrupt("a status screen's time-out"))?,
        hide_progress: get(row, "screen_hide_progress")?,
        allow_early_use: get(row, "screen_allow_early_use")?,
        block_retry: get(row, "screen_block_retry")?,
        allow_log_collection: get(row, "screen_allow_log_collection")?,
        allow_use_on_failure: get(row, "screen_allow_use_on_failure")?,
        error_message: get(row, "screen_error_message")?,
    }))
}

fn member<T: Copy>(numbers: Numbers<T>, row: &Row, column: &str) -> Result<T, Fault> {
    let found = get(row, column)?;
    profile_numbers::member(numbers, found)
        .ok_or_else(|| corrupt(&format!("a profile with {found} for its {column}")))
}
