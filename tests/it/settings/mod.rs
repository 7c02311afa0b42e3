//! Graph: windowsAutopilotSettings and autopilotEvents, as in `src/http/settings`.

mod events;
mod get;
mod sync;
mod update;
