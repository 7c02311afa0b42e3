//! Which captures are of the same hardware, through the ledger.

use std::collections::BTreeSet;

use hardware_hash::Builder;

use crate::{
    domain::{directory_error::DirectoryError, import::ImportProperties, tenant::TenantId},
    store::operation::{LedgerQuery, Settled},
    testing::{CONTOSO, FABRIKAM, import_of, workbench::Workbench},
};

super::cases![
    captures_of_one_device_are_one_device,
    captures_of_two_devices_are_two,
    two_devices_that_match_are_not_unique,
    released_hardware_is_known_again,
    hardware_gains_an_endorsement_key,
    a_capture_adds_what_it_saw,
    clones_with_keys_of_their_own_are_devices,
    too_many_clones_without_keys_are_not_unique,
    clones_that_gained_keys_crowd_nobody,
];

const SHARED: [u8; 16] = *b"hangar test uuid";

/// Registers the first capture and says whether the second is taken for the same hardware.
async fn is_same(bench: &Workbench, first: &Builder, second: &Builder) -> bool {
    let known = bench.register(CONTOSO, import_of(first)).await;
    let settled = bench.import_one(FABRIKAM, import_of(second)).await;
    let same = match settled {
        Settled::Refused(DirectoryError::ZtdDeviceAssignedToOtherTenant) => true,
        Settled::Registered(id) => {
            let device = bench.device(FABRIKAM, id).await.unwrap();
            assert_ne!(device.ledger_entry, known.ledger_entry);
            false
        }
        settled => panic!("{settled:?}"),
    };
    let again = bench.refusal(CONTOSO, import_of(first)).await;
    assert_eq!(again, DirectoryError::ZtdDeviceAlreadyAssigned);
    same
}

/// A device without a TPM whose adapters have addresses that identify.
fn keyless(seed: u64) -> Builder {
    Builder::new(seed)
        .without_tpm()
        .globally_administered_macs()
}

async fn captures_of_one_device_are_one_device(bench: Workbench) {
    let full = Builder::new;
    let uuid = [9; 16].map(|byte: u8| byte ^ 0x5A);
    let cases = [
        ("the same bytes", full(1), full(1)),
        ("later, with another disk", full(2), full(2).recaptured(3)),
        ("Windows PE", full(3), full(3).winpe()),
        ("after Windows PE", full(4).winpe().recaptured(1), full(4)),
        (
            "an old tool",
            full(5),
            full(5).tool_version(3).total_size(0),
        ),
        ("nothing but the key", full(6), full(60).ek_seed(6)),
        ("the key's digest alone", full(7), full(7).omit(25)),
        ("never a TPM", keyless(8), keyless(8).recaptured(1)),
        ("never a TPM, Windows PE", keyless(9), keyless(9).winpe()),
        (
            "a TPM that one capture missed",
            full(10),
            full(10).without_tpm(),
        ),
        (
            "a TPM that the first missed",
            full(11).without_tpm(),
            full(11),
        ),
        (
            "another UUID, yet addresses, disk and product key",
            keyless(12),
            keyless(12).uuid(uuid),
        ),
        (
            "another serial number, yet addresses and product key",
            keyless(13),
            keyless(13).serial_number("new").recaptured(1),
        ),
        (
            "letter case and blanks",
            keyless(14).serial_number("ab-1"),
            keyless(14).serial_number(" AB-1 ").recaptured(1),
        ),
    ];
    for (name, first, second) in cases {
        assert!(is_same(&bench, &first, &second).await, "{name}");
    }
}

async fn captures_of_two_devices_are_two(bench: Workbench) {
    let full = Builder::new;
    let local = |seed| full(seed).without_tpm();
    let uuid = |byte: u8| {
        *b"another  uuid!! "
            .map(|one: u8| one ^ byte)
            .first_chunk()
            .unwrap()
    };
    let cases = [
        ("nothing in common", full(1), full(2)),
        ("a TPM or board replaced", full(3), full(3).ek_seed(33)),
        (
            "a serial number shared",
            full(4),
            full(44).serial_number("HT0000000000000004"),
        ),
        (
            "a UUID shared",
            full(5),
            full(55).uuid(full(5).report().smbios_uuid.unwrap()),
        ),
        (
            "without a TPM, a tuple alone",
            local(6),
            local(66).serial_number("HT0000000000000006"),
        ),
        (
            "without a TPM, a tuple and one support",
            local(7),
            local(7).uuid(uuid(7)).recaptured(1),
        ),
        (
            "without a TPM, placeholders",
            local(8).uuid([0xFF; 16]).serial_number("Default string"),
            local(88).uuid([0xFF; 16]).serial_number("Default string"),
        ),
        (
            "supports alone",
            keyless(9),
            keyless(9).uuid(uuid(9)).serial_number("else"),
        ),
    ];
    for (name, first, second) in cases {
        assert!(!is_same(&bench, &first, &second).await, "{name}");
    }
}

async fn two_devices_that_match_are_not_unique(bench: Workbench) {
    let one = Builder::new(1);
    bench.register(CONTOSO, import_of(&one)).await;
    let replaced = one.clone().ek_seed(2);
    bench.register(FABRIKAM, import_of(&replaced)).await;
    // Without the key nobody can say which of the two it is, also not their owners.
    for tenant in [CONTOSO, FABRIKAM] {
        let missed = one.clone().without_tpm();
        let refusal = bench.refusal(tenant, import_of(&missed)).await;
        assert_eq!(refusal, DirectoryError::ZtdDeviceIsNotUnique);
        let other = if tenant == CONTOSO { &replaced } else { &one };
        let refusal = bench.refusal(tenant, import_of(other)).await;
        assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    }
}

/// Lets go of the only device that a tenant has.
async fn let_go(bench: &Workbench, tenant: TenantId) {
    let devices = bench.devices(tenant).await;
    assert_eq!(devices.len(), 1);
    bench.delete_device(tenant, devices[0].id, 70).await;
}

async fn released_hardware_is_known_again(bench: Workbench) {
    let captures = [
        (CONTOSO, Builder::new(1)),
        (FABRIKAM, Builder::new(1).recaptured(1)),
        (CONTOSO, Builder::new(1).winpe()),
        (CONTOSO, Builder::new(1).without_tpm()),
    ];
    let mut entries = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (tenant, capture) in captures {
        let device = bench.register(tenant, import_of(&capture)).await;
        entries.insert(device.ledger_entry);
        ids.insert(device.id);
        let_go(&bench, tenant).await;
    }
    assert_eq!(entries.len(), 1, "the same hardware all the time");
    assert_eq!(ids.len(), 4, "but a new device each time");
    assert_eq!(bench.ledger(LedgerQuery::default()).await.len(), 1);
}

async fn hardware_gains_an_endorsement_key(bench: Workbench) {
    let keyless = Builder::new(1).without_tpm();
    let first = bench.register(CONTOSO, import_of(&keyless)).await;
    let_go(&bench, CONTOSO).await;
    let keyed = bench.register(FABRIKAM, import_of(&Builder::new(1))).await;
    assert_eq!(keyed.ledger_entry, first.ledger_entry);
    let_go(&bench, FABRIKAM).await;

    // From now on the key alone says which hardware it is.
    let only_the_key = Builder::new(2).ek_seed(1);
    let found = bench.register(CONTOSO, import_of(&only_the_key)).await;
    assert_eq!(found.ledger_entry, first.ledger_entry);
    let all_but_the_key = Builder::new(1).ek_seed(3);
    let other = bench.register(FABRIKAM, import_of(&all_but_the_key)).await;
    assert_ne!(other.ledger_entry, first.ledger_entry);
    // The very upload that was registered before the key was known still means the same.
    let replay = bench.refusal(FABRIKAM, import_of(&keyless)).await;
    assert_eq!(replay, DirectoryError::ZtdDeviceAssignedToOtherTenant);
}

async fn a_capture_adds_what_it_saw(bench: Workbench) {
    bench.register(CONTOSO, import_of(&keyless(1))).await;
    let_go(&bench, CONTOSO).await;
    let later = keyless(1).recaptured(1).winpe();
    bench.register(CONTOSO, import_of(&later)).await;
    // The new disk was learned with that registration: the UUID, it and the product key agree.
    let changed = Builder::new(1)
        .without_tpm()
        .recaptured(1)
        .serial_number("other");
    let refusal = bench.refusal(FABRIKAM, import_of(&changed)).await;
    assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
}

/// Cloned machines share a UUID by the thousand; each with a TPM of its own is a device of its
/// own, and settling one must not read them all.
async fn clones_with_keys_of_their_own_are_devices(bench: Workbench) {
    let clone = |seed| import_of(&Builder::new(seed).uuid(SHARED).total_size(0));
    for chunk in 0..4 {
        let rows = (1..=50).map(|seed| clone(chunk * 50 + seed)).collect();
        bench.accept_all(CONTOSO, rows).await;
    }
    let settled = bench.settle_all().await;
    assert_eq!(settled.len(), 200);
    let registered = |one: &Settled| matches!(one, Settled::Registered(_));
    assert!(settled.iter().all(registered), "{settled:?}");
    for seed in [1, 100, 200] {
        let refusal = bench.refusal(FABRIKAM, clone(seed)).await;
        assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    }
    let another = bench.register(FABRIKAM, clone(201)).await;
    assert_eq!(bench.devices(FABRIKAM).await, [another]);
}

async fn too_many_clones_without_keys_are_not_unique(bench: Workbench) {
    let keyless = |seed| import_of(&Builder::new(seed).uuid(SHARED).without_tpm());
    bench
        .accept_all(CONTOSO, (1..=80).map(keyless).collect())
        .await;
    let settled = bench.settle_all().await;
    let crowded = Settled::Refused(DirectoryError::ZtdDeviceIsNotUnique);
    let first = settled.iter().position(|one| *one == crowded).unwrap();
    assert!((64..80).contains(&first), "as long as they can be read");
    let refused = settled[first..].iter();
    assert_eq!(refused.filter(|one| **one == crowded).count(), 80 - first);

    // What is certain stays certain in the crowd: the same upload, and a known key.
    let replay = bench.refusal(FABRIKAM, keyless(3)).await;
    assert_eq!(replay, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    let keyed = Builder::new(500);
    bench.register(FABRIKAM, import_of(&keyed)).await;
    let moved = keyed.uuid(SHARED);
    let refusal = bench.refusal(CONTOSO, import_of(&moved)).await;
    assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
}

async fn clones_that_gained_keys_crowd_nobody(bench: Workbench) {
    let keyed = |seed| Builder::new(seed).uuid(SHARED).total_size(0);
    let keyless = |seed| import_of(&keyed(seed).without_tpm());
    let all = |seeds: std::ops::Range<u64>, of: &dyn Fn(u64) -> ImportProperties| {
        let rows: Vec<_> = seeds.map(of).collect();
        let count = rows.len();
        let bench = bench.clone();
        async move {
            bench.accept_all(CONTOSO, rows).await;
            let settled = bench.settle_all().await;
            let registered = |one: &&Settled| matches!(one, Settled::Registered(_));
            assert_eq!(settled.iter().filter(registered).count(), count);
        }
    };
    all(0..40, &keyless).await;
    for device in bench.devices(CONTOSO).await {
        bench.delete_device(CONTOSO, device.id, 70).await;
    }
    let known = bench.ledger(LedgerQuery::default()).await.len();
    all(0..40, &|seed| import_of(&keyed(seed))).await;
    assert_eq!(bench.ledger(LedgerQuery::default()).await.len(), known);
    all(40..65, &keyless).await;
    // Of sixty-five that share the UUID, forty can't be the newcomer: they have other keys.
    bench.register(FABRIKAM, import_of(&keyed(100))).await;
}
