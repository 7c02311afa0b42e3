//! Makes a deployment profile.

use axum::response::Response;
use http::{StatusCode, header};

use crate::{
    domain::{
        id,
        profile::{MAX_PROFILES, Profile, ProfileId},
    },
    graph::{
        entity::Place,
        json as wire,
        profile::{read_create, write_profile},
        schema::EntitySet,
        wire_error::WireError,
    },
    http::{
        call::{Call, Written, address, json, minimal, with_etag},
        error::ApiError,
        layers::limits::BODY_LIMIT_BYTES,
    },
};

/// Makes the profile in the body. Its key is ours to choose.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let (kind, said) = read_create(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    call.meet().await;
    let now = call.kept_now();
    let id = ProfileId(id::time_ordered(now));
    let tenant = call.tenant();
    let profile = Profile::new((tenant, id, kind), said, now).map_err(WireError::from)?;
    let kept = call
        .store()
        .create_profile(tenant, profile.clone(), call.caller.actor());
    if !kept.await? {
        return Err(ApiError::bad_request(format!(
            "The tenant has {MAX_PROFILES} deployment profiles, which is as many as there can be."
        )));
    }
    let location = call.location(EntitySet::Profiles, id.0);
    let Written::Whole(status) = call.written(StatusCode::CREATED) else {
        return with_etag(minimal(&location)?, profile.revision());
    };
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_profile(&mut body, &profile, None, &context, Place::Entity);
    let mut response = json(status, level, body);
    response
        .headers_mut()
        .insert(header::LOCATION, address(&location)?);
    with_etag(response, profile.revision())
}
