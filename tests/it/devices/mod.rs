//! Graph: windowsAutopilotDeviceIdentities. A file a verb, as in `src/http/devices`.

mod count;
mod delete;
mod get;
mod list;
