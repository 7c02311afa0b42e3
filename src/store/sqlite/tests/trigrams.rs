//! The trigrams of serial numbers find what going through all rows finds, whatever rows have come,
//! changed and gone, and however far behind the index is.

use odata::{Condition, parse_filter};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::{collection::page, devices, imports, open, search};
use crate::{
    domain::{assignment::Plan, device::DeviceId},
    store::operation::Query,
    testing::{CONTOSO, FABRIKAM, version::Version, vocabulary},
};

/// What happens to a table.
#[derive(Clone, Debug)]
enum Step {
    Insert(Option<String>),
    /// The row at this place, counted around, gets another serial number.
    Change(usize, Option<String>),
    /// The row at this place, counted around, goes; the last one's number may be given out again.
    Delete(usize),
    CatchUp,
    Ask(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few letters, so that trigrams are shared; both cases, a quote, and one beyond the basic plane.
    let text = || "[aAbé\"😀]{0,7}";
    let serial = || prop_oneof![1 => Just(None), 8 => text().prop_map(Some)];
    let filter = (
        prop::sample::select(vec![
            "contains(serialNumber,'{}')",
            "startswith(serialNumber,'{}')",
            "endswith(serialNumber,'{}')",
            "serialNumber eq '{}'",
            "serialNumber in ('{}','aaa')",
            "contains(tolower(serialNumber),'{}') and groupTag eq 'x'",
            "contains(toupper(serialNumber),'{}') or serialNumber eq 'AAA'",
            "not contains(serialNumber,'{}')",
            "groupTag eq 'x' and contains(serialNumber,'{}')",
        ]),
        "[aAbé\"😀]{1,5}",
    );
    let step = prop_oneof![
        6 => serial().prop_map(Step::Insert),
        2 => (any::<usize>(), serial()).prop_map(|(place, serial)| Step::Change(place, serial)),
        3 => any::<usize>().prop_map(Step::Delete),
        2 => Just(Step::CatchUp),
        4 => filter.prop_map(|(form, part)| Step::Ask(form.replace("{}", &part))),
    ];
    vec(step, 1..40)
}

/// What a row has: its id and serial number.
type Rows = Vec<(Uuid, Option<String>)>;

/// A table under test.
struct Table {
    insert: fn(&Connection, Uuid, Option<&str>),
    change: fn(&Connection, Uuid, Option<&str>),
    delete: &'static str,
    ask: fn(&Connection, &str) -> Vec<Uuid>,
    /// What an absent serial number is.
    absent: Option<&'static str>,
}

const IMPORTS: Table = Table {
    insert: |connection, id, serial| {
        for tenant in [CONTOSO, FABRIKAM] {
            connection
                .execute(
                    "INSERT INTO import (tenant, id, call, accepted_at, serial_number, group_tag)
                     VALUES (?1, ?2, ?2, 0, ?3, 'x')",
                    params![tenant.0.as_bytes(), id.as_bytes(), serial],
                )
                .unwrap();
        }
    },
    change: |connection, id, serial| {
        connection
            .execute(
                "UPDATE import SET serial_number = ?2 WHERE id = ?1",
                params![id.as_bytes(), serial],
            )
            .unwrap();
    },
    delete: "DELETE FROM import WHERE id = ?1",
    ask: |connection, filter| {
        let vocabulary = vocabulary::imports(Version::Beta);
        let query = query(parse_filter(filter, vocabulary, &[]).unwrap());
        let page = page(
            connection,
            &imports::COLLECTION,
            CONTOSO,
            &query,
            Plan::default(),
        )
        .unwrap();
        page.rows.iter().map(|row| row.id.0).collect()
    },
    absent: None,
};

const DEVICES: Table = Table {
    insert: |connection, id, serial| {
        for tenant in [CONTOSO, FABRIKAM] {
            connection
                .execute(
                    "INSERT INTO device (tenant, id, ledger_entry, registered_at, group_tag,
                        serial_number, product_key, manufacturer, model, sku_number,
                        system_family, user_principal_name)
                     VALUES (?1, ?2, ?3, 0, 'x', ?4, '', '', '', '', '', '')",
                    params![
                        tenant.0.as_bytes(),
                        id.as_bytes(),
                        Uuid::new_v4().as_bytes(),
                        serial
                    ],
                )
                .unwrap();
            search::DeviceNotes::prepare(connection)
                .unwrap()
                .note(tenant, DeviceId(id), serial.unwrap())
                .unwrap();
        }
    },
    change: |connection, id, serial| {
        connection
            .execute(
                "UPDATE device SET serial_number = ?2 WHERE id = ?1",
                params![id.as_bytes(), serial],
            )
            .unwrap();
    },
    delete: "DELETE FROM device WHERE id = ?1",
    ask: |connection, filter| {
        let vocabulary = vocabulary::devices(Version::Beta);
        let query = query(parse_filter(filter, vocabulary, &[]).unwrap());
        let page = page(
            connection,
            &devices::COLLECTION,
            CONTOSO,
            &query,
            Plan::default(),
        )
        .unwrap();
        page.rows.iter().map(|row| row.id.0).collect()
    },
    absent: Some(""),
};

fn query<F>(filter: Condition<F>) -> Query<F> {
    Query {
        filter: Some(filter),
        ..Query::all(1_000)
    }
}

/// What a filter finds by the evaluator, in the order of the ids.
fn expected(rows: &Rows, filter: &str) -> Vec<Uuid> {
    use crate::domain::field::ImportField;
    use odata::Value;

    let filter = parse_filter(filter, vocabulary::imports(Version::Beta), &[]).unwrap();
    let taken = rows.iter().filter(|(_, serial)| {
        odata::matches(&filter, &|field| match field {
            ImportField::SerialNumber => match serial {
                Some(text) => Value::Text(text.into()),
                None => Value::Null,
            },
            ImportField::GroupTag => Value::Text("x".into()),
            _ => Value::Null,
        })
    });
    let mut ids: Vec<_> = taken.map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

fn hold(table: &Table) {
    let connection = Connection::open_in_memory().unwrap();
    open::make_schema(&connection).unwrap();
    let config = Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        // It is rolled back at the end, and leaves nothing behind.
        let transaction = connection.unchecked_transaction().unwrap();
        let mut rows: Rows = Vec::new();
        let known = |serial: &Option<String>| {
            let absent = || table.absent.map(str::to_owned);
            serial.clone().or_else(absent)
        };
        for step in &steps {
            let place = |place: usize, rows: &Rows| place.checked_rem(rows.len());
            match step {
                Step::Insert(serial) => {
                    let (id, serial) = (Uuid::new_v4(), known(serial));
                    (table.insert)(&transaction, id, serial.as_deref());
                    rows.push((id, serial));
                }
                Step::Change(at, serial) => {
                    if let Some(at) = place(*at, &rows) {
                        rows[at].1 = known(serial);
                        (table.change)(&transaction, rows[at].0, rows[at].1.as_deref());
                    }
                }
                Step::Delete(at) => {
                    if let Some(at) = place(*at, &rows) {
                        let (id, _) = rows.remove(at);
                        transaction.execute(table.delete, [id.as_bytes()]).unwrap();
                    }
                }
                Step::CatchUp => while search::catch_up(&transaction, 0).unwrap() {},
                Step::Ask(filter) => {
                    let met = (table.ask)(&transaction, filter);
                    prop_assert_eq!(met, expected(&rows, filter), "{}", filter);
                }
            }
        }
        Ok(())
    });
    outcome.expect("the index finds every row");
}

#[test]
fn imports_are_found() {
    hold(&IMPORTS);
}

#[test]
fn devices_are_found() {
    hold(&DEVICES);
}
