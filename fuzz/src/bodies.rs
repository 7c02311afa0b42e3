//! Every fuzz body, with what it starts from and what its input is made of.

use hangar::authority::fuzzing::fuzz_sign_in;
use hangar::domain::tenant::TenantId;
use hangar::graph::fuzzing::{
    fuzz_batch, fuzz_device_body, fuzz_etags, fuzz_import_body, fuzz_profile_body, fuzz_query,
    fuzz_skip_token,
};
use hangar::graph::{
    schema::EntitySet,
    skip_token::{PageEnd, Paging, seal},
    version::Version,
};
use hardware_hash::Builder;
use uuid::Uuid;

/// A function that must not panic, overflow its stack or take forever, whatever it is given.
#[derive(Clone, Copy)]
pub(crate) struct Body {
    /// Also the name of its directory under `fuzz/corpus`.
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]),
    /// Inputs to start from, besides those in the corpus directory.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// What the input's language is made of: operators, keywords, prefixes.
    pub(crate) words: &'static [&'static str],
}

/// Every fuzz body. A new one is one more entry.
pub(crate) const BODIES: &[Body] = &[
    Body {
        name: "hardware-hash",
        run: hardware_hash::fuzzing::fuzz,
        seeds: blobs,
        words: &[
            "OA",
            "CS",
            "PCI",
            "Default string",
            "To be filled by O.E.M.",
        ],
    },
    Body {
        name: "import-body",
        run: fuzz_import_body,
        seeds: import_bodies,
        words: IMPORT_WORDS,
    },
    Body {
        name: "device-body",
        run: fuzz_device_body,
        seeds: device_bodies,
        words: DEVICE_WORDS,
    },
    Body {
        name: "etags",
        run: fuzz_etags,
        seeds: etags,
        words: &["W/", "\"", ",", "*", "W/\"AAAAAAAAAAAAAAAAAAAAAA\"", " "],
    },
    Body {
        name: "odata",
        run: odata::fuzzing::fuzz,
        seeds: odata_texts,
        words: ODATA_WORDS,
    },
    Body {
        name: "batch",
        run: fuzz_batch,
        seeds: batches,
        words: BATCH_WORDS,
    },
    Body {
        name: "profile-body",
        run: fuzz_profile_body,
        seeds: profile_bodies,
        words: PROFILE_WORDS,
    },
    Body {
        name: "query",
        run: fuzz_query,
        seeds: queries,
        words: QUERY_WORDS,
    },
    Body {
        name: "sign-in",
        run: fuzz_sign_in,
        seeds: sign_ins,
        words: SIGN_IN_WORDS,
    },
    Body {
        name: "skip-token",
        run: fuzz_skip_token,
        seeds: skip_tokens,
        words: &["-", "_", "=", "+", "/", "AAAA", "%2B"],
    },
];

const SIGN_IN_WORDS: &[&str] = &[
    "client_id=cccccccc-0000-4000-8000-000000000001",
    "&redirect_uri=",
    "http://localhost",
    "http://127.0.0.1:1",
    "http://[::1]",
    "evil.example",
    "javascript:",
    "&response_type=code",
    "&response_mode=fragment",
    "&response_mode=form_post",
    "&scope=openid",
    "&state=",
    "&nonce=",
    "&prompt=none",
    "&code_challenge=",
    "&code_challenge_method=S256",
    "&login_hint=",
    "&client_secret=",
    "%00",
    "%0d%0a",
    "%5c",
    "@",
    "//",
    "#",
    "+",
];

fn sign_ins() -> Vec<Vec<u8>> {
    [
        "client_id=cccccccc-0000-4000-8000-000000000001&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fa\
         &response_type=code&scope=openid+User.Read&state=a&nonce=b&prompt=login\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        "client_id=cccccccc-0000-4000-8000-000000000001&redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%2F\
         &response_type=token&response_mode=fragment&scope=.default&state=%3Cb%3E",
        "client_id=cccccccc-0000-4000-8000-000000000002&client_secret=hangar&grant_type=password",
        "user_code=BCDF-GHJK",
    ]
    .map(|query| query.as_bytes().to_vec())
    .to_vec()
}

const PROFILE_WORDS: &[&str] = &[
    "\"@odata.type\":",
    "\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\"",
    "\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\"",
    "\"displayName\":\"a\"",
    "\"locale\":\"de-DE\"",
    "\"language\":",
    "\"deviceNameTemplate\":\"%SERIAL%\"",
    "%RAND:5%",
    "\"roleScopeTagIds\":[\"0\"]",
    "\"outOfBoxExperienceSetting\":{",
    "\"outOfBoxExperienceSettings\":{",
    "\"userType\":\"standard\"",
    "\"hideEULA\":true",
    "\"enrollmentStatusScreenSettings\":{",
    "\"installProgressTimeoutInMinutes\":60",
    "\"hybridAzureADJoinSkipConnectivityCheck\":true",
    "\"target\":{",
    "\"groupId\":",
    "\"deviceIds\":[",
    "\"payloadIds\":[",
    "\"syncStatus\":\"completed\"",
    "null",
];

fn profile_bodies() -> Vec<Vec<u8>> {
    [
        r##"{"@odata.type":"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile","displayName":"a","locale":"en-US","deviceNameTemplate":"A-%RAND:5%","outOfBoxExperienceSetting":{"eulaHidden":true,"userType":"standard"},"roleScopeTagIds":["0","1"]}"##,
        r##"{"@odata.type":"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile","displayName":"b","hybridAzureADJoinSkipConnectivityCheck":true,"enrollmentStatusScreenSettings":{"installProgressTimeoutInMinutes":60,"customErrorMessage":null}}"##,
        r##"{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"22222222-3333-4444-5555-666666666666"}}"##,
        r#"{"deviceIds":["22222222-3333-4444-5555-666666666666"]}"#,
        r#"{"syncStatus":"completed","lastSyncDateTime":"2026-01-01T00:00:00.1234567Z"}"#,
    ]
    .map(|body| body.as_bytes().to_vec())
    .to_vec()
}

const IMPORT_WORDS: &[&str] = &[
    "\"id\":",
    "\"groupTag\":",
    "\"orderIdentifier\":",
    "\"serialNumber\":",
    "\"productKey\":",
    "\"importId\":",
    "\"hardwareIdentifier\":",
    "\"assignedUserPrincipalName\":",
    "\"state\":",
    "\"deviceImportStatus\":",
    "\"deviceRegistrationId\":",
    "\"deviceErrorCode\":",
    "\"deviceErrorName\":",
    "\"@odata.type\":",
    "\"importedWindowsAutopilotDeviceIdentities\":[",
    "\"deviceIdentities\":[",
    "\"createdDateTimeUtc\":\"2018-01-01T00:00:00Z\"",
    "\"status\":\"noUpload\"",
    "#microsoft.graph.importedWindowsAutopilotDeviceIdentity",
    "@odata.type\":",
    "null",
    "true",
    "\"unknown\"",
    "\"pending\"",
    "\"complete\"",
    "-2147483649",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "00000000-0000-0000-0000-000000000000",
    "},{",
    "[[[[[[[[[[[[[[[[[[[[",
];

const DEVICE_WORDS: &[&str] = &[
    "groupTag:",
    "\"displayName\":",
    "userPrincipalName :",
    "\"azureActiveDirectoryDeviceId\":",
    "\"azureAdDeviceId\":",
    "\"managedDeviceId\":",
    "\"enrollmentState\":\"enrolled\"",
    "\"lastContactedDateTime\":\"0001-01-01T00:00:00Z\"",
    "\"deploymentProfile\":{",
    "serialNumbers:[",
    "resourceAccountName:",
    "null",
    "\\\"",
    "{a:",
    ",b:",
    "00000000-0000-0000-0000-000000000000",
];

const ODATA_WORDS: &[&str] = &[
    "serialNumber",
    "groupTag",
    "state/status",
    "state/code",
    "lastContacted",
    "enrolled",
    "profile",
    "devices",
    " eq ",
    " ne ",
    " gt ",
    " le ",
    " and ",
    " or ",
    "not ",
    " in (",
    " desc",
    "contains(",
    "concat(",
    "substring(",
    "indexof(",
    "date(",
    "null",
    "true",
    "'error'",
    "example.status'error'",
    "00000000-0000-0000-0000-000000000007",
    "2024-02-29T23:59:59.9999999+14:00",
    "9999-12-31",
    "9223372036854775807",
    "@p",
    "$expand=",
    "$filter=",
    "(((((((((((((((((((((",
    ")))))))))))))))))))))",
    "''",
    "😀",
];

const BATCH_WORDS: &[&str] = &[
    "{\"requests\":[",
    "\"id\":\"1\",",
    "\"method\":\"GET\",",
    "\"method\":\"POST\",",
    "\"url\":\"/deviceManagement/x\",",
    "\"headers\":{\"Content-Type\":\"application/json\"},",
    "\"text/plain\"",
    "\"body\":{}",
    "\"body\":\"e30=\"",
    "\"dependsOn\":[\"1\"],",
    "\"depends_on\":[],",
    "http://hangar.example",
    "https://",
    "beta/",
    "#",
    "%24batch",
    "},{",
    "]}",
    "null",
];

const QUERY_WORDS: &[&str] = &[
    "$top=",
    "$skip=",
    "$count=",
    "$skiptoken=",
    "$filter=",
    "$select=",
    "$orderby=",
    "$search=",
    "$expand=deviceIdentities(",
    ";",
    "serialNumber",
    "state/deviceErrorCode",
    "%20eq%20",
    "%20and%20",
    "contains(",
    "'",
    ",",
    ")",
    "top=",
    "%24top=",
    "&",
    "=",
    "+",
    "%20",
    "%2",
    "%ff",
    "true",
    "false",
    "1000",
    "0",
    "-1",
    "token",
];

fn blobs() -> Vec<Vec<u8>> {
    vec![
        Builder::new(1).build(),
        Builder::new(2).total_size(0).build(),
        Builder::new(3).without_tpm().total_size(0).build(),
        Builder::new(4).winpe().total_size(0).build(),
        Builder::new(5)
            .globally_administered_macs()
            .recaptured(3)
            .total_size(0)
            .build(),
        Builder::new(6)
            .extra(99, b"unknown")
            .omit(1)
            .total_size(0)
            .build(),
        b"OA\x04\x00".to_vec(),
    ]
}

fn import_bodies() -> Vec<Vec<u8>> {
    let request = include_str!("../../tests/it/seed/request.json");
    let response = include_str!("../../tests/it/seed/response.json");
    let call = format!("{{\"importedWindowsAutopilotDeviceIdentities\":[{request},{{}}]}}");
    let powershell = "{\r\n\"@odata.type\": \"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\r\n\
         \"groupTag\": \"\",\r\n\"serialNumber\": \"S\",\r\n\"hardwareIdentifier\": \"aGE=\",\r\n\
         \"state\": {\"deviceImportStatus\": \"pending\", \"deviceErrorCode\": 0}}";
    let utf16: Vec<u8> = request.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts = [request, response, &call, powershell, "{}", "[]", "null"];
    let texts = texts.map(|text| text.as_bytes().to_vec());
    texts.into_iter().chain([utf16]).collect()
}

fn device_bodies() -> Vec<Vec<u8>> {
    let texts = [
        r#"{ userPrincipalName: "a@b", groupTag: "X" }"#,
        r#"{"serialNumber":"S","manufacturer":"M","model":"N","enrollmentState":"enrolled"}"#,
        r#"{"azureActiveDirectoryDeviceId":"a","azureAdDeviceId":"","deploymentProfile":null}"#,
        r#"{"serialNumbers":["a","b"]}"#,
        "{}",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// A text is read as each of the query options, whichever it is meant as.
fn odata_texts() -> Vec<Vec<u8>> {
    let texts = [
        "contains(serialNumber,'x') and state/status eq 'error'",
        "not (tolower(groupTag) eq @p or id in (00000000-0000-0000-0000-000000000007,null))",
        "substring(serialNumber,indexof(serialNumber,'-'),2) eq concat('a',trim(' b '))",
        "year(lastContacted) eq 2024 and lastContacted lt 2024-02-29T23:59:59.9999999+02:00",
        "contains(serialNumber,null) eq (enrolled ne true)",
        "state/status desc,serialNumber,enrolled asc",
        "id,state,*,state/code",
        "profile($select=id;$expand=devices($filter=contains(serialNumber,';)');$top=5))",
        "",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn batches() -> Vec<Vec<u8>> {
    let batches = [
        "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/deviceManagement/x?$top=1\"}]}",
        "{\"requests\":[{\"id\":1,\"method\":\"POST\",\"url\":\"http://hangar.example/beta/x\",\
         \"headers\":{\"Content-Type\":\"application/json\"},\"body\":{\"a\":[1.5,null]}},\
         {\"id\":\"2\",\"method\":\"DELETE\",\"url\":\"x\",\"dependsOn\":[\"1\"]}]}",
        "{\"requests\":[]}",
    ];
    batches.map(|batch| batch.as_bytes().to_vec()).to_vec()
}

fn etags() -> Vec<Vec<u8>> {
    let headers = ["*", "W/\"AQEBAQEBAQEBAQEBAQEBAQ\"", "\"a,b\", W/\"c\"", ","];
    headers.map(|header| header.as_bytes().to_vec()).to_vec()
}

fn queries() -> Vec<Vec<u8>> {
    let queries = [
        "$top=5&$skip=2&$count=true",
        "top=999&$skiptoken=abc",
        "%24top=1000&x=%ff",
        "$filter=contains(serialNumber,'x')",
        "$filter=state/deviceErrorCode%20eq%208&$orderby=groupTag%20desc&$select=id,state",
        "$expand=deviceIdentities($filter=contains(groupTag,@p);$orderby=id%20desc;$top=9)&@p='%26'",
        "$expand=deviceIdentities($select=*,state/deviceErrorCode;$skip=1;$count=true)",
        "",
    ];
    queries.map(|query| query.as_bytes().to_vec()).to_vec()
}

/// Tokens of the body's own key, and of another.
fn skip_tokens() -> Vec<Vec<u8>> {
    let end = PageEnd {
        keys: Vec::new(),
        id: Uuid::from_u128(7),
    };
    let token = |key: [u8; 32], tenant, version| {
        let paging = Paging {
            collection: EntitySet::Imports.name(),
            tenant: TenantId(Uuid::from_u128(tenant)),
            version,
            question: "",
        };
        seal(&key, &paging, &end).unwrap_or_default().into_bytes()
    };
    vec![
        token([0x5a; 32], 1, Version::Beta),
        token([0x5a; 32], 2, Version::V1),
        token([0; 32], 1, Version::Beta),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_seed_passes() {
        for (index, body) in BODIES.iter().enumerate() {
            assert!(BODIES[..index].iter().all(|other| other.name != body.name));
            let seeds = (body.seeds)();
            assert!(seeds.len() > 2, "{}", body.name);
            for seed in seeds {
                (body.run)(&seed);
            }
        }
    }
}
