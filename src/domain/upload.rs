//! An upload: a basket of imports, as clients of 2018 sent them. What becomes of each import does
//! not depend on it.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{revision::Revision, tenant::TenantId};

/// The key of an upload, unique within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(pub Uuid);

impl fmt::Display for UploadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// Graph: importedWindowsAutopilotDeviceIdentityUpload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The tenant whose it is.
    pub tenant: TenantId,
    /// The key, the client's or ours.
    pub id: UploadId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where its imports stand.
    pub status: UploadStatus,
}

impl Upload {
    /// Names the state that the upload is in. Nobody writes to an upload, but its imports come, are
    /// decided and go.
    pub fn revision(&self) -> Revision {
        let created_at = self.created_at.as_microsecond().to_le_bytes();
        Revision::of(&[self.id.0.as_bytes(), &created_at, &[self.status as u8]])
    }
}

/// Where an upload's imports stand, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStatus {
    /// It has none.
    NoUpload,
    /// Some wait.
    Pending,
    /// All are registered.
    Complete,
    /// None waits, and some are refused.
    Error,
}

/// What there is among an upload's imports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadContents {
    /// Any at all.
    pub imports: bool,
    /// Any that waits.
    pub waiting: bool,
    /// Any that is refused.
    pub refused: bool,
}

impl UploadContents {
    /// Where these imports stand, taken together: nothing is said of the outcome while any waits.
    pub fn status(self) -> UploadStatus {
        match self {
            Self { imports: false, .. } => UploadStatus::NoUpload,
            Self { waiting: true, .. } => UploadStatus::Pending,
            Self { refused: true, .. } => UploadStatus::Error,
            _ => UploadStatus::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_stands_where_its_imports_stand() {
        let status = |imports, waiting, refused| {
            UploadContents {
                imports,
                waiting,
                refused,
            }
            .status()
        };
        assert_eq!(status(false, false, false), UploadStatus::NoUpload);
        assert_eq!(status(true, true, false), UploadStatus::Pending);
        assert_eq!(status(true, true, true), UploadStatus::Pending);
        assert_eq!(status(true, false, true), UploadStatus::Error);
        assert_eq!(status(true, false, false), UploadStatus::Complete);
    }
}
