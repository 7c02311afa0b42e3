//! The devices that have, or are to have, a deployment profile.

use axum::response::Response;
use http::StatusCode;

use super::find;
use crate::{
    graph::{
        collection::write_collection_in,
        device::{ProfileShown, write_device},
        entity::Place,
        navigation::ASSIGNED_DEVICES,
        query,
        schema::EntitySet,
        skip_token::PageEnd,
        wire_error::{Problem, WireError},
    },
    http::{
        call::{Call, json},
        devices::profile,
        error::ApiError,
        listing::Listing,
    },
    store::profiles::Search,
};

/// Answers a page of the devices of the profile with the key in the path. A page looks at a bounded
/// number of the tenant's devices, so that it may be short, or empty, and others follow.
pub async fn assigned_devices(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let options = query::read_page_options(call.query.as_deref(), call.version, &[])?;
    // Either would have to look at all devices.
    for (is_asked, name) in [(options.skip > 0, "$skip"), (options.count, "$count")] {
        if is_asked {
            let option = name.to_owned();
            return Err(WireError::new(Problem::OptionNotOffered { option }).into());
        }
    }
    let profile = find(&call).await?;
    let listing = Listing::within(EntitySet::Profiles, profile.id.0, ASSIGNED_DEVICES);
    let after = options
        .skip_token
        .as_deref()
        .map(|token| listing.open(&call, token, ""))
        .transpose()?
        .map(|end| end.id);
    let limit = usize::try_from(options.page_size()).unwrap_or(usize::MAX);
    let plan = profile::plan(&call).await?;
    let Search { rows, next } = if limit == 0 {
        Search {
            rows: Vec::new(),
            next: None,
        }
    } else {
        let search = call.store().find_assigned_devices(
            call.tenant(),
            profile.id,
            plan.clone(),
            after,
            limit,
        );
        search.await?
    };
    let query = call.query.as_deref();
    let next = next
        .map(|after| listing.link(&call, query, "", &PageEnd::at(after)))
        .transpose()?;
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = rows.iter().map(|device| {
        let shown = ProfileShown {
            assigned: plan.of(device),
            ..ProfileShown::default()
        };
        move |out: &mut Vec<u8>| write_device(out, device, &shown, &context, Place::Item)
    });
    write_collection_in(
        &mut body,
        &context,
        &listing.path(),
        None,
        next.as_deref(),
        items,
    );
    Ok(json(StatusCode::OK, level, body))
}
