//! The tenant's Autopilot settings on the wire: `windowsAutopilotSettings`, of which there is one.

use jiff::Timestamp;

use crate::domain::{
    field::SettingsField,
    settings::{SyncRules, SyncState, SyncStatus},
    tenant::TenantId,
};

use super::{
    edm,
    entity::{Head, NEVER, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    enumeration,
    json::Json,
    schema::{SETTINGS, SETTINGS_SINGLETON},
    version::Version,
    wire_error::{Problem, WireError},
};

/// Reads the body of a PATCH. All of the settings are the service's own: what a client says of them
/// must be well typed, and changes nothing.
pub fn read_change(body: &Json<'_>) -> Result<(), WireError> {
    edm::read_object(
        body,
        &SETTINGS,
        Version::Beta,
        &mut |field, edm, json| match field {
            SettingsField::Id => edm::text(json).map(drop),
            SettingsField::SyncedAt | SettingsField::SyncStartedAt => edm::check_instant(json),
            SettingsField::SyncStatus => edm::member(json, edm.name(), |name| {
                enumeration::SYNC_STATUS.number(name).map(drop)
            }),
        },
    )
}

/// Reads the body of `sync`, which takes no parameter: there is none, or an empty object.
pub fn read_sync(body: &Json<'_>) -> Result<(), WireError> {
    for (name, _) in edm::members(body, SETTINGS.name)? {
        if !edm::is_annotation(name) {
            return Err(WireError::new(Problem::UnknownParameter {
                name: name.clone().into_owned(),
            }));
        }
    }
    Ok(())
}

/// Writes the settings as they are at this instant.
pub fn write_settings(
    out: &mut Vec<u8>,
    tenant: TenantId,
    (state, rules, now): (&SyncState, &SyncRules, Timestamp),
    context: &WriteContext<'_>,
) {
    let head = Head {
        set: SETTINGS_SINGLETON,
        type_name: SETTINGS.name,
        typing: Typing::ByContext,
        key: &tenant,
        revision: Some(&|| state.revision(tenant, rules, now)),
    };
    let instant = |at: Option<Timestamp>| at.map_or(Value::Plain(NEVER), Value::ExactInstant);
    let mut object = begin_entity(out, &head, context, Place::Entity);
    write_properties(&mut object, &SETTINGS, context, "", &|field| match field {
        SettingsField::Id => Value::Guid(tenant.0),
        SettingsField::SyncedAt => instant(state.completed_at(rules, now)),
        SettingsField::SyncStartedAt => instant(state.started_at),
        SettingsField::SyncStatus => Value::Plain(match state.status(rules, now) {
            SyncStatus::Unknown => "unknown",
            SyncStatus::InProgress => "inProgress",
            SyncStatus::Completed => "completed",
        }),
    });
    object.end();
}
