//! Deletes devices by their serial numbers.

use axum::response::Response;
use http::StatusCode;

use super::read_action;
use crate::{
    graph::{
        deleted_device::{Outcome, write_deleted_devices},
        device_change::read_delete_devices,
        json as wire,
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
    store::operation::SerialDeletion,
};

/// How many serial numbers one call may name. Clients send a hundred at a time.
const MAX_SERIAL_NUMBERS: usize = 1_000;

/// Deletes the devices that the body names, all in one go, and answers what became of each.
pub async fn delete_many(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let body = read_action(&mut call).await?;
    let named = read_delete_devices(
        &wire::parse(&call.json_text(&body)?)?,
        call.version,
        MAX_SERIAL_NUMBERS,
    )?;
    drop(body);
    call.meet().await;
    let actor = call.caller.actor();
    let now = call.api.clock.now();
    let deletions = call
        .store()
        .delete_devices(call.tenant(), named.clone(), actor, now)
        .await?;
    let outcomes = named.iter().map(String::as_str);
    let outcomes = outcomes.zip(deletions.into_iter().map(outcome));
    let mut body = Vec::new();
    write_deleted_devices(&mut body, outcomes, &call.write_context(level));
    Ok(json(StatusCode::OK, level, body))
}

fn outcome(deletion: SerialDeletion) -> Outcome {
    match deletion {
        SerialDeletion::Deleted(id) => Outcome::Accepted(id),
        SerialDeletion::Absent => {
            Outcome::Failed("No device of this tenant has this serial number.")
        }
        SerialDeletion::NotUnique => Outcome::Failed(
            "More than one device of this tenant has this serial number: delete them by their ids.",
        ),
    }
}
