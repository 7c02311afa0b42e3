//! Graph: autopilotEvents, what happened while devices were set up. No device is set up here.

use axum::response::Response;
use http::StatusCode;

use super::{
    call::{Call, json},
    error::ApiError,
    listing::Listing,
};
use crate::graph::{collection::write_collection, schema::EntitySet};

/// Answers an empty collection.
pub fn list(call: &Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, _) = Listing::of(EntitySet::Events).page(call, &[])?;
    let count = options.count.then_some(0);
    let nothing: [fn(&mut Vec<u8>); 0] = [];
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_collection(&mut body, &context, EntitySet::Events, count, None, nothing);
    Ok(json(StatusCode::OK, level, body))
}
