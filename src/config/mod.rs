//! What an operator can set: one table of settings, three layers that give them values, and the
//! typed result that everything else starts from.
//!
//! This is the only room that reads the environment. What a setting does once it is read is the
//! business of the room it configures; how the command line is laid out is in `cli`.

mod effective;
mod environment;
mod file;
mod flags;
mod issuer;
mod origin;
mod parse;
mod problem;
mod reader;
mod render;
mod rules;
mod setting;
mod settings;
mod sources;
mod suggestion;

#[cfg(test)]
mod tests;

pub use effective::{Effective, Given, Raw};
pub use environment::{account_name, program, variables};
pub use flags::Flags;
pub use issuer::Issuer;
pub use origin::Origin;
pub use problem::{Problem, Problems};
pub use render::{example, show};
pub use setting::{DEFAULT_DATA_DIR, Exposure, Kind, Preset, SETTINGS, Setting};
pub use settings::{
    ApplicationPermissions, Auth, Data, Database, DatabasePooling, Graph, GraphBehavior, Log,
    LogFormat, Registration, RetryAfter, Server, Settings, Tenants, Throttle,
};
pub use sources::{ConfigFile, Mode, Sources};
