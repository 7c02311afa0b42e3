//! Assignments of deployment profiles on the wire, the actions that assign devices, and the
//! answer to whether profiles are assigned at all.

use std::fmt;

use odata::Kind;
use uuid::Uuid;

use crate::domain::{
    assignment::{ALL_DEVICES, Assignment, GroupId, MAX_ASSIGNED_DEVICES, Target},
    device::DeviceId,
    field::TargetField,
    profile::{MAX_PROFILES, ProfileId},
};

use super::{
    action::{DEVICE_IDS, PAYLOAD_IDS},
    behavior::Behavior,
    collection::{Expanded, write_expanded},
    edm,
    entity::{Head, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    enumeration::{ASSIGNMENT_FILTER_TYPE, ASSIGNMENT_SOURCE},
    json::Json,
    json_writer::{ObjectWriter, write_number, write_quoted, write_texts},
    list_query::Shown,
    metadata_level::MetadataLevel,
    navigation::ASSIGNMENTS,
    schema::{
        ALL_DEVICES_TARGET, EXCLUSION_TARGET, GROUP_TARGET, PAYLOAD_LINK, PROFILE,
        PROFILE_ASSIGNMENT, StructuredType, TARGET,
    },
    version::Version,
    wire_error::{Problem, WireError},
};

/// An assignment's key on the wire: `{profile}_{group}_{0 or 1}`, 1 for an exclusion.
pub struct AssignmentKey<'a>(pub &'a Assignment);

impl fmt::Display for AssignmentKey<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Assignment { profile, target } = self.0;
        let exclusion = u8::from(target.is_exclusion());
        write!(formatter, "{profile}_{}_{exclusion}", target.group())
    }
}

/// The target that a key names, if it is a key of this profile's.
pub fn parse_key(key: &str, profile: ProfileId) -> Option<Target> {
    let (of_profile, rest) = key.split_once('_')?;
    let (group, exclusion) = rest.split_once('_')?;
    if read_guid(of_profile)? != profile.0 {
        return None;
    }
    let is_exclusion = match exclusion {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    Some(Target::from_parts(GroupId(read_guid(group)?), is_exclusion))
}

/// Where a profile's assignments stand, below `deviceManagement`.
pub fn assignments_path(profile: ProfileId) -> String {
    format!("windowsAutopilotDeploymentProfiles('{profile}')/assignments")
}

/// Reads the body of a POST or PATCH: its target, which may be left out where there is one. Key and
/// source follow from the target, and mean nothing here.
pub fn read_target(body: &Json<'_>) -> Result<Option<Target>, WireError> {
    if let Some(name) = edm::named_type(body, PROFILE_ASSIGNMENT)?
        && name != PROFILE_ASSIGNMENT
    {
        let expected = PROFILE_ASSIGNMENT;
        return Err(WireError::at(
            "@odata.type",
            Problem::OtherType { expected },
        ));
    }
    let mut target = None;
    for (name, value) in edm::members(body, PROFILE_ASSIGNMENT)? {
        match name.as_ref() {
            "target" if *value == Json::Null => Ok(()),
            "target" => read_one_target(value).map(|read| target = Some(read)),
            "id" | "sourceId" => edm::text(value).map(drop),
            "source" => edm::member(value, ASSIGNMENT_SOURCE.name, |name| {
                ASSIGNMENT_SOURCE.number(name).map(drop)
            }),
            annotation if edm::is_annotation(annotation) => Ok(()),
            other => {
                return Err(WireError::at(
                    other,
                    Problem::UnknownProperty {
                        name: other.to_owned(),
                        type_name: PROFILE_ASSIGNMENT,
                    },
                ));
            }
        }
        .map_err(|error| error.within(name))?;
    }
    Ok(target)
}

const FILTER_NONE: &str = "none";

/// Whoever assigned a profile, did so by himself.
const SOURCE: &str = "direct";

fn read_one_target(json: &Json<'_>) -> Result<Target, WireError> {
    let kinds = [&ALL_DEVICES_TARGET, &GROUP_TARGET, &EXCLUSION_TARGET];
    let named = edm::named_type(json, TARGET.name)?;
    let Some(kind) = kinds.into_iter().find(|kind| Some(kind.name) == named) else {
        return Err(WireError::new(Problem::NoConcreteType {
            expected: "'#microsoft.graph.allDevicesAssignmentTarget', '#microsoft.graph.groupAssignmentTarget' and '#microsoft.graph.exclusionGroupAssignmentTarget'",
        }));
    };
    let mut group = None;
    edm::read_typed_object(json, kind, Version::Beta, &mut |field, edm, value| {
        match field {
            TargetField::Group => group = edm::text(value)?.filter(|text| !text.is_empty()),
            TargetField::Filter => {
                if let Some(filter) = edm::text(value)?.filter(|text| !text.is_empty()) {
                    return Err(no_filters(filter));
                }
            }
            TargetField::FilterType => {
                let known = |name: &str| {
                    let number = ASSIGNMENT_FILTER_TYPE.number(name)?;
                    ASSIGNMENT_FILTER_TYPE.member(number)
                };
                let filter = edm::member(value, edm.name(), known)?;
                if filter != FILTER_NONE {
                    return Err(no_filters(filter.to_owned()));
                }
            }
        }
        Ok(())
    })?;
    if kind.name == ALL_DEVICES_TARGET.name {
        return Ok(Target::AllDevices);
    }
    let group = read_group(group)?;
    Ok(Target::from_parts(
        group,
        kind.name == EXCLUSION_TARGET.name,
    ))
}

fn no_filters(literal: String) -> WireError {
    let why = "assignment filters are not offered".to_owned();
    WireError::new(Problem::Unusable { literal, why })
}

fn read_group(group: Option<String>) -> Result<GroupId, WireError> {
    let name = "groupId";
    let Some(literal) = group else {
        return Err(WireError::new(Problem::MissingProperty { name }));
    };
    match read_guid(&literal) {
        Some(id) if GroupId(id) == ALL_DEVICES => {
            let why = "it stands for all devices, which have a target of their own".to_owned();
            Err(WireError::at(name, Problem::Unusable { literal, why }))
        }
        Some(id) => Ok(GroupId(id)),
        None => Err(WireError::at(name, Problem::NotAGuid { literal })),
    }
}

/// Reads the one form of a GUID that Graph writes. The parser knows others, none as long.
fn read_guid(text: &str) -> Option<Uuid> {
    const GUID_CHARACTERS: usize = 36;
    let whole = text.len() == GUID_CHARACTERS;
    whole.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Reads the body of `assign`: the devices, each once.
pub fn read_assign(body: &Json<'_>) -> Result<Vec<DeviceId>, WireError> {
    let ids = read_ids(body, DEVICE_IDS, MAX_ASSIGNED_DEVICES)?;
    let mut devices = Vec::with_capacity(ids.len());
    for (index, literal) in ids.into_iter().enumerate() {
        let Some(id) = read_guid(&literal) else {
            let problem = Problem::NotAGuid { literal };
            return Err(WireError::at(format!("{DEVICE_IDS}[{index}]"), problem));
        };
        devices.push(DeviceId(id));
    }
    devices.sort_unstable();
    devices.dedup();
    Ok(devices)
}

/// Reads the body of `hasPayloadLinks`: the ids as the client wrote them.
pub fn read_payload_ids(body: &Json<'_>) -> Result<Vec<String>, WireError> {
    let max = usize::try_from(MAX_PROFILES).unwrap_or(usize::MAX);
    read_ids(body, PAYLOAD_IDS, max)
}

fn read_ids(
    body: &Json<'_>,
    parameter: &'static str,
    max: usize,
) -> Result<Vec<String>, WireError> {
    let mut ids = None;
    for (name, value) in edm::members(body, PROFILE.name)? {
        if *name == *parameter {
            if *value == Json::Null {
                continue;
            }
            let read = edm::texts(value, max).map_err(|error| error.within(parameter))?;
            ids = Some(read);
        } else if !edm::is_annotation(name) {
            return Err(WireError::new(Problem::UnknownParameter {
                name: name.clone().into_owned(),
            }));
        }
    }
    ids.ok_or_else(|| WireError::new(Problem::MissingParameter { name: parameter }))
}

/// What is known of a payload's links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadLink {
    /// The id, as the client wrote it.
    pub payload_id: String,
    /// Whether it leads to a profile, and that is assigned.
    pub link: Option<bool>,
}

/// Writes the answer to `hasPayloadLinks`.
pub fn write_payload_links(out: &mut Vec<u8>, links: &[PayloadLink], context: &WriteContext<'_>) {
    let mut object = ObjectWriter::new(out);
    if context.level != MetadataLevel::None {
        let version = context.version.path_segment();
        let pieces = [
            context.base,
            "/",
            version,
            "/$metadata#Collection(",
            PAYLOAD_LINK.name,
            ")",
        ];
        write_texts(object.key("@odata.context"), &pieces);
    }
    let out = object.key("value");
    out.push(b'[');
    for (index, link) in links.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let mut item = ObjectWriter::new(out);
        write_own_type(&mut item, PAYLOAD_LINK.name, context);
        item.text("payloadId", &link.payload_id);
        write_number(item.key("hasLink"), link.link == Some(true));
        match link.link {
            Some(_) => item.key("error").extend_from_slice(b"null"),
            None => item.text("error", "The payload does not exist."),
        }
        let sources: &[u8] = if link.link == Some(true) {
            b"[\"direct\"]"
        } else {
            b"[]"
        };
        item.key("sources").extend_from_slice(sources);
        item.end();
    }
    out.push(b']');
    object.end();
}

fn write_own_type(object: &mut ObjectWriter<'_>, name: &str, context: &WriteContext<'_>) {
    let told = match context.level {
        MetadataLevel::None => false,
        MetadataLevel::Minimal => context.behavior == Behavior::Documented,
        MetadataLevel::Full => true,
    };
    if told {
        write_texts(object.key("@odata.type"), &["#", name]);
    }
}

/// Writes one assignment.
pub fn write_assignment(
    out: &mut Vec<u8>,
    assignment: &Assignment,
    context: &WriteContext<'_>,
    place: Place,
) {
    let path = assignments_path(assignment.profile);
    let key = AssignmentKey(assignment);
    let head = Head {
        set: &path,
        type_name: PROFILE_ASSIGNMENT,
        typing: Typing::ByContext,
        key: &key,
        revision: None,
    };
    let mut object = begin_entity(out, &head, context, place);
    let select = context.shown.and_then(|shown| shown.select.as_ref());
    let shows = |name| select.is_none_or(|select| select.shows(name));
    if shows("id") {
        write_quoted(object.key("id"), &key);
    }
    if shows("source") {
        object.text("source", SOURCE);
    }
    if shows("sourceId") {
        write_quoted(object.key("sourceId"), assignment.profile);
    }
    if shows("target") {
        write_target(&mut object, assignment, context);
    }
    object.end();
}

fn write_target(
    object: &mut ObjectWriter<'_>,
    assignment: &Assignment,
    context: &WriteContext<'_>,
) {
    // It is shown whole.
    let context = &WriteContext {
        shown: None,
        ..*context
    };
    let kind: &StructuredType<TargetField> = match assignment.target {
        Target::AllDevices => &ALL_DEVICES_TARGET,
        Target::Group(_) => &GROUP_TARGET,
        Target::Excluded(_) => &EXCLUSION_TARGET,
    };
    let mut target = object.object("target");
    if context.level != MetadataLevel::None {
        // Only this tells one target from another.
        write_texts(target.key("@odata.type"), &["#", kind.name]);
    }
    write_properties(&mut target, kind, context, "", &|field| match field {
        TargetField::Group => Value::Guid(assignment.target.group().0),
        TargetField::Filter => Value::Null,
        TargetField::FilterType => Value::Plain(FILTER_NONE),
    });
    target.end();
}

/// The value at a path of an assignment, as queries compare it.
pub fn assignment_value(assignment: &Assignment, path: &str) -> odata::Value<'static> {
    match path {
        "id" => odata::Value::Text(AssignmentKey(assignment).to_string().into()),
        "source" => Value::Plain(SOURCE).compared(Kind::Enum(&ASSIGNMENT_SOURCE)),
        "sourceId" => odata::Value::Text(assignment.profile.to_string().into()),
        // Nothing compares targets.
        _ => odata::Value::Null,
    }
}

/// The assignments that a profile is shown with.
#[derive(Clone, Debug, Default)]
pub struct AssignmentsShown {
    /// Those that are shown.
    pub rows: Vec<Assignment>,
    /// How many there are in all, where that was asked.
    pub count: Option<u64>,
    /// Where the others are.
    pub next_link: Option<String>,
    /// What of each is shown.
    pub shown: Shown,
}

/// Writes a profile's assignments within it.
pub(super) fn write_assignments(
    object: &mut ObjectWriter<'_>,
    profile: ProfileId,
    assignments: &AssignmentsShown,
    context: &WriteContext<'_>,
) {
    let context = &WriteContext {
        shown: Some(&assignments.shown),
        ..*context
    };
    let expanded = Expanded {
        name: ASSIGNMENTS,
        path: &assignments_path(profile),
        count: assignments.count,
        next_link: assignments.next_link.as_deref(),
    };
    let items = assignments.rows.iter().map(|assignment| {
        move |out: &mut Vec<u8>| write_assignment(out, assignment, context, Place::Item)
    });
    write_expanded(object, &expanded, context, items);
}
