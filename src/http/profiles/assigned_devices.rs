//! The devices that have, or are to have, a deployment profile.

use std::collections::BTreeSet;

use axum::response::Response;
use uuid::Uuid;

use super::profile_id;
use crate::{
    domain::{assignment::Plan, profile::ProfileId},
    graph::{
        device::{ProfileShown, write_device},
        entity::Place,
        navigation::ASSIGNED_DEVICES,
        nested::Refused,
        schema::EntitySet,
        vocabulary,
    },
    http::{
        call::Call,
        devices::{
            profile::{self, ProfileExpansion},
            veil,
        },
        error::ApiError,
        listing::Listing,
        pages::Asked,
    },
    store::{
        operation::{Listed, Position},
        profiles::Search,
    },
};

/// What would have to look at all devices, page by page.
pub(super) const REFUSED: Refused = Refused {
    options: &["$filter", "$orderby", "$skip", "$count"],
    advice: "Which devices have a profile is worked out a page at a time.",
};

/// How many devices a page has at most that show the profile's assignments, each again.
const DEVICES_WITH_ASSIGNMENTS: u32 = 100;

/// Answers a page of the devices of the profile with the key in the path. A page looks at a bounded
/// number of the tenant's devices, so that it may be short, or empty, and others follow.
pub async fn assigned_devices(call: Call) -> Result<Response, ApiError> {
    let id = profile_id(&call)?;
    let vocabulary = vocabulary::devices(call.version);
    let mut asked = Asked::read_at(&call, listing(id), vocabulary, REFUSED.options)?;
    let expansion = ProfileExpansion::read(&call, &asked.query.shown.expand)?;
    if expansion.shows_assignments() {
        asked.shorten(DEVICES_WITH_ASSIGNMENTS);
    }
    let profile = super::find(&call).await?;
    let plan = profile::plan(&call).await?;
    let rows = asked.rows();
    let after = rows.after.map(|end| end.id);
    let mut found = find(&call, id, &plan, after, rows.limit).await?;
    found.rows.retain(|device| !veil::hides(&call, device.id));
    let expanded = expansion.of(&call, &BTreeSet::from([id])).await?;
    let page = Listed {
        rows: found.rows,
        next: found.next.map(|id| Position {
            keys: Vec::new(),
            id,
        }),
    };
    asked.answer(&call, None, page, |out, device, context| {
        let shown = ProfileShown {
            assigned: plan.of(device),
            profile: Some(&profile),
            expanded: &expanded,
        };
        write_device(out, device, &shown, context, Place::Item);
    })
}

/// Where a profile's devices stand.
pub(super) fn listing(profile: ProfileId) -> Listing {
    Listing::within(EntitySet::Profiles, profile.0, ASSIGNED_DEVICES)
}

/// Some of a profile's devices, behind this one.
pub(super) async fn find(
    call: &Call,
    profile: ProfileId,
    plan: &Plan,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Search, ApiError> {
    if limit == 0 {
        return Ok(Search {
            rows: Vec::new(),
            next: None,
        });
    }
    let (store, tenant) = (call.store(), call.tenant());
    let search = store.find_assigned_devices(tenant, profile, plan.clone(), after, limit);
    Ok(search.await?)
}
