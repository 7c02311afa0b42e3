//! Deleting devices that are named by their serial numbers, as `deleteDevices` names them.
//!
//! Which devices they are is read before, beside the writer: it takes a pass over the tenant's
//! devices, for which no create has to wait. What is registered in between counts as registered after
//! the deletion.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{forget_old_tombstones, remove};
use crate::{
    domain::{actor::Actor, device::DeviceId, tenant::TenantId},
    store::{
        operation::SerialDeletion,
        sqlite::{fault::Fault, row},
    },
};

/// The devices of each serial number, two at most.
pub(in crate::store::sqlite) type Named = HashMap<String, Vec<DeviceId>>;

/// Deletes the devices that were found to go by these serial numbers, and still do.
pub(in crate::store::sqlite) fn delete_named(
    connection: &Connection,
    tenant: TenantId,
    serial_numbers: &[String],
    mut named: Named,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<SerialDeletion>, Fault> {
    forget_old_tombstones(connection, now)?;
    // A number that stands twice has one outcome.
    let mut outcomes: HashMap<&str, SerialDeletion> = HashMap::new();
    for serial_number in serial_numbers {
        let Some(ids) = named.remove(serial_number) else {
            continue;
        };
        let outcome = match ids[..] {
            [id] if goes_by(connection, tenant, id, serial_number)? => {
                remove(connection, tenant, id, actor, "device-deleted", now)?;
                SerialDeletion::Deleted(id)
            }
            [] | [_] => SerialDeletion::Absent,
            _ => SerialDeletion::NotUnique,
        };
        outcomes.insert(serial_number, outcome);
    }
    let outcome_of = |serial: &String| outcomes.get(serial.as_str()).copied();
    Ok(serial_numbers.iter().filter_map(outcome_of).collect())
}

/// Whether a device is there and has this serial number.
fn goes_by(
    connection: &Connection,
    tenant: TenantId,
    id: DeviceId,
    serial_number: &str,
) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached("SELECT serial_number = ?3 FROM device WHERE tenant = ?1 AND id = ?2")?
        .query_row(
            params![tenant.0.as_bytes(), id.0.as_bytes(), serial_number],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found.unwrap_or(false))
}

/// The devices with each of these serial numbers. A blank one names nothing.
///
/// One pass over the tenant's serial numbers, however many are asked for: an index in their order
/// would cost every registration a page of its own.
pub(in crate::store::sqlite) fn ids_named(
    connection: &Connection,
    tenant: TenantId,
    serial_numbers: &[String],
) -> Result<Named, Fault> {
    let mut named: Named = serial_numbers
        .iter()
        .map(|serial_number| (serial_number.clone(), Vec::new()))
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        store::sqlite::open,
        testing::{CONTOSO, actor},
    };

    #[test]
    fn a_device_that_went_meanwhile_is_absent() {
        let connection = Connection::open_in_memory().unwrap();
        open::make_schema(&connection).unwrap();
        let serial_numbers = ["S".to_owned()];
        let gone = DeviceId(Uuid::from_u128(7));
        let named = Named::from([("S".to_owned(), vec![gone])]);
        let (actor, now) = (actor(), Timestamp::UNIX_EPOCH);
        let deleted = delete_named(&connection, CONTOSO, &serial_numbers, named, &actor, now);
        assert!(matches!(deleted.as_deref(), Ok([SerialDeletion::Absent])));
    }
}
