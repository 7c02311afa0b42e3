//! Deployment profiles on the wire: `windowsAutopilotDeploymentProfile` and the two types that are
//! derived from it, read and written. How members of their enumerations are spelled is in
//! `profile_words`.

use odata::Kind;

use crate::domain::{
    assignment::Assignment,
    device_name,
    field::ProfileField,
    profile::{Profile, ProfileKind, StatusScreen},
    profile_change::{ProfileChange, ProfileRefusal},
    revision::Revision,
};

use super::{
    assignment::{AssignmentsShown, write_assignments},
    device::{DevicesShown, write_devices},
    edm,
    entity::{Head, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    json::Json,
    navigation::{ASSIGNED_DEVICES, ASSIGNMENTS},
    profile_words::{DEVICE_TYPES, USAGE_TYPES, USER_TYPES, parse, word},
    schema::{
        ACTIVE_DIRECTORY_PROFILE, AZURE_AD_PROFILE, EdmType, EntitySet, PROFILE, StructuredType,
    },
    version::Version,
    wire_error::{Problem, WireError},
};

/// How many scope tags a profile may have.
const MAX_SCOPE_TAGS: usize = 100;

/// What is read of a profile for Entra alone: the other kind's property too, which a widely used
/// script sends.
const AZURE_AD_READ: StructuredType<ProfileField> = StructuredType {
    name: AZURE_AD_PROFILE.name,
    ..ACTIVE_DIRECTORY_PROFILE
};

/// The type of this kind.
pub(super) fn profile_type(kind: ProfileKind) -> &'static StructuredType<ProfileField> {
    match kind {
        ProfileKind::AzureAd => &AZURE_AD_PROFILE,
        ProfileKind::ActiveDirectory => &ACTIVE_DIRECTORY_PROFILE,
    }
}

/// Reads the body of a POST: the kind of the new profile, and what it says.
pub fn read_create(body: &Json<'_>) -> Result<(ProfileKind, ProfileChange), WireError> {
    let change = read_change(body)?;
    let Some(kind) = change.kind else {
        return Err(WireError::new(Problem::NoConcreteType {
            expected: "'#microsoft.graph.azureADWindowsAutopilotDeploymentProfile' and '#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile'",
        }));
    };
    if change.display_name.is_none() {
        return Err(WireError::new(Problem::MissingProperty {
            name: "displayName",
        }));
    }
    Ok((kind, change))
}

/// Reads the body of a PATCH. Key and dates must be well typed and mean nothing.
pub fn read_change(body: &Json<'_>) -> Result<ProfileChange, WireError> {
    let kind = read_kind(body)?;
    let navigated = |name: &str| [ASSIGNMENTS, ASSIGNED_DEVICES].contains(&name);
    let mut members = edm::members(body, PROFILE.name)?.iter();
    if let Some((name, _)) = members.find(|(name, _)| navigated(name)) {
        return Err(WireError::at(name.as_ref(), Problem::NotChangedHere));
    }
    let mut change = ProfileChange {
        kind,
        ..ProfileChange::default()
    };
    // Whether a profile has what was said is told later, by the profile's own kind.
    let type_read = match kind {
        Some(ProfileKind::AzureAd) => AZURE_AD_READ,
        Some(ProfileKind::ActiveDirectory) | None => ACTIVE_DIRECTORY_PROFILE,
    };
    edm::read_typed_object(body, &type_read, Version::Beta, &mut |field, edm, json| {
        take(&mut change, field, edm, json)
    })?;
    Ok(change)
}

fn read_kind(body: &Json<'_>) -> Result<Option<ProfileKind>, WireError> {
    let kinds = [ProfileKind::AzureAd, ProfileKind::ActiveDirectory];
    match edm::named_type(body, PROFILE.name)? {
        None => Ok(None),
        Some(name) if name == PROFILE.name => Ok(None),
        Some(name) => kinds
            .into_iter()
            .find(|kind| profile_type(*kind).name == name)
            .map(Some)
            .ok_or_else(|| {
                let expected = PROFILE.name;
                WireError::at("@odata.type", Problem::OtherType { expected })
            }),
    }
}

fn take(
    change: &mut ProfileChange,
    field: ProfileField,
    edm: EdmType,
    json: &Json<'_>,
) -> Result<(), WireError> {
    let screen = &mut change.status_screen;
    match field {
        ProfileField::Id => edm::text(json).map(drop)?,
        ProfileField::CreatedAt | ProfileField::ModifiedAt => edm::check_instant(json)?,
        ProfileField::DisplayName => change.display_name = Some(read_display_name(json)?),
        ProfileField::Description => change.description = Some(or_empty(json)?),
        ProfileField::Locale => {
            if let Some(locale) = read_locale(json)? {
                change.locale.add(locale);
            }
        }
        ProfileField::DeviceNameTemplate => {
            change.device_name_template = Some(read_template(json)?);
        }
        ProfileField::DeviceType => {
            change.device_type = Some(edm::member(json, edm.name(), parse(DEVICE_TYPES))?);
        }
        ProfileField::UsageType => {
            let usage = edm::member(json, edm.name(), parse(USAGE_TYPES))?;
            change.usage.add(usage);
        }
        ProfileField::UserType => {
            // Profiles for shared devices are said to have none.
            if *json != Json::Null {
                let user = edm::member(json, edm.name(), parse(USER_TYPES))?;
                change.user.add(user);
            }
        }
        ProfileField::HideEscapeLink => change.hide_escape_link.add(edm::boolean(json)?),
        ProfileField::HideEula => change.hide_eula.add(edm::boolean(json)?),
        ProfileField::HidePrivacySettings => {
            change.hide_privacy_settings.add(edm::boolean(json)?);
        }
        ProfileField::SkipKeyboardPage => change.skip_keyboard_page.add(edm::boolean(json)?),
        // Typed clients send null for the name that they do not know.
        ProfileField::ExtractHardwareHash | ProfileField::AllowPreprovisioning
            if *json == Json::Null => {}
        ProfileField::ExtractHardwareHash => {
            change.extract_hardware_hash.add(edm::boolean(json)?);
        }
        ProfileField::AllowPreprovisioning => {
            change.allow_preprovisioning.add(edm::boolean(json)?);
        }
        ProfileField::RoleScopeTags => change.role_scope_tags = Some(read_scope_tags(json)?),
        ProfileField::ManagementServiceAppId => {
            change.management_service_app_id = Some(edm::text(json)?);
        }
        ProfileField::SkipConnectivityCheck => {
            change.skip_connectivity_check = Some(edm::boolean(json)?);
        }
        ProfileField::StatusScreen => screen.removed = true,
        ProfileField::HideProgress => screen.hide_progress = Some(edm::boolean(json)?),
        ProfileField::AllowEarlyUse => screen.allow_early_use = Some(edm::boolean(json)?),
        ProfileField::BlockRetry => screen.block_retry = Some(edm::boolean(json)?),
        ProfileField::AllowLogCollection => {
            screen.allow_log_collection = Some(edm::boolean(json)?);
        }
        ProfileField::ErrorMessage => screen.error_message = Some(edm::text(json)?),
        ProfileField::TimeoutMinutes => screen.timeout_minutes = Some(read_minutes(json)?),
        ProfileField::AllowUseOnFailure => {
            screen.allow_use_on_failure = Some(edm::boolean(json)?);
        }
    }
    Ok(())
}

fn or_empty(json: &Json<'_>) -> Result<String, WireError> {
    Ok(edm::text(json)?.unwrap_or_default())
}

fn read_display_name(json: &Json<'_>) -> Result<String, WireError> {
    let name = or_empty(json)?;
    if name.trim().is_empty() {
        let name = "displayName";
        return Err(WireError::new(Problem::MissingProperty { name }));
    }
    Ok(name)
}

fn read_locale(json: &Json<'_>) -> Result<Option<String>, WireError> {
    let Some(locale) = edm::text(json)? else {
        return Ok(None);
    };
    if !device_name::is_locale(&locale) {
        let why = "it is neither os-default nor a language tag, such as en-US".to_owned();
        return Err(unusable(locale, why));
    }
    Ok(Some(locale))
}

fn read_template(json: &Json<'_>) -> Result<String, WireError> {
    let template = or_empty(json)?;
    match device_name::check_template(&template) {
        Ok(()) => Ok(template),
        Err(fault) => Err(unusable(template, fault.to_string())),
    }
}

/// A profile always has a scope tag: the default one where it is given none.
fn read_scope_tags(json: &Json<'_>) -> Result<Vec<String>, WireError> {
    let tags = edm::texts(json, MAX_SCOPE_TAGS)?;
    if let Some(tag) = tags
        .iter()
        .find(|tag| tag.is_empty() || tag.contains(char::is_control))
    {
        return Err(unusable(
            tag.clone(),
            "it is no id of a scope tag".to_owned(),
        ));
    }
    Ok(if tags.is_empty() {
        vec!["0".to_owned()]
    } else {
        tags
    })
}

fn read_minutes(json: &Json<'_>) -> Result<i32, WireError> {
    let minutes = edm::int32(json)?;
    if minutes < 0 {
        return Err(unusable(
            minutes.to_string(),
            "it is less than 0".to_owned(),
        ));
    }
    Ok(minutes)
}

fn unusable(literal: String, why: String) -> WireError {
    WireError::new(Problem::Unusable { literal, why })
}

impl From<ProfileRefusal> for WireError {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::new(match refusal {
            ProfileRefusal::NamesDiffer(field) => {
                let (one, other) = names_of(field);
                Problem::NamesDiffer { one, other }
            }
            ProfileRefusal::OtherKind(kind) => Problem::OtherType {
                expected: profile_type(kind).name,
            },
            ProfileRefusal::NotOfKind(_) => Problem::UnknownProperty {
                name: "hybridAzureADJoinSkipConnectivityCheck".to_owned(),
                type_name: AZURE_AD_PROFILE.name,
            },
        })
    }
}

/// The older and the newer name of a value that has both.
fn names_of(field: ProfileField) -> (&'static str, &'static str) {
    match field {
        ProfileField::Locale => ("language", "locale"),
        ProfileField::ExtractHardwareHash => {
            ("extractHardwareHash", "hardwareHashExtractionEnabled")
        }
        ProfileField::AllowPreprovisioning => ("enableWhiteGlove", "preprovisioningAllowed"),
        ProfileField::UserType => (
            "outOfBoxExperienceSettings.userType",
            "outOfBoxExperienceSetting.userType",
        ),
        ProfileField::UsageType => (
            "outOfBoxExperienceSettings.deviceUsageType",
            "outOfBoxExperienceSetting.deviceUsageType",
        ),
        ProfileField::HideEscapeLink => (
            "outOfBoxExperienceSettings.hideEscapeLink",
            "outOfBoxExperienceSetting.escapeLinkHidden",
        ),
        ProfileField::HideEula => (
            "outOfBoxExperienceSettings.hideEULA",
            "outOfBoxExperienceSetting.eulaHidden",
        ),
        ProfileField::HidePrivacySettings => (
            "outOfBoxExperienceSettings.hidePrivacySettings",
            "outOfBoxExperienceSetting.privacySettingsHidden",
        ),
        ProfileField::SkipKeyboardPage => (
            "outOfBoxExperienceSettings.skipKeyboardSelectionPage",
            "outOfBoxExperienceSetting.keyboardSelectionPageSkipped",
        ),
        _ => ("", ""),
    }
}

/// What a profile is shown with.
#[derive(Clone, Debug, Default)]
pub struct Within {
    /// Its assignments.
    pub assignments: Option<AssignmentsShown>,
    /// Its devices.
    pub devices: Option<DevicesShown>,
}

impl Within {
    /// All of its assignments.
    pub fn assignments(rows: Vec<Assignment>) -> Self {
        Self {
            assignments: Some(AssignmentsShown {
                rows,
                ..AssignmentsShown::default()
            }),
            devices: None,
        }
    }
}

/// The value of a profile's field as queries compare it, of a property of this kind.
pub fn profile_value(profile: &Profile, field: ProfileField, kind: Kind) -> odata::Value<'_> {
    match (field, profile.kind) {
        (ProfileField::SkipConnectivityCheck, ProfileKind::AzureAd) => odata::Value::Null,
        _ => value(profile, field).compared(kind),
    }
}

/// Names the state that a profile is shown in, with what it is shown with.
pub fn profile_revision(profile: &Profile, within: Option<&Within>) -> Revision {
    let assignments = within.and_then(|within| within.assignments.as_ref());
    let devices = within.and_then(|within| within.devices.as_ref());
    if assignments.is_none() && devices.is_none() {
        return profile.revision();
    }
    let mut shown = Vec::new();
    if let Some(assignments) = assignments {
        for assignment in &assignments.rows {
            shown.extend(assignment.target.group().0.into_bytes());
            shown.push(u8::from(assignment.target.is_exclusion()));
        }
        shown.push(u8::from(assignments.next_link.is_some()));
    }
    let mut with = Vec::new();
    if let Some(devices) = devices {
        for (device, _) in &devices.rows {
            with.extend(device.revision().as_bytes());
        }
        with.push(u8::from(devices.next_link.is_some()));
    }
    profile.revision().shown_with(&[&shown, &with])
}

/// Writes one profile, with what it is to be shown with.
pub fn write_profile(
    out: &mut Vec<u8>,
    profile: &Profile,
    within: Option<&Within>,
    context: &WriteContext<'_>,
    place: Place,
) {
    let kind = profile_type(profile.kind);
    let head = Head {
        set: EntitySet::Profiles.name(),
        type_name: kind.name,
        typing: Typing::Derived,
        key: &profile.id,
        revision: Some(&|| profile_revision(profile, within)),
    };
    let mut object = begin_entity(out, &head, context, place);
    write_properties(&mut object, kind, context, "", &|field| {
        value(profile, field)
    });
    if let Some(assignments) = within.and_then(|within| within.assignments.as_ref()) {
        write_assignments(&mut object, profile.id, assignments, context);
    }
    if let Some(devices) = within.and_then(|within| within.devices.as_ref()) {
        write_devices(&mut object, profile, devices, context);
    }
    object.end();
}

fn value(profile: &Profile, field: ProfileField) -> Value<'_> {
    let properties = &profile.properties;
    let out_of_box = &properties.out_of_box;
    match field {
        ProfileField::Id => Value::Guid(profile.id.0),
        ProfileField::DisplayName => Value::Text(&properties.display_name),
        ProfileField::Description => Value::Text(&properties.description),
        ProfileField::Locale => Value::Text(&properties.locale),
        ProfileField::CreatedAt => Value::Instant(profile.created_at),
        ProfileField::ModifiedAt => Value::Instant(profile.modified_at),
        ProfileField::UsageType => Value::Plain(word(USAGE_TYPES, out_of_box.usage)),
        ProfileField::UserType => Value::Plain(word(USER_TYPES, out_of_box.user)),
        ProfileField::HideEscapeLink => Value::Boolean(out_of_box.hide_escape_link),
        ProfileField::HideEula => Value::Boolean(out_of_box.hide_eula),
        ProfileField::HidePrivacySettings => Value::Boolean(out_of_box.hide_privacy_settings),
        ProfileField::SkipKeyboardPage => Value::Boolean(out_of_box.skip_keyboard_page),
        ProfileField::ExtractHardwareHash => Value::Boolean(properties.extract_hardware_hash),
        ProfileField::DeviceNameTemplate => Value::Text(&properties.device_name_template),
        ProfileField::DeviceType => Value::Plain(word(DEVICE_TYPES, properties.device_type)),
        ProfileField::AllowPreprovisioning => Value::Boolean(properties.allow_preprovisioning),
        ProfileField::RoleScopeTags => Value::Texts(&properties.role_scope_tags),
        ProfileField::ManagementServiceAppId => {
            optional_text(properties.management_service_app_id.as_deref())
        }
        ProfileField::SkipConnectivityCheck => Value::Boolean(properties.skip_connectivity_check),
        ProfileField::StatusScreen
        | ProfileField::HideProgress
        | ProfileField::AllowEarlyUse
        | ProfileField::BlockRetry
        | ProfileField::AllowLogCollection
        | ProfileField::ErrorMessage
        | ProfileField::TimeoutMinutes
        | ProfileField::AllowUseOnFailure => match &properties.status_screen {
            Some(screen) => screen_value(screen, field),
            None => Value::Null,
        },
    }
}

fn screen_value(screen: &StatusScreen, field: ProfileField) -> Value<'_> {
    match field {
        ProfileField::HideProgress => Value::Boolean(screen.hide_progress),
        ProfileField::AllowEarlyUse => Value::Boolean(screen.allow_early_use),
        ProfileField::BlockRetry => Value::Boolean(screen.block_retry),
        ProfileField::AllowLogCollection => Value::Boolean(screen.allow_log_collection),
        ProfileField::ErrorMessage => optional_text(screen.error_message.as_deref()),
        ProfileField::TimeoutMinutes => Value::Int32(screen.timeout_minutes),
        ProfileField::AllowUseOnFailure => Value::Boolean(screen.allow_use_on_failure),
        _ => Value::Present,
    }
}

fn optional_text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}
