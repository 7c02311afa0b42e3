//! Imports that are looked up at one time.

use std::collections::HashSet;

use futures_util::future::join_all;
use uuid::Uuid;

use super::{super::*, serve};
use crate::{
    domain::import::{CallId, ImportProperties},
    store::{DatabaseKind, operation::NewImport},
    testing::{CONTOSO, FABRIKAM, actor, postgres::Scratch, workbench::at},
};

/// How many imports each tenant has: more than a batch takes.
const IMPORTS: usize = 100;

async fn accept(store: &PostgresStore, tenant: TenantId, ids: &[ImportId]) {
    let row = |id: &ImportId| NewImport {
        id: *id,
        properties: ImportProperties {
            serial_number: Some(format!("{tenant} {id}")),
            ..ImportProperties::default()
        },
    };
    let imports = NewImports {
        call: CallId(Uuid::new_v4()),
        actor: actor(),
        accepted_at: at(0),
        rows: ids.iter().map(row).collect(),
    };
    store.create_imports(tenant, imports).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_of_the_import_that_he_asked_for() {
    let scratch = Scratch::new(DatabaseKind::Production);
    let store = serve(&scratch);
    let ids: Vec<_> = (0..IMPORTS).map(|_| ImportId(Uuid::new_v4())).collect();
    // Both tenants have imports of these ids, each its own.
    for tenant in [CONTOSO, FABRIKAM] {
        accept(&store, tenant, &ids).await;
    }
    let absent = ImportId(Uuid::new_v4());
    let unreadable = ids[0];
    scratch.ask(&format!(
        "UPDATE import SET accepted_at = 9223372036854775807
         WHERE tenant = '{CONTOSO}' AND id = '{unreadable}'"
    ));
    // The same ones twice, side by side.
    let asked = ids.iter().chain(&ids).chain([&absent]);
    let asked = asked.flat_map(|id| [(CONTOSO, *id), (FABRIKAM, *id)]);
    let asked: Vec<(TenantId, ImportId)> = asked.collect();
    let found = join_all(asked.iter().map(|(tenant, id)| store.import(*tenant, *id))).await;
    let mut told = HashSet::new();
    for ((tenant, id), found) in asked.into_iter().zip(found) {
        if (tenant, id) == (CONTOSO, unreadable) {
            assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
            continue;
        }
        let import = found.unwrap();
        assert_eq!(import.is_none(), id == absent);
        let Some(import) = import else { continue };
        assert_eq!((import.tenant, import.id), (tenant, id));
        let serial_number = import.properties.serial_number;
        assert_eq!(serial_number, Some(format!("{tenant} {id}")));
        told.insert((tenant, id));
    }
    assert_eq!(told.len(), 2 * IMPORTS - 1);
    store.close().await;
}
