//! Databases of many rows, made in life's own way: imports are accepted by the store and decided by
//! the registrar, so that every index which is kept beside them is there. What is asked of them is
//! in `measure/lists.rs` and `measure/lookups.rs`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use hangar::{
    authority::directory::Directory,
    domain::{
        actor::Actor,
        assignment::Plan,
        clock::Clock as _,
        hardware_blob::HardwareBlob,
        id,
        import::{CallId, ImportId, ImportProperties},
        tenant::TenantId,
    },
    lifecycle::SystemClock,
    registrar::{Registrar, RegistrarOptions},
    store::{
        DatabaseKind, Opening, Store,
        operation::{NewImport, NewImports},
        sqlite::SqliteStore,
    },
};
use tempfile::TempDir;
use uuid::{Builder, Uuid};

use crate::{
    body::{Bodies, Content, MAKER, in_lot, serial_number},
    disk,
    measure::Place,
};

/// The tenant that has most of the rows, as the development authority calls it.
pub(crate) const LARGE: &str = "contoso";

/// The tenant that has few.
pub(crate) const SMALL: &str = "fabrikam";

/// How many of the large tenant's imports are refused: they have no hardware hash. All others
/// become devices.
pub(crate) const REFUSED: u64 = 10;

/// How many of the small tenant's devices are of the lot that all the large tenant's are of.
pub(crate) const SHARED: u64 = 10;

/// The lot whose devices nobody has yet.
pub(crate) const UNUSED_LOT: u64 = 2;

/// The lots of the large tenant and, with a few exceptions, of the small one.
const LARGE_LOT: u64 = 0;
const SMALL_LOT: u64 = 1;

/// Where those exceptions are in the large tenant's lot, beyond all its own.
const SHARED_FROM: u64 = 1 << 32;

/// How many rows are accepted at a time.
const CALL: u64 = 1000;

/// How many imports may wait for the registrar before more are accepted.
const AHEAD: u64 = 20_000;

/// How long the store is left in peace at the end: what it puts off until then, it does then.
const REST: Duration = Duration::from_millis(300);

/// Raised when what is below makes other rows than before.
pub(crate) const SHAPE: u32 = 1;

/// How many rows each tenant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// The large tenant's imports.
    pub(crate) large: u64,
    /// The small tenant's, which came in between.
    pub(crate) small: u64,
}

impl Rows {
    /// The serial number of one of the large tenant's imports.
    pub(crate) fn serial(number: u64) -> String {
        serial_number(in_lot(LARGE_LOT, number))
    }

    /// The id of one of the large tenant's imports.
    pub(crate) fn import_id(number: u64) -> Uuid {
        import_id(LARGE_LOT, number)
    }

    /// Whether the large tenant's import of this number was refused.
    pub(crate) fn is_refused(self, number: u64) -> bool {
        let apart = self.large / REFUSED;
        number % apart == apart / 2
    }

    /// How many devices the large tenant has.
    pub(crate) fn large_devices(self) -> u64 {
        self.large - REFUSED
    }

    /// What the serial numbers of both tenants have in common.
    pub(crate) fn common_part() -> &'static str {
        MAKER
    }

    /// What all of the large tenant's have in common, and some of the small one's.
    pub(crate) fn shared_part() -> String {
        let of_lot = |lot| serial_number(in_lot(lot, 0));
        let (large, small) = (of_lot(LARGE_LOT), of_lot(SMALL_LOT));
        // Up to the first character that tells the lots apart, from the last that leads there.
        let differ = large.bytes().zip(small.bytes()).position(|(a, b)| a != b);
        let end = differ.map_or(large.len(), |at| at + 1);
        large[end.saturating_sub(3)..end].to_owned()
    }

    fn small_device(self, number: u64) -> u64 {
        let apart = self.small / SHARED;
        if number % apart == apart / 2 {
            in_lot(LARGE_LOT, SHARED_FROM + number)
        } else {
            in_lot(SMALL_LOT, number)
        }
    }
}

/// A data directory with such rows.
pub(crate) struct Database {
    path: PathBuf,
    _fleeting: Option<TempDir>,
}

impl Database {
    /// One that goes with its value.
    pub(crate) fn fleeting(place: &Place, rows: Rows) -> anyhow::Result<Self> {
        let directory = place.empty()?;
        make(directory.path(), rows)?;
        Ok(Self {
            path: directory.path().to_owned(),
            _fleeting: Some(directory),
        })
    }

    /// One that is kept from run to run, because making a million rows takes minutes. It is made
    /// anew where the schema is another, or the rows.
    pub(crate) fn kept(place: &Place, rows: Rows) -> anyhow::Result<Self> {
        let family = format!("rows-{}-and-{}", rows.large, rows.small);
        let name = format!("{family}-shape-{SHAPE}-schema-{}", schema(place)?);
        let path = place.directory.join(&name);
        if !path.exists() {
            remove_others(&place.directory, &family)?;
            eprintln!(
                "making a database of {} rows, once",
                rows.large + rows.small
            );
            let draft = place.empty()?;
            make(draft.path(), rows)?;
            // One that was left half-made never has the name.
            fs::rename(draft.keep(), &path)?;
        }
        Ok(Self {
            path,
            _fleeting: None,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The version of the schema that this Hangar makes.
fn schema(place: &Place) -> anyhow::Result<u32> {
    let directory = place.empty()?;
    let connection = disk::open(directory.path(), DatabaseKind::Development)?;
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Removes what earlier schemas and shapes left: it is gigabytes, and nobody asks for it again.
pub(crate) fn remove_others(directory: &Path, family: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let rest = name.strip_prefix(family);
        if rest.is_some_and(|rest| rest.starts_with("-shape-")) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the rows in an empty directory.
fn make(directory: &Path, rows: Rows) -> anyhow::Result<()> {
    let path = directory.join("hangar.db");
    let opening = Opening::Serve(DatabaseKind::Development);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, opening)?);
    fill(&store, rows)
}

/// Makes the rows in an empty store, and closes it.
pub(crate) fn fill(store: &Arc<dyn Store>, rows: Rows) -> anyhow::Result<()> {
    ensure!(
        rows.large >= REFUSED && (rows.small == 0 || rows.small >= SHARED),
        "too few rows for those among them that are special"
    );
    let options = RegistrarOptions {
        batch: usize::try_from(CALL)?,
        ..RegistrarOptions::default()
    };
    let registrar = Registrar::new(Arc::clone(store), Arc::new(SystemClock), options);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            // Nothing waits when all is made, so nothing is cut off.
            made = make_all(store.as_ref(), rows) => made?,
            () = registrar.run(std::future::pending()) => bail!("the registrar ended"),
        }
        store.close().await;
        Ok(())
    })
}

async fn make_all(store: &dyn Store, rows: Rows) -> anyhow::Result<()> {
    let directory = Directory::ready_made()?;
    let tenant = |name| {
        let tenant = directory.find_tenant(name);
        Ok::<_, anyhow::Error>(tenant.context("a tenant is missing")?.id)
    };
    let (large, small) = (tenant(LARGE)?, tenant(SMALL)?);
    let mut bodies = Bodies::new(Content::Padded, 0)?;
    let mut small_made = 0;
    let mut large_made = 0;
    while large_made < rows.large {
        let until = (large_made + CALL).min(rows.large);
        let imports = (large_made..until).map(|number| {
            let device = in_lot(LARGE_LOT, number);
            let blob = (!rows.is_refused(number)).then(|| bodies.blob_of(device));
            new_import(import_id(LARGE_LOT, number), device, blob)
        });
        accept(store, large, imports.collect()).await?;
        large_made = until;

        // As far through the small tenant's as through the large one's, in calls of their own.
        let due = rows.small * large_made / rows.large;
        if due >= small_made + CALL || large_made == rows.large {
            let imports = (small_made..due).map(|number| {
                let device = rows.small_device(number);
                let blob = bodies.blob_of(device);
                new_import(import_id(SMALL_LOT, number), device, Some(blob))
            });
            accept(store, small, imports.collect()).await?;
            small_made = due;
        }
        wait(store, AHEAD).await?;
        if large_made.is_multiple_of(100_000) {
            eprintln!("{large_made} of {} rows are made", rows.large);
        }
    }
    wait(store, 0).await?;
    tokio::time::sleep(REST).await;
    for (tenant, devices) in [(large, rows.large_devices()), (small, rows.small)] {
        let found = store.count_devices(tenant, None, Plan::default()).await?;
        ensure!(
            found == devices,
            "{found} devices where {devices} should be"
        );
    }
    Ok(())
}

fn new_import(id: Uuid, device: u64, blob: Option<&[u8]>) -> NewImport {
    NewImport {
        id: ImportId(id),
        properties: ImportProperties {
            serial_number: Some(serial_number(device)),
            // As the handler does where the client names none.
            import_id: Some(id.to_string()),
            hardware_blob: blob.and_then(|blob| HardwareBlob::new(blob.to_vec())),
            ..ImportProperties::default()
        },
    }
}

/// Ids as the server makes them, in the order of acceptance; but known beforehand.
fn import_id(lot: u64, number: u64) -> Uuid {
    const FIRST_MS: u64 = 1_780_000_000_000;
    let mixed = in_lot(lot, number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&mixed.to_be_bytes());
    Builder::from_unix_timestamp_millis(FIRST_MS + number, &random).into_uuid()
}

async fn accept(store: &dyn Store, tenant: TenantId, rows: Vec<NewImport>) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = SystemClock.now();
    let imports = NewImports {
        call: CallId(id::time_ordered(now)),
        actor: Actor::operator("benchmark"),
        accepted_at: now,
        rows,
    };
    Ok(store.create_imports(tenant, imports).await?)
}

/// Waits until no more than so many imports wait.
async fn wait(store: &dyn Store, most: u64) -> anyhow::Result<()> {
    while store.count_waiting().await? > most {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_serial_numbers_that_they_should_be_in() {
        let rows = Rows {
            large: 1000,
            small: 100,
        };
        let (common, shared) = (Rows::common_part(), Rows::shared_part());
        assert!(shared.len() >= 3, "{shared} is no trigram");
        for number in 0..rows.large {
            let serial = Rows::serial(number);
            assert!(
                serial.contains(common) && serial.contains(&shared),
                "{serial}"
            );
        }
        let serials = (0..rows.small).map(|number| serial_number(rows.small_device(number)));
        let serials: Vec<_> = serials.collect();
        assert!(serials.iter().all(|serial| serial.contains(common)));
        let having = serials.iter().filter(|serial| serial.contains(&shared));
        assert_eq!(having.count() as u64, SHARED);
    }

    #[test]
    fn ten_are_refused_and_ids_are_in_order() {
        for large in [10, 100, 1000, 10_000] {
            let rows = Rows { large, small: 0 };
            let refused = (0..large).filter(|number| rows.is_refused(*number));
            assert_eq!(refused.count() as u64, REFUSED, "of {large}");
        }
        assert!(Rows::import_id(1) < Rows::import_id(2));
        assert_eq!(Rows::import_id(1).get_version_num(), 7);
    }

    #[test]
    fn rows_are_what_they_are_said_to_be() {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place {
            hangar: PathBuf::new(),
            before: None,
            directory: scratch.path().to_owned(),
        };
        let rows = Rows {
            large: 30,
            small: 20,
        };
        let made = Database::kept(&place, rows).unwrap();
        let again = Database::kept(&place, rows).unwrap();
        assert_eq!(made.path(), again.path());
        let connection = rusqlite::Connection::open(made.path().join("hangar.db")).unwrap();
        let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, u64>(0));
        let refused = count("SELECT count(*) FROM import WHERE state = 4").unwrap();
        assert_eq!(refused, REFUSED);
        assert_eq!(count("SELECT count(*) FROM device").unwrap(), 40);
        let first = Rows::import_id(0);
        let serial: String = connection
            .query_row(
                "SELECT serial_number FROM import WHERE id = ?1",
                [first.as_bytes()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(serial, Rows::serial(0));
    }

    #[test]
    fn what_an_earlier_schema_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "rows-7-and-0-shape-1-schema-1",
            "rows-70-and-0-shape-1-schema-1",
            "million-rows",
        ] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        remove_others(directory.path(), "rows-7-and-0").unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
