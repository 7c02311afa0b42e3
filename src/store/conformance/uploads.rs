//! Uploads: making them with their imports, where they stand, and deleting them.

use hardware_hash::Builder;
use odata::{parse_filter, parse_order};
use uuid::Uuid;

use crate::{
    domain::{
        directory_error::DirectoryError,
        import::{CallId, ImportId, ImportProperties, ImportState},
        revision::Precondition,
        tenant::TenantId,
        upload::{UploadId, UploadStatus},
    },
    store::{
        StoreError, Unique,
        operation::{NewImport, NewImports, NewUpload, Query, Settled, UploadDeletion},
    },
    testing::{
        CONTOSO, FABRIKAM, actor, import_of,
        version::Version,
        vocabulary,
        workbench::{WHOLE, Workbench, at, import_id},
    },
};

super::cases![
    an_upload_comes_back_with_its_imports,
    an_upload_is_made_whole_or_not_at_all,
    imports_go_into_an_upload_that_is_there,
    an_upload_stands_where_its_imports_stand,
    an_upload_does_not_decide_what_becomes_of_its_imports,
    deletion_withdraws_what_waits_and_keeps_what_is_settled,
    an_uploads_pages_are_its_own,
    uploads_and_the_imports_in_them_take_queries,
    what_another_tenant_uploads_is_absent,
];

type Row = (ImportId, ImportProperties);

fn upload_id(number: u128) -> UploadId {
    UploadId(Uuid::from_u128(number))
}

fn imports(rows: Vec<Row>) -> NewImports {
    NewImports {
        call: CallId(Uuid::new_v4()),
        actor: actor(),
        accepted_at: at(7),
        rows: rows
            .into_iter()
            .map(|(id, properties)| NewImport { id, properties })
            .collect(),
    }
}

fn named(numbers: std::ops::Range<u128>) -> Vec<Row> {
    numbers
        .map(|number| (import_id(number), ImportProperties::default()))
        .collect()
}

impl Workbench {
    async fn make(&self, tenant: TenantId, id: UploadId, rows: Vec<Row>) -> Result<(), StoreError> {
        let imports = imports(rows);
        let new = NewUpload { id, imports };
        self.store.create_upload(tenant, new).await
    }

    async fn status(&self, id: UploadId) -> Option<UploadStatus> {
        let upload = self.store.upload(CONTOSO, id).await.unwrap();
        upload.map(|upload| upload.status)
    }

    async fn ids_in(&self, id: UploadId) -> Vec<ImportId> {
        let page = self
            .store
            .list_upload_imports(CONTOSO, id, Query::all(WHOLE.limit))
            .await;
        page.unwrap().rows.iter().map(|import| import.id).collect()
    }

    async fn delete_step(&self, id: UploadId, limit: usize) -> UploadDeletion {
        self.store
            .delete_upload(CONTOSO, id, limit, Precondition::default(), actor(), at(9))
            .await
            .unwrap()
    }
}

async fn an_upload_comes_back_with_its_imports(bench: Workbench) {
    let id = upload_id(1);
    assert_eq!(bench.store.upload(CONTOSO, id).await, Ok(None));
    bench.make(CONTOSO, id, named(1..4)).await.unwrap();
    bench.create(CONTOSO, named(4..5), at(0)).await.unwrap();
    let upload = bench.store.upload(CONTOSO, id).await.unwrap().unwrap();
    assert_eq!((upload.tenant, upload.id), (CONTOSO, id));
    assert_eq!(upload.created_at, at(7));
    let listed = bench
        .store
        .list_uploads(CONTOSO, Query::all(WHOLE.limit))
        .await
        .unwrap();
    assert_eq!(listed.rows, [upload], "a list shows what a GET shows");
    assert_eq!(bench.ids_in(id).await, [1, 2, 3].map(import_id));
    assert_eq!(
        bench.store.count_upload_imports(CONTOSO, id, None).await,
        Ok(3)
    );
    // An import in an upload is an import like any other.
    let import = bench.import(CONTOSO, import_id(2)).await.unwrap();
    let in_upload = bench
        .store
        .list_upload_imports(CONTOSO, id, Query::all(WHOLE.limit))
        .await;
    assert_eq!(in_upload.unwrap().rows[1], import);
    assert_eq!(bench.imports(CONTOSO).await.len(), 4);
    for (number, holds) in [(1, true), (4, false), (9, false)] {
        let held = bench.store.upload_holds(CONTOSO, id, import_id(number));
        assert_eq!(held.await, Ok(holds), "{number}");
    }
}

async fn an_upload_is_made_whole_or_not_at_all(bench: Workbench) {
    let id = upload_id(1);
    bench.create(CONTOSO, named(2..3), at(0)).await.unwrap();
    let refused = bench.make(CONTOSO, id, named(1..4)).await;
    let taken = Unique::ImportIds(vec![import_id(2)]);
    assert_eq!(refused, Err(StoreError::Conflict(taken)));
    assert_eq!(bench.store.upload(CONTOSO, id).await, Ok(None));
    assert_eq!(bench.imports(CONTOSO).await.len(), 1);

    bench.make(CONTOSO, id, Vec::new()).await.unwrap();
    let again = bench.make(CONTOSO, id, named(5..6)).await;
    let taken = Unique::UploadId(id);
    assert_eq!(again, Err(StoreError::Conflict(taken)));
    assert_eq!(bench.imports(CONTOSO).await.len(), 1);
    bench.make(FABRIKAM, id, Vec::new()).await.unwrap();
}

async fn imports_go_into_an_upload_that_is_there(bench: Workbench) {
    let id = upload_id(1);
    let put = |number| {
        let rows = imports(named(number..number + 1));
        bench.store.create_upload_imports(CONTOSO, id, rows)
    };
    assert_eq!(put(1).await, Ok(false));
    assert_eq!(bench.imports(CONTOSO).await, []);
    bench.make(CONTOSO, id, Vec::new()).await.unwrap();
    assert_eq!(put(1).await, Ok(true));
    let taken = Unique::ImportIds(vec![import_id(1)]);
    assert_eq!(put(1).await, Err(StoreError::Conflict(taken)));
    assert_eq!(bench.ids_in(id).await, [import_id(1)]);
}

async fn an_upload_stands_where_its_imports_stand(bench: Workbench) {
    let (good, bad) = (upload_id(1), upload_id(2));
    bench.make(CONTOSO, good, Vec::new()).await.unwrap();
    assert_eq!(bench.status(good).await, Some(UploadStatus::NoUpload));
    let device = (import_id(1), import_of(&Builder::new(1)));
    let rows = imports(vec![device.clone()]);
    let put = bench.store.create_upload_imports(CONTOSO, good, rows);
    assert_eq!(put.await, Ok(true));
    let rows = vec![
        (import_id(2), import_of(&Builder::new(2))),
        (import_id(3), ImportProperties::default()),
    ];
    bench.make(CONTOSO, bad, rows).await.unwrap();
    for id in [good, bad] {
        assert_eq!(bench.status(id).await, Some(UploadStatus::Pending));
    }
    bench.settle_all().await;
    assert_eq!(bench.status(good).await, Some(UploadStatus::Complete));
    assert_eq!(bench.status(bad).await, Some(UploadStatus::Error));
    let listed = bench
        .store
        .list_uploads(CONTOSO, Query::all(WHOLE.limit))
        .await
        .unwrap();
    let statuses: Vec<_> = listed.rows.iter().map(|upload| upload.status).collect();
    assert_eq!(statuses, [UploadStatus::Complete, UploadStatus::Error]);
    assert_eq!(bench.store.count_uploads(CONTOSO, None).await, Ok(2));
}

async fn an_upload_does_not_decide_what_becomes_of_its_imports(bench: Workbench) {
    let device = |number| vec![(import_id(number), import_of(&Builder::new(1)))];
    bench.make(CONTOSO, upload_id(1), device(1)).await.unwrap();
    bench.create(CONTOSO, device(2), at(8)).await.unwrap();
    let settled = bench.settle_all().await;
    assert!(matches!(settled[0], Settled::Registered(_)), "{settled:?}");
    let again = DirectoryError::ZtdDeviceAlreadyAssigned;
    assert_eq!(settled[1], Settled::Refused(again));
}

async fn deletion_withdraws_what_waits_and_keeps_what_is_settled(bench: Workbench) {
    let (id, other) = (upload_id(1), upload_id(2));
    assert_eq!(bench.delete_step(id, 10).await, UploadDeletion::Absent);
    bench.make(CONTOSO, id, named(1..4)).await.unwrap();
    bench.make(CONTOSO, other, named(20..21)).await.unwrap();
    bench.settle_all().await;
    let rows = imports(named(4..8));
    let put = bench.store.create_upload_imports(CONTOSO, id, rows);
    assert_eq!(put.await, Ok(true));
    // Claimed, but not settled: the claim comes to nothing.
    let claims = bench.claim(10).await;
    assert_eq!(claims.len(), 4);

    assert_eq!(bench.delete_step(id, 2).await, UploadDeletion::Begun);
    assert_eq!(bench.ids_in(id).await.len(), 3);
    assert_eq!(bench.delete_step(id, 2).await, UploadDeletion::Deleted);
    assert_eq!(bench.delete_step(id, 2).await, UploadDeletion::Absent);
    let settled = bench.settle(claims).await;
    assert_eq!(settled, [Settled::Superseded; 4]);
    let left = bench.imports(CONTOSO).await;
    let ids: Vec<_> = left.iter().map(|import| import.id).collect();
    assert_eq!(ids, [1, 2, 3, 20].map(import_id));
    assert!(
        left.iter()
            .all(|import| import.state != ImportState::Waiting)
    );
    assert_eq!(bench.ids_in(other).await, [import_id(20)]);
    // The ids are free again, and what comes under them is decided.
    bench.make(CONTOSO, id, named(4..5)).await.unwrap();
    assert_eq!(bench.settle_all().await.len(), 1);
    assert_eq!(bench.ids_in(id).await, [import_id(4)]);
}

async fn an_uploads_pages_are_its_own(bench: Workbench) {
    for number in 0..10 {
        let upload = upload_id(1 + number % 2);
        if number < 2 {
            bench.make(CONTOSO, upload, Vec::new()).await.unwrap();
        }
        let rows = imports(named(number + 1..number + 2));
        let put = bench.store.create_upload_imports(CONTOSO, upload, rows);
        assert_eq!(put.await, Ok(true));
    }
    let mut seen = Vec::new();
    let mut query = Query::all(2);
    loop {
        let page = bench
            .store
            .list_upload_imports(CONTOSO, upload_id(1), query.clone());
        let page = page.await.unwrap();
        seen.extend(page.rows.iter().map(|import| import.id));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [1, 3, 5, 7, 9].map(import_id));
    let first = bench.store.list_uploads(CONTOSO, Query::all(1)).await;
    let after = first.unwrap().next;
    assert!(after.is_some());
    let skipped = Query {
        skip: 1,
        ..Query::all(1)
    };
    for query in [
        Query {
            after,
            ..Query::all(1)
        },
        skipped,
    ] {
        let page = bench.store.list_uploads(CONTOSO, query).await.unwrap();
        assert_eq!((page.rows[0].id, page.next), (upload_id(2), None));
    }
}

async fn uploads_and_the_imports_in_them_take_queries(bench: Workbench) {
    let tagged = |numbers: std::ops::Range<u128>| {
        let row = |number| {
            let group_tag = Some(format!("T{}", number % 3));
            let properties = ImportProperties {
                group_tag,
                ..ImportProperties::default()
            };
            (import_id(number), properties)
        };
        numbers.map(row).collect()
    };
    bench
        .make(CONTOSO, upload_id(1), tagged(1..6))
        .await
        .unwrap();
    bench
        .make(CONTOSO, upload_id(2), tagged(6..9))
        .await
        .unwrap();
    bench.settle_all().await;
    bench.make(CONTOSO, upload_id(3), Vec::new()).await.unwrap();
    bench
        .make(CONTOSO, upload_id(4), tagged(9..10))
        .await
        .unwrap();

    let uploads = vocabulary::uploads(Version::Beta);
    let filter = |text| Some(parse_filter(text, uploads, &[]).unwrap());
    let ids = async |query| -> Vec<_> {
        let page = bench.store.list_uploads(CONTOSO, query).await.unwrap();
        page.rows.iter().map(|upload| upload.id).collect()
    };
    let by_status = Query {
        order: parse_order("status desc", uploads).unwrap().keys,
        ..Query::all(9)
    };
    assert_eq!(ids(by_status.clone()).await, [1, 2, 4, 3].map(upload_id));
    let refused = Query {
        filter: filter("status eq 'error'"),
        ..by_status
    };
    assert_eq!(ids(refused.clone()).await, [1, 2].map(upload_id));
    assert_eq!(
        bench.store.count_uploads(CONTOSO, refused.filter).await,
        Ok(2)
    );

    let imports = vocabulary::imports(Version::Beta);
    let query = Query {
        filter: Some(parse_filter("groupTag ne 'T0'", imports, &[]).unwrap()),
        order: parse_order("groupTag desc", imports).unwrap().keys,
        ..Query::all(3)
    };
    let page = async |query| {
        let page = bench
            .store
            .list_upload_imports(CONTOSO, upload_id(1), query);
        let page = page.await.unwrap();
        let ids: Vec<_> = page.rows.iter().map(|import| import.id).collect();
        (ids, page.next)
    };
    let (first, after) = page(query.clone()).await;
    assert_eq!(first, [2, 5, 1].map(import_id));
    assert!(after.is_some());
    let count = bench
        .store
        .count_upload_imports(CONTOSO, upload_id(1), query.filter.clone());
    assert_eq!(count.await, Ok(4));
    let rest = page(Query { after, ..query }).await;
    assert_eq!(rest, (vec![import_id(4)], None));
}

async fn what_another_tenant_uploads_is_absent(bench: Workbench) {
    let id = upload_id(1);
    bench.make(FABRIKAM, id, named(1..3)).await.unwrap();
    assert_eq!(bench.store.upload(CONTOSO, id).await, Ok(None));
    assert_eq!(bench.store.count_uploads(CONTOSO, None).await, Ok(0));
    assert_eq!(
        bench.store.count_upload_imports(CONTOSO, id, None).await,
        Ok(0)
    );
    assert_eq!(bench.ids_in(id).await, []);
    let held = bench.store.upload_holds(CONTOSO, id, import_id(1));
    assert_eq!(held.await, Ok(false));
    assert_eq!(bench.delete_step(id, 10).await, UploadDeletion::Absent);
    let rows = imports(named(9..10));
    let put = bench.store.create_upload_imports(CONTOSO, id, rows);
    assert_eq!(put.await, Ok(false));
    assert_eq!(
        bench.store.count_upload_imports(FABRIKAM, id, None).await,
        Ok(2)
    );
}
