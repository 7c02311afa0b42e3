//! Graph: windowsAutopilotDeploymentProfiles. A file a verb, as in `src/http/profiles`; what
//! follows for devices is in `devices`.

mod assign;
mod assignments;
mod bad_input;
mod create;
mod delete;
mod devices;
mod expand;
mod list;
mod payload_links;
mod status;
mod update;
