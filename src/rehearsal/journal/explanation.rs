//! Which rule is behind an answer, in one line for a header and a person.

use axum::http::StatusCode;
use serde_json::Value;

use crate::{
    domain::directory_error::DirectoryError,
    http::rehearsed::{EXPLAIN, Ended, Told},
};

/// How long an explanation is at most.
const LONGEST: usize = 400;

/// What an answer has to say for itself; nothing where all is well.
pub(super) fn of(request: &Told, ended: &Ended<'_>) -> Option<String> {
    // A rule of the rehearsal has said it already.
    if let Some(said) = ended.headers.get(EXPLAIN) {
        return said.to_str().ok().map(str::to_owned);
    }
    let told = if ended.status.is_client_error() || ended.status.is_server_error() {
        let body: Value = serde_json::from_slice(ended.body).unwrap_or_default();
        let message = body["error"]["message"].as_str().unwrap_or_default();
        let kind = kind(ended.status, request.route.is_some());
        Some(format!("{kind}: {message}"))
    } else {
        refused_registration(ended.body)
    };
    told.map(|told| {
        told.trim_end_matches([':', ' '])
            .chars()
            .take(LONGEST)
            .collect()
    })
}

/// The rule behind a status.
fn kind(status: StatusCode, is_routed: bool) -> &'static str {
    match status.as_u16() {
        400 if is_routed => "validation",
        400 | 404 if !is_routed => "route",
        401 => "authentication",
        403 => "permission",
        404 => "absence",
        409 => "conflict",
        412 => "precondition",
        413 | 414 | 431 => "limit",
        429 => "throttling",
        503 => "availability",
        500.. => "fault of the server",
        _ => "refusal",
    }
}

/// Why the import in an answer was refused.
fn refused_registration(body: &[u8]) -> Option<String> {
    // Looked for as text first: most answers have none, and some are long.
    memchr::memmem::find(body, b"deviceErrorCode")?;
    let body: Value = serde_json::from_slice(body).ok()?;
    let state = &body["state"];
    let code = state["deviceErrorCode"]
        .as_i64()
        .filter(|code| *code != 0)?;
    let error = DirectoryError::from_code(i32::try_from(code).ok()?)?;
    Some(format!(
        "registration: {code} {}: {}",
        error.name(),
        meaning(error)
    ))
}

/// What a directory error means.
fn meaning(error: DirectoryError) -> &'static str {
    match error {
        DirectoryError::StorageError => "the directory failed; later it may not",
        DirectoryError::InvalidZtdHardwareHash => {
            "the hash can't be read, or names no manufacturer or serial number"
        }
        DirectoryError::MissingZtdSerialNumberAndProductKey => {
            "there is no hash, and neither serial number nor product key"
        }
        DirectoryError::ZtdDeviceAlreadyAssigned => "the hardware is this tenant's already",
        DirectoryError::ZtdDeviceAssignedToOtherTenant => "the hardware is another tenant's",
        DirectoryError::ZtdDeviceNotFound => {
            "there is no hash, and serial number and product key name no known device"
        }
        DirectoryError::ZtdDeviceIsNotUnique => "more than one known device matches",
        DirectoryError::ZtdDeviceDuplicated => {
            "the same device stands earlier in the same import call"
        }
    }
}
