//! Autopilot's rules, true without computers.
//!
//! Nothing here knows JSON, SQL, HTTP or an async runtime; the time is an argument.
//! How Microsoft spells these things is in `graph`, how they are kept in `store`.

pub mod actor;
pub mod assignment;
pub mod clock;
pub mod device;
pub mod device_name;
pub mod directory_error;
pub mod field;
pub mod hardware_blob;
pub mod id;
pub mod identity;
pub mod import;
pub mod profile;
pub mod profile_change;
pub mod registration;
pub mod revision;
pub mod settings;
pub mod tag_pattern;
pub mod tenant;
pub mod upload;
