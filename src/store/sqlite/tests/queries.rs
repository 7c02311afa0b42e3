//! Queries on SQLite mean what the evaluator says: over random rows, trees and orders, in one page
//! and in many.

use odata::{Value, Vocabulary, parse_filter, testing::Row};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::{
    collection::{Collection, Scope, count_rows, page},
    devices, imports, open, row, search, uploads,
};
use crate::{
    domain::{
        assignment::{
            self, Assignment, AssignmentRules, Candidate, GroupId, GroupRule, Target, Targeting,
        },
        device::DeviceId,
        directory_error::DirectoryError,
        field::{DeviceField, ImportField, UploadField},
        import::ImportState,
        settings::{SyncRules, SyncState},
        tag_pattern::TagPattern,
        tenant::TenantId,
        upload::UploadId,
    },
    store::{
        filter_sql::Column,
        operation::Query,
        questions::{
            Drawn, Every, at, every, guid, number, profile_id, questions, show_device, show_import,
            show_managed, show_profile, tenant_plans, text,
        },
    },
    testing::{CONTOSO, FABRIKAM, version::Version, vocabulary},
};

const EVERY: Collection<Every, Uuid> = Collection {
    table: "every",
    columns: "id",
    column_of: |field| match field {
        Every::Id => Column::required("id"),
        Every::Text => Column::required("text"),
        Every::Other => Column::nullable("other"),
        Every::Number => Column::nullable("number"),
        Every::At => Column::nullable("at"),
        Every::Truth => Column::nullable("truth"),
        Every::Guid => Column::nullable("guid"),
        Every::Member => Column::nullable("member"),
    },
    read: |found| Ok(row::guid(found, 0)?),
    search: None,
};

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    open::make_schema(&connection).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE every (tenant BLOB NOT NULL, id BLOB NOT NULL, text TEXT NOT NULL,
                other TEXT, number INTEGER, at INTEGER, truth INTEGER, guid BLOB, member INTEGER,
                PRIMARY KEY (tenant, id)) STRICT, WITHOUT ROWID",
        )
        .unwrap();
    connection
}

fn insert_every(connection: &Connection, tenant: TenantId, row: &mut Row<Every>, id: Uuid) {
    row.set(Every::Id, Value::Guid(id));
    let sql = "INSERT INTO every VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let inserted = connection.prepare_cached(sql).unwrap().execute(params![
        tenant.0.as_bytes(),
        id.as_bytes(),
        text(&row.get(Every::Text)),
        text(&row.get(Every::Other)),
        number(&row.get(Every::Number)),
        number(&row.get(Every::At)),
        number(&row.get(Every::Truth)),
        guid(&row.get(Every::Guid)).map(Uuid::into_bytes),
        number(&row.get(Every::Member)),
    ]);
    inserted.unwrap();
}

fn insert_import(connection: &Connection, tenant: TenantId, row: &mut Row<ImportField>, id: Uuid) {
    let (state, device, error) = match show_import(row, id) {
        ImportState::Waiting => (row::WAITING, None, None),
        ImportState::Complete(device) => (row::COMPLETE, Some(device.0.into_bytes()), None),
        ImportState::Refused(error) => (row::REFUSED, None, Some(error.code())),
    };
    let sql = "INSERT INTO import (tenant, id, call, accepted_at, state, device, error_code,
            group_tag, serial_number, product_key, import_id, assigned_user_principal_name)
         VALUES (?1, ?2, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let inserted = connection.prepare_cached(sql).unwrap().execute(params![
        tenant.0.as_bytes(),
        id.as_bytes(),
        state,
        device,
        error,
        text(&row.get(ImportField::GroupTag)),
        text(&row.get(ImportField::SerialNumber)),
        text(&row.get(ImportField::ProductKey)),
        text(&row.get(ImportField::ImportId)),
        text(&row.get(ImportField::AssignedUserPrincipalName)),
    ]);
    inserted.unwrap();
}

/// Says of a device when it was registered and targeted, and what of its very self; and writes into
/// the row what it is shown with then.
fn target_device(
    connection: &Connection,
    tenant: TenantId,
    plan: &assignment::Plan,
    row: &mut Row<DeviceField>,
    id: Uuid,
) {
    let drawn = Drawn::of(row);
    let updated = connection.execute(
        "UPDATE device SET registered_at = ?3, targeted_at = ?4, direct_profile = ?5
         WHERE tenant = ?1 AND id = ?2",
        params![
            tenant.0.as_bytes(),
            id.as_bytes(),
            drawn.registered_at,
            drawn.targeted_at,
            drawn.direct_profile.map(Uuid::into_bytes),
        ],
    );
    assert_eq!(updated, Ok(1));
    let device = devices::find(connection, tenant, DeviceId(id)).unwrap();
    show_profile(row, plan, &device.unwrap());
}

fn insert_device(
    connection: &Connection,
    tenant: TenantId,
    plan: &assignment::Plan,
    row: &mut Row<DeviceField>,
    id: Uuid,
) {
    show_device(row, id);
    let managed = show_managed(row);
    let enrollment = number(&row.get(DeviceField::UserlessEnrollmentStatus));
    let sql = "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
            serial_number, product_key, manufacturer, model, sku_number, system_family,
            user_principal_name, purchase_order_identifier, addressable_user_name, resource_name,
            directory_device_id, managed_device_id, display_name, device_account_upn,
            device_friendly_name, userless_enrollment)
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
            ?18, ?19, ?20)";
    let inserted = connection.prepare_cached(sql).unwrap().execute(params![
        tenant.0.as_bytes(),
        id.as_bytes(),
        Uuid::new_v4().as_bytes(),
        text(&row.get(DeviceField::GroupTag)),
        text(&row.get(DeviceField::SerialNumber)),
        text(&row.get(DeviceField::ProductKey)),
        text(&row.get(DeviceField::Manufacturer)),
        text(&row.get(DeviceField::Model)),
        text(&row.get(DeviceField::SkuNumber)),
        text(&row.get(DeviceField::SystemFamily)),
        text(&row.get(DeviceField::UserPrincipalName)),
        text(&row.get(DeviceField::PurchaseOrderIdentifier)),
        text(&row.get(DeviceField::AddressableUserName)),
        text(&row.get(DeviceField::ResourceName)),
        text(&row.get(DeviceField::DirectoryDeviceId)),
        managed,
        text(&row.get(DeviceField::DisplayName)),
        text(&row.get(DeviceField::DeviceAccountUpn)),
        text(&row.get(DeviceField::DeviceFriendlyName)),
        enrollment,
    ]);
    inserted.unwrap();
    let serial_number = text(&row.get(DeviceField::SerialNumber)).unwrap();
    search::DeviceNotes::prepare(connection)
        .unwrap()
        .note(tenant, DeviceId(id), &serial_number)
        .unwrap();
    target_device(connection, tenant, plan, row, id);
}

/// The upload that imports are asked for within.
const UPLOAD: UploadId = UploadId(Uuid::from_u128(7));

/// The import is the upload's. Another, which is as much like it as can be, is another upload's, and
/// one is nobody's: whoever asks the upload must not meet them.
fn insert_import_in_upload(
    connection: &Connection,
    tenant: TenantId,
    row: &mut Row<ImportField>,
    id: Uuid,
) {
    let others = [
        (Uuid::new_v4(), Some(Uuid::from_u128(8))),
        (Uuid::new_v4(), None),
        (id, Some(UPLOAD.0)),
    ];
    for (id, upload) in others {
        insert_import(connection, tenant, row, id);
        let sql = "UPDATE import SET upload = ?3 WHERE tenant = ?1 AND id = ?2";
        let updated = connection.prepare_cached(sql).unwrap().execute(params![
            tenant.0.as_bytes(),
            id.as_bytes(),
            upload.map(Uuid::into_bytes),
        ]);
        assert_eq!(updated, Ok(1));
    }
}

/// The status of an upload is made true by imports that stand so.
fn insert_upload(connection: &Connection, tenant: TenantId, row: &mut Row<UploadField>, id: Uuid) {
    row.set(UploadField::Id, Value::Guid(id));
    let sql = "INSERT INTO upload (tenant, id, created_at) VALUES (?1, ?2, ?3)";
    let inserted = connection.prepare_cached(sql).unwrap().execute(params![
        tenant.0.as_bytes(),
        id.as_bytes(),
        number(&row.get(UploadField::CreatedAt)),
    ]);
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
             VALUES (?1, ?2, ?2, 0, ?3, ?4, ?5, ?6)";
        let device = (*state == row::COMPLETE).then(|| Uuid::new_v4().into_bytes());
        let error = (*state == row::REFUSED).then(|| DirectoryError::StorageError.code());
        let inserted = connection.prepare_cached(sql).unwrap().execute(params![
            tenant.0.as_bytes(),
            Uuid::new_v4().as_bytes(),
            state,
            device,
            error,
            id.as_bytes(),
        ]);
        inserted.unwrap();
    }
}

/// Holds a collection to the evaluator. `insert` writes a row, and its id into it.
fn hold<F, T>(
    vocabulary: &Vocabulary<F>,
    (collection, scope): (&Collection<F, T>, Scope),
    insert: impl Fn(&Connection, TenantId, &mut Row<F>, Uuid),
    of: (impl Fn(&T) -> Uuid, F),
) where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    let insert = |connection: &Connection,
                  tenant: TenantId,
                  _: &assignment::Plan,
                  row: &mut Row<F>,
                  id: Uuid| insert(connection, tenant, row, id);
    let default = Just(assignment::Plan::default());
    hold_by_plan(vocabulary, (collection, scope), default, insert, of);
}

/// The same of rows whose properties partly follow from plans.
fn hold_by_plan<F, T>(
    vocabulary: &Vocabulary<F>,
    (collection, scope): (&Collection<F, T>, Scope),
    tenant_plans: impl Strategy<Value = assignment::Plan>,
    insert: impl Fn(&Connection, TenantId, &assignment::Plan, &mut Row<F>, Uuid),
    (id_of, id): (impl Fn(&T) -> Uuid, F),
) where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    let config = Config {
        cases: 128,
        max_shrink_time: 30_000,
        failure_persistence: None,
        ..Config::default()
    };
    let connection = database();
    let outcome =
        TestRunner::new(config).run(&(questions(vocabulary), tenant_plans), |(mut asked, by)| {
            // It is rolled back at the end, and leaves nothing behind.
            let transaction = connection.unchecked_transaction().unwrap();
            for (index, row) in asked.rows.iter_mut().enumerate() {
                insert(&transaction, CONTOSO, &by, row, Uuid::new_v4());
                // Whoever asks must not meet what is not his.
                insert(
                    &transaction,
                    FABRIKAM,
                    &by,
                    &mut row.clone(),
                    Uuid::new_v4(),
                );
                // Some are in the index of trigrams, and some behind it.
                if index == asked.indexed {
                    search::catch_up(&transaction, 0).unwrap();
                }
            }
            for filter in &asked.filters {
                let expected = asked.answer(filter, id);
                let query = asked.query(filter);
                let met = walk(&transaction, (collection, scope), query, &by, &id_of);
                let expected_behind: Vec<_> = expected.iter().skip(asked.skip).copied().collect();
                prop_assert_eq!(&met, &expected_behind, "{}", filter);
                let counted = count_rows(&transaction, collection, scope, Some(filter), by.clone());
                prop_assert_eq!(counted.unwrap(), expected.len() as u64, "{}", filter);
            }
            Ok::<_, TestCaseError>(())
        });
    outcome.expect("SQLite says what the evaluator says");
}

/// The ids of all pages.
fn walk<F: Copy, T>(
    connection: &Connection,
    (collection, scope): (&Collection<F, T>, Scope),
    mut query: Query<F>,
    plan: &assignment::Plan,
    id_of: &impl Fn(&T) -> Uuid,
) -> Vec<Uuid> {
    let mut met = Vec::new();
    loop {
        let found = page(connection, collection, scope, &query, plan.clone()).unwrap();
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
    hold(
        &every(),
        (&EVERY, CONTOSO.into()),
        insert_every,
        (|id: &Uuid| *id, Every::Id),
    );
}

#[test]
fn imports() {
    let vocabulary = vocabulary::imports(Version::Beta);
    let id = (
        |import: &crate::domain::import::Import| import.id.0,
        ImportField::Id,
    );
    let all = (&imports::COLLECTION, CONTOSO.into());
    hold(vocabulary, all, insert_import, id);
    let in_upload = uploads::imports_of(CONTOSO, UPLOAD);
    let within = (&imports::COLLECTION, in_upload);
    hold(vocabulary, within, insert_import_in_upload, id);
}

#[test]
fn uploads() {
    let vocabulary = vocabulary::uploads(Version::Beta);
    let id = (
        |upload: &crate::domain::upload::Upload| upload.id.0,
        UploadField::Id,
    );
    let all = (&uploads::COLLECTION, CONTOSO.into());
    hold(vocabulary, all, insert_upload, id);
}

#[test]
fn devices() {
    let vocabulary = vocabulary::devices(Version::Beta);
    let id = (
        |device: &crate::domain::device::Device| device.id.0,
        DeviceField::Id,
    );
    let all = (&devices::COLLECTION, CONTOSO.into());
    hold_by_plan(vocabulary, all, tenant_plans(), insert_device, id);
}

/// A plan of so many profiles, each for so many groups whose rules have a tag each.
fn wide_plan(profiles: u8, groups: u8) -> assignment::Plan {
    let group = |number: u8| GroupId(Uuid::from_u128(1000 + u128::from(number)));
    let rules = AssignmentRules {
        groups: (0..groups)
            .map(|number| GroupRule {
                group: group(number),
                tag: TagPattern::new(&format!("*tag {number}*")),
            })
            .collect(),
        ..AssignmentRules::default()
    };
    let candidates = (0..profiles).flat_map(|profile| {
        (0..groups).map(move |number| Candidate {
            assignment: Assignment {
                profile: profile_id(profile),
                target: Target::from_parts(group(number), number % 5 == 4),
            },
            profile_created_at: at(i64::from(profile)),
            effective_at: at(i64::from(number)),
        })
    });
    let targeting = Targeting {
        candidates: candidates.collect(),
        sync: SyncState::default(),
    };
    assignment::Plan::new(&targeting, &rules, &SyncRules::default(), at(1000))
}

#[test]
fn no_plan_is_too_much_for_the_database() {
    let connection = database();
    let vocabulary = vocabulary::devices(Version::Beta);
    let count = |plan: assignment::Plan, filter: &str| {
        let filter = parse_filter(filter, vocabulary, &[]).unwrap();
        let collection = &devices::COLLECTION;
        count_rows(&connection, collection, CONTOSO, Some(&filter), plan)
            .map_err(crate::store::StoreError::from)
    };
    let waits = "deploymentProfileAssignmentStatus eq 'pending'";
    assert_eq!(count(wide_plan(250, 5), waits), Ok(0));
    assert_eq!(count(wide_plan(20, 100), waits), Ok(0));
    // What no database would take is refused, and is not written first.
    let too_costly = Err(crate::store::StoreError::TooCostly);
    assert_eq!(count(wide_plan(250, 250), waits), too_costly);
    let often = vec!["year(deploymentProfileAssignedDateTime) eq 2026"; 40].join(" or ");
    assert_eq!(count(wide_plan(4, 4), &often), Ok(0));
    assert_eq!(count(wide_plan(50, 50), &often), too_costly);
}
