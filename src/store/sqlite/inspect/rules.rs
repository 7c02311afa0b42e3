//! Hangar's own rules of a sound database: each is a query for the places where it does not hold,
//! and a sentence for such a place.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, types::ValueRef};
use uuid::Uuid;

use super::NAMED;
use crate::{
    domain::{directory_error::DirectoryError, identity::FingerprintKind},
    store::{soundness::Finding, sqlite::open},
};

/// A rule that a sound database keeps.
pub(super) struct Rule {
    name: &'static str,
    /// Selects what the sentence names, wherever the rule does not hold.
    broken: &'static str,
    /// Says so of one row; nothing where the row is in order after all.
    sentence: fn(&Row<'_>) -> rusqlite::Result<Option<String>>,
}

/// Every rule, in the order in which they are looked at.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "complete-import-without-device",
        broken: "SELECT id, tenant, device FROM import WHERE state = 3
            AND NOT EXISTS (SELECT 1 FROM device
                WHERE device.tenant = import.tenant AND device.id = import.device)
            AND NOT EXISTS (SELECT 1 FROM device_tombstone AS deleted
                WHERE deleted.tenant = import.tenant AND deleted.id = import.device)
            AND (tenant, device) NOT IN (SELECT tenant, device FROM audit
                WHERE tenant IS NOT NULL AND device IS NOT NULL
                    AND action IN ('device-deleted', 'ledger-released'))",
        sentence: |row| {
            let (import, tenant, device) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(Some(format!(
                "The import {import} of tenant {tenant} is complete, but its device {device} is neither there nor known to have been deleted."
            )))
        },
    },
    Rule {
        name: "device-with-two-owners",
        broken: "SELECT id, count(*) FROM device GROUP BY id HAVING count(*) > 1",
        sentence: |row| {
            let (device, tenants) = (id(row, 0)?, row.get::<_, i64>(1)?);
            Ok(Some(format!(
                "The device {device} belongs to {tenants} tenants."
            )))
        },
    },
    Rule {
        name: "hardware-with-two-devices",
        broken: "SELECT ledger_entry, count(*) FROM device
            GROUP BY ledger_entry HAVING count(*) > 1",
        sentence: |row| {
            let (entry, devices) = (id(row, 0)?, row.get::<_, i64>(1)?);
            Ok(Some(format!(
                "The hardware {entry} is registered as {devices} devices."
            )))
        },
    },
    Rule {
        name: "device-without-hardware",
        broken: "SELECT id, tenant, ledger_entry FROM device WHERE NOT EXISTS
            (SELECT 1 FROM ledger_entry AS entry WHERE entry.world = 'main'
                AND entry.id = device.ledger_entry
                AND entry.owner_tenant = device.tenant AND entry.owner_device = device.id)",
        sentence: |row| {
            let (device, tenant, entry) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(Some(format!(
                "The device {device} of tenant {tenant} does not own its hardware {entry}: that is not in the ledger, or not as this device's."
            )))
        },
    },
    Rule {
        name: "owner-without-device",
        broken: "SELECT id, owner_tenant, owner_device FROM ledger_entry AS entry
            WHERE owner_tenant IS NOT NULL AND NOT EXISTS
                (SELECT 1 FROM device WHERE device.tenant = entry.owner_tenant
                    AND device.id = entry.owner_device AND device.ledger_entry = entry.id)",
        sentence: |row| {
            let (entry, tenant, device) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(Some(format!(
                "The hardware {entry} is owned by tenant {tenant} as device {device}, which is not there."
            )))
        },
    },
    Rule {
        name: "key-without-hardware",
        broken: "SELECT key.kind, key.entry FROM
                (SELECT world, kind, digest, entry FROM ledger_unique_key
                 UNION ALL SELECT world, kind, digest, entry FROM ledger_shared_key) AS key
            WHERE NOT EXISTS (SELECT 1 FROM ledger_entry AS entry
                WHERE entry.world = key.world AND entry.id = key.entry
                    AND instr(hex(entry.fingerprints),
                        printf('%02X', key.kind) || hex(key.digest)) > 0)",
        sentence: |row| {
            let (kind, entry) = (kind(row, 0)?, id(row, 1)?);
            Ok(Some(format!(
                "A `{kind}` key leads to the hardware {entry}, which is not in the ledger, or not by this fingerprint."
            )))
        },
    },
    Rule {
        name: "hardware-without-its-key",
        broken: "WITH RECURSIVE place (number) AS (
                SELECT 0 UNION ALL SELECT number + 1 FROM place WHERE number + 1 <
                    (SELECT max(length(fingerprints)) / 33 FROM ledger_entry)),
            fingerprint (world, entry, kind, digest) AS (
                SELECT world, id, CASE substr(fingerprints, number * 33 + 1, 1)
                        WHEN x'01' THEN 1 WHEN x'02' THEN 2 WHEN x'03' THEN 3 WHEN x'04' THEN 4 END,
                    substr(fingerprints, number * 33 + 2, 32)
                FROM ledger_entry JOIN place ON number < length(fingerprints) / 33
                WHERE id NOT IN (SELECT entry FROM ledger_fresh))
            SELECT kind, entry FROM fingerprint AS own
            WHERE kind IN (1, 4) AND NOT EXISTS (SELECT 1 FROM ledger_unique_key AS key
                    WHERE key.world = own.world AND key.kind = own.kind
                        AND key.digest = own.digest AND key.entry = own.entry)
                OR kind IN (2, 3) AND NOT EXISTS (SELECT 1 FROM ledger_shared_key AS key
                    WHERE key.world = own.world AND key.kind = own.kind
                        AND key.digest = own.digest AND key.entry = own.entry)",
        sentence: |row| {
            let (kind, entry) = (kind(row, 0)?, id(row, 1)?);
            Ok(Some(format!(
                "The hardware {entry} is not found by its `{kind}` key."
            )))
        },
    },
    Rule {
        name: "name-without-hardware",
        broken: "SELECT name.entry FROM ledger_name AS name
            WHERE NOT EXISTS (SELECT 1 FROM ledger_entry AS entry
                WHERE entry.world = name.world AND entry.id = name.entry
                    AND entry.serial_number_folded = name.serial_number
                    AND entry.product_key_folded = name.product_key)",
        sentence: |row| {
            Ok(Some(format!(
                "A serial number and product key lead to the hardware {}, which is not in the ledger, or not by this name.",
                id(row, 0)?
            )))
        },
    },
    Rule {
        name: "hardware-without-its-name",
        broken: "SELECT id FROM ledger_entry AS entry
            WHERE serial_number_folded <> '' AND product_key_folded <> ''
                AND id NOT IN (SELECT entry FROM ledger_fresh)
                AND NOT EXISTS (SELECT 1 FROM ledger_name AS name
                    WHERE name.world = entry.world AND name.entry = entry.id
                        AND name.serial_number = entry.serial_number_folded
                        AND name.product_key = entry.product_key_folded)",
        sentence: |row| {
            Ok(Some(format!(
                "The hardware {} is not found by its serial number and product key.",
                id(row, 0)?
            )))
        },
    },
    Rule {
        name: "fresh-hardware-unknown",
        broken: "SELECT entry FROM ledger_fresh WHERE NOT EXISTS
            (SELECT 1 FROM ledger_entry WHERE world = 'main' AND id = ledger_fresh.entry)",
        sentence: |row| {
            Ok(Some(format!(
                "The hardware {} is to be found by its keys soon, but is not in the ledger.",
                id(row, 0)?
            )))
        },
    },
    Rule {
        name: "import-of-no-upload",
        broken: "SELECT id, tenant, upload FROM import WHERE upload IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM upload AS known
                WHERE known.tenant = import.tenant AND known.id = import.upload)",
        sentence: |row| {
            let (import, tenant, upload) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(Some(format!(
                "The import {import} of tenant {tenant} came in the upload {upload}, which is not there."
            )))
        },
    },
    Rule {
        name: "assignment-without-profile",
        broken: "SELECT DISTINCT profile, tenant FROM profile_assignment AS assignment
            WHERE NOT EXISTS (SELECT 1 FROM profile
                WHERE profile.tenant = assignment.tenant AND profile.id = assignment.profile)",
        sentence: |row| {
            let (profile, tenant) = (id(row, 0)?, id(row, 1)?);
            Ok(Some(format!(
                "The deployment profile {profile} of tenant {tenant} is assigned, but not there."
            )))
        },
    },
    Rule {
        name: "device-with-unknown-profile",
        broken: "SELECT id, tenant, direct_profile FROM device
            WHERE direct_profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile
                WHERE profile.tenant = device.tenant AND profile.id = device.direct_profile)",
        sentence: |row| {
            let (device, tenant, profile) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
            Ok(Some(format!(
                "The device {device} of tenant {tenant} is assigned to the deployment profile {profile}, which is not there."
            )))
        },
    },
    Rule {
        name: "unknown-error-code",
        broken: "SELECT id, tenant, error_code FROM import WHERE state = 4",
        sentence: |row| {
            let code: i64 = row.get(2)?;
            let known = i32::try_from(code).ok().and_then(DirectoryError::from_code);
            if known.is_some() {
                return Ok(None);
            }
            let (import, tenant) = (id(row, 0)?, id(row, 1)?);
            Ok(Some(format!(
                "The import {import} of tenant {tenant} was refused with the code {code}, which Hangar does not give."
            )))
        },
    },
    Rule {
        name: "hash-longer-than-its-length",
        broken: "SELECT id, tenant, length(hardware_content), hardware_len_bytes FROM import
            WHERE hardware_content IS NOT NULL
                AND (length(hardware_content) > hardware_len_bytes OR hardware_len_bytes <= 0)",
        sentence: |row| {
            let (import, tenant) = (id(row, 0)?, id(row, 1)?);
            let (content, whole) = (row.get::<_, i64>(2)?, row.get::<_, i64>(3)?);
            Ok(Some(format!(
                "The import {import} of tenant {tenant} has a hardware hash of {content} bytes, where {whole} with its padding are said."
            )))
        },
    },
];

/// A fingerprint's kind as people read it.
fn kind(row: &Row<'_>, index: usize) -> rusqlite::Result<&'static str> {
    let kind = FingerprintKind::from_number(row.get(index)?);
    Ok(kind.map_or("unknown", FingerprintKind::as_str))
}

impl Rule {
    /// Whether this is its name.
    #[cfg(test)]
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Looks for places where the rule does not hold.
    pub(super) fn look(&self, connection: &Connection) -> rusqlite::Result<Finding> {
        let mut finding = Finding {
            rule: self.name,
            count: 0,
            sentences: Vec::new(),
        };
        let mut statement = connection.prepare(self.broken)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(sentence) = (self.sentence)(row)? else {
                continue;
            };
            finding.count += 1;
            if finding.sentences.len() < NAMED {
                finding.sentences.push(sentence);
            }
        }
        Ok(finding)
    }
}

/// Whether tables, indexes and triggers are those that this program makes. A missing index lets in
/// what it should refuse.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<Finding> {
    let model = Connection::open_in_memory()?;
    open::make_schema(&model)?;
    let (expected, mut found) = (objects(&model)?, objects(connection)?);
    let mut sentences = Vec::new();
    for (name, sql) in expected {
        match found.remove(&name) {
            None => sentences.push(format!("The {name} is missing from the schema.")),
            Some(other) if other != sql => sentences.push(format!(
                "The {name} is not in the schema as this program makes it."
            )),
            Some(_) => {}
        }
    }
    for name in found.keys() {
        sentences.push(format!("The {name} is in the schema, but not of Hangar's."));
    }
    Ok(Finding {
        rule: "schema",
        count: u64::try_from(sentences.len()).unwrap_or(u64::MAX),
        sentences,
    })
}

/// The schema: `table import`, and how it was made. SQLite's own tables are left out.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Option<String>>> {
    let mut statement = connection.prepare(
        "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// An id as people read it. One that is no GUID is shown as it is.
fn id(row: &Row<'_>, index: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
            Ok(guid) => guid.hyphenated().to_string(),
            Err(_) => format!("{bytes:02x?}"),
        },
        other => format!("({})", other.data_type()),
    })
}
