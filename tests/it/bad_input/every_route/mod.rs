//! Every operation of the route table with every fault that its own description allows: a clear
//! refusal each, and nothing in the store is another than before.
//!
//! Nothing here names an operation's properties or options: they are read from `openapi.json`, so that
//! a new route or property is asked by itself. What exactly a refusal says is in the tests of its room.

mod around;
mod batches;
mod bodies;
mod faults;
mod options;
mod store;

use std::cell::RefCell;

use hangar::{
    graph::behavior::Behavior,
    http::router::{Operation, ROUTES, Route},
    testing::{TestAnswer, TestOptions},
};
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use self::store::Contents;
use crate::{
    coverage::{Case, Rows, case, path_of, versions_of},
    harness::{Ask, House, VERSIONS, group_target, text},
};

/// What a fault may be answered where the client is at fault.
const BAD: &[u16] = &[400];

/// A tenant with two rows of each kind and another with one of each, watched.
struct Ground {
    house: House,
    rows: Rows,
    /// The other tenant's.
    foreign: Rows,
    behavior: Behavior,
    /// The description of each version.
    documents: Vec<(&'static str, Value)>,
    contents: RefCell<Contents>,
    /// What was not as it should be.
    failures: RefCell<Vec<String>>,
    asked: RefCell<usize>,
}

impl Ground {
    async fn new(behavior: Behavior) -> Self {
        let house = House::with(TestOptions {
            behavior,
            ..TestOptions::default()
        });
        let rows = Rows::new(&house, &house.contoso, 1).await;
        let more = Rows::new(&house, &house.contoso, 2).await;
        let foreign = Rows::new(&house, &house.fabrikam, 3).await;
        for (path, body, status) in [
            (
                path_to(Operation::CreateUploadImport, &[&rows.upload]),
                serde_json::json!({}),
                201,
            ),
            (
                path_to(Operation::AssignProfile, &[&rows.profile]),
                serde_json::json!({ "deviceIds": [rows.device, more.device] }),
                204,
            ),
            (
                path_to(Operation::CreateAssignment, &[&rows.profile]),
                group_target(Uuid::from_u128(12)),
                201,
            ),
        ] {
            let answer = house.post(&path, &body).await;
            assert_eq!(answer.status, status, "{}", text(&answer));
        }
        house.api.settle().await;
        let mut documents = Vec::new();
        for version in VERSIONS {
            let answer = house.get(&format!("/{version}/openapi.json")).await;
            documents.push((version, answer.json()));
        }
        let contents = Contents::of(&house);
        Self {
            house,
            rows,
            foreign,
            behavior,
            documents,
            contents: RefCell::new(contents),
            failures: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    fn document(&self, version: &str) -> &Value {
        let mut documents = self.documents.iter();
        let (_, document) = documents.find(|(name, _)| *name == version).unwrap();
        document
    }

    fn case(&self, route: &Route) -> Case {
        case(route.operation, &self.rows)
    }

    /// A request for an operation, with the keys of a good one.
    fn ask(&self, route: &Route, version: &str, query: &str) -> Ask<'_> {
        let path = path_of(route, version, &self.case(route).keys);
        self.house
            .ask(route.method.clone(), &format!("{path}{query}"))
    }

    /// Whether the behaviour has an operation at all.
    fn offers(&self, operation: Operation) -> bool {
        self.behavior == Behavior::Documented
            || !matches!(
                operation,
                Operation::UpdateImport
                    | Operation::UpdateUploadImport
                    | Operation::CreateDevice
                    | Operation::UpdateDevice
            )
    }

    /// Sends what is to be refused with one of these statuses.
    async fn refuses(&self, case: &str, ask: Ask<'_>, statuses: &[u16]) {
        let answer = ask.send().await;
        self.judge(case, &answer, statuses);
    }

    fn judge(&self, case: &str, answer: &TestAnswer, statuses: &[u16]) {
        *self.asked.borrow_mut() += 1;
        let mut failures = self.failures.borrow_mut();
        let case: String = case.chars().take(200).collect();
        let status = answer.status.as_u16();
        if !statuses.contains(&status) {
            failures.push(format!("{case}: {status} {:.200}", text(answer)));
        } else if status >= 400
            && let Some(fault) = unclear(answer)
        {
            failures.push(format!("{case}: {fault}"));
        }
        if self.contents.borrow_mut().have_changed() {
            failures.push(format!("{case}: {status}, and something was written"));
        }
    }

    /// Fails where anything was not as it should be, or hardly anything was asked.
    #[track_caller]
    fn close(self, at_least: usize) {
        let failures = self.failures.into_inner();
        let asked = self.asked.into_inner();
        assert!(
            failures.is_empty(),
            "{} of {asked}:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(asked >= at_least, "no more than {asked} were asked");
    }
}

/// What is missing in a refusal, if anything is.
fn unclear(answer: &TestAnswer) -> Option<String> {
    if answer.header("content-type") != Some("application/json") {
        return Some("the error is no JSON".to_owned());
    }
    let body = answer.json();
    let error = &body["error"];
    for part in [
        &error["code"],
        &error["message"],
        &error["innerError"]["date"],
        &error["innerError"]["request-id"],
        &error["innerError"]["client-request-id"],
    ] {
        if part.as_str().is_none_or(str::is_empty) {
            return Some(format!("something is missing in {}", text(answer)));
        }
    }
    None
}

/// Every route in every version that has it.
fn calls() -> impl Iterator<Item = (&'static Route, &'static str)> {
    ROUTES.iter().flat_map(|route| {
        let versions = versions_of(route).into_iter();
        versions.map(move |version| (route, version))
    })
}

/// The address of an operation in beta.
fn path_to(operation: Operation, keys: &[&str]) -> String {
    let mut routes = ROUTES.iter();
    let route = routes.find(|route| route.operation == operation).unwrap();
    let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
    path_of(route, "beta", &keys)
}

fn named(route: &Route, version: &str) -> String {
    format!("{} {version}/{}", route.method, route.path)
}

/// Both behaviours.
const BEHAVIORS: [Behavior; 2] = [Behavior::Documented, Behavior::Observed];

/// The methods that HTTP knows, and one that nobody does.
fn methods() -> Vec<Method> {
    let odd = Method::from_bytes(b"BREW").unwrap();
    vec![
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        odd,
    ]
}
