//! A database with something in every table and every column, made by a store's own operations.

use std::{sync::Arc, time::Duration};

use hardware_hash::Builder;
use uuid::Uuid;

use super::some_texts;
use crate::{
    domain::{
        assignment::{GroupId, Target},
        device::{DeviceChange, DeviceProperties},
        hardware_blob::HardwareBlob,
        import::{CallId, ImportChange, ImportId, ImportProperties},
        profile::{Profile, ProfileId, ProfileKind},
        profile_change::{ProfileChange, StatusScreenChange},
        settings::{SyncRules, SyncStart},
        tenant::TenantId,
        upload::UploadId,
    },
    store::{
        Store,
        operation::{
            AuditSlice, DeviceAct, DeviceCreation, Failure, LedgerQuery, NewImport, NewImports,
            NewUpload, Settled,
        },
        profiles::{AssignmentChange, AssignmentOutcome, DeviceAssignment},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_named, import_of,
        workbench::{WHOLE, Workbench, at, whole},
    },
};

const UPLOAD: UploadId = UploadId(Uuid::from_u128(77));

/// Fills an empty store.
pub(super) async fn furnish(store: &Arc<dyn Store>) {
    let bench = Workbench::new(Arc::clone(store));
    imports_and_devices(&bench).await;
    hardware_that_changed_hands(&bench).await;
    profiles(&bench).await;
    upload(&bench).await;
    what_waits(&bench).await;
}

async fn imports_and_devices(bench: &Workbench) {
    let mut texts = some_texts();
    let mut next = || texts.next().unwrap();
    let mut rows = Vec::new();
    for seed in 1..=24 {
        let mut properties = import_of(&Builder::new(seed));
        properties.serial_number = Some(next());
        properties.group_tag = Some(next());
        properties.import_id = (seed % 3 == 0).then(&mut next);
        properties.assigned_user_principal_name = Some(next());
        rows.push(properties);
    }
    // Clones, which share all but the endorsement key; a device twice; one that can't be decided.
    rows.push(import_of(&Builder::new(1).ek_seed(1099)));
    rows.push(import_of(&Builder::new(2)));
    rows.push(import_of(&Builder::new(30).omit(14)));
    rows.push(import_named("nobody's", "0000000000000"));
    bench.accept_all(CONTOSO, rows).await;
    let settled = bench.settle_all().await;
    assert!(settled.iter().any(|one| matches!(one, Settled::Refused(_))));
    let described = DeviceProperties {
        manufacturer: "Ünïcode \u{10348} & Co".to_owned(),
        model: "tab\tquote\"line\nend\\".to_owned(),
        serial_number: "S-\u{e9}-1 \u{a0}x".to_owned(),
        product_key: "3300000000000".to_owned(),
        ..DeviceProperties::default()
    };
    let created = bench.create_device(FABRIKAM, described).await;
    assert!(
        matches!(created, DeviceCreation::Registered(_)),
        "{created:?}"
    );
    for device in bench.devices(CONTOSO).await.iter().step_by(2) {
        let change = DeviceChange {
            group_tag: Some(next()),
            purchase_order_identifier: Some(next()),
            display_name: Some(next()),
            user_principal_name: Some(next()),
            addressable_user_name: Some(next()),
            directory_device_id: Some(device.id.0.to_string()),
            ..DeviceChange::default()
        };
        bench
            .update_device(CONTOSO, device.id, change, DeviceAct::Change)
            .await;
    }
}

async fn hardware_that_changed_hands(bench: &Workbench) {
    let deleted = bench.register(CONTOSO, import_of(&Builder::new(40))).await;
    bench.delete_device(CONTOSO, deleted.id, 70).await;
    let again = bench
        .register(FABRIKAM, import_of(&Builder::new(40).ek_seed(1007)))
        .await;
    let released = bench.register(FABRIKAM, import_of(&Builder::new(41))).await;
    assert!(bench.release(released.ledger_entry).await);
    let id = bench.accept(CONTOSO, import_of(&Builder::new(42))).await;
    assert!(bench.delete(CONTOSO, id).await, "withdrawn");
    let _ = again;
}

async fn profiles(bench: &Workbench) {
    let store = &bench.store;
    for (number, kind) in [(1, ProfileKind::AzureAd), (2, ProfileKind::ActiveDirectory)] {
        let mut said = ProfileChange {
            display_name: Some(format!("profile {number} \u{1F6E9}")),
            description: Some("two\nlines".to_owned()),
            role_scope_tags: Some(vec!["0".to_owned(), "ä".to_owned()]),
            management_service_app_id: Some((number == 2).then(|| "app".to_owned())),
            ..ProfileChange::default()
        };
        if number == 2 {
            said.status_screen = StatusScreenChange {
                timeout_minutes: Some(60),
                block_retry: Some(true),
                error_message: Some(Some("call us".to_owned())),
                ..StatusScreenChange::default()
            };
            said.skip_connectivity_check = Some(true);
        }
        let id = ProfileId(Uuid::from_u128(number));
        let profile = Profile::new((CONTOSO, id, kind), said, at(5)).unwrap();
        assert_eq!(
            store.create_profile(CONTOSO, profile, actor()).await,
            Ok(true)
        );
    }
    let (one, two) = (ProfileId(Uuid::from_u128(1)), ProfileId(Uuid::from_u128(2)));
    let group = GroupId(Uuid::from_u128(0x5a1e5));
    for (profile, target) in [
        (one, Target::AllDevices),
        (one, Target::Excluded(group)),
        (two, Target::Group(group)),
    ] {
        let change = AssignmentChange {
            profile,
            old: None,
            new: Some(target),
        };
        let changed = store.change_assignment(CONTOSO, change, actor(), at(100));
        assert_eq!(changed.await, Ok(AssignmentOutcome::Done));
    }
    let devices = bench.devices(CONTOSO).await;
    let some = devices.iter().take(3).map(|device| device.id).collect();
    let assigned = store.assign_devices(CONTOSO, two, some, actor(), at(110));
    assert_eq!(assigned.await, Ok(DeviceAssignment::Done));
    for second in [200, 100_000] {
        let started = store.start_sync(CONTOSO, SyncRules::default(), actor(), at(second));
        assert_eq!(started.await, Ok(SyncStart::Started));
    }
    let started = store.start_sync(FABRIKAM, SyncRules::default(), actor(), at(7));
    assert_eq!(started.await, Ok(SyncStart::Started));
}

async fn upload(bench: &Workbench) {
    let rows = [
        import_named("in an upload", "1"),
        ImportProperties::default(),
    ];
    let rows = rows.map(|properties| NewImport {
        id: ImportId(Uuid::new_v4()),
        properties,
    });
    let new = NewUpload {
        id: UPLOAD,
        imports: NewImports {
            call: CallId(Uuid::new_v4()),
            actor: actor(),
            accepted_at: at(7),
            rows: rows.into(),
        },
    };
    bench.store.create_upload(CONTOSO, new).await.unwrap();
    bench.settle_all().await;
}

/// Imports that wait: one untouched, one changed, one that failed, one that is claimed.
async fn what_waits(bench: &Workbench) {
    let failing = bench.accept(CONTOSO, import_of(&Builder::new(50))).await;
    let claims = bench.claim(1).await;
    assert_eq!(claims.len(), 1);
    for claim in claims {
        let failure = Failure {
            reason: "a test".to_owned(),
            attempts_allowed: 5,
            back_off: Duration::ZERO,
        };
        let failed = bench.store.fail(claim.key, failure, at(61)).await;
        failed.unwrap();
    }
    let _ = failing;
    bench.accept(CONTOSO, import_of(&Builder::new(51))).await;
    let changed = bench.accept(FABRIKAM, import_of(&Builder::new(52))).await;
    let change = ImportChange {
        group_tag: Some(Some("changed".to_owned())),
        ..ImportChange::default()
    };
    bench.update(FABRIKAM, changed, change).await;
}

/// What the store says of one tenant, list by list.
pub(super) async fn answers(store: &Arc<dyn Store>, tenant: TenantId) -> Vec<String> {
    let bench = Workbench::new(Arc::clone(store));
    let lines = AuditSlice {
        after: 0,
        limit: 10_000,
    };
    let owned = LedgerQuery {
        owner: Some(tenant),
        ..LedgerQuery::default()
    };
    let profiles = store.list_profiles(tenant, WHOLE).await.unwrap().rows;
    let ids: Vec<_> = profiles.iter().map(|profile| profile.id).collect();
    let mut said = vec![
        format!("{profiles:?}"),
        format!("{:?}", store.list_assignments(tenant, ids).await),
        format!("{:?}", store.sync_state(tenant).await),
        format!("{:?}", store.list_uploads(tenant, whole()).await),
        format!(
            "{:?}",
            store.list_upload_imports(tenant, UPLOAD, whole()).await
        ),
        format!("{:?}", store.list_audit(tenant, lines).await),
        format!("{:?}", bench.ledger(owned).await),
    ];
    let imports = bench.imports(tenant).await;
    for import in &imports {
        let hash = &import.properties.hardware_blob;
        let hash = hash.as_ref().map(HardwareBlob::to_bytes);
        said.push(format!("{import:?} {hash:?}"));
    }
    let devices = bench.devices(tenant).await;
    said.extend(devices.iter().map(|device| format!("{device:?}")));
    said
}

/// Works on after a move.
pub(super) async fn go_on(store: &Arc<dyn Store>) {
    let bench = Workbench::new(Arc::clone(store));
    // A device that another tenant has is known by its keys.
    let before = bench.accept(FABRIKAM, import_of(&Builder::new(3))).await;
    let settled = bench.settle_all().await;
    assert!(
        settled.len() >= 3,
        "what waited is decided too: {settled:?}"
    );
    let state = bench.state(FABRIKAM, before).await;
    assert!(
        format!("{state:?}").contains("AssignedToOtherTenant"),
        "{state:?}"
    );
    bench.register(CONTOSO, import_of(&Builder::new(60))).await;
    let lines = AuditSlice {
        after: 0,
        limit: 10_000,
    };
    let audit = store.list_audit(CONTOSO, lines).await.unwrap().rows;
    let last = audit.last().unwrap();
    assert_eq!(last.action, "import-registered", "it comes last");
}

/// Settles until keys that were gathered are in their tables.
pub(super) async fn settle_until_keys_moved(store: &Arc<dyn Store>) {
    let bench = Workbench::new(Arc::clone(store));
    for seed in 100..140 {
        bench
            .accept(FABRIKAM, import_named(&format!("none {seed}"), "1"))
            .await;
        bench.settle_all().await;
    }
}
