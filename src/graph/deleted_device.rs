//! What `deleteDevices` answers: `deletedWindowsAutopilotDeviceState`, one a serial number.

use crate::domain::{device::DeviceId, field::DeletedDeviceField};

use super::{
    entity::{Value, WriteContext, write_complex},
    json_writer::{ObjectWriter, write_texts},
    metadata_level::MetadataLevel,
    schema::DELETED_DEVICE,
};

/// What became of the device that goes by a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is deleted.
    Accepted(DeviceId),
    /// It is not, for this reason.
    Failed(&'static str),
}

/// Writes the outcomes, each with the serial number that the client named.
pub fn write_deleted_devices<'s>(
    out: &mut Vec<u8>,
    outcomes: impl IntoIterator<Item = (&'s str, Outcome)>,
    context: &WriteContext<'_>,
) {
    let mut object = ObjectWriter::new(out);
    if context.level != MetadataLevel::None {
        let pieces = [
            context.base,
            "/",
            context.version.path_segment(),
            "/$metadata#Collection(",
            DELETED_DEVICE.name,
            ")",
        ];
        write_texts(object.key("@odata.context"), &pieces);
    }
    let out = object.key("value");
    out.push(b'[');
    for (index, (serial_number, outcome)) in outcomes.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let value_of = |field| match (field, outcome) {
            (DeletedDeviceField::SerialNumber, _) => Value::Text(serial_number),
            (DeletedDeviceField::DeletedDevice, Outcome::Accepted(id)) => Value::Guid(id.0),
            (DeletedDeviceField::DeletionState, Outcome::Accepted(_)) => Value::Plain("accepted"),
            (DeletedDeviceField::DeletionState, Outcome::Failed(_)) => Value::Plain("failed"),
            (DeletedDeviceField::ErrorMessage, Outcome::Failed(reason)) => Value::Text(reason),
            (DeletedDeviceField::DeletedDevice, Outcome::Failed(_))
            | (DeletedDeviceField::ErrorMessage, Outcome::Accepted(_)) => Value::Plain(""),
        };
        write_complex(out, &DELETED_DEVICE, context, "", &value_of);
    }
    out.push(b']');
    object.end();
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::graph::{behavior::Behavior, version::Version};

    #[test]
    fn every_number_has_its_outcome() {
        let written = |level| {
            let context = WriteContext {
                base: "https://hangar.example",
                version: Version::V1,
                level,
                behavior: Behavior::Documented,
                shown: None,
            };
            let outcomes = [
                ("S \"1\"", Outcome::Accepted(DeviceId(Uuid::from_u128(7)))),
                ("S 2", Outcome::Failed("Why.")),
            ];
            let mut out = Vec::new();
            write_deleted_devices(&mut out, outcomes, &context);
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(written(MetadataLevel::None), @r#"{"value":[{"serialNumber":"S \"1\"","deviceRegistrationId":"00000000-0000-0000-0000-000000000007","deletionState":"accepted","errorMessage":""},{"serialNumber":"S 2","deviceRegistrationId":"","deletionState":"failed","errorMessage":"Why."}]}"#);
        insta::assert_snapshot!(written(MetadataLevel::Minimal), @r#"{"@odata.context":"https://hangar.example/v1.0/$metadata#Collection(microsoft.graph.deletedWindowsAutopilotDeviceState)","value":[{"@odata.type":"microsoft.graph.deletedWindowsAutopilotDeviceState","serialNumber":"S \"1\"","deviceRegistrationId":"00000000-0000-0000-0000-000000000007","deletionState":"accepted","errorMessage":""},{"@odata.type":"microsoft.graph.deletedWindowsAutopilotDeviceState","serialNumber":"S 2","deviceRegistrationId":"","deletionState":"failed","errorMessage":"Why."}]}"#);
    }
}
