//! What a JSON schema does not allow: for each value that it describes, values that are none of it.

use serde_json::{Map, Value, json};

/// Deeper than this, nothing is made wrong.
const DEPTH: usize = 4;

/// What may be null although it never is in an answer: an id that is the server's to choose, the user
/// of a profile for shared devices, and scope tags that are the default ones.
const NULL_SAYS_NOTHING: [&str; 3] = ["id", "userType", "roleScopeTagIds"];

/// Values that are not of this schema. `document` is what its references lead into.
pub(super) fn of(schema: &Value, document: &Value) -> Vec<Value> {
    faults(schema, document, DEPTH)
}

/// The members of an object of this schema, inherited ones as well.
pub(super) fn members<'d>(schema: &'d Value, document: &'d Value) -> Vec<(&'d str, &'d Value)> {
    let schema = resolved(schema, document);
    let mut members = Vec::new();
    for base in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(self::members(base, document));
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    members.extend(own.map(|(name, member)| (name.as_str(), member)));
    members
}

/// The same name in another letter case.
pub(super) fn other_case(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().unwrap_or('x');
    let swapped = if first.is_ascii_uppercase() {
        first.to_ascii_lowercase()
    } else {
        first.to_ascii_uppercase()
    };
    [swapped.to_string().as_str(), letters.as_str()].concat()
}

fn resolved<'d>(schema: &'d Value, document: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(address) => document
            .pointer(address.trim_start_matches('#'))
            .expect(address),
        None => schema,
    }
}

fn faults(schema: &Value, document: &Value, depth: usize) -> Vec<Value> {
    let schema = resolved(schema, document);
    // What may be null is one of two: itself, or nothing.
    if let Some(choices) = schema["anyOf"].as_array() {
        let own = choices.iter().find(|choice| choice["type"] != "null");
        let mut faults = faults(own.unwrap(), document, depth);
        faults.retain(|fault| !fault.is_null());
        return faults;
    }
    let kinds = kinds(schema);
    let Some(kind) = kinds.iter().find(|kind| **kind != "null") else {
        // Anything will do.
        return Vec::new();
    };
    let mut faults = match *kind {
        "string" => texts(schema),
        "integer" | "number" => vec![
            json!("7"),
            json!(1.5),
            json!(true),
            json!([]),
            json!({}),
            json!(i64::from(i32::MAX) + 1),
            json!(i64::from(i32::MIN) - 1),
        ],
        "boolean" => vec![json!("true"), json!(1), json!([]), json!({})],
        "array" => items(schema, document, depth),
        _ => objects(schema, document, depth),
    };
    if !kinds.contains(&"null") {
        faults.push(Value::Null);
    }
    faults
}

fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn texts(schema: &Value) -> Vec<Value> {
    let mut faults = vec![json!(7), json!(true), json!([]), json!({}), json!("a\0b")];
    if let Some(names) = schema["enum"].as_array() {
        faults.push(json!("nothingOfTheKind"));
        faults.push(json!(""));
        let names = names.iter().filter_map(Value::as_str);
        faults.extend(names.map(|name| json!(other_case(name))));
    } else if schema["format"] == "date-time" {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01"] {
            faults.push(json!(text));
        }
    } else if schema["contentEncoding"] == "base64" {
        faults.push(json!("!"));
        faults.push(json!("A".repeat(16_388)));
    } else {
        faults.push(json!("ä".repeat(1_025)));
    }
    faults
}

fn items(schema: &Value, document: &Value, depth: usize) -> Vec<Value> {
    let mut faults = vec![json!(7), json!("x"), json!({})];
    if depth > 0 {
        let wrong = self::faults(&schema["items"], document, depth - 1);
        faults.extend(wrong.into_iter().map(|item| json!([item])));
    }
    faults
}

fn objects(schema: &Value, document: &Value, depth: usize) -> Vec<Value> {
    let mut faults = vec![json!(7), json!("x"), json!([])];
    // What is navigated to is another entity: what is shown of it within means nothing.
    let is_entity = |schema: &Value| {
        let bases = schema["allOf"].as_array().into_iter().flatten();
        let mut bases = bases.filter_map(|base| base["$ref"].as_str());
        bases.any(|base| base.ends_with("microsoft.graph.entity"))
    };
    if depth == 0 || (depth < DEPTH && is_entity(schema)) {
        return faults;
    }
    faults.push(json!({ "nothingOfTheKind": 1 }));
    for (name, member) in members(schema, document) {
        let with =
            |name: &str, value: Value| Value::Object(Map::from_iter([(name.to_owned(), value)]));
        if !name.contains('@') {
            faults.push(with(&other_case(name), Value::Null));
        }
        let mut wrong = self::faults(member, document, depth - 1);
        wrong.retain(|value| !(value.is_null() && NULL_SAYS_NOTHING.contains(&name)));
        faults.extend(wrong.into_iter().map(|value| with(name, value)));
    }
    faults
}
