//! What settling comes to: a device, or each of the refusals.

use hardware_hash::Builder;

use crate::{
    domain::{
        device::DeviceProperties,
        directory_error::DirectoryError,
        hardware_blob::HardwareBlob,
        import::{ImportProperties, ImportState},
    },
    store::operation::{LedgerQuery, Settled},
    testing::{
        CONTOSO, FABRIKAM, import_named, import_of,
        workbench::{Workbench, at},
    },
};

super::cases![
    a_registered_device_shows_all_that_is_known,
    a_hash_that_does_not_hold_is_refused,
    without_a_hash_a_device_must_be_known,
    hardware_that_somebody_owns_is_refused,
    the_first_of_a_batch_wins,
    a_device_stands_once_in_a_request,
    a_device_known_by_name_is_registered_anew,
    a_name_of_several_devices_is_not_unique,
];

async fn a_registered_device_shows_all_that_is_known(bench: Workbench) {
    let builder = Builder::new(1)
        .manufacturer("Contoso Works")
        .product_name("Glider 3")
        .serial_number("  GL-77  ")
        .product_key_id("0000000000042");
    let properties = ImportProperties {
        group_tag: Some("Kiosk".to_owned()),
        serial_number: Some("the client's own".to_owned()),
        product_key: Some("also the client's".to_owned()),
        import_id: Some("batch 9".to_owned()),
        assigned_user_principal_name: Some("adele@contoso.example".to_owned()),
        ..import_of(&builder)
    };
    let id = bench.accept(CONTOSO, properties.clone()).await;
    let settled = bench.settle_all().await;
    let [Settled::Registered(device_id)] = settled[..] else {
        panic!("{settled:?}");
    };
    let device = bench.device(CONTOSO, device_id).await.unwrap();
    let text = str::to_owned;
    // What the blob says wins: only the blob came from the firmware.
    let expected = DeviceProperties {
        group_tag: text("Kiosk"),
        serial_number: text("GL-77"),
        product_key: text("0000000000042"),
        manufacturer: text("Contoso Works"),
        model: text("Glider 3"),
        sku_number: text("HTW-PP14"),
        system_family: text("Paper Plane"),
        user_principal_name: text("adele@contoso.example"),
        ..DeviceProperties::default()
    };
    assert_eq!(device.properties, expected);
    assert_eq!((device.tenant, device.id), (CONTOSO, device_id));
    assert_eq!(device.registered_at, at(60));

    let import = bench.import(CONTOSO, id).await.unwrap();
    assert_eq!(import.state, ImportState::Complete(device_id));
    assert_eq!(import.properties, properties, "the import stays as it was");
    let entries = bench.ledger(LedgerQuery::default()).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].id, device.ledger_entry);
    assert_eq!(entries[0].owner, Some((CONTOSO, device_id)));
}

async fn a_hash_that_does_not_hold_is_refused(bench: Workbench) {
    let mut damaged = Builder::new(1).build();
    damaged[500] ^= 1;
    let whole = Builder::new(1).build();
    // Element 11: a zero, the kind, the length of the id, the id.
    let offline_id = |kind| [&[0, 0, 0, 0, kind, 0, 32, 0, 0, 0][..], &[7; 32]].concat();
    let with_id = |kind| Builder::new(1).omit(11).extra(11, &offline_id(kind));
    let cases = [
        ("toy", b"fake".to_vec()),
        ("zeros", vec![0; 3000]),
        ("damaged", damaged),
        ("truncated", whole[..900].to_vec()),
        ("no serial", Builder::new(1).omit(14).build()),
        ("blank serial", Builder::new(1).serial_number(" ").build()),
        ("no manufacturer", Builder::new(1).omit(16).build()),
        ("no versions", Builder::new(1).omit(1).build()),
        ("another key's id", with_id(1).build()),
    ];
    for (name, bytes) in cases {
        let properties = ImportProperties {
            hardware_blob: HardwareBlob::new(bytes),
            ..import_named("S", "K")
        };
        let refusal = bench.refusal(CONTOSO, properties).await;
        assert_eq!(refusal, DirectoryError::InvalidZtdHardwareHash, "{name}");
    }
    assert_eq!(bench.devices(CONTOSO).await, []);
    // An id that is not the endorsement key's can't disagree with it.
    bench.register(CONTOSO, import_of(&with_id(2))).await;
    assert_eq!(bench.ledger(LedgerQuery::default()).await.len(), 1);
    assert_eq!(bench.devices(CONTOSO).await.len(), 1);
}

async fn without_a_hash_a_device_must_be_known(bench: Workbench) {
    use DirectoryError::{MissingZtdSerialNumberAndProductKey as Missing, ZtdDeviceNotFound};
    let cases = [
        (ImportProperties::default(), Missing),
        (import_named("", ""), Missing),
        (import_named("  ", "\t"), Missing),
        (import_named("S", ""), ZtdDeviceNotFound),
        (import_named("", "K"), ZtdDeviceNotFound),
        (import_named("S", "K"), ZtdDeviceNotFound),
    ];
    for (properties, expected) in cases {
        let id = bench.accept(CONTOSO, properties.clone()).await;
        let settled = bench.settle_all().await;
        assert_eq!(settled, [Settled::Refused(expected)], "{properties:?}");
        let state = bench.state(CONTOSO, id).await;
        assert_eq!(state, ImportState::Refused(expected));
    }
    assert_eq!(bench.ledger(LedgerQuery::default()).await, []);
    assert_eq!(bench.devices(CONTOSO).await, []);
}

async fn hardware_that_somebody_owns_is_refused(bench: Workbench) {
    let properties = import_of(&Builder::new(1));
    let device = bench.register(CONTOSO, properties.clone()).await;
    for _ in 0..2 {
        let ours = bench.refusal(CONTOSO, properties.clone()).await;
        assert_eq!(ours, DirectoryError::ZtdDeviceAlreadyAssigned);
        let theirs = bench.refusal(FABRIKAM, properties.clone()).await;
        assert_eq!(theirs, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    }
    assert_eq!(bench.devices(CONTOSO).await, [device]);
    assert_eq!(bench.devices(FABRIKAM).await, []);
}

async fn the_first_of_a_batch_wins(bench: Workbench) {
    let properties = import_of(&Builder::new(1));
    for tenant in [FABRIKAM, CONTOSO, FABRIKAM] {
        bench.accept(tenant, properties.clone()).await;
    }
    let claims = bench.claim(3).await;
    let settled = bench.settle(claims).await;
    let [Settled::Registered(device), ours, theirs] = settled[..] else {
        panic!("{settled:?}");
    };
    let refused = Settled::Refused;
    assert_eq!(
        ours,
        refused(DirectoryError::ZtdDeviceAssignedToOtherTenant)
    );
    assert_eq!(theirs, refused(DirectoryError::ZtdDeviceAlreadyAssigned));
    assert!(bench.device(FABRIKAM, device).await.is_some());
}

async fn a_device_stands_once_in_a_request(bench: Workbench) {
    let whole = import_of(&Builder::new(1));
    let again = import_of(&Builder::new(1).recaptured(1));
    let other = import_of(&Builder::new(2));
    let mut bytes = Builder::new(2).build();
    bytes[500] ^= 1;
    let damaged = ImportProperties {
        hardware_blob: HardwareBlob::new(bytes),
        ..ImportProperties::default()
    };
    // Of the second device the first row is refused, so the next is the first that counts.
    let rows = vec![damaged, whole.clone(), again, other, whole.clone()];
    let ids = bench.accept_all(CONTOSO, rows).await;
    let mut settled = Vec::new();
    // However the request is cut into batches, it is one request.
    for limit in [1, 2, 2] {
        let claims = bench.claim(limit).await;
        settled.extend(bench.settle(claims).await);
    }
    let duplicated = Settled::Refused(DirectoryError::ZtdDeviceDuplicated);
    let invalid = Settled::Refused(DirectoryError::InvalidZtdHardwareHash);
    let [
        first,
        Settled::Registered(_),
        third,
        Settled::Registered(_),
        fifth,
    ] = settled[..]
    else {
        panic!("{settled:?}");
    };
    assert_eq!([first, third, fifth], [invalid, duplicated, duplicated]);
    assert_eq!(
        bench.state(CONTOSO, ids[4]).await,
        ImportState::Refused(DirectoryError::ZtdDeviceDuplicated)
    );
    let later = bench.refusal(CONTOSO, whole).await;
    assert_eq!(later, DirectoryError::ZtdDeviceAlreadyAssigned);
}

async fn a_device_known_by_name_is_registered_anew(bench: Workbench) {
    let builder = Builder::new(1).serial_number("SN-1").product_key_id("0007");
    let device = bench.register(CONTOSO, import_of(&builder)).await;
    let name = import_named(" sn-1 ", "0007");
    let ours = bench.refusal(CONTOSO, name.clone()).await;
    assert_eq!(ours, DirectoryError::ZtdDeviceAlreadyAssigned);
    let theirs = bench.refusal(FABRIKAM, name.clone()).await;
    assert_eq!(theirs, DirectoryError::ZtdDeviceAssignedToOtherTenant);

    bench.delete_device(CONTOSO, device.id, 70).await;
    let half = bench.refusal(FABRIKAM, import_named("SN-1", "")).await;
    assert_eq!(half, DirectoryError::ZtdDeviceNotFound);
    let again = bench.register(FABRIKAM, name.clone()).await;
    assert_eq!(again.ledger_entry, device.ledger_entry);
    assert_ne!(again.id, device.id);
    let whole = bench.refusal(CONTOSO, import_of(&builder)).await;
    assert_eq!(whole, DirectoryError::ZtdDeviceAssignedToOtherTenant);

    bench.delete_device(FABRIKAM, again.id, 80).await;
    bench.accept_all(CONTOSO, vec![name.clone(), name]).await;
    let settled = bench.settle_all().await;
    assert!(matches!(settled[0], Settled::Registered(_)));
    let duplicated = Settled::Refused(DirectoryError::ZtdDeviceDuplicated);
    assert_eq!(settled[1], duplicated);
}

async fn a_name_of_several_devices_is_not_unique(bench: Workbench) {
    for seed in [1, 2] {
        let builder = Builder::new(seed).serial_number("SN").product_key_id("7");
        let device = bench.register(CONTOSO, import_of(&builder)).await;
        bench.delete_device(CONTOSO, device.id, 70).await;
    }
    for tenant in [CONTOSO, FABRIKAM] {
        let refusal = bench.refusal(tenant, import_named("SN", "7")).await;
        assert_eq!(refusal, DirectoryError::ZtdDeviceIsNotUnique);
    }
}
