//! Devices that are registered without a hash, changed, and deleted by their serial numbers.

use hardware_hash::Builder;
use uuid::Uuid;

use crate::{
    domain::{
        device::{Device, DeviceChange, DeviceId, DeviceProperties, UserlessEnrollment},
        directory_error::DirectoryError,
        identity::LedgerEntryId,
        import::CallId,
        registration::describe,
        tenant::TenantId,
    },
    store::operation::{
        DeviceAct, DeviceCreation, DeviceDeletion, DeviceUpdated, LedgerQuery, NewDevice,
        SerialDeletion, Settled,
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_named, import_of,
        workbench::{Workbench, at},
    },
};

super::cases![
    a_described_device_is_registered_as_it_is_described,
    described_hardware_has_one_owner,
    a_description_of_known_hardware_means_it,
    a_capture_of_described_hardware_is_that_hardware,
    a_description_of_several_devices_is_not_unique,
    a_creation_that_is_tried_again_succeeds_once,
    a_device_takes_every_change,
    what_tells_the_hardware_never_changes,
    devices_are_deleted_by_their_serial_numbers,
    a_serial_number_that_devices_share_deletes_none,
];

/// What the blob of this seed says, as a client would type it.
fn description(seed: u64) -> DeviceProperties {
    let report = Builder::new(seed).report();
    DeviceProperties {
        manufacturer: report.manufacturer().unwrap().to_uppercase(),
        model: report.product_name().unwrap().to_owned(),
        serial_number: format!(" {} ", report.serial_number().unwrap()),
        ..DeviceProperties::default()
    }
}

async fn created(bench: &Workbench, tenant: TenantId, properties: DeviceProperties) -> Device {
    match bench.create_device(tenant, properties).await {
        DeviceCreation::Registered(device) => *device,
        DeviceCreation::Refused(error) => panic!("refused: {error:?}"),
    }
}

async fn a_described_device_is_registered_as_it_is_described(bench: Workbench) {
    let text = |text: &str| text.to_owned();
    let properties = DeviceProperties {
        group_tag: text("a"),
        purchase_order_identifier: text("b"),
        serial_number: text("c"),
        product_key: text("d"),
        manufacturer: text("e"),
        model: text("f"),
        addressable_user_name: text("g"),
        user_principal_name: text("h"),
        resource_name: text("i"),
        sku_number: text("j"),
        system_family: text("k"),
        directory_device_id: text("l"),
        managed_device_id: text("m"),
        display_name: text("n"),
        device_account_upn: text("o"),
        device_friendly_name: text("p"),
        userless_enrollment: UserlessEnrollment::Blocked,
    };
    let device = created(&bench, CONTOSO, properties.clone()).await;
    assert_eq!(device.properties, properties);
    assert_eq!((device.tenant, device.registered_at), (CONTOSO, at(60)));
    assert_eq!(bench.device(CONTOSO, device.id).await, Some(device.clone()));
    assert_eq!(bench.device(FABRIKAM, device.id).await, None);
    let entries = bench.ledger(LedgerQuery::default()).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].owner, Some((CONTOSO, device.id)));
    // Its name is known as any other's.
    let theirs = bench.refusal(FABRIKAM, import_named("C", "D")).await;
    assert_eq!(theirs, DirectoryError::ZtdDeviceAssignedToOtherTenant);
}

async fn described_hardware_has_one_owner(bench: Workbench) {
    let first = created(&bench, CONTOSO, description(1)).await;
    let again = DeviceProperties {
        manufacturer: description(1).manufacturer.to_lowercase(),
        product_key: "another".to_owned(),
        ..description(1)
    };
    for (tenant, error) in [
        (CONTOSO, DirectoryError::ZtdDeviceAlreadyAssigned),
        (FABRIKAM, DirectoryError::ZtdDeviceAssignedToOtherTenant),
    ] {
        let refused = bench.create_device(tenant, again.clone()).await;
        assert_eq!(refused, DeviceCreation::Refused(error));
    }
    assert_eq!(bench.devices(FABRIKAM).await, []);

    bench.delete_device(CONTOSO, first.id, 70).await;
    let theirs = created(&bench, FABRIKAM, again).await;
    assert_eq!(theirs.ledger_entry, first.ledger_entry);
    assert_ne!(theirs.id, first.id);
    let other = DeviceProperties {
        model: "another model".to_owned(),
        ..description(1)
    };
    let other = created(&bench, CONTOSO, other).await;
    assert_ne!(other.ledger_entry, first.ledger_entry);
}

async fn a_description_of_known_hardware_means_it(bench: Workbench) {
    let captures = [Builder::new(1), Builder::new(2).without_tpm()];
    for (seed, capture) in (1..).zip(captures) {
        let known = bench.register(CONTOSO, import_of(&capture)).await;
        for (tenant, error) in [
            (CONTOSO, DirectoryError::ZtdDeviceAlreadyAssigned),
            (FABRIKAM, DirectoryError::ZtdDeviceAssignedToOtherTenant),
        ] {
            let refused = bench.create_device(tenant, description(seed)).await;
            assert_eq!(refused, DeviceCreation::Refused(error), "{seed}");
        }
        bench.delete_device(CONTOSO, known.id, 70).await;
        let theirs = created(&bench, FABRIKAM, description(seed)).await;
        assert_eq!(theirs.ledger_entry, known.ledger_entry);
        // All that was known of the hardware still is, its product key too.
        let report = capture.report();
        let key = report.product_key_id().unwrap();
        let named = import_named(report.serial_number().unwrap(), key);
        for import in [import_of(&capture.recaptured(1)), named] {
            let ours = bench.refusal(CONTOSO, import).await;
            assert_eq!(ours, DirectoryError::ZtdDeviceAssignedToOtherTenant);
        }
    }
}

async fn a_capture_of_described_hardware_is_that_hardware(bench: Workbench) {
    let captures = [
        Builder::new(1),
        Builder::new(2).without_tpm(),
        Builder::new(3).uuid([0xFF; 16]).without_tpm(),
    ];
    for (seed, capture) in (1..).zip(captures) {
        let known = created(&bench, CONTOSO, description(seed)).await;
        let theirs = bench.refusal(FABRIKAM, import_of(&capture)).await;
        assert_eq!(theirs, DirectoryError::ZtdDeviceAssignedToOtherTenant);
        let ours = bench.refusal(CONTOSO, import_of(&capture)).await;
        assert_eq!(ours, DirectoryError::ZtdDeviceAlreadyAssigned);
        bench.delete_device(CONTOSO, known.id, 70).await;
        let theirs = bench.register(FABRIKAM, import_of(&capture)).await;
        assert_eq!(theirs.ledger_entry, known.ledger_entry, "{seed}");
    }
    // What a capture is known of is no longer a description alone: another key is other hardware.
    let replaced = import_of(&Builder::new(1).ek_seed(9));
    let other = bench.import_one(CONTOSO, replaced).await;
    assert!(matches!(other, Settled::Registered(_)), "{other:?}");
}

async fn a_description_of_several_devices_is_not_unique(bench: Workbench) {
    for capture in [Builder::new(1), Builder::new(1).ek_seed(9)] {
        let device = bench.register(CONTOSO, import_of(&capture)).await;
        bench.delete_device(CONTOSO, device.id, 70).await;
    }
    for tenant in [CONTOSO, FABRIKAM] {
        let refused = bench.create_device(tenant, description(1)).await;
        let error = DirectoryError::ZtdDeviceIsNotUnique;
        assert_eq!(refused, DeviceCreation::Refused(error));
    }
    assert_eq!(bench.ledger(LedgerQuery::default()).await.len(), 2);
}

async fn a_creation_that_is_tried_again_succeeds_once(bench: Workbench) {
    let new = NewDevice {
        id: DeviceId(Uuid::from_u128(1)),
        entry: LedgerEntryId(Uuid::from_u128(2)),
        call: CallId(Uuid::from_u128(3)),
        subject: describe(description(1)).unwrap(),
        actor: actor(),
        now: at(60),
    };
    let first = bench.store.create_device(CONTOSO, new.clone()).await;
    let again = bench.store.create_device(CONTOSO, new).await;
    assert!(matches!(first, Ok(DeviceCreation::Registered(_))));
    assert_eq!(first, again);
    assert_eq!(bench.devices(CONTOSO).await.len(), 1);
}

async fn a_device_takes_every_change(bench: Workbench) {
    let text = |text: &str| Some(text.to_owned());
    let mut expected = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let neighbour = bench.register(CONTOSO, import_of(&Builder::new(2))).await;
    let known = expected.properties.clone();
    let whole = DeviceChange {
        group_tag: text("a"),
        purchase_order_identifier: text("b"),
        serial_number: Some(known.serial_number),
        product_key: Some(known.product_key),
        manufacturer: Some(known.manufacturer),
        model: Some(known.model),
        sku_number: Some(known.sku_number),
        system_family: Some(known.system_family),
        addressable_user_name: text("c"),
        user_principal_name: text("d"),
        resource_name: text("e"),
        directory_device_id: text("f"),
        managed_device_id: text("g"),
        display_name: text("h"),
        device_account_upn: text("i"),
        device_friendly_name: text("j"),
        userless_enrollment: Some(UserlessEnrollment::Allowed),
    };
    let changes = [
        (whole, DeviceAct::Change),
        (DeviceChange::default(), DeviceAct::UpdateProperties),
        (
            DeviceChange {
                group_tag: text(""),
                ..DeviceChange::default()
            },
            DeviceAct::AssignUser,
        ),
    ];
    for (change, act) in changes {
        let before = expected.revision();
        expected.apply(change.clone(), at(65)).unwrap();
        let updated = bench
            .update_device(CONTOSO, expected.id, change.clone(), act)
            .await;
        assert_eq!(updated, DeviceUpdated::Done(Box::new(expected.clone())));
        assert_ne!(expected.revision(), before);
        let stored = bench.device(CONTOSO, expected.id).await;
        assert_eq!(stored, Some(expected.clone()));
        for (tenant, id) in [(FABRIKAM, expected.id), (CONTOSO, DeviceId(Uuid::nil()))] {
            let updated = bench.update_device(tenant, id, change.clone(), act).await;
            assert_eq!(updated, DeviceUpdated::Absent);
        }
    }
    assert_eq!(bench.device(CONTOSO, neighbour.id).await, Some(neighbour));
}

async fn what_tells_the_hardware_never_changes(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let other = || Some("other".to_owned());
    let change = DeviceChange {
        group_tag: other(),
        model: other(),
        ..DeviceChange::default()
    };
    let updated = bench
        .update_device(CONTOSO, device.id, change, DeviceAct::Change)
        .await;
    let DeviceUpdated::Fixed(fixed) = updated else {
        panic!("{updated:?}");
    };
    assert_eq!(fixed.property, "model");
    assert_eq!(bench.devices(CONTOSO).await, [device]);
}

async fn devices_are_deleted_by_their_serial_numbers(bench: Workbench) {
    let mut devices = Vec::new();
    for seed in 1..=3 {
        devices.push(
            bench
                .register(CONTOSO, import_of(&Builder::new(seed)))
                .await,
        );
    }
    let theirs = bench.register(FABRIKAM, import_of(&Builder::new(4))).await;
    let serial = |device: &Device| device.properties.serial_number.clone();
    let [one, two, three] = [&devices[0], &devices[1], &devices[2]].map(serial);
    let deleted = |index: usize| SerialDeletion::Deleted(devices[index].id);
    let absent = SerialDeletion::Absent;

    assert_eq!(bench.delete_devices(CONTOSO, &[]).await, []);
    let lower = two.to_lowercase();
    let named = [&*one, "nobody's", &*three, &*one, "", " ", &serial(&theirs)];
    assert_eq!(
        bench.delete_devices(CONTOSO, &named).await,
        [
            deleted(0),
            absent,
            deleted(2),
            deleted(0),
            absent,
            absent,
            absent
        ]
    );
    assert_eq!(
        bench.delete_devices(CONTOSO, &[&lower, &one]).await,
        [absent, absent],
        "a serial number is compared as it is, and what is gone is gone"
    );
    assert_eq!(bench.devices(CONTOSO).await, [devices[1].clone()]);
    assert_eq!(bench.devices(FABRIKAM).await, [theirs]);
    // Whatever deletes them, they are remembered and their hardware is free.
    let again = bench.delete_device(CONTOSO, devices[0].id, 80).await;
    assert_eq!(again, DeviceDeletion::DeletedBefore(at(70)));
    bench.register(FABRIKAM, import_of(&Builder::new(1))).await;
}

async fn a_serial_number_that_devices_share_deletes_none(bench: Workbench) {
    let shared = |seed| import_of(&Builder::new(seed).serial_number("Default string"));
    bench.register(CONTOSO, shared(1)).await;
    let other = bench.register(FABRIKAM, shared(3)).await;
    let own = bench.register(CONTOSO, shared(2)).await;
    let ours = bench.delete_devices(CONTOSO, &["Default string"]).await;
    assert_eq!(ours, [SerialDeletion::NotUnique]);
    assert_eq!(bench.devices(CONTOSO).await.len(), 2);
    // Others' devices do not count.
    let theirs = bench.delete_devices(FABRIKAM, &["Default string"]).await;
    assert_eq!(theirs, [SerialDeletion::Deleted(other.id)]);
    bench.delete_device(CONTOSO, own.id, 75).await;
    let left = bench.delete_devices(CONTOSO, &["Default string"]).await;
    assert!(matches!(left[..], [SerialDeletion::Deleted(_)]));
}
