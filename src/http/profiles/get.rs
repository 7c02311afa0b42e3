//! One deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::{find, within::Expansion};
use crate::{
    graph::{
        entity::{Place, WriteContext},
        profile::{profile_revision, write_profile},
        vocabulary,
    },
    http::{
        call::{Call, json, with_etag},
        error::ApiError,
    },
};

/// Answers the profile with the key in the path.
pub async fn get(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let asked = call.shown(vocabulary::profiles().shape())?;
    let expansion = Expansion::of_one(&call, &asked.expand)?;
    let profile = find(&call).await?;
    let within = expansion.of(&call, std::slice::from_ref(&profile)).await?;
    let revision = profile_revision(&profile, within.first());
    if let Some(instead) = call.instead_of(revision)? {
        return Ok(instead);
    }
    let mut body = Vec::new();
    let context = WriteContext {
        shown: Some(&asked),
        ..call.write_context(level)
    };
    write_profile(&mut body, &profile, within.first(), &context, Place::Entity);
    with_etag(json(StatusCode::OK, level, body), revision)
}
