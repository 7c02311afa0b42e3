//! Graph: windowsAutopilotDeviceIdentities. A file a verb.

pub mod count;
pub mod delete;
pub mod get;
pub mod list;
pub mod profile;
