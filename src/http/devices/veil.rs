//! Devices that are registered and that a rehearsal lets nobody find yet: a key leads to none of
//! them, and no list has them. Without a rehearsal there are none.

use std::sync::Arc;

use odata::{Condition, Literal, Operand};

use crate::{
    domain::{device::DeviceId, field::DeviceField},
    graph::vocabulary,
    http::{call::Call, router::Operation},
};

/// What stands between a request and what it would find.
pub struct Veil {
    /// Which rule is behind it.
    pub explanation: Arc<str>,
    /// Whether it covers the device in the path.
    pub covers_key: bool,
}

/// The veil over what an operation would find, if there is one.
pub fn over(operation: Operation, call: &Call) -> Option<Veil> {
    let first = call.hidden.first()?;
    match operation {
        Operation::ListDevices | Operation::CountDevices | Operation::ListAssignedDevices => {
            Some(Veil {
                explanation: Arc::clone(&first.explanation),
                covers_key: false,
            })
        }
        Operation::GetDevice
        | Operation::UpdateDevice
        | Operation::DeleteDevice
        | Operation::AssignUser
        | Operation::UnassignUser
        | Operation::UpdateDeviceProperties
        | Operation::AssignResourceAccount
        | Operation::UnassignResourceAccount
        | Operation::AllowNextEnrollment => {
            let device = DeviceId(call.guid()?);
            let hidden = call.hidden.iter().find(|hidden| hidden.device == device)?;
            Some(Veil {
                explanation: Arc::clone(&hidden.explanation),
                covers_key: true,
            })
        }
        _ => None,
    }
}

/// Whether this device is not to be found.
pub fn hides(call: &Call, device: DeviceId) -> bool {
    call.hidden.iter().any(|hidden| hidden.device == device)
}

/// The filter that takes of the same devices those that may be found.
pub fn filter(
    call: &Call,
    filter: Option<Condition<DeviceField>>,
) -> Option<Condition<DeviceField>> {
    if call.hidden.is_empty() {
        return filter;
    }
    let Some(id) = vocabulary::devices(call.version).get("id") else {
        return filter;
    };
    let ids = call
        .hidden
        .iter()
        .map(|hidden| Literal::Guid(hidden.device.0));
    let visible = Condition::Not(Box::new(Condition::In {
        operand: Operand::Field(*id),
        list: ids.collect(),
    }));
    Some(match filter {
        Some(filter) => Condition::And(vec![filter, visible]),
        None => visible,
    })
}
