//! Graph: autopilotEvents, what happened while devices were set up. No device is set up here.

use axum::response::Response;

use super::{call::Call, error::ApiError, pages::Asked};
use crate::{
    graph::{schema::EntitySet, vocabulary},
    store::operation::Listed,
};

/// Answers an empty collection.
pub fn list(call: &Call) -> Result<Response, ApiError> {
    let asked = Asked::read(call, EntitySet::Events, vocabulary::events())?;
    let count = asked.counts(call).then_some(0);
    let nothing = Listed::<()> {
        rows: Vec::new(),
        next: None,
    };
    asked.answer(call, count, nothing, |_, (), _| {})
}
