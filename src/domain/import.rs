//! An import: a request to register a device, and its state, which moves one way.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    device::DeviceId, directory_error::DirectoryError, hardware_blob::HardwareBlob,
    revision::Revision, tenant::TenantId,
};

/// The key of an import, unique within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportId(pub Uuid);

impl fmt::Display for ImportId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

/// The request in which an import arrived; rows of one `import` call share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub Uuid);

/// What a client says of a device. Absent is not the same as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportProperties {
    /// Graph: `groupTag`, and by its name of 2018 `orderIdentifier`.
    pub group_tag: Option<String>,
    /// Graph: `serialNumber`.
    pub serial_number: Option<String>,
    /// Graph: `productKey`, the Windows Product ID.
    pub product_key: Option<String>,
    /// Graph: `importId`.
    pub import_id: Option<String>,
    /// Graph: `hardwareIdentifier`.
    pub hardware_blob: Option<HardwareBlob>,
    /// Graph: `assignedUserPrincipalName`.
    pub assigned_user_principal_name: Option<String>,
}

/// Where an import stands. Only `Waiting` ever changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportState {
    /// Not decided yet. Graph: `unknown`.
    Waiting,
    /// Registered as this device, which may have been deleted since. Graph: `complete`.
    Complete(DeviceId),
    /// Refused. Graph: `error`.
    Refused(DirectoryError),
}

/// Graph: importedWindowsAutopilotDeviceIdentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The tenant that asked.
    pub tenant: TenantId,
    /// The key, the client's or ours.
    pub id: ImportId,
    /// The request in which it arrived.
    pub call: CallId,
    /// What the client said.
    pub properties: ImportProperties,
    /// Where it stands.
    pub state: ImportState,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How often it was changed. Being settled is no change of its own.
    pub version: i64,
}

/// What a PATCH may say of one property: nothing, or a new value.
pub type Change<T> = Option<Option<T>>;

/// The properties that a PATCH named, each with its new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportChange {
    /// The new group tag, if named.
    pub group_tag: Change<String>,
    /// The new serial number, if named.
    pub serial_number: Change<String>,
    /// The new product key, if named.
    pub product_key: Change<String>,
    /// The new import id, if named.
    pub import_id: Change<String>,
    /// The new hardware hash, if named.
    pub hardware_blob: Change<HardwareBlob>,
    /// The new assigned user, if named.
    pub assigned_user_principal_name: Change<String>,
}

/// A change that came too late: the import is settled and this property decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the import is settled and its {property} can no longer change")]
pub struct TooLate {
    /// Graph's name of the property.
    pub property: &'static str,
}

impl Import {
    /// Names the state that the import is in. The request tells it from one that was deleted and
    /// made anew under the same id.
    pub fn revision(&self) -> Revision {
        let phase = match self.state {
            ImportState::Waiting => Phase::Waiting,
            ImportState::Complete(_) | ImportState::Refused(_) => Phase::Settled,
        };
        revision(self.id, self.call, self.version, phase)
    }

    /// Applies a change. Before settling every property may change; afterwards only the group tag
    /// and the assigned user, which no longer reach the device. A property that keeps its value
    /// never counts as changed, so that a client may send back what it read.
    pub fn apply(&mut self, change: ImportChange) -> Result<(), TooLate> {
        let settled = self.state != ImportState::Waiting;
        let mut next = self.properties.clone();
        let fixed = [
            (
                "serialNumber",
                replace(&mut next.serial_number, change.serial_number),
            ),
            (
                "productKey",
                replace(&mut next.product_key, change.product_key),
            ),
            ("importId", replace(&mut next.import_id, change.import_id)),
            (
                "hardwareIdentifier",
                replace(&mut next.hardware_blob, change.hardware_blob),
            ),
        ];
        if let Some((property, _)) = fixed.iter().find(|(_, changed)| settled && *changed) {
            return Err(TooLate { property });
        }
        replace(&mut next.group_tag, change.group_tag);
        replace(
            &mut next.assigned_user_principal_name,
            change.assigned_user_principal_name,
        );
        self.properties = next;
        self.version += 1;
        Ok(())
    }
}

/// Whether an import is settled. It is so only once: a revision need not say how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet.
    Waiting,
    /// As complete or as refused.
    Settled,
}

/// The revision of an import of which no more than this was read.
pub fn revision(id: ImportId, call: CallId, version: i64, phase: Phase) -> Revision {
    Revision::of(&[
        id.0.as_bytes(),
        call.0.as_bytes(),
        &version.to_le_bytes(),
        &[phase as u8],
    ])
}

/// Puts a named value in its place; true if that changed anything.
fn replace<T: PartialEq>(slot: &mut Option<T>, change: Change<T>) -> bool {
    match change {
        Some(value) if value != *slot => {
            *slot = value;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(state: ImportState) -> Import {
        Import {
            tenant: TenantId(Uuid::from_u128(1)),
            id: ImportId(Uuid::from_u128(2)),
            call: CallId(Uuid::from_u128(3)),
            properties: ImportProperties {
                serial_number: Some("S".into()),
                ..ImportProperties::default()
            },
            state,
            accepted_at: Timestamp::UNIX_EPOCH,
            version: 0,
        }
    }

    #[test]
    fn every_change_and_the_settling_make_a_new_revision() {
        let mut waiting = import(ImportState::Waiting);
        let first = waiting.revision();
        let anew = Import {
            call: CallId(Uuid::from_u128(9)),
            ..waiting.clone()
        };
        let complete = import(ImportState::Complete(DeviceId(Uuid::from_u128(4))));
        waiting.apply(ImportChange::default()).unwrap();
        let others = [waiting.revision(), anew.revision(), complete.revision()];
        for (number, other) in others.iter().enumerate() {
            assert_ne!(*other, first, "{number}");
            assert!(others[..number].iter().all(|earlier| earlier != other));
        }
    }

    #[test]
    fn a_waiting_import_takes_any_change() {
        let mut import = import(ImportState::Waiting);
        let change = ImportChange {
            serial_number: Some(None),
            group_tag: Some(Some("T".into())),
            ..ImportChange::default()
        };
        import.apply(change).unwrap();
        assert_eq!(import.properties.serial_number, None);
        assert_eq!(import.properties.group_tag.as_deref(), Some("T"));
    }

    #[test]
    fn a_settled_import_keeps_what_decided_it() {
        let mut settled = import(ImportState::Complete(DeviceId(Uuid::from_u128(4))));
        let before = settled.clone();
        let late = ImportChange {
            serial_number: Some(Some("other".into())),
            group_tag: Some(Some("T".into())),
            ..ImportChange::default()
        };
        assert_eq!(settled.apply(late).unwrap_err().property, "serialNumber");
        assert_eq!(settled, before, "a refused change leaves nothing behind");

        let same = ImportChange {
            serial_number: Some(Some("S".into())),
            group_tag: Some(Some("T".into())),
            ..ImportChange::default()
        };
        settled.apply(same).unwrap();
        assert_eq!(settled.properties.group_tag.as_deref(), Some("T"));
    }
}
