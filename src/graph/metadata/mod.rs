//! What the API is, told by itself: `$metadata` as CSDL, in XML and in JSON, and the service document.
//!
//! Everything is made of the tables of properties, enumerations, navigation and actions, once a
//! version. The description of the routes is `http`'s.

mod json;
pub mod model;
mod xml;

use std::sync::LazyLock;

use super::{
    action::short_name,
    json_writer::{ObjectWriter, write_texts},
    metadata_level::MetadataLevel,
    schema::DEVICE_MANAGEMENT,
    version::Version,
};
use model::Model;

/// The entity container, Graph's name for it.
const CONTAINER: &str = "GraphService";

/// The only entry of the container, and the first segment of every path.
pub fn root() -> &'static str {
    short_name(DEVICE_MANAGEMENT.name)
}

/// `$metadata` in XML.
pub fn csdl_xml(version: Version) -> &'static [u8] {
    static TEXTS: LazyLock<[Vec<u8>; 2]> =
        LazyLock::new(|| [Version::Beta, Version::V1].map(|of| xml::write(Model::of(of))));
    let [beta, v1] = &*TEXTS;
    match version {
        Version::Beta => beta,
        Version::V1 => v1,
    }
}

/// `$metadata` in JSON.
pub fn csdl_json(version: Version) -> &'static [u8] {
    static TEXTS: LazyLock<[Vec<u8>; 2]> =
        LazyLock::new(|| [Version::Beta, Version::V1].map(|of| json::write(Model::of(of))));
    let [beta, v1] = &*TEXTS;
    match version {
        Version::Beta => beta,
        Version::V1 => v1,
    }
}

/// The service document: what stands directly below a version. `base` is the server's address.
pub fn service_document(base: &str, version: Version, level: MetadataLevel) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = ObjectWriter::new(&mut out);
    if level != MetadataLevel::None {
        let pieces = [base, "/", version.path_segment(), "/$metadata"];
        write_texts(object.key("@odata.context"), &pieces);
    }
    let value = object.key("value");
    value.push(b'[');
    let mut entry = ObjectWriter::new(value);
    entry.text("name", root());
    entry.text("kind", "Singleton");
    entry.text("url", root());
    entry.end();
    value.push(b']');
    object.end();
    out
}

#[cfg(test)]
mod tests;
