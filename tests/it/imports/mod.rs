//! Graph: importedWindowsAutopilotDeviceIdentities. A file a verb, as in `src/http/imports`.

mod count;
mod create;
mod create_forms;
mod create_many;
mod delete;
mod expire;
mod get;
mod list;
mod update;
