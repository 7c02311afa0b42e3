//! Walks over all pages while rows come and go: what stood throughout is met exactly once, and
//! nothing is met twice.

use std::collections::BTreeSet;

use hangar::testing::TestAnswer;
use http::Method;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::harness::{DEVICES, House, IMPORTS, WRITE, id_of, ids_of, string, text};

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Event {
    /// A row comes, with this id where the client may choose it.
    Insert(u128),
    /// The row at this place, counted around, goes.
    Delete(usize),
}

#[derive(Clone, Debug)]
struct Walk {
    rows: BTreeSet<u128>,
    page_size: usize,
    between: Vec<Vec<Event>>,
}

fn walks() -> impl Strategy<Value = Walk> {
    // Few bits, so that ids come before, between and after those that stand, and go and return.
    let id = (1_u128..64).prop_map(|bits| bits << 90);
    let event = prop_oneof![
        id.clone().prop_map(Event::Insert),
        (0_usize..64).prop_map(Event::Delete),
    ];
    let between = prop::collection::vec(prop::collection::vec(event, 0..3), 0..8);
    (prop::collection::btree_set(id, 0..10), 1_usize..4, between).prop_map(
        |(rows, page_size, between)| Walk {
            rows,
            page_size,
            between,
        },
    )
}

/// A collection of a tenant of its own.
struct Collection<'h> {
    house: &'h House,
    set: &'static str,
    token: String,
}

impl Collection<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> TestAnswer {
        let mut ask = self.house.ask(method, path).token(&self.token);
        if let Some(body) = body {
            ask = ask.json(body);
        }
        ask.send().await
    }

    /// Adds a row and answers its id, if it is new.
    async fn insert(&self, id: u128) -> Option<String> {
        if self.set == IMPORTS {
            let body = json!({ "id": Uuid::from_u128(id).to_string() });
            let answer = self.ask(Method::POST, IMPORTS, Some(&body)).await;
            return (answer.status == 201).then(|| id_of(&answer));
        }
        // A device's id is the server's, and every toy another device.
        let toy = json!({
            "hardwareIdentifier": "aGE=",
            "serialNumber": Uuid::new_v4().to_string(),
        });
        let answer = self.ask(Method::POST, IMPORTS, Some(&toy)).await;
        self.house.api.settle().await;
        let state = self.house.state(&self.token, &id_of(&answer)).await;
        Some(string(&state["deviceRegistrationId"]))
    }

    async fn delete(&self, id: &str) {
        let path = format!("{}/{id}", self.set);
        assert_eq!(self.ask(Method::DELETE, &path, None).await.status, 204);
    }
}

async fn walk(collection: &Collection<'_>, plan: &Walk) -> Result<(), TestCaseError> {
    let mut present = BTreeSet::new();
    for id in &plan.rows {
        present.extend(collection.insert(*id).await);
    }
    let mut standing = present.clone();
    let mut met = Vec::new();
    let mut events = plan.between.iter();
    let mut next = Some(format!("{}?$top={}", collection.set, plan.page_size));
    let mut pages = 0;
    while let Some(page) = next {
        let path = page.strip_prefix("http://127.0.0.1:8080").unwrap_or(&page);
        let answer = collection.ask(Method::GET, path, None).await;
        prop_assert_eq!(answer.status, 200, "{}", text(&answer));
        let ids = ids_of(&answer);
        prop_assert!(ids.len() <= plan.page_size);
        met.extend(ids);
        next = answer.json().get("@odata.nextLink").map(string);
        pages += 1;
        prop_assert!(pages < 64, "the links do not end");
        for event in events.next().into_iter().flatten() {
            match event {
                Event::Insert(id) => present.extend(collection.insert(*id).await),
                Event::Delete(place) => {
                    let around = place % present.len().max(1);
                    let Some(id) = present.iter().nth(around).cloned() else {
                        continue;
                    };
                    collection.delete(&id).await;
                    standing.remove(&id);
                    present.remove(&id);
                }
            }
        }
    }
    let once: BTreeSet<_> = met.iter().cloned().collect();
    prop_assert_eq!(once.len(), met.len(), "a row was met twice: {:?}", met);
    prop_assert!(met.is_sorted());
    prop_assert!(
        standing.is_subset(&once),
        "{:?} were missed",
        standing.difference(&once)
    );
    Ok(())
}

fn walk_everywhere(set: &'static str, cases: u32) {
    let runtime = Runtime::new().expect("a runtime");
    let house = runtime.block_on(async { House::lenient() });
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&walks(), |plan| {
        let collection = Collection {
            house: &house,
            set,
            token: house.user_token(Uuid::new_v4(), WRITE),
        };
        runtime.block_on(walk(&collection, &plan))
    });
    outcome.expect("every row is met once");
}

#[test]
fn imports_that_stand_are_met_once() {
    walk_everywhere(IMPORTS, 48);
}

#[test]
fn devices_that_stand_are_met_once() {
    walk_everywhere(DEVICES, 24);
}
