//! The schemas of an `OpenAPI` document: those of the model's types, and the few bodies that are no
//! type's.

use serde_json::{Map, Value, json};

use crate::graph::{
    action::{NAMESPACE, TypeReference, short_name},
    enumeration::members_in,
    metadata::model::{Model, Type},
    schema::{ENTITY, EdmType},
};

/// The body of an error.
pub(super) const ERROR: &str = "microsoft.graph.ODataErrors.ODataError";
/// What `$batch` takes.
pub(super) const BATCH_REQUEST: &str = "batchRequest";
/// What `$batch` answers.
pub(super) const BATCH_RESPONSE: &str = "batchResponse";
/// The service document.
pub(super) const SERVICE_DOCUMENT: &str = "serviceDocument";

/// Every schema by its name.
pub(super) fn describe(model: &Model) -> Value {
    let mut schemas = Map::new();
    for kind in &model.enumerations {
        let names: Vec<_> = members_in(kind, model.version)
            .map(|(name, _)| name)
            .collect();
        let schema = json!({ "type": "string", "title": short_name(kind.name), "enum": names });
        schemas.insert(kind.name.to_owned(), schema);
    }
    for kind in &model.types {
        schemas.insert(kind.name.to_owned(), schema_of_type(kind, model));
        schemas.insert(collection_of(kind.name), collection(kind.name));
    }
    schemas.insert(ERROR.to_owned(), error());
    schemas.insert(BATCH_REQUEST.to_owned(), batch_request());
    schemas.insert(BATCH_RESPONSE.to_owned(), batch_response());
    schemas.insert(SERVICE_DOCUMENT.to_owned(), service_document());
    schemas.into()
}

/// The schema of this name.
pub(super) fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The name of the schema of a page of these.
pub(super) fn collection_of(name: &str) -> String {
    format!("{name}CollectionResponse")
}

/// The schema of a value.
pub(super) fn schema_of(kind: TypeReference, nullable: bool) -> Value {
    if kind.many {
        let items = schema_of(TypeReference::one(kind.name), nullable);
        return json!({ "type": "array", "items": items });
    }
    let plain = |name: &str| {
        if nullable {
            json!({ "type": [name, "null"] })
        } else {
            json!({ "type": name })
        }
    };
    let with = |mut schema: Value, key: &str, value: &str| {
        schema[key] = value.into();
        schema
    };
    match kind.name {
        name if name == EdmType::String.name() => plain("string"),
        name if name == EdmType::Boolean.name() => plain("boolean"),
        name if name == EdmType::Int32.name() => with(plain("integer"), "format", "int32"),
        name if name == EdmType::Binary.name() => {
            with(plain("string"), "contentEncoding", "base64")
        }
        name if name == EdmType::DateTimeOffset.name() => {
            with(plain("string"), "format", "date-time")
        }
        name if nullable => json!({ "anyOf": [reference_to(name), { "type": "null" }] }),
        name => reference_to(name),
    }
}

fn schema_of_type(kind: &Type, model: &Model) -> Value {
    let mut properties = Map::new();
    for property in &kind.properties {
        let schema = schema_of(property.kind, property.nullable);
        properties.insert(property.name.to_owned(), schema);
    }
    for way in &kind.navigation {
        properties.insert(way.name.to_owned(), schema_of(way.to, !way.to.many));
    }
    // Told by most answers, and where a base is abstract by all that say which type it is.
    properties.insert("@odata.type".to_owned(), json!({ "type": "string" }));
    let mut schema = json!({
        "title": short_name(kind.name),
        "type": "object",
        "properties": properties,
    });
    if let Some(base) = kind.base {
        schema["allOf"] = json!([reference_to(base)]);
    }
    if kind.is_abstract && kind.name != ENTITY.name {
        let mapping: Map<String, Value> = model
            .derived_from(kind.name)
            .map(|derived| {
                let address = format!("#/components/schemas/{}", derived.name);
                (format!("#{}", derived.name), address.into())
            })
            .collect();
        schema["discriminator"] = json!({ "propertyName": "@odata.type", "mapping": mapping });
    }
    schema
}

fn collection(name: &str) -> Value {
    json!({
        "title": format!("Collection of {}", name.strip_prefix(NAMESPACE).unwrap_or(name).trim_start_matches('.')),
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": { "type": "string", "format": "uri" },
            "@odata.count": { "type": "integer", "minimum": 0 },
            "@odata.nextLink": { "type": "string", "format": "uri" },
            "value": { "type": "array", "items": reference_to(name) },
        },
    })
}

fn error() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "innerError"],
                "properties": {
                    "code": text,
                    "message": text,
                    "details": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["code", "message", "target"],
                            "properties": { "code": text, "message": text, "target": text },
                        },
                    },
                    "innerError": {
                        "type": "object",
                        "required": ["date", "request-id", "client-request-id"],
                        "properties": {
                            "date": text,
                            "request-id": text,
                            "client-request-id": text,
                        },
                    },
                },
            },
        },
    })
}

fn batch_request() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["requests"],
        "properties": {
            "requests": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20,
                "items": {
                    "type": "object",
                    "required": ["id", "method", "url"],
                    "properties": {
                        "id": text,
                        "method": text,
                        "url": text,
                        "headers": { "type": "object", "additionalProperties": text },
                        "body": true,
                        "dependsOn": { "type": "array", "items": text },
                    },
                },
            },
        },
    })
}

fn batch_response() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["responses"],
        "properties": {
            "responses": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "status", "body"],
                    "properties": {
                        "id": text,
                        "status": { "type": "integer" },
                        "headers": { "type": "object", "additionalProperties": text },
                        "body": true,
                    },
                },
            },
        },
    })
}

fn service_document() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": text,
            "value": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "kind", "url"],
                    "properties": { "name": text, "kind": text, "url": text },
                },
            },
        },
    })
}
