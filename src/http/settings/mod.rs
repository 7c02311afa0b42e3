//! Graph: windowsAutopilotSettings, of which a tenant has one. A file a verb.

pub mod get;
pub mod sync;
pub mod update;

use axum::response::Response;
use http::StatusCode;

use super::{
    call::{Call, json, with_etag},
    error::ApiError,
};
use crate::{domain::revision::Revision, graph::settings::write_settings};

/// The answer that shows the settings as they are. `instead` may say another, by their revision.
async fn shown(
    call: &Call,
    instead: impl FnOnce(Revision) -> Result<Option<Response>, ApiError>,
) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let state = call.store().sync_state(call.tenant()).await?;
    let now = call.api.clock.now();
    let revision = state.revision(call.tenant(), &call.api.sync, now);
    if let Some(instead) = instead(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    write_settings(
        &mut body,
        call.tenant(),
        (&state, &call.api.sync, now),
        &call.write_context(level),
    );
    with_etag(json(StatusCode::OK, level, body), revision)
}
