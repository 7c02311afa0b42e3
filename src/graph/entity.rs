//! Writes an entity by walking the property table.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use odata::{Expand, Kind, Select};
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
    Boolean(bool),
    Texts(&'a [String]),
    /// An instant, with as many digits of its second as it takes, seven at most.
    Instant(Timestamp),
    /// An instant with seven digits of its second, whatever they are.
    ExactInstant(Timestamp),
    /// An object that may be absent and is not.
    Present,
}

impl<'a> Value<'a> {
    /// The value as queries compare it, of a property of this kind.
    pub(super) fn compared(self, kind: Kind) -> odata::Value<'a> {
        match (self, kind) {
            (Self::Plain(member), Kind::Enum(members)) => members
                .number(member)
                .map_or(odata::Value::Null, odata::Value::Enum),
            (Self::Text(text) | Self::Plain(text), _) => odata::Value::Text(text.into()),
            (Self::Guid(id), Kind::Guid) => odata::Value::Guid(id),
            (Self::Guid(id), _) => odata::Value::Text(id.to_string().into()),
            (Self::Int32(number), _) => odata::Value::Integer(number.into()),
            (Self::Boolean(truth), _) => odata::Value::Boolean(truth),
            (Self::Instant(at) | Self::ExactInstant(at), _) => odata::Value::Instant(at),
            // Nothing compares these.
            (Self::Null | Self::Binary(_) | Self::Texts(_) | Self::Present, _) => {
                odata::Value::Null
            }
        }
    }
}

/// Graph's way to say never.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

/// Whether the context of an answer tells an entity's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// It does.
    ByContext,
    /// It tells only a base type, so that the entity's own is always named.
    Derived,
}

/// What an entity is, apart from its properties.
pub(super) struct Head<'h> {
    /// Where it stands, below `deviceManagement`.
    pub(super) set: &'h str,
    /// The name of its type.
    pub(super) type_name: &'static str,
    /// Whether the type is always named.
    pub(super) typing: Typing,
    /// Its key.
    pub(super) key: &'h dyn fmt::Display,
    /// Asked for where the answer shows it, of an entity that has entity tags.
    pub(super) revision: Option<&'h dyn Fn() -> Revision>,
}

/// Writes one entity. `value_of` gives the value of a field; `revision` is as in a [`Head`].
pub(super) fn write_entity<'v, F: Copy>(
    out: &mut Vec<u8>,
    (set, kind, id): (EntitySet, &StructuredType<F>, Uuid),
    revision: Option<&dyn Fn() -> Revision>,
    context: &WriteContext<'_>,
    place: Place,
    value_of: &impl Fn(F) -> Value<'v>,
) {
    let head = Head {
        set: set.name(),
        type_name: kind.name,
        typing: Typing::ByContext,
        key: &id,
        revision,
    };
    let mut object = begin_entity(out, &head, context, place);
    write_properties(&mut object, kind, context, "", value_of);
    object.end();
}

/// Opens an entity and writes what stands before its properties.
pub(super) fn begin_entity<'o>(
    out: &'o mut Vec<u8>,
    head: &Head<'_>,
    context: &WriteContext<'_>,
    place: Place,
) -> ObjectWriter<'o> {
    let mut object = ObjectWriter::new(out);
    if place == Place::Entity {
        write_context(&mut object, head.set, "/$entity", context);
    }
    match (context.level, context.behavior, head.typing) {
        (MetadataLevel::Full, ..)
        | (MetadataLevel::Minimal, Behavior::Documented, _)
        | (MetadataLevel::Minimal, _, Typing::Derived) => {
            write_texts(object.key("@odata.type"), &["#", head.type_name]);
        }
        // The live service leaves the type out where the context tells it.
        (MetadataLevel::Minimal, Behavior::Observed, Typing::ByContext)
        | (MetadataLevel::None, ..) => {}
    }
    if context.level == MetadataLevel::Full {
        if let Some(revision) = head.revision {
            write_text(object.key("@odata.etag"), &etag::spell(revision()));
        }
        for name in ["@odata.id", "@odata.editLink"] {
            let link = object.key(name);
            // Relative to the context, as Graph writes them.
            write_quoted(
                link,
                format_args!("deviceManagement/{}('{}')", head.set, head.key),
            );
        }
    }
    object
}

/// Writes `@odata.context`, which `metadata=none` leaves out.
pub(super) fn write_context(
    object: &mut ObjectWriter<'_>,
    set: &str,
    suffix: &str,
    context: &WriteContext<'_>,
) {
    write_context_of(object, ("", set), suffix, context);
}

/// Writes the `@odata.context` of a member, or of the object itself, where that has no name.
pub(super) fn write_context_of(
    object: &mut ObjectWriter<'_>,
    (member, set): (&str, &str),
    suffix: &str,
    context: &WriteContext<'_>,
) {
    if context.level == MetadataLevel::None {
        return;
    }
    let shown = context.shown.map_or_else(String::new, |shown| {
        shown_in_context(shown.select.as_ref(), &shown.expand)
    });
    let pieces = [
        context.base,
        "/",
        context.version.path_segment(),
        "/$metadata#deviceManagement/",
        set,
        &shown,
        suffix,
    ];
    write_texts(object.annotation(member, "@odata.context"), &pieces);
}

/// What a context says of an answer that does not show just everything:
/// `(id,deploymentProfile(displayName))`.
fn shown_in_context(select: Option<&Select>, expand: &Expand) -> String {
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    if let Some(select) = select {
        if select.all {
            names.push("*".into());
        }
        names.extend(select.paths.iter().map(|path| Cow::from(*path)));
    }
    for item in &expand.items {
        let within = shown_in_context(item.select.as_ref(), &item.expand);
        let within = if within.is_empty() { "()" } else { &within };
        names.push(format!("{}{within}", item.name).into());
    }
    match names.as_slice() {
        [] => String::new(),
        names => format!("({})", names.join(",")),
    }
}

/// Writes the properties of an object by its type, their names behind this prefix.
pub(super) fn write_properties<'v, F: Copy>(
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
            Content::Complex(_) | Content::Optional(..)
                if select.is_some_and(|select| !select.shows_within(&path)) => {}
            Content::Value(edm, field) => {
                let value = value_of(*field);
                if context.level == MetadataLevel::Full && !matches!(value, Value::Null) {
                    write_value_type(object, property.name, *edm);
                }
                write_value(object.key(property.name), &value);
            }
            Content::Collection(..) if select.is_some_and(|select| !select.shows(&path)) => {}
            Content::Collection(edm, field) => {
                if context.level == MetadataLevel::Full {
                    let element = edm.name().trim_start_matches("Edm.");
                    let annotation = object.annotation(property.name, "@odata.type");
                    write_texts(annotation, &["#Collection(", element, ")"]);
                }
                write_value(object.key(property.name), &value_of(*field));
            }
            Content::Optional(_, field) if matches!(value_of(*field), Value::Null) => {
                write_value(object.key(property.name), &Value::Null);
            }
            Content::Complex(inner) | Content::Optional(inner, _) => {
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
        EdmType::String | EdmType::Boolean | EdmType::Complex(_) => return,
        EdmType::Binary => "#Binary",
        EdmType::Int32 => "#Int32",
        EdmType::DateTimeOffset => "#DateTimeOffset",
        EdmType::Enum(name) => {
            return write_texts(object.annotation(property, "@odata.type"), &["#", name]);
        }
    };
    write_text(object.annotation(property, "@odata.type"), name);
}

fn write_list(out: &mut Vec<u8>, texts: &[String]) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, text);
    }
    out.push(b']');
}

/// How many digits of a second Graph writes at most.
const FRACTION_DIGITS: usize = 7;

/// An instant as Graph writes it, with at least so many digits of its second.
struct Instant(Timestamp, usize);

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(instant, least) = self;
        write!(formatter, "{}", instant.strftime("%Y-%m-%dT%H:%M:%S"))?;
        // Graph counts in tenths of a microsecond.
        let ticks = instant.subsec_nanosecond() / 100;
        let digits = format!("{ticks:07}");
        let kept = digits.trim_end_matches('0').len().max(*least);
        if let Some(digits) = digits.get(..kept).filter(|digits| !digits.is_empty()) {
            write!(formatter, ".{digits}")?;
        }
        formatter.write_str("Z")
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => write_text(out, text),
        Value::Plain(text) => write_quoted(out, text),
        Value::Guid(id) => write_quoted(out, id.hyphenated()),
        Value::Binary(blob) => write_base64(out, blob),
        Value::Int32(number) => write_number(out, number),
        Value::Boolean(value) => write_number(out, value),
        Value::Texts(texts) => write_list(out, texts),
        Value::Instant(instant) => write_quoted(out, Instant(*instant, 0)),
        Value::ExactInstant(instant) => write_quoted(out, Instant(*instant, FRACTION_DIGITS)),
        // What is present is written by its type.
        Value::Present => out.extend_from_slice(b"{}"),
    }
}
