//! Writes that depend on the revision in which their caller saw a row.

use hardware_hash::Builder;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    domain::{
        device::DeviceChange,
        import::{CallId, ImportChange, ImportProperties},
        profile_change::ProfileChange,
        revision::{Precondition, Revision, Revisions},
        upload::UploadId,
    },
    store::{
        operation::{
            DeviceAct, DeviceDeletion, DeviceUpdated, DeviceWrite, ImportDeletion, NewImport,
            NewImports, NewUpload, Updated, UploadDeletion,
        },
        profiles::{ProfileDeletion, ProfileUpdate},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_named, import_of,
        workbench::{Workbench, at, import_id},
    },
};

super::cases![
    an_import_is_written_in_the_revision_that_is_demanded,
    settling_makes_another_revision,
    an_import_made_anew_has_another_revision,
    a_device_is_written_in_the_revision_that_is_demanded,
    of_two_writes_to_one_revision_one_wins,
    a_profile_is_written_in_the_revision_that_is_demanded,
    an_upload_is_deleted_in_the_revision_that_is_demanded,
];

fn only(revision: Revision) -> Precondition {
    Precondition {
        one_of: Some(Revisions::OneOf(vec![revision])),
        none_of: None,
    }
}

fn none_of(revisions: Revisions) -> Precondition {
    Precondition {
        one_of: None,
        none_of: Some(revisions),
    }
}

/// Conditions that an entity in this revision does not meet.
fn unmet(revision: Revision) -> [Precondition; 4] {
    let nobodys = Revision::from_bytes([7; 16]);
    [
        only(nobodys),
        Precondition {
            one_of: Some(Revisions::OneOf(Vec::new())),
            none_of: None,
        },
        none_of(Revisions::Any),
        none_of(Revisions::OneOf(vec![nobodys, revision])),
    ]
}

fn tagged(tag: &str) -> DeviceWrite {
    DeviceWrite {
        change: DeviceChange {
            group_tag: Some(tag.to_owned()),
            ..DeviceChange::default()
        },
        act: DeviceAct::Change,
        precondition: Precondition::default(),
        actor: actor(),
        now: at(65),
    }
}

async fn an_import_is_written_in_the_revision_that_is_demanded(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_named("S", "K")).await;
    let change = ImportChange {
        group_tag: Some(Some("T".to_owned())),
        ..ImportChange::default()
    };
    let update = |tenant, precondition| {
        bench
            .store
            .update_import(tenant, id, change.clone(), precondition, actor(), at(30))
    };
    let delete = |tenant, precondition| {
        bench
            .store
            .delete_import(tenant, id, precondition, actor(), at(30))
    };
    let import = bench.import(CONTOSO, id).await.unwrap();
    for precondition in unmet(import.revision()) {
        let updated = update(CONTOSO, precondition.clone()).await;
        assert_eq!(updated, Ok(Updated::ConditionNotMet));
        let deleted = delete(CONTOSO, precondition).await;
        assert_eq!(deleted, Ok(ImportDeletion::ConditionNotMet));
    }
    assert_eq!(bench.import(CONTOSO, id).await, Some(import.clone()));
    let met = only(import.revision());
    assert_eq!(update(FABRIKAM, met.clone()).await, Ok(Updated::Absent));
    let absent = delete(FABRIKAM, met.clone()).await;
    assert_eq!(absent, Ok(ImportDeletion::Absent));
    let Ok(Updated::Done(changed)) = update(CONTOSO, met.clone()).await else {
        panic!("not changed");
    };
    let stale = update(CONTOSO, met.clone()).await;
    assert_eq!(stale, Ok(Updated::ConditionNotMet));
    assert_eq!(
        delete(CONTOSO, met).await,
        Ok(ImportDeletion::ConditionNotMet)
    );
    let deleted = delete(CONTOSO, only(changed.revision())).await;
    assert_eq!(deleted, Ok(ImportDeletion::Deleted));
}

async fn settling_makes_another_revision(bench: Workbench) {
    let id = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let waiting = bench.import(CONTOSO, id).await.unwrap().revision();
    bench.settle_all().await;
    let settled = bench.import(CONTOSO, id).await.unwrap().revision();
    assert_ne!(waiting, settled);
    let delete = |revision| {
        bench
            .store
            .delete_import(CONTOSO, id, only(revision), actor(), at(70))
    };
    let deleted = delete(waiting).await;
    assert_eq!(deleted, Ok(ImportDeletion::ConditionNotMet));
    assert_eq!(delete(settled).await, Ok(ImportDeletion::Deleted));
}

async fn an_import_made_anew_has_another_revision(bench: Workbench) {
    let mut revisions = Vec::new();
    for _ in 0..2 {
        let rows = vec![(import_id(1), import_named("S", "K"))];
        bench.create(CONTOSO, rows, at(0)).await.unwrap();
        let import = bench.import(CONTOSO, import_id(1)).await.unwrap();
        revisions.push(import.revision());
        bench.delete(CONTOSO, import_id(1)).await;
    }
    assert_ne!(revisions[0], revisions[1]);
}

async fn a_device_is_written_in_the_revision_that_is_demanded(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let update = |tenant, precondition| {
        let write = DeviceWrite {
            precondition,
            ..tagged("T")
        };
        bench.store.update_device(tenant, device.id, write)
    };
    let delete = |tenant, precondition| {
        bench
            .store
            .delete_device(tenant, device.id, precondition, actor(), at(70))
    };
    for precondition in unmet(device.revision()) {
        let updated = update(CONTOSO, precondition.clone()).await;
        assert_eq!(updated, Ok(DeviceUpdated::ConditionNotMet));
        let deleted = delete(CONTOSO, precondition.clone()).await;
        assert_eq!(deleted, Ok(DeviceDeletion::ConditionNotMet));
        // What is not there is in no revision.
        let updated = update(FABRIKAM, precondition.clone()).await;
        assert_eq!(updated, Ok(DeviceUpdated::Absent));
        let deleted = delete(FABRIKAM, precondition).await;
        assert_eq!(deleted, Ok(DeviceDeletion::Absent));
    }
    assert_eq!(bench.device(CONTOSO, device.id).await, Some(device.clone()));
    let met = only(device.revision());
    let Ok(DeviceUpdated::Done(changed)) = update(CONTOSO, met.clone()).await else {
        panic!("not changed");
    };
    let stale = delete(CONTOSO, met).await;
    assert_eq!(stale, Ok(DeviceDeletion::ConditionNotMet));
    let deleted = delete(CONTOSO, only(changed.revision())).await;
    assert_eq!(deleted, Ok(DeviceDeletion::Deleted));
    let again = delete(CONTOSO, only(changed.revision())).await;
    assert_eq!(again, Ok(DeviceDeletion::DeletedBefore(at(70))));
}

async fn of_two_writes_to_one_revision_one_wins(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let mut writes = JoinSet::new();
    for number in 0..16 {
        let bench = bench.clone();
        let (id, precondition) = (device.id, only(device.revision()));
        writes.spawn(async move {
            let write = DeviceWrite {
                precondition,
                ..tagged(&number.to_string())
            };
            bench.store.update_device(CONTOSO, id, write).await.unwrap()
        });
    }
    let updated = writes.join_all().await;
    let winners: Vec<_> = updated
        .iter()
        .filter_map(|updated| match updated {
            DeviceUpdated::Done(device) => Some(device.as_ref().clone()),
            _ => None,
        })
        .collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(bench.devices(CONTOSO).await, winners);
}

async fn a_profile_is_written_in_the_revision_that_is_demanded(bench: Workbench) {
    let id = bench.make_profile(1, 0).await;
    let store = &bench.store;
    let revision = async || {
        let found = store.profile(CONTOSO, id).await.unwrap();
        found.unwrap().revision()
    };
    let update = async |precondition, second| {
        let change = ProfileChange {
            description: Some(format!("at {second}")),
            ..ProfileChange::default()
        };
        let updated = store.update_profile(CONTOSO, id, change, precondition, actor(), at(second));
        updated.await.unwrap()
    };
    let delete = async |tenant, precondition| {
        let deleted = store.delete_profile(tenant, id, precondition, actor(), at(9));
        deleted.await.unwrap()
    };
    let first = revision().await;
    for precondition in unmet(first) {
        let updated = update(precondition.clone(), 1).await;
        assert_eq!(updated, ProfileUpdate::ConditionNotMet);
        let deleted = delete(CONTOSO, precondition).await;
        assert_eq!(deleted, ProfileDeletion::ConditionNotMet);
    }
    assert_eq!(revision().await, first);
    let updated = update(only(first), 2).await;
    assert!(matches!(updated, ProfileUpdate::Done(_)));
    let second = revision().await;
    assert_ne!(second, first);
    assert_eq!(update(only(first), 3).await, ProfileUpdate::ConditionNotMet);
    let deleted = delete(CONTOSO, only(first)).await;
    assert_eq!(deleted, ProfileDeletion::ConditionNotMet);
    let theirs = delete(FABRIKAM, only(second)).await;
    assert_eq!(theirs, ProfileDeletion::Absent);
    let deleted = delete(CONTOSO, only(second)).await;
    assert_eq!(deleted, ProfileDeletion::Deleted);
    let deleted = delete(CONTOSO, only(second)).await;
    assert_eq!(deleted, ProfileDeletion::Absent);
}

async fn an_upload_is_deleted_in_the_revision_that_is_demanded(bench: Workbench) {
    let store = &bench.store;
    let id = UploadId(Uuid::from_u128(1));
    let rows = vec![NewImport {
        id: import_id(1),
        properties: ImportProperties::default(),
    }];
    let imports = NewImports {
        call: CallId(Uuid::from_u128(5)),
        accepted_at: at(1),
        rows,
        actor: actor(),
    };
    let created = store.create_upload(CONTOSO, NewUpload { id, imports });
    created.await.unwrap();
    let revision = async || {
        let found = store.upload(CONTOSO, id).await.unwrap();
        found.unwrap().revision()
    };
    let delete = async |precondition| {
        let deleted = store.delete_upload(CONTOSO, id, 10, precondition, actor(), at(9));
        deleted.await.unwrap()
    };
    let waiting = revision().await;
    for precondition in unmet(waiting) {
        assert_eq!(delete(precondition).await, UploadDeletion::ConditionNotMet);
    }
    bench.settle_all().await;
    let settled = revision().await;
    assert_ne!(settled, waiting);
    assert_eq!(delete(only(waiting)).await, UploadDeletion::ConditionNotMet);
    assert_eq!(delete(only(settled)).await, UploadDeletion::Deleted);
    assert_eq!(delete(only(settled)).await, UploadDeletion::Absent);
}
