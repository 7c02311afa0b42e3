//! Accepting imports and reading them back.

use hardware_hash::Builder;
use uuid::Uuid;

use crate::{
    domain::{
        assignment::Plan,
        hardware_blob::HardwareBlob,
        import::{CallId, ImportChange, ImportProperties, ImportState},
    },
    store::{
        StoreError, Unique,
        operation::{DeviceDeletion, NewImport, NewImports, Updated},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        workbench::{Workbench, at, import_id},
    },
};

super::cases![
    every_property_comes_back,
    a_request_is_accepted_whole,
    a_conflict_names_the_taken_ids_and_writes_nothing,
    a_call_that_is_sent_again_is_accepted_again,
    an_id_is_taken_within_its_tenant_only,
    what_another_tenant_has_is_absent,
];

fn filled_with(text: &str) -> ImportProperties {
    let text = || Some(text.to_owned());
    ImportProperties {
        group_tag: text(),
        serial_number: text(),
        product_key: text(),
        import_id: text(),
        hardware_blob: None,
        assigned_user_principal_name: text(),
    }
}

async fn every_property_comes_back(bench: Workbench) {
    let with_blob = |bytes: Vec<u8>| ImportProperties {
        hardware_blob: HardwareBlob::new(bytes),
        ..ImportProperties::default()
    };
    let distinct = ImportProperties {
        group_tag: Some("tag".to_owned()),
        serial_number: Some("serial".to_owned()),
        product_key: Some("key".to_owned()),
        import_id: Some("import".to_owned()),
        hardware_blob: HardwareBlob::new(Builder::new(1).build()),
        assigned_user_principal_name: Some("adele@contoso.example".to_owned()),
    };
    let cases = [
        ImportProperties::default(),
        filled_with(""),
        filled_with("  'Größe' \u{1F6EB}\r\n\t\"%_\\ "),
        filled_with(&"x".repeat(20_000)),
        with_blob(vec![1, 2, 0, 0]),
        with_blob(vec![0, 0]),
        with_blob(vec![7]),
        distinct,
    ];
    for (number, properties) in (1..).zip(cases) {
        let id = import_id(number);
        let accepted_at = at(number.try_into().unwrap());
        bench
            .create(CONTOSO, vec![(id, properties.clone())], accepted_at)
            .await
            .unwrap();
        let import = bench.import(CONTOSO, id).await.unwrap();
        assert_eq!(import.properties, properties);
        assert_eq!((import.tenant, import.id), (CONTOSO, id));
        assert_eq!(import.accepted_at, accepted_at);
        assert_eq!(import.state, ImportState::Waiting);
        let listed = bench.imports(CONTOSO).await.pop();
        assert_eq!(listed, Some(import), "a list shows what a GET shows");
    }
}

async fn a_request_is_accepted_whole(bench: Workbench) {
    let rows = vec![ImportProperties::default(); 300];
    let ids = bench.accept_all(CONTOSO, rows).await;
    assert_eq!(bench.store.count_imports(CONTOSO, None).await, Ok(300));
    let imports = bench.imports(CONTOSO).await;
    assert!(ids.iter().all(|id| imports.iter().any(|one| one.id == *id)));
    assert!(
        imports.iter().all(|import| import.call == imports[0].call),
        "the rows of a request share its call"
    );
}

async fn a_conflict_names_the_taken_ids_and_writes_nothing(bench: Workbench) {
    let [a, b, c, d] = [4, 3, 2, 1].map(import_id);
    let rows = |ids: &[_]| -> Vec<_> {
        let properties = ImportProperties::default;
        ids.iter().map(|id| (*id, properties())).collect()
    };
    bench
        .create(CONTOSO, rows(&[b, d]), at(0))
        .await
        .expect("both ids are free");
    let cases: &[(&[_], &[_])] = &[
        (&[b], &[b]),
        (&[a, d, c, b], &[d, b]),
        (&[a, c, a], &[a]),
        (&[a, b, c, a, d], &[b, a, d]),
        // Named once, however often it is taken.
        (&[b, b, a, a, a], &[b, a]),
    ];
    for (sent, taken) in cases {
        assert_eq!(
            bench.create(CONTOSO, rows(sent), at(1)).await,
            Err(StoreError::Conflict(Unique::ImportIds(taken.to_vec()))),
            "{sent:?}"
        );
        assert_eq!(bench.imports(CONTOSO).await.len(), 2);
    }
    assert_eq!(bench.claim(10).await.len(), 2, "nothing else waits");
}

/// A caller who never learned the outcome tries again with the same call and ids.
async fn a_call_that_is_sent_again_is_accepted_again(bench: Workbench) {
    let row = |seed: u64| NewImport {
        id: import_id(seed.into()),
        properties: import_of(&Builder::new(seed)),
    };
    let call = |number, rows| NewImports {
        call: CallId(Uuid::from_u128(number)),
        actor: actor(),
        accepted_at: at(0),
        rows,
    };
    let both = call(1, vec![row(1), row(2)]);
    let create = |imports: &NewImports| bench.store.create_imports(CONTOSO, imports.clone());
    assert_eq!(create(&both).await, Ok(()));
    let waiting = bench.imports(CONTOSO).await;
    assert_eq!(create(&both).await, Ok(()));
    assert_eq!(bench.imports(CONTOSO).await, waiting);
    assert_eq!(bench.settle_all().await.len(), 2);
    let settled = bench.imports(CONTOSO).await;
    assert_eq!(create(&both).await, Ok(()));
    assert_eq!(bench.imports(CONTOSO).await, settled);
    assert_eq!(bench.store.count_waiting().await, Ok(0));

    let other = call(2, vec![row(1), row(3)]);
    let taken = StoreError::Conflict(Unique::ImportIds(vec![import_id(1)]));
    assert_eq!(create(&other).await, Err(taken));
}

async fn an_id_is_taken_within_its_tenant_only(bench: Workbench) {
    let id = import_id(1);
    for (tenant, tag) in [(CONTOSO, "ours"), (FABRIKAM, "theirs")] {
        let properties = ImportProperties {
            group_tag: Some(tag.to_owned()),
            ..ImportProperties::default()
        };
        bench
            .create(tenant, vec![(id, properties)], at(0))
            .await
            .unwrap();
    }
    assert!(bench.delete(FABRIKAM, id).await);
    let ours = bench.import(CONTOSO, id).await.unwrap();
    assert_eq!(ours.properties.group_tag.as_deref(), Some("ours"));
}

async fn what_another_tenant_has_is_absent(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let theirs = bench.imports(CONTOSO).await;
    let id = theirs[0].id;
    let store = &bench.store;

    assert_eq!(bench.import(FABRIKAM, id).await, None);
    assert_eq!(bench.imports(FABRIKAM).await, []);
    assert_eq!(store.count_imports(FABRIKAM, None).await, Ok(0));
    let change = ImportChange {
        group_tag: Some(Some("stolen".to_owned())),
        ..ImportChange::default()
    };
    let updated = bench.update(FABRIKAM, id, change.clone()).await;
    assert_eq!(updated, Updated::Absent);
    assert!(!bench.delete(FABRIKAM, id).await);
    assert_eq!(bench.device(FABRIKAM, device.id).await, None);
    assert_eq!(bench.devices(FABRIKAM).await, []);
    assert_eq!(
        store.count_devices(FABRIKAM, None, Plan::default()).await,
        Ok(0)
    );
    let deletion = bench.delete_device(FABRIKAM, device.id, 0).await;
    assert_eq!(deletion, DeviceDeletion::Absent);

    assert_eq!(bench.imports(CONTOSO).await, theirs, "nothing changed");
    assert_eq!(bench.devices(CONTOSO).await, [device]);

    // An id that never was looks just the same.
    let never = import_id(99);
    assert_eq!(bench.import(CONTOSO, never).await, None);
    let updated = bench.update(CONTOSO, never, change).await;
    assert_eq!(updated, Updated::Absent);
    assert!(!bench.delete(CONTOSO, never).await);
}
