//! Lists that are short enough to be held in memory whole: which of their rows a query takes, in its
//! order. Long ones are the store's.

use odata::{Direction, Kind, Order, OrderKey, Property, Value, Vocabulary, matches};
use uuid::Uuid;

use crate::store::operation::{Listed, Position, Query};

/// What a query takes of a list.
pub struct Taken<T> {
    /// How many rows the filter takes.
    pub count: u64,
    /// The page.
    pub page: Listed<T>,
}

/// Takes what a query asks of a list's rows. `key` is the path of what tells every row from every
/// other, by which rows are ordered last; `value_of` gives a field's value, of this kind.
pub fn take<T, F, V>(
    mut rows: Vec<T>,
    query: &Query<F>,
    vocabulary: &Vocabulary<F>,
    key: &str,
    value_of: V,
) -> Taken<T>
where
    F: Copy + PartialEq,
    V: for<'r> Fn(&'r T, F, Kind) -> Value<'r>,
{
    let kind = |field: F| {
        let mut properties = vocabulary.properties().iter();
        let found = properties.find(|property| property.field == field);
        found.map_or(Kind::Opaque, |property| property.kind)
    };
    let order = total(query, vocabulary.get(key).copied());
    if let Some(filter) = &query.filter {
        rows.retain(|row| matches(filter, &|field| value_of(row, field, kind(field))));
    }
    let count = rows.len() as u64;
    rows.sort_by(|one, other| {
        order.compare(&|field| value_of(one, field, kind(field)), &|field| {
            value_of(other, field, kind(field))
        })
    });
    if let Some(end) = &query.after {
        let end = |field| {
            let mut keys = order.keys.iter().zip(&end.keys);
            let found = keys.find(|(key, _)| key.property.field == field);
            found.map_or(Value::Null, |(_, value)| value.clone())
        };
        rows.retain(|row| {
            order
                .compare(&|field| value_of(row, field, kind(field)), &end)
                .is_gt()
        });
    }
    let skipped = usize::try_from(query.skip)
        .unwrap_or(usize::MAX)
        .min(rows.len());
    rows.drain(..skipped);
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    // A page of no rows has no end to go on from.
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| {
        let values = order
            .keys
            .iter()
            .map(|key| owned(value_of(row, key.property.field, kind(key.property.field))));
        Position {
            keys: values.collect(),
            id: Uuid::nil(),
        }
    });
    Taken {
        count,
        page: Listed { rows, next },
    }
}

/// The order that is asked, and at last that of the key.
fn total<F: Copy + PartialEq>(query: &Query<F>, key: Option<Property<F>>) -> Order<F> {
    let mut keys = query.order.clone();
    let is_there = |field: F| query.order.iter().any(|key| key.property.field == field);
    if let Some(property) = key.filter(|property| !is_there(property.field)) {
        keys.push(OrderKey {
            property,
            direction: Direction::Ascending,
        });
    }
    Order { keys }
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Boolean(truth) => Value::Boolean(truth),
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::Integer(number) => Value::Integer(number),
        Value::Instant(instant) => Value::Instant(instant),
        Value::Date(day) => Value::Date(day),
        Value::Time(time) => Value::Time(time),
        Value::Guid(id) => Value::Guid(id),
        Value::Enum(number) => Value::Enum(number),
    }
}

#[cfg(test)]
mod tests {
    use odata::{parse_filter, parse_order};

    use super::*;

    type Row = (i64, Option<&'static str>);

    fn vocabulary() -> Vocabulary<u8> {
        Vocabulary::new("test")
            .property(Property::new("id", 0, Kind::Integer).required())
            .property(Property::new("text", 1, Kind::String))
    }

    fn value(row: &Row, field: u8, _: Kind) -> Value<'_> {
        match (field, row.1) {
            (0, _) => Value::Integer(row.0),
            (_, Some(text)) => Value::Text(text.into()),
            (_, None) => Value::Null,
        }
    }

    /// The ids of all pages, and how many rows each page said that there are.
    fn walk(filter: &str, order: &str, limit: usize) -> (Vec<i64>, u64) {
        let rows = vec![
            (3, Some("b")),
            (1, None),
            (2, Some("a")),
            (5, Some("b")),
            (4, None),
        ];
        let vocabulary = vocabulary();
        let mut query = Query::all(limit);
        if !filter.is_empty() {
            query.filter = Some(parse_filter(filter, &vocabulary, &[]).unwrap());
        }
        if !order.is_empty() {
            query.order = parse_order(order, &vocabulary).unwrap().keys;
        }
        let mut ids = Vec::new();
        loop {
            let taken = take(rows.clone(), &query, &vocabulary, "id", value);
            assert!(taken.page.rows.len() <= limit);
            ids.extend(taken.page.rows.iter().map(|row| row.0));
            query.after = taken.page.next;
            if query.after.is_none() {
                return (ids, taken.count);
            }
        }
    }

    #[test]
    fn every_row_is_met_once_in_any_order_and_size_of_page() {
        for limit in 1..7 {
            assert_eq!(walk("", "", limit), (vec![1, 2, 3, 4, 5], 5));
            assert_eq!(walk("", "id desc", limit), (vec![5, 4, 3, 2, 1], 5));
            assert_eq!(walk("", "text", limit), (vec![1, 4, 2, 3, 5], 5));
            assert_eq!(
                walk("", "text desc,id desc", limit),
                (vec![5, 3, 2, 4, 1], 5)
            );
            assert_eq!(walk("text eq null", "id desc", limit), (vec![4, 1], 2));
            assert_eq!(walk("text gt 'z'", "", limit), (vec![], 0));
        }
    }

    #[test]
    fn a_page_of_no_rows_has_no_end_and_what_is_skipped_is_not_met() {
        let take = |skip, limit| {
            let rows = vec![(1, None), (2, None), (3, None)];
            let query = Query {
                skip,
                ..Query::all(limit)
            };
            let taken = take(rows, &query, &vocabulary(), "id", value);
            let ids: Vec<_> = taken.page.rows.iter().map(|row| row.0).collect();
            (ids, taken.page.next.is_some(), taken.count)
        };
        assert_eq!(take(0, 0), (vec![], false, 3));
        assert_eq!(take(1, 1), (vec![2], true, 3));
        assert_eq!(take(1, 2), (vec![2, 3], false, 3));
        assert_eq!(take(u64::MAX, 2), (vec![], false, 3));
    }
}
