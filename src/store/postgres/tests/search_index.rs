//! The indexes that searches by serial number read: made at once, or beside everything else.

use std::time::Duration;

use hardware_hash::Builder;

use super::{super::*, serve};
use crate::{
    store::DatabaseKind,
    testing::{CONTOSO, import_of, postgres::Scratch, workbench::Workbench},
};

/// How they are made.
const DEFINED: &str = "SELECT string_agg(pg_get_indexdef(indexrelid),
        ' ' ORDER BY indexrelid::regclass::text)
    FROM pg_index WHERE indexrelid IN (to_regclass('import_search'), to_regclass('device_search'))";

const FOUND: &str = "SELECT string_agg(indexrelid::regclass || ':' || indisvalid, ' '
        ORDER BY indexrelid::regclass::text)
    FROM pg_index WHERE indexrelid IN (to_regclass('import_serial'), to_regclass('device_serial'),
        to_regclass('import_search'), to_regclass('device_search'))";

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database whose tables have rows since before migration 4.
async fn database_of_before() -> Scratch {
    let scratch = Scratch::empty();
    let opening = Opening::Serve(DatabaseKind::Production);
    let database = Database::at(scratch.url());
    let store = PostgresStore::open_as(Release::of_version(3), &database, opening);
    let store = Arc::new(store.unwrap());
    let bench = Workbench::new(Arc::clone(&store) as _);
    bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    store.close().await;
    scratch
}

async fn search(store: &PostgresStore) {
    assert_eq!(
        store.count_devices(CONTOSO, None, Plan::default()).await,
        Ok(1)
    );
}

async fn wait_until_replaced(scratch: &Scratch) {
    let began = tokio::time::Instant::now();
    while scratch.ask(FOUND) != "device_search:true import_search:true" {
        assert!(began.elapsed() < PATIENCE, "{}", scratch.ask(FOUND));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_empty_database_has_them_at_once() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = serve(&scratch);
    assert_eq!(scratch.ask(FOUND), "device_search:true import_search:true");
    let plan = scratch.ask(
        "SET enable_seqscan = off; SET enable_indexscan = off;
         EXPLAIN SELECT id FROM device WHERE tenant = gen_random_uuid()
             AND serial_number ILIKE '%KFD%' AND serial_number ILIKE '%NY1%'",
    );
    assert!(plan.contains("on device_search"), "{plan}");
    store.close().await;
}

#[tokio::test]
async fn the_first_search_replaces_those_of_before() {
    let scratch = database_of_before().await;
    let store = serve(&scratch);
    assert_eq!(scratch.ask(FOUND), "device_serial:true import_serial:true");
    search(&store).await;
    wait_until_replaced(&scratch).await;
    search(&store).await;
    let fresh = Scratch::new(DatabaseKind::Production);
    serve(&fresh).close().await;
    assert_eq!(scratch.ask(DEFINED), fresh.ask(DEFINED));
    store.close().await;
}

#[tokio::test]
async fn one_that_was_left_half_built_is_made_anew() {
    let scratch = database_of_before().await;
    scratch.ask(
        "CREATE INDEX device_search ON device (serial_number);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass('device_search')",
    );
    let store = serve(&scratch);
    search(&store).await;
    wait_until_replaced(&scratch).await;
    let definition = scratch.ask("SELECT pg_get_indexdef(to_regclass('device_search'))");
    assert!(definition.contains("gin_trgm_ops"), "{definition}");
    store.close().await;
}
