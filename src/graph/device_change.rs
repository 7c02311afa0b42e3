//! What clients say of a device: the body of a POST or a PATCH, and the parameters of its actions.
//!
//! Everything that a GET answers is read. What Hangar itself keeps up, statuses and dates, must be
//! well typed and means nothing: it may have moved on since the client read it.

use std::borrow::Cow;

use uuid::Uuid;

use crate::domain::{device::DeviceChange, field::DeviceField};

use super::{
    action::{
        ASSIGN_RESOURCE_ACCOUNT, ASSIGN_USER, Action, DELETE_DEVICES, UPDATE_DEVICE_PROPERTIES,
    },
    edm::{self, Member},
    enumeration::enumeration_in,
    json::Json,
    schema::{DEVICE, DEVICE_NAVIGATION, EdmType},
    version::Version,
    wire_error::{Problem, WireError},
};

/// The two names of the directory's id, the second in beta alone.
const DIRECTORY_IDS: [&str; 2] = ["azureActiveDirectoryDeviceId", "azureAdDeviceId"];

/// Reads the body of a POST or a PATCH. `directory_id` is the device's in the directory, where it is
/// known: a client that read both of its names may have changed only one.
pub fn read_device(
    body: &Json<'_>,
    version: Version,
    directory_id: Option<&str>,
) -> Result<DeviceChange, WireError> {
    let body = without_navigation(body, version)?;
    let mut change = DeviceChange::default();
    edm::read_object(&body, &DEVICE, version, &mut |field, edm, json| {
        take(&mut change, field, (version, directory_id), edm, json)
    })?;
    Ok(change)
}

/// Whether a body gives the directory's id two values, so that the present one decides.
pub fn names_two_directory_ids(body: &Json<'_>) -> bool {
    let Json::Object(members) = body else {
        return false;
    };
    let mut ids = members
        .iter()
        .filter(|(name, _)| DIRECTORY_IDS.contains(&name.as_ref()))
        .map(|(_, value)| value);
    ids.next()
        .zip(ids.next())
        .is_some_and(|(one, other)| one != other)
}

fn take(
    change: &mut DeviceChange,
    field: DeviceField,
    (version, directory_id): (Version, Option<&str>),
    edm: EdmType,
    json: &Json<'_>,
) -> Result<(), WireError> {
    match edm {
        EdmType::Enum(name) => {
            return edm::member(json, name, |member| {
                enumeration_in(name, version)?.number(member).map(drop)
            });
        }
        EdmType::DateTimeOffset => return edm::check_instant(json),
        EdmType::String
        | EdmType::Binary
        | EdmType::Int32
        | EdmType::Boolean
        | EdmType::Complex(_) => {}
    }
    let text = edm::text(json)?.unwrap_or_default();
    let slot = match field {
        DeviceField::GroupTag => &mut change.group_tag,
        DeviceField::PurchaseOrderIdentifier => &mut change.purchase_order_identifier,
        DeviceField::SerialNumber => &mut change.serial_number,
        DeviceField::ProductKey => &mut change.product_key,
        DeviceField::Manufacturer => &mut change.manufacturer,
        DeviceField::Model => &mut change.model,
        DeviceField::AddressableUserName => &mut change.addressable_user_name,
        DeviceField::UserPrincipalName => &mut change.user_principal_name,
        DeviceField::ResourceName => &mut change.resource_name,
        DeviceField::SkuNumber => &mut change.sku_number,
        DeviceField::SystemFamily => &mut change.system_family,
        DeviceField::DirectoryDeviceId => {
            let one = change.directory_device_id.take();
            change.directory_device_id = Some(merge_ids(one, text, directory_id)?);
            return Ok(());
        }
        DeviceField::ManagedDeviceId => {
            // The zero GUID is what a device without one shows.
            let none = Uuid::try_parse(&text).is_ok_and(|id| id.is_nil());
            change.managed_device_id = Some(if none { String::new() } else { text });
            return Ok(());
        }
        DeviceField::DisplayName => &mut change.display_name,
        DeviceField::DeviceAccountUpn => &mut change.device_account_upn,
        DeviceField::DeviceFriendlyName => &mut change.device_friendly_name,
        // The key is in the path, or the server's to choose. A password is of no use here, and what
        // is not kept can't leak. The others are no texts.
        DeviceField::Id
        | DeviceField::DeviceAccountPassword
        | DeviceField::ProfileAssignmentStatus
        | DeviceField::ProfileAssignmentDetailedStatus
        | DeviceField::ProfileAssignedAt
        | DeviceField::EnrollmentState
        | DeviceField::LastContactedAt
        | DeviceField::RemediationState
        | DeviceField::RemediationStateModifiedAt
        | DeviceField::UserlessEnrollmentStatus => return Ok(()),
    };
    *slot = Some(text);
    Ok(())
}

/// Of two values of the directory's id, the one that is not the present one is meant, and an empty
/// one gives way.
fn merge_ids(
    one: Option<String>,
    other: String,
    present: Option<&str>,
) -> Result<String, WireError> {
    let Some(one) = one else {
        return Ok(other);
    };
    if one == other || present == Some(&one) {
        return Ok(other);
    }
    if present == Some(&other) || other.is_empty() {
        return Ok(one);
    }
    if one.is_empty() {
        return Ok(other);
    }
    let [one, other] = DIRECTORY_IDS;
    Err(WireError::new(Problem::NamesDiffer { one, other }))
}

/// The body without what `$expand` added to it, which is no property of the device.
fn without_navigation<'j, 'a>(
    body: &'j Json<'a>,
    version: Version,
) -> Result<Cow<'j, Json<'a>>, WireError> {
    let Json::Object(members) = body else {
        return Ok(Cow::Borrowed(body));
    };
    let expanded = |name: &str| version == Version::Beta && DEVICE_NAVIGATION.contains(&name);
    if !members.iter().any(|(name, _)| expanded(name)) {
        return Ok(Cow::Borrowed(body));
    }
    let mut own = Vec::new();
    for (name, value) in members {
        match value {
            _ if !expanded(name) => own.push((name.clone(), value.clone())),
            Json::Null | Json::Object(_) => {}
            other => {
                let profile = "microsoft.graph.windowsAutopilotDeploymentProfile";
                return Err(edm::wrong_type(other, profile).within(name));
            }
        }
    }
    Ok(Cow::Owned(Json::Object(own)))
}

/// Reads the parameters of `assignUserToDevice`.
pub fn read_assign_user(body: &Json<'_>, version: Version) -> Result<DeviceChange, WireError> {
    let [user, addressable] = texts(body, &ASSIGN_USER, version)?;
    Ok(DeviceChange {
        user_principal_name: user,
        addressable_user_name: Some(addressable.unwrap_or_default()),
        ..DeviceChange::default()
    })
}

/// What `unassignUserFromDevice` makes of a device.
pub fn unassign_user() -> DeviceChange {
    DeviceChange {
        user_principal_name: Some(String::new()),
        addressable_user_name: Some(String::new()),
        ..DeviceChange::default()
    }
}

/// Reads the parameters of `updateDeviceProperties`: any of them, and those that are null or not
/// there change nothing.
pub fn read_update_properties(
    body: &Json<'_>,
    version: Version,
) -> Result<DeviceChange, WireError> {
    // As in a PATCH, the password is read and forgotten.
    let [user, addressable, tag, name, account, _, friendly] =
        texts(body, &UPDATE_DEVICE_PROPERTIES, version)?;
    Ok(DeviceChange {
        user_principal_name: user,
        addressable_user_name: addressable,
        group_tag: tag,
        display_name: name,
        device_account_upn: account,
        device_friendly_name: friendly,
        ..DeviceChange::default()
    })
}

/// Reads the parameters of `assignResourceAccountToDevice`.
pub fn read_assign_resource_account(
    body: &Json<'_>,
    version: Version,
) -> Result<DeviceChange, WireError> {
    let [user, addressable, account] = texts(body, &ASSIGN_RESOURCE_ACCOUNT, version)?;
    Ok(DeviceChange {
        user_principal_name: user,
        addressable_user_name: Some(addressable.unwrap_or_default()),
        resource_name: account,
        ..DeviceChange::default()
    })
}

/// What `unassignResourceAccountFromDevice` makes of a device.
pub fn unassign_resource_account() -> DeviceChange {
    DeviceChange {
        resource_name: Some(String::new()),
        ..unassign_user()
    }
}

/// Reads the body of an action without parameters.
pub fn read_nothing(
    body: &Json<'_>,
    action: &'static Action,
    version: Version,
) -> Result<(), WireError> {
    texts(body, action, version).map(|[]| ())
}

/// Reads the parameter of `deleteDevices`: at most `max` serial numbers.
pub fn read_delete_devices(
    body: &Json<'_>,
    version: Version,
    max: usize,
) -> Result<Vec<String>, WireError> {
    let [(name, numbers)] = parameters(body, &DELETE_DEVICES, version)?;
    let numbers = match numbers {
        None => return Err(WireError::new(Problem::MissingParameter { name })),
        Some(Json::Array(numbers)) => numbers,
        Some(other) => return Err(edm::wrong_type(other, "Collection(Edm.String)").within(name)),
    };
    if numbers.len() > max {
        return Err(WireError::at(name, Problem::TooMany { max }));
    }
    let number = |(index, json)| match edm::text(json) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => {
            Err(edm::wrong_type(json, EdmType::String.name()).within(&format!("{name}[{index}]")))
        }
        Err(error) => Err(error.within(&format!("{name}[{index}]"))),
    };
    numbers.iter().enumerate().map(number).collect()
}

/// The texts of an action's parameters, in the table's order. Those that may not be null are there
/// and not blank.
fn texts<const N: usize>(
    body: &Json<'_>,
    action: &'static Action,
    version: Version,
) -> Result<[Option<String>; N], WireError> {
    let mut texts = [const { None }; N];
    let given: [_; N] = parameters(body, action, version)?;
    for ((slot, (name, json)), parameter) in texts.iter_mut().zip(given).zip(action.parameters) {
        if let Some(json) = json {
            *slot = edm::text(json).map_err(|error| error.within(name))?;
        }
        let is_blank = slot.as_ref().is_none_or(|text| text.trim().is_empty());
        if is_blank && !parameter.nullable {
            return Err(WireError::new(Problem::MissingParameter { name }));
        }
    }
    Ok(texts)
}

/// An action's parameters with their names, in the table's order.
fn parameters<'j, 'a, const N: usize>(
    body: &'j Json<'a>,
    action: &'static Action,
    version: Version,
) -> Result<[(&'static str, Option<&'j Json<'a>>); N], WireError> {
    let members: &[Member<'a>] = edm::members(body, action.name)?;
    let mut found = [("", None); N];
    for (slot, parameter) in found.iter_mut().zip(action.parameters) {
        slot.0 = parameter.name;
    }
    for (name, value) in members {
        let known = action
            .parameters
            .iter()
            .position(|known| known.name == name && known.versions.include(version));
        match known.and_then(|index| found.get_mut(index)) {
            Some(slot) => slot.1 = Some(value),
            None if edm::is_annotation(name) => {}
            None => {
                return Err(WireError::new(Problem::UnknownParameter {
                    name: name.clone().into_owned(),
                }));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::json::parse;

    fn device(body: &str, version: Version) -> Result<DeviceChange, String> {
        read_device(&parse(body).unwrap(), version, None).map_err(|error| error.to_string())
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_hangar_keeps_up_is_read_and_means_nothing() {
        let body = r##"{"@odata.context":"x","@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity","@odata.etag":"W/\"x\"","id":"7","deploymentProfileAssignmentStatus":"assignedUnkownSyncState","deploymentProfileAssignmentDetailedStatus":"none","deploymentProfileAssignedDateTime":"0001-01-01T00:00:00Z","enrollmentState":"enrolled","lastContactedDateTime":"2026-01-01T00:00:00.1234567Z","deviceAccountPassword":"secret","remediationState":"unknown","remediationStateLastModifiedDateTime":"0001-01-01T00:00:00Z","userlessEnrollmentStatus":"blocked","managedDeviceId":"00000000-0000-0000-0000-000000000000","deploymentProfile":{"x":1},"intendedDeploymentProfile":null,"deploymentProfile@odata.context":"y"}"##;
        assert_eq!(
            device(body, Version::Beta),
            Ok(DeviceChange {
                managed_device_id: Some(text("")),
                ..DeviceChange::default()
            })
        );
    }

    #[test]
    fn every_text_has_its_place_and_null_is_empty() {
        let read = device(
            r#"{"groupTag":"a","purchaseOrderIdentifier":"b","serialNumber":"c","productKey":"d","manufacturer":"e","model":"f","addressableUserName":"g","userPrincipalName":"h","resourceName":"i","skuNumber":"j","systemFamily":"k","azureActiveDirectoryDeviceId":"l","managedDeviceId":"m","displayName":null,"deviceAccountUpn":"o","deviceFriendlyName":"p"}"#,
            Version::Beta,
        );
        assert_eq!(
            read,
            Ok(DeviceChange {
                group_tag: Some(text("a")),
                purchase_order_identifier: Some(text("b")),
                serial_number: Some(text("c")),
                product_key: Some(text("d")),
                manufacturer: Some(text("e")),
                model: Some(text("f")),
                addressable_user_name: Some(text("g")),
                user_principal_name: Some(text("h")),
                resource_name: Some(text("i")),
                sku_number: Some(text("j")),
                system_family: Some(text("k")),
                directory_device_id: Some(text("l")),
                managed_device_id: Some(text("m")),
                display_name: Some(text("")),
                device_account_upn: Some(text("o")),
                device_friendly_name: Some(text("p")),
                userless_enrollment: None,
            })
        );
    }

    #[test]
    fn the_directorys_id_has_two_names() {
        let long = "azureActiveDirectoryDeviceId";
        let short = "azureAdDeviceId";
        let cases = [
            (format!(r#"{{"{long}":"a"}}"#), Ok(Some(text("a")))),
            (format!(r#"{{"{short}":"a"}}"#), Ok(Some(text("a")))),
            (
                format!(r#"{{"{long}":"a","{short}":""}}"#),
                Ok(Some(text("a"))),
            ),
            (
                format!(r#"{{"{long}":null,"{short}":"a"}}"#),
                Ok(Some(text("a"))),
            ),
            (
                format!(r#"{{"{long}":"","{short}":""}}"#),
                Ok(Some(text(""))),
            ),
            (
                format!(r#"{{"{long}":"a","{short}":"a"}}"#),
                Ok(Some(text("a"))),
            ),
            (
                format!(r#"{{"{long}":"a","{short}":"b"}}"#),
                Err(format!(
                    "'{long}' and '{short}' are two names of one value and must not differ. Property: '{short}'."
                )),
            ),
        ];
        for (body, expected) in cases {
            let read = device(&body, Version::Beta).map(|change| change.directory_device_id);
            assert_eq!(read, expected, "{body}");
        }
    }

    #[test]
    fn of_two_ids_the_one_that_is_new_is_meant() {
        let cases = [
            ("a", "b", "a", Ok("b")),
            ("a", "b", "b", Ok("a")),
            ("", "b", "b", Ok("")),
            ("a", "", "a", Ok("")),
            ("a", "", "x", Ok("a")),
            ("", "b", "x", Ok("b")),
            ("", "b", "", Ok("b")),
            ("a", "a", "a", Ok("a")),
            ("a", "b", "x", Err(())),
            ("a", "b", "", Err(())),
        ];
        for (long, short, present, expected) in cases {
            let [one, other] = DIRECTORY_IDS;
            let body = format!(r#"{{"{one}":"{long}","{other}":"{short}"}}"#);
            let body = parse(&body).unwrap();
            let read = read_device(&body, Version::Beta, Some(present));
            let read = read.map(|change| change.directory_device_id).map_err(drop);
            let expected = expected.map(|id| Some(text(id)));
            assert_eq!(read, expected, "{long} {short} {present}");
            assert_eq!(names_two_directory_ids(&body), long != short);
        }
        assert!(!names_two_directory_ids(&parse("[]").unwrap()));
        let one = parse(r#"{"azureAdDeviceId":"a"}"#).unwrap();
        assert!(!names_two_directory_ids(&one));
    }

    #[test]
    fn the_stable_version_knows_only_its_own() {
        for name in [
            "azureAdDeviceId",
            "deviceAccountUpn",
            "deviceAccountPassword",
            "deviceFriendlyName",
            "remediationState",
            "deploymentProfile",
        ] {
            let body = format!("{{\"{name}\":null}}");
            let told = device(&body, Version::V1).unwrap_err();
            assert!(told.contains("does not exist on type"), "{told}");
            let known = name != "remediationState";
            assert_eq!(device(&body, Version::Beta).is_ok(), known, "{name}");
        }
        let account = parse(r#"{"deviceAccountUpn":"a@b"}"#).unwrap();
        assert!(read_update_properties(&account, Version::V1).is_err());
        let change = read_update_properties(&account, Version::Beta).unwrap();
        assert_eq!(change.device_account_upn, Some(text("a@b")));
    }

    #[test]
    fn actions_take_their_own_parameters() {
        let read = |body: &str| read_assign_user(&parse(body).unwrap(), Version::V1);
        let assigned = read(r#"{"userPrincipalName":"a@b","addressableUserName":"A"}"#).unwrap();
        assert_eq!(assigned.user_principal_name, Some(text("a@b")));
        assert_eq!(assigned.addressable_user_name, Some(text("A")));
        let assigned = read(r#"{"@x":1,"userPrincipalName":"a@b"}"#).unwrap();
        assert_eq!(assigned.addressable_user_name, Some(text("")));
        for (body, told) in [
            ("{}", "The parameter 'userPrincipalName' is missing."),
            (
                r#"{"userPrincipalName":" "}"#,
                "The parameter 'userPrincipalName' is missing.",
            ),
            (
                r#"{"userPrincipalName":"a@b","groupTag":"T"}"#,
                "The parameter 'groupTag' is not defined for this action.",
            ),
            (
                r#"{"UserPrincipalName":"a@b"}"#,
                "The parameter 'UserPrincipalName' is not defined for this action.",
            ),
            (
                r#"{"userPrincipalName":7}"#,
                "Cannot convert a JSON number to the expected type 'Edm.String'. Property: 'userPrincipalName'.",
            ),
            (
                "[]",
                "Cannot convert a JSON array to the expected type 'microsoft.graph.assignUserToDevice'.",
            ),
        ] {
            assert_eq!(read(body).unwrap_err().to_string(), told, "{body}");
        }
    }

    #[test]
    fn deleted_devices_are_named_by_texts() {
        let read = |body: &str| {
            read_delete_devices(&parse(body).unwrap(), Version::V1, 2)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(r#"{"serialNumbers":[]}"#), Ok(vec![]));
        assert_eq!(
            read(r#"{"serialNumbers":["a",""]}"#),
            Ok(vec!["a".to_owned(), String::new()])
        );
        for (body, told) in [
            ("{}", "The parameter 'serialNumbers' is missing."),
            (
                r#"{"serialNumbers":"a"}"#,
                "Cannot convert a JSON string to the expected type 'Collection(Edm.String)'. Property: 'serialNumbers'.",
            ),
            (
                r#"{"serialNumbers":["a",null]}"#,
                "Cannot convert a JSON null to the expected type 'Edm.String'. Property: 'serialNumbers[1]'.",
            ),
            (
                r#"{"serialNumbers":["a","b","c"]}"#,
                "The collection holds more than 2 items. Property: 'serialNumbers'.",
            ),
        ] {
            assert_eq!(read(body), Err(told.to_owned()), "{body}");
        }
    }
}
