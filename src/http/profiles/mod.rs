//! Graph: windowsAutopilotDeploymentProfiles. A file a verb; their assignments have a folder.

pub mod assign;
pub mod assigned_devices;
pub mod assignments;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod payload_links;
pub mod update;
pub mod within;

use super::{call::Call, error::ApiError, listing::Listing};
use crate::{
    domain::profile::{Profile, ProfileId},
    graph::{navigation::ASSIGNMENTS, schema::EntitySet},
};

/// The first key in the path as a profile's.
fn profile_id(call: &Call) -> Result<ProfileId, ApiError> {
    call.guid().map(ProfileId).ok_or_else(|| call.absent())
}

/// Where a profile's assignments stand.
fn assignments_of(profile: ProfileId) -> Listing {
    Listing::within(EntitySet::Profiles, profile.0, ASSIGNMENTS)
}

/// The profile with the first key in the path.
async fn find(call: &Call) -> Result<Profile, ApiError> {
    let id = profile_id(call)?;
    let found = call.store().profile(call.tenant(), id).await?;
    found.ok_or_else(|| call.absent())
}
