//! Graph: importedWindowsAutopilotDeviceIdentityUploads, the baskets of 2018. A file a verb; the
//! imports in an upload are in `imports`.

pub mod count;
pub mod create;
pub mod delete;
pub mod get;
pub mod imports;
pub mod list;
mod paging;
pub mod update;

use super::{call::Call, error::ApiError};
use crate::domain::upload::UploadId;

/// The first key in the path. A text that is no GUID can't be the key of anything.
fn upload_id(call: &Call) -> Result<UploadId, ApiError> {
    call.guid().map(UploadId).ok_or_else(|| call.absent())
}
