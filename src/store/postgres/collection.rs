//! Collections: pages and counts of the rows that a filter takes, in any order.
//!
//! A collection says which table it is and where its properties are kept. What a query means as SQL
//! is in `store::filter_sql`; what narrows down which rows are looked at is in `narrowing`.

mod narrowing;
mod parameter;

use odata::{Condition, Direction, Kind, OrderKey, Value};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    fault::{Fault, corrupt, of_search},
    pool::Session,
    row::{self, bounded},
    uploads,
};
use crate::{
    domain::{
        assignment::Plan,
        device::Device,
        field::{DeviceField, ImportField, UploadField},
        import::Import,
        tenant::TenantId,
        upload::{Upload, UploadId},
    },
    store::{
        StoreError, columns,
        filter_sql::{Column, Dialect, Parameter, Statement},
        operation::{Listed, Position, Query},
    },
};

/// A table of tenants' rows with GUIDs for keys.
pub(super) struct Collection<F: 'static, T> {
    /// The table, whose rows `(tenant, id)` finds.
    pub(super) table: &'static str,
    /// The columns that `read` reads, `id` among them.
    pub(super) columns: &'static str,
    /// Where a property is kept.
    pub(super) column_of: fn(F) -> Column,
    /// Reads a row.
    pub(super) read: fn(&Row) -> Result<T, Fault>,
    /// Whether a field is the serial number, of which trigrams are kept.
    pub(super) is_serial: fn(F) -> bool,
}

/// What a query is made into SQL by, besides itself.
pub(super) struct Way {
    /// What decides which profile a tenant's devices have.
    pub(super) plan: Plan,
    /// Whether trigrams find ASCII letters in either case.
    pub(super) folds_ascii: bool,
    /// The upload whose imports are meant, if not all are.
    pub(super) upload: Option<UploadId>,
}

/// How imports are listed.
pub(super) const IMPORTS: Collection<ImportField, Import> = Collection {
    table: "import",
    columns: row::IMPORT_COLUMNS,
    column_of: |field| columns::import(Dialect::Postgres, field),
    read: row::import,
    is_serial: |field| matches!(field, ImportField::SerialNumber),
};

/// How uploads are listed.
pub(super) const UPLOADS: Collection<UploadField, Upload> = Collection {
    table: "upload",
    columns: uploads::COLUMNS,
    column_of: columns::upload,
    read: uploads::read,
    is_serial: |_| false,
};

/// How devices are listed.
pub(super) const DEVICES: Collection<DeviceField, Device> = Collection {
    table: "device",
    columns: row::DEVICE_COLUMNS,
    column_of: columns::device,
    read: row::device,
    is_serial: |field| matches!(field, DeviceField::SerialNumber),
};

/// How many rows a filter takes.
pub(super) async fn count<F: Copy, T>(
    session: &Session,
    collection: &Collection<F, T>,
    tenant: TenantId,
    filter: Option<&Condition<F>>,
    way: Way,
) -> Result<u64, Fault> {
    let mut sql = Statement::new(Dialect::Postgres, collection.column_of).by_plan(way.plan);
    sql.push("SELECT count(*)");
    from(
        &mut sql,
        collection,
        (tenant, way.upload),
        filter,
        way.folds_ascii,
    );
    row::count(&run(session, sql).await?)
}

/// A page of the rows that a filter takes.
pub(super) async fn page<F: Copy, T>(
    session: &Session,
    collection: &Collection<F, T>,
    tenant: TenantId,
    query: &Query<F>,
    way: Way,
) -> Result<Listed<T>, Fault> {
    let (keys, ids) = until_id(&query.order);
    let mut sql = Statement::new(Dialect::Postgres, collection.column_of).by_plan(way.plan);
    sql.push("SELECT ");
    sql.push(collection.columns);
    for (index, key) in keys.iter().enumerate() {
        let is_number = matches!(key.property.kind, Kind::Integer | Kind::Enum(_));
        let (before, after) = if is_number {
            (", (", ")::bigint")
        } else {
            (", ", "")
        };
        sql.push(before);
        sql.key(key);
        sql.push(&format!("{after} AS key_{index}"));
    }
    let filter = query.filter.as_ref();
    from(
        &mut sql,
        collection,
        (tenant, way.upload),
        filter,
        way.folds_ascii,
    );
    if let Some(end) = &query.after {
        sql.push(" AND ");
        sql.behind(keys, ids, end);
    }
    order_by(&mut sql, keys, ids);
    sql.push(" LIMIT ");
    sql.bind(Parameter::Integer(bounded(query.limit).saturating_add(1)));
    sql.push(" OFFSET ");
    sql.bind(Parameter::Integer(bounded(query.skip)));
    let rows = run(session, sql).await?;
    read_page(&rows, collection, query.limit, keys)
}

/// Appends where the rows come from, and under which condition.
fn from<F: Copy, T>(
    sql: &mut Statement<F>,
    collection: &Collection<F, T>,
    (tenant, upload): (TenantId, Option<UploadId>),
    filter: Option<&Condition<F>>,
    folds_ascii: bool,
) {
    sql.push(" FROM ");
    sql.push(collection.table);
    sql.push(" WHERE tenant = ");
    sql.bind(Parameter::Guid(tenant.0));
    if let Some(upload) = upload {
        sql.push(" AND upload = ");
        sql.bind(Parameter::Guid(upload.0));
    }
    let Some(filter) = filter else { return };
    if folds_ascii {
        narrowing::narrow(sql, filter, collection.is_serial);
    }
    sql.push(" AND ");
    sql.condition(filter);
}

async fn run<F: Copy>(session: &Session, sql: Statement<F>) -> Result<Vec<Row>, Fault> {
    if sql.is_too_long() {
        return Err(StoreError::TooCostly.into());
    }
    let (sql, parameters) = sql.finish();
    let parameters: Vec<(&(dyn ToSql + Sync), Type)> = parameters
        .iter()
        .map(|parameter| {
            let kind = parameter::type_of(parameter);
            (parameter as &(dyn ToSql + Sync), kind)
        })
        .collect();
    session
        .query_once(&sql, &parameters)
        .await
        .map_err(of_search)
}

/// The keys that decide before the id does, and which way the ids go.
fn until_id<F>(order: &[OrderKey<F>]) -> (&[OrderKey<F>], Direction) {
    let id = order
        .iter()
        .position(|key| key.property.kind == Kind::Guid && !key.property.nullable);
    match id {
        Some(index) => {
            let (before, rest) = order.split_at(index);
            let direction = rest.first().map(|key| key.direction);
            (before, direction.unwrap_or(Direction::Ascending))
        }
        None => (order, Direction::Ascending),
    }
}

fn order_by<F: Copy>(sql: &mut Statement<F>, keys: &[OrderKey<F>], ids: Direction) {
    sql.push(" ORDER BY ");
    for key in keys {
        if sql.sorts(key) {
            sql.key(key);
            sql.direction(key);
            sql.push(", ");
        }
    }
    sql.push(match ids {
        Direction::Ascending => "id",
        Direction::Descending => "id DESC",
    });
}

/// Reads a page, and its end if rows follow.
fn read_page<F: Copy, T>(
    found: &[Row],
    collection: &Collection<F, T>,
    limit: usize,
    keys: &[OrderKey<F>],
) -> Result<Listed<T>, Fault> {
    let rows = found.iter().take(limit).map(collection.read);
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    // A page of no rows has no end to go on from.
    let last = limit.checked_sub(1).and_then(|last| found.get(last));
    let next = match last.filter(|_| found.len() > limit) {
        Some(row) => {
            let key = |(index, key): (usize, &OrderKey<F>)| {
                key_value(row, &format!("key_{index}"), key.property.kind)
            };
            Some(Position {
                keys: keys.iter().enumerate().map(key).collect::<Result<_, _>>()?,
                id: row::get(row, "id")?,
            })
        }
        None => None,
    };
    Ok(Listed { rows, next })
}

/// Reads the value of an order's key.
fn key_value(row: &Row, column: &str, kind: Kind) -> Result<Value<'static>, Fault> {
    let integer = || row::get::<Option<i64>>(row, column);
    let value = match kind {
        Kind::String => {
            row::get::<Option<String>>(row, column)?.map(|text| Value::Text(text.into()))
        }
        Kind::Boolean => row::get::<Option<bool>>(row, column)?.map(Value::Boolean),
        Kind::Guid => row::get::<Option<uuid::Uuid>>(row, column)?.map(Value::Guid),
        Kind::DateTimeOffset => integer()?
            .map(row::timestamp)
            .transpose()?
            .map(Value::Instant),
        Kind::Enum(_) => integer()?
            .map(|number| i32::try_from(number).map_err(|_| corrupt("a member of an enumeration")))
            .transpose()?
            .map(Value::Enum),
        _ => integer()?.map(Value::Integer),
    };
    Ok(value.unwrap_or(Value::Null))
}
