//! Collections: pages and counts of the rows that a filter takes, in any order.
//!
//! A collection says which table it is and where its properties are kept. What a query means as SQL
//! is in `store::filter_sql`.

use odata::{Condition, Direction, Kind, OrderKey, Value};
use rusqlite::{
    Connection, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, Value as SqlValue},
};
use uuid::Uuid;

use super::{
    fault::Fault,
    readers::Readers,
    row,
    search::{self, Search, Way},
};
use crate::{
    domain::{assignment::Plan, tenant::TenantId},
    store::{
        StoreError,
        filter_sql::{Column, Dialect, Parameter, Statement},
        operation::{Listed, Position, Query},
    },
};

/// How many rows are passed over in no time.
const FEW_SKIPPED: u64 = 10_000;

/// A table of tenants' rows with GUIDs for keys.
pub(super) struct Collection<F: 'static, T> {
    /// The table, whose rows `(tenant, id)` finds.
    pub(super) table: &'static str,
    /// The columns that `read` reads, `id` among them.
    pub(super) columns: &'static str,
    /// Where a property is kept.
    pub(super) column_of: fn(F) -> Column,
    /// Reads a row.
    pub(super) read: fn(&Row<'_>) -> Result<T, Fault>,
    /// How its rows are found, where something is kept to find them by.
    pub(super) search: Option<Search<F>>,
}

/// Which rows of a table make up the collection that is asked.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// Those of this tenant.
    pub(super) tenant: TenantId,
    /// Among them, those that belong to one thing alone.
    pub(super) within: Option<Within>,
}

/// What rows belong to, and how they are found by it.
#[derive(Clone, Copy)]
pub(super) struct Within {
    /// The index over tenant, this column and id.
    pub(super) index: &'static str,
    /// The column.
    pub(super) column: &'static str,
    /// What it holds.
    pub(super) key: Uuid,
}

impl From<TenantId> for Scope {
    fn from(tenant: TenantId) -> Self {
        let within = None;
        Self { tenant, within }
    }
}

impl<F: Copy, T> Collection<F, T> {
    fn way(
        &self,
        connection: &Connection,
        scope: Scope,
        filter: Option<&Condition<F>>,
    ) -> Result<Way, Fault> {
        match (&self.search, scope.within) {
            // What belongs to one thing is few beside all that a tenant has.
            (_, Some(within)) => Ok(Way::Within(within)),
            (Some(search), None) => search::way(connection, search, scope.tenant, filter),
            (None, None) => Ok(Way::Any),
        }
    }
}

/// A page of the rows that a filter takes.
pub(super) async fn list<F, T>(
    readers: &Readers,
    collection: &'static Collection<F, T>,
    scope: impl Into<Scope>,
    query: Query<F>,
) -> Result<Listed<T>, StoreError>
where
    F: Copy + Send + 'static,
    T: Send + 'static,
{
    list_by_plan(readers, collection, scope, query, Plan::default()).await
}

/// The same of rows whose properties partly follow from a plan.
pub(super) async fn list_by_plan<F, T>(
    readers: &Readers,
    collection: &'static Collection<F, T>,
    scope: impl Into<Scope>,
    query: Query<F>,
    plan: Plan,
) -> Result<Listed<T>, StoreError>
where
    F: Copy + Send + 'static,
    T: Send + 'static,
{
    // What is passed over is read, too.
    let is_plain = is_plain(&query) && query.skip < FEW_SKIPPED;
    let scope = scope.into();
    let read = move |connection: &Connection| page(connection, collection, scope, &query, plan);
    if is_plain {
        readers.run(read).await
    } else {
        readers.search(read).await
    }
}

/// How many rows a filter takes.
pub(super) async fn count<F, T>(
    readers: &Readers,
    collection: &'static Collection<F, T>,
    scope: impl Into<Scope>,
    filter: Option<Condition<F>>,
) -> Result<u64, StoreError>
where
    F: Copy + Send + 'static,
    T: 'static,
{
    count_by_plan(readers, collection, scope, filter, Plan::default()).await
}

/// The same of rows whose properties partly follow from a plan.
pub(super) async fn count_by_plan<F, T>(
    readers: &Readers,
    collection: &'static Collection<F, T>,
    scope: impl Into<Scope>,
    filter: Option<Condition<F>>,
    plan: Plan,
) -> Result<u64, StoreError>
where
    F: Copy + Send + 'static,
    T: 'static,
{
    let scope = scope.into();
    readers
        .search(move |connection| count_rows(connection, collection, scope, filter.as_ref(), plan))
        .await
}

pub(super) fn count_rows<F: Copy, T>(
    connection: &Connection,
    collection: &Collection<F, T>,
    scope: impl Into<Scope>,
    filter: Option<&Condition<F>>,
    plan: Plan,
) -> Result<u64, Fault> {
    let scope = scope.into();
    let way = collection.way(connection, scope, filter)?;
    let mut sql = Statement::new(Dialect::Sqlite, collection.column_of).by_plan(plan);
    sql.push("SELECT count(*)");
    way.from(&mut sql, collection.table, scope.tenant);
    if let Some(filter) = filter {
        sql.push(" AND ");
        sql.condition(filter);
    }
    let (sql, parameters) = finish(sql)?;
    let parameters = params_from_iter(&parameters);
    Ok(if filter.is_none() {
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_row(parameters, |row| row.get(0))?
    } else {
        connection.query_row(&sql, parameters, |row| row.get(0))?
    })
}

pub(super) fn page<F: Copy, T>(
    connection: &Connection,
    collection: &Collection<F, T>,
    scope: impl Into<Scope>,
    query: &Query<F>,
    plan: Plan,
) -> Result<Listed<T>, Fault> {
    let scope = scope.into();
    let (keys, ids) = until_id(&query.order);
    let way = collection.way(connection, scope, query.filter.as_ref())?;
    let sql = Statement::new(Dialect::Sqlite, collection.column_of).by_plan(plan);
    let sql = page_sql(sql, collection, scope.tenant, query, &way, (keys, ids));
    let (sql, parameters) = finish(sql)?;
    // Trees come in any number of shapes: their statements would drive those out of the cache that
    // every request needs.
    if is_plain(query) {
        let mut statement = connection.prepare_cached(&sql)?;
        read_page(&mut statement, collection, &parameters, query.limit, keys)
    } else {
        let mut statement = connection.prepare(&sql)?;
        read_page(&mut statement, collection, &parameters, query.limit, keys)
    }
}

/// The text and the parameters of a statement that the database takes.
fn finish<F: Copy>(sql: Statement<F>) -> Result<(String, Vec<Parameter>), Fault> {
    if sql.is_too_long() {
        return Err(StoreError::TooCostly.into());
    }
    Ok(sql.finish())
}

/// Whether a query takes the rows as they lie.
fn is_plain<F>(query: &Query<F>) -> bool {
    query.filter.is_none() && query.order.is_empty()
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

/// The statement for a page and the row behind it, which tells whether there are more.
fn page_sql<F: Copy, T>(
    mut sql: Statement<F>,
    collection: &Collection<F, T>,
    tenant: TenantId,
    query: &Query<F>,
    way: &Way,
    (keys, ids): (&[OrderKey<F>], Direction),
) -> Statement<F> {
    sql.push("SELECT ");
    sql.push(collection.columns);
    for key in keys {
        sql.push(", ");
        sql.key(key);
    }
    // What is sorted, or gone through in an index, is the ids alone: rows may be long.
    let sorted = keys.iter().any(|key| sql.sorts(key));
    let ids_first = sorted || matches!(way, Way::Index(..));
    if ids_first {
        Way::Any.from(&mut sql, collection.table, tenant);
        sql.push(" AND id IN (SELECT id");
    }
    way.from(&mut sql, collection.table, tenant);
    if let Some(end) = &query.after {
        sql.push(" AND ");
        sql.behind(keys, ids, end);
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        sql.condition(filter);
    }
    order_by(&mut sql, keys, ids);
    sql.push(" LIMIT ");
    sql.bind(Parameter::Integer(bounded(query.limit).saturating_add(1)));
    sql.push(" OFFSET ");
    sql.bind(Parameter::Integer(bounded(query.skip)));
    if ids_first {
        sql.push(")");
        order_by(&mut sql, keys, ids);
    }
    sql
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

fn bounded(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Reads a page, and its end if rows follow.
fn read_page<F: Copy, T>(
    statement: &mut rusqlite::Statement<'_>,
    collection: &Collection<F, T>,
    parameters: &[Parameter],
    limit: usize,
    keys: &[OrderKey<F>],
) -> Result<Listed<T>, Fault> {
    let id_index = statement.column_index("id")?;
    let first_key = statement.column_count() - keys.len();
    let mut found = statement.query(params_from_iter(parameters))?;
    let mut rows = Vec::new();
    let mut end = None;
    while let Some(row) = found.next()? {
        if rows.len() == limit {
            // A page of no rows has no end to go on from.
            return Ok(Listed { rows, next: end });
        }
        rows.push((collection.read)(row)?);
        if rows.len() == limit {
            let mut values = Vec::with_capacity(keys.len());
            for (index, key) in keys.iter().enumerate() {
                values.push(key_value(row, first_key + index, key.property.kind)?);
            }
            end = Some(Position {
                keys: values,
                id: row::guid(row, id_index)?,
            });
        }
    }
    Ok(Listed { rows, next: None })
}

/// Reads the value of an order's key.
fn key_value(row: &Row<'_>, index: usize, kind: Kind) -> Result<Value<'static>, Fault> {
    Ok(match (row.get(index)?, kind) {
        (SqlValue::Null, _) => Value::Null,
        (SqlValue::Text(text), _) => Value::Text(text.into()),
        (SqlValue::Integer(number), Kind::Boolean) => Value::Boolean(number != 0),
        (SqlValue::Integer(number), Kind::DateTimeOffset) => {
            Value::Instant(row::timestamp(number)?)
        }
        (SqlValue::Integer(number), Kind::Enum(_)) => Value::Enum(
            i32::try_from(number).map_err(|_| row::corrupt("a member of an enumeration"))?,
        ),
        (SqlValue::Integer(number), _) => Value::Integer(number),
        (SqlValue::Blob(bytes), Kind::Guid) => {
            Value::Guid(Uuid::from_slice(&bytes).map_err(|_| row::corrupt("a GUID"))?)
        }
        (SqlValue::Blob(_) | SqlValue::Real(_), _) => {
            return Err(row::corrupt("a value that no property has"));
        }
    })
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqlValue::Null),
            Self::Boolean(truth) => ToSqlOutput::Owned(SqlValue::Integer(i64::from(*truth))),
            Self::Integer(number) => ToSqlOutput::Owned(SqlValue::Integer(*number)),
            Self::Text(text) => text.as_str().to_sql()?,
            Self::Guid(id) => id.as_bytes().as_slice().to_sql()?,
            Self::List(items) => ToSqlOutput::Owned(SqlValue::Text(json_array(items))),
        })
    }
}

/// A list as `json_each` takes it apart.
fn json_array(items: &[Parameter]) -> String {
    let items = items.iter().map(|item| match item {
        Parameter::Integer(number) => serde_json::Value::from(*number),
        Parameter::Text(text) => serde_json::Value::from(text.as_str()),
        Parameter::Guid(id) => serde_json::Value::from(id.simple().to_string()),
        Parameter::Boolean(truth) => serde_json::Value::from(*truth),
        Parameter::Null | Parameter::List(_) => serde_json::Value::Null,
    });
    serde_json::Value::Array(items.collect()).to_string()
}
