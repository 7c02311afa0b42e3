//! Settled imports that are kept no longer: which go, what stays, and who may look on meanwhile.

use std::collections::BTreeSet;

use hardware_hash::Builder;
use jiff::Timestamp;
use odata::parse_filter;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    domain::{
        directory_error::DirectoryError,
        import::{CallId, ImportChange, ImportId, ImportProperties, ImportState},
        upload::{UploadId, UploadStatus},
    },
    store::operation::{
        AuditSlice, Expired, LedgerQuery, NewImport, NewImports, NewUpload, Query, Settled,
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        version::Version,
        vocabulary,
        workbench::{Workbench, at, import_id, settlement},
    },
};

super::cases![
    settled_imports_expire_to_the_microsecond,
    an_import_is_as_old_as_its_outcome,
    a_device_outlives_its_import,
    a_backlog_goes_in_steps,
    paging_goes_on_while_imports_expire,
    uploads_stand_where_they_stood,
    rivals_delete_each_import_once,
    what_expires_is_on_record,
];

/// Nobody's hardware, which is refused.
fn nothing() -> ImportProperties {
    ImportProperties::default()
}

impl Workbench {
    async fn expire(&self, settled_until: Timestamp, limit: usize) -> Expired {
        let expired = self
            .store
            .expire_imports(settled_until, limit, at(100_000))
            .await;
        expired.unwrap()
    }

    /// Deletes in steps until nothing is left; how many went.
    async fn expire_all(&self, settled_until: Timestamp, limit: usize) -> usize {
        let mut gone = 0;
        for _ in 0..1000 {
            let step = self.expire(settled_until, limit).await;
            assert!(step.imports <= limit, "{step:?}");
            gone += step.imports;
            if !step.more {
                return gone;
            }
        }
        panic!("it does not end");
    }

    /// Decides all that waits at this second.
    async fn settle_all_at(&self, second: i64) {
        loop {
            let claims = self.claim(64).await;
            if claims.is_empty() {
                return;
            }
            let settlements = claims.into_iter().map(settlement).collect();
            self.store.settle(settlements, at(second)).await.unwrap();
        }
    }
}

async fn settled_imports_expire_to_the_microsecond(bench: Workbench) {
    let complete = bench.accept(CONTOSO, import_of(&Builder::new(1))).await;
    let refused = bench.accept(FABRIKAM, nothing()).await;
    bench.settle_all_at(60).await;
    let waits = bench.accept(CONTOSO, nothing()).await;
    let just_before = at(60) - jiff::SignedDuration::from_micros(1);
    assert_eq!(bench.expire_all(just_before, 10).await, 0);
    assert!(bench.import(CONTOSO, complete).await.is_some());
    assert_eq!(bench.expire_all(at(60), 10).await, 2);
    assert!(bench.import(CONTOSO, complete).await.is_none());
    assert!(bench.import(FABRIKAM, refused).await.is_none());
    assert_eq!(bench.state(CONTOSO, waits).await, ImportState::Waiting);
    assert_eq!(bench.expire_all(at(1_000_000), 10).await, 0);
    assert_eq!(bench.store.count_waiting().await, Ok(1));
    let refusal = DirectoryError::MissingZtdSerialNumberAndProductKey;
    assert_eq!(bench.settle_all().await, [Settled::Refused(refusal)]);
}

async fn an_import_is_as_old_as_its_outcome(bench: Workbench) {
    let late = bench.accept(CONTOSO, nothing()).await;
    bench.settle_all_at(500).await;
    assert_eq!(bench.expire_all(at(499), 10).await, 0);
    // Changing it makes it no younger.
    bench.update(CONTOSO, late, ImportChange::default()).await;
    assert_eq!(bench.expire_all(at(500), 10).await, 1);
}

async fn a_device_outlives_its_import(bench: Workbench) {
    let device = bench.register(CONTOSO, import_of(&Builder::new(1))).await;
    let import = bench.imports(CONTOSO).await[0].id;
    assert_eq!(bench.expire_all(at(60), 10).await, 1);
    assert_eq!(bench.device(CONTOSO, device.id).await, Some(device.clone()));
    let entries = bench.ledger(LedgerQuery::default()).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].owner, Some((CONTOSO, device.id)));
    let rival = bench.refusal(FABRIKAM, import_of(&Builder::new(1))).await;
    assert_eq!(rival, DirectoryError::ZtdDeviceAssignedToOtherTenant);
    // Its id is free: whoever sends it again has a new import, which is refused.
    let again = vec![(import, import_of(&Builder::new(1)))];
    bench.create(CONTOSO, again, at(100)).await.unwrap();
    bench.settle_all().await;
    let refused = ImportState::Refused(DirectoryError::ZtdDeviceAlreadyAssigned);
    assert_eq!(bench.state(CONTOSO, import).await, refused);
}

async fn a_backlog_goes_in_steps(bench: Workbench) {
    // What waits lies before, between and behind.
    let rows = |from: u128, to: u128| (from..to).map(|number| (import_id(number), nothing()));
    let accept = async |from, to| {
        let rows = rows(from, to).collect();
        bench.create(CONTOSO, rows, at(0)).await.unwrap();
    };
    accept(1, 150).await;
    bench.settle_all_at(60).await;
    accept(150, 160).await;
    let first = bench.expire(at(60), 40).await;
    assert_eq!((first.imports, first.more), (40, true));
    assert_eq!(bench.expire_all(at(60), 40).await, 109);
    assert_eq!(bench.imports(CONTOSO).await.len(), 10);
    bench.settle_all_at(70).await;
    assert_eq!(bench.expire_all(at(69), 40).await, 0);
    assert_eq!(bench.expire_all(at(70), 40).await, 10);
}

async fn paging_goes_on_while_imports_expire(bench: Workbench) {
    let rows = (0..60).map(|number| (import_id(number), nothing()));
    let (old, young): (Vec<_>, Vec<_>) = rows.partition(|(id, _)| id.0.as_u128() % 2 == 0);
    let stays: BTreeSet<ImportId> = young.iter().map(|(id, _)| *id).collect();
    bench.create(CONTOSO, old, at(0)).await.unwrap();
    bench.settle_all_at(60).await;
    bench.create(CONTOSO, young, at(1)).await.unwrap();
    bench.settle_all_at(90).await;
    let mut met = Vec::new();
    let mut query = Query::all(7);
    loop {
        let page = bench.store.list_imports(CONTOSO, query.clone()).await;
        let page = page.unwrap();
        met.extend(page.rows.iter().map(|import| import.id));
        let Some(next) = page.next else { break };
        query.after = Some(next);
        bench.expire(at(60), 5).await;
    }
    let distinct: BTreeSet<ImportId> = met.iter().copied().collect();
    assert_eq!(distinct.len(), met.len(), "none is met twice");
    assert!(stays.is_subset(&distinct), "all that stay are met");
    bench.expire_all(at(60), 5).await;
    assert_eq!(bench.imports(CONTOSO).await.len(), stays.len());
}

async fn uploads_stand_where_they_stood(bench: Workbench) {
    let upload = |number| UploadId(Uuid::from_u128(number));
    let make = async |number, properties: Vec<ImportProperties>| {
        let rows = properties.into_iter().map(|properties| NewImport {
            id: ImportId(Uuid::new_v4()),
            properties,
        });
        let imports = NewImports {
            call: CallId(Uuid::new_v4()),
            actor: actor(),
            accepted_at: at(0),
            rows: rows.collect(),
        };
        let id = upload(number);
        let new = NewUpload { id, imports };
        bench.store.create_upload(CONTOSO, new).await.unwrap();
    };
    make(1, vec![import_of(&Builder::new(1))]).await;
    make(2, vec![import_of(&Builder::new(2)), nothing()]).await;
    make(3, vec![]).await;
    make(4, vec![nothing()]).await;
    bench.settle_all_at(60).await;
    let status = async |number| {
        let found = bench.store.upload(CONTOSO, upload(number)).await.unwrap();
        let found = found.unwrap().status;
        let listed = bench.store.list_uploads(CONTOSO, Query::all(100)).await;
        let listed = listed.unwrap().rows;
        let listed = listed.iter().find(|one| one.id == upload(number)).unwrap();
        assert_eq!(listed.status, found);
        found
    };
    let expected = [
        UploadStatus::Complete,
        UploadStatus::Error,
        UploadStatus::NoUpload,
        UploadStatus::Error,
    ];
    // Whichever of them go first.
    for limit in [1, 1, 1, 100] {
        for (number, expected) in (1..).zip(expected) {
            assert_eq!(status(number).await, expected, "upload {number}");
        }
        bench.expire(at(60), limit).await;
    }
    bench.expire_all(at(60), 100).await;
    for (number, expected) in (1..).zip(expected) {
        assert_eq!(status(number).await, expected, "upload {number}");
        let left = bench
            .store
            .count_upload_imports(CONTOSO, upload(number), None);
        assert_eq!(left.await, Ok(0));
    }
    // Filters see what is shown.
    let uploads = vocabulary::uploads(Version::Beta);
    let filter = parse_filter("status eq 'error'", uploads, &[]);
    let count = bench.store.count_uploads(CONTOSO, Some(filter.unwrap()));
    assert_eq!(count.await, Ok(2));
    // What comes in later counts beside what was there.
    let rows = vec![NewImport {
        id: ImportId(Uuid::new_v4()),
        properties: import_of(&Builder::new(9)),
    }];
    let imports = NewImports {
        call: CallId(Uuid::new_v4()),
        actor: actor(),
        accepted_at: at(100),
        rows,
    };
    let added = bench
        .store
        .create_upload_imports(CONTOSO, upload(1), imports);
    assert_eq!(added.await, Ok(true));
    assert_eq!(status(1).await, UploadStatus::Pending);
    bench.settle_all().await;
    assert_eq!(status(1).await, UploadStatus::Complete);
}

async fn rivals_delete_each_import_once(bench: Workbench) {
    let rows = (0..200).map(|number| (import_id(number), nothing()));
    bench.create(CONTOSO, rows.collect(), at(0)).await.unwrap();
    bench.settle_all_at(60).await;
    let mut rivals = JoinSet::new();
    for _ in 0..4 {
        let bench = bench.clone();
        rivals.spawn(async move {
            let mut gone = 0;
            for _ in 0..20 {
                gone += bench.expire(at(60), 16).await.imports;
            }
            gone
        });
    }
    let gone: usize = rivals.join_all().await.into_iter().sum();
    assert_eq!(gone, 200);
    assert!(bench.imports(CONTOSO).await.is_empty());
}

async fn what_expires_is_on_record(bench: Workbench) {
    for tenant in [CONTOSO, CONTOSO, FABRIKAM] {
        bench.accept(tenant, nothing()).await;
    }
    bench.settle_all_at(60).await;
    assert_eq!(bench.expire_all(at(60), 10).await, 3);
    for (tenant, imports) in [(CONTOSO, 2), (FABRIKAM, 1)] {
        let slice = AuditSlice {
            after: 0,
            limit: 100,
        };
        let lines = bench.store.list_audit(tenant, slice).await.unwrap().rows;
        let lines: Vec<_> = lines
            .iter()
            .filter(|line| line.action == "imports-expired")
            .collect();
        assert_eq!(lines.len(), 1);
        let line = lines[0];
        assert_eq!(line.actor_kind, "registrar");
        assert_eq!(line.at, at(100_000));
        let detail = format!("imports {imports} settled-until 2026-01-01T00:01:00Z");
        assert_eq!(line.detail, Some(detail));
    }
}
