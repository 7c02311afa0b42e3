//! Queries on PostgreSQL mean what the evaluator says: over random rows, trees and orders, in one
//! page and in many.

use odata::{Value, Vocabulary, testing::Row};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{super::*, serve};
use crate::{
    domain::{
        directory_error::DirectoryError, field::UploadField, import::ImportState, upload::Upload,
    },
    store::{
        DatabaseKind,
        filter_sql::Column,
        postgres::{
            collection::{Collection, DEVICES, IMPORTS, UPLOADS, count, page},
            pool::Session,
            row,
        },
        questions::{
            Drawn, Every, Questions, every, guid, number, questions, show_device, show_import,
            show_managed, show_profile, tenant_plans, text,
        },
    },
    testing::{CONTOSO, FABRIKAM, postgres::Scratch, version::Version, vocabulary},
};

/// `serial_number` so that what narrows down is held to the evaluator over every kind, too.
const EVERY: Collection<Every, Uuid> = Collection {
    table: "every",
    columns: "id",
    column_of: |field| match field {
        Every::Id => Column::required("id"),
        Every::Text => Column::required("serial_number"),
        Every::Other => Column::nullable("other"),
        Every::Number => Column::nullable("number"),
        Every::At => Column::nullable("at"),
        Every::Truth => Column::nullable("truth"),
        Every::Guid => Column::nullable("guid"),
        Every::Member => Column::nullable("member"),
    },
    read: |found| row::get(found, "id"),
    is_serial: |field| matches!(field, Every::Text),
};

const MAKE_EVERY: &str = "CREATE TABLE every (tenant uuid NOT NULL, id uuid NOT NULL,
    serial_number text COLLATE \"C\" NOT NULL, other text COLLATE \"C\", number bigint, at bigint,
    truth boolean, guid uuid, member bigint, PRIMARY KEY (tenant, id));
    CREATE INDEX ON every USING gin (serial_number gin_trgm_ops, tenant)";

fn truth(value: &Value<'_>) -> Option<bool> {
    number(value).map(|truth| truth == 1)
}

async fn insert_every(
    session: &Session,
    tenant: TenantId,
    _: &Plan,
    row: &mut Row<Every>,
    id: Uuid,
) {
    row.set(Every::Id, Value::Guid(id));
    let sql = "INSERT INTO every VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let inserted = session
        .execute(
            sql,
            &[
                &tenant.0,
                &id,
                &text(&row.get(Every::Text)),
                &text(&row.get(Every::Other)),
                &number(&row.get(Every::Number)),
                &number(&row.get(Every::At)),
                &truth(&row.get(Every::Truth)),
                &guid(&row.get(Every::Guid)),
                &number(&row.get(Every::Member)),
            ],
        )
        .await;
    inserted.unwrap();
}

async fn insert_import(
    session: &Session,
    tenant: TenantId,
    _: &Plan,
    row: &mut Row<ImportField>,
    id: Uuid,
) {
    let (state, device, error) = match show_import(row, id) {
        ImportState::Waiting => (row::WAITING, None, None),
        ImportState::Complete(device) => (row::COMPLETE, Some(device.0), None),
        ImportState::Refused(error) => (row::REFUSED, None, Some(error.code())),
    };
    let sql = "INSERT INTO import (tenant, id, call, accepted_at, state, device, error_code,
            group_tag, serial_number, product_key, import_id, assigned_user_principal_name)
         VALUES ($1, $2, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10)";
    let inserted = session
        .execute(
            sql,
            &[
                &tenant.0,
                &id,
                &state,
                &device,
                &error.map(i64::from),
                &text(&row.get(ImportField::GroupTag)),
                &text(&row.get(ImportField::SerialNumber)),
                &text(&row.get(ImportField::ProductKey)),
                &text(&row.get(ImportField::ImportId)),
                &text(&row.get(ImportField::AssignedUserPrincipalName)),
            ],
        )
        .await;
    inserted.unwrap();
}

/// The upload that imports are asked for within.
const UPLOAD: UploadId = UploadId(Uuid::from_u128(7));

/// The import is the upload's. Another, which is as much like it as can be, is another upload's, and
/// one is nobody's: whoever asks the upload must not meet them.
async fn insert_import_in_upload(
    session: &Session,
    tenant: TenantId,
    plan: &Plan,
    row: &mut Row<ImportField>,
    id: Uuid,
) {
    let others = [
        (Uuid::new_v4(), Some(Uuid::from_u128(8))),
        (Uuid::new_v4(), None),
        (id, Some(UPLOAD.0)),
    ];
    for (id, upload) in others {
        insert_import(session, tenant, plan, row, id).await;
        let sql = "UPDATE import SET upload = $3 WHERE tenant = $1 AND id = $2";
        let updated = session.execute(sql, &[&tenant.0, &id, &upload]).await;
        assert_eq!(updated.unwrap(), 1);
    }
}

/// The status of an upload is made true by imports that stand so.
async fn insert_upload(
    session: &Session,
    tenant: TenantId,
    _: &Plan,
    row: &mut Row<UploadField>,
    id: Uuid,
) {
    row.set(UploadField::Id, Value::Guid(id));
    let created_at = number(&row.get(UploadField::CreatedAt));
    let sql = "INSERT INTO upload (tenant, id, created_at) VALUES ($1, $2, $3)";
    let inserted = session.execute(sql, &[&tenant.0, &id, &created_at]).await;
    inserted.unwrap();
    let states: &[i64] = match number(&row.get(UploadField::Status)) {
        Some(0) => &[],
        Some(1) => &[row::COMPLETE, row::WAITING, row::REFUSED],
        Some(2) => &[row::COMPLETE],
        _ => &[row::COMPLETE, row::REFUSED],
    };
    for state in states {
        let sql =
            "INSERT INTO import (tenant, id, call, accepted_at, state, device, error_code, upload)
             VALUES ($1, $2, $2, 0, $3, $4, $5, $6)";
        let device = (*state == row::COMPLETE).then(Uuid::new_v4);
        let error = DirectoryError::StorageError.code();
        let error = (*state == row::REFUSED).then(|| i64::from(error));
        let import = Uuid::new_v4();
        let inserted = session
            .execute(sql, &[&tenant.0, &import, state, &device, &error, &id])
            .await;
        inserted.unwrap();
    }
}

async fn insert_device(
    session: &Session,
    tenant: TenantId,
    plan: &Plan,
    row: &mut Row<DeviceField>,
    id: Uuid,
) {
    show_device(row, id);
    let managed = show_managed(row);
    let drawn = Drawn::of(row);
    let sql = "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
            serial_number, product_key, manufacturer, model, sku_number, system_family,
            user_principal_name, purchase_order_identifier, addressable_user_name, resource_name,
            directory_device_id, managed_device_id, display_name, device_account_upn,
            device_friendly_name, userless_enrollment, targeted_at, direct_profile)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19, $20, $21, $22, $23)";
    let inserted = session
        .execute(
            sql,
            &[
                &tenant.0,
                &id,
                &Uuid::new_v4(),
                &drawn.registered_at,
                &text(&row.get(DeviceField::GroupTag)),
                &text(&row.get(DeviceField::SerialNumber)),
                &text(&row.get(DeviceField::ProductKey)),
                &text(&row.get(DeviceField::Manufacturer)),
                &text(&row.get(DeviceField::Model)),
                &text(&row.get(DeviceField::SkuNumber)),
                &text(&row.get(DeviceField::SystemFamily)),
                &text(&row.get(DeviceField::UserPrincipalName)),
                &text(&row.get(DeviceField::PurchaseOrderIdentifier)),
                &text(&row.get(DeviceField::AddressableUserName)),
                &text(&row.get(DeviceField::ResourceName)),
                &text(&row.get(DeviceField::DirectoryDeviceId)),
                &managed,
                &text(&row.get(DeviceField::DisplayName)),
                &text(&row.get(DeviceField::DeviceAccountUpn)),
                &text(&row.get(DeviceField::DeviceFriendlyName)),
                &number(&row.get(DeviceField::UserlessEnrollmentStatus)),
                &drawn.targeted_at,
                &drawn.direct_profile,
            ],
        )
        .await;
    inserted.unwrap();
    let device = devices::find(session, tenant, DeviceId(id)).await.unwrap();
    show_profile(row, plan, &device.unwrap());
}

/// Holds a collection, or what of it is one upload's, to the evaluator. `insert` writes a row, and
/// into it what it is shown with by a plan.
fn hold<F, T>(
    vocabulary: &Vocabulary<F>,
    (collection, upload): (&Collection<F, T>, Option<UploadId>),
    insert: &impl AsyncFn(&Session, TenantId, &Plan, &mut Row<F>, Uuid),
    (id_of, id): (impl Fn(&T) -> Uuid, F),
) where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    let config = Config {
        cases: 96,
        max_shrink_time: 30_000,
        failure_persistence: None,
        ..Config::default()
    };
    let scratch = Scratch::new(DatabaseKind::Production);
    scratch.ask(MAKE_EVERY);
    let store = serve(&scratch);
    let runtime = Runtime::new().unwrap();
    let session = runtime.block_on(store.pool.get()).unwrap();
    // Trigrams find few rows as well as none: let nothing else find them.
    runtime
        .block_on(session.batch("SET enable_seqscan = off"))
        .unwrap();
    let drawn = (questions(vocabulary), tenant_plans());
    let outcome = TestRunner::new(config).run(&drawn, |(mut asked, plan)| {
        let way = || Way {
            plan: plan.clone(),
            folds_ascii: true,
            upload,
        };
        runtime.block_on(async {
            session.batch("ROLLBACK; BEGIN").await.unwrap();
            for row in &mut asked.rows {
                // Whoever asks must not meet what is not his.
                insert(&session, FABRIKAM, &plan, &mut row.clone(), Uuid::new_v4()).await;
                insert(&session, CONTOSO, &plan, row, Uuid::new_v4()).await;
            }
            let checked = check(&session, (collection, &way), &asked, &id_of, id).await;
            // It leaves nothing behind.
            session.batch("ROLLBACK").await.unwrap();
            checked
        })
    });
    drop(session);
    runtime.block_on(store.close());
    outcome.expect("PostgreSQL says what the evaluator says");
}

async fn check<F, T>(
    session: &Session,
    (collection, way): (&Collection<F, T>, &impl Fn() -> Way),
    asked: &Questions<F>,
    id_of: &impl Fn(&T) -> Uuid,
    id: F,
) -> Result<(), TestCaseError>
where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    for filter in &asked.filters {
        let expected = asked.answer(filter, id);
        let met = walk(session, (collection, way), asked.query(filter), id_of).await;
        let expected_behind: Vec<_> = expected.iter().skip(asked.skip).copied().collect();
        prop_assert_eq!(&met, &expected_behind, "{}", filter);
        let counted = count(session, collection, CONTOSO, Some(filter), way()).await;
        prop_assert_eq!(counted.unwrap(), expected.len() as u64, "{}", filter);
    }
    Ok(())
}

/// The ids of all pages.
async fn walk<F: Copy, T>(
    session: &Session,
    (collection, way): (&Collection<F, T>, &impl Fn() -> Way),
    mut query: Query<F>,
    id_of: &impl Fn(&T) -> Uuid,
) -> Vec<Uuid> {
    let mut met = Vec::new();
    loop {
        let found = page(session, collection, CONTOSO, &query, way())
            .await
            .unwrap();
        met.extend(found.rows.iter().map(id_of));
        query.skip = 0;
        query.after = found.next;
        if query.after.is_none() {
            return met;
        }
    }
}

#[test]
fn every_kind_of_property() {
    let id = (|id: &Uuid| *id, Every::Id);
    hold(&every(), (&EVERY, None), &insert_every, id);
}

#[test]
fn imports() {
    let vocabulary = vocabulary::imports(Version::Beta);
    let id = (|import: &Import| import.id.0, ImportField::Id);
    hold(vocabulary, (&IMPORTS, None), &insert_import, id);
    let in_upload = (&IMPORTS, Some(UPLOAD));
    hold(vocabulary, in_upload, &insert_import_in_upload, id);
}

#[test]
fn uploads() {
    let vocabulary = vocabulary::uploads(Version::Beta);
    let id = (|upload: &Upload| upload.id.0, UploadField::Id);
    hold(vocabulary, (&UPLOADS, None), &insert_upload, id);
}

#[test]
fn devices() {
    let vocabulary = vocabulary::devices(Version::Beta);
    let id = (|device: &Device| device.id.0, DeviceField::Id);
    hold(vocabulary, (&DEVICES, None), &insert_device, id);
}
