//! Deleting devices that are named by their serial numbers, as `deleteDevices` names them.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{forget_old_tombstones, remove};
use crate::{
    domain::{actor::Actor, device::DeviceId, tenant::TenantId},
    store::{
        operation::SerialDeletion,
        sqlite::{fault::Fault, row},
    },
};

/// Deletes the devices that go by these serial numbers.
pub(in crate::store::sqlite) fn delete_named(
    connection: &Connection,
    tenant: TenantId,
    serial_numbers: &[String],
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<SerialDeletion>, Fault> {
    forget_old_tombstones(connection, now)?;
    let mut named = ids_named(connection, tenant, serial_numbers)?;
    // A number that stands twice has one outcome.
    let mut outcomes: HashMap<&str, SerialDeletion> = HashMap::new();
    for serial_number in serial_numbers {
        let Some(ids) = named.remove(serial_number.as_str()) else {
            continue;
        };
        let outcome = match ids[..] {
            [] => SerialDeletion::Absent,
            [id] => {
                remove(connection, tenant, id, actor, "device-deleted", now)?;
                SerialDeletion::Deleted(id)
            }
            _ => SerialDeletion::NotUnique,
        };
        outcomes.insert(serial_number, outcome);
    }
    let outcome_of = |serial: &String| outcomes.get(serial.as_str()).copied();
    Ok(serial_numbers.iter().filter_map(outcome_of).collect())
}

/// The devices with each of these serial numbers, two at most. A blank one names nothing.
///
/// One pass over the tenant's serial numbers, however many are asked for: an index in their order
/// would cost every registration a page of its own.
fn ids_named<'s>(
    connection: &Connection,
    tenant: TenantId,
    serial_numbers: &'s [String],
) -> Result<HashMap<&'s str, Vec<DeviceId>>, Fault> {
    let mut named: HashMap<&str, Vec<DeviceId>> = serial_numbers
        .iter()
        .map(|serial_number| (serial_number.as_str(), Vec::new()))
        .collect();
    let mut statement = connection.prepare_cached(
        "SELECT id, serial_number FROM device INDEXED BY device_by_serial WHERE tenant = ?1",
    )?;
    let mut rows = statement.query(params![tenant.0.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let serial_number = row.get_ref(1)?.as_str()?;
        let ids = named.get_mut(serial_number);
        if let Some(ids) = ids.filter(|ids| ids.len() < 2 && !serial_number.trim().is_empty()) {
            ids.push(DeviceId(row::guid(row, 0)?));
        }
    }
    Ok(named)
}
