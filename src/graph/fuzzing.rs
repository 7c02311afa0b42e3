//! Bodies for fuzzers: each takes any bytes, and only a fault of ours makes it panic.

use jiff::Timestamp;
use odata::Value;
use uuid::Uuid;

use crate::domain::{
    device::{Device, DeviceId, DeviceProperties},
    identity::LedgerEntryId,
    import::{CallId, Import, ImportId, ImportState},
    profile::{Profile, ProfileId},
    revision::{Revision, Revisions},
    tenant::TenantId,
};

use super::{
    action::UNASSIGN_USER,
    assignment,
    batch::{
        AnswerBody, close_answers, close_part, open_answers, open_part, read_batch, read_target,
    },
    behavior::Behavior,
    device::{ProfileShown, write_device},
    device_change::{
        read_assign_resource_account, read_assign_user, read_delete_devices, read_device,
        read_nothing, read_update_properties,
    },
    entity::{Place, WriteContext},
    etag::{Comparison, read_tags, spell},
    import::{ImportRequest, read_change, read_create, read_import_call, write_import},
    import_state::StateShown,
    json::{Json, parse},
    lenient_json::quote_names,
    list_query::{ListQuery, read_list_query},
    metadata_level::MetadataLevel,
    nested::{Refused, address_query, read_nested},
    profile,
    query::{next_link, read_no_options},
    schema::EntitySet,
    settings,
    skip_token::{PageEnd, Paging, open, seal},
    text::decode_body,
    upload::{read_create_upload, read_upload_change},
    version::Version,
    vocabulary,
};

/// Reads a body as every operation on imports does. What reads as an import is written and read
/// again.
///
/// # Panics
///
/// Where the second reading differs from the first.
pub fn fuzz_import_body(bytes: &[u8]) {
    let headers = [
        ("application/json", Behavior::Documented),
        ("application/json", Behavior::Observed),
        ("application/json;charset=utf-16le", Behavior::Documented),
    ];
    for (content_type, behavior) in headers {
        let Ok(text) = decode_body(bytes, Some(content_type), behavior) else {
            continue;
        };
        let Ok(json) = parse(&text) else {
            continue;
        };
        // A change has no written form of its own to compare with.
        drop(read_change(&json));
        drop(read_create_upload(json.clone(), 1_000));
        drop(read_upload_change(json.clone()));
        let rows = read_import_call(&json, 1_000).unwrap_or_default();
        for request in rows.into_iter().chain(read_create(&json).ok()) {
            for level in [
                MetadataLevel::None,
                MetadataLevel::Minimal,
                MetadataLevel::Full,
            ] {
                let again = read_create(&parse(&written(&request, level)).expect("our own JSON"))
                    .expect("our own import");
                assert_eq!(again.properties, request.properties);
                assert_eq!(again.state, request.state);
            }
        }
    }
}

/// Reads a body as a batch, and where its parts go. What reads as a batch is answered.
///
/// # Panics
///
/// Where a part depends on a later one, leads to another server, or spoils the answer's JSON.
pub fn fuzz_batch(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    drop(read_target(&text, "http://hangar.example", Version::Beta));
    let Ok(json) = parse(&text) else {
        return;
    };
    for behavior in [Behavior::Documented, Behavior::Observed] {
        let Ok(parts) = read_batch(&json, behavior) else {
            continue;
        };
        let mut out = Vec::new();
        open_answers(&mut out);
        for (place, part) in parts.iter().enumerate() {
            assert!(part.parent.is_none_or(|parent| parent < place));
            if let Ok(target) = read_target(&part.url, "http://hangar.example", Version::V1) {
                assert!(target.path.starts_with('/') && target.path.is_ascii());
            }
            let headers = part.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
            open_part(&mut out, place, &part.id, 200, headers);
            let body = part.body.as_deref().unwrap_or_default();
            // Only what is JSON stands as it is.
            let content_type = match std::str::from_utf8(body).map(parse) {
                Ok(Ok(_)) => "application/json",
                Ok(Err(_)) => "text/plain",
                Err(_) => "text/plain;charset=iso-8859-1",
            };
            AnswerBody::new(Some(content_type), body).write(&mut out);
            close_part(&mut out);
        }
        close_answers(&mut out);
        let _: serde_json::Value = serde_json::from_slice(&out).expect("our own JSON");
    }
}

/// Reads a body as every operation on devices does, and as names without quotes. What reads as a
/// device is written and read again.
///
/// # Panics
///
/// Where the second reading differs from the first, or JSON does not come back as it is.
pub fn fuzz_device_body(bytes: &[u8]) {
    let Ok(text) = decode_body(bytes, Some("application/json"), Behavior::Observed) else {
        return;
    };
    let quoted = quote_names(&text);
    if parse(&text).is_ok() {
        assert_eq!(quoted, text);
    }
    let Ok(json) = parse(&quoted) else {
        return;
    };
    for version in [Version::Beta, Version::V1] {
        drop(read_assign_user(&json, version));
        drop(read_assign_resource_account(&json, version));
        drop(read_nothing(&json, &UNASSIGN_USER, version));
        drop(read_delete_devices(&json, version, 1_000));
        drop(read_update_properties(&json, version));
        let Ok(change) = read_device(&json, version, None) else {
            continue;
        };
        let device = Device {
            tenant: TenantId(Uuid::from_u128(1)),
            id: DeviceId(Uuid::from_u128(2)),
            properties: DeviceProperties::of(change),
            ledger_entry: LedgerEntryId(Uuid::from_u128(3)),
            registered_at: Timestamp::UNIX_EPOCH,
            direct_profile: None,
            targeted_at: Timestamp::UNIX_EPOCH,
            version: 0,
        };
        let shown = ProfileShown::default();
        for level in [MetadataLevel::Minimal, MetadataLevel::Full] {
            let mut out = Vec::new();
            let context = context(version, level);
            write_device(&mut out, &device, &shown, &context, Place::Entity);
            let written = String::from_utf8(out).expect("our own text");
            let json = parse(&written).expect("our own JSON");
            let again = read_device(&json, version, None).expect("our own device");
            let mut same = device.clone();
            same.apply(again, Timestamp::UNIX_EPOCH)
                .expect("what was read is no change");
            assert_eq!(same.properties, device.properties);
        }
    }
}

/// Reads a header as a list of entity tags, and one of ours among them.
///
/// # Panics
///
/// Where ours is not found.
pub fn fuzz_etags(bytes: &[u8]) {
    let ours = Revision::of(&[bytes]);
    for comparison in [Comparison::Exact, Comparison::Weak] {
        if read_tags(bytes, comparison).is_none_or(|tags| tags == Revisions::Any) {
            continue;
        }
        let list = [bytes, b",", spell(ours).as_bytes()].concat();
        let tags = read_tags(&list, comparison).expect("a list and a tag");
        assert!(tags.include(ours));
    }
}

/// Reads a query string as both versions do. What reads as a page's options is put in a link and
/// read again.
///
/// # Panics
///
/// Where the second reading differs from the first.
pub fn fuzz_query(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    for version in [Version::Beta, Version::V1] {
        drop(read_no_options(Some(&query), version));
        fuzz_nested(&query, version);
        let read = |query: Option<&str>| {
            read_list_query(query, version, vocabulary::imports(version), &[])
        };
        let Ok(list) = read(Some(&query)) else {
            continue;
        };
        let link = next_link("https://hangar.example/x", Some(&query), "token");
        let again = read(link.split_once('?').map(|(_, query)| query)).expect("our own link");
        let (options, again) = (list.page, again.page);
        assert_eq!((again.top, again.count), (options.top, options.count));
        assert_eq!(
            (again.skip, again.skip_token.as_deref()),
            (0, Some("token"))
        );
    }
}

/// Reads what is asked of the imports in uploads, by the upload and by their own address.
fn fuzz_nested(query: &str, version: Version) {
    let imports = vocabulary::imports(version);
    let uploads = vocabulary::uploads(version);
    let Ok(list) = read_list_query(Some(query), version, uploads, &[]) else {
        return;
    };
    for item in &list.shown.expand.items {
        let Ok(nested) = read_nested(item, Some(query), version, imports, Refused::NOTHING) else {
            continue;
        };
        let address = address_query(item, Some(query), version).expect("it was read before");
        let own = read_list_query(Some(&address), version, imports, &[]).expect("our own link");
        assert_eq!(own.question(), nested.question());
        assert_eq!(own.shown.select, nested.shown.select);
        let page = |list: &ListQuery<_>| (list.page.top, list.page.count);
        assert_eq!(page(&own), page(&nested));
    }
}

/// Reads a body as every operation on profiles and settings does. What reads as a profile is written
/// and read again.
///
/// # Panics
///
/// Where the second reading makes another profile than the first.
pub fn fuzz_profile_body(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(json) = parse(&text) else {
        return;
    };
    drop(profile::read_change(&json));
    drop(settings::read_change(&json));
    drop(settings::read_sync(&json));
    drop(assignment::read_target(&json));
    drop(assignment::read_assign(&json));
    drop(assignment::read_payload_ids(&json));
    let read = |json: &Json<'_>| {
        let (kind, said) = profile::read_create(json).ok()?;
        let tenant = TenantId(Uuid::from_u128(1));
        let id = ProfileId(Uuid::from_u128(2));
        Profile::new((tenant, id, kind), said, Timestamp::UNIX_EPOCH).ok()
    };
    let Some(made) = read(&json) else {
        return;
    };
    let context = WriteContext {
        base: "https://hangar.example",
        version: Version::Beta,
        level: MetadataLevel::Full,
        behavior: Behavior::Documented,
        shown: None,
    };
    let mut out = Vec::new();
    profile::write_profile(&mut out, &made, None, &context, Place::Entity);
    let written = String::from_utf8(out).expect("our own text");
    let again = read(&parse(&written).expect("our own JSON"));
    assert_eq!(again.as_ref(), Some(&made));
}

/// Opens a skip token, and one of ours after it.
///
/// # Panics
///
/// Where a token opens that was not sealed, or one that was does not.
pub fn fuzz_skip_token(bytes: &[u8]) {
    let key = [0x5a; 32];
    let mut id = [0; 16];
    id.iter_mut()
        .zip(bytes)
        .for_each(|(place, byte)| *place = *byte);
    let text = String::from_utf8_lossy(bytes);
    let paging = Paging {
        collection: EntitySet::Imports.name(),
        tenant: TenantId(Uuid::from_u128(1)),
        version: Version::Beta,
        question: "",
    };
    let end = PageEnd {
        keys: vec![Value::Null, Value::Text(text.clone().into_owned().into())],
        id: Uuid::from_bytes(id),
    };
    if let Ok(token) = seal(&key, &paging, &end) {
        assert_eq!(open(&key, &token, &paging), Ok(end));
    }
    if let Ok(end) = open(&key, &text, &paging) {
        assert_eq!(seal(&key, &paging, &end).as_deref(), Ok(text.as_ref()));
    }
}

fn written(request: &ImportRequest, level: MetadataLevel) -> String {
    let import = Import {
        tenant: TenantId(Uuid::from_u128(1)),
        id: request.id.unwrap_or(ImportId(Uuid::from_u128(2))),
        call: CallId(Uuid::from_u128(3)),
        properties: request.properties.clone(),
        state: ImportState::Waiting,
        accepted_at: Timestamp::UNIX_EPOCH,
        version: 0,
    };
    let context = context(Version::Beta, level);
    let mut out = Vec::new();
    let state = StateShown::Echoed(&request.state);
    write_import(&mut out, &import, state, &context, Place::Entity);
    String::from_utf8(out).expect("our own text")
}

fn context(version: Version, level: MetadataLevel) -> WriteContext<'static> {
    WriteContext {
        base: "https://hangar.example",
        version,
        level,
        behavior: Behavior::Documented,
        shown: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_seeds_own_bodies_pass() {
        fuzz_import_body(include_bytes!("../../tests/it/seed/request.json"));
        fuzz_import_body(include_bytes!("../../tests/it/seed/response.json"));
        fuzz_query(b"$top=5&$skip=2&$count=true&x=%ff");
        fuzz_query(
            b"$expand=deviceIdentities($filter=contains(groupTag,@p);$select=id;$top=9)&@p='%26'",
        );
    }

    proptest! {
        #[test]
        fn any_bytes_pass(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz_import_body(&bytes);
            fuzz_batch(&bytes);
            fuzz_query(&bytes);
            fuzz_skip_token(&bytes);
            fuzz_device_body(&bytes);
            fuzz_etags(&bytes);
        }

        #[test]
        fn what_looks_like_a_device_passes(
            text in r#"\{("?(groupTag|displayName|userPrincipalName|managedDeviceId|azureAdDeviceId|enrollmentState|serialNumbers|deploymentProfile)"? ?: ?("[a-z\\:,{}"]{0,9}"|null|\{\}|\["a"\]|"enrolled"),? ?){0,4}\}"#,
            tags in r#"((W/)?"[a-zA-Z0-9_-]{0,24}" ?,? ?|\*){0,4}"#,
        ) {
            fuzz_device_body(text.as_bytes());
            fuzz_etags(tags.as_bytes());
        }

        #[test]
        fn what_looks_like_a_request_passes(
            text in r#"\{("(id|groupTag|orderIdentifier|serialNumber|hardwareIdentifier|state)":("[a-zA-Z0-9+/=_ -]{0,12}"|null|\{"deviceErrorCode":[0-9]{1,11}\}),?){0,4}\}"#,
            batch in r#"\{"requests":\[(\{"id":"?[0-4]"?,"method":"(GET|POST|x)","url":"[a-z/:?%# é]{0,9}",?("headers":\{("Content-Type":"(text/plain|application/json(;x)?)")?\},?)?("dependsOn":\["[0-4]"\],?)?("body":("[a-zA-Z+/=]{0,5}"|\{"a":1\}))?\},?){0,4}\]\}"#,
            query in r"((\$?(top|skip|count|skiptoken|filter|x)|%24[tT]op)=([0-9]{0,22}|true|%[0-9a-f]{2}|\+)&?){0,4}",
            nested in r"\$expand=deviceIdentities\((\$?(filter|orderby|top|skip|count|select)=(groupTag( eq ('[aé&;%+#)]{0,3}'|@p)| desc)?|id|[0-9]{1,22}|true);?){0,3}\)&@p='[a-z%26]{0,4}'",
        ) {
            fuzz_query(nested.as_bytes());
            fuzz_query(nested.replace(";)", ")").replace('%', "%25").as_bytes());
            fuzz_import_body(text.as_bytes());
            fuzz_batch(batch.replace(",}", "}").replace(",]", "]").as_bytes());
            fuzz_query(query.as_bytes());
        }
    }
}
