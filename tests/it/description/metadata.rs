//! `$metadata` and the service document, as anybody gets them.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{
    DEVICES, House, IMPORTS, PROFILES, SETTINGS, UPLOADS, VERSIONS, error, group_target, text,
};

const XML: &str = "application/xml";
const JSON: &str = "application/json";

#[tokio::test]
async fn it_comes_as_xml_unless_json_is_asked_for() {
    let house = House::new();
    for version in VERSIONS {
        let path = format!("/{version}/$metadata");
        for (accept, media_type, odata) in [
            (None, XML, "4.0"),
            (Some("*/*"), XML, "4.0"),
            (Some(XML), XML, "4.0"),
            (Some(JSON), JSON, "4.01"),
            (
                Some("application/json;odata.metadata=minimal"),
                JSON,
                "4.01",
            ),
        ] {
            let ask = house.ask(Method::GET, &path).anonymous();
            let ask = match accept {
                Some(accept) => ask.header("accept", accept),
                None => ask,
            };
            let answer = ask.send().await;
            assert_eq!(answer.status, 200, "{accept:?}");
            assert_eq!(answer.header("content-type"), Some(media_type));
            assert_eq!(answer.header("odata-version"), Some(odata));
            assert!(answer.header("request-id").is_some());
            let begins = if media_type == XML { "<?xml" } else { "{" };
            assert!(text(&answer).starts_with(begins));
        }
        let ask = house.ask(Method::GET, &path).anonymous();
        let answer = ask.header("accept", "text/html").send().await;
        assert_eq!(answer.status, 406);
    }
}

#[tokio::test]
async fn who_has_it_already_is_told_so() {
    let house = House::new();
    for path in ["/beta/$metadata", "/v1.0/openapi.json"] {
        let first = house.ask(Method::GET, path).anonymous().send().await;
        let tag = first.header("etag").unwrap().to_owned();
        let ask = || house.ask(Method::GET, path).anonymous();
        let answer = ask().header("if-none-match", &tag).send().await;
        assert_eq!(answer.status, 304, "{path}");
        assert_eq!(text(&answer), "");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        let answer = ask()
            .header("if-match", "W/\"AAAAAAAAAAAAAAAAAAAAAA\"")
            .send()
            .await;
        assert_eq!(answer.status, 412, "{path}");
        let answer = ask().header("if-match", &tag).send().await;
        assert_eq!(answer.status, 200, "{path}");
        // Another version, and another form, is another description.
        let other = path.replace("beta", "v1.0").replace("v1.0/o", "beta/o");
        let answer = house.ask(Method::GET, &other).anonymous().send().await;
        assert_ne!(answer.header("etag"), Some(tag.as_str()));
    }
    let ask = house.ask(Method::GET, "/beta").anonymous();
    let answer = ask.header("if-none-match", "*").send().await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn the_service_document_stands_at_the_version() {
    let house = House::new();
    for path in ["/beta", "/beta/", "/Beta"] {
        let answer = house.ask(Method::GET, path).anonymous().send().await;
        assert_eq!(
            text(&answer),
            r#"{"@odata.context":"http://127.0.0.1:8080/beta/$metadata","value":[{"name":"deviceManagement","kind":"Singleton","url":"deviceManagement"}]}"#
        );
    }
    let ask = house.ask(Method::GET, "/v1.0").anonymous();
    let answer = ask
        .header("accept", "application/json;odata.metadata=none")
        .send()
        .await;
    assert!(text(&answer).starts_with("{\"value\""));
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let house = House::new();
    for path in [
        "/beta",
        "/beta/$metadata",
        "/beta/openapi.json",
        "/openapi.json",
    ] {
        let ask = house.ask(Method::GET, &format!("{path}?$format=json"));
        let answer = ask.anonymous().send().await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(text(&answer).contains("$format"), "{path}");
        for method in [Method::POST, Method::PATCH, Method::DELETE] {
            let answer = house.ask(method.clone(), path).anonymous().send().await;
            assert_eq!(answer.status, 401, "{method} {path}");
            let answer = house.ask(method.clone(), path).send().await;
            assert_eq!(
                error(&answer),
                "400 No method match route template: No method match route template",
                "{method} {path}"
            );
        }
    }
    for path in ["/beta/$metadata/x", "/beta/openapi.json/x"] {
        assert_eq!(
            house.ask(Method::GET, path).anonymous().send().await.status,
            401
        );
        assert_eq!(house.get(path).await.status, 400);
    }
    let answer = house
        .ask(Method::GET, "/v2.0/$metadata")
        .anonymous()
        .send()
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_batch_may_ask_for_it() {
    let house = House::new();
    let body = json!({ "requests": [
        { "id": "1", "method": "GET", "url": "/$metadata", "headers": { "Accept": "application/json" } },
        { "id": "2", "method": "GET", "url": "/openapi.json" },
    ] });
    let answer = house.post("/beta/$batch", &body).await.json();
    assert_eq!(answer["responses"][0]["body"]["$Version"], "4.01");
    assert_eq!(answer["responses"][1]["body"]["openapi"], "3.1.0");
}

/// What is answered is what is described: just these properties, under every name.
#[tokio::test]
async fn answers_have_just_the_properties_that_are_described() {
    let house = House::new();
    let (upload, import, device) = house.upload(&house.contoso, 1).await;
    let profile = house.make_profile(&house.contoso, "a profile").await;
    let path = format!("{PROFILES}/{profile}/assignments");
    house
        .post(&path, &group_target(uuid::Uuid::from_u128(7)))
        .await;
    let profile_type = "azureADWindowsAutopilotDeploymentProfile";
    for (path, kind) in [
        (
            format!("{IMPORTS}/{import}"),
            "importedWindowsAutopilotDeviceIdentity",
        ),
        (
            format!("{UPLOADS}/{upload}"),
            "importedWindowsAutopilotDeviceIdentityUpload",
        ),
        (
            format!("{DEVICES}/{device}"),
            "windowsAutopilotDeviceIdentity",
        ),
        (format!("{PROFILES}/{profile}"), profile_type),
        (SETTINGS.to_owned(), "windowsAutopilotSettings"),
    ] {
        let versions = if path.starts_with(IMPORTS) || path.starts_with(DEVICES) {
            2
        } else {
            1
        };
        for version in &VERSIONS[..versions] {
            let answer = house.get(&path.replacen("beta", version, 1)).await.json();
            assert_described(&house, version, &answer, kind).await;
        }
    }
    let assignments = house.get(&path).await.json();
    let kind = "windowsAutopilotDeploymentProfileAssignment";
    assert_described(&house, "beta", &assignments["value"][0], kind).await;
    let ask = json!({ "payloadIds": [profile] });
    let links = house
        .post(&format!("{PROFILES}/hasPayloadLinks"), &ask)
        .await
        .json();
    assert_described(
        &house,
        "beta",
        &links["value"][0],
        "hasPayloadLinkResultItem",
    )
    .await;
}

async fn assert_described(house: &House, version: &str, answer: &Value, kind: &str) {
    let ask = house
        .ask(Method::GET, &format!("/{version}/$metadata"))
        .anonymous();
    let document = ask.header("accept", JSON).send().await.json();
    assert_object(&document["microsoft.graph"], answer, kind);
}

fn assert_object(schema: &Value, answer: &Value, kind: &str) {
    let mut described = std::collections::BTreeMap::new();
    let mut name = kind.to_owned();
    loop {
        for (member, kind) in schema[&name].as_object().unwrap() {
            if !member.starts_with('$') && kind["$Kind"].is_null() {
                described.insert(member.clone(), kind.clone());
            }
        }
        let Some(base) = schema[&name]["$BaseType"].as_str() else {
            break;
        };
        name = short(base);
    }
    let answered: Vec<_> = answer
        .as_object()
        .unwrap_or_else(|| panic!("{kind}: {answer}"))
        .iter()
        .filter(|(name, _)| !name.contains('@'))
        .collect();
    let names: Vec<_> = answered.iter().map(|(name, _)| *name).collect();
    assert!(
        names.iter().all(|name| described.contains_key(*name)),
        "{kind}: {names:?}"
    );
    assert_eq!(
        names.len(),
        described.len(),
        "{kind}: {names:?} {described:?}"
    );
    for (name, value) in answered {
        let property = &described[name];
        let type_name = property["$Type"].as_str().unwrap_or("Edm.String");
        let fits = match value {
            Value::Null => property["$Nullable"] == true,
            Value::Array(_) => property["$Collection"] == true,
            Value::Bool(_) => type_name == "Edm.Boolean",
            Value::Number(_) => type_name == "Edm.Int32",
            Value::String(word) if type_name.starts_with("microsoft.graph.") => {
                schema[short(type_name)][word].is_number()
            }
            Value::String(_) => {
                ["Edm.String", "Edm.Binary", "Edm.DateTimeOffset"].contains(&type_name)
            }
            Value::Object(_) => {
                let own = value["@odata.type"].as_str().unwrap_or(type_name);
                assert_object(schema, value, &short(own));
                true
            }
        };
        assert!(fits, "{kind}.{name}: {value} is no {property}");
    }
}

fn short(name: &str) -> String {
    name.trim_start_matches('#')
        .trim_start_matches("microsoft.graph.")
        .to_owned()
}
