//! Writes an entity by walking the property table.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{hardware_blob::HardwareBlob, revision::Revision};

use super::{
    behavior::Behavior,
    etag,
    json_writer::{
        ObjectWriter, write_base64, write_number, write_quoted, write_text, write_texts,
    },
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
    write_properties(&mut object, kind, context, value_of);
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
    let pieces = [
        context.base,
        "/",
        context.version.path_segment(),
        "/$metadata#deviceManagement/",
        set.name(),
        suffix,
    ];
    write_texts(object.key("@odata.context"), &pieces);
}

fn write_properties<'v, F: Copy>(
    object: &mut ObjectWriter<'_>,
    kind: &StructuredType<F>,
    context: &WriteContext<'_>,
    value_of: &impl Fn(F) -> Value<'v>,
) {
    for property in kind.properties_in(context.version) {
        match &property.content {
            Content::Value(edm, field) => {
                let value = value_of(*field);
                if context.level == MetadataLevel::Full && !matches!(value, Value::Null) {
                    write_value_type(object, property.name, *edm);
                }
                write_value(object.key(property.name), &value);
            }
            Content::Complex(inner) => {
                write_complex(object.key(property.name), inner, context, value_of);
            }
        }
    }
}

/// Writes a value of a complex type.
pub(super) fn write_complex<'v, F: Copy>(
    out: &mut Vec<u8>,
    kind: &StructuredType<F>,
    context: &WriteContext<'_>,
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
    write_properties(&mut object, kind, context, value_of);
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
