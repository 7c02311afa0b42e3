//! Writes an entity by walking the property table.

use std::borrow::Cow;

use jiff::Timestamp;
use odata::Select;
use uuid::Uuid;

use crate::domain::{hardware_blob::HardwareBlob, revision::Revision};

use super::{
    behavior::Behavior,
    etag,
    json_writer::{
        ObjectWriter, write_base64, write_number, write_quoted, write_text, write_texts,
    },
    list_query::Shown,
    metadata_level::MetadataLevel,
    schema::{Content, EdmType, EntitySet, StructuredType},
    version::Version,
};

/// What every entity of an answer has in common.
#[derive(Clone, Copy, Debug)]
pub struct WriteContext<'a> {
    /// Scheme, host and port, as the client used them: `https://host:port`.
    pub base: &'a str,
    /// The version that was asked.
    pub version: Version,
    /// How much control information the answer carries.
    pub level: MetadataLevel,
    /// Which Graph is spoken.
    pub behavior: Behavior,
    /// What was asked to be shown; absent, everything and nothing within it.
    pub shown: Option<&'a Shown>,
}

impl<'a> WriteContext<'a> {
    /// The properties that are shown; absent, all.
    fn select(&self) -> Option<&'a Select> {
        self.shown?.select.as_ref()
    }
}

/// Where an entity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Alone: it has a context of its own.
    Entity,
    /// In a collection, which has the context.
    Item,
}

/// A property's value, ready to be written.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Text(&'a str),
    /// A text of ours that needs no escaping: an enumeration's member, a date.
    Plain(&'static str),
    Guid(Uuid),
    Binary(&'a HardwareBlob),
    Int32(i32),
    /// An instant, with as many digits of its second as it takes.
    Instant(Timestamp),
}

/// Writes one entity. `value_of` gives the value of a field; `revision` is asked for where the answer
/// shows it, of entities that have entity tags.
pub(super) fn write_entity<'v, F: Copy>(
    out: &mut Vec<u8>,
    (set, kind, id): (EntitySet, &StructuredType<F>, Uuid),
    revision: Option<&dyn Fn() -> Revision>,
    context: &WriteContext<'_>,
    place: Place,
    value_of: &impl Fn(F) -> Value<'v>,
) {
    let mut object = ObjectWriter::new(out);
    if place == Place::Entity {
        write_context(&mut object, set, "/$entity", context);
    }
    match (context.level, context.behavior) {
        (MetadataLevel::Full, _) | (MetadataLevel::Minimal, Behavior::Documented) => {
            write_texts(object.key("@odata.type"), &["#", kind.name]);
        }
        // The live service leaves the type out where the context tells it.
        (MetadataLevel::Minimal, Behavior::Observed) | (MetadataLevel::None, _) => {}
    }
    if context.level == MetadataLevel::Full {
        if let Some(revision) = revision {
            write_text(object.key("@odata.etag"), &etag::spell(revision()));
        }
        for name in ["@odata.id", "@odata.editLink"] {
            let link = object.key(name);
            // Relative to the context, as Graph writes them.
            write_quoted(
                link,
                format_args!("deviceManagement/{}('{id}')", set.name()),
            );
        }
    }
    write_properties(&mut object, kind, context, "", value_of);
    object.end();
}

/// Writes `@odata.context`, which `metadata=none` leaves out.
pub(super) fn write_context(
    object: &mut ObjectWriter<'_>,
    set: EntitySet,
    suffix: &str,
    context: &WriteContext<'_>,
) {
    if context.level == MetadataLevel::None {
        return;
    }
    let shown = shown_in_context(context);
    let pieces = [
        context.base,
        "/",
        context.version.path_segment(),
        "/$metadata#deviceManagement/",
        set.name(),
        &shown,
        suffix,
    ];
    write_texts(object.key("@odata.context"), &pieces);
}

/// What a context says of an answer that does not show just everything: `(id,deploymentProfile())`.
fn shown_in_context(context: &WriteContext<'_>) -> String {
    let Some(shown) = context.shown else {
        return String::new();
    };
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    if let Some(select) = &shown.select {
        if select.all {
            names.push("*".into());
        }
        names.extend(select.paths.iter().map(|path| Cow::from(*path)));
    }
    let expanded = shown.expand.items.iter();
    names.extend(expanded.map(|item| Cow::from(format!("{}()", item.name))));
    match names.as_slice() {
        [] => String::new(),
        names => format!("({})", names.join(",")),
    }
}

fn write_properties<'v, F: Copy>(
    object: &mut ObjectWriter<'_>,
    kind: &StructuredType<F>,
    context: &WriteContext<'_>,
    prefix: &str,
    value_of: &impl Fn(F) -> Value<'v>,
) {
    let select = context.select();
    for property in kind.properties_in(context.version) {
        // Paths are only made where somebody asks for them: most answers show everything.
        let path = match (select, prefix) {
            (None, _) | (_, "") => Cow::from(property.name),
            _ => Cow::from(format!("{prefix}/{}", property.name)),
        };
        match &property.content {
            Content::Value(..) if select.is_some_and(|select| !select.shows(&path)) => {}
            Content::Complex(_) if select.is_some_and(|select| !select.shows_within(&path)) => {}
            Content::Value(edm, field) => {
                let value = value_of(*field);
                if context.level == MetadataLevel::Full && !matches!(value, Value::Null) {
                    write_value_type(object, property.name, *edm);
                }
                write_value(object.key(property.name), &value);
            }
            Content::Complex(inner) => {
                write_complex(object.key(property.name), inner, context, &path, value_of);
            }
        }
    }
}

/// Writes a value of a complex type, which stands at this path.
pub(super) fn write_complex<'v, F: Copy>(
    out: &mut Vec<u8>,
    kind: &StructuredType<F>,
    context: &WriteContext<'_>,
    path: &str,
    value_of: &impl Fn(F) -> Value<'v>,
) {
    let mut object = ObjectWriter::new(out);
    match (context.level, context.behavior) {
        (MetadataLevel::Full, _) => {
            write_texts(object.key("@odata.type"), &["#", kind.name]);
        }
        // Microsoft's samples write a complex type's name without `#`, and so does the document
        // that Hangar starts from.
        (MetadataLevel::Minimal, Behavior::Documented) => {
            object.text("@odata.type", kind.name);
        }
        (MetadataLevel::Minimal, Behavior::Observed) | (MetadataLevel::None, _) => {}
    }
    write_properties(&mut object, kind, context, path, value_of);
    object.end();
}

/// Names the type where the JSON value does not tell it.
fn write_value_type(object: &mut ObjectWriter<'_>, property: &str, edm: EdmType) {
    let name = match edm {
        EdmType::String => return,
        EdmType::Binary => "#Binary",
        EdmType::Int32 => "#Int32",
        EdmType::DateTimeOffset => "#DateTimeOffset",
        EdmType::Enum(name) => {
            return write_texts(object.annotation(property, "@odata.type"), &["#", name]);
        }
    };
    write_text(object.annotation(property, "@odata.type"), name);
}

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => write_text(out, text),
        Value::Plain(text) => write_quoted(out, text),
        Value::Guid(id) => write_quoted(out, id.hyphenated()),
        Value::Binary(blob) => write_base64(out, blob),
        Value::Int32(number) => write_number(out, number),
        Value::Instant(instant) => write_quoted(out, instant),
    }
}
