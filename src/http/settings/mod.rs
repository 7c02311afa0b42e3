//! Graph: windowsAutopilotSettings, of which a tenant has one. A file a verb.

pub mod get;
pub mod sync;
pub mod update;

use axum::response::Response;
use http::StatusCode;

use super::{
    call::{Call, json},
    error::ApiError,
};
use crate::graph::settings::write_settings;

/// The answer that shows the settings as they are.
async fn shown(call: &Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let state = call.store().sync_state(call.tenant()).await?;
    let mut body = Vec::new();
    let now = call.api.clock.now();
    write_settings(
        &mut body,
        call.tenant(),
        (&state, &call.api.sync, now),
        &call.write_context(level),
    );
    Ok(json(StatusCode::OK, level, body))
}
