//! Uploads on the wire: `importedWindowsAutopilotDeviceIdentityUpload`, read and written, with the
//! imports in it where they are sent along or asked for.

use crate::domain::{
    field::UploadField,
    import::Import,
    revision::Revision,
    upload::{Upload, UploadId, UploadStatus},
};

use super::{
    collection::{Expanded, write_expanded},
    edm,
    entity::{Head, Place, Typing, Value, WriteContext, begin_entity, write_properties},
    enumeration::{UPLOAD_STATUS, word},
    import::{ImportRequest, read_create, read_id, write_import},
    import_state::StateShown,
    json::Json,
    json_writer::ObjectWriter,
    list_query::Shown,
    schema::{EdmType, EntitySet, UPLOAD, UPLOAD_IMPORTS},
    version::Version,
    wire_error::{Problem, WireError},
};

/// What a client asks for in a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    /// The id that the client chose, if it chose one.
    pub id: Option<UploadId>,
    /// The imports that it sends along, if it says anything of them.
    pub imports: Option<Vec<ImportRequest>>,
}

/// The imports that an upload is shown with.
#[derive(Clone, Debug, Default)]
pub struct Expansion<'a> {
    /// As many as are shown, each with the state that it is shown with.
    pub imports: Vec<(&'a Import, StateShown<'a>)>,
    /// How many there are in all, where that was asked.
    pub count: Option<u64>,
    /// Where the others are.
    pub next_link: Option<&'a str>,
    /// What of each is shown; absent, everything.
    pub shown: Option<&'a Shown>,
}

/// Reads the body of a POST, with at most `max` imports. What it says of status and date must be
/// well typed and means nothing: both are the server's.
pub fn read_create_upload(body: Json<'_>, max: usize) -> Result<UploadRequest, WireError> {
    let (upload, rows) = take_imports(body);
    let mut id = None;
    read_upload(&upload, |json| {
        id = read_id(json)?.map(UploadId);
        Ok(())
    })?;
    let imports = rows.map(|rows| read_imports(&rows, max)).transpose()?;
    Ok(UploadRequest { id, imports })
}

/// Reads the body of a PATCH: all that it may say must be well typed and means nothing.
pub fn read_upload_change(body: Json<'_>) -> Result<(), WireError> {
    let (upload, rows) = take_imports(body);
    if rows.is_some() {
        return Err(WireError::at(UPLOAD_IMPORTS, Problem::NotChangedHere));
    }
    read_upload(&upload, |json| edm::text(json).map(drop))
}

/// Names the state that an upload is shown in, the imports in it included where they are shown.
pub fn upload_revision(upload: &Upload, expansion: Option<&Expansion<'_>>) -> Revision {
    let Some(expansion) = expansion else {
        return upload.revision();
    };
    let imports = expansion.imports.iter();
    let shown: Vec<u8> = imports
        .flat_map(|(import, _)| *import.revision().as_bytes())
        .collect();
    let goes_on = u8::from(expansion.next_link.is_some());
    upload.revision().shown_with(&[&shown, &[goes_on]])
}

/// Writes one upload, with imports in it if it is to be shown with any.
pub fn write_upload(
    out: &mut Vec<u8>,
    upload: &Upload,
    expansion: Option<&Expansion<'_>>,
    context: &WriteContext<'_>,
    place: Place,
) {
    let value_of = |field| match field {
        UploadField::Id => Value::Guid(upload.id.0),
        UploadField::CreatedAt => Value::Instant(upload.created_at),
        UploadField::Status => Value::Plain(status_name(upload.status)),
    };
    let head = Head {
        set: EntitySet::Uploads.name(),
        type_name: UPLOAD.name,
        typing: Typing::ByContext,
        key: &upload.id,
        revision: Some(&|| upload_revision(upload, expansion)),
    };
    let mut object = begin_entity(out, &head, context, place);
    write_properties(&mut object, &UPLOAD, context, "", &value_of);
    if let Some(expansion) = expansion {
        write_expansion(&mut object, expansion, context);
    }
    object.end();
}

fn write_expansion(
    object: &mut ObjectWriter<'_>,
    expansion: &Expansion<'_>,
    context: &WriteContext<'_>,
) {
    let context = &WriteContext {
        shown: expansion.shown,
        ..*context
    };
    let expanded = Expanded {
        name: UPLOAD_IMPORTS,
        path: EntitySet::Imports.name(),
        count: expansion.count,
        next_link: expansion.next_link,
    };
    let items = expansion.imports.iter().map(|(import, state)| {
        move |out: &mut Vec<u8>| write_import(out, import, *state, context, Place::Item)
    });
    write_expanded(object, &expanded, context, items);
}

/// Graph: importedWindowsAutopilotDeviceIdentityUploadStatus.
fn status_name(status: UploadStatus) -> &'static str {
    let number = match status {
        UploadStatus::NoUpload => 0,
        UploadStatus::Pending => 1,
        UploadStatus::Complete => 2,
        UploadStatus::Error => 3,
    };
    word(&UPLOAD_STATUS, number)
}

fn parse_status(name: &str) -> Option<UploadStatus> {
    [
        UploadStatus::NoUpload,
        UploadStatus::Pending,
        UploadStatus::Complete,
        UploadStatus::Error,
    ]
    .into_iter()
    .find(|status| status_name(*status) == name)
}

/// Takes the imports out of an upload's body: they are no property of it.
fn take_imports(body: Json<'_>) -> (Json<'_>, Option<Json<'_>>) {
    let Json::Object(mut members) = body else {
        return (body, None);
    };
    let place = members.iter().position(|(name, _)| name == UPLOAD_IMPORTS);
    let imports = place.map(|place| members.remove(place).1);
    (Json::Object(members), imports)
}

fn read_upload(
    body: &Json<'_>,
    mut take_id: impl FnMut(&Json<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    edm::read_object(
        body,
        &UPLOAD,
        // No other version has uploads.
        Version::Beta,
        &mut |field, edm: EdmType, json| match field {
            UploadField::Id => take_id(json),
            UploadField::CreatedAt => edm::check_instant(json),
            UploadField::Status => edm::member(json, edm.name(), parse_status).map(drop),
        },
    )
}

fn read_imports(rows: &Json<'_>, max: usize) -> Result<Vec<ImportRequest>, WireError> {
    let rows = match rows {
        Json::Array(rows) => rows,
        other => {
            return Err(edm::wrong_type(
                other,
                "Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)",
            )
            .within(UPLOAD_IMPORTS));
        }
    };
    if rows.len() > max {
        return Err(WireError::at(UPLOAD_IMPORTS, Problem::TooMany { max }));
    }
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            read_create(row).map_err(|error| error.within(&format!("{UPLOAD_IMPORTS}[{index}]")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{
            import::{CallId, ImportId, ImportProperties, ImportState},
            tenant::TenantId,
        },
        graph::{behavior::Behavior, json::parse, metadata_level::MetadataLevel, version::Version},
    };

    fn create(body: &str) -> Result<UploadRequest, String> {
        read_create_upload(parse(body).unwrap(), 2).map_err(|error| error.to_string())
    }

    #[test]
    fn an_upload_is_read_with_its_imports() {
        let bare = UploadRequest {
            id: None,
            imports: None,
        };
        assert_eq!(create("{}"), Ok(bare.clone()));
        let sample = "{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload\",\
            \"createdDateTimeUtc\":\"2016-12-31T23:58:46.7156189-08:00\",\"status\":\"pending\"}";
        assert_eq!(create(sample), Ok(bare));
        let read = create(
            "{\"id\":\"985B4f49-4f49-985b-494f-5b98494f5b98\",\"deviceIdentities\":[{\"serialNumber\":\"S\"},{}]}",
        )
        .unwrap();
        assert_eq!(
            read.id.unwrap().to_string(),
            "985b4f49-4f49-985b-494f-5b98494f5b98"
        );
        let serials: Vec<_> = read
            .imports
            .unwrap()
            .into_iter()
            .map(|row| row.properties.serial_number)
            .collect();
        assert_eq!(serials, [Some("S".to_owned()), None]);
        assert_eq!(
            create("{\"deviceIdentities\":[]}").unwrap().imports,
            Some(Vec::new())
        );
    }

    #[test]
    fn what_is_no_upload_is_told() {
        let cases = [
            (
                "[]",
                "Cannot convert a JSON array to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload'.",
            ),
            (
                "{\"id\":\"x\"}",
                "The value 'x' is not a GUID of 36 characters. Property: 'id'.",
            ),
            (
                "{\"status\":\"unknown\"}",
                "Cannot convert the literal 'unknown' to the expected type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityUploadStatus'. Property: 'status'.",
            ),
            (
                "{\"createdDateTimeUtc\":\"today\"}",
                "Cannot convert the literal 'today' to the expected type 'Edm.DateTimeOffset'. Property: 'createdDateTimeUtc'.",
            ),
            (
                "{\"createdDateTimeUtc\":1}",
                "Cannot convert a JSON number to the expected type 'Edm.DateTimeOffset'. Property: 'createdDateTimeUtc'.",
            ),
            (
                "{\"x\":1}",
                "The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload'. Make sure to only use property names that are defined by the type.",
            ),
            (
                "{\"deviceIdentities\":{}}",
                "Cannot convert a JSON object to the expected type 'Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)'. Property: 'deviceIdentities'.",
            ),
            (
                "{\"deviceIdentities\":[{},{},{}]}",
                "The collection holds more than 2 items. Property: 'deviceIdentities'.",
            ),
            (
                "{\"deviceIdentities\":[{},{\"x\":1}]}",
                "The property 'x' does not exist on type 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Make sure to only use property names that are defined by the type. Property: 'deviceIdentities[1].x'.",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(create(body), Err(message.to_owned()), "{body}");
        }
        let change = |body: &str| {
            read_upload_change(parse(body).unwrap()).map_err(|error| error.to_string())
        };
        assert_eq!(
            change(
                "{\"id\":\"x\",\"status\":\"error\",\"createdDateTimeUtc\":\"2016-12-31T23:58:46Z\"}"
            ),
            Ok(())
        );
        assert!(change("{\"createdDateTimeUtc\":null}").is_err());
        assert!(change("{\"status\":1}").is_err());
        assert_eq!(
            change("{\"deviceIdentities\":[]}"),
            Err("The collection can't be changed here: use its own address. Property: 'deviceIdentities'.".to_owned())
        );
    }

    #[test]
    fn an_upload_is_written_with_and_without_its_imports() {
        let upload = Upload {
            tenant: TenantId(Uuid::from_u128(1)),
            id: UploadId(Uuid::from_u128(0xabc)),
            created_at: "2026-01-02T03:04:05.67Z".parse().unwrap(),
            status: UploadStatus::NoUpload,
        };
        let import = Import {
            tenant: upload.tenant,
            id: ImportId(Uuid::from_u128(0xdef)),
            call: CallId(Uuid::from_u128(3)),
            properties: ImportProperties::default(),
            state: ImportState::Waiting,
            accepted_at: Timestamp::UNIX_EPOCH,
            version: 0,
        };
        let expansion = Expansion {
            imports: vec![(&import, StateShown::Stored)],
            next_link: Some("https://hangar.example/x"),
            ..Expansion::default()
        };
        let written = |level, expansion| {
            let context = WriteContext {
                base: "https://hangar.example",
                version: Version::Beta,
                level,
                behavior: Behavior::Documented,
                shown: None,
            };
            let mut out = Vec::new();
            write_upload(&mut out, &upload, expansion, &context, Place::Entity);
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(written(MetadataLevel::Minimal, None), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload","id":"00000000-0000-0000-0000-000000000abc","createdDateTimeUtc":"2026-01-02T03:04:05.67Z","status":"noUpload"}"##);
        insta::assert_snapshot!(written(MetadataLevel::Minimal, Some(&expansion)), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload","id":"00000000-0000-0000-0000-000000000abc","createdDateTimeUtc":"2026-01-02T03:04:05.67Z","status":"noUpload","deviceIdentities@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentities","deviceIdentities@odata.nextLink":"https://hangar.example/x","deviceIdentities":[{"@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentity","id":"00000000-0000-0000-0000-000000000def","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":null,"hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"@odata.type":"microsoft.graph.importedWindowsAutopilotDeviceIdentityState","deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"##);
        insta::assert_snapshot!(written(MetadataLevel::None, Some(&expansion)), @r##"{"id":"00000000-0000-0000-0000-000000000abc","createdDateTimeUtc":"2026-01-02T03:04:05.67Z","status":"noUpload","deviceIdentities@odata.nextLink":"https://hangar.example/x","deviceIdentities":[{"id":"00000000-0000-0000-0000-000000000def","orderIdentifier":null,"groupTag":null,"serialNumber":null,"productKey":null,"importId":null,"hardwareIdentifier":null,"assignedUserPrincipalName":null,"state":{"deviceImportStatus":"unknown","deviceRegistrationId":"","deviceErrorCode":0,"deviceErrorName":""}}]}"##);
        insta::assert_snapshot!(written(MetadataLevel::Full, None), @r##"{"@odata.context":"https://hangar.example/beta/$metadata#deviceManagement/importedWindowsAutopilotDeviceIdentityUploads/$entity","@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUpload","@odata.etag":"W/\"Dh_TFFNTsZeIWAFnqo5hBg\"","@odata.id":"deviceManagement/importedWindowsAutopilotDeviceIdentityUploads('00000000-0000-0000-0000-000000000abc')","@odata.editLink":"deviceManagement/importedWindowsAutopilotDeviceIdentityUploads('00000000-0000-0000-0000-000000000abc')","id":"00000000-0000-0000-0000-000000000abc","createdDateTimeUtc@odata.type":"#DateTimeOffset","createdDateTimeUtc":"2026-01-02T03:04:05.67Z","status@odata.type":"#microsoft.graph.importedWindowsAutopilotDeviceIdentityUploadStatus","status":"noUpload"}"##);
    }
}
