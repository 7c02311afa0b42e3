//! Writes a model as CSDL in XML. What stands in attributes are our own names, which need no
//! escaping.

use std::fmt::Write as _;

use super::{
    CONTAINER,
    model::{Described, KEY, Model, Type},
    root,
};
use crate::graph::{
    action::{Action, NAMESPACE, TypeReference, short_name},
    enumeration::members_in,
    navigation::Navigation,
    schema::{DEVICE_MANAGEMENT, ENTITY, EdmType},
};

/// How many digits of a second a date and time may have.
pub(super) const PRECISION: u8 = 7;

/// Writes the document.
pub(super) fn write(model: &Model) -> Vec<u8> {
    let mut out = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
        "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">",
        "<edmx:DataServices>",
    ));
    // Writing into a `String` never fails.
    let _ = write!(
        out,
        "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">"
    );
    for kind in &model.enumerations {
        let _ = write!(out, "<EnumType Name=\"{}\">", short_name(kind.name));
        for (name, number) in members_in(kind, model.version) {
            let _ = write!(out, "<Member Name=\"{name}\" Value=\"{number}\"/>");
        }
        out.push_str("</EnumType>");
    }
    for kind in &model.types {
        write_type(&mut out, kind);
    }
    for action in &model.actions {
        write_action(&mut out, action, model);
    }
    let _ = write!(
        out,
        "<EntityContainer Name=\"{CONTAINER}\"><Singleton Name=\"{}\" Type=\"{}\"/></EntityContainer>\
         </Schema></edmx:DataServices></edmx:Edmx>",
        root(),
        DEVICE_MANAGEMENT.name
    );
    out.into_bytes()
}

fn write_type(out: &mut String, kind: &Type) {
    let element = if kind.is_entity {
        "EntityType"
    } else {
        "ComplexType"
    };
    let _ = write!(out, "<{element} Name=\"{}\"", short_name(kind.name));
    if let Some(base) = kind.base {
        let _ = write!(out, " BaseType=\"{base}\"");
    }
    if kind.is_abstract {
        out.push_str(" Abstract=\"true\"");
    }
    out.push('>');
    if kind.name == ENTITY.name {
        let _ = write!(out, "<Key><PropertyRef Name=\"{KEY}\"/></Key>");
    }
    for property in &kind.properties {
        write_property(out, property);
    }
    for way in &kind.navigation {
        write_navigation(out, way);
    }
    let _ = write!(out, "</{element}>");
}

fn write_property(out: &mut String, property: &Described) {
    let kind = spell(property.kind);
    let _ = write!(out, "<Property Name=\"{}\" Type=\"{kind}\"", property.name);
    if !property.nullable {
        out.push_str(" Nullable=\"false\"");
    }
    if property.kind.name == EdmType::DateTimeOffset.name() {
        let _ = write!(out, " Precision=\"{PRECISION}\"");
    }
    out.push_str("/>");
}

fn write_navigation(out: &mut String, way: &Navigation) {
    let kind = spell(way.to);
    let _ = write!(
        out,
        "<NavigationProperty Name=\"{}\" Type=\"{kind}\"",
        way.name
    );
    if way.contained {
        out.push_str(" ContainsTarget=\"true\"");
    }
    out.push_str("/>");
}

fn write_action(out: &mut String, action: &Action, model: &Model) {
    let _ = write!(
        out,
        "<Action Name=\"{}\" IsBound=\"true\"><Parameter Name=\"bindingParameter\" Type=\"{}\" \
         Nullable=\"false\"/>",
        action.short_name(),
        spell(action.bound_to)
    );
    for parameter in action.parameters_in(model.version) {
        let kind = spell(parameter.kind);
        let _ = write!(
            out,
            "<Parameter Name=\"{}\" Type=\"{kind}\"",
            parameter.name
        );
        if !parameter.nullable {
            out.push_str(" Nullable=\"false\"");
        }
        out.push_str("/>");
    }
    if let Some(returned) = action.returns {
        let kind = spell(returned);
        let _ = write!(out, "<ReturnType Type=\"{kind}\" Nullable=\"false\"/>");
    }
    out.push_str("</Action>");
}

fn spell(kind: TypeReference) -> String {
    if kind.many {
        format!("Collection({})", kind.name)
    } else {
        kind.name.to_owned()
    }
}
