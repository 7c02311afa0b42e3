//! An import's state on the wire: what a client may send, and what it is shown.

use crate::domain::import::ImportState;

use super::{
    entity::Value,
    enumeration::{IMPORT_STATUS, word},
};

/// Graph: importedWindowsAutopilotDeviceIdentityImportStatus, in the order of Graph's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportStatus {
    /// Not settled: scripts wait while they read exactly this.
    #[default]
    Unknown,
    /// Only ever a client's word.
    Pending,
    /// Only ever a client's word.
    Partial,
    /// Registered.
    Complete,
    /// Refused.
    Error,
}

impl ImportStatus {
    const ALL: [Self; 5] = [
        Self::Unknown,
        Self::Pending,
        Self::Partial,
        Self::Complete,
        Self::Error,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        word(&IMPORT_STATUS, self as u8)
    }

    /// The status of exactly this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// The state that a client sent, which the answer to its POST repeats and nothing else reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoedState {
    /// Graph: `deviceImportStatus`.
    pub status: ImportStatus,
    /// Graph: `deviceRegistrationId`.
    pub device_registration_id: Option<String>,
    /// Graph: `deviceErrorCode`.
    pub error_code: i32,
    /// Graph: `deviceErrorName`.
    pub error_name: Option<String>,
}

/// What an absent state, or an absent member of one, stands for.
impl Default for EchoedState {
    fn default() -> Self {
        Self {
            status: ImportStatus::Unknown,
            device_registration_id: Some(String::new()),
            error_code: 0,
            error_name: Some(String::new()),
        }
    }
}

/// Which state an import is shown with.
#[derive(Clone, Copy, Debug)]
pub enum StateShown<'a> {
    /// Where it stands: in every read.
    Stored,
    /// What its client sent: in the answer to a POST or `import`, documented. The observed service
    /// shows an unsettled state there.
    Echoed(&'a EchoedState),
}

/// A state's members, ready to be written.
pub(super) struct ShownState<'a> {
    pub(super) status: ImportStatus,
    pub(super) registered_device: Value<'a>,
    pub(super) error_code: i32,
    pub(super) error_name: Value<'a>,
}

impl<'a> ShownState<'a> {
    pub(super) fn stored(state: ImportState) -> Self {
        let (status, registered_device, error_code, error_name) = match state {
            ImportState::Waiting => (ImportStatus::Unknown, Value::Plain(""), 0, ""),
            ImportState::Complete(device) => {
                (ImportStatus::Complete, Value::Guid(device.0), 0, "None")
            }
            ImportState::Refused(error) => (
                ImportStatus::Error,
                Value::Plain(""),
                error.code(),
                error.name(),
            ),
        };
        Self {
            status,
            registered_device,
            error_code,
            error_name: Value::Plain(error_name),
        }
    }

    pub(super) fn echoed(state: &'a EchoedState) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map_or(Value::Null, Value::Text);
        Self {
            status: state.status,
            registered_device: text(&state.device_registration_id),
            error_code: state.error_code,
            error_name: text(&state.error_name),
        }
    }
}
