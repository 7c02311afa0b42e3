//! Queries on PostgreSQL mean what the evaluator says: over random rows, trees and orders, in one
//! page and in many.

use odata::{
    Condition, EnumType, Kind, Order, Property, Value, Vocabulary, matches,
    testing::{Row, conditions, orders, rows},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{super::*, serve};
use crate::{
    domain::directory_error::DirectoryError,
    store::{
        DatabaseKind,
        filter_sql::{ByPlan, Column, NEVER_MICROSECONDS},
        postgres::{
            collection::{Collection, DEVICES, IMPORTS, count, page},
            pool::Session,
        },
    },
    testing::{CONTOSO, FABRIKAM, postgres::Scratch, version::Version, vocabulary},
};

/// A field of every kind that a property can have, whatever collections have today.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Every {
    Id,
    Text,
    Other,
    Number,
    At,
    Truth,
    Guid,
    Member,
}

const MEMBERS: EnumType = EnumType {
    name: "test.member",
    members: &[("one", 1), ("minusOne", -1), ("ten", 10)],
};

fn every() -> Vocabulary<Every> {
    Vocabulary::new("test.every")
        .property(Property::new("id", Every::Id, Kind::Guid).required())
        .property(Property::new("text", Every::Text, Kind::String).required())
        .property(Property::new("other", Every::Other, Kind::String))
        .property(Property::new("number", Every::Number, Kind::Integer))
        .property(Property::new("at", Every::At, Kind::DateTimeOffset))
        .property(Property::new("truth", Every::Truth, Kind::Boolean))
        .property(Property::new("guid", Every::Guid, Kind::Guid))
        .property(Property::new("member", Every::Member, Kind::Enum(&MEMBERS)))
}

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
    CREATE INDEX ON every USING gin (tenant, serial_number gin_trgm_ops)";

fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Instant(instant) => Some(instant.as_microsecond()),
        Value::Enum(number) => Some(i64::from(*number)),
        _ => None,
    }
}

fn truth(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        _ => None,
    }
}

fn guid(value: &Value<'_>) -> Option<Uuid> {
    match value {
        Value::Guid(id) => Some(*id),
        _ => None,
    }
}

async fn insert_every(session: &Session, tenant: TenantId, row: &mut Row<Every>, id: Uuid) {
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

/// Takes the state of an import from one of its members, as no others go together.
async fn insert_import(session: &Session, tenant: TenantId, row: &mut Row<ImportField>, id: Uuid) {
    row.set(ImportField::Id, Value::Guid(id));
    let device = Uuid::from_u128(id.as_u128().wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C));
    let errors = DirectoryError::ALL;
    let error = errors[usize::from(id.as_bytes()[15]) % errors.len()];
    let (state, device, error) = match number(&row.get(ImportField::Status)) {
        Some(3) => (row::COMPLETE, Some(device), None),
        Some(4) => (row::REFUSED, None, Some(error)),
        _ => (row::WAITING, None, None),
    };
    let name = match (state, error) {
        (row::COMPLETE, _) => "None",
        (_, Some(error)) => error.name(),
        _ => "",
    };
    let shown = device.map(|id| id.to_string()).unwrap_or_default();
    let status = Value::Enum(i32::try_from(state).unwrap());
    row.set(ImportField::Status, status);
    row.set(ImportField::RegisteredDevice, Value::Text(shown.into()));
    let code = error.map_or(0, DirectoryError::code);
    row.set(ImportField::ErrorCode, Value::Integer(code.into()));
    row.set(ImportField::ErrorName, Value::Text(name.into()));
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
                &error.map(|error| i64::from(error.code())),
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

/// What no device has yet is what every device has.
async fn insert_device(session: &Session, tenant: TenantId, row: &mut Row<DeviceField>, id: Uuid) {
    row.set(DeviceField::Id, Value::Guid(id));
    for property in vocabulary::devices(Version::Beta).properties() {
        let field = property.field;
        match (DEVICES.column_of)(field) {
            Column::Constant(value) => row.set(field, value),
            // No profile is assigned to anybody.
            Column::Planned(ByPlan::Status, _) => row.set(field, Value::Enum(4)),
            Column::Planned(ByPlan::AssignedAt, _) => {
                let never = jiff::Timestamp::from_microsecond(NEVER_MICROSECONDS).unwrap();
                row.set(field, Value::Instant(never));
            }
            // Absent texts are empty.
            Column::Stored { .. } if row.get(field) == Value::Null => {
                row.set(field, Value::Text("".into()));
            }
            Column::Stored { .. } => {}
        }
    }
    // What no device can have is not shown either.
    let enrollment = number(&row.get(DeviceField::UserlessEnrollmentStatus)).unwrap_or(0) % 3;
    let shown = i32::try_from(enrollment).unwrap();
    row.set(DeviceField::UserlessEnrollmentStatus, Value::Enum(shown));
    let managed = text(&row.get(DeviceField::ManagedDeviceId));
    if managed.as_deref() == Some("") {
        let shown = Uuid::nil().to_string();
        row.set(DeviceField::ManagedDeviceId, Value::Text(shown.into()));
    }
    let sql = "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
            serial_number, product_key, manufacturer, model, sku_number, system_family,
            user_principal_name, purchase_order_identifier, addressable_user_name, resource_name,
            directory_device_id, managed_device_id, display_name, device_account_upn,
            device_friendly_name, userless_enrollment)
         VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19, $20)";
    let inserted = session
        .execute(
            sql,
            &[
                &tenant.0,
                &id,
                &Uuid::new_v4(),
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
                &enrollment,
            ],
        )
        .await;
    inserted.unwrap();
}

/// Rows and questions about them.
#[derive(Clone, Debug)]
struct Asked<F> {
    rows: Vec<Row<F>>,
    filters: Vec<Condition<F>>,
    order: Order<F>,
    skip: usize,
    limit: usize,
}

fn plans<F: Copy + std::fmt::Debug + PartialEq + 'static>(
    vocabulary: &Vocabulary<F>,
) -> impl Strategy<Value = Asked<F>> + use<F> {
    let filters = vec(conditions(vocabulary), 8);
    let order = prop_oneof![1 => Just(Order { keys: Vec::new() }), 6 => orders(vocabulary)];
    (
        vec(rows(vocabulary), 0..16),
        filters,
        order,
        (0..4_usize, 1..6_usize),
    )
        .prop_map(|(rows, filters, order, (skip, limit))| Asked {
            rows,
            filters,
            order,
            skip,
            limit,
        })
}

/// Holds a collection to the evaluator. `insert` writes a row, and its id into it.
fn hold<F, T>(
    vocabulary: &Vocabulary<F>,
    collection: &Collection<F, T>,
    insert: &impl AsyncFn(&Session, TenantId, &mut Row<F>, Uuid),
    (id_of, id): (impl Fn(&T) -> Uuid, F),
) where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    let config = Config {
        cases: 96,
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
    let outcome = TestRunner::new(config).run(&plans(vocabulary), |mut plan| {
        runtime.block_on(async {
            session.batch("ROLLBACK; BEGIN").await.unwrap();
            for row in &mut plan.rows {
                insert(&session, CONTOSO, row, Uuid::new_v4()).await;
                // Whoever asks must not meet what is not his.
                insert(&session, FABRIKAM, &mut row.clone(), Uuid::new_v4()).await;
            }
            let checked = check(&session, collection, &plan, &id_of, id).await;
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
    collection: &Collection<F, T>,
    plan: &Asked<F>,
    id_of: &impl Fn(&T) -> Uuid,
    id: F,
) -> Result<(), TestCaseError>
where
    F: Copy + std::fmt::Debug + PartialEq + 'static,
{
    let by_id = |row: &Row<F>| guid(&row.get(id)).unwrap();
    let mut sorted = plan.rows.clone();
    sorted.sort_by(|one, other| {
        let order = plan
            .order
            .compare(&|field| one.get(field), &|field| other.get(field));
        order.then_with(|| by_id(one).cmp(&by_id(other)))
    });
    for filter in &plan.filters {
        let taken = sorted
            .iter()
            .filter(|row| matches(filter, &|field| row.get(field)));
        let expected: Vec<_> = taken.map(by_id).collect();
        let query = Query {
            filter: Some(filter.clone()),
            order: plan.order.keys.clone(),
            after: None,
            skip: plan.skip as u64,
            limit: plan.limit,
        };
        let met = walk(session, collection, query, id_of).await;
        let expected_behind: Vec<_> = expected.iter().skip(plan.skip).copied().collect();
        prop_assert_eq!(&met, &expected_behind, "{}", filter);
        let counted = count(session, collection, CONTOSO, Some(filter), way()).await;
        prop_assert_eq!(counted.unwrap(), expected.len() as u64, "{}", filter);
    }
    Ok(())
}

fn way() -> Way {
    Way {
        plan: Plan::default(),
        folds_ascii: true,
        upload: None,
    }
}

/// The ids of all pages.
async fn walk<F: Copy, T>(
    session: &Session,
    collection: &Collection<F, T>,
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
    hold(
        &every(),
        &EVERY,
        &insert_every,
        (|id: &Uuid| *id, Every::Id),
    );
}

#[test]
fn imports() {
    let vocabulary = vocabulary::imports(Version::Beta);
    let id = (|import: &Import| import.id.0, ImportField::Id);
    hold(vocabulary, &IMPORTS, &insert_import, id);
}

#[test]
fn devices() {
    let vocabulary = vocabulary::devices(Version::Beta);
    let id = (|device: &Device| device.id.0, DeviceField::Id);
    hold(vocabulary, &DEVICES, &insert_device, id);
}
