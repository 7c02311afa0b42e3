//! Graph: windowsAutopilotDeviceIdentities. A file a verb, as in `src/http/devices`; the actions on
//! one device stand together.

mod actions;
mod bodies;
mod count;
mod create;
mod delete;
mod delete_many;
mod get;
mod list;
mod update;
