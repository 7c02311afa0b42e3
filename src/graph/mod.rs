//! Microsoft's vocabulary on the wire: JSON, query options, paging links and error bodies, to and
//! from the domain's types. Pure: no I/O, no clock, no HTTP types.
//!
//! What a request means is in `domain`, which status an answer has in `http`. Where Graph is odd and
//! we copy it, `docs/graph-compatibility.md` says so.

pub mod action;
pub mod assignment;
pub mod base64_engine;
pub mod batch;
pub mod behavior;
pub mod collection;
pub mod deleted_device;
pub mod device;
pub mod device_change;
pub mod edm;
pub mod entity;
pub mod enumeration;
pub mod error_body;
pub mod etag;
pub mod fuzzing;
pub mod import;
pub mod import_state;
pub mod json;
pub mod json_writer;
pub mod lenient_json;
pub mod list_query;
pub mod metadata;
pub mod metadata_level;
pub mod navigation;
pub mod nested;
pub mod profile;
pub mod profile_words;
pub mod query;
pub mod schema;
pub mod settings;
pub mod skip_token;
pub mod text;
pub mod upload;
pub mod version;
pub mod vocabulary;
pub mod wire_error;
