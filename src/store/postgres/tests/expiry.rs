//! The index of settled imports, which is there only where imports expire.

use hardware_hash::Builder;

use super::{super::*, serve};
use crate::{
    store::DatabaseKind,
    testing::{
        CONTOSO, import_of,
        postgres::Scratch,
        workbench::{Workbench, at},
    },
};

const FOUND: &str = "SELECT string_agg(indisvalid::text, ' ') FROM pg_index
    WHERE indexrelid = to_regclass('import_settled')";

#[tokio::test]
async fn the_index_is_made_where_it_is_needed() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = Arc::new(serve(&scratch));
    let bench = Workbench::new(Arc::clone(&store) as _);
    for seed in 1..=3 {
        bench
            .register(CONTOSO, import_of(&Builder::new(seed)))
            .await;
    }
    assert_eq!(scratch.ask(FOUND), "");
    let expired = store.expire_imports(at(60), 2, at(100)).await.unwrap();
    assert_eq!((expired.imports, expired.more), (2, true));
    assert_eq!(scratch.ask(FOUND), "true");
    let plan = scratch.ask(
        "SET enable_seqscan = off;
         EXPLAIN SELECT tenant, id FROM import
         WHERE state <> 0 AND coalesce(settled_at, accepted_at) <= 5
         ORDER BY coalesce(settled_at, accepted_at) LIMIT 64 FOR UPDATE SKIP LOCKED",
    );
    assert!(plan.contains("Index Scan using import_settled"), "{plan}");
    assert!(!plan.contains("Sort"), "{plan}");
    store.close().await;
}

#[tokio::test]
async fn an_index_that_was_left_half_built_is_made_anew() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let first = serve(&scratch);
    first.expire_imports(at(60), 2, at(100)).await.unwrap();
    first.close().await;
    scratch.ask(
        "UPDATE pg_index SET indisvalid = false
         WHERE indexrelid = to_regclass('import_settled')",
    );
    let second = serve(&scratch);
    second.expire_imports(at(60), 2, at(100)).await.unwrap();
    assert_eq!(scratch.ask(FOUND), "true");
    second.close().await;
}

#[tokio::test]
async fn many_processes_make_one_index() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let mut stores = Vec::new();
    let mut looking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = Arc::new(serve(&scratch));
        stores.push(Arc::clone(&store));
        looking.spawn(async move { store.expire_imports(at(60), 2, at(100)).await });
    }
    for looked in looking.join_all().await {
        assert_eq!(looked, Ok(crate::store::operation::Expired::default()));
    }
    assert_eq!(scratch.ask(FOUND), "true");
    for store in stores {
        store.close().await;
    }
}
