//! Bodies that are not what they should be: as JSON, as text, and as an import.

use hangar::{
    graph::behavior::Behavior,
    testing::{TestApi, TestOptions},
};

use super::{OPERATIONS, Operation, Stage, assert_graph_error, wrapped};

const UNREADABLE: &str = "Unable to read JSON request payload. Please ensure Content-Type header \
                          is set and payload is of valid JSON format.";
const JSON: [(&str, &[u8]); 1] = [("content-type", b"application/json")];

/// Bodies that none of the operations reads, each with a part of what is said about it.
fn no_requests() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let deep = |open: &str, close: &str| {
        [open.repeat(10_000), close.repeat(10_000)]
            .concat()
            .into_bytes()
    };
    let text = |text: &str| text.as_bytes().to_vec();
    let convert = "Cannot convert a JSON ";
    vec![
        ("no body", Vec::new(), UNREADABLE),
        ("blanks", text(" \r\n "), UNREADABLE),
        ("no JSON", text("serialNumber=S-2"), UNREADABLE),
        ("XML", text("<import/>"), UNREADABLE),
        (
            "half an object",
            text(r#"{"serialNumber":"S-2""#),
            UNREADABLE,
        ),
        (
            "a comma too many",
            text(r#"{"serialNumber":"S-2",}"#),
            UNREADABLE,
        ),
        (
            "names without quotes",
            text(r#"{serialNumber:"S-2"}"#),
            UNREADABLE,
        ),
        ("single quotes", text("{'serialNumber':'S-2'}"), UNREADABLE),
        (
            "a comment",
            text(r#"{"serialNumber":"S-2"} // S"#),
            UNREADABLE,
        ),
        (
            "two objects",
            text(r#"{"serialNumber":"S-2"}{}"#),
            UNREADABLE,
        ),
        ("NUL after the end", text("{}\0"), UNREADABLE),
        (
            "a raw control character",
            text("{\"serialNumber\":\"S\u{1}\"}"),
            UNREADABLE,
        ),
        (
            "NaN",
            text(r#"{"state":{"deviceErrorCode":NaN}}"#),
            UNREADABLE,
        ),
        ("null", text("null"), convert),
        ("true", text("true"), convert),
        ("a number", text("7"), convert),
        ("a text", text(r#""S-2""#), convert),
        ("an empty array", text("[]"), convert),
        ("an array", text(r#"[{"serialNumber":"S-2"}]"#), convert),
        (
            "arrays 10,000 deep",
            deep("[", "]"),
            "too large: nested more than 64 deep",
        ),
        (
            "objects 10,000 deep",
            deep("{\"a\":", ""),
            "too large: nested more than 64 deep",
        ),
        (
            "an annotation 10,000 deep",
            [b"{\"@a\":".to_vec(), deep("[", "]"), b"}".to_vec()].concat(),
            "too large: nested more than 64 deep",
        ),
        (
            "300,000 values",
            format!("{{\"@a\":[{}0]}}", "0,".repeat(300_000)).into_bytes(),
            "too large: more than 250000 values",
        ),
        (
            "a byte order mark",
            text("\u{feff}{\"serialNumber\":\"S-2\"}"),
            "begins with a byte order mark",
        ),
        ("UTF-16", b"{\0\"\0s\0\"\0:\0\"\0\xe4\0\"\0}\0".to_vec(), ""),
    ]
}

/// Imports that none of the operations takes, each with a part of what is said about it.
fn no_imports() -> Vec<(String, String)> {
    let named = misnamed().into_iter();
    let named = named.map(|(entity, message)| (entity.to_owned(), message.to_owned()));
    named.chain(mistyped()).collect()
}

/// Imports whose names stand twice, or are no names.
fn misnamed() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            r#"{"serialNumber":"S-2","serialNumber":"S-3"}"#,
            "The name 'serialNumber' stands more than once",
        ),
        (
            r#"{"serialNumber":"S-2","serial\u004eumber":"S-3"}"#,
            "The name 'serialNumber' stands more than once",
        ),
        (
            r#"{"state":{"deviceErrorCode":1,"deviceErrorCode":1}}"#,
            "The name 'deviceErrorCode' stands more than once",
        ),
        (r#"{"serialNumber":"\ud800"}"#, UNREADABLE),
        (r#"{"serialNumber":"\udc00\ud800"}"#, UNREADABLE),
        (r#"{"serialNumber":"\u12"}"#, UNREADABLE),
        (
            r#"{"serial":"S-2"}"#,
            "The property 'serial' does not exist on type \
             'microsoft.graph.importedWindowsAutopilotDeviceIdentity'. Make sure to only use \
             property names that are defined by the type.",
        ),
        (
            r#"{"SerialNumber":"S-2"}"#,
            "The property 'SerialNumber' does not exist",
        ),
        (r#"{"":"S-2"}"#, "The property '' does not exist"),
        (
            r#"{"state":{"status":"pending"}}"#,
            "The property 'status' does not exist on type \
             'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'",
        ),
        (
            r##"{"@odata.type":"#microsoft.graph.windowsAutopilotDeviceIdentity"}"##,
            "The type must be 'microsoft.graph.importedWindowsAutopilotDeviceIdentity'",
        ),
        (r#"{"@odata.type":7}"#, "convert a JSON number"),
        (
            r##"{"state":{"@odata.type":"#microsoft.graph.device"}}"##,
            "The type must be 'microsoft.graph.importedWindowsAutopilotDeviceIdentityState'",
        ),
        (
            r#"{"state":{"deviceImportStatus":"finished"}}"#,
            "Cannot convert the literal 'finished' to the expected type \
             'microsoft.graph.importedWindowsAutopilotDeviceIdentityImportStatus'.",
        ),
        (
            r#"{"state":{"deviceImportStatus":"Pending"}}"#,
            "literal 'Pending'",
        ),
        (
            r#"{"state":{"deviceImportStatus":null}}"#,
            "convert a JSON null",
        ),
        (r#"{"state":"pending"}"#, "convert a JSON string"),
        (r#"{"state":[]}"#, "convert a JSON array"),
        (
            r#"{"groupTag":"A","orderIdentifier":"B"}"#,
            "must not differ",
        ),
    ]
}

/// Imports whose values are not of their types.
fn mistyped() -> Vec<(String, String)> {
    let mut cases = Vec::new();
    let convert = |kind: &str, edm: &str| {
        format!("Cannot convert a JSON {kind} to the expected type '{edm}'.")
    };
    for code in [
        "2147483648",
        "-2147483649",
        "1.5",
        "1e10",
        "18446744073709551616",
    ] {
        let entity = format!("{{\"state\":{{\"deviceErrorCode\":{code}}}}}");
        cases.push((entity, "'Edm.Int32'".to_owned()));
    }
    for (code, kind) in [("\"15\"", "string"), ("true", "boolean"), ("null", "null")] {
        let entity = format!("{{\"state\":{{\"deviceErrorCode\":{code}}}}}");
        cases.push((entity, convert(kind, "Edm.Int32")));
    }
    for blob in ["!!!!", "a", "YQ=a", "Y Q==", "====", "YQ==YQ=="] {
        let entity = format!("{{\"hardwareIdentifier\":\"{blob}\"}}");
        let message =
            format!("Cannot convert the literal '{blob}' to the expected type 'Edm.Binary'.");
        cases.push((entity, message));
    }
    cases.push((
        format!("{{\"hardwareIdentifier\":\"{}\"}}", "A".repeat(16_388)),
        "The value is longer than 16384 characters. Property: '".to_owned(),
    ));
    for name in [
        "orderIdentifier",
        "groupTag",
        "serialNumber",
        "productKey",
        "importId",
        "assignedUserPrincipalName",
    ] {
        for (value, kind) in [
            ("7", "number"),
            ("true", "boolean"),
            ("[]", "array"),
            ("{}", "object"),
        ] {
            let entity = format!("{{\"{name}\":{value}}}");
            cases.push((entity, convert(kind, "Edm.String")));
        }
        let entity = format!("{{\"{name}\":\"a\\u0000b\"}}");
        cases.push((entity, "holds the character U+0000".to_owned()));
        let entity = format!("{{\"{name}\":\"{}\"}}", "ä".repeat(1_025));
        cases.push((entity, "longer than 1024 characters".to_owned()));
    }
    cases
}

async fn stage(behavior: Behavior) -> (tempfile::TempDir, Stage) {
    let directory = tempfile::tempdir().unwrap();
    let options = TestOptions {
        behavior,
        ..TestOptions::default()
    };
    let api = TestApi::start(directory.path(), options);
    (directory, Stage::set(api).await)
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() {
    let (_directory, stage) = stage(Behavior::Documented).await;
    for (case, body, message) in no_requests() {
        for operation in OPERATIONS {
            let case = format!("{case} to {operation:?}");
            let answer = stage.send(operation, &JSON, body.clone()).await;
            let said = assert_graph_error(&answer, 400, "BadRequest", &case);
            assert!(said.contains(message), "{case}: {said}");
        }
        stage.assert_untouched(case).await;
    }
}

#[tokio::test]
async fn a_body_that_is_no_import_is_refused() {
    let (_directory, stage) = stage(Behavior::Documented).await;
    for (entity, message) in no_imports() {
        for operation in OPERATIONS {
            let case = format!("{entity:.80} to {operation:?}");
            let answer = stage
                .send(operation, &JSON, wrapped(operation, &entity))
                .await;
            let said = assert_graph_error(&answer, 400, "BadRequest", &case);
            assert!(said.contains(&message), "{case}: {said}");
        }
        stage.assert_untouched(&entity).await;
    }
}

#[tokio::test]
async fn the_observed_behaviour_refuses_them_all_too() {
    let (_directory, stage) = stage(Behavior::Observed).await;
    let whole = no_requests()
        .into_iter()
        .filter(|(_, _, message)| !message.is_empty());
    let whole = whole.flat_map(|(case, body, message)| {
        [Operation::Create, Operation::CreateMany]
            .map(|operation| (operation, case.to_owned(), body.clone(), message.to_owned()))
    });
    let imports = no_imports().into_iter().flat_map(|(entity, message)| {
        [Operation::Create, Operation::CreateMany].map(|operation| {
            let body = wrapped(operation, &entity).into_bytes();
            (operation, format!("{entity:.80}"), body, message.clone())
        })
    });
    for (operation, case, body, message) in whole.chain(imports) {
        let answer = stage.send(operation, &JSON, body).await;
        let said = assert_graph_error(&answer, 400, "BadRequest", &case);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let said = said["Message"].as_str().unwrap();
        assert!(said.contains(&message), "{case}: {said}");
    }
    stage.assert_untouched("all of them").await;
}

#[tokio::test]
async fn an_id_is_a_guid_or_the_servers() {
    let (_directory, stage) = stage(Behavior::Documented).await;
    for id in [
        "7",
        "none",
        "{11111111-1111-4111-8111-111111111111}",
        "\\u0000",
    ] {
        for operation in [Operation::Create, Operation::CreateMany] {
            let entity = format!("{{\"id\":\"{id}\"}}");
            let answer = stage
                .send(operation, &JSON, wrapped(operation, &entity))
                .await;
            assert_graph_error(&answer, 400, "BadRequest", id);
        }
    }
    let taken = format!("{{\"id\":\"{}\"}}", stage.import);
    let answer = stage.send(Operation::Create, &JSON, taken).await;
    assert_eq!(answer.status, 409);
    stage.assert_untouched("ids").await;
}

#[tokio::test]
async fn a_call_of_import_is_taken_whole_or_not_at_all() {
    let (_directory, stage) = stage(Behavior::Documented).await;
    let name = "importedWindowsAutopilotDeviceIdentities";
    let good = r#"{"serialNumber":"S-2"}"#;
    let many = vec![good; 1_001].join(",");
    let cases = [
        ("{}".to_owned(), "The parameter"),
        (format!("{{\"{name}\":null}}"), "convert a JSON null"),
        (format!("{{\"{name}\":{good}}}"), "convert a JSON object"),
        (
            format!("{{\"{name}\":[],\"more\":1}}"),
            "'more' is not defined",
        ),
        (format!("{{\"{name}\":[{good},null]}}"), "[1]"),
        (format!("{{\"{name}\":[{good},[]]}}"), "[1]"),
        (format!("{{\"{name}\":[{good},{{\"x\":1}}]}}"), "[1].x"),
        (format!("{{\"{name}\":[{many}]}}"), "more than 1000 items"),
    ];
    for (body, message) in cases {
        let answer = stage.send(Operation::CreateMany, &JSON, body).await;
        let said = assert_graph_error(&answer, 400, "BadRequest", message);
        assert!(said.contains(message), "{said}");
        stage.assert_untouched(message).await;
    }
}

#[tokio::test]
async fn what_only_looks_bad_is_taken() {
    let (_directory, stage) = stage(Behavior::Documented).await;
    for entity in [
        "{}",
        " \r\n{ \"serialNumber\" : null }\r\n",
        r#"{"@x":{"y":[1,null]},"serialNumber@odata.type":"Edm.String","serialNumber":"a"}"#,
        r#"{"serialNumber":"\ud83d\ude00 \u00e4"}"#,
        r#"{"state":{"deviceErrorCode":-2147483648}}"#,
        r#"{"hardwareIdentifier":"-_-_"}"#,
        r#"{"state":null}"#,
    ] {
        let answer = stage.send(Operation::Create, &JSON, entity).await;
        assert_eq!(answer.status, 201, "{entity}: {:?}", answer.json());
    }
}
