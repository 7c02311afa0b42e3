//! Imports on the wire: `importedWindowsAutopilotDeviceIdentity`, read and written.

use uuid::Uuid;

use crate::domain::{
    field::ImportField,
    import::{Change, Import, ImportChange, ImportId, ImportProperties, ImportState},
};

use super::{
    behavior::Behavior,
    edm,
    entity::{Place, Value, WriteContext, write_entity},
    import_state::{EchoedState, ImportStatus, ShownState, StateShown},
    json::Json,
    schema::{EdmType, EntitySet, IMPORT, IMPORT_PARAMETER},
    version::Version,
    wire_error::{Problem, WireError},
};

/// What a client asks for in a POST, or in one row of `import`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// The id that the client chose, if it chose one.
    pub id: Option<ImportId>,
    /// What it says of the device.
    pub properties: ImportProperties,
    /// The state that the answer repeats.
    pub state: EchoedState,
}

impl ImportRequest {
    /// Settles the id: the client's, or else this fresh one. The client's own import id defaults
    /// to it, as on the live service.
    pub fn settle_id(&mut self, fresh: Uuid) -> ImportId {
        let id = *self.id.get_or_insert(ImportId(fresh));
        self.properties
            .import_id
            .get_or_insert_with(|| id.to_string());
        id
    }
}

/// Reads the body of a POST.
pub fn read_create(body: &Json<'_>) -> Result<ImportRequest, WireError> {
    let mut id = None;
    let (change, state) = read_import(body, |json| {
        id = read_id(json)?.map(ImportId);
        Ok(())
    })?;
    Ok(ImportRequest {
        id,
        properties: ImportProperties {
            group_tag: change.group_tag.flatten(),
            serial_number: change.serial_number.flatten(),
            product_key: change.product_key.flatten(),
            import_id: change.import_id.flatten(),
            hardware_blob: change.hardware_blob.flatten(),
            assigned_user_principal_name: change.assigned_user_principal_name.flatten(),
        },
        state,
    })
}

/// Reads the body of the action `import`: its rows in order, at most `max` of them. Whether an id
/// stands twice is the caller's to see.
pub fn read_import_call(body: &Json<'_>, max: usize) -> Result<Vec<ImportRequest>, WireError> {
    let mut rows = None;
    for (name, value) in edm::members(body, "microsoft.graph.import")? {
        match name.as_ref() {
            IMPORT_PARAMETER => rows = Some(value),
            annotation if edm::is_annotation(annotation) => {}
            other => {
                return Err(WireError::new(Problem::UnknownParameter {
                    name: other.to_owned(),
                }));
            }
        }
    }
    let rows = match rows {
        None => {
            return Err(WireError::new(Problem::MissingParameter {
                name: IMPORT_PARAMETER,
            }));
        }
        Some(Json::Array(rows)) => rows,
        Some(other) => {
            return Err(edm::wrong_type(
                other,
                "Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)",
            )
            .within(IMPORT_PARAMETER));
        }
    };
    if rows.len() > max {
        return Err(WireError::at(IMPORT_PARAMETER, Problem::TooMany { max }));
    }
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            read_create(row).map_err(|error| error.within(&format!("{IMPORT_PARAMETER}[{index}]")))
        })
        .collect()
}

/// Reads the body of a PATCH. Its id and state must be well typed and mean nothing.
pub fn read_change(body: &Json<'_>) -> Result<ImportChange, WireError> {
    let (change, _) = read_import(body, |json| edm::text(json).map(drop))?;
    Ok(change)
}

/// Writes one import.
pub fn write_import(
    out: &mut Vec<u8>,
    import: &Import,
    state: StateShown<'_>,
    context: &WriteContext<'_>,
    place: Place,
) {
    let observed = context.behavior == Behavior::Observed;
    let state = match state {
        StateShown::Stored => ShownState::stored(import.state),
        // The live service forgets what the client sent.
        StateShown::Echoed(_) if observed => ShownState::stored(ImportState::Waiting),
        StateShown::Echoed(state) => ShownState::echoed(state),
    };
    let absent = || {
        if observed {
            Value::Plain("")
        } else {
            Value::Null
        }
    };
    let properties = &import.properties;
    let value_of = |field| {
        let text = match field {
            ImportField::Id => return Value::Guid(import.id.0),
            ImportField::GroupTag => &properties.group_tag,
            ImportField::SerialNumber => &properties.serial_number,
            ImportField::ProductKey => &properties.product_key,
            ImportField::ImportId => &properties.import_id,
            ImportField::HardwareBlob => {
                // The live service never gives a hash back.
                return match &properties.hardware_blob {
                    Some(blob) if !observed => Value::Binary(blob),
                    _ => Value::Null,
                };
            }
            ImportField::AssignedUserPrincipalName => &properties.assigned_user_principal_name,
            ImportField::Status => return Value::Plain(state.status.name()),
            ImportField::RegisteredDevice => return state.registered_device,
            ImportField::ErrorCode => return Value::Int32(state.error_code),
            ImportField::ErrorName => return state.error_name,
        };
        text.as_deref().map_or_else(absent, Value::Text)
    };
    let entity = (EntitySet::Imports, &IMPORT, import.id.0);
    let revision = || import.revision();
    write_entity(out, entity, Some(&revision), context, place, &value_of);
}

/// Reads every property but the id, which means something else in every operation.
fn read_import(
    body: &Json<'_>,
    mut take_id: impl FnMut(&Json<'_>) -> Result<(), WireError>,
) -> Result<(ImportChange, EchoedState), WireError> {
    let mut change = ImportChange::default();
    let mut state = EchoedState::default();
    // Both versions know the same properties of an import.
    let version = Version::Beta;
    edm::read_object(body, &IMPORT, version, &mut |field, edm: EdmType, json| {
        match field {
            ImportField::Id => take_id(json)?,
            ImportField::GroupTag => {
                change.group_tag = merge_tags(change.group_tag.take(), edm::text(json)?)?;
            }
            ImportField::SerialNumber => change.serial_number = Some(edm::text(json)?),
            ImportField::ProductKey => change.product_key = Some(edm::text(json)?),
            ImportField::ImportId => change.import_id = Some(edm::text(json)?),
            ImportField::HardwareBlob => change.hardware_blob = Some(edm::binary(json)?),
            ImportField::AssignedUserPrincipalName => {
                change.assigned_user_principal_name = Some(edm::text(json)?);
            }
            ImportField::Status => {
                state.status = edm::member(json, edm.name(), ImportStatus::parse)?;
            }
            ImportField::RegisteredDevice => state.device_registration_id = edm::text(json)?,
            ImportField::ErrorCode => state.error_code = edm::int32(json)?,
            ImportField::ErrorName => state.error_name = edm::text(json)?,
        }
        Ok(())
    })?;
    Ok((change, state))
}

/// The group tag has two names. Importers send both, one of them often empty.
fn merge_tags(one: Change<String>, other: Option<String>) -> Result<Change<String>, WireError> {
    let Some(one) = one else {
        return Ok(Some(other));
    };
    let full = |tag: &Option<String>| tag.as_ref().is_some_and(|tag| !tag.is_empty());
    match (full(&one), full(&other)) {
        (true, true) if one != other => Err(WireError::new(Problem::NamesDiffer {
            one: "orderIdentifier",
            other: "groupTag",
        })),
        (true, _) => Ok(Some(one)),
        (false, true) => Ok(Some(other)),
        // Both say "no tag": an empty text is what one of them sent, null only what both did.
        (false, false) => Ok(Some(one.or(other))),
    }
}

/// Reads an id in the one form of a GUID that Graph writes. Nothing, and the zero GUID that
/// typed clients send for it, leave the choice to the server.
pub(super) fn read_id(json: &Json<'_>) -> Result<Option<Uuid>, WireError> {
    const GUID_CHARACTERS: usize = 36;
    let Some(text) = edm::text(json)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // The parser knows other forms too, but none of them is 36 characters long.
    match Uuid::try_parse(&text) {
        Ok(id) if text.len() == GUID_CHARACTERS => Ok((!id.is_nil()).then_some(id)),
        _ => Err(WireError::new(Problem::NotAGuid { literal: text })),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{
            device::DeviceId, directory_error::DirectoryError, hardware_blob::HardwareBlob,
            import::CallId, tenant::TenantId,
        },
        graph::{json::parse, metadata_level::MetadataLevel},
    };

    const SEED_REQUEST: &str = include_str!("../../tests/it/seed/request.json");
    const SEED_RESPONSE: &str = include_str!("../../tests/it/seed/response.json");

    fn create(body: &str) -> Result<ImportRequest, String> {
        read_create(&parse(body).unwrap()).map_err(|error| error.to_string())
    }

    fn change(body: &str) -> Result<ImportChange, String> {
        read_change(&parse(body).unwrap()).map_err(|error| error.to_string())
    }

    fn call(body: &str) -> Result<Vec<ImportRequest>, String> {
        read_import_call(&parse(body).unwrap(), 3).map_err(|error| error.to_string())
    }

    fn import(properties: ImportProperties, state: ImportState) -> Import {
        Import {
            tenant: TenantId(Uuid::from_u128(1)),
            id: ImportId(Uuid::from_u128(0xabc)),
            call: CallId(Uuid::from_u128(3)),
            properties,
            state,
            accepted_at: Timestamp::UNIX_EPOCH,
            version: 0,
        }
    }

    fn context(level: MetadataLevel, behavior: Behavior) -> WriteContext<'static> {
        WriteContext {
            base: "https://hangar.example",
            version: Version::Beta,
            level,
            behavior,
            shown: None,
        }
    }

    fn written(import: &Import, state: StateShown<'_>, context: &WriteContext<'_>) -> String {
        let mut out = Vec::new();
        write_import(&mut out, import, state, context, Place::Entity);
        String::from_utf8(out).unwrap()
    }

    fn seed_import() -> (Import, EchoedState) {
        let request = create(SEED_REQUEST).unwrap();
        (
            import(request.properties, ImportState::Waiting),
            request.state,
        )
    }

    #[test]
    fn the_seeds_request_gives_every_property_of_its_response() {
        let (import, state) = seed_import();
        for version in [Version::Beta, Version::V1] {
            let context = WriteContext {
                version,
                ..context(MetadataLevel::Minimal, Behavior::Documented)
            };
            let answer = written(&import, StateShown::Echoed(&state), &context);
            let Json::Object(ours) = parse(&answer).unwrap() else {
                panic!("an object")
            };
            let Json::Object(seeds) = parse(SEED_RESPONSE).unwrap() else {
                panic!("an object")
            };
            assert_eq!(seeds.len(), 7);
            for (name, value) in seeds {
                let (_, our_value) = ours.iter().find(|(our_name, _)| *our_name == name).unwrap();
                if name != "id" {
                    assert_eq!(*our_value, value, "{name}");
                }
            }
        }
    }

    #[test]
    fn a_post_is_answered_as_documented() {
        let (import, state) = seed_import();
        let echoed = StateShown::Echoed(&state);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::None, Behavior::Documented)), @r#"{"id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":null,"hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"deviceImportStatus":"pending","deviceRegistrationId":"Device Registration Id value","deviceErrorCode":15,"deviceErrorName":"Device Error Name value"}}"#);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::Minimal, Behavior::Documented)), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":null,"hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"pending","deviceRegistrationId":"Device Registration Id value","deviceErrorCode":15,"deviceErrorName":"Device Error Name value"}}"##);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::Full, Behavior::Documented)), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","@odata.etag":"W/\"ZyjATrYmoQQEYRnCYXGRpw\"","@odata.id":"deviceManagement/importedWindowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","@odata.editLink":"deviceManagement/importedWindowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":null,"hardwareIdentifier@odata.type":"#Binary","hardwareIdentifier":"aGFyZHdhcmVJZGVudGlmaWVy","assignedUserPrincipalName":null,"state":{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus","deviceImportStatus":"pending","deviceRegistrationId":"Device Registration Id value","deviceErrorCode@odata.type":"#Int32","deviceErrorCode":15,"deviceErrorName":"Device Error Name value"}}"##);
    }

    #[test]
    fn a_post_is_answered_as_observed() {
        let (import, state) = seed_import();
        let echoed = StateShown::Echoed(&state);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::None, Behavior::Observed)), @r#"{"id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::Minimal, Behavior::Observed)), @r#"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
        insta::assert_snapshot!(written(&import, echoed, &context(MetadataLevel::Full, Behavior::Observed)), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","@odata.etag":"W/\"ZyjATrYmoQQEYRnCYXGRpw\"","@odata.id":"deviceManagement/importedWindowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","@odata.editLink":"deviceManagement/importedWindowsAutopilotDeviceIdentities('00000000-0000-0000-0000-000000000abc')","id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"Order Identifier value","groupTag":"Order Identifier value","serialNumber":"Serial Number value","productKey":"Product Key value","importId":"","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode@odata.type":"#Int32","deviceErrorCode":0,"deviceErrorName":""}}"##);
    }

    #[test]
    fn reads_show_where_an_import_stands() {
        let states = [
            ImportState::Waiting,
            ImportState::Complete(DeviceId(Uuid::from_u128(0xdef))),
            ImportState::Refused(DirectoryError::ZtdDeviceAlreadyAssigned),
        ];
        let [waiting, complete, refused] = states.map(|state| {
            let import = import(ImportProperties::default(), state);
            let context = context(MetadataLevel::None, Behavior::Documented);
            written(&import, StateShown::Stored, &context)
        });
        insta::assert_snapshot!(waiting, @r#"{"id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":null,"hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
        insta::assert_snapshot!(complete, @r#"{"id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":null,"hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"deviceImportStatus":"complete","deviceRegistrationId":"00000000-0000-0000-0000-000000000def","deviceErrorCode":0,"deviceErrorName":"None"}}"#);
        insta::assert_snapshot!(refused, @r#"{"id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":null,"hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"deviceImportStatus":"error","deviceRegistrationId":"","deviceErrorCode":806,"deviceErrorName":"ZtdDeviceAlreadyAssigned"}}"#);
    }

    #[test]
    fn absent_texts_are_empty_on_the_live_service() {
        let import = import(ImportProperties::default(), ImportState::Waiting);
        let observed = WriteContext {
            version: Version::V1,
            ..context(MetadataLevel::Minimal, Behavior::Observed)
        };
        insta::assert_snapshot!(written(&import, StateShown::Stored, &observed), @r#"{"@odata.context":"https://hangar.example/v1.0/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities/$entity","id":"00000000-0000-0000-0000-000000000abc","orderIdentifier":"","groupTag":"","serialNumber":"","productKey":"","importId":"","hardwareIdentifier":null,"assignedUserPrincipalName":"","state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}"#);
    }

    #[test]
    fn an_item_has_no_context_of_its_own() {
        let (import, _) = seed_import();
        let mut out = Vec::new();
        let context = context(MetadataLevel::Full, Behavior::Documented);
        write_import(&mut out, &import, StateShown::Stored, &context, Place::Item);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("{\"@odata.type\":\"#microsoft.graph.imported"));
        assert!(!text.contains("@odata.context"));
    }

    #[test]
    fn the_most_used_scripts_body_is_read() {
        let request = create(
            "{\r\n\"@odata.type\": \"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\r\n\
             \"groupTag\": \"\",\r\n\"serialNumber\": \"S\",\r\n\"productKey\": \"\",\r\n\
             \"hardwareIdentifier\": \"aGE=\",\r\n\"assignedUserPrincipalName\": \"\",\r\n\
             \"state\": {\r\n\"@odata.type\": \"microsoft.graph.importedWindowsAutopilotDeviceIdentityState\",\r\n\
             \"deviceImportStatus\": \"pending\",\r\n\"deviceRegistrationId\": \"\",\r\n\
             \"deviceErrorCode\": 0,\r\n\"deviceErrorName\": \"\"\r\n}\r\n}\r\n",
        )
        .unwrap();
        assert_eq!(request.id, None);
        assert_eq!(request.state.status, ImportStatus::Pending);
        assert_eq!(
            request.properties,
            ImportProperties {
                group_tag: Some(String::new()),
                serial_number: Some("S".into()),
                product_key: Some(String::new()),
                import_id: None,
                hardware_blob: HardwareBlob::new(b"ha".to_vec()),
                assigned_user_principal_name: Some(String::new()),
            }
        );
    }

    #[test]
    fn an_empty_object_is_an_import() {
        let request = create("{}").unwrap();
        assert_eq!(request.properties, ImportProperties::default());
        assert_eq!(request.state, EchoedState::default());
        assert_eq!(request.id, None);
    }

    #[test]
    fn ids_have_one_form_in_any_letter_case() {
        let chosen = Some(ImportId(
            "985b4f49-4f49-985b-494f-5b98494f5b98".parse().unwrap(),
        ));
        let cases = [
            ("null", None),
            ("\"\"", None),
            ("\"00000000-0000-0000-0000-000000000000\"", None),
            ("\"985b4f49-4f49-985b-494f-5b98494f5b98\"", chosen),
            ("\"985B4F49-4f49-985B-494F-5B98494F5B98\"", chosen),
        ];
        for (id, expected) in cases {
            assert_eq!(create(&format!("{{\"id\":{id}}}")).unwrap().id, expected);
        }
        for id in [
            "x",
            " ",
            "985b4f494f49985b494f5b98494f5b98",
            "{985b4f49-4f49-985b-494f-5b98494f5b98}",
            "985b4f49-4f49-985b-494f-5b98494f5b98 ",
            "985b4f49-4f49-985b-494f-5b98494f5b9g",
        ] {
            assert_eq!(
                create(&format!("{{\"id\":\"{id}\"}}")),
                Err(format!(
                    "The value '{id}' is not a GUID of 36 characters. Property: 'id'."
                ))
            );
        }
    }

    #[test]
    fn the_import_id_defaults_to_the_id() {
        let fresh = Uuid::from_u128(7);
        let mut request = create("{}").unwrap();
        assert_eq!(request.settle_id(fresh), ImportId(fresh));
        assert_eq!(request.properties.import_id, Some(fresh.to_string()));

        let mut request =
            create("{\"id\":\"985B4F49-4F49-985B-494F-5B98494F5B98\",\"importId\":\"mine\"}")
                .unwrap();
        assert_ne!(request.settle_id(fresh), ImportId(fresh));
        assert_eq!(request.properties.import_id.as_deref(), Some("mine"));
    }

    #[test]
    fn the_group_tag_has_two_names() {
        let tag = |text: &str| Some(text.to_owned());
        let cases = [
            ("{\"groupTag\":\"a\"}", Some(tag("a"))),
            ("{\"orderIdentifier\":\"a\"}", Some(tag("a"))),
            (
                "{\"orderIdentifier\":\"a\",\"groupTag\":\"a\"}",
                Some(tag("a")),
            ),
            (
                "{\"orderIdentifier\":\"a\",\"groupTag\":\"\"}",
                Some(tag("a")),
            ),
            (
                "{\"orderIdentifier\":null,\"groupTag\":\"a\"}",
                Some(tag("a")),
            ),
            (
                "{\"groupTag\":\"\",\"orderIdentifier\":\"a\"}",
                Some(tag("a")),
            ),
            (
                "{\"orderIdentifier\":\"\",\"groupTag\":null}",
                Some(tag("")),
            ),
            (
                "{\"orderIdentifier\":null,\"groupTag\":\"\"}",
                Some(tag("")),
            ),
            (
                "{\"orderIdentifier\":\"\",\"groupTag\":\"\"}",
                Some(tag("")),
            ),
            ("{\"orderIdentifier\":null,\"groupTag\":null}", Some(None)),
            ("{\"groupTag\":null}", Some(None)),
            ("{}", None),
        ];
        for (body, expected) in cases {
            let created = create(body).unwrap().properties.group_tag;
            assert_eq!(created, expected.clone().flatten(), "{body}");
            assert_eq!(change(body).unwrap().group_tag, expected, "{body}");
        }
        let both = "{\"orderIdentifier\":\"a\",\"groupTag\":\"b\"}";
        let differ = "'orderIdentifier' and 'groupTag' are two names of one value and must not differ. Property: 'groupTag'.";
        assert_eq!(create(both), Err(differ.to_owned()));
        assert_eq!(change(both), Err(differ.to_owned()));
    }

    #[test]
    fn missing_members_of_a_state_have_their_defaults() {
        let state = |body: &str| create(&format!("{{\"state\":{body}}}")).map(|read| read.state);
        assert_eq!(state("null"), Ok(EchoedState::default()));
        assert_eq!(state("{}"), Ok(EchoedState::default()));
        assert_eq!(
            state("{\"deviceErrorCode\":15,\"deviceErrorName\":null}"),
            Ok(EchoedState {
                error_code: 15,
                error_name: None,
                ..EchoedState::default()
            })
        );
        for name in ["unknown", "pending", "partial", "complete", "error"] {
            let read = state(&format!("{{\"deviceImportStatus\":\"{name}\"}}")).unwrap();
            assert_eq!(read.status.name(), name);
        }
    }

    #[test]
    fn annotations_mean_nothing_except_the_type() {
        let bodies = [
            "{\"@odata.type\":\"microsoft.graph.importedWindowsAutopilotDeviceIdentity\"}",
            "{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\"}",
            "{\"state\":{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentityState\"}}",
            "{\"@odata.context\":1,\"@x\":{},\"hardwareIdentifier@odata.type\":\"#Binary\",\"y@z\":null}",
        ];
        for body in bodies {
            assert_eq!(create(body), create("{}"), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_by_name() {
        let cases = [
            (
                "[]",
                "Cannot convert a JSON array to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'.",
            ),
            (
                "null",
                "Cannot convert a JSON null to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'.",
            ),
            (
                "{\"SerialNumber\":\"S\"}",
                "The property 'SerialNumber' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Make sure to only use property names that are defined by the type.",
            ),
            (
                "{\"state\":{\"x\":1}}",
                "The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'. Make sure to only use property names that are defined by the type. Property: 'state.x'.",
            ),
            (
                "{\"@odata.type\":\"#microsoft.graph.windowsAutopilotDeviceIdentity\"}",
                "The type must be 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Property: '@odata.type'.",
            ),
            (
                "{\"@odata.type\":1}",
                "Cannot convert a JSON number to the expected type 'Edm.String'. Property: '@odata.type'.",
            ),
            (
                "{\"state\":{\"@odata.type\":\"x\"}}",
                "The type must be 'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'. Property: 'state.@odata.type'.",
            ),
            (
                "{\"serialNumber\":5}",
                "Cannot convert a JSON number to the expected type 'Edm.String'. Property: 'serialNumber'.",
            ),
            (
                "{\"id\":true}",
                "Cannot convert a JSON boolean to the expected type 'Edm.String'. Property: 'id'.",
            ),
            (
                "{\"hardwareIdentifier\":[1]}",
                "Cannot convert a JSON array to the expected type 'Edm.Binary'. Property: 'hardwareIdentifier'.",
            ),
            (
                "{\"hardwareIdentifier\":\"!\"}",
                "Cannot convert the literal '!' to the expected type 'Edm.Binary'. Property: 'hardwareIdentifier'.",
            ),
            (
                "{\"productKey\":\"a\\u0000\"}",
                "The value holds the character U+0000. Property: 'productKey'.",
            ),
            (
                "{\"state\":\"pending\"}",
                "Cannot convert a JSON string to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'. Property: 'state'.",
            ),
            (
                "{\"state\":{\"deviceErrorCode\":2147483648}}",
                "Cannot convert the literal '2147483648' to the expected type 'Edm.Int32'. Property: 'state.deviceErrorCode'.",
            ),
            (
                "{\"state\":{\"deviceErrorCode\":null}}",
                "Cannot convert a JSON null to the expected type 'Edm.Int32'. Property: 'state.deviceErrorCode'.",
            ),
            (
                "{\"state\":{\"deviceImportStatus\":\"Pending\"}}",
                "Cannot convert the literal 'Pending' to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus'. Property: 'state.deviceImportStatus'.",
            ),
            (
                "{\"state\":{\"deviceImportStatus\":1}}",
                "Cannot convert a JSON number to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus'. Property: 'state.deviceImportStatus'.",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(create(body), Err(message.to_owned()), "{body}");
            assert_eq!(change(body), Err(message.to_owned()), "{body}");
        }
        let long = format!("{{\"groupTag\":\"{}\"}}", "ä".repeat(1_025));
        assert_eq!(
            create(&long),
            Err("The value is longer than 1024 characters. Property: 'groupTag'.".to_owned())
        );
    }

    #[test]
    fn a_call_names_its_rows() {
        let with = |rows: &str| call(&format!("{{\"{IMPORT_PARAMETER}\":{rows}}}"));
        assert_eq!(with("[]"), Ok(Vec::new()));
        let rows = with("[{\"serialNumber\":\"a\"},{},{\"serialNumber\":\"c\"}]").unwrap();
        let serials: Vec<_> = rows
            .iter()
            .map(|row| row.properties.serial_number.as_deref())
            .collect();
        assert_eq!(serials, [Some("a"), None, Some("c")]);
        assert!(
            call(&format!(
                "{{\"@odata.type\":\"x\",\"{IMPORT_PARAMETER}\":[]}}"
            ))
            .is_ok()
        );

        let at = "importedWindowsAutopilotDeviceIdentities";
        let cases = [
            (
                "[{},{},{},{}]",
                format!("The collection holds more than 3 items. Property: '{at}'."),
            ),
            (
                "{}",
                format!(
                    "Cannot convert a JSON object to the expected type 'Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)'. Property: '{at}'."
                ),
            ),
            (
                "null",
                format!(
                    "Cannot convert a JSON null to the expected type 'Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)'. Property: '{at}'."
                ),
            ),
            (
                "[{},1]",
                format!(
                    "Cannot convert a JSON number to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Property: '{at}[1]'."
                ),
            ),
            (
                "[{},{\"serialNumber\":1}]",
                format!(
                    "Cannot convert a JSON number to the expected type 'Edm.String'. Property: '{at}[1].serialNumber'."
                ),
            ),
            (
                "[{\"hardwareIdentifier\":\"!\"}]",
                format!(
                    "Cannot convert the literal '!' to the expected type 'Edm.Binary'. Property: '{at}[0].hardwareIdentifier'."
                ),
            ),
            (
                "[{\"x\":1}]",
                format!(
                    "The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Make sure to only use property names that are defined by the type. Property: '{at}[0].x'."
                ),
            ),
            (
                "[{\"state\":{\"deviceErrorCode\":\"\"}}]",
                format!(
                    "Cannot convert a JSON string to the expected type 'Edm.Int32'. Property: '{at}[0].state.deviceErrorCode'."
                ),
            ),
        ];
        for (rows, message) in cases {
            assert_eq!(with(rows), Err(message), "{rows}");
        }
        assert_eq!(call("{}"), Err(format!("The parameter '{at}' is missing.")));
        assert_eq!(
            call("{\"devices\":[]}"),
            Err("The parameter 'devices' is not defined for this action.".to_owned())
        );
        assert!(call("[]").is_err());
    }

    #[test]
    fn a_change_names_what_it_names() {
        let read = change(
            "{\"id\":\"anything\",\"serialNumber\":null,\"hardwareIdentifier\":\"\",\"importId\":\"i\",\
             \"state\":{\"deviceImportStatus\":\"error\"}}",
        );
        assert_eq!(
            read,
            Ok(ImportChange {
                serial_number: Some(None),
                hardware_blob: Some(None),
                import_id: Some(Some("i".into())),
                ..ImportChange::default()
            })
        );
        assert_eq!(change("{}"), Ok(ImportChange::default()));
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        let character = any::<char>().prop_filter("U+0000 is refused", |found| *found != '\0');
        proptest::option::of(
            proptest::collection::vec(character, 0..30).prop_map(String::from_iter),
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(
            texts in [text(), text(), text(), text(), text()],
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            zeros in 0_usize..9,
        ) {
            let [group_tag, serial_number, product_key, import_id, assigned_user_principal_name] = texts;
            let mut bytes = bytes;
            bytes.resize(bytes.len() + zeros, 0);
            let properties = ImportProperties {
                group_tag,
                serial_number,
                product_key,
                import_id,
                hardware_blob: HardwareBlob::new(bytes),
                assigned_user_principal_name,
            };
            let import = import(properties, ImportState::Waiting);
            for level in [MetadataLevel::None, MetadataLevel::Minimal, MetadataLevel::Full] {
                let body = written(&import, StateShown::Stored, &context(level, Behavior::Documented));
                let read = create(&body).unwrap();
                prop_assert_eq!(read.id, Some(import.id));
                prop_assert_eq!(&read.properties, &import.properties);
                let mut patched = import.clone();
                patched.apply(change(&body).unwrap()).unwrap();
                prop_assert_eq!(&patched.properties, &import.properties);
            }
        }
    }
}
