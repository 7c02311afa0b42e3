//! Lists, page by page.

use std::collections::BTreeSet;

use hardware_hash::Builder;
use odata::{parse_filter, testing::orders};
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::{Strategy, any},
    sample::Index,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use uuid::Uuid;

use crate::{
    domain::{assignment::Plan, import::ImportProperties, tenant::TenantId},
    store::operation::{Position, Query},
    testing::{
        CONTOSO, FABRIKAM, import_of,
        version::Version,
        vocabulary,
        workbench::{Workbench, at, import_id, whole},
    },
};

super::cases![
    a_slice_is_cut_from_the_list_in_id_order,
    devices_are_listed_as_imports_are,
    pages_make_up_the_list_while_it_changes,
    sorted_pages_meet_what_stands_once,
];

/// The numbers of the ids that a slice of CONTOSO's imports holds, and whether more follow.
async fn cut(bench: &Workbench, after: u128, skip: u64, limit: usize) -> (Vec<u128>, bool) {
    let query = Query {
        after: (after > 0).then(|| Position {
            keys: Vec::new(),
            id: Uuid::from_u128(after),
        }),
        skip,
        ..Query::all(limit)
    };
    let page = bench.store.list_imports(CONTOSO, query).await.unwrap();
    let numbers: Vec<_> = page.rows.iter().map(|row| row.id.0.as_u128()).collect();
    let end = page.next.as_ref().map(|end| end.id.as_u128());
    assert!(end.is_none() || end == numbers.last().copied());
    (numbers, page.next.is_some())
}

async fn create(bench: &Workbench, tenant: TenantId, numbers: impl IntoIterator<Item = u128>) {
    let row = |number| (import_id(number), ImportProperties::default());
    let rows = numbers.into_iter().map(row).collect();
    bench.create(tenant, rows, at(0)).await.unwrap();
}

async fn a_slice_is_cut_from_the_list_in_id_order(bench: Workbench) {
    assert_eq!(cut(&bench, 0, 0, 5).await, (vec![], false));
    create(&bench, CONTOSO, [50, 20, 40, u128::MAX, 30]).await;
    create(&bench, FABRIKAM, [25, 45]).await;
    let whole = [20, 30, 40, 50, u128::MAX];
    for after in [0, 10, 20, 35, 50, u128::MAX] {
        for skip in [0, 1, 4, 5, 100] {
            for limit in [0, 1, 2, 4, 5, 6, 1000] {
                let rest = || whole.iter().filter(|id| **id > after).skip(skip);
                let expected: Vec<u128> = rest().take(limit).copied().collect();
                // A page of no rows has no end to go on from.
                let more = limit > 0 && rest().count() > limit;
                assert_eq!(
                    cut(&bench, after, skip as u64, limit).await,
                    (expected, more),
                    "after {after}, skip {skip}, limit {limit}"
                );
            }
        }
    }
    assert_eq!(cut(&bench, 0, u64::MAX, 5).await, (vec![], false));
    assert_eq!(bench.store.count_imports(CONTOSO, None).await, Ok(5));
}

async fn devices_are_listed_as_imports_are(bench: Workbench) {
    for seed in 1..=7 {
        bench.accept(CONTOSO, import_of(&Builder::new(seed))).await;
    }
    bench.settle_all().await;
    let all = bench.devices(CONTOSO).await;
    assert_eq!(all.len(), 7);
    assert!(all.is_sorted_by_key(|device| device.id));
    assert_eq!(
        bench
            .store
            .count_devices(CONTOSO, None, Plan::default())
            .await,
        Ok(7)
    );

    let mut paged = Vec::new();
    let mut query = Query::all(3);
    loop {
        let page = bench
            .store
            .list_devices(CONTOSO, query.clone(), Plan::default())
            .await;
        let page = page.unwrap();
        paged.extend(page.rows);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let query = Query { skip: 5, ..whole() };
    let page = bench
        .store
        .list_devices(CONTOSO, query, Plan::default())
        .await
        .unwrap();
    assert_eq!(page.rows, all[5..]);
}

/// A property, over invented lists: whatever comes and goes between two pages, they show each row
/// that stood all the time once, no row twice, and all in order.
async fn pages_make_up_the_list_while_it_changes(bench: Workbench) {
    let number = || 1..u128::from(u16::MAX);
    let lists = (
        btree_set(number(), 0..60),
        1..12_usize,
        vec((vec(number(), 0..4), vec(any::<Index>(), 0..3)), 60),
    );
    let mut runner = TestRunner::deterministic();
    for round in 0..24 {
        let (first, limit, meanwhile) = lists.new_tree(&mut runner).unwrap().current();
        let tenant = TenantId(Uuid::from_u128(0xA000 + round));
        let mut standing = first.clone();
        let mut present = first.clone();
        create(&bench, tenant, first).await;
        let mut shown = Vec::new();
        let mut after = None;
        for (arrivals, departures) in meanwhile {
            let query = Query {
                after,
                ..Query::all(limit)
            };
            let page = bench.store.list_imports(tenant, query).await.unwrap();
            assert!(
                page.rows.len() == limit || page.next.is_none(),
                "a page is full"
            );
            shown.extend(page.rows.iter().map(|import| import.id.0.as_u128()));
            after = page.next;
            if after.is_none() {
                break;
            }
            let arrivals: BTreeSet<_> = arrivals.into_iter().collect();
            let arrivals: Vec<_> = arrivals.difference(&present).copied().collect();
            present.extend(&arrivals);
            create(&bench, tenant, arrivals).await;
            for departure in departures {
                let ids: Vec<_> = present.iter().copied().collect();
                if ids.is_empty() {
                    break;
                }
                let id = *departure.get(&ids);
                present.remove(&id);
                standing.remove(&id);
                assert!(bench.delete(tenant, import_id(id)).await);
            }
        }
        assert!(shown.is_sorted_by(|one, next| one < next), "{shown:?}");
        let shown = BTreeSet::from_iter(shown);
        assert!(shown.is_superset(&standing), "{shown:?} {standing:?}");
    }
}

/// A property, over invented lists, orders and filters: a row that stands throughout is met exactly
/// once, whatever comes and goes between two pages.
async fn sorted_pages_meet_what_stands_once(bench: Workbench) {
    let vocabulary = vocabulary::imports(Version::Beta);
    let properties = || {
        let text = || option::of("[aAbé]{0,2}");
        (text(), text(), text()).prop_map(|(group_tag, serial_number, product_key)| {
            ImportProperties {
                group_tag,
                serial_number,
                product_key,
                ..ImportProperties::default()
            }
        })
    };
    let lists = (
        vec(properties(), 0..30),
        orders(vocabulary),
        1..6_usize,
        vec((vec(properties(), 0..4), vec(any::<Index>(), 0..3)), 40),
    );
    let mut runner = TestRunner::deterministic();
    for round in 0..32_u32 {
        let (first, order, limit, meanwhile) = lists.new_tree(&mut runner).unwrap().current();
        let tenant = TenantId(Uuid::new_v4());
        let filter = (round % 2 == 0).then(|| {
            let text = "serialNumber ne 'a' or length(groupTag) gt 0";
            parse_filter(text, vocabulary, &[]).unwrap()
        });
        let mut present = bench.accept_all(tenant, first).await;
        let everything = Query {
            filter: filter.clone(),
            ..whole()
        };
        let taken = bench.store.list_imports(tenant, everything).await.unwrap();
        let mut standing: BTreeSet<_> = taken.rows.iter().map(|import| import.id).collect();
        let mut query = Query {
            filter,
            order: order.keys.clone(),
            ..Query::all(limit)
        };
        let mut met = Vec::new();
        for (arrivals, departures) in meanwhile {
            let page = bench.store.list_imports(tenant, query.clone()).await;
            let page = page.unwrap();
            met.extend(page.rows.iter().map(|import| import.id));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
            if !arrivals.is_empty() {
                present.extend(bench.accept_all(tenant, arrivals).await);
            }
            for departure in departures {
                if present.is_empty() {
                    break;
                }
                let id = present.remove(departure.index(present.len()));
                standing.remove(&id);
                assert!(bench.delete(tenant, id).await);
            }
        }
        assert!(query.after.is_none(), "the pages end");
        let once: BTreeSet<_> = met.iter().copied().collect();
        assert_eq!(once.len(), met.len(), "a row was met twice, by {order}");
        assert!(once.is_superset(&standing), "a row was missed, by {order}");
    }
}
