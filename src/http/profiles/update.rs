//! Changes a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::profile_id;
use crate::{
    graph::{
        entity::Place,
        json as wire,
        profile::{read_change, write_profile},
        schema::EntitySet,
        wire_error::WireError,
    },
    http::{
        call::{Call, Written, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
    store::profiles::ProfileUpdate,
};

/// Changes the profile with the key in the path by the properties in the body.
pub async fn update(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let change = read_change(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let id = profile_id(&call)?;
    let precondition = call.precondition()?;
    call.meet().await;
    let updated = call.store().update_profile(
        call.tenant(),
        id,
        change,
        precondition,
        call.caller.actor(),
        call.kept_now(),
    );
    let profile = match updated.await? {
        ProfileUpdate::Done(profile) => profile,
        ProfileUpdate::Absent => return Err(call.absent()),
        ProfileUpdate::ConditionNotMet => return Err(call.condition_not_met()),
        ProfileUpdate::Refused(refusal) => return Err(WireError::from(refusal).into()),
    };
    let Written::Whole(status) = call.written(StatusCode::OK) else {
        let location = call.location(EntitySet::Profiles, id.0);
        return with_etag(minimal(&location)?, profile.revision());
    };
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_profile(&mut body, &profile, None, &context, Place::Entity);
    with_etag(json(status, level, body), profile.revision())
}
