//! For whom a deployment profile is. A file a verb.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod update;

use axum::response::Response;
use http::StatusCode;

use crate::{
    domain::{
        assignment::{Assignment, MAX_ASSIGNMENTS, Target},
        profile::ProfileId,
    },
    graph::{
        assignment::{AssignmentKey, assignments_path, parse_key, write_assignment},
        entity::{Place, WriteContext},
        list_query::Shown,
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
    store::profiles::{AssignmentChange, AssignmentOutcome},
};

/// The second key in the path as the target of an assignment of this profile.
fn key(call: &Call, profile: ProfileId) -> Result<Target, ApiError> {
    parse_key(call.key(1), profile).ok_or_else(|| call.absent_at(1))
}

/// Makes a change of a profile's assignments. `absent` is the place of the key that is at fault
/// where there is nothing to change.
async fn change(call: &Call, change: AssignmentChange, absent: usize) -> Result<(), ApiError> {
    call.meet().await;
    let changed =
        call.store()
            .change_assignment(call.tenant(), change, call.caller.actor(), call.kept_now());
    match changed.await? {
        AssignmentOutcome::Done => Ok(()),
        AssignmentOutcome::Absent => Err(call.absent_at(absent)),
        AssignmentOutcome::Taken => Err(ApiError::conflict(
            "The deployment profile is assigned to this group already.",
            Vec::new(),
        )),
        // Graph's own words, whichever profile it is.
        AssignmentOutcome::AllDevicesTaken(profile) => Err(ApiError::bad_request(format!(
            "Another Profile {profile} is already assigned to All Devices."
        ))),
        AssignmentOutcome::Full => Err(ApiError::bad_request(format!(
            "The deployment profile has {MAX_ASSIGNMENTS} assignments, which is as many as there can be."
        ))),
    }
}

/// The answer that shows one assignment, or what is asked to be shown of it.
fn shown(
    call: &Call,
    status: StatusCode,
    assignment: &Assignment,
    asked: Option<&Shown>,
) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let mut body = Vec::new();
    let context = WriteContext {
        shown: asked,
        ..call.write_context(level)
    };
    write_assignment(&mut body, assignment, &context, Place::Entity);
    Ok(json(status, level, body))
}

/// The address of an assignment.
fn location(call: &Call, assignment: &Assignment) -> String {
    format!(
        "{}/{}/deviceManagement/{}('{}')",
        call.context.base_url,
        call.version.path_segment(),
        assignments_path(assignment.profile),
        AssignmentKey(assignment),
    )
}
