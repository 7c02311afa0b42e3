//! The routes as an `OpenAPI` document: every row of the route table that a version has, with its path,
//! its access, its options, its bodies and how it can fail. What the bodies look like is in
//! `schemas`.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    options::{Holds, options},
    path::{Target, Way},
    schemas::{self, reference_to, schema_of},
};
use crate::{
    graph::{
        action::{TypeReference, short_name},
        metadata::model::Model,
    },
    http::{
        auth::permission::{self, Access, ConfigurationScopes},
        router::{Operation, ROUTES, Route},
    },
};

/// The security scheme.
const BEARER: &str = "bearer";

/// Everything of the document but its beginning, which [`at`] writes.
pub(super) fn describe(model: &Model, scopes: ConfigurationScopes) -> String {
    let mut paths: Map<String, Value> = Map::new();
    let known = |route: &&Route| route.versions.include(model.version);
    for route in ROUTES.iter().filter(known) {
        // A test sees that every route leads somewhere.
        let Some(way) = Way::of(route, model.version) else {
            continue;
        };
        let item = paths
            .entry(way.template.clone())
            .or_insert_with(|| json!({}));
        if let (Some(item), false) = (item.as_object_mut(), way.keys.is_empty()) {
            item.entry("parameters").or_insert_with(|| keys_of(&way));
        }
        let method = route.method.as_str().to_ascii_lowercase();
        item[method] = operation(route, &way, model, scopes);
    }
    let document = json!({
        "info": {
            "title": "Hangar",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Windows Autopilot registration as Microsoft Graph speaks it, in its documented behaviour.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas::describe(model),
            "responses": { "error": error_response() },
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of Microsoft Entra ID, or of the local authority. The names that an operation lists are scopes, of which any one opens it.",
                },
            },
        },
    });
    document.to_string()
}

/// The document at a server's address. `rest` is what [`describe`] makes.
pub(super) fn at(rest: &str, address: &str) -> Bytes {
    let servers = json!([{ "url": address }]);
    let members = rest.strip_prefix('{').unwrap_or(rest);
    format!("{{\"openapi\":\"3.1.0\",\"servers\":{servers},{members}").into()
}

/// What [`describe`] makes, with further paths.
pub(super) fn with(rest: &str, further: Map<String, Value>) -> String {
    let mut document: Value = serde_json::from_str(rest).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.extend(further);
    }
    document.to_string()
}

fn keys_of(way: &Way) -> Value {
    let key = |(name, type_name): &(String, &'static str)| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": format!("The id of the {}.", short_name(type_name)),
            "schema": { "type": "string" },
        })
    };
    way.keys.iter().map(key).collect()
}

fn operation(route: &Route, way: &Way, model: &Model, scopes: ConfigurationScopes) -> Value {
    let mut operation = json!({
        "operationId": way.operation_id(route),
        "security": security(route.access, scopes),
        "responses": responses(route, way),
    });
    let parameters: Vec<_> = options(route.operation, model.version)
        .into_iter()
        .map(|option| {
            let schema = match option.holds {
                Holds::Number => json!({ "type": "integer", "minimum": 0 }),
                Holds::Boolean => json!({ "type": "boolean" }),
                Holds::Text => json!({ "type": "string" }),
            };
            json!({
                "name": option.name,
                "in": "query",
                "description": option.meaning,
                "schema": schema,
            })
        })
        .chain(conditions(route))
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(route, way, model) {
        operation["requestBody"] = body;
    }
    operation
}

/// Any one of several scopes opens a route.
fn security(access: Access, scopes: ConfigurationScopes) -> Value {
    match access {
        Access::Anonymous => json!([]),
        Access::AnyToken => json!([{ BEARER: [] }]),
        Access::Needs(permission) => permission::sufficient(permission, scopes)
            .iter()
            .map(|scope| json!({ BEARER: [scope] }))
            .collect(),
    }
}

fn conditions(route: &Route) -> Vec<Value> {
    let condition = |name: &str| {
        json!({
            "name": name,
            "in": "header",
            "description": "ETags as they were given out.",
            "schema": { "type": "string" },
        })
    };
    if route.has_etags() {
        vec![condition("If-Match"), condition("If-None-Match")]
    } else {
        Vec::new()
    }
}

fn request_body(route: &Route, way: &Way, model: &Model) -> Option<Value> {
    let (schema, required) = match way.target {
        Target::Entities(reference) if matches!(route.method, Method::POST | Method::PATCH) => {
            (reference_to(reference.name), true)
        }
        Target::Action(action) => {
            let mut properties = Map::new();
            let mut demanded = Vec::new();
            for parameter in action.parameters_in(model.version) {
                let schema = schema_of(parameter.kind, parameter.nullable);
                properties.insert(parameter.name.to_owned(), schema);
                demanded.extend((!parameter.nullable).then_some(parameter.name));
            }
            let takes_any = !properties.is_empty();
            let mut schema = json!({ "type": "object", "properties": properties });
            if !demanded.is_empty() {
                schema["required"] = demanded.into();
            }
            (schema, takes_any)
        }
        Target::Other if route.operation == Operation::Batch => {
            (reference_to(schemas::BATCH_REQUEST), true)
        }
        Target::Entities(_) | Target::Count | Target::Other => return None,
    };
    Some(json!({
        "required": required,
        "content": { "application/json": { "schema": schema } },
    }))
}

fn responses(route: &Route, way: &Way) -> Value {
    let mut responses = Map::new();
    let (status, answer) = success(route, way);
    responses.insert(status.to_owned(), answer);
    if route.has_etags() && route.method == Method::GET {
        let unchanged = json!({ "description": "The client has it already." });
        responses.insert("304".to_owned(), unchanged);
    }
    for status in failures(route, way) {
        let failure = json!({ "$ref": "#/components/responses/error" });
        responses.insert(status.to_owned(), failure);
    }
    responses.into()
}

fn success(route: &Route, way: &Way) -> (&'static str, Value) {
    let json_of = |schema| Some(json!({ "application/json": { "schema": schema } }));
    let of = |reference: TypeReference| {
        let name = if reference.many {
            schemas::collection_of(reference.name)
        } else {
            reference.name.to_owned()
        };
        json_of(reference_to(&name))
    };
    let (status, description, content) = match way.target {
        Target::Entities(reference) => match route.method {
            Method::POST => (
                "201",
                "It is created.",
                of(TypeReference::one(reference.name)),
            ),
            Method::DELETE => ("204", "It is deleted.", None),
            _ => ("200", "Found, or changed.", of(reference)),
        },
        Target::Count => {
            let number = json!({ "text/plain": { "schema": { "type": "integer", "minimum": 0 } } });
            ("200", "How many there are.", Some(number))
        }
        Target::Action(action) => match action.returns {
            Some(returned) => ("200", "It is done.", of(returned)),
            None => ("204", "It is done.", None),
        },
        Target::Other => match route.operation {
            Operation::Metadata => {
                let kinds = json!({
                    "application/xml": { "schema": { "type": "string" } },
                    "application/json": { "schema": { "type": "object" } },
                });
                ("200", "The types, as CSDL.", Some(kinds))
            }
            Operation::Batch => {
                let body = json_of(reference_to(schemas::BATCH_RESPONSE));
                ("200", "An answer for each request.", body)
            }
            Operation::ServiceDocument => {
                let body = json_of(reference_to(schemas::SERVICE_DOCUMENT));
                ("200", "What there is.", body)
            }
            _ => (
                "200",
                "This description.",
                json_of(json!({ "type": "object" })),
            ),
        },
    };
    let mut answer = json!({ "description": description });
    if let Some(content) = content {
        answer["content"] = content;
    }
    (status, answer)
}

/// The statuses with which a route can fail, those of any request to any server aside.
fn failures(route: &Route, way: &Way) -> Vec<&'static str> {
    let writes = route.method != Method::GET;
    let needs = matches!(route.access, Access::Needs(_));
    let knows = route.access != Access::Anonymous;
    [
        ("400", true),
        ("401", knows),
        ("403", needs),
        ("404", !way.keys.is_empty()),
        ("406", !writes),
        ("409", writes && needs),
        ("412", route.has_etags()),
        ("413", writes),
        ("429", needs),
        ("503", knows),
    ]
    .into_iter()
    .filter_map(|(status, possible)| possible.then_some(status))
    .collect()
}

fn error_response() -> Value {
    json!({
        "description": "What is wrong, for a program and for a person.",
        "headers": {
            "Retry-After": {
                "description": "After how many seconds to try again, with 429 and 503.",
                "schema": { "type": "integer" },
            },
        },
        "content": { "application/json": { "schema": reference_to(schemas::ERROR) } },
    })
}
