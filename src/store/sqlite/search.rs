//! The way to a query's rows: which index narrows them down, if any does.
//!
//! A way only leaves out rows that the filter does not take; the filter itself is always applied as
//! well. How the trigrams are kept is in `trigrams`.

mod narrowing;
mod trigrams;

use narrowing::TRIGRAMS_OF_A_TEXT;
use odata::Condition;
use rusqlite::{Connection, params_from_iter};

use super::{collection::Within, fault::Fault};
use crate::{
    domain::tenant::TenantId,
    store::filter_sql::{Column, Dialect, Parameter, Statement},
};
pub(super) use trigrams::{BUSY, DeviceNotes, IDLE, catch_up, catch_up_alone};

/// So many rows are looked up one by one. Where an index finds more, the rows that a page needs are
/// met soon enough by going through all in their order.
const FEW: i64 = 4096;

/// What a collection can be searched by.
pub(super) struct Search<F: 'static> {
    /// Whether a field is the serial number.
    pub(super) is_serial: fn(F) -> bool,
    /// The index over tenant, id and serial number.
    pub(super) by_serial: &'static str,
    /// Whether the rows that the index leaves out are not read for the rest of a filter. In a table
    /// without rowids each is.
    pub(super) reads_late: bool,
    /// The trigrams of serial numbers.
    pub(super) trigrams: Candidates,
    /// What else a condition tells, of those that all hold.
    pub(super) hint: fn(&Condition<F>) -> Option<Hint>,
}

/// A statement that finds more rows than a filter takes, and none too few.
#[derive(Clone, Copy)]
pub(super) struct Candidates {
    /// Finds their keys, as one column named `candidate`. `:tenant` stands for the tenant, `:match`
    /// for the trigrams.
    pub(super) keys: &'static str,
    /// Finds as many rows, or nearly: to see how many there are.
    pub(super) probe: &'static str,
    /// Which rows of the collection's table have these keys.
    pub(super) join: &'static str,
}

/// What a condition tells of where its rows are.
pub(super) enum Hint {
    /// In a partial index, under this condition.
    Partial {
        /// The index.
        index: &'static str,
        /// The index's own condition.
        condition: &'static str,
    },
    /// Among these.
    Among(Candidates),
}

/// The way to the rows of a query.
pub(super) enum Way {
    /// Whatever the database thinks best.
    Any,
    /// Through an index, and under its own condition.
    Index(&'static str, Option<&'static str>),
    /// Through an index of what belongs to one thing.
    Within(Within),
    /// By looking up what these find.
    Lookup(Candidates, Option<String>),
}

/// Chooses the way to the rows that a filter takes.
pub(super) fn way<F: Copy>(
    connection: &Connection,
    search: &Search<F>,
    tenant: TenantId,
    filter: Option<&Condition<F>>,
) -> Result<Way, Fault> {
    let Some(filter) = filter else {
        return Ok(Way::Any);
    };
    let mut tried = None;
    for of_a_text in TRIGRAMS_OF_A_TEXT {
        let trigrams = narrowing::trigrams(filter, search.is_serial, of_a_text);
        let Some(trigrams) = trigrams.filter(|trigrams| tried.as_ref() != Some(trigrams)) else {
            break;
        };
        if are_few(connection, search.trigrams, tenant, Some(&trigrams))? {
            return Ok(Way::Lookup(search.trigrams, Some(trigrams)));
        }
        tried = Some(trigrams);
    }
    for condition in narrowing::conjuncts(filter) {
        match (search.hint)(condition) {
            Some(Hint::Partial { index, condition }) => {
                return Ok(Way::Index(index, Some(condition)));
            }
            Some(Hint::Among(candidates)) if are_few(connection, candidates, tenant, None)? => {
                return Ok(Way::Lookup(candidates, None));
            }
            Some(Hint::Among(_)) | None => {}
        }
    }
    let is_about = |condition: &&Condition<F>| narrowing::is_about(condition, search.is_serial);
    let conjuncts = narrowing::conjuncts(filter);
    let by_serial = if search.reads_late {
        conjuncts.iter().any(is_about)
    } else {
        conjuncts.iter().all(is_about)
    };
    Ok(if by_serial {
        Way::Index(search.by_serial, None)
    } else {
        Way::Any
    })
}

impl Way {
    /// Appends the tables that a statement reads, and all of `WHERE` but the filter.
    pub(super) fn from<F: Copy>(&self, sql: &mut Statement<F>, table: &str, tenant: TenantId) {
        sql.push(" FROM ");
        match self {
            Self::Any => sql.push(table),
            Self::Index(index, _) | Self::Within(Within { index, .. }) => {
                sql.push(table);
                sql.push(" INDEXED BY ");
                sql.push(index);
            }
            Self::Lookup(candidates, trigrams) => {
                sql.push("(");
                push_template(sql, candidates.keys, tenant, trigrams.as_deref());
                // The order of a cross join is kept: the candidates first.
                sql.push(") CROSS JOIN ");
                sql.push(table);
                sql.push(" ON ");
                push_template(sql, candidates.join, tenant, None);
            }
        }
        sql.push(" WHERE tenant = ");
        sql.bind(Parameter::Guid(tenant.0));
        match self {
            Self::Index(_, Some(condition)) => {
                sql.push(" AND ");
                sql.push(condition);
            }
            Self::Within(Within { column, key, .. }) => {
                sql.push(" AND ");
                sql.push(column);
                sql.push(" = ");
                sql.bind(Parameter::Guid(*key));
            }
            Self::Any | Self::Index(_, None) | Self::Lookup(..) => {}
        }
    }
}

/// Appends a statement of `Candidates`.
fn push_template<F: Copy>(
    sql: &mut Statement<F>,
    template: &str,
    tenant: TenantId,
    trigrams: Option<&str>,
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(':') {
        sql.push(before);
        rest = if let Some(after) = after.strip_prefix("tenant") {
            sql.bind(Parameter::Guid(tenant.0));
            after
        } else {
            let trigrams = trigrams.unwrap_or_default();
            sql.bind(Parameter::Text(trigrams.to_owned()));
            after.strip_prefix("match").unwrap_or(after)
        };
    }
    sql.push(rest);
}

fn are_few(
    connection: &Connection,
    candidates: Candidates,
    tenant: TenantId,
    trigrams: Option<&str>,
) -> Result<bool, Fault> {
    let mut sql = Statement::<()>::new(Dialect::Sqlite, |()| Column::required("id"));
    sql.push("SELECT count(*) FROM (");
    push_template(&mut sql, candidates.probe, tenant, trigrams);
    sql.push(" LIMIT ");
    sql.bind(Parameter::Integer(FEW + 1));
    sql.push(")");
    let (sql, parameters) = sql.finish();
    let mut statement = connection.prepare_cached(&sql)?;
    let found: i64 = statement.query_row(params_from_iter(&parameters), |row| row.get(0))?;
    Ok(found <= FEW)
}
