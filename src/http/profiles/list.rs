//! A page of deployment profiles.

use axum::response::Response;

use super::within::Expansion;
use crate::{
    domain::profile::MAX_PROFILES,
    graph::{
        entity::Place,
        profile::{profile_value, write_profile},
        schema::EntitySet,
        vocabulary,
    },
    http::{call::Call, error::ApiError, listing::Listing, pages::Asked, short_list},
    store::operation::{Listed, Slice},
};

/// Graph takes no filters here.
const REFUSED: &[&str] = &["$filter"];

/// How many profiles a page has at most when their devices are asked for, so that a page stays one
/// that fits into memory and is found in little time.
const EXPANDED_PROFILES: u32 = 20;

/// Answers a page of the tenant's profiles and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let vocabulary = vocabulary::profiles();
    let listing = Listing::of(EntitySet::Profiles);
    let mut asked = Asked::read_at(&call, listing, vocabulary, REFUSED)?;
    let expansion = Expansion::in_list(&call, &asked.query.shown.expand)?;
    if expansion.shows_devices() {
        asked.shorten(EXPANDED_PROFILES);
    }
    // A tenant has few.
    let all = Slice {
        after: None,
        skip: 0,
        limit: usize::try_from(MAX_PROFILES).unwrap_or(usize::MAX),
    };
    let all = call.store().list_profiles(call.tenant(), all).await?.rows;
    let taken = short_list::take(all, &asked.rows(), vocabulary, "id", profile_value);
    let withins = expansion.of(&call, &taken.page.rows).await?;
    let page = Listed {
        rows: taken.page.rows.into_iter().zip(withins).collect(),
        next: taken.page.next,
    };
    let count = asked.counts(&call).then_some(taken.count);
    asked.answer(&call, count, page, |out, (profile, within), context| {
        write_profile(out, profile, Some(within), context, Place::Item);
    })
}
