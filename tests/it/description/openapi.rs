//! The description of the routes: that it is whole, that nothing in it leads nowhere, and that what it
//! says of options is so.

use std::collections::BTreeSet;

use hangar::{
    graph::version::Version,
    http::{
        auth::permission::{Access, ConfigurationScopes},
        metadata::options,
        router::ROUTES,
    },
    testing::TestOptions,
};
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::{House, READ, VERSIONS, WRITE, text};

async fn document(house: &House, path: &str) -> Value {
    let answer = house.ask(Method::GET, path).anonymous().send().await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

#[tokio::test]
async fn there_is_one_for_each_version_and_betas_without_one() {
    let house = House::new();
    let [beta, v1] = [
        document(&house, "/beta/openapi.json").await,
        document(&house, "/v1.0/openapi.json").await,
    ];
    assert_eq!(document(&house, "/openapi.json").await, beta);
    assert_eq!(beta["servers"][0]["url"], "http://127.0.0.1:8080/beta");
    assert_eq!(v1["servers"][0]["url"], "http://127.0.0.1:8080/v1.0");
    let profiles = "/deviceManagement/windowsAutopilotDeploymentProfiles";
    assert!(beta["paths"][profiles].is_object());
    assert!(v1["paths"][profiles].is_null());
    let schema = "microsoft.graph.windowsAutopilotDeploymentProfile";
    assert!(v1["components"]["schemas"][schema].is_null());
}

#[tokio::test]
async fn every_route_is_in_it_with_its_access() {
    let house = House::new();
    for name in VERSIONS {
        let version = Version::parse(name).unwrap();
        let document = document(&house, &format!("/{name}/openapi.json")).await;
        let mut operations = Vec::new();
        for item in document["paths"].as_object().unwrap().values() {
            for (method, operation) in item.as_object().unwrap() {
                if method != "parameters" {
                    operations.push(operation);
                }
            }
        }
        let known = ROUTES
            .iter()
            .filter(|route| route.versions.include(version));
        assert_eq!(operations.len(), known.clone().count(), "{name}");
        let with = |scopes: &[&str]| {
            let holding = operations.iter().filter(|operation| {
                let accepted = operation["security"].as_array().unwrap();
                let names = accepted
                    .iter()
                    .map(|one| one["bearer"][0].as_str().unwrap_or(""));
                names.eq(scopes.iter().copied())
            });
            holding.count()
        };
        let needing = |expected: fn(&Method, Access) -> bool| {
            known
                .clone()
                .filter(|route| expected(&route.method, route.access))
                .count()
        };
        let needs = |access| matches!(access, Access::Needs(_));
        assert_eq!(with(&[]), 3);
        assert_eq!(with(&[""]), 1);
        let reads =
            needing(|method, access| *method == Method::GET && matches!(access, Access::Needs(_)));
        let all = known.clone().filter(|route| needs(route.access)).count();
        assert_eq!(with(&[READ, WRITE]), reads);
        assert_eq!(with(&[WRITE]), all - reads);
    }
    let wide = House::with(TestOptions {
        configuration_scopes: ConfigurationScopes::Accepted,
        ..TestOptions::default()
    });
    let document = document(&wide, "/openapi.json").await;
    let path = "/deviceManagement/windowsAutopilotDeviceIdentities";
    let security = document["paths"][path]["get"]["security"]
        .as_array()
        .unwrap();
    assert_eq!(security.len(), 4);
}

#[tokio::test]
async fn every_reference_in_it_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(address) if name == "$ref" => found.push(address),
                        Value::Object(mapping) if name == "mapping" => {
                            found.extend(mapping.values().filter_map(Value::as_str));
                        }
                        other => references(other, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let house = House::new();
    for version in VERSIONS {
        let document = document(&house, &format!("/{version}/openapi.json")).await;
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for address in found {
            let pointer = address.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{address}");
        }
    }
}

/// Asks every route for every option.
#[tokio::test]
async fn an_option_is_taken_just_where_it_is_described() {
    let house = House::new();
    // Nothing else but an upload is looked for before the options are read.
    let (upload, import, _) = house.upload(&house.contoso, 1).await;
    let key = Uuid::from_u128(7).to_string();
    let every = [
        ("$filter", "id%20eq%20'x'"),
        ("$select", "id"),
        ("$orderby", "id"),
        ("$top", "1"),
        ("$skip", "1"),
        ("$count", "true"),
        ("$expand", "deploymentProfile"),
        ("$expand", "deviceIdentities"),
        ("$expand", "assignments"),
        ("$skiptoken", "x"),
        ("$search", "x"),
    ];
    for name in VERSIONS {
        let version = Version::parse(name).unwrap();
        for route in ROUTES
            .iter()
            .filter(|route| route.versions.include(version))
        {
            let described = options(route.operation, version);
            let path = format!("/{name}/{}", route.path)
                .replace("{assignment}", &format!("{key}_{key}_0"))
                .replace("Uploads/{id}", &format!("Uploads/{upload}"))
                .replace("{id}", &key)
                .replace("{import}", &import);
            let mut taken = BTreeSet::new();
            for (option, value) in every {
                let path = format!("{path}?{option}={value}");
                let answer = text(&house.ask(route.method.clone(), &path).send().await);
                // Where nothing of such a name can be expanded, that is what is said.
                let refused = answer.contains(&format!("option '{option}' is not supported"))
                    || answer.contains("option '$expand'");
                if !refused {
                    taken.insert(option);
                }
            }
            let described = described.iter().map(|option| option.name).collect();
            assert_eq!(taken, described, "{name} {route:?}");
        }
    }
}
