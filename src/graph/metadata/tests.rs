//! The descriptions, read back by a reader of XML that others wrote, and held to each other.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

use super::*;
use crate::graph::{action::NAMESPACE, schema::ENTITY};

const VERSIONS: [Version; 2] = [Version::Beta, Version::V1];

/// The document, read back, and all that is declared in it by its qualified name.
fn read(version: Version) -> Document<'static> {
    let text = std::str::from_utf8(csdl_xml(version)).unwrap();
    Document::parse(text).unwrap()
}

fn declared(document: &Document<'_>) -> BTreeSet<String> {
    ["EnumType", "EntityType", "ComplexType"]
        .into_iter()
        .flat_map(|element| elements(document, element).collect::<Vec<_>>())
        .map(|node| format!("{NAMESPACE}.{}", node.attribute("Name").unwrap()))
        .collect()
}

fn elements<'a, 'input>(
    document: &'a Document<'input>,
    element: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    let nodes = document.descendants();
    nodes.filter(move |node| node.has_tag_name(element))
}

fn find<'a, 'input>(document: &'a Document<'input>, name: &str) -> Node<'a, 'input> {
    let mut nodes = document.descendants();
    nodes
        .find(|node| node.attribute("Name") == Some(name))
        .unwrap_or_else(|| panic!("no {name}"))
}

/// The names of what stands within an element.
fn names(node: Node<'_, '_>, element: &str) -> Vec<String> {
    node.children()
        .filter(|child| child.has_tag_name(element))
        .map(|child| child.attribute("Name").unwrap().to_owned())
        .collect()
}

#[test]
fn every_name_that_is_used_is_declared() {
    for version in VERSIONS {
        let document = read(version);
        let declared = declared(&document);
        let mut used = 0;
        for node in document.descendants() {
            for attribute in ["Type", "BaseType"] {
                let Some(name) = node.attribute(attribute) else {
                    continue;
                };
                let name = name
                    .strip_prefix("Collection(")
                    .and_then(|name| name.strip_suffix(')'))
                    .unwrap_or(name);
                let known = name.starts_with("Edm.") || declared.contains(name);
                assert!(known, "{version:?}: {name}");
                used += 1;
            }
        }
        assert!(used > 50, "{used}");
        // Nothing is declared twice.
        let count = ["EnumType", "EntityType", "ComplexType"]
            .into_iter()
            .map(|element| elements(&document, element).count())
            .sum::<usize>();
        assert_eq!(count, declared.len());
    }
}

#[test]
fn entities_have_a_key_and_complex_types_none() {
    for version in VERSIONS {
        let document = read(version);
        for node in elements(&document, "EntityType") {
            let mut kind = node;
            while let Some(base) = kind.attribute("BaseType") {
                kind = find(&document, base.strip_prefix("microsoft.graph.").unwrap());
            }
            assert_eq!(kind.attribute("Name"), Some(short_name(ENTITY.name)));
        }
        let keys: Vec<_> = elements(&document, "PropertyRef").collect();
        assert_eq!(keys.len(), 1);
        for node in elements(&document, "ComplexType") {
            assert!(!names(node, "Property").contains(&"id".to_owned()));
        }
    }
}

#[test]
fn the_stable_version_has_only_what_is_its_own() {
    let [beta, v1] = VERSIONS.map(read);
    let top = |document| names(find(document, "deviceManagement"), "NavigationProperty");
    assert_eq!(
        top(&v1),
        [
            "importedWindowsAutopilotDeviceIdentities",
            "windowsAutopilotDeviceIdentities"
        ]
    );
    assert_eq!(top(&beta).len(), 6);
    let device = |document| find(document, "windowsAutopilotDeviceIdentity");
    assert_eq!(names(device(&v1), "Property").len(), 16);
    assert_eq!(names(device(&beta), "Property").len(), 26);
    assert_eq!(
        names(device(&beta), "NavigationProperty"),
        ["deploymentProfile", "intendedDeploymentProfile"]
    );
    let actions = |document: &Document<'_>| -> Vec<_> {
        elements(document, "Action")
            .map(|node| node.attribute("Name").unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        actions(&v1),
        [
            "import",
            "deleteDevices",
            "assignUserToDevice",
            "unassignUserFromDevice",
            "updateDeviceProperties"
        ]
    );
    assert_eq!(actions(&beta).len(), 11);
    let parameters = |document| names(find(document, "updateDeviceProperties"), "Parameter").len();
    assert_eq!((parameters(&v1), parameters(&beta)), (5, 8));
    let states = |document| names(find(document, "enrollmentState"), "Member");
    assert!(!states(&v1).contains(&"blocked".to_owned()));
    assert_eq!(states(&beta).last().unwrap(), "blocked");
    assert!(declared(&v1).is_subset(&declared(&beta)));
}

#[test]
fn what_microsoft_publishes_is_said_alike() {
    let document = read(Version::Beta);
    let profile = find(&document, "windowsAutopilotDeploymentProfile");
    assert_eq!(profile.attribute("Abstract"), Some("true"));
    let kind = find(
        &document,
        "activeDirectoryWindowsAutopilotDeploymentProfile",
    );
    assert_eq!(
        kind.attribute("BaseType"),
        Some("microsoft.graph.windowsAutopilotDeploymentProfile")
    );
    assert_eq!(
        names(kind, "Property"),
        ["hybridAzureADJoinSkipConnectivityCheck"]
    );
    let exclusion = find(&document, "exclusionGroupAssignmentTarget");
    assert_eq!(
        exclusion.attribute("BaseType"),
        Some("microsoft.graph.groupAssignmentTarget")
    );
    let import = find(&document, "import");
    let kinds: Vec<_> = import
        .children()
        .filter_map(|node| node.attribute("Type"))
        .collect();
    let imports = "Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)";
    assert_eq!(kinds, [imports; 3]);
    let singleton = elements(&document, "Singleton").next().unwrap();
    assert_eq!(
        singleton.attribute("Type"),
        Some("microsoft.graph.deviceManagement")
    );
    let state = find(&document, "importedWindowsAutopilotDeviceIdentityState");
    let nullable: Vec<_> = state
        .children()
        .map(|node| node.attribute("Nullable") != Some("false"))
        .collect();
    assert_eq!(nullable, [false, true, false, true]);
}

/// What the document in JSON must be, made from the one in XML.
fn in_json(document: &Document<'_>) -> Value {
    let mut schema = Map::new();
    for node in document.descendants() {
        let name = node.attribute("Name").unwrap_or_default().to_owned();
        let described = match node.tag_name().name() {
            "EnumType" => {
                let mut members = Map::from_iter([("$Kind".to_owned(), json!("EnumType"))]);
                for member in node.children() {
                    let value: i32 = member.attribute("Value").unwrap().parse().unwrap();
                    members.insert(member.attribute("Name").unwrap().to_owned(), json!(value));
                }
                members.into()
            }
            kind @ ("EntityType" | "ComplexType") => {
                let mut object = Map::from_iter([("$Kind".to_owned(), json!(kind))]);
                object.extend(
                    node.attribute("BaseType")
                        .map(|base| ("$BaseType".to_owned(), json!(base))),
                );
                object.extend(
                    node.attribute("Abstract")
                        .map(|_| ("$Abstract".to_owned(), json!(true))),
                );
                for child in node.children() {
                    if child.has_tag_name("Key") {
                        object.insert("$Key".to_owned(), json!(["id"]));
                    } else {
                        let name = child.attribute("Name").unwrap().to_owned();
                        object.insert(name, reference(child));
                    }
                }
                object.into()
            }
            "Action" => {
                let named = |node: Node<'_, '_>| {
                    let mut object = reference(node);
                    object["$Name"] = json!(node.attribute("Name").unwrap());
                    object
                };
                let of = |element: &'static str| {
                    node.children()
                        .filter(move |child| child.has_tag_name(element))
                };
                let parameters: Vec<_> = of("Parameter").map(named).collect();
                let mut action =
                    json!({ "$Kind": "Action", "$IsBound": true, "$Parameter": parameters });
                if let Some(returned) = of("ReturnType").next() {
                    action["$ReturnType"] = reference(returned);
                }
                json!([action])
            }
            "EntityContainer" => json!({
                "$Kind": "EntityContainer",
                "deviceManagement": { "$Type": "microsoft.graph.deviceManagement" },
            }),
            _ => continue,
        };
        schema.insert(name, described);
    }
    json!({
        "$Version": "4.01",
        "$EntityContainer": "microsoft.graph.GraphService",
        "microsoft.graph": schema,
    })
}

fn reference(node: Node<'_, '_>) -> Value {
    let mut object = Map::new();
    let kind = node.attribute("Type").unwrap();
    let item = kind
        .strip_prefix("Collection(")
        .and_then(|kind| kind.strip_suffix(')'));
    if item.is_some() {
        object.insert("$Collection".to_owned(), json!(true));
    }
    if item.unwrap_or(kind) != "Edm.String" {
        object.insert("$Type".to_owned(), json!(item.unwrap_or(kind)));
    }
    let is_way = node.has_tag_name("NavigationProperty");
    if is_way {
        object.insert("$Kind".to_owned(), json!("NavigationProperty"));
    }
    if node.attribute("Nullable") != Some("false") && !(is_way && item.is_some()) {
        object.insert("$Nullable".to_owned(), json!(true));
    }
    if node.attribute("ContainsTarget").is_some() {
        object.insert("$ContainsTarget".to_owned(), json!(true));
    }
    if let Some(precision) = node.attribute("Precision") {
        let precision: u8 = precision.parse().unwrap();
        object.insert("$Precision".to_owned(), json!(precision));
    }
    object.into()
}

#[test]
fn both_forms_say_the_same() {
    for version in VERSIONS {
        let document: Value = serde_json::from_slice(csdl_json(version)).unwrap();
        assert_eq!(document, in_json(&read(version)), "{version:?}");
    }
}

#[test]
fn the_service_document_names_the_singleton() {
    let written = |level| {
        let out = service_document("https://hangar.example", Version::V1, level);
        String::from_utf8(out).unwrap()
    };
    insta::assert_snapshot!(written(MetadataLevel::Minimal), @r#"{"@odata.context":"https://hangar.example/v1.0/$metadata","value":[{"name":"deviceManagement","kind":"Singleton","url":"deviceManagement"}]}"#);
    insta::assert_snapshot!(written(MetadataLevel::None), @r#"{"value":[{"name":"deviceManagement","kind":"Singleton","url":"deviceManagement"}]}"#);
}
