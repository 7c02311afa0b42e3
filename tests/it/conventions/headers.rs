//! The headers of every answer, and the shape of every error.

use std::collections::BTreeMap;

use hangar::testing::TestAnswer;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{DEVICES, House, IMPORTS, masked, string, text};

/// The headers of an answer, with the request's id and the entity tag taken out.
fn headers(answer: &TestAnswer) -> String {
    let id = answer.header("request-id").unwrap_or("?");
    let lines: BTreeMap<_, _> = answer
        .headers
        .iter()
        .map(|(name, value)| {
            let value = match name.as_str() {
                "etag" => "<etag>".to_owned(),
                _ => value.to_str().expect("a text").replace(id, "<id>"),
            };
            (name.as_str(), value)
        })
        .collect();
    let lines = lines
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let house = House::new();
    let id = "985b4f49-4f49-985b-494f-5b98494f5b98";
    let created = house.post(IMPORTS, &json!({ "id": id })).await;
    insta::assert_snapshot!(headers(&created), @r#"
    client-request-id: <id>
    content-type: application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8
    date: Thu, 01 Jan 2026 00:00:00 GMT
    etag: <etag>
    location: http://127.0.0.1:8080/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities('985b4f49-4f49-985b-494f-5b98494f5b98')
    odata-version: 4.0
    request-id: <id>
    x-ms-ags-diagnostic: {"ServerInfo":{"DataCenter":"Hangar","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"HANGAR"}}
    "#);
    let read = house.get(&format!("{IMPORTS}/$count")).await;
    insta::assert_snapshot!(headers(&read), @r#"
    client-request-id: <id>
    content-type: text/plain
    date: Thu, 01 Jan 2026 00:00:00 GMT
    odata-version: 4.0
    request-id: <id>
    x-ms-ags-diagnostic: {"ServerInfo":{"DataCenter":"Hangar","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"HANGAR"}}
    "#);
    let anonymous = house.ask(Method::GET, DEVICES).anonymous().send().await;
    insta::assert_snapshot!(headers(&anonymous), @r#"
    client-request-id: <id>
    content-type: application/json
    date: Thu, 01 Jan 2026 00:00:00 GMT
    odata-version: 4.0
    request-id: <id>
    www-authenticate: Bearer realm="", authorization_uri="http://127.0.0.1:8080/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"
    x-ms-ags-diagnostic: {"ServerInfo":{"DataCenter":"Hangar","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"HANGAR"}}
    "#);
    let deleted = house.delete(&format!("{IMPORTS}/{id}")).await;
    insta::assert_snapshot!(headers(&deleted), @r#"
    client-request-id: <id>
    date: Thu, 01 Jan 2026 00:00:00 GMT
    odata-version: 4.0
    request-id: <id>
    x-ms-ags-diagnostic: {"ServerInfo":{"DataCenter":"Hangar","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"HANGAR"}}
    "#);
}

#[tokio::test]
async fn a_clients_own_id_is_echoed_in_answers_and_errors() {
    let house = House::new();
    let ask = |path, id| house.ask(Method::GET, path).header("client-request-id", id);
    for (path, status) in [(IMPORTS, 200), ("/beta/x", 400), ("/x", 404)] {
        let answer = ask(path, "Mine-1").send().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("client-request-id"), Some("Mine-1"));
        let request_id = answer.header("request-id").unwrap();
        assert!(Uuid::try_parse(request_id).is_ok());
        if status != 200 {
            let inner = &answer.json()["error"]["innerError"];
            assert_eq!(inner["client-request-id"], "Mine-1");
            assert_eq!(inner["request-id"], request_id);
        }
        // Without one, and with one that can't stand in a log, the server's own takes its place.
        for id in [None, Some("two words"), Some("")] {
            let mut bare = house.ask(Method::GET, path);
            if let Some(id) = id {
                bare = bare.header("client-request-id", id);
            }
            let answer = bare.send().await;
            let request_id = answer.header("request-id");
            assert!(request_id.is_some());
            assert_eq!(answer.header("client-request-id"), request_id);
            if status != 200 {
                let inner = &answer.json()["error"]["innerError"];
                assert_eq!(inner["client-request-id"], inner["request-id"]);
            }
        }
    }
}

#[tokio::test]
async fn the_date_is_the_clocks() {
    let house = House::new();
    let dates = async || {
        let answer = house.ask(Method::GET, "/x").anonymous().send().await;
        let inner = string(&answer.json()["error"]["innerError"]["date"]);
        format!("{} / {inner}", answer.header("date").unwrap())
    };
    assert_eq!(
        dates().await,
        "Thu, 01 Jan 2026 00:00:00 GMT / 2026-01-01T00:00:00"
    );
    house
        .api
        .clock
        .advance(SignedDuration::from_secs(86_400 + 3_661));
    assert_eq!(
        dates().await,
        "Fri, 02 Jan 2026 01:01:01 GMT / 2026-01-02T01:01:01"
    );
}

#[tokio::test]
async fn an_error_has_graphs_shape_in_both_behaviours() {
    for (house, observed) in [(House::new(), false), (House::observed(), true)] {
        let id = "985b4f49-4f49-985b-494f-5b98494f5b98";
        house.accept(&house.contoso, &json!({ "id": id })).await;
        let taken = json!({ "id": id }).to_string();
        let path = format!("{IMPORTS}?$top=1");
        let errors = [
            house.ask(Method::GET, "/x").send().await,
            house.ask(Method::GET, &path).anonymous().send().await,
            house
                .ask(Method::GET, IMPORTS)
                .header("accept", "text/html")
                .send()
                .await,
            house.ask(Method::POST, IMPORTS).bytes("{").send().await,
            house.ask(Method::POST, IMPORTS).bytes(taken).send().await,
        ];
        for answer in &errors {
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("odata-version"), Some("4.0"));
            let body = answer.json();
            assert_eq!(body.as_object().unwrap().len(), 1);
            let message = string(&body["error"]["message"]);
            assert_eq!(
                serde_json::from_str::<Value>(&message).is_ok(),
                observed,
                "{message}"
            );
            // The order is part of the shape.
            let whole = text(answer);
            let at = |name: &str| {
                whole
                    .find(name)
                    .unwrap_or_else(|| panic!("{name}: {whole}"))
            };
            let order = [
                "\"code\":",
                "\"message\":",
                "\"innerError\":",
                "\"date\":",
                "\"request-id\":",
            ];
            assert!(order.map(at).is_sorted(), "{whole}");
            assert!(at("\"request-id\":") < at("\"client-request-id\":"));
        }
        let snapshots = [masked(&errors[1]), masked(&errors[4])];
        if observed {
            insta::assert_snapshot!(snapshots[0], @r#"{"error":{"code":"InvalidAuthenticationToken","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"Access token is empty. - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: <id 1> - Url: http://127.0.0.1:8080/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 1>","client-request-id":"<id 1>"}}}"#);
            insta::assert_snapshot!(snapshots[1], @r#"{"error":{"code":"Conflict","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"An import with the id '<id 1>' already exists in this tenant. - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: <id 2> - Url: http://127.0.0.1:8080/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}","details":[{"code":"Conflict","message":"An import with the id '<id 1>' already exists in this tenant.","target":"id"}],"innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 2>","client-request-id":"<id 2>"}}}"#);
        } else {
            insta::assert_snapshot!(snapshots[0], @r#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token is empty.","innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 1>","client-request-id":"<id 1>"}}}"#);
            insta::assert_snapshot!(snapshots[1], @r#"{"error":{"code":"Conflict","message":"An import with the id '<id 1>' already exists in this tenant.","details":[{"code":"Conflict","message":"An import with the id '<id 1>' already exists in this tenant.","target":"id"}],"innerError":{"date":"2026-01-01T00:00:00","request-id":"<id 2>","client-request-id":"<id 2>"}}}"#);
        }
    }
}
