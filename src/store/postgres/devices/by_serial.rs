//! Deleting devices that are named by their serial numbers, as `deleteDevices` names them.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{forget_old_tombstones, remove};
use crate::{
    domain::{actor::Actor, device::DeviceId, tenant::TenantId},
    store::{
        operation::SerialDeletion,
        postgres::{fault::Fault, pool::Transaction, row::get},
    },
};

/// Deletes the devices that go by these serial numbers.
pub(in crate::store::postgres) async fn delete_named(
    transaction: &Transaction,
    tenant: TenantId,
    serial_numbers: &[String],
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<SerialDeletion>, Fault> {
    forget_old_tombstones(transaction, tenant, now).await?;
    let named = ids_named(transaction, tenant, serial_numbers).await?;
    let outcome_of = |serial_number: &String| match named.get(serial_number.as_str()) {
        None => SerialDeletion::Absent,
        Some(ids) => match ids[..] {
            [id] => SerialDeletion::Deleted(id),
            _ => SerialDeletion::NotUnique,
        },
    };
    let outcomes: Vec<_> = serial_numbers.iter().map(outcome_of).collect();
    let mut ids: Vec<DeviceId> = Vec::new();
    for outcome in &outcomes {
        // A number that stands twice has one outcome.
        if let SerialDeletion::Deleted(id) = outcome
            && !ids.contains(id)
        {
            ids.push(*id);
        }
    }
    let removed = remove(transaction, tenant, &ids, actor, "device-deleted", now).await?;
    if removed == ids.len() {
        return Ok(outcomes);
    }
    Err(Fault::Again("a device was deleted meanwhile".to_owned()))
}

/// The devices with each of these serial numbers, two at most. A blank one names nothing.
async fn ids_named<'s>(
    transaction: &Transaction,
    tenant: TenantId,
    serial_numbers: &'s [String],
) -> Result<HashMap<&'s str, Vec<DeviceId>>, Fault> {
    let mut wanted: Vec<&str> = serial_numbers
        .iter()
        .map(String::as_str)
        .filter(|serial_number| !serial_number.trim().is_empty())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let sql = "SELECT place, found.id FROM unnest($2::text[]) WITH ORDINALITY
            AS wanted (serial_number, place)
        CROSS JOIN LATERAL (SELECT id FROM device
            WHERE device.tenant = $1 AND device.serial_number = wanted.serial_number
            LIMIT 2) AS found";
    let mut named: HashMap<&str, Vec<DeviceId>> = HashMap::new();
    for row in transaction.query(sql, &[&tenant.0, &wanted]).await? {
        let place: i64 = get(&row, "place")?;
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        if let Some(serial_number) = wanted.get(place) {
            let ids = named.entry(serial_number).or_default();
            ids.push(DeviceId(get(&row, "id")?));
        }
    }
    Ok(named)
}
