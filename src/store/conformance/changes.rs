//! Changing and deleting imports, before, while and after they are decided.

use std::time::Duration;

use hardware_hash::Builder;

use crate::{
    domain::{
        hardware_blob::HardwareBlob,
        import::{ImportChange, ImportProperties, ImportState},
    },
    store::operation::{Failure, Settled, Updated},
    testing::{
        CONTOSO, FABRIKAM, import_named, import_of,
        workbench::{Workbench, at, import_id},
    },
};

super::cases![
    a_waiting_import_takes_every_change,
    a_settled_import_keeps_what_decided_it,
    a_change_is_decided_on_its_new_values,
    a_change_starts_the_failures_anew,
    deleting_withdraws_a_claimed_import,
    deleting_a_settled_import_leaves_the_device,
    an_id_made_anew_is_not_settled_by_an_old_claim,
];

fn failure() -> Failure {
    Failure {
        reason: "a test".to_owned(),
        attempts_allowed: 5,
        back_off: Duration::ZERO,
    }
}

fn to_blob_of(device: &Builder) -> ImportChange {
    ImportChange {
        hardware_blob: Some(HardwareBlob::new(device.build())),
        ..ImportChange::default()
    }
}

async fn a_waiting_import_takes_every_change(bench: Workbench) {
    let word = |text: &str| Some(Some(text.to_owned()));
    let changes = [
        ImportChange {
            group_tag: word("a"),
            serial_number: word("b"),
            product_key: word("c"),
            import_id: word("d"),
            hardware_blob: Some(HardwareBlob::new(vec![1, 0])),
            assigned_user_principal_name: word("e"),
        },
        ImportChange::default(),
        ImportChange {
            group_tag: word(""),
            hardware_blob: Some(HardwareBlob::new(vec![1, 0, 0])),
            ..ImportChange::default()
        },
        ImportChange {
            group_tag: Some(None),
            serial_number: Some(None),
            product_key: Some(None),
            import_id: Some(None),
            hardware_blob: Some(None),
            assigned_user_principal_name: Some(None),
        },
    ];
    let id = bench.accept(CONTOSO, import_named("S", "K")).await;
    let mut expected = bench.import(CONTOSO, id).await.unwrap();
    for change in changes {
        expected.apply(change.clone()).unwrap();
        let updated = bench.update(CONTOSO, id, change).await;
        assert_eq!(updated, Updated::Done(Box::new(expected.clone())));
        assert_eq!(bench.import(CONTOSO, id).await, Some(expected.clone()));
    }
    assert_eq!(expected.properties, ImportProperties::default());
}

async fn a_settled_import_keeps_what_decided_it(bench: Workbench) {
    let complete = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let refused = bench.accept(CONTOSO, import_named("S", "K")).await;
    bench.settle_all().await;
    let devices = bench.devices(CONTOSO).await;
    let other = || Some(Some("other".to_owned()));
    let late = [
        (
            "serialNumber",
            ImportChange {
                serial_number: other(),
                ..ImportChange::default()
            },
        ),
        (
            "productKey",
            ImportChange {
                product_key: other(),
                ..ImportChange::default()
            },
        ),
        (
            "importId",
            ImportChange {
                import_id: other(),
                ..ImportChange::default()
            },
        ),
        ("hardwareIdentifier", to_blob_of(&Builder::new(9))),
    ];
    for id in [complete, refused] {
        let mut expected = bench.import(CONTOSO, id).await.unwrap();
        assert_ne!(expected.state, ImportState::Waiting);
        for (property, change) in late.clone() {
            let change = ImportChange {
                group_tag: other(),
                ..change
            };
            let Updated::TooLate(too_late) = bench.update(CONTOSO, id, change).await else {
                panic!("{property} changed");
            };
            assert_eq!(too_late.property, property);
            assert_eq!(bench.import(CONTOSO, id).await, Some(expected.clone()));
        }
        // What keeps its value is no change, so that a client may send back what it read.
        let known = expected.properties.clone();
        expected.properties.group_tag = Some("tag".to_owned());
        expected.properties.assigned_user_principal_name = None;
        expected.version += 1;
        let change = ImportChange {
            group_tag: Some(Some("tag".to_owned())),
            serial_number: Some(known.serial_number),
            product_key: Some(known.product_key),
            import_id: Some(known.import_id),
            hardware_blob: Some(known.hardware_blob),
            assigned_user_principal_name: Some(None),
        };
        let updated = bench.update(CONTOSO, id, change).await;
        assert_eq!(updated, Updated::Done(Box::new(expected.clone())));
        assert_eq!(bench.import(CONTOSO, id).await, Some(expected));
    }
    assert!(bench.settle_all().await.is_empty(), "nothing waits again");
    assert_eq!(bench.devices(CONTOSO).await, devices);
}

async fn a_change_is_decided_on_its_new_values(bench: Workbench) {
    let (before, after) = (Builder::new(1), Builder::new(2));
    let id = bench.accept(CONTOSO, import_of(&before)).await;
    let neighbour = bench.accept(CONTOSO, import_of(&Builder::new(3))).await;
    let claims = bench.claim(2).await;
    bench.update(CONTOSO, id, to_blob_of(&after)).await;
    let settled = bench.settle(claims).await;
    assert_eq!(settled[0], Settled::Superseded);
    assert!(matches!(settled[1], Settled::Registered(_)));
    assert_eq!(bench.state(CONTOSO, id).await, ImportState::Waiting);
    assert!(matches!(
        bench.state(CONTOSO, neighbour).await,
        ImportState::Complete(_)
    ));

    let settled = bench.settle_all().await;
    let [Settled::Registered(device)] = settled[..] else {
        panic!("{settled:?}");
    };
    let device = bench.device(CONTOSO, device).await.unwrap();
    let serial = after.report().serial_number().unwrap().to_owned();
    assert_eq!(device.properties.serial_number, serial);
    bench.register(FABRIKAM, import_of(&before)).await;
}

async fn a_change_starts_the_failures_anew(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    for round in 0..8 {
        if round == 4 {
            bench.update(CONTOSO, id, ImportChange::default()).await;
        }
        let claims = bench.claim(1).await;
        let failed = bench.store.fail(claims[0].key, failure(), at(0)).await;
        assert_eq!(failed, Ok(Settled::Retried), "round {round}");
    }
    assert_eq!(bench.state(CONTOSO, id).await, ImportState::Waiting);
}

async fn deleting_withdraws_a_claimed_import(bench: Workbench) {
    let device = import_of(&Builder::new(1));
    let id = bench.accept(CONTOSO, device.clone()).await;
    let claims = bench.claim(1).await;
    let key = claims[0].key;
    assert!(bench.delete(CONTOSO, id).await);
    assert!(!bench.delete(CONTOSO, id).await, "it is gone");
    assert_eq!(bench.settle(claims).await, [Settled::Superseded]);
    let failed = bench.store.fail(key, failure(), at(0)).await;
    assert_eq!(failed, Ok(Settled::Superseded));
    assert_eq!(bench.imports(CONTOSO).await, []);
    assert_eq!(bench.devices(CONTOSO).await, []);
    assert_eq!(bench.store.count_waiting().await, Ok(0));
    bench.register(FABRIKAM, device).await;
}

async fn deleting_a_settled_import_leaves_the_device(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let imports = bench.imports(CONTOSO).await;
    assert!(bench.delete(CONTOSO, imports[0].id).await);
    assert_eq!(bench.imports(CONTOSO).await, []);
    assert_eq!(bench.device(CONTOSO, device.id).await, Some(device));
}

async fn an_id_made_anew_is_not_settled_by_an_old_claim(bench: Workbench) {
    let (first, second) = (Builder::new(1), Builder::new(2));
    let id = import_id(1);
    let create = |device| bench.create(CONTOSO, vec![(id, import_of(device))], at(0));
    create(&first).await.unwrap();
    let claims = bench.claim(1).await;
    let key = claims[0].key;
    assert!(bench.delete(CONTOSO, id).await);
    create(&second).await.unwrap();
    assert_eq!(bench.settle(claims).await, [Settled::Superseded]);
    let failed = bench.store.fail(key, failure(), at(0)).await;
    assert_eq!(failed, Ok(Settled::Superseded));
    assert_eq!(bench.state(CONTOSO, id).await, ImportState::Waiting);

    let claims = bench.claim(1).await;
    assert_eq!(claims.len(), 1, "the old claim keeps nobody waiting");
    assert!(!claims[0].alone, "a new import has not failed yet");
    assert!(matches!(
        bench.settle(claims).await[..],
        [Settled::Registered(_)]
    ));
    bench.register(FABRIKAM, import_of(&first)).await;
}
