//! Graph: importedWindowsAutopilotDeviceIdentityUploads, the baskets of 2018. A file a verb; the
//! imports in an upload are in `imports`.

mod contents;
pub mod count;
pub mod create;
pub mod delete;
pub mod get;
pub mod imports;
pub mod list;
pub mod update;

use super::{call::Call, error::ApiError, listing::Listing};
use crate::{
    domain::upload::UploadId,
    graph::schema::{EntitySet, UPLOAD_IMPORTS},
};

/// The first key in the path. A text that is no GUID can't be the key of anything.
fn upload_id(call: &Call) -> Result<UploadId, ApiError> {
    call.guid().map(UploadId).ok_or_else(|| call.absent())
}

/// The imports in an upload.
fn imports_in(upload: UploadId) -> Listing {
    Listing::within(EntitySet::Uploads, upload.0, UPLOAD_IMPORTS)
}
