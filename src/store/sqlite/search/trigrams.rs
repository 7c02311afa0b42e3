//! Keeps the trigrams of serial numbers, some way behind the rows.
//!
//! Entered with every row, each of a dozen trigrams would rewrite a page of its own. By the thousand
//! they are one small segment of the full-text index, and the create that brought the row waits for
//! none of it. What is behind is looked through, so that a query misses nothing.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use crate::{
    domain::{device::DeviceId, tenant::TenantId},
    store::{StoreError, sqlite::fault::Fault},
};

/// So much may be behind while there is other work: looking through it takes a millisecond or two.
pub(in crate::store::sqlite) const BUSY: i64 = 2048;

/// So much may be behind while there is none.
pub(in crate::store::sqlite) const IDLE: i64 = 64;

/// How much is worked in at once.
const STEP: i64 = 4096;

/// A tenant's documents are numbered within this many bits.
const DOCUMENT_BITS: u32 = 40;

/// A document to enter, or to take out.
struct Change {
    document: i64,
    added: bool,
    serial_number: String,
}

/// Notes devices that are added, which a trigger would do at some cost: SQLite sets a savepoint for a
/// statement that fires one.
pub(in crate::store::sqlite) struct DeviceNotes<'a>(CachedStatement<'a>);

impl<'a> DeviceNotes<'a> {
    /// Makes ready for many devices.
    pub(in crate::store::sqlite) fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        let statement = connection.prepare_cached(
            "INSERT INTO search_change (added, tenant, device, serial_number)
             VALUES (1, ?1, ?2, ?3)",
        );
        statement.map(Self)
    }

    /// Notes a device.
    pub(in crate::store::sqlite) fn note(
        &mut self,
        tenant: TenantId,
        device: DeviceId,
        serial_number: &str,
    ) -> rusqlite::Result<()> {
        let (tenant, device) = (tenant.0.as_bytes(), device.0.as_bytes());
        self.0
            .execute(params![tenant, device, serial_number])
            .map(|_| ())
    }
}

/// Works in what is behind, if it is more than so much, in a transaction of its own; says whether
/// more is left. It need not be on disk when this returns: should it be lost, what it did is behind
/// again.
pub(in crate::store::sqlite) fn catch_up_alone(
    connection: &Connection,
    more_than: i64,
) -> Result<bool, StoreError> {
    if behind(connection)? <= more_than {
        return Ok(false);
    }
    let execute = |sql: &str| connection.execute_batch(sql).map_err(Fault::from);
    execute("PRAGMA synchronous = normal")?;
    let caught_up = execute("BEGIN IMMEDIATE").and_then(|()| {
        let more = catch_up(connection, more_than)?;
        execute("COMMIT")?;
        Ok(more)
    });
    if !connection.is_autocommit() {
        execute("ROLLBACK")?;
    }
    execute("PRAGMA synchronous = full")?;
    Ok(caught_up?)
}

/// Works in what is behind, if it is more than so much; says whether more is left.
pub(in crate::store::sqlite) fn catch_up(
    connection: &Connection,
    more_than: i64,
) -> Result<bool, Fault> {
    if behind(connection)? <= more_than {
        return Ok(false);
    }
    let mut tenants = Tenants::default();
    // Changes come before new imports: a removed row's seq may have been given out again.
    let changed = enter_changes(connection, &mut tenants)?;
    let entered = if changed < STEP {
        enter_imports(connection, &mut tenants, STEP - changed)?
    } else {
        0
    };
    Ok(changed + entered >= STEP)
}

/// About how many rows and changes the index lacks.
fn behind(connection: &Connection) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT ifnull((SELECT max(seq) FROM import), 0)
            - (SELECT imports_upto FROM search_progress)
            + ifnull((SELECT max(seq) FROM search_change) + 1
                - (SELECT min(seq) FROM search_change), 0)",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

fn enter_changes(connection: &Connection, tenants: &mut Tenants) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, added, tenant, import_seq, device, serial_number FROM search_change
         ORDER BY seq LIMIT ?1",
    )?;
    let mut new_document =
        connection.prepare_cached("INSERT INTO device_document (document, id) VALUES (?1, ?2)")?;
    let mut rows = statement.query(params![STEP])?;
    let (mut imports, mut devices) = (Vec::new(), Vec::new());
    let mut last = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        last = Some(row.get::<_, i64>(0)?);
        count += 1;
        let added: bool = row.get(1)?;
        let first = tenants.first_document(connection, row.get(2)?)?;
        let serial_number = row.get(5)?;
        let document = match (row.get::<_, Option<i64>>(3)?, row.get(4)?) {
            (Some(seq), _) => Some(first | seq),
            (None, Some(device)) if added => {
                let document = tenants.next_document(connection, first)?;
                new_document.execute(params![document, device])?;
                Some(document)
            }
            (None, Some(device)) => old_document(connection, first, device)?,
            (None, None) => None,
        };
        let Some(document) = document else { continue };
        let change = Change {
            document,
            added,
            serial_number,
        };
        if row.get_ref(3)? == rusqlite::types::ValueRef::Null {
            devices.push(change);
        } else {
            imports.push(change);
        }
    }
    apply(connection, "import_serial", imports)?;
    apply(connection, "device_serial", devices)?;
    connection
        .prepare_cached("DELETE FROM search_change WHERE seq <= ?1")?
        .execute(params![last])?;
    Ok(count)
}

fn enter_imports(connection: &Connection, tenants: &mut Tenants, limit: i64) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, tenant, serial_number FROM import NOT INDEXED
         WHERE seq > (SELECT imports_upto FROM search_progress) ORDER BY seq LIMIT ?1",
    )?;
    let mut rows = statement.query(params![limit])?;
    let mut changes = Vec::new();
    let mut last = None;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        last = Some(seq);
        count += 1;
        if let Some(serial_number) = row.get(2)? {
            changes.push(Change {
                document: tenants.first_document(connection, row.get(1)?)? | seq,
                added: true,
                serial_number,
            });
        }
    }
    apply(connection, "import_serial", changes)?;
    if let Some(last) = last {
        connection
            .prepare_cached("UPDATE search_progress SET imports_upto = ?1")?
            .execute(params![last])?;
    }
    Ok(count)
}

/// Changes the index in the order of its documents, as it would write a segment for each step back.
fn apply(connection: &Connection, index: &str, mut changes: Vec<Change>) -> Result<(), Fault> {
    // What happened to one document stays in its order.
    changes.sort_by_key(|change| change.document);
    let add = format!("INSERT INTO {index} (rowid, serial_number) VALUES (?1, ?2)");
    let remove =
        format!("INSERT INTO {index} ({index}, rowid, serial_number) VALUES ('delete', ?1, ?2)");
    let mut add = connection.prepare_cached(&add)?;
    let mut remove = connection.prepare_cached(&remove)?;
    for change in changes {
        let statement = if change.added { &mut add } else { &mut remove };
        statement.execute(params![change.document, change.serial_number])?;
    }
    Ok(())
}

/// Takes a device's number away from it.
fn old_document(
    connection: &Connection,
    first: i64,
    device: [u8; 16],
) -> Result<Option<i64>, Fault> {
    let document = connection
        .prepare_cached(
            "DELETE FROM device_document WHERE id = ?1 AND document BETWEEN ?2 AND ?3
             RETURNING document",
        )?
        .query_row(params![device, first, last_document(first)], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(document)
}

/// The last number that a tenant's documents can have, by the number below all of them.
fn last_document(first: i64) -> i64 {
    first | ((1 << DOCUMENT_BITS) - 1)
}

/// The numbers of tenants, as they are met.
#[derive(Default)]
struct Tenants {
    /// The number below all documents of a tenant.
    firsts: HashMap<[u8; 16], i64>,
    /// The highest document that a device of the tenant with that number has, or had.
    lasts: HashMap<i64, i64>,
}

impl Tenants {
    /// The number below all documents of a tenant.
    fn first_document(&mut self, connection: &Connection, tenant: [u8; 16]) -> Result<i64, Fault> {
        if let Some(first) = self.firsts.get(&tenant) {
            return Ok(*first);
        }
        connection
            .prepare_cached("INSERT OR IGNORE INTO search_tenant (tenant) VALUES (?1)")?
            .execute(params![tenant])?;
        let number: i64 = connection
            .prepare_cached("SELECT number FROM search_tenant WHERE tenant = ?1")?
            .query_row(params![tenant], |row| row.get(0))?;
        let first = number << DOCUMENT_BITS;
        self.firsts.insert(tenant, first);
        Ok(first)
    }

    /// The number of a device that gets one, in the tenant whose documents are above `first`.
    fn next_document(&mut self, connection: &Connection, first: i64) -> Result<i64, Fault> {
        let last = match self.lasts.get(&first) {
            Some(last) => *last,
            None => connection
                .prepare_cached(
                    "SELECT ifnull(max(document), ?1) FROM device_document
                     WHERE document BETWEEN ?1 AND ?2",
                )?
                .query_row(params![first, last_document(first)], |row| row.get(0))?,
        };
        self.lasts.insert(first, last + 1);
        Ok(last + 1)
    }
}
