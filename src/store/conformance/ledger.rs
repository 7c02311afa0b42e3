//! The ledger as administrators see it, and what is remembered of deleted devices.

use hardware_hash::Builder;
use uuid::Uuid;

use crate::{
    domain::{
        device::DeviceId,
        directory_error::DirectoryError,
        identity::{FingerprintKind, LedgerEntryId},
    },
    store::operation::{DeviceDeletion, LedgerQuery},
    testing::{
        CONTOSO, FABRIKAM, import_of,
        workbench::{Workbench, at},
    },
};

super::cases![
    entries_are_found_by_what_is_asked,
    a_released_entry_is_free_and_its_device_gone,
    only_owned_entries_are_released,
    a_deleted_device_is_remembered_for_a_month,
    deleting_a_device_frees_its_hardware,
];

const DAY_SECONDS: i64 = 86_400;

async fn entries_are_found_by_what_is_asked(bench: Workbench) {
    let shared = |seed| import_of(&Builder::new(seed).serial_number("AB-c 1"));
    let ours = bench.register(CONTOSO, shared(1)).await;
    let theirs = bench.register(FABRIKAM, shared(2)).await;
    let free = bench.register(FABRIKAM, import_of(&Builder::new(3))).await;
    bench.delete_device(FABRIKAM, free.id, 70).await;

    let query = |entry, serial: Option<&str>, owner| LedgerQuery {
        entry,
        serial_number: serial.map(str::to_owned),
        owner,
        after: None,
    };
    let mut all = [ours.ledger_entry, theirs.ledger_entry, free.ledger_entry];
    all.sort_unstable();
    let entry = |device: &crate::domain::device::Device| device.ledger_entry;
    let mut both = vec![entry(&ours), entry(&theirs)];
    both.sort_unstable();
    let cases = [
        (query(None, None, None), all.to_vec()),
        (query(None, Some(" ab-C 1"), None), both),
        (query(None, Some("AB-C"), None), vec![]),
        (query(None, None, Some(CONTOSO)), vec![entry(&ours)]),
        (query(None, None, Some(FABRIKAM)), vec![entry(&theirs)]),
        (query(Some(entry(&free)), None, None), vec![entry(&free)]),
        (query(Some(entry(&ours)), None, Some(FABRIKAM)), vec![]),
        (
            query(Some(entry(&ours)), Some("ab-c 1"), Some(CONTOSO)),
            vec![entry(&ours)],
        ),
        (query(Some(LedgerEntryId(Uuid::nil())), None, None), vec![]),
    ];
    for (query, expected) in cases {
        let found = bench.ledger(query.clone()).await;
        let found: Vec<_> = found.iter().map(|entry| entry.id).collect();
        assert_eq!(found, expected, "{query:?}");
    }

    let rest = LedgerQuery {
        after: Some(all[0]),
        ..LedgerQuery::default()
    };
    let rest = bench.ledger(rest).await;
    let rest: Vec<_> = rest.iter().map(|entry| entry.id).collect();
    assert_eq!(rest, all[1..]);

    let found = bench.ledger(query(Some(entry(&ours)), None, None)).await;
    assert_eq!(found[0].owner, Some((CONTOSO, ours.id)));
    assert_eq!(found[0].serial_number, "AB-c 1");
    assert_eq!(found[0].product_key, ours.properties.product_key);
    let kinds: Vec<_> = found[0].fingerprints.iter().map(|one| one.kind).collect();
    let expected = [
        FingerprintKind::Ek,
        FingerprintKind::Uuid,
        FingerprintKind::Tuple,
        FingerprintKind::Disk,
        FingerprintKind::ProductKey,
    ];
    assert_eq!(kinds, expected);
    let found = bench.ledger(query(Some(entry(&free)), None, None)).await;
    assert_eq!(found[0].owner, None);
}

async fn a_released_entry_is_free_and_its_device_gone(bench: Workbench) {
    let properties = import_of(&Builder::new(1));
    let device = bench.register(CONTOSO, properties.clone()).await;
    assert!(bench.release(device.ledger_entry).await);
    assert_eq!(bench.device(CONTOSO, device.id).await, None);
    assert_eq!(bench.devices(CONTOSO).await, []);
    let deletion = bench.delete_device(CONTOSO, device.id, 100).await;
    assert_eq!(deletion, DeviceDeletion::DeletedBefore(at(90)));
    assert!(!bench.release(device.ledger_entry).await, "nobody owns it");

    let theirs = bench.register(FABRIKAM, properties).await;
    assert_eq!(theirs.ledger_entry, device.ledger_entry);
}

async fn only_owned_entries_are_released(bench: Workbench) {
    let ours = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let other = bench.register(CONTOSO, import_of(&Builder::new(2))).await;
    assert!(!bench.release(LedgerEntryId(Uuid::from_u128(1))).await);
    assert!(bench.release(ours.ledger_entry).await);
    assert_eq!(bench.devices(CONTOSO).await, [other]);
}

async fn a_deleted_device_is_remembered_for_a_month(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let later = bench.register(CONTOSO, import_of(&Builder::new(2))).await;
    let delete = |id, second| bench.delete_device(CONTOSO, id, second);
    assert_eq!(delete(device.id, 0).await, DeviceDeletion::Deleted);
    let before = DeviceDeletion::DeletedBefore(at(0));
    assert_eq!(delete(device.id, 1).await, before);
    let theirs = bench.delete_device(FABRIKAM, device.id, 1).await;
    assert_eq!(theirs, DeviceDeletion::Absent, "nothing for others to see");
    assert_eq!(delete(later.id, DAY_SECONDS).await, DeviceDeletion::Deleted);

    assert_eq!(delete(device.id, 30 * DAY_SECONDS - 1).await, before);
    let month = 30 * DAY_SECONDS + 1;
    assert_eq!(delete(device.id, month).await, DeviceDeletion::Absent);
    let still = DeviceDeletion::DeletedBefore(at(DAY_SECONDS));
    assert_eq!(delete(later.id, month).await, still);
    let never = DeviceId(Uuid::from_u128(1));
    assert_eq!(delete(never, month).await, DeviceDeletion::Absent);
}

async fn deleting_a_device_frees_its_hardware(bench: Workbench) {
    let properties = import_of(&Builder::new(1));
    let ours = bench.register(CONTOSO, properties.clone()).await;
    let refusal = bench.refusal(FABRIKAM, properties.clone()).await;
    assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    bench.delete_device(CONTOSO, ours.id, 70).await;
    let theirs = bench.register(FABRIKAM, properties.clone()).await;
    assert_eq!(theirs.ledger_entry, ours.ledger_entry);
    let refusal = bench.refusal(CONTOSO, properties).await;
    assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    let again = bench.delete_device(CONTOSO, ours.id, 80).await;
    assert_eq!(again, DeviceDeletion::DeletedBefore(at(70)));
    assert_eq!(bench.devices(FABRIKAM).await, [theirs]);
}
