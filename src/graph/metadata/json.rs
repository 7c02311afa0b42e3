//! Writes a model as CSDL in JSON.

use super::{
    CONTAINER,
    model::{KEY, Model, Type},
    root,
    xml::PRECISION,
};
use crate::graph::{
    action::{Action, NAMESPACE, TypeReference, short_name},
    enumeration::members_in,
    json_writer::{ObjectWriter, write_number},
    navigation::Navigation,
    schema::{DEVICE_MANAGEMENT, ENTITY, EdmType},
};

/// Writes the document.
pub(super) fn write(model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    let mut document = ObjectWriter::new(&mut out);
    document.text("$Version", "4.01");
    document.text("$EntityContainer", &format!("{NAMESPACE}.{CONTAINER}"));
    let mut schema = document.object(NAMESPACE);
    for kind in &model.enumerations {
        let mut object = schema.object(short_name(kind.name));
        object.text("$Kind", "EnumType");
        for (name, number) in members_in(kind, model.version) {
            write_number(object.key(name), number);
        }
        object.end();
    }
    for kind in &model.types {
        write_type(schema.object(short_name(kind.name)), kind);
    }
    for action in &model.actions {
        // Actions of one name that are bound to different types stand in one list.
        let out = schema.key(action.short_name());
        out.push(b'[');
        write_action(ObjectWriter::new(out), action, model);
        out.push(b']');
    }
    let mut container = schema.object(CONTAINER);
    container.text("$Kind", "EntityContainer");
    let mut singleton = container.object(root());
    singleton.text("$Type", DEVICE_MANAGEMENT.name);
    singleton.end();
    container.end();
    schema.end();
    document.end();
    out
}

fn write_type(mut object: ObjectWriter<'_>, kind: &Type) {
    let word = if kind.is_entity {
        "EntityType"
    } else {
        "ComplexType"
    };
    object.text("$Kind", word);
    if let Some(base) = kind.base {
        object.text("$BaseType", base);
    }
    if kind.is_abstract {
        write_true(&mut object, "$Abstract");
    }
    if kind.name == ENTITY.name {
        let out = object.key("$Key");
        out.extend_from_slice(format!("[\"{KEY}\"]").as_bytes());
    }
    for property in &kind.properties {
        let mut described = object.object(property.name);
        write_reference(&mut described, property.kind, property.nullable);
        if property.kind.name == EdmType::DateTimeOffset.name() {
            write_number(described.key("$Precision"), PRECISION);
        }
        described.end();
    }
    for way in &kind.navigation {
        write_navigation(object.object(way.name), way);
    }
    object.end();
}

fn write_navigation(mut object: ObjectWriter<'_>, way: &Navigation) {
    object.text("$Kind", "NavigationProperty");
    // One that leads to many leads to none at the least.
    write_reference(&mut object, way.to, !way.to.many);
    if way.contained {
        write_true(&mut object, "$ContainsTarget");
    }
    object.end();
}

fn write_action(mut object: ObjectWriter<'_>, action: &Action, model: &Model) {
    object.text("$Kind", "Action");
    write_true(&mut object, "$IsBound");
    let out = object.key("$Parameter");
    out.push(b'[');
    let mut bound = ObjectWriter::new(out);
    bound.text("$Name", "bindingParameter");
    write_reference(&mut bound, action.bound_to, false);
    bound.end();
    for parameter in action.parameters_in(model.version) {
        out.push(b',');
        let mut described = ObjectWriter::new(out);
        described.text("$Name", parameter.name);
        write_reference(&mut described, parameter.kind, parameter.nullable);
        described.end();
    }
    out.push(b']');
    if let Some(returned) = action.returns {
        let mut described = object.object("$ReturnType");
        write_reference(&mut described, returned, false);
        described.end();
    }
    object.end();
}

/// What is not said is the default: a string, one, not null.
fn write_reference(object: &mut ObjectWriter<'_>, kind: TypeReference, nullable: bool) {
    if kind.many {
        write_true(object, "$Collection");
    }
    if kind.name != EdmType::String.name() {
        object.text("$Type", kind.name);
    }
    if nullable {
        write_true(object, "$Nullable");
    }
}

fn write_true(object: &mut ObjectWriter<'_>, name: &str) {
    object.key(name).extend_from_slice(b"true");
}
