//! A page of deployment profiles.

use axum::response::Response;
use http::StatusCode;

use crate::{
    graph::{
        collection::write_collection, entity::Place, profile::write_profile, schema::EntitySet,
    },
    http::{
        call::{Call, json},
        error::ApiError,
        listing::Listing,
    },
};

const PROFILES: Listing = Listing::of(EntitySet::Profiles);

/// Answers a page of the tenant's profiles and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, slice) = PROFILES.page(&call, EntitySet::Profiles.expandable(call.version))?;
    let store = call.store();
    let count = if options.count {
        Some(store.count_profiles(call.tenant()).await?)
    } else {
        None
    };
    let page = store.list_profiles(call.tenant(), slice).await?;
    let expanded = !options.expand.is_empty();
    let assignments = if expanded {
        let ids = page.rows.iter().map(|profile| profile.id).collect();
        store.list_assignments(call.tenant(), ids).await?
    } else {
        Vec::new()
    };
    let next = PROFILES.next_link(&call, call.query.as_deref(), &page, |profile| profile.id.0)?;
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = page.rows.iter().map(|profile| {
        let of_profile: Vec<_> = assignments
            .iter()
            .filter(|assignment| assignment.profile == profile.id)
            .copied()
            .collect();
        move |out: &mut Vec<u8>| {
            let shown = expanded.then_some(of_profile.as_slice());
            write_profile(out, profile, shown, &context, Place::Item);
        }
    });
    write_collection(
        &mut body,
        &context,
        EntitySet::Profiles,
        count,
        next.as_deref(),
        items,
    );
    Ok(json(StatusCode::OK, level, body))
}
